//! Server signing: the firmware half, inside whose boundary signing keys are made, checked and used.
//!
//! Source: shared/spec/server-signing.md, 1.1 (SAMFW), 1.3 (Signing), 1.8 (init, setidpkeys), 1.9 rows 8 to 19 and 1.12
//! steps 6.4.5 to 6.4.13. It runs as a process of its own; the SAM speaks to it over a Unix socket and never sees a key.
//!
//! | what | where |
//! |---|---|
//! | the services | [`Firmware`] |
//! | a crypto module, and a key while it is active | [`CryptoModule`], [`RawSigningKey`] |
//! | the two modules | [`SoftwareModule`], [`Pkcs11Module`] |
//! | what all comes from | [`MasterKey`] |
//! | the process: hardening, socket, protocol | [`process`], [`server`], [`protocol`] |
//! | the SAM's side | [`client`] |
//! | the bare work of a signing, to compare with | [`mod@bench`] |
//!
//! What leaves the process: wrapped keys, signed public keys, certificate requests, signatures, and the one key that
//! the SAM needs for its own rows ([`Firmware::integrity_key`]). A private key is in the clear only between
//! [`CryptoModule::activate`] and the end of that one operation, also when the operation fails or panics. The software
//! module keeps it in the process's memory then: it is not a QSCD.

mod administrator;
mod algorithm;
mod anchor;
pub mod bench;
pub mod call;
pub mod client;
mod error;
mod firmware;
mod forgotten;
mod idp;
mod master;
mod memo;
mod module;
pub mod process;
pub mod protocol;
mod sam_key;
pub mod server;
mod socket;
mod state;
mod verify;

pub use administrator::{Changes, Logon};
pub use algorithm::{Digested, KeySpec, Unfit};
pub use error::{FirmwareError, StateError};
pub use firmware::{Admitted, Firmware, Init, KeyOrder, NewKey, SignOrder, Status};
pub use forgotten::{Forgotten, ForgottenAnchors};
pub use idp::read_certificates;
pub use master::MasterKey;
pub use module::pkcs11::{Pkcs11Config, Pkcs11Module, SlotChoice};
pub use module::software::SoftwareModule;
pub use module::{CryptoModule, ModuleError, RawSigningKey, WrappedPair};
