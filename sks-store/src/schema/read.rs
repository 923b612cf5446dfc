//! Reading values: strict, and without a panic on anything.

use std::fmt;

use sks_core::ports::KeySpec;
use sks_core::record::Material;
use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;
use sks_wire::types::{Choice, Id};

use super::write::{Element, PAD, algorithm_code};

/// What is wrong with bytes that were sealed as a record, and where. The bytes themselves are never told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {at}")]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    /// From the start of the record, or of the key.
    pub(crate) at: usize,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Truncated,
    Trailing,
    /// The record's version.
    Version(u8),
    /// A code that its list does not have.
    Value,
    Utf8,
    Id,
    /// Not zero, or not as long as it must be.
    Padding,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("it ends"),
            Self::Trailing => f.write_str("it does not end"),
            Self::Version(version) => write!(f, "a record version {version} that this program does not know"),
            Self::Value => f.write_str("an unknown value"),
            Self::Utf8 => f.write_str("a text that is not UTF-8"),
            Self::Id => f.write_str("an id that is no NCName"),
            Self::Padding => f.write_str("wrong padding"),
        }
    }
}

/// The bytes not read yet.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    left: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes, at: 0 }
    }

    pub(crate) fn read<T: Load>(&mut self) -> Result<T, Fault> {
        T::load(self)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.left)
    }

    pub(crate) fn fault(&self, kind: Kind) -> Fault {
        Fault { kind, at: self.at }
    }

    /// Refuses trailing bytes.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        if self.left.is_empty() { Ok(()) } else { Err(self.fault(Kind::Trailing)) }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (taken, left) = self.left.split_at_checked(count).ok_or(self.fault(Kind::Truncated))?;
        self.left = left;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, left) = self.left.split_first_chunk::<N>().ok_or(self.fault(Kind::Truncated))?;
        self.left = left;
        self.at += N;
        Ok(*taken)
    }

    /// A length and that many bytes.
    fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length: u32 = self.read()?;
        self.take(usize::try_from(length).map_err(|_| self.fault(Kind::Truncated))?)
    }

    /// As [`Writer::padded`](super::Writer::padded) wrote it.
    pub(crate) fn padded(&mut self) -> Result<Secret, Fault> {
        let secret = self.bytes()?;
        let padding = self.take(PAD - secret.len() % PAD)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(self.fault(Kind::Padding));
        }
        Ok(Secret::from(secret))
    }
}

/// A type that a field of a record has.
pub(crate) trait Load: Sized {
    fn load(from: &mut Reader<'_>) -> Result<Self, Fault>;
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Load for $type {
            fn load(from: &mut Reader<'_>) -> Result<Self, Fault> {
                from.array().map(<$type>::from_be_bytes)
            }
        }
    )*};
}

integers!(u8, u16, u32, u64);

impl Load for bool {
    fn load(from: &mut Reader<'_>) -> Result<Self, Fault> {
        match from.read()? {
            0u8 => Ok(false),
            1 => Ok(true),
            _ => Err(from.fault(Kind::Value)),
        }
    }
}

impl Load for [u8; 8] {
    fn load(from: &mut Reader<'_>) -> Result<Self, Fault> {
        from.array()
    }
}

impl Load for Vec<u8> {
    fn load(from: &mut Reader<'_>) -> Result<Self, Fault> {
        from.bytes().map(<[u8]>::to_vec)
    }
}

impl Load for Secret {
    fn load(from: &mut Reader<'_>) -> Result<Self, Fault> {
        from.bytes().map(Self::from)
    }
}

impl Load for String {
    fn load(from: &mut Reader<'_>) -> Result<Self, Fault> {
        let text = std::str::from_utf8(from.bytes()?).map_err(|_| from.fault(Kind::Utf8))?;
        Ok(text.to_owned())
    }
}

impl Load for Id {
    fn load(from: &mut Reader<'_>) -> Result<Self, Fault> {
        let text = std::str::from_utf8(from.bytes()?).map_err(|_| from.fault(Kind::Utf8))?;
        Self::new(text).map_err(|_| from.fault(Kind::Id))
    }
}

impl Load for Option<u32> {
    fn load(from: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(if from.read()? { Some(from.read()?) } else { None })
    }
}

impl<T: Element + Load> Load for Vec<T> {
    fn load(from: &mut Reader<'_>) -> Result<Self, Fault> {
        let count: u32 = from.read()?;
        (0..count).map(|_| from.read()).collect()
    }
}

impl Load for Algorithm {
    fn load(from: &mut Reader<'_>) -> Result<Self, Fault> {
        let code = from.read()?;
        let known = Self::ALL.iter().copied().find(|algorithm| algorithm_code(*algorithm) == code);
        known.ok_or(from.fault(Kind::Value))
    }
}

impl Load for KeySpec {
    fn load(from: &mut Reader<'_>) -> Result<Self, Fault> {
        match from.read()? {
            0u8 => Ok(Self::Rsa { bits: from.read()?, exponent: from.read()? }),
            1 => Ok(Self::P256),
            _ => Err(from.fault(Kind::Value)),
        }
    }
}

impl Load for Material {
    fn load(from: &mut Reader<'_>) -> Result<Self, Fault> {
        match from.read()? {
            0u8 => Ok(Self::Private(from.read()?)),
            1 => Ok(Self::Symmetric(from.read()?)),
            _ => Err(from.fault(Kind::Value)),
        }
    }
}

/// The text's own numbers; the fixtures hold them.
pub(crate) fn choice<C: Choice>(from: &mut Reader<'_>) -> Result<C, Fault> {
    let value = from.read()?;
    C::from_value(value).ok_or(from.fault(Kind::Value))
}
