//! The sealed credential database: [`sks_core::ports::Store`] on `durable`.
//!
//! Every record is encrypted and authenticated together with its address, under a key that comes from a master key
//! in a file or from a passphrase. docs/store-format.md has every byte: what lies in the directory (`open`, `header`),
//! how addresses and records become bytes (`schema`), how those are sealed (`seal`).
//!
//! ```
//! use sks_core::ports::{Read, Store};
//! use sks_core::record::{Address, Counter, Record};
//! use sks_store::{KeySource, OpenOptions, SealedStore};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let parent = tempfile::tempdir()?;
//! # let dir = parent.path().join("store");
//! let key = KeySource::File(SealedStore::default_key_file(&dir));
//! let store = SealedStore::open(&dir, OpenOptions::new(key))?; // makes both at the first start
//! let mut txn = store.begin()?;
//! txn.put(Address::Counter(Counter::Key), Record::Number(1))?;
//! txn.commit()?;
//! assert_eq!(store.get(&Address::Counter(Counter::Key))?, Some(Record::Number(1)));
//! # Ok(())
//! # }
//! ```

pub mod fill;

mod error;
mod files;
mod header;
mod master;
mod open;
mod schema;
mod seal;
mod store;

#[cfg(test)]
mod samples;

pub use durable::{Engine, UnknownEngine};
pub use error::OpenError;
pub use master::{KeySource, PassphraseCost};
pub use open::OpenOptions;
pub use schema::{FORMAT, TABLES};
pub use store::SealedStore;
