//! Field types that carry the rules of their arguments: options, texts, blobs, and createKeyPair's conditional fields.

use std::fmt;
use std::marker::PhantomData;

use super::{Choice, KeyHandle, OutOfRange};
use crate::codec::{Breach, Field, Kind, Parsed, name, refuse, short_array, size_of_short_array, write_short_array};
use crate::limit;
use crate::secret::Secret;

/// One byte of a vocabulary, as received: [`Code::get`] gives the variant or the refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code<C> {
    value: u8,
    vocabulary: PhantomData<C>,
}

impl<C: Choice> Code<C> {
    /// Wraps a byte that may be out of range.
    #[must_use]
    pub fn raw(value: u8) -> Self {
        Self { value, vocabulary: PhantomData }
    }

    /// The byte as received.
    #[must_use]
    pub fn value(self) -> u8 {
        self.value
    }

    /// The variant.
    ///
    /// # Errors
    /// [`OutOfRange`] when the table does not have it.
    pub fn get(self) -> Result<C, OutOfRange> {
        C::from_value(self.value).ok_or(OutOfRange(Kind::Value { min: 0, max: C::LAST }))
    }
}

impl<C: Choice> From<C> for Code<C> {
    fn from(choice: C) -> Self {
        Self::raw(choice.value())
    }
}

impl<C: Choice> fmt::Debug for Code<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match C::from_value(self.value) {
            Some(choice) => f.write_str(choice.name()),
            None => write!(f, "{}", self.value),
        }
    }
}

impl<C: Choice> Field for Code<C> {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, value) = u8::parse(input)?;
        Ok((rest, Self::raw(value)))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.value);
    }

    fn size(&self) -> usize {
        1
    }

    fn check(&self) -> Result<(), Breach> {
        self.get().map(|_| ()).map_err(|e| Breach::new(e.0))
    }
}

/// One byte with bounds, as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Octet<const MIN: u8, const MAX: u8>(pub u8);

impl<const MIN: u8, const MAX: u8> Octet<MIN, MAX> {
    /// The value.
    ///
    /// # Errors
    /// [`OutOfRange`] outside MIN to MAX.
    pub fn get(self) -> Result<u8, OutOfRange> {
        if (MIN..=MAX).contains(&self.0) { Ok(self.0) } else { Err(OutOfRange(Kind::Value { min: MIN, max: MAX })) }
    }
}

impl<const MIN: u8, const MAX: u8> Field for Octet<MIN, MAX> {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, value) = u8::parse(input)?;
        Ok((rest, Self(value)))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.0);
    }

    fn size(&self) -> usize {
        1
    }

    fn check(&self) -> Result<(), Breach> {
        self.get().map(|_| ()).map_err(|e| Breach::new(e.0))
    }
}

/// A `byte[]` that holds UTF-8 text of MIN to MAX bytes, as received.
#[derive(Clone, PartialEq, Eq)]
pub struct Text<const MIN: usize, const MAX: usize>(pub Vec<u8>);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// The text.
    ///
    /// # Errors
    /// [`OutOfRange`] for bytes that are not UTF-8 or a length outside MIN to MAX.
    pub fn get(&self) -> Result<&str, OutOfRange> {
        if !(MIN..=MAX).contains(&self.0.len()) {
            let bound = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            return Err(OutOfRange(Kind::Size { min: bound(MIN), max: bound(MAX) }));
        }
        std::str::from_utf8(&self.0).map_err(|_| OutOfRange(Kind::Utf8))
    }
}

impl<const MIN: usize, const MAX: usize> From<&str> for Text<MIN, MAX> {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Debug for Text<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(&self.0), f)
    }
}

impl<const MIN: usize, const MAX: usize> Field for Text<MIN, MAX> {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, bytes) = short_array(input)?;
        Ok((rest, Self(bytes.to_vec())))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_short_array(&self.0, out);
    }

    fn size(&self) -> usize {
        size_of_short_array(&self.0)
    }

    fn check(&self) -> Result<(), Breach> {
        self.get().map(|_| ()).map_err(|e| match (e.0, std::str::from_utf8(&self.0)) {
            // A text that is not UTF-8 is refused at its first bad byte, behind the length.
            (Kind::Utf8, Err(bad)) => Breach::new(e.0).behind(2 + bad.valid_up_to()),
            _ => Breach::new(e.0),
        })
    }
}

