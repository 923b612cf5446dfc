//! Values under a signature, with the bytes that the signature runs over (row 8).

use std::fmt;
use std::ops::Deref;

use der::{Decode, DecodeValue, Encode, EncodeValue, FixedTag, Header, Length, Reader, Tag, Writer};
use spki::AlgorithmIdentifierOwned;

use crate::error::Error;
use crate::field::Bits;
use crate::limit::MAX_SIGNATURE_LEN;

/// A value and its DER, tag and length included: exactly the bytes that came, or that [`new`](Self::new) made.
///
/// It cannot be changed, so that the two never part.
#[derive(Clone, PartialEq, Eq)]
pub struct Exact<T> {
    value: T,
    der: Vec<u8>,
}

impl<T> Exact<T> {
    /// Writes the value, to be signed.
    ///
    /// # Errors
    /// [`Kind::Field`](crate::Kind::Field) if it cannot be written.
    pub fn new(value: T) -> Result<Self, Error>
    where
        T: Encode,
    {
        let der = value.to_der()?;
        Ok(Self { value, der })
    }

    /// The bytes under the signature.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The value, given away.
    #[must_use]
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T> Deref for Exact<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Exact<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<'a, T: Decode<'a, Error = der::Error>> Decode<'a> for Exact<T> {
    type Error = der::Error;

    /// That the bytes are the value's one encoding is for [`Format::parse`](crate::Format::parse) to see, which
    /// compares the whole: [`encode`](Encode::encode) writes the value.
    fn decode<R: Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        let mut start = reader.clone();
        let value = T::decode(reader)?;
        let der = start.read_vec(reader.position().saturating_sub(start.position()))?;
        Ok(Self { value, der })
    }
}

/// Writes the value and not the bytes that came, which would compare them with themselves.
impl<T: Encode> Encode for Exact<T> {
    fn encoded_len(&self) -> der::Result<Length> {
        self.value.encoded_len()
    }

    fn encode(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.value.encode(writer)
    }
}

/// ```text
/// SIGNED{T} ::= SEQUENCE { tbs T, signatureAlgorithm AlgorithmIdentifier, signature BIT STRING }
/// ```
///
/// The shape of X.509, here for wrapped keys, signed public keys and PKCS#10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<T> {
    /// What is signed.
    pub tbs: Exact<T>,
    /// How; it stands outside the signature, so it must fit the key that verifies.
    pub signature_algorithm: AlgorithmIdentifierOwned,
    /// Over [`tbs.der()`](Exact::der).
    pub signature: Bits<1, MAX_SIGNATURE_LEN>,
}

impl<T> Signed<T> {
    /// Puts the parts together; the signature is over `tbs.der()`.
    ///
    /// # Errors
    /// [`Kind::Field`](crate::Kind::Field) for a signature that is empty or too long.
    pub fn new(
        tbs: Exact<T>,
        signature_algorithm: AlgorithmIdentifierOwned,
        signature: impl Into<Vec<u8>>,
    ) -> Result<Self, Error> {
        Ok(Self { tbs, signature_algorithm, signature: Bits::new(signature)? })
    }
}

impl<T> FixedTag for Signed<T> {
    const TAG: Tag = Tag::Sequence;
}

impl<'a, T: Decode<'a, Error = der::Error>> DecodeValue<'a> for Signed<T> {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _: Header) -> der::Result<Self> {
        Ok(Self { tbs: reader.decode()?, signature_algorithm: reader.decode()?, signature: reader.decode()? })
    }
}

impl<T: Encode> EncodeValue for Signed<T> {
    fn value_len(&self) -> der::Result<Length> {
        (self.tbs.encoded_len()? + self.signature_algorithm.encoded_len()?)? + self.signature.encoded_len()?
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.tbs.encode(writer)?;
        self.signature_algorithm.encode(writer)?;
        self.signature.encode(writer)
    }
}
