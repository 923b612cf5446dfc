//! Attributes of the token's objects.
//!
//! Source: PKCS#11 2.40, tables of section 4; true to the key's KeyUsage and ExportPolicy.

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_ULONG, CK_UNAVAILABLE_INFORMATION, CKA_ALLOWED_MECHANISMS, CKA_ALWAYS_AUTHENTICATE,
    CKA_ALWAYS_SENSITIVE, CKA_APPLICATION, CKA_CERTIFICATE_CATEGORY, CKA_CERTIFICATE_TYPE, CKA_CHECK_VALUE, CKA_CLASS,
    CKA_COEFFICIENT, CKA_COPYABLE, CKA_DECRYPT, CKA_DERIVE, CKA_DESTROYABLE, CKA_EC_PARAMS, CKA_EC_POINT, CKA_ENCRYPT,
    CKA_END_DATE, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_EXTRACTABLE, CKA_ID, CKA_ISSUER, CKA_KEY_GEN_MECHANISM,
    CKA_KEY_TYPE, CKA_LABEL, CKA_LOCAL, CKA_MODIFIABLE, CKA_MODULUS, CKA_MODULUS_BITS, CKA_NEVER_EXTRACTABLE,
    CKA_OBJECT_ID, CKA_PRIME_1, CKA_PRIME_2, CKA_PRIVATE, CKA_PRIVATE_EXPONENT, CKA_PUBLIC_EXPONENT,
    CKA_PUBLIC_KEY_INFO, CKA_SENSITIVE, CKA_SERIAL_NUMBER, CKA_SIGN, CKA_SIGN_RECOVER, CKA_START_DATE, CKA_SUBJECT,
    CKA_TOKEN, CKA_TRUSTED, CKA_UNIQUE_ID, CKA_UNWRAP, CKA_URL, CKA_VALUE, CKA_VALUE_LEN, CKA_VERIFY,
    CKA_VERIFY_RECOVER, CKA_WRAP, CKA_WRAP_WITH_TRUSTED, CKC_X_509, CKK_AES, CKK_EC, CKK_GENERIC_SECRET, CKK_RSA,
};
use sha1::{Digest, Sha1};
use sks_wire::algorithm::{Algorithm, Class};
use zeroize::Zeroizing;

use super::certificate::Names;
use super::{Key, Object, Part, PublicKey};
use crate::mechanism;

/// An attribute's value, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// The value.
    Bytes(Zeroizing<Vec<u8>>),
    /// It is never told.
    Sensitive,
    /// The extension object has to be asked for.
    Extension,
    /// The object has no such attribute.
    Unknown,
}

