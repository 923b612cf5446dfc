//! Objects: what a slot's keys look like in PKCS#11.
//!
//! Source: PKCS#11 2.40, section 4. An SKS key is a private key, a public key and a certificate of the same CKA_ID and
//! CKA_LABEL, and its CA certificates; a symmetric key is a secret key; extension objects are data objects.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use cryptoki_sys::{
    CK_OBJECT_CLASS, CK_OBJECT_HANDLE, CKO_CERTIFICATE, CKO_DATA, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY,
};
use sks_issuer::local;
use sks_wire::algorithm::{Algorithm, Class};
use sks_wire::method::{enumerate_keys, get_key_group, get_key_protection_info};
use sks_wire::types::{ExportPolicy, KeyUsage};

pub(crate) mod attribute;
mod certificate;
mod held;
pub(crate) mod template;

pub(crate) use attribute::Value;
pub(crate) use certificate::{Parsed, PublicKey, key_id};
pub(crate) use held::{Held, number, point};

/// The type of the extension object that keeps a CKA_ID given at generation or import.
pub(crate) const ID_EXTENSION: &str = "urn:sks:pkcs11:id";
/// The type of the extension object that keeps the CKA_VALUE_LEN of a secret key whose algorithms do not tell it: a u32,
/// big-endian.
pub(crate) const LENGTH_EXTENSION: &str = "urn:sks:pkcs11:value-len";

/// Whether an extension object is the module's own, and no data object.
pub(crate) fn is_own(extension_type: &[u8]) -> bool {
    [ID_EXTENSION, LENGTH_EXTENSION].iter().any(|own| own.as_bytes() == extension_type)
}

/// What the module's own extension objects say of a key.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    /// CKA_ID.
    pub(crate) id: Option<Vec<u8>>,
    /// CKA_VALUE_LEN, in bytes.
    pub(crate) length: Option<u32>,
}

impl Kept {
    /// Takes the content of one of them.
    pub(crate) fn take(&mut self, extension_type: &str, data: &[u8]) {
        match extension_type {
            ID_EXTENSION => self.id = Some(data.to_vec()),
            _ => self.length = data.try_into().ok().map(u32::from_be_bytes),
        }
    }
}

/// A certificate, parsed when first asked for.
#[derive(Default)]
pub(crate) struct PublicPart(OnceLock<Option<Parsed>>);

/// A key of a closed session.
pub(crate) struct Key {
    /// KeyHandle.
    pub(crate) handle: u32,
    /// The slot that it is in.
    pub(crate) slot: u64,
    /// The lowest handle of the keys that share its PIN; 0 without one.
    pub(crate) group: u32,
    /// PINPolicyHandle; 0 without one.
    pub(crate) pin_policy: u32,
    /// The PIN policy's ID.
    pub(crate) pin_policy_id: String,
    /// Whether a PUK policy governs the PIN.
    pub(crate) has_puk: bool,
    /// What it is for.
    pub(crate) usage: KeyUsage,
    /// CKA_LABEL.
    pub(crate) label: String,
    /// End-entity certificate first, DER; never empty.
    pub(crate) certificates: Vec<Vec<u8>>,
    /// What a symmetric key is endorsed for.
    pub(crate) endorsed: Vec<Algorithm>,
    /// Types of its extension objects.
    pub(crate) extensions: Vec<Vec<u8>>,
    /// IssuerURI of its session.
    pub(crate) issuer: Arc<str>,
    /// Its policies, and counters as they were when it was listed.
    pub(crate) policy: get_key_protection_info::Response,
    /// What was given to it at generation or import.
    pub(crate) kept: Kept,
    public: Arc<PublicPart>,
}

impl Key {
    /// Puts together what the token tells of a key. Its slot is not known yet.
    pub(crate) fn new(
        handle: u32,
        told: enumerate_keys::Key,
        group: &get_key_group::Response,
        policy: get_key_protection_info::Response,
        issuer: Arc<str>,
        kept: Kept,
        public: Arc<PublicPart>,
    ) -> Self {
        let name = String::from_utf8_lossy(&told.friendly_name.0).into_owned();
        Self {
            handle,
            slot: 0,
            group: group.pin_group.0,
            pin_policy: group.pin_policy_handle.0,
            pin_policy_id: String::from_utf8_lossy(&group.pin_policy_id.0).into_owned(),
            has_puk: group.puk_policy_handle.0 != 0,
            // A usage from a later version: no operation is offered.
            usage: told.key_usage.get().unwrap_or(KeyUsage::Transport),
            label: if name.is_empty() { told.id.to_string() } else { name },
            certificates: told.x509_certificate.0,
            endorsed: told.endorsed_algorithm.0.iter().filter_map(|uri| Algorithm::from_uri(&uri.0)).collect(),
            extensions: told.extension_type.0.into_iter().map(|kind| kind.0).collect(),
            issuer,
            policy,
            kept,
            public,
        }
    }

    /// The parsed certificate, if it is still the one that the token tells of.
    pub(crate) fn public_part_of(&self, told: &enumerate_keys::Key) -> Option<Arc<PublicPart>> {
        (self.certificates.first() == told.x509_certificate.0.first()).then(|| Arc::clone(&self.public))
    }

    /// What its certificate says; none for one that cannot be read or whose key is neither P-256 nor RSA.
    pub(crate) fn parsed(&self) -> Option<&Parsed> {
        self.public.0.get_or_init(|| Parsed::of(self.certificates.first()?)).as_ref()
    }

    /// Its public key.
    pub(crate) fn public_key(&self) -> Option<&PublicKey> {
        self.parsed().map(|parsed| &parsed.key)
    }

