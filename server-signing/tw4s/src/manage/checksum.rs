//! `checksumSAM`: the checksum file, made in advance over the binary that is then to be trusted.

use crate::args::Common;
use crate::checksum;
use crate::exit::Failure;
use crate::home::Home;

/// Runs it.
pub(crate) fn run(common: &Common) -> Result<(), Failure> {
    let file = Home::open(common.home.as_deref())?.checksum();
    checksum::write(&file).map_err(Failure::other)?;
    common.note(&format!("the checksum is in {}", file.display()));
    Ok(())
}
