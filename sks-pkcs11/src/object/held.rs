//! Session objects: derived keys, imported public keys and certificates, copies. They live in the module and end with
//! their session.

use std::collections::BTreeMap;

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_OBJECT_CLASS, CK_ULONG, CKA_CLASS, CKA_EC_POINT, CKA_EXTRACTABLE, CKA_KEY_TYPE, CKA_MODULUS,
    CKA_PRIVATE, CKA_PUBLIC_EXPONENT, CKA_SENSITIVE, CKA_TOKEN, CKA_VALUE, CKK_EC, CKK_RSA, CKO_PUBLIC_KEY,
};
use der::Decode;
use der::asn1::OctetStringRef;
use zeroize::Zeroizing;

use super::certificate::POINT;
use super::template::{Template, ulong};
use super::{Object, PublicKey, Value};

/// A session object.
pub(crate) struct Held {
    /// The session that it ends with.
    pub(crate) session: u64,
    /// Its slot.
    pub(crate) slot: u64,
    /// What it is a copy of.
    pub(crate) of: Option<Object>,
    /// Its attributes; those of a copy go before the original's.
    pub(crate) attributes: BTreeMap<CK_ATTRIBUTE_TYPE, Zeroizing<Vec<u8>>>,
}

impl Held {
    /// With the attributes of a template.
    pub(crate) fn new(session: u64, slot: u64, of: Option<Object>, template: &Template<'_>) -> Self {
        let attributes = template.0.iter().map(|(kind, value)| (*kind, Zeroizing::new(value.to_vec()))).collect();
        let mut held = Self { session, slot, of, attributes };
        held.set(CKA_TOKEN, &[0]);
        held
    }

    /// Sets an attribute.
    pub(crate) fn set(&mut self, kind: CK_ATTRIBUTE_TYPE, value: &[u8]) {
        self.attributes.insert(kind, Zeroizing::new(value.to_vec()));
    }

    /// Sets an attribute that is not there.
    pub(crate) fn default(&mut self, kind: CK_ATTRIBUTE_TYPE, value: &[u8]) {
        self.attributes.entry(kind).or_insert_with(|| Zeroizing::new(value.to_vec()));
    }

    pub(crate) fn attribute(&self, kind: CK_ATTRIBUTE_TYPE) -> Value {
        let is = |kind, wanted: &[u8]| self.attributes.get(&kind).is_some_and(|value| value.as_slice() == wanted);
        if kind == CKA_VALUE && (is(CKA_SENSITIVE, &[1]) || is(CKA_EXTRACTABLE, &[0])) {
            return Value::Sensitive;
        }
        match (self.attributes.get(&kind), &self.of) {
            (Some(value), _) => Value::Bytes(value.clone()),
            (None, Some(object)) => object.attribute(kind),
            (None, None) => Value::Unknown,
        }
    }

    /// Whether it shows itself only after C_Login.
    pub(crate) fn is_private(&self) -> bool {
        match self.attributes.get(&CKA_PRIVATE).map(|value| value.as_slice()) {
            Some([0]) => false,
            Some(_) => true,
            None => self.of.as_ref().is_some_and(Object::is_private),
        }
    }

    /// An attribute of its own as it is, told to callers or not.
    pub(crate) fn raw(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
        self.attributes.get(&kind).map(|value| value.as_slice())
    }

    /// CKA_KEY_TYPE.
    pub(crate) fn key_type(&self) -> Option<CK_ULONG> {
        self.ulong(CKA_KEY_TYPE)
    }

    fn ulong(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<CK_ULONG> {
        self.attributes.get(&kind).and_then(|value| ulong(value).ok())
    }

    /// CKA_CLASS.
    pub(crate) fn class(&self) -> Option<CK_OBJECT_CLASS> {
        self.of.as_ref().map(Object::class).or_else(|| self.ulong(CKA_CLASS))
    }

    /// The public key of an imported one.
    pub(crate) fn public_key(&self) -> Option<PublicKey> {
        let get = |kind| self.raw(kind);
        match (self.class()?, self.key_type()?) {
            (CKO_PUBLIC_KEY, CKK_EC) => point(get(CKA_EC_POINT)?).map(PublicKey::Ec),
            (CKO_PUBLIC_KEY, CKK_RSA) => {
                Some(PublicKey::Rsa { modulus: number(get(CKA_MODULUS)?), exponent: number(get(CKA_PUBLIC_EXPONENT)?) })
            }
            _ => None,
        }
    }
}

/// An uncompressed point on P-256, in a DER OCTET STRING as the standard asks, or bare as some callers give it.
pub(crate) fn point(value: &[u8]) -> Option<Vec<u8>> {
    let is_point = |bytes: &&[u8]| bytes.len() == POINT && bytes.first() == Some(&4);
    // The bare form first: it may look like an OCTET STRING, and an OCTET STRING with a point in it is longer.
    let wrapped = || <&OctetStringRef>::from_der(value).ok().map(OctetStringRef::as_bytes);
    Some(value).filter(is_point).or_else(|| wrapped().filter(is_point)).map(<[u8]>::to_vec)
}

/// A big integer without leading zeros.
pub(crate) fn number(value: &[u8]) -> Vec<u8> {
    value.iter().copied().skip_while(|byte| *byte == 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0x04 is the tag of an OCTET STRING too, and 0x3F the length of what would be in it: one point of 256.
    #[test]
    fn a_bare_point_that_looks_like_an_octet_string_is_a_point() {
        let bare = [&[4, 0x3F], [1; POINT - 2].as_slice()].concat();
        assert_eq!(point(&bare), Some(bare.clone()));
        let wrapped = [&[4, 0x41], bare.as_slice()].concat();
        assert_eq!(point(&wrapped), Some(bare.clone()));
        let too_short = |bytes: &[u8]| bytes.split_last().and_then(|(_, rest)| point(rest));
        assert_eq!((too_short(&bare), too_short(&wrapped)), (None, None));
    }
}
