//! `<MBK slot id>`: where the master backup key is, and with it the crypto module.
//!
//! With `TW4S_PKCS11_LIBRARY` set at `init`, a slot is one of that library's: its number, or its token's label; the
//! user's PIN is in the file that `TW4S_PKCS11_PIN_FILE` names. Otherwise a slot is a file of the software module,
//! `slots/<id>` in the home, with at least 32 random bytes and mode 0600. What was chosen is kept beside the firmware's
//! state.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use program::secret;
use tw4s_firmware::{CryptoModule, MasterKey, Pkcs11Config, Pkcs11Module, SlotChoice, SoftwareModule};
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::home::Home;
use crate::instance::InstanceId;

/// A slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Of the software module.
    Software(InstanceId),
    /// Of an HSM.
    Pkcs11 {
        /// The vendor's library.
        library: PathBuf,
        /// Number or label.
        slot: String,
        /// The user's PIN is in it.
        pin_file: PathBuf,
    },
}

impl Slot {
    /// The one that `init` names, in this process' environment.
    pub(crate) fn named(text: &str) -> Result<Self, Failure> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let Some(library) = variable(LIBRARY) else {
            let id = text.parse().map_err(|_| Failure::text(format!("{text:?} is no slot of the software module")))?;
            return Ok(Self::Software(id));
        };
        let pin_file = variable(PIN_FILE).ok_or_else(|| Failure::usage(format!("{LIBRARY} needs {PIN_FILE}")))?;
        // The firmware process runs in another folder. A library's bare name is for the loader to find.
        let absolute = |path: PathBuf| std::path::absolute(path).map_err(Failure::doing("finding the HSM"));
        let library = if library.components().count() > 1 { absolute(library)? } else { library };
        let pin_file = absolute(pin_file)?;
        if [Path::new(text), &library, &pin_file].iter().any(|part| part.to_str().is_none_or(|it| it.contains('\n'))) {
            return Err(Failure::usage("the names of slot, library and PIN file are UTF-8 on one line each"));
        }
        Ok(Self::Pkcs11 { library, slot: text.to_owned(), pin_file })
    }

    /// The one that `init` chose.
    pub(crate) fn saved(home: &Home) -> Result<Self, Failure> {
        let path = home.firmware().folder.join(FILE);
        let text = fs::read_to_string(&path).map_err(Failure::doing("the firmware is not initialised"))?;
        let mut lines = text.lines();
        let bad = || Failure::text(format!("{} is damaged", path.display()));
        match (lines.next(), lines.next(), lines.next(), lines.next()) {
            (Some(SOFTWARE), Some(id), None, None) => Ok(Self::Software(id.parse().map_err(|_| bad())?)),
            (Some(PKCS11), Some(slot), Some(library), Some(pin_file)) => {
                Ok(Self::Pkcs11 { library: library.into(), slot: slot.to_owned(), pin_file: pin_file.into() })
            }
            _ => Err(bad()),
        }
    }

    /// Keeps the choice.
    pub(super) fn save(&self, home: &Home) -> Result<(), Failure> {
        let mut text = String::new();
        let written = match self {
            Self::Software(id) => writeln!(text, "{SOFTWARE}\n{id}"),
            Self::Pkcs11 { library, slot, pin_file } => {
                writeln!(text, "{PKCS11}\n{slot}\n{}\n{}", library.display(), pin_file.display())
            }
        };
        written.map_err(Failure::other)?;
        let path = home.firmware().folder.join(FILE);
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(Failure::doing("keeping the slot"))
    }

    /// The crypto module and the master backup key. With `make`, an HSM that lacks its keys gets them.
    pub(crate) fn open(&self, home: &Home, make: bool) -> Result<(Box<dyn CryptoModule>, MasterKey), Failure> {
        match self {
            Self::Software(id) => {
                let master = software_key(home, id)?;
                let module = SoftwareModule::new(&master).map_err(Failure::doing("opening the software module"))?;
                Ok((Box::new(module), master))
            }
            Self::Pkcs11 { library, slot, pin_file } => {
                let pin = read(pin_file, "the PIN in")?;
                let pin = std::str::from_utf8(pin.strip_suffix(b"\n").unwrap_or(&pin));
                let pin = Zeroizing::new(pin.map_err(|_| Failure::text("the PIN is no UTF-8"))?.to_owned());
                let slot = slot.parse().map_or_else(|_| SlotChoice::TokenLabel(slot.clone()), SlotChoice::Id);
                let config = Pkcs11Config { library: library.clone(), slot, pin };
                let opened = if make { Pkcs11Module::provision(&config) } else { Pkcs11Module::open(&config) };
                let module = opened.map_err(Failure::doing("opening the HSM"))?;
                let master = module.master_key(make).map_err(Failure::doing("opening the HSM"))?;
                Ok((Box::new(module), master))
            }
        }
    }
}

fn software_key(home: &Home, id: &InstanceId) -> Result<MasterKey, Failure> {
    let path = home.slots().join(id.to_string());
    MasterKey::new(&read(&path, "slot")?).map_err(Failure::doing(format!("opening slot {}", path.display())))
}

/// The content of a file that nobody else may read, at most [`MAX_SECRET`] bytes of it.
fn read(path: &Path, what: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let opening = || Failure::doing(format!("opening {what} {}", path.display()));
    let file = secret::open(path).map_err(Failure::doing(format!("opening {what}")))?;
    if file.metadata().map_err(opening())?.uid() != rustix::process::geteuid().as_raw() {
        return Err(Failure::text(format!("{} belongs to somebody else", path.display())));
    }
    let mut secret = Zeroizing::new(Vec::with_capacity(MAX_SECRET));
    let limit = u64::try_from(MAX_SECRET).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut secret).map_err(opening())?;
    Ok(secret)
}

const LIBRARY: &str = "TW4S_PKCS11_LIBRARY";
const PIN_FILE: &str = "TW4S_PKCS11_PIN_FILE";
/// The kept choice.
const FILE: &str = "slot";
const SOFTWARE: &str = "software";
const PKCS11: &str = "pkcs11";
/// One byte more than a master backup key may have, so that a longer one is seen.
const MAX_SECRET: usize = 1025;
