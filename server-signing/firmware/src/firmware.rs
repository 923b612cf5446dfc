//! The services of the firmware half.

mod admit;
mod generate;
mod tokens;

pub use admit::{Admitted, SignOrder};
pub use generate::{KeyOrder, NewKey};

use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tw4s_formats::{List, Octets, OidArc, Text, V1, WrappedKeyTbs};
use zeroize::Zeroizing;

use crate::administrator::{self, Administrator, Logon};
use crate::error::{FirmwareError, StateError};
use crate::idp::Idps;
use crate::master::MasterKey;
use crate::memo::{Memo, SIGNATURES, WRAPPED_KEYS};
use crate::module::CryptoModule;
use crate::sam_key::SamKey;
use crate::state::{State, StateFile};

/// What `init` needs to know.
#[derive(Debug)]
pub struct Init<'a> {
    /// The SAM that the firmware belongs to; it goes into each wrapped key.
    pub sam_id: &'a str,
    /// The administrators, with the credentials that they will have: two or more under dual control.
    pub administrators: &'a [Logon],
    /// Whether two administrators must agree from now on.
    pub dual_control: bool,
}

/// What the firmware is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The SAM that it belongs to.
    pub sam_id: String,
    /// The crypto module's key.
    pub module_key_id: String,
    /// Rises with each change of the state.
    pub generation: u64,
    /// How many identity providers are imported.
    pub idps: usize,
    /// SubjectPublicKeyInfo of the key that signs wrapped keys and public keys.
    pub signing_key: Vec<u8>,
    /// SubjectPublicKeyInfo of the key that signs audit checkpoints.
    pub checkpoint_key: Vec<u8>,
}

/// The firmware half, initialised and open.
pub struct Firmware {
    module: Box<dyn CryptoModule>,
    arc: OidArc,
    sam_id: String,
    /// Signs wrapped keys and signed public keys.
    signing: SamKey,
    /// Signs audit checkpoints.
    pub(crate) checkpoint: SamKey,
    /// Makes the MACs of the SAM's rows, in the SAM.
    integrity: Zeroizing<[u8; 32]>,
    pub(crate) state: Mutex<(StateFile, State)>,
    /// Read by each signing, replaced by `setidpkeys`: the lock is held to clone the pointer.
    idps: RwLock<Arc<Idps>>,
    memo: Memo<()>,
    /// Read and verified, by their bytes.
    wrapped_keys: Memo<Arc<WrappedKeyTbs>>,
}

impl Firmware {
    /// Initialises: writes the state file, which must not be there yet. All keys come from `master`.
    ///
    /// # Errors
    /// [`StateError`]; then there is no state file, or still the one that was there.
    pub fn init(path: &Path, master: &MasterKey, module: &dyn CryptoModule, init: &Init<'_>) -> Result<(), StateError> {
        let administrators = administrator::enrol(init.administrators, init.dual_control)?;
        let state = State {
            version: V1,
            sam_id: Text::new(init.sam_id).map_err(|_| StateError::SamId)?,
            module_key_id: Text::new(module.key_id()).map_err(|_| StateError::OtherModule)?,
            dual_control: init.dual_control,
            generation: 1,
            administrators: List::new(administrators).map_err(|_| StateError::Administrators)?,
            idp_certificates: List::new(Vec::new()).map_err(|_| StateError::Failed("making the state"))?,
            anchors: None,
            forgotten: None,
        };
        StateFile::new(path, master)?.create(&state)
    }

