//! `Generate_Signer_Key_Pair`: generates a key pair for a user (Table 20).

use der::asn1::ObjectIdentifier;
use der::{Decode, Encode, ErrorKind, Length, Reader, Sequence, Tag, Writer};

use crate::error::{Error, Kind};
use crate::field::{Octets, Text};
use crate::format::Format;
use crate::limit::MAX_WRAPPED_KEY_LEN;
use crate::signed_public_key::SignedPublicKey;

/// ```text
/// SEQUENCE { userid UTF8String, algorithm UTF8String, parameters CHOICE { rsa INTEGER, ec OBJECT IDENTIFIER } }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct GenerateSignerKeyPair {
    /// The user that the key is for.
    pub userid: Text,
    /// `EC` or `RSA`; [`specification`](Self::specification) reads it with the parameters.
    pub algorithm: Text,
    /// Of the algorithm.
    pub parameters: KeyParameters,
}

impl GenerateSignerKeyPair {
    /// Asks for a key.
    ///
    /// # Errors
    /// [`Kind::Field`] for a user id out of bounds.
    pub fn new(userid: &str, specification: KeySpecification) -> Result<Self, Error> {
        let (algorithm, parameters) = match specification {
            KeySpecification::Ec { curve } => (EC, KeyParameters::Curve(curve)),
            KeySpecification::Rsa { bits } => (RSA, KeyParameters::Bits(bits)),
        };
        Ok(Self { userid: Text::new(userid)?, algorithm: Text::new(algorithm)?, parameters })
    }

    /// Which key is asked for.
    ///
    /// # Errors
    /// [`Kind::Algorithm`] for an algorithm of another name, or the other's parameters.
    pub fn specification(&self) -> Result<KeySpecification, Error> {
        match (self.algorithm.as_str(), self.parameters) {
            (EC, KeyParameters::Curve(curve)) => Ok(KeySpecification::Ec { curve }),
            (RSA, KeyParameters::Bits(bits)) => Ok(KeySpecification::Rsa { bits }),
            _ => Err(Error::value(Kind::Algorithm)),
        }
    }
}

/// A key to generate; which curves and sizes are allowed is for the SAM to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySpecification {
    /// On a named curve.
    Ec {
        /// The curve.
        curve: ObjectIdentifier,
    },
    /// RSA.
    Rsa {
        /// Of the modulus.
        bits: u32,
    },
}

/// "RSParameters: key length in bits. ECparameters: named curve as OID".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyParameters {
    /// RSA.
    Bits(u32),
    /// EC.
    Curve(ObjectIdentifier),
}

impl<'a> Decode<'a> for KeyParameters {
    type Error = der::Error;

    fn decode<R: Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        match Tag::peek(reader)? {
            Tag::Integer => reader.decode().map(Self::Bits),
            Tag::ObjectIdentifier => reader.decode().map(Self::Curve),
            actual => Err(reader.error(ErrorKind::TagUnexpected { expected: None, actual })),
        }
    }
}

impl Encode for KeyParameters {
    fn encoded_len(&self) -> der::Result<Length> {
        match self {
            Self::Bits(bits) => bits.encoded_len(),
            Self::Curve(curve) => curve.encoded_len(),
        }
    }

    fn encode(&self, writer: &mut impl Writer) -> der::Result<()> {
        match self {
            Self::Bits(bits) => bits.encode(writer),
            Self::Curve(curve) => curve.encode(writer),
        }
    }
}

/// ```text
/// SEQUENCE { keyid UTF8String, publickey OCTET STRING }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct GenerateSignerKeyPairResult {
    /// The key.
    pub keyid: Text,
    /// DER of a [`SignedPublicKey`].
    pub publickey: Octets<1, MAX_WRAPPED_KEY_LEN>,
}

impl GenerateSignerKeyPairResult {
    /// Puts the parts together.
    ///
    /// # Errors
    /// What [`Format::to_bytes`] refuses.
    pub fn new(key: &SignedPublicKey) -> Result<Self, Error> {
        Ok(Self { keyid: key.tbs.key_id.clone(), publickey: Octets::new(key.to_bytes()?)? })
    }

    /// Reads the public key.
    ///
    /// # Errors
    /// What [`Format::parse`] refuses.
    pub fn public_key(&self) -> Result<SignedPublicKey, Error> {
        SignedPublicKey::parse(self.publickey.as_bytes())
    }
}

impl Format for GenerateSignerKeyPairResult {
    const MAX_LEN: usize = MAX_WRAPPED_KEY_LEN + 1024;
}

const EC: &str = "EC";
const RSA: &str = "RSA";
