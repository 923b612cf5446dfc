//! A typed client of the token: one connection, one call per method.
//!
//! Source: SKS API V0.35, "Methods"; the socket transport is the project's own (docs/wire.md). This crate is for
//! middleware: it moves bytes and gives them types. Whoever issues keys adds `sks-issuer`, whose sessions run over
//! [`Client::call_raw`].
//!
//! * [`Client`]: connect, then one method for each row of the table, in snake_case;
//! * [`Client::keys`] and [`Client::sessions`]: the two enumerations as iterators;
//! * [`Client::send`] and [`Client::receive`]: the halves of a call, for those who pipeline;
//! * [`paths`]: where the token's socket and store are, unless told otherwise;
//! * [`Error`]: what the token refused, and what kept the question from it.
//!
//! ```no_run
//! use sks_client::{Client, paths};
//! use sks_wire::Secret;
//! use sks_wire::algorithm::Algorithm;
//! use sks_wire::method::sign_hashed_data;
//! use sks_wire::types::{Choice, KeyUsage};
//!
//! # fn main() -> Result<(), sks_client::Error> {
//! let mut token = Client::connect(&paths::defaults().socket)?;
//! for key in token.keys().collect::<Result<Vec<_>, _>>()? {
//!     println!("{} {} {:?}", key.handle, key.key.id, key.key.friendly_name);
//! }
//! let signature = token.sign_hashed_data(&sign_hashed_data::Request {
//!     key_handle: sks_wire::types::KeyHandle(1),
//!     signature_algorithm: Algorithm::EcdsaSha256.uri().into(),
//!     pin: Secret::from(b"1563".as_slice()),
//!     hashed_data: vec![0; 32],
//! })?;
//! # let _ = (signature, KeyUsage::Signature.name());
//! # Ok(())
//! # }
//! ```

mod client;
mod enumerate;
mod error;
pub mod paths;

pub use client::Client;
pub use enumerate::{Keys, ListedKey, ListedSession, Sessions};
pub use error::Error;
pub use paths::Paths;
