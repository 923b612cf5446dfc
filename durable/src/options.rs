//! How a store is opened.

use std::{fmt, str::FromStr};

/// What keeps the data. Chosen when a store is made, and recorded in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// sled 0.34: a log-structured tree.
    Sled,
    /// redb 4: a copy-on-write B-tree in one file.
    Redb,
}

impl Engine {
    /// Every engine, the default first.
    pub const ALL: [Self; 2] = [Self::Sled, Self::Redb];
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sled => "sled",
            Self::Redb => "redb",
        })
    }
}

impl FromStr for Engine {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, UnknownEngine> {
        Self::ALL.into_iter().find(|engine| engine.to_string() == name).ok_or_else(|| UnknownEngine(name.to_owned()))
    }
}

/// The name is that of no engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an engine: give sled or redb")]
pub struct UnknownEngine(String);

/// One ordered map of a store, by number: 0 to 127.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tree(pub u8);

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// The engine. `None`: the one the store has, sled for a new one.
    pub engine: Option<Engine>,
    /// How much memory the engine's cache may take, roughly, in bytes.
    ///
    /// Default: 32 MiB, which holds the hot part of some 100,000 records.
    pub cache_bytes: u64,
    /// Free space, in bytes, that only a transaction which removes and puts nothing may use.
    ///
    /// It keeps the engine clear of a full disk, which it would not survive without a restart, and
    /// leaves room to delete. Default: 64 MiB, sixteen segments of sled's log.
    pub reserve_bytes: u64,
    /// How long each of the redo log's two files may become, in bytes. When one is full, the other
    /// is begun, and a thread brings what the first holds into the engine. The writes of both are
    /// held in memory, too. A single transaction may be longer.
    ///
    /// Default: 8 MiB, some 2,000 commits of a lone client.
    pub log_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { engine: None, cache_bytes: 32 << 20, reserve_bytes: 64 << 20, log_bytes: 8 << 20 }
    }
}
