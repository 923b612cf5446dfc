//! Transactions over ordered trees that a power cut cannot take back, on sled or redb.
//!
//! A [`Db`] holds up to 128 ordered [`Tree`]s of byte keys and byte values. One writer at a time
//! makes a transaction ([`Db::begin`]) that spans them; [`Txn::commit`] returns when it is durable,
//! and the commits of several threads share one fdatasync. A read outside a transaction
//! ([`Db::get`], [`Db::next`]) never shows what a power cut could still take back, and never waits
//! for the disk. [`Txn::commit_later`] leaves the wait for the disk to a [`Pending`], which any
//! thread may have.
//!
//! ```
//! use std::ops::Bound;
//! # fn main() -> Result<(), durable::Error> {
//! # let parent = tempfile::tempdir().unwrap();
//! # let dir = parent.path().join("store");
//! const USERS: durable::Tree = durable::Tree(1);
//!
//! let db = durable::Db::open(&dir, &durable::Options::default())?;
//! let mut txn = db.begin()?;
//! txn.put(USERS, b"ann", b"blue")?;
//! txn.put(USERS, b"bob", b"red")?;
//! txn.commit()?; // on disk from here on
//!
//! assert_eq!(db.get(USERS, b"ann")?.as_deref(), Some(&b"blue"[..]));
//! let (name, _) = db.next(USERS, Bound::Excluded(b"ann"))?.unwrap();
//! assert_eq!(name, b"bob");
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//!
//! A commit is one write and one fdatasync in a redo log of our own. Its writes lie in memory over
//! the engine's until a thread brings them into the engine, all of a log file at once: so a record
//! that is written a hundred times reaches the engine once. A close does the same and removes the
//! log. After a cut or a kill the next open reads the log into memory and goes on with it, so it
//! waits for no more of the engine than that it opens.
//!
//! # The directory
//!
//! | Name | What |
//! |---|---|
//! | `LOCK` | held with flock(2) as long as a [`Db`] is open: one process per store |
//! | `FORMAT` | two lines: `durable store, format 2` and `engine sled` or `engine redb`; format 1 until the first commit, if an older program made the store |
//! | `READY` | made last at creation; without it nothing was ever acknowledged from this store |
//! | `redo.0`, `redo.1` | the redo log, from the first commit after an open to the close, cuts and kills in between or not |
//! | `SEEN` | how many batches the store had at the last open or close: it may not have fewer |
//! | `sled/` | sled's files: `db`, `conf`, `snap.*`, and `blobs/`, which stays empty; and `kept.snap.*`, a second copy of the snapshot |
//! | `store.redb` | redb's file |
//! | `FORMAT.new`, `SEEN.new`, `store.redb.new`, `sled/aside.*` | left by a cut, and of no use |
//!
//! Everything else in the directory belongs to others and is left alone.
//!
//! # What it does not promise
//!
//! * A damaged disk. Most damage is noticed and refused, and a restore from a backup is what helps.
//!   sled takes a damaged place in its log for the log's end and wipes what is behind it; `SEEN`
//!   shows that when something older than the last open or close is gone, and the redo log when
//!   something newer is. Damage in the very last batch of the redo log looks like a commit that a
//!   cut kept from its end.
//! * A disk that says it has written and has not, or a file system that lies about fsync.
//! * A backup by copying the directory of an open store.
//!
//! # What is inside the engine
//!
//! One ordered map of byte strings, so that one engine batch spans all trees:
//!
//! | Key | Value |
//! |---|---|
//! | tree (one byte, 0..=127), then the key | the value, then a byte 0 |
//! | the same, for a value over 16 KiB | chunk id (u64), length (u32), then a byte 1 |
//! | 128, chunk id (u64), number from 0 (u32) | 16 KiB of that value, the last one less |
//! | 253 | which redo log goes with the engine: its id (u64), a batch it went to at least (u64), a byte 1 while there is such a log and 0 after |
//! | 254 | the number of the last batch that is in the engine whole (u64) |
//! | 255 | `durable 1`: there since creation, so a store without it has lost its data |
//!
//! Numbers are big endian. A chunk id is given once, so a value is never mixed from two. The bytes of
//! the redo log are in `log/frame.rs`, and with all rules in the project's `docs/store-format.md`.

mod commit;
mod db;
mod engine;
mod error;
mod layout;
mod log;
mod options;
mod pending;
mod record;
mod session;
mod space;
mod txn;
mod write_set;

pub use db::Db;
pub use error::Error;
pub use options::{Engine, Options, Tree, UnknownEngine};
pub use pending::Pending;
pub use record::{MAX_KEY_LEN, MAX_VALUE_LEN};
pub use txn::Txn;

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);
