//! Server signing: the ASN.1 formats of tokens, activation data, wrapped keys and peering messages.
//!
//! Source: the integration guide's section 8 (formats) and Tables 16 to 22 (operations), as resolved by
//! shared/spec/server-signing.md 1.3, 1.9 and 1.10 ("row n" below is row n of its 1.9). No keys, no I/O, no
//! decisions: bytes become values, values become bytes.
//!
//! [`Format::parse`] is the door for every input. It bounds the length, refuses whatever is not DER, reads the whole
//! input, and compares it with its own re-encoding, so that one value has one encoding. [`Format::to_bytes`] is the way
//! back. Field types carry the bounds ([`Octets`], [`Text`], [`List`], [`SetOf`]), so a value that exists can be
//! encoded. The bytes under a signature are kept as they came, in [`Exact`].
//!
//! | format | type |
//! |---|---|
//! | SignedIdentityToken | [`SignedIdentityToken`] around [`CompactIdentityToken`], its extensions as [`Claims`] |
//! | SAD, SADTBS | [`Sad`] around [`SadTbs`] |
//! | WrappedKey (row 18), signed public key (row 19), PKCS#10 | [`WrappedKey`], [`SignedPublicKey`], [`CertificationRequest`] |
//! | peering container | [`PeerMessage`], [`Request`], [`Credential`], [`Response`] |
//! | typed messages and results | [`operation`] |

mod algorithm;
mod credential;
mod csr;
mod directory_string;
mod error;
mod field;
mod format;
mod issuer_serial;
mod key;
pub mod limit;
mod oid_arc;
mod open;
pub mod operation;
mod peer;
mod sad;
mod signed;
mod signed_public_key;
mod time;
mod tlv;
mod token;
mod vocabulary;
mod wrapped_key;

pub use algorithm::{Digest, HashAlgorithm, SignatureAlgorithm};
pub use credential::{Credential, CredentialValue, MessageSignature};
pub use csr::{CertificationRequest, CertificationRequestInfo, request_info};
pub use directory_string::{DirectoryString, StringKind};
pub use error::{Error, Kind};
pub use field::{Bits, List, Octets, SetOf, Text, V1};
pub use format::Format;
pub use issuer_serial::{IssuerForm, IssuerSerial};
pub use key::KeyKind;
pub use oid_arc::OidArc;
pub use open::Open;
pub use peer::{ErrorResponse, PeerBody, PeerMessage, Request, Response};
pub use sad::{HashValue, Sad, SadTbs};
pub use signed::{Exact, Signed};
pub use signed_public_key::{PublicKeyTbs, SignedPublicKey};
pub use time::Time;
pub use token::{
    APP_REMOTE_SIGNATURE, Claims, CompactExtension, CompactExtensions, CompactGroupAssociation, CompactIdentityToken,
    CompactLongRoleAssociation, CompactRoleAssociation, CompactShortRoleAssociation, ROLE_PRIVILEGED_USER, ROLE_SIGNER,
    SCOPE_REMOTE_SIGNATURE, SignedIdentityToken,
};
pub use vocabulary::{ErrorType, LevelOfAssurance, Role};
pub use wrapped_key::{WrappedKey, WrappedKeyMetadata, WrappedKeyTbs};

// The X.509 types that stand in the fields, so that callers stay in the same generation of them.
pub use der::asn1::ObjectIdentifier;
pub use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
pub use x509_cert::ext::pkix::{KeyUsage, KeyUsages};
pub use x509_cert::name::Name;
pub use x509_cert::serial_number::SerialNumber;
