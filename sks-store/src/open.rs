//! Opening, and making, a store.
//!
//! | Name | What |
//! |---|---|
//! | `LOCK` | locked as long as the store is open |
//! | `seal` | see [`header`](crate::header); its name appears last, and from then on the store is there |
//! | `seal.new` | the same while the store is being made |
//! | `db/` | durable's |
//! | `master.key` | the default key file |
//!
//! A cut while the store is made leaves `seal.new` and no `seal`. Nothing was ever acknowledged from such a store, so
//! its `db/` is removed and made anew. In every other case nothing is removed: a `db/` without either file is damage.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use durable::{Db, Engine};

use crate::error::OpenError;
use crate::files;
use crate::header::{Header, HeaderFault, KeyKind, MAX_LEN, VERSION};
use crate::master::{KeySource, MasterKey, PassphraseCost};
use crate::schema::{FORMAT, Place, Reader, Writer};
use crate::seal::{HEAD, Sealer};
use crate::store::SealedStore;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Where the master key comes from.
    pub key: KeySource,
    /// The engine. `None`: the one that the store has, sled for a new one.
    pub engine: Option<Engine>,
    /// What guesses at the passphrase of a new store shall cost. An old one keeps its own.
    pub cost: PassphraseCost,
    /// Memory for the engine's cache, roughly, in bytes. `None`: durable's default of 32 MiB.
    pub cache_bytes: Option<u64>,
    /// Free space in bytes that only removals may use. `None`: durable's default of 64 MiB.
    pub reserve_bytes: Option<u64>,
}

impl OpenOptions {
    /// Everything but the key by default.
    #[must_use]
    pub fn new(key: KeySource) -> Self {
        Self { key, engine: None, cost: PassphraseCost::default(), cache_bytes: None, reserve_bytes: None }
    }
}

impl SealedStore {
    /// The key file of a store if no other is named: `master.key` in its directory.
    #[must_use]
    pub fn default_key_file(dir: &Path) -> PathBuf {
        dir.join("master.key")
    }

    /// Opens the store in `dir`. If there is none it is made, with its key file, and the directory with mode 0700.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(dir: &Path, options: OpenOptions) -> Result<Self, OpenError> {
        let dir = &files::absolute(dir)?;
        files::make_dir(dir)?;
        let lock = files::lock(&dir.join("LOCK"))?;
        let paths = Paths { dir, seal: dir.join("seal"), seal_new: dir.join("seal.new"), db: dir.join("db") };
        let (db, sealer, created) = match read_header(&paths.seal)? {
            Some(header) => {
                let (db, sealer) = paths.open_old(&header, &options)?;
                (db, sealer, false)
            }
            None => {
                let (db, sealer) = paths.make(&options)?;
                (db, sealer, true)
            }
        };
        Ok(Self { db, sealer, created, _lock: lock })
    }
}

struct Paths<'a> {
    dir: &'a Path,
    seal: PathBuf,
    seal_new: PathBuf,
    db: PathBuf,
}

