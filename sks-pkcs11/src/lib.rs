//! The token in the programs people already use: a PKCS#11 module.
//!
//! Source: PKCS#11 2.40 (OASIS), with C_GetInterface and its list of 3.0. docs/pkcs11.md says what maps to what.
//!
//! * [`ffi`]: the C entry points, the only code of the project that is unsafe. It turns pointers and lengths into
//!   slices and types, catches panics, and calls the safe code beside it;
//! * `module`: what C_Initialize makes and C_Finalize ends;
//! * `token`, `listing`: connections to the token, and what it holds;
//! * `slot`, `login`, `pin_entry`: the token's keys as PKCS#11 tokens, and their PINs;
//! * `object`: keys as objects, and objects of a session;
//! * `mechanism`, `sign`, `verify`, `cipher`, `digest`, `derive`: what keys do;
//! * `generate`, `import`: keys made as an emulated local issuer.
//!
//! The module is a client of the token and nothing more: it holds no private key, and it speaks to the socket that
//! `sks_client::paths` names.

mod cipher;
mod derive;
mod digest;
mod error;
pub mod ffi;
mod generate;
mod import;
mod listing;
mod login;
mod mechanism;
mod module;
mod object;
mod pin_entry;
mod session;
mod sign;
mod slot;
mod token;
mod verify;