/// Any text that fits a `byte[]`: algorithm URIs and other values that are compared, not stored.
pub type AnyText = Text<0, 65535>;

/// IssuerURI: 1 to 1024 bytes.
pub type IssuerUri = Text<1, { limit::ISSUER_URI }>;

/// FriendlyName: 0 to 100 bytes.
pub type FriendlyName = Text<0, { limit::FRIENDLY_NAME }>;

/// VendorName and VendorDescription: 1 to 100 bytes.
pub type VendorText = Text<1, { limit::VENDOR_TEXT }>;

/// `blob`: a four-byte length, then the bytes. It may hold a decrypted extension, so it is treated as a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob(pub Secret);

impl Field for Blob {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, length) = u32::parse(input)?;
        let taken: Parsed<'_, &[u8]> = nom::bytes::complete::take(length)(rest);
        let (rest, bytes) = taken.or_else(|_| refuse(input, Kind::Truncated))?;
        Ok((rest, Self(Secret::from(bytes))))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let bytes = self.0.expose();
        u32::try_from(bytes.len()).unwrap_or(u32::MAX).write(out);
        out.extend_from_slice(bytes);
    }

    fn size(&self) -> usize {
        4 + self.0.len()
    }
}

/// createKeyPair's last arguments: KeyAlgorithmType, and what that type needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// 0x00.
    Rsa {
        /// RSAKeySize in bits.
        size: u16,
        /// RSAExponent; 0 is the default.
        exponent: u32,
    },
    /// 0x01.
    Ecc {
        /// NamedCurve, a URI.
        curve: AnyText,
    },
}

impl Field for KeyAlgorithm {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        match name(u8::parse(input), "key_algorithm_type")? {
            (rest, 0) => {
                let (rest, size) = name(u16::parse(rest), "rsa_key_size")?;
                let (rest, exponent) = name(u32::parse(rest), "rsa_exponent")?;
                Ok((rest, Self::Rsa { size, exponent }))
            }
            (rest, 1) => {
                let (rest, curve) = name(AnyText::parse(rest), "named_curve")?;
                Ok((rest, Self::Ecc { curve }))
            }
            _ => name(refuse(input, Kind::KeyAlgorithmType), "key_algorithm_type"),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Rsa { size, exponent } => {
                out.push(0);
                size.write(out);
                exponent.write(out);
            }
            Self::Ecc { curve } => {
                out.push(1);
                curve.write(out);
            }
        }
    }

    fn size(&self) -> usize {
        1 + match self {
            Self::Rsa { size, exponent } => size.size() + exponent.size(),
            Self::Ecc { curve } => curve.size(),
        }
    }

    fn check(&self) -> Result<(), Breach> {
        match self {
            Self::Rsa { .. } => Ok(()),
            Self::Ecc { curve } => curve.check().map_err(|breach| breach.behind(1).named("named_curve")),
        }
    }
}

/// createKeyPair's PrivateKey and KeyHandle: the private key is there only if a backup was asked for, and nothing on
/// the wire tells but the length of what is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupAndHandle {
    /// PrivateKey, encrypted for the issuer.
    pub private_key: Option<Vec<u8>>,
    /// KeyHandle.
    pub key_handle: KeyHandle,
}

impl Field for BackupAndHandle {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, private_key) = if input.len() > 4 {
            let (rest, key) = name(<Vec<u8> as Field>::parse(input), "private_key")?;
            (rest, Some(key))
        } else {
            (input, None)
        };
        let (rest, key_handle) = name(KeyHandle::parse(rest), "key_handle")?;
        Ok((rest, Self { private_key, key_handle }))
    }

    fn write(&self, out: &mut Vec<u8>) {
        if let Some(key) = &self.private_key {
            key.write(out);
        }
        self.key_handle.write(out);
    }

    fn size(&self) -> usize {
        self.private_key.as_ref().map_or(0, Field::size) + self.key_handle.size()
    }

    fn check(&self) -> Result<(), Breach> {
        match &self.private_key {
            // A key that is not there takes no bytes at all, not even a length.
            Some(key) if !(1..=usize::from(u16::MAX)).contains(&key.len()) => {
                Err(Breach::new(Kind::Size { min: 1, max: u32::from(u16::MAX) }).named("private_key"))
            }
            _ => Ok(()),
        }
    }
}
