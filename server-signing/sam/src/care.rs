//! When the regular care is due, by the module's clock.

use crate::Sam;
use crate::lifecycle::AdminError;

/// Of one module.
#[derive(Debug)]
pub struct Care {
    last_ms: u64,
}

impl Care {
    /// Milliseconds from one time of care to the next.
    pub const EVERY_MS: u64 = 60_000;

    /// The first care is due a period from now.
    #[must_use]
    pub fn begin(sam: &Sam) -> Self {
        Self { last_ms: sam.ports.clock.now_ms() }
    }

    /// Takes care ([`Sam::tidy`]) if it is due, and says whether. To be asked often, say each second.
    ///
    /// # Errors
    /// The firmware or the database does not work; then the next care is due a period later.
    pub fn look(&mut self, sam: &Sam) -> Result<bool, AdminError> {
        let now = sam.ports.clock.now_ms();
        // A clock that was set back puts nothing off.
        if now.checked_sub(self.last_ms).is_some_and(|since| since < Self::EVERY_MS) {
            return Ok(false);
        }
        self.last_ms = now;
        sam.tidy()?;
        Ok(true)
    }
}