impl Paths<'_> {
    fn open_old(&self, header: &Header, options: &OpenOptions) -> Result<(Db, Sealer), OpenError> {
        let master = self.master(header, &options.key)?;
        if !exists(&self.db)? {
            return Err(OpenError::damaged(&self.db, "it is missing"));
        }
        let db = self.open_db(options)?;
        let sealer = Sealer::new(&master, &header.salt);
        self.check_format(&db, &sealer)?;
        Ok((db, sealer))
    }

    /// The master key of a store that is there.
    fn master(&self, header: &Header, source: &KeySource) -> Result<MasterKey, OpenError> {
        let path = self.dir.to_owned();
        match (header.kind, source) {
            (KeyKind::File, KeySource::File(key_file)) => {
                let master = MasterKey::read(key_file)?;
                let wrong = OpenError::WrongKey { path, key_file: key_file.clone() };
                header.admits(&master).then_some(master).ok_or(wrong)
            }
            (KeyKind::Passphrase(cost), KeySource::Passphrase(passphrase)) => {
                let master = MasterKey::derive(passphrase, &header.salt, cost)?;
                header.admits(&master).then_some(master).ok_or(OpenError::WrongPassphrase { path })
            }
            (KeyKind::File, KeySource::Passphrase(_)) => Err(OpenError::WantsKeyFile { path }),
            (KeyKind::Passphrase(_), KeySource::File(_)) => Err(OpenError::WantsPassphrase { path }),
        }
    }

    fn make(&self, options: &OpenOptions) -> Result<(Db, Sealer), OpenError> {
        if exists(&self.db)? {
            if !exists(&self.seal_new)? {
                return Err(OpenError::damaged(&self.seal, "it is missing"));
            }
            files::remove(&self.db)?;
        }
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(|_| OpenError::Random)?;
        let (kind, master) = match &options.key {
            KeySource::File(path) if MasterKey::exists(path)? => (KeyKind::File, MasterKey::read(path)?),
            KeySource::File(path) => (KeyKind::File, MasterKey::create(path)?),
            KeySource::Passphrase(passphrase) => {
                let master = MasterKey::derive(passphrase, &salt, options.cost)?;
                (KeyKind::Passphrase(options.cost), master)
            }
        };
        let header = Header::new(salt, kind, &master);
        files::write(&self.seal_new, header.encode().as_bytes())?;
        files::make_dir(&self.db)?;
        let db = self.open_db(options)?;
        let sealer = Sealer::new(&master, &salt);
        self.write_format(&db, &sealer, FORMAT)?;
        files::rename_new(&self.seal_new, &self.seal)?;
        Ok((db, sealer))
    }

    fn open_db(&self, options: &OpenOptions) -> Result<Db, OpenError> {
        let default = durable::Options::default();
        let options = durable::Options {
            engine: options.engine,
            cache_bytes: options.cache_bytes.unwrap_or(default.cache_bytes),
            reserve_bytes: options.reserve_bytes.unwrap_or(default.reserve_bytes),
            ..default
        };
        Db::open(&self.db, &options).map_err(OpenError::database(self.dir))
    }

    fn write_format(&self, db: &Db, sealer: &Sealer, format: u32) -> Result<(), OpenError> {
        let place = Place::format();
        let mut writer = Writer::new(HEAD);
        writer.write(&format);
        let value = sealer.seal(&place, writer).map_err(|_| OpenError::Random)?;
        db.begin()
            .and_then(|mut txn| {
                txn.put(place.tree(), place.key(), &value)?;
                txn.commit()
            })
            .map_err(OpenError::database(self.dir))
    }

    /// Refuses a layout that is not known. In every format the record is sealed like this and starts with the number.
    fn check_format(&self, db: &Db, sealer: &Sealer) -> Result<(), OpenError> {
        let place = Place::format();
        let damaged = |what: String| OpenError::Damaged { path: self.db.clone(), what };
        let value = db.get(place.tree(), place.key()).map_err(OpenError::database(self.dir))?;
        let value = value.ok_or_else(|| damaged("the record of its format is missing".to_owned()))?;
        let opened =
            sealer.open(&place, value).map_err(|fault| damaged(format!("the record of its format: {fault}")))?;
        let mut reader = Reader::new(opened.plain());
        match (reader.read::<u32>(), reader.end()) {
            (Ok(FORMAT), Ok(())) => Ok(()),
            (Ok(found), _) if found > FORMAT => {
                Err(OpenError::NewerFormat { path: self.db.clone(), found, known: FORMAT })
            }
            _ => Err(damaged("the record of its format cannot be read".to_owned())),
        }
    }
}

fn exists(path: &Path) -> Result<bool, OpenError> {
    fs::exists(path).map_err(OpenError::io("read", path))
}

fn read_header(path: &Path) -> Result<Option<Header>, OpenError> {
    if !exists(path)? {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(OpenError::io("read", path))?;
    file.take(MAX_LEN + 1).read_to_end(&mut bytes).map_err(OpenError::io("read", path))?;
    match Header::decode(&bytes) {
        Ok(header) => Ok(Some(header)),
        Err(HeaderFault::Newer(found)) => Err(OpenError::NewerFormat { path: path.to_owned(), found, known: VERSION }),
        Err(HeaderFault::Damaged(what)) => Err(OpenError::damaged(path, what)),
    }
}

#[cfg(test)]
mod tests;
