//! Server signing: the signature activation module, its checks, roles and audit rule; pure, with ports.
//!
//! Source: the integration guide 7.1 (Tables 16 to 22), as ruled in shared/spec/server-signing.md 1.2 to 1.5, 1.9 to 1.12
//! and 4.1; "row n" is row n of its 1.9.
//!
//! [`Sam::handle`] takes one peering message and gives its answer. `call.rs` is the request step by step: the container,
//! the credential's type, the credential (`credential.rs`), its user; from there on everything leaves an audit record:
//! the message's type, the message, the role (`gate.rs`), then the handler in `operation/`, which checks ownership and
//! input, does the work and commits it with its audit record. [`Refusal`] has a variant per rule with its error type.
//!
//! Nothing here verifies a signature or holds a private key: the firmware half does, behind [`ports::Firmware`].

pub mod audit;
mod call;
mod care;
mod certificate;
mod check;
mod config;
mod credential;
mod failure;
mod gate;
mod inspect;
mod integrity;
mod lifecycle;
mod operation;
pub mod ports;
pub mod record;
mod refusal;
mod sam;
#[cfg(feature = "testing")]
pub mod testing;
mod window;
mod work;

pub use care::Care;
pub use check::DataReport;
pub use config::Config;
pub use lifecycle::{AdminError, Forgotten};
pub use refusal::Refusal;
pub use sam::{Handled, Ports, Sam};
