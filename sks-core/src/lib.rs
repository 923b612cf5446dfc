//! The SKS token itself: sessions, policies, keys and every method, without any I/O.
//!
//! Source: SKS API V0.35 with the project's rulings (docs/wire.md). [`Device::call`] turns a method byte string into
//! its answer:
//!
//! 1. `sks_wire` reads the bytes; [`gate`] says whether the method works inside an open session, which is then locked
//!    and loaded;
//! 2. `dispatch` finds the handler in `method/`, which is lent a context: the session, the keys, the policies, and one
//!    transaction;
//! 3. on success the transaction is committed, durably, and the answer encoded;
//! 4. a [`refusal::Refusal`] says its status and its effect, which are applied here and nowhere else.
//!
//! [`ports`] is what the token needs from outside, [`record`] what it keeps.

pub mod crypto;
mod ctx;
mod device;
mod dispatch;
pub mod gate;
mod key;
mod locks;
mod method;
mod policy;
pub mod ports;
pub mod record;
pub mod refusal;
mod session;
mod target;
mod volatile;
mod work;

pub use device::{Config, Device, Ports, StartError, install_identity};
