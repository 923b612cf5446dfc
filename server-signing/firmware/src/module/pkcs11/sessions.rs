//! Sessions with the HSM: logged in once, lent to one thread at a time, and kept.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use parking_lot::Mutex;

use super::{Pkcs11Config, SlotChoice, failed};
use crate::module::ModuleError;

/// A library is initialised once in a process; what was opened stays open.
static LIBRARIES: LazyLock<Mutex<HashMap<PathBuf, Pkcs11>>> = LazyLock::new(Mutex::default);

pub(super) struct Sessions {
    library: Pkcs11,
    slot: Slot,
    /// Wiped when dropped.
    pin: AuthPin,
    idle: Mutex<Vec<Session>>,
    /// A login is for all sessions of the process, and lasts while one of them is open.
    _login: Mutex<Session>,
}

impl Sessions {
    pub(super) fn open(config: &Pkcs11Config) -> Result<Self, ModuleError> {
        let library = library(&config.library)?;
        let slot = slot(&library, &config.slot)?;
        let pin = AuthPin::from(config.pin.as_str());
        let login = open(&library, slot, &pin)?;
        Ok(Self { library, slot, pin, idle: Mutex::default(), _login: Mutex::new(login) })
    }

    pub(super) fn lend(&self) -> Result<Lent<'_>, ModuleError> {
        let idle = self.idle.lock().pop();
        let session = match idle {
            Some(session) => session,
            None => open(&self.library, self.slot, &self.pin)?,
        };
        Ok(Lent { session: Some(session), sessions: self })
    }
}

/// Opens a session that is logged in: by an earlier login, unless the HSM forgot it.
fn open(library: &Pkcs11, slot: Slot, pin: &AuthPin) -> Result<Session, ModuleError> {
    let session = library.open_rw_session(slot).map_err(failed)?;
    if !is_logged_in(&session) {
        match session.login(UserType::User, Some(pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(session)
}

fn is_logged_in(session: &Session) -> bool {
    session.get_session_info().is_ok_and(|info| matches!(info.session_state(), SessionState::RwUser))
}

fn library(path: &PathBuf) -> Result<Pkcs11, ModuleError> {
    let down = |error: Error| ModuleError::Down(format!("{}: {error}", path.display()));
    let mut libraries = LIBRARIES.lock();
    if let Some(library) = libraries.get(path) {
        return Ok(library.clone());
    }
    let library = Pkcs11::new(path).map_err(down)?;
    match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(down(error)),
    }
    libraries.insert(path.clone(), library.clone());
    Ok(library)
}

fn slot(library: &Pkcs11, choice: &SlotChoice) -> Result<Slot, ModuleError> {
    for slot in library.get_slots_with_token().map_err(failed)? {
        let fits = match choice {
            SlotChoice::Id(id) => slot.id() == *id,
            SlotChoice::TokenLabel(label) => {
                library.get_token_info(slot).map_err(failed)?.label().trim_end() == label.as_str()
            }
        };
        if fits {
            return Ok(slot);
        }
    }
    Err(ModuleError::Down(format!("there is no token in {choice:?}")))
}

/// A session for one operation. Dropped, it goes back, or is closed if something may be left in it.
pub(super) struct Lent<'a> {
    session: Option<Session>,
    sessions: &'a Sessions,
}

impl Lent<'_> {
    /// The session.
    ///
    /// # Errors
    /// `Failed` after [`close`](Self::close).
    pub(super) fn get(&self) -> Result<&Session, ModuleError> {
        self.session.as_ref().ok_or(ModuleError::Failed)
    }

    pub(super) fn close(&mut self) {
        self.session = None;
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // One that died with its HSM, or lost its login, is closed; the next is a new one.
        if let Some(session) = self.session.take().filter(is_logged_in) {
            self.sessions.idle.lock().push(session);
        }
    }
}