    /// CKA_ID.
    pub(crate) fn id(&self) -> Vec<u8> {
        match (&self.kept.id, self.parsed()) {
            (Some(id), _) => id.clone(),
            (None, Some(parsed)) => parsed.id.to_vec(),
            (None, None) => self.handle.to_be_bytes().to_vec(),
        }
    }

    /// Whether it is under one of the local issuer's `user-pin` policies.
    pub(crate) fn is_users(&self) -> bool {
        *self.issuer == *local::ISSUER_URI && self.pin_policy_id == local::PIN_POLICY_ID
    }

    pub(crate) fn is_symmetric(&self) -> bool {
        self.usage == KeyUsage::SymmetricKey
    }

    /// Whether it makes signatures.
    pub(crate) fn signs(&self) -> bool {
        matches!(self.usage, KeyUsage::Signature | KeyUsage::Authentication | KeyUsage::Universal)
    }

    /// Whether it decrypts or agrees on keys.
    pub(crate) fn decrypts(&self) -> bool {
        matches!(self.usage, KeyUsage::Encryption | KeyUsage::Universal)
    }

    /// Whether a symmetric key is endorsed for algorithms of this class.
    pub(crate) fn is_endorsed(&self, class: Class) -> bool {
        self.endorsed.iter().any(|algorithm| algorithm.class() == class)
    }

    /// Whether each use asks for the PIN anew.
    pub(crate) fn always_authenticate(&self) -> bool {
        self.group != 0 && !self.policy.enable_pin_caching
    }

    /// Whether the token would export it.
    pub(crate) fn exportable(&self) -> bool {
        self.policy.export_policy.get().is_ok_and(|policy| policy != ExportPolicy::NonExportable)
    }
}

/// What an object shows of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The private key.
    Private,
    /// The public key.
    Public,
    /// The certificate of this place in the path; 0 is the key's own.
    Certificate(u16),
    /// The symmetric key.
    Secret,
    /// The extension object of this place.
    Data(u16),
}

/// An object of the token.
#[derive(Clone)]
pub(crate) struct Object {
    pub(crate) key: Arc<Key>,
    pub(crate) part: Part,
}

impl Object {
    /// All objects of a key.
    pub(crate) fn of_key(key: &Arc<Key>) -> Vec<Self> {
        let count = |n: usize| 0..u16::try_from(n).unwrap_or(u16::MAX);
        let mut parts = Vec::new();
        if key.is_symmetric() {
            parts.push(Part::Secret);
        } else {
            parts.extend([Part::Private, Part::Public]);
            parts.extend(count(key.certificates.len()).map(Part::Certificate));
        }
        let data = count(key.extensions.len())
            .filter(|at| key.extensions.get(usize::from(*at)).is_some_and(|kind| !is_own(kind)));
        parts.extend(data.map(Part::Data));
        parts.into_iter().map(|part| Self { key: Arc::clone(key), part }).collect()
    }

    /// Whether it is the first to show its CA certificate; other objects always are.
    pub(crate) fn is_first(&self, seen: &mut HashSet<Vec<u8>>) -> bool {
        match self.part {
            Part::Certificate(at) if at > 0 => self.certificate().is_some_and(|der| seen.insert(der.to_vec())),
            _ => true,
        }
    }

    /// The DER of the certificate that it is.
    pub(crate) fn certificate(&self) -> Option<&[u8]> {
        match self.part {
            Part::Certificate(at) => self.key.certificates.get(usize::from(at)).map(Vec::as_slice),
            _ => None,
        }
    }

    /// Its handle, which tells the key and the part, and so never means anything else.
    pub(crate) fn handle(&self) -> CK_OBJECT_HANDLE {
        let (part, at) = match self.part {
            Part::Private => (1, 0),
            Part::Public => (2, 0),
            Part::Certificate(at) => (3, at),
            Part::Secret => (4, 0),
            Part::Data(at) => (5, at),
        };
        CK_OBJECT_HANDLE::from(self.key.handle) << 20 | part << 16 | CK_OBJECT_HANDLE::from(at)
    }

    /// The key and part that a handle tells; none for a handle that is not of this form.
    pub(crate) fn parse_handle(handle: CK_OBJECT_HANDLE) -> Option<(u32, Part)> {
        let key = u32::try_from(handle >> 20).ok()?;
        let at = u16::try_from(handle & 0xFFFF).ok()?;
        let part = match handle >> 16 & 0xF {
            1 => Part::Private,
            2 => Part::Public,
            3 => Part::Certificate(at),
            4 => Part::Secret,
            5 => Part::Data(at),
            _ => return None,
        };
        Some((key, part))
    }

    /// CKA_CLASS.
    pub(crate) fn class(&self) -> CK_OBJECT_CLASS {
        match self.part {
            Part::Private => CKO_PRIVATE_KEY,
            Part::Public => CKO_PUBLIC_KEY,
            Part::Certificate(_) => CKO_CERTIFICATE,
            Part::Secret => CKO_SECRET_KEY,
            Part::Data(_) => CKO_DATA,
        }
    }

    /// CKA_ID, for those that have one.
    pub(crate) fn id(&self) -> Option<Vec<u8>> {
        match self.part {
            Part::Certificate(at) if at > 0 => self.certificate().map(key_id),
            Part::Data(_) => None,
            _ => Some(self.key.id()),
        }
    }

    /// Whether it shows itself only after C_Login.
    pub(crate) fn is_private(&self) -> bool {
        self.key.group != 0 && matches!(self.part, Part::Private | Part::Secret)
    }
}
