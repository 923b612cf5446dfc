//! Writing values. The buffer holds secrets until it is sealed in place, so it is wiped wherever it was.

use sks_core::ports::KeySpec;
use sks_core::record::Material;
use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;
use sks_wire::types::{Choice, Id};
use zeroize::Zeroizing;

/// A padded secret takes a multiple of this many bytes: one for every PIN and PUK of the text (up to 100 bytes), so
/// that no file size tells how long they are.
pub(crate) const PAD: usize = 128;

/// Bytes that wait to be sealed, behind room for what the sealing puts before them.
#[derive(Debug)]
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    /// Leaves `head` bytes free.
    pub(crate) fn new(head: usize) -> Self {
        let mut bytes = Vec::with_capacity(FIRST);
        bytes.resize(head, 0);
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut *self.0)
    }

    pub(crate) fn write<T: Save + ?Sized>(&mut self, value: &T) {
        value.save(self);
    }

    /// Appends; a buffer that grows leaves no copy behind, as a `Vec` would.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len() + TAIL;
        if needed > self.0.capacity() {
            let mut grown = Vec::with_capacity(needed.max(2 * self.0.capacity()));
            grown.extend_from_slice(&self.0);
            self.0 = Zeroizing::new(grown);
        }
        self.0.extend_from_slice(bytes);
    }

    /// A length and the bytes. No field comes near 4 GiB: durable refuses values over 64 MiB, as this one then is.
    fn bytes(&mut self, bytes: &[u8]) {
        self.write(&u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.raw(bytes);
    }

    /// A length, the bytes, and 1 to [`PAD`] zeros.
    pub(crate) fn padded(&mut self, secret: &Secret) {
        self.bytes(secret.expose());
        let zeros = [0; PAD];
        self.raw(zeros.get(secret.len() % PAD..).unwrap_or_default());
    }
}

/// Room for all records but those with certificates and RSA keys.
const FIRST: usize = 256;

/// Room for the tag, so that sealing does not move the bytes.
pub(crate) const TAIL: usize = 16;

/// A type that a field of a record has.
pub(crate) trait Save {
    fn save(&self, to: &mut Writer);
}

/// What lists are made of; bytes are not, they have an encoding of their own.
pub(crate) trait Element {}

impl Element for Vec<u8> {}
impl Element for String {}
impl Element for Algorithm {}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Save for $type {
            fn save(&self, to: &mut Writer) {
                to.raw(&self.to_be_bytes());
            }
        }
    )*};
}

integers!(u8, u16, u32, u64);

impl Save for bool {
    fn save(&self, to: &mut Writer) {
        to.write(&u8::from(*self));
    }
}

impl Save for [u8; 8] {
    fn save(&self, to: &mut Writer) {
        to.raw(self);
    }
}

impl Save for Vec<u8> {
    fn save(&self, to: &mut Writer) {
        to.bytes(self);
    }
}

impl Save for Secret {
    fn save(&self, to: &mut Writer) {
        to.bytes(self.expose());
    }
}

impl Save for String {
    fn save(&self, to: &mut Writer) {
        to.bytes(self.as_bytes());
    }
}

impl Save for Id {
    fn save(&self, to: &mut Writer) {
        to.bytes(self.as_bytes());
    }
}

impl Save for Option<u32> {
    fn save(&self, to: &mut Writer) {
        to.write(&self.is_some());
        if let Some(value) = self {
            to.write(value);
        }
    }
}

impl<T: Element + Save> Save for Vec<T> {
    fn save(&self, to: &mut Writer) {
        to.write(&u32::try_from(self.len()).unwrap_or(u32::MAX));
        for element in self {
            to.write(element);
        }
    }
}

impl Save for Algorithm {
    fn save(&self, to: &mut Writer) {
        to.write(&algorithm_code(*self));
    }
}

impl Save for KeySpec {
    fn save(&self, to: &mut Writer) {
        match self {
            Self::Rsa { bits, exponent } => {
                to.write(&0u8);
                to.write(bits);
                to.write(exponent);
            }
            Self::P256 => to.write(&1u8),
        }
    }
}

impl Save for Material {
    fn save(&self, to: &mut Writer) {
        match self {
            Self::Private(key) => {
                to.write(&0u8);
                to.write(key);
            }
            Self::Symmetric(key) => {
                to.write(&1u8);
                to.write(key);
            }
        }
    }
}

/// The text's own numbers; the fixtures hold them.
pub(crate) fn choice<C: Choice>(to: &mut Writer, choice: C) {
    to.write(&choice.value());
}

/// The store's number of an algorithm. Never renumber: a new one takes the next.
pub(crate) fn algorithm_code(algorithm: Algorithm) -> u8 {
    match algorithm {
        Algorithm::Aes128Cbc => 1,
        Algorithm::Aes192Cbc => 2,
        Algorithm::Aes256Cbc => 3,
        Algorithm::AesEcbNopad => 4,
        Algorithm::AesEcbPkcs5 => 5,
        Algorithm::HmacSha1 => 6,
        Algorithm::HmacSha256 => 7,
        Algorithm::Rsa15 => 8,
        Algorithm::RsaOaepSha1 => 9,
        Algorithm::RsaOaepSha256 => 10,
        Algorithm::Ecdh => 11,
        Algorithm::RsaSha1 => 12,
        Algorithm::RsaSha256 => 13,
        Algorithm::RsaSha384 => 14,
        Algorithm::RsaSha512 => 15,
        Algorithm::RsaPssSha1 => 16,
        Algorithm::RsaPssSha256 => 17,
        Algorithm::RsaPssSha384 => 18,
        Algorithm::RsaPssSha512 => 19,
        Algorithm::EcdsaSha256 => 20,
        Algorithm::EcdsaSha384 => 21,
        Algorithm::EcdsaSha512 => 22,
        Algorithm::Sk1 => 23,
        Algorithm::Ka1 => 24,
        Algorithm::P256 => 25,
    }
}
