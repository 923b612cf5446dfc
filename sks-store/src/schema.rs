//! How addresses and records become bytes: trees and keys in [`place`], values in [`value`], on the two small
//! codecs of [`read`] and [`write`].
//!
//! The layout is this crate's own. Records take their types from the wire and the core, but no byte comes from their
//! codecs, so that a change there cannot move what lies on the disk; vectors/store holds a store of each version.

mod place;
mod read;
mod value;
mod write;

pub use place::TABLES;
pub(crate) use place::{Place, SEALING, describe};
pub(crate) use read::Reader;
pub(crate) use value::{decode, encode};
pub(crate) use write::Writer;

/// The version of trees, keys and values, which the store itself records.
pub const FORMAT: u32 = 1;