    /// Opens what [`init`](Self::init) made. `arc` names the extensions of tokens.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn open(
        path: &Path,
        master: &MasterKey,
        module: Box<dyn CryptoModule>,
        arc: OidArc,
    ) -> Result<Self, StateError> {
        let file = StateFile::new(path, master)?;
        let state = file.read()?;
        if state.module_key_id.as_str() != module.key_id() {
            return Err(StateError::OtherModule);
        }
        let certificates = certificates(&state);
        let idps = if certificates.is_empty() { Ok(Idps::default()) } else { Idps::new(&certificates) };
        Ok(Self {
            module,
            arc,
            sam_id: state.sam_id.as_str().to_owned(),
            signing: SamKey::derive(master, "SAM signing key P-256")?,
            checkpoint: SamKey::derive(master, "audit checkpoint key P-256")?,
            integrity: master.derive("user entry integrity key HMAC-SHA256")?,
            state: Mutex::new((file, state)),
            idps: RwLock::new(Arc::new(idps.map_err(|_| StateError::Failed("reading the imported certificates"))?)),
            memo: Memo::new(SIGNATURES),
            wrapped_keys: Memo::new(WRAPPED_KEYS),
        })
    }

    /// What it is.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            sam_id: self.sam_id.clone(),
            module_key_id: self.module.key_id().to_owned(),
            generation: self.state.lock().1.generation,
            idps: self.idps().len(),
            signing_key: self.signing.spki().to_vec(),
            checkpoint_key: self.checkpoint.spki().to_vec(),
        }
    }

    /// Imports identity providers (`setidpkeys`): from now on these certificates' keys, and no others, may sign tokens.
    /// Durable when it returns; calls that are under way end with what they began with.
    ///
    /// # Errors
    /// `Logon`, `Certificate`, `Failed`; then nothing has changed.
    pub fn set_idp_keys(&self, logons: &[Logon], certificates: &[Vec<u8>]) -> Result<(), FirmwareError> {
        let (administrators, dual_control) = self.administrators();
        // Outside the lock: it takes its time.
        if !administrator::authenticate(&administrators, logons, dual_control) {
            return Err(FirmwareError::Logon);
        }
        let idps = Idps::new(certificates)?;
        let listed = certificates.iter().map(|der| Octets::new(der.as_slice())).collect::<Result<Vec<_>, _>>();
        let listed = listed.and_then(List::new).map_err(|_| FirmwareError::Certificate)?;
        let change = |state: &State| {
            // One who was dropped meanwhile imports nothing.
            let same = *state.administrators == *administrators;
            same.then(|| State { idp_certificates: listed, ..state.clone() }).ok_or(FirmwareError::Logon).map(Some)
        };
        // Under the state's lock: of two imports the same one is in force and in the file.
        self.change(change, || *self.idps.write() = Arc::new(idps))
    }

    /// The administrators, and whether two of them must agree.
    pub(crate) fn administrators(&self) -> (Vec<Administrator>, bool) {
        let state = &self.state.lock().1;
        (state.administrators.to_vec(), state.dual_control)
    }

    /// Puts another state in the place of this one, durably, with the next generation, and then does what is to be
    /// `done`; `None` leaves it.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(&State) -> Result<Option<State>, FirmwareError>,
        done: impl FnOnce(),
    ) -> Result<(), FirmwareError> {
        let (file, state) = &mut *self.state.lock();
        let Some(changed) = change(state)? else { return Ok(()) };
        let changed = State { generation: state.generation + 1, ..changed };
        file.replace(&changed).map_err(|error| {
            tracing::error!(%error, "the state file was not written");
            FirmwareError::Failed
        })?;
        *state = changed;
        done();
        Ok(())
    }

    /// The key that the SAM makes the MACs of its user entries and table roots with (HMAC-SHA256). It leaves the
    /// firmware, because a row is checked with every request; it protects rows and opens no key.
    #[must_use]
    pub fn integrity_key(&self) -> Zeroizing<[u8; 32]> {
        self.integrity.clone()
    }

    /// Whether [`sign_checkpoint`](Self::sign_checkpoint) made this signature.
    #[must_use]
    pub fn verify_checkpoint(&self, checkpoint: &[u8], signature: &[u8]) -> bool {
        self.checkpoint.verify(checkpoint, signature)
    }

    fn idps(&self) -> Arc<Idps> {
        Arc::clone(&self.idps.read())
    }
}

fn certificates(state: &State) -> Vec<Vec<u8>> {
    state.idp_certificates.iter().map(|der| der.as_bytes().to_vec()).collect()
}
