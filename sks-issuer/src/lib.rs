//! The issuer's side of SKS provisioning: session keys, MACs, attestations, a session builder, and a small CA.
//!
//! Source: SKS API V0.35, "createProvisioningSession" and "Session Security Mechanisms", with the project's rulings
//! (docs/wire.md). The cryptography here is a second implementation, on other code than the token's: the two agree
//! through the text and the golden values in `vectors/`, not through a function that both call.
//!
//! * [`Session`]: a provisioning session from creation to close. Every attestation is verified, the MAC counter and
//!   the use of SessionKeyLimit are kept;
//! * [`SessionRecord`]: what an issuer keeps of a session, for post provisioning or to resume it. It is secret;
//! * [`Trust`] and [`device`]: which devices are accepted;
//! * [`crypto`]: the primitives, for tests and for issuers that work message by message;
//! * [`Transport`]: how a call reaches the token. Any closure from bytes to bytes is one;
//! * [`ca`]: certificates for the keys, and for devices;
//! * [`local`]: the names of the emulated local issuer.
//!
//! ```no_run
//! use sks_client::Client;
//! use sks_issuer::ca::{Leaf, LocalCa, Subject};
//! use sks_issuer::{KeyOptions, Protection, Session, SessionOptions, Trust};
//! use sks_wire::types::{Id, KeyUsage};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let paths = sks_client::paths::defaults();
//! let mut client = Client::connect(&paths.socket)?;
//! let ca = LocalCa::open_or_create(&paths.local_ca)?;
//!
//! let options = SessionOptions::new("https://ca.example.com/enroll", Trust::Any);
//! let mut session = Session::create(|call: &[u8]| client.call_raw(call), &options)?;
//! let key = session.create_key_pair(&KeyOptions::p256(Id::new("Key.1")?), Protection::None)?;
//! let leaf = Leaf::new(Subject::common_name("Alice")?, KeyUsage::Universal);
//! let path = ca.issue_path(&key.public_key, &leaf)?;
//! let key = session.set_certificate_path(key, &path)?;
//! let record = session.close()?;
//! println!("key {} is ready", key.handle);
//! # let _ = record;
//! # Ok(())
//! # }
//! ```

pub mod ca;
pub mod crypto;
mod curve;
pub mod device;
mod error;
pub mod local;
mod random;
pub mod session;
mod transport;

pub use crypto::{EphemeralKey, SessionKey};
pub use device::{Accepted, DeviceError, Trust};
pub use error::Error;
pub use session::{
    CertifiedKey, Extension, Finishing, KeyOptions, KeyPair, Opened, PinPolicy, PinPolicyOptions, Protection,
    PukPolicy, PukPolicyOptions, RecordError, Session, SessionOptions, SessionRecord,
};
pub use transport::{CallError, Transport};
