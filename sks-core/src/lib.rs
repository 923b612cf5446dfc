//! The SKS token itself: sessions, policies, keys and every method, without any I/O.
//!
//! Source: SKS API V0.35 with the project's rulings. [`ports`] is what it needs from outside, [`record`] what it
//! keeps.

pub mod crypto;
pub mod ports;
pub mod record;
