#![doc = include_str!("../README.md")]

mod blocks;
mod committer;
mod consumed;
mod error;
mod open;
mod read;
mod schema;
mod txn;

pub use durable::{Engine, Options, UnknownEngine};
pub use error::OpenError;
pub use open::SamStore;
pub use schema::{FORMAT, TABLES};
