//! The management commands of the guide's Table 51. Each prints the lines of [`crate::console`] on stdout, and with
//! `-v` on stderr what it does.

pub(crate) mod checksum;
pub(crate) mod fw;
pub(crate) mod sam;

use crate::args::Common;

impl Common {
    /// Says something that the table does not have, if that is wanted.
    pub(crate) fn note(&self, text: &str) {
        if self.verbose {
            eprintln!("{text}");
        }
    }
}
