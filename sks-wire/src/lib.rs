//! The SKS wire format: what bytes a method call and its answer consist of.
//!
//! Source: SKS API V0.35, "Data Types", "Return Values" and "Methods", with the project's rulings
//! (docs/wire.md). This crate holds no keys and makes no decisions: it turns bytes into types and back.
//!
//! * [`method`]: the one table of methods, and a module for each with its request and response;
//! * [`codec`]: how a field is read and written, and what a refusal to read it says;
//! * [`types`] and [`algorithm`]: the closed vocabularies of the text;
//! * [`frame`]: the length prefix of the socket transport; [`watched`]: a socket whose peer answers soon;
//! * [`limit`]: the sizes allowed; [`label`]: the literals in MACs and attestations;
//! * [`status`] and [`secret`].

pub mod algorithm;
pub mod codec;
pub mod frame;
pub mod label;
pub mod limit;
pub mod method;
pub mod secret;
pub mod status;
pub mod types;
pub mod watched;

pub use codec::{DecodeError, Kind};
pub use method::{Method, MethodId, Request, Response};
pub use secret::Secret;
pub use status::{Refused, Status};