/// The namedCurve secp256r1, DER.
pub(crate) const P256_PARAMS: &[u8] = &[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
/// CK_CERTIFICATE_CATEGORY_TOKEN_USER.
const CATEGORY_USER: CK_ULONG = 1;
/// CK_CERTIFICATE_CATEGORY_AUTHORITY.
const CATEGORY_AUTHORITY: CK_ULONG = 2;

fn bytes(value: impl Into<Vec<u8>>) -> Value {
    Value::Bytes(Zeroizing::new(value.into()))
}

fn bool(value: bool) -> Value {
    bytes([u8::from(value)])
}

fn ulong(value: CK_ULONG) -> Value {
    bytes(value.to_ne_bytes())
}

fn optional(value: Option<impl Into<Vec<u8>>>) -> Value {
    value.map_or(Value::Unknown, bytes)
}

impl Object {
    /// An attribute.
    pub(crate) fn attribute(&self, kind: CK_ATTRIBUTE_TYPE) -> Value {
        match kind {
            CKA_CLASS => ulong(self.class()),
            CKA_TOKEN | CKA_COPYABLE => bool(true),
            CKA_PRIVATE => bool(self.is_private()),
            CKA_MODIFIABLE => bool(false),
            CKA_DESTROYABLE => bool(matches!(self.part, Part::Private | Part::Secret)),
            CKA_LABEL => bytes(self.label()),
            CKA_ID => optional(self.id()),
            CKA_UNIQUE_ID => bytes(format!("{:x}", self.handle())),
            _ => match self.part {
                Part::Private => self.key.private(kind),
                Part::Public => self.key.public(kind),
                Part::Certificate(0) => self.key.certificate(kind),
                Part::Certificate(_) => self.certificate().map_or(Value::Unknown, |der| authority(der, kind)),
                Part::Secret => self.key.secret(kind),
                Part::Data(_) => self.data(kind),
            },
        }
    }

    fn label(&self) -> String {
        match self.part {
            Part::Certificate(at) if at > 0 => {
                self.certificate().and_then(Names::of).map_or_else(String::new, |names| names.label)
            }
            Part::Data(_) => String::from_utf8_lossy(self.extension_type().unwrap_or_default()).into_owned(),
            _ => self.key.label.clone(),
        }
    }

    /// The type of the extension object that it is.
    pub(crate) fn extension_type(&self) -> Option<&[u8]> {
        match self.part {
            Part::Data(at) => self.key.extensions.get(usize::from(at)).map(Vec::as_slice),
            _ => None,
        }
    }

    fn data(&self, kind: CK_ATTRIBUTE_TYPE) -> Value {
        match kind {
            CKA_APPLICATION => bytes(self.key.label.as_str()),
            CKA_OBJECT_ID => bytes([]),
            CKA_VALUE => Value::Extension,
            _ => Value::Unknown,
        }
    }
}

impl Key {
    fn private(&self, kind: CK_ATTRIBUTE_TYPE) -> Value {
        let rsa = matches!(self.public_key(), Some(PublicKey::Rsa { .. }));
        match kind {
            CKA_SUBJECT => optional(self.parsed().map(|parsed| parsed.subject.clone())),
            CKA_SENSITIVE => bool(true),
            CKA_ALWAYS_SENSITIVE => bool(self.is_local()),
            CKA_EXTRACTABLE => bool(self.exportable()),
            CKA_NEVER_EXTRACTABLE => bool(self.is_local() && !self.exportable()),
            CKA_SIGN => bool(self.signs()),
            CKA_DECRYPT => bool(self.decrypts() && rsa),
            CKA_DERIVE => bool(self.decrypts() && !rsa),
            CKA_SIGN_RECOVER | CKA_UNWRAP | CKA_WRAP_WITH_TRUSTED => bool(false),
            CKA_ALWAYS_AUTHENTICATE => bool(self.always_authenticate()),
            CKA_PRIVATE_EXPONENT | CKA_PRIME_1 | CKA_PRIME_2 | CKA_EXPONENT_1 | CKA_EXPONENT_2 | CKA_COEFFICIENT
                if rsa =>
            {
                Value::Sensitive
            }
            CKA_VALUE if !rsa => Value::Sensitive,
            CKA_MODULUS_BITS => Value::Unknown,
            _ => self.asymmetric(kind),
        }
    }

    fn public(&self, kind: CK_ATTRIBUTE_TYPE) -> Value {
        let rsa = matches!(self.public_key(), Some(PublicKey::Rsa { .. }));
        match kind {
            CKA_SUBJECT => optional(self.parsed().map(|parsed| parsed.subject.clone())),
            CKA_VERIFY => bool(self.signs()),
            CKA_ENCRYPT => bool(self.decrypts() && rsa),
            CKA_VERIFY_RECOVER | CKA_WRAP | CKA_TRUSTED | CKA_DERIVE => bool(false),
            _ => self.asymmetric(kind),
        }
    }

    /// What private and public keys both have.
    fn asymmetric(&self, kind: CK_ATTRIBUTE_TYPE) -> Value {
        match (kind, self.public_key()) {
            (CKA_KEY_TYPE, Some(PublicKey::Rsa { .. })) => ulong(CKK_RSA),
            (CKA_KEY_TYPE, Some(PublicKey::Ec(_))) => ulong(CKK_EC),
            (CKA_MODULUS, Some(PublicKey::Rsa { modulus, .. })) => bytes(modulus.as_slice()),
            (CKA_PUBLIC_EXPONENT, Some(PublicKey::Rsa { exponent, .. })) => bytes(exponent.as_slice()),
            (CKA_MODULUS_BITS, Some(key @ PublicKey::Rsa { .. })) => ulong(key.bits() as CK_ULONG),
            (CKA_EC_PARAMS, Some(PublicKey::Ec(_))) => bytes(P256_PARAMS),
            (CKA_EC_POINT, Some(PublicKey::Ec(point))) => bytes(octet_string(point)),
            (CKA_PUBLIC_KEY_INFO, _) => optional(self.parsed().map(|parsed| parsed.spki.clone())),
            _ => self.any_key(kind),
        }
    }

    fn secret(&self, kind: CK_ATTRIBUTE_TYPE) -> Value {
        let aes = self.is_endorsed(Class::SymmetricEncryption);
        match kind {
            CKA_KEY_TYPE => ulong(if aes { CKK_AES } else { CKK_GENERIC_SECRET }),
            CKA_SENSITIVE => bool(true),
            CKA_EXTRACTABLE => bool(self.exportable()),
            // The issuer made it, so it was outside once.
            CKA_ALWAYS_SENSITIVE | CKA_NEVER_EXTRACTABLE => bool(false),
            CKA_ENCRYPT | CKA_DECRYPT => bool(aes),
            CKA_SIGN | CKA_VERIFY => bool(self.is_endorsed(Class::Hmac)),
            CKA_WRAP | CKA_UNWRAP | CKA_TRUSTED | CKA_WRAP_WITH_TRUSTED | CKA_DERIVE => bool(false),
            CKA_VALUE => Value::Sensitive,
            CKA_VALUE_LEN => self.value_length().map_or(Value::Unknown, ulong),
            _ => self.any_key(kind),
        }
    }

    /// The length that a CBC algorithm tells, or that was kept at generation or import; the token itself tells none.
    fn value_length(&self) -> Option<CK_ULONG> {
        let told = self.endorsed.iter().find_map(|algorithm| match algorithm {
            Algorithm::Aes128Cbc => Some(16),
            Algorithm::Aes192Cbc => Some(24),
            Algorithm::Aes256Cbc => Some(32),
            _ => None,
        });
        told.or(self.kept.length.map(CK_ULONG::from))
    }

    /// Its own certificate.
    fn certificate(&self, kind: CK_ATTRIBUTE_TYPE) -> Value {
        let parsed = self.parsed();
        match kind {
            CKA_CERTIFICATE_CATEGORY => ulong(CATEGORY_USER),
            CKA_SUBJECT => optional(parsed.map(|parsed| parsed.subject.clone())),
            CKA_ISSUER => optional(parsed.map(|parsed| parsed.issuer.clone())),
            CKA_SERIAL_NUMBER => optional(parsed.map(|parsed| parsed.serial.clone())),
            CKA_PUBLIC_KEY_INFO => optional(parsed.map(|parsed| parsed.spki.clone())),
            _ => self.certificates.first().map_or(Value::Unknown, |der| any_certificate(der, kind)),
        }
    }

    /// What all keys have.
    fn any_key(&self, kind: CK_ATTRIBUTE_TYPE) -> Value {
        match kind {
            CKA_START_DATE | CKA_END_DATE => bytes([]),
            CKA_LOCAL => bool(self.is_local()),
            CKA_KEY_GEN_MECHANISM => ulong(mechanism::generation_of(self).unwrap_or(CK_UNAVAILABLE_INFORMATION)),
            CKA_ALLOWED_MECHANISMS => {
                bytes(mechanism::allowed(self).into_iter().flat_map(CK_ULONG::to_ne_bytes).collect::<Vec<u8>>())
            }
            _ => Value::Unknown,
        }
    }

    /// Whether the key was made in the token.
    pub(crate) fn is_local(&self) -> bool {
        !self.policy.import_private_key && !self.is_symmetric()
    }
}

/// What all certificates have.
fn any_certificate(der: &[u8], kind: CK_ATTRIBUTE_TYPE) -> Value {
    match kind {
        CKA_CERTIFICATE_TYPE => ulong(CKC_X_509),
        CKA_TRUSTED => bool(false),
        CKA_VALUE => bytes(der),
        CKA_CHECK_VALUE => optional(Sha1::digest(der).get(..3)),
        CKA_START_DATE | CKA_END_DATE | CKA_URL => bytes([]),
        _ => Value::Unknown,
    }
}

/// A CA's certificate.
fn authority(der: &[u8], kind: CK_ATTRIBUTE_TYPE) -> Value {
    let names = || Names::of(der);
    match kind {
        CKA_CERTIFICATE_CATEGORY => ulong(CATEGORY_AUTHORITY),
        CKA_SUBJECT => optional(names().map(|names| names.subject)),
        CKA_ISSUER => optional(names().map(|names| names.issuer)),
        CKA_SERIAL_NUMBER => optional(names().map(|names| names.serial)),
        CKA_PUBLIC_KEY_INFO => optional(names().map(|names| names.spki)),
        _ => any_certificate(der, kind),
    }
}

/// A DER OCTET STRING of less than 128 bytes.
fn octet_string(content: &[u8]) -> Vec<u8> {
    [&[0x04, content.len() as u8], content].concat()
}
