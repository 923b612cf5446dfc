//! Anchors: rows of audit logs that are known from outside the databases ([`tw4s_sam::audit::Anchor`]). The firmware keeps
//! the last one that it signed of each log; an administrator may keep any in a file.
//!
//! A line has the instance's name, the row's number and its hash in hexadecimal: `sam1 4711 9f86d0...`. A file may have
//! lines of several instances, and several of each; empty lines and those that begin with `#` are passed over.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};
use tw4s_firmware::FirmwareError;
use tw4s_firmware::client::Client;
use tw4s_sam::audit::Anchor;
use tw4s_sam::{Forgotten, Sam};

use crate::exit::Failure;

/// An instance's name (`sam1`) and a row of its log.
pub(crate) type Known = (String, Anchor);

/// The line of an anchor, without the line feed.
pub(crate) fn line(sam: &str, anchor: &Anchor) -> String {
    format!("{sam} {}", text(anchor))
}

/// Number and hash.
pub(crate) fn text(anchor: &Anchor) -> String {
    format!("{} {}", anchor.number, hex::encode(anchor.hash))
}

/// Reads number and hash.
pub(crate) fn parse(text: &str) -> Option<Anchor> {
    let (number, digits) = text.split_once(' ')?;
    let mut hash = [0; 32];
    hex::decode_to_slice(digits, &mut hash).ok()?;
    Some(Anchor { number: number.parse().ok().filter(|number| *number > 0)?, hash })
}

/// Reads a file of anchors.
pub(crate) fn read(path: &Path) -> Result<Vec<Known>, Failure> {
    let reading = || Failure::doing(format!("reading the anchors in {}", path.display()));
    let mut text = String::new();
    let length = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text));
    if length.map_err(reading())? as u64 > MAX_FILE {
        return Err(Failure::text(format!("{} has over {MAX_FILE} bytes: keep its newest lines", path.display())));
    }
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let known = lines.map(|(at, line)| {
        let known = line.split_once(' ').and_then(|(sam, rest)| Some((sam.to_owned(), parse(rest)?)));
        known.ok_or_else(|| {
            Failure::text(format!("{}, line {at}: it is no anchor as audit anchor prints it", path.display()))
        })
    });
    let known: Vec<Known> = known.collect::<Result<_, _>>()?;
    if known.is_empty() {
        return Err(Failure::text(format!("{} has no anchor", path.display())));
    }
    Ok(known)
}

/// The SAM's name as the firmware keeps it.
pub(crate) fn digest(sam: &str) -> [u8; 32] {
    Sha256::digest(sam).into()
}

/// The anchor that the firmware keeps of a SAM.
pub(crate) fn kept(firmware: &Client, sam: &str) -> Result<Option<Anchor>, FirmwareError> {
    Ok(firmware.anchor(&digest(sam))?.map(|(number, hash)| Anchor { number, hash }))
}

/// That a database has the row that the firmware signed last: else it was put back, and hashes that were consumed since
/// are not consumed in it.
pub(crate) fn check(store: &dyn tw4s_sam::ports::Read, firmware: &Client, sam: &str) -> Result<(), Failure> {
    let anchor = kept(firmware, sam).map_err(Failure::doing("asking the firmware for the log's anchor"))?;
    let Some(anchor) = anchor else { return Ok(()) };
    let rows = store.audit(anchor.number, 1).map_err(Failure::doing("reading the audit log"))?;
    if rows.iter().any(|row| row.number == anchor.number && row.hash == anchor.hash) {
        return Ok(());
    }
    Err(Failure::text(format!(
        "the audit log lacks row {} as the firmware signed it: the database was put back. Use the newest one, or let two \
         administrators accept this one: manageFW forgetanchor",
        anchor.number
    )))
}

/// Records in the audit log what administrators had the firmware forget of it.
pub(crate) fn record_forgotten(sam: &Sam, firmware: &Client, name: &str) -> Result<(), Failure> {
    let recording = || "recording the anchors that were forgotten";
    let forgotten = firmware.forgotten(&digest(name)).map_err(Failure::doing(recording()))?;
    let told = forgotten.anchors.iter().map(|it| {
        let (number, hash) = it.row();
        let administrators = it.administrators().map(str::to_owned).collect();
        Forgotten { anchor: Anchor { number, hash }, seconds: it.time().unix(), administrators }
    });
    sam.record_forgotten(&told.collect::<Vec<_>>()).map_err(Failure::doing(recording()))?;
    // Killed before this, the next start tells it once more.
    firmware.forgotten_is_recorded(&forgotten).map_err(Failure::doing(recording()))
}

/// Bytes of a file: some 800 anchors, which one call of [`crate::control`] has room for.
const MAX_FILE: u64 = 1 << 16;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_back_and_what_is_no_anchor_is_refused() {
        let [one, two] = [1, u64::MAX].map(|number| Anchor { number, hash: [0xA5; 32] });
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = format!("# kept by anna\n{}\n\n{}\n", line("sam1", &one), line("samzwei", &two));
        std::fs::write(file.path(), text).unwrap();
        assert_eq!(read(file.path()).unwrap(), [("sam1".to_owned(), one), ("samzwei".to_owned(), two)]);
        let hash = "a5".repeat(32);
        for bad in ["", "sam1", "sam1 1", "sam1 0 HASH", "sam1 -1 HASH", "sam1 1  HASH", "sam1 1 HASHa5", "sam1 1 a5"] {
            std::fs::write(file.path(), bad.replace("HASH", &hash)).unwrap();
            assert!(read(file.path()).is_err(), "{bad}");
        }
    }
}
