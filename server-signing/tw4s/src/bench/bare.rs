//! What the machine can do without a module around it: the crypto path of a signing, and a durable write.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tw4s_firmware::bench::BarePath;
use tw4s_firmware::{MasterKey, SoftwareModule};

use super::load::{Repeated, run};
use super::sample::Samples;
use super::signing::Kind;
use crate::exit::Failure;
use crate::parties::random;

/// Bytes of an append: those of a signing's intent and result, by and large.
const APPEND: usize = 1024;

/// It.
pub(super) struct Bare {
    module: SoftwareModule,
    folder: PathBuf,
}

impl Bare {
    /// With keys of its own; `folder` is on the file system of the database.
    pub(super) fn prepare(folder: &Path) -> Result<Self, Failure> {
        let master = MasterKey::new(&random::<32>()?).map_err(Failure::other)?;
        let module = SoftwareModule::new(&master).map_err(Failure::other)?;
        Ok(Self { module, folder: folder.to_owned() })
    }

    /// Three verifications, unwrapping, and a batch of signatures, on all cores.
    pub(super) fn path(&self, kind: Kind, batch: usize, threads: usize, slice: Duration) -> Result<Samples, Failure> {
        let path = BarePath::new(&self.module, kind.spec()).map_err(Failure::other)?;
        let one = || Repeated::new(slice, || path.run(batch).map_err(Failure::other));
        run(&mut (0..threads).map(|_| one()).collect::<Vec<_>>())
    }

    /// Appends with fdatasync, one after the other.
    pub(super) fn appends(&self, slice: Duration) -> Result<Samples, Failure> {
        let mut file: File =
            tempfile::tempfile_in(&self.folder).map_err(Failure::doing("making a file to append to"))?;
        let bytes = [0x5A_u8; APPEND];
        let append = move || file.write_all(&bytes).and_then(|()| file.sync_data()).map_err(Failure::other);
        run(&mut [Repeated::new(slice, append)])
    }
}

/// One for each core; and, where others use the machine too, as many as the largest load has, so that both get the same
/// share of it. The better of the two is what counts.
pub(super) fn threads() -> [usize; 2] {
    [thread::available_parallelism().map_or(1, usize::from), MOST]
}

/// The largest load.
pub(super) const MOST: usize = 64;
