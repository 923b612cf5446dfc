//! Symmetric algorithms of performHMAC and symmetricKeyEncrypt.
//!
//! Source: FIPS 197 and SP 800-38A (AES, CBC, ECB), RFC 5652, 6.3 (the padding known as PKCS#5 and PKCS#7), RFC 2104
//! (HMAC). The caller asks [`fits`] when a key is endorsed, [`check_lengths`] before it looks at the PIN, and then
//! calls [`hmac()`] or [`crypt`].

use aes::cipher::consts::U16;
use aes::cipher::{
    Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, InvalidLength, KeyInit,
    KeyIvInit,
};
use aes::{Aes128, Aes192, Aes256};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::Sha256;
use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;
use subtle::{Choice, ConstantTimeEq, ConstantTimeGreater};
use zeroize::Zeroizing;

/// AES's block, and CBC's IV, in bytes.
pub(super) const BLOCK: usize = 16;

/// The most that padding can be added to: the result must fit a `byte[]` of 65535 bytes.
pub const MAX_PADDED: usize = 65519;

/// Why a symmetric operation was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SymmetricError {
    /// Algorithm and key do not belong together, or the algorithm is of another class: ERROR_ALGORITHM.
    #[error("the algorithm does not fit the key")]
    Unfit,
    /// IV or data have a length that the algorithm does not take: ERROR_OPTION.
    #[error("the length of the IV or of the data is wrong")]
    Length,
    /// The decrypted data does not end with padding: ERROR_CRYPTO.
    #[error("wrong padding")]
    Padding,
}

impl From<InvalidLength> for SymmetricError {
    fn from(_: InvalidLength) -> Self {
        Self::Unfit
    }
}

/// How an AES algorithm chains and pads.
#[derive(Clone, Copy)]
struct Mode {
    chained: bool,
    padded: bool,
}

impl Mode {
    fn of(algorithm: Algorithm) -> Result<Self, SymmetricError> {
        match algorithm {
            Algorithm::Aes128Cbc | Algorithm::Aes192Cbc | Algorithm::Aes256Cbc => {
                Ok(Self { chained: true, padded: true })
            }
            Algorithm::AesEcbPkcs5 => Ok(Self { chained: false, padded: true }),
            Algorithm::AesEcbNopad => Ok(Self { chained: false, padded: false }),
            _ => Err(SymmetricError::Unfit),
        }
    }
}

/// Whether a key of this many bytes can be used with a symmetric algorithm; never with one of another class.
#[must_use]
pub fn fits(algorithm: Algorithm, key_len: usize) -> bool {
    match algorithm {
        Algorithm::Aes128Cbc => key_len == 16,
        Algorithm::Aes192Cbc => key_len == 24,
        Algorithm::Aes256Cbc => key_len == 32,
        Algorithm::AesEcbNopad | Algorithm::AesEcbPkcs5 => matches!(key_len, 16 | 24 | 32),
        Algorithm::HmacSha1 | Algorithm::HmacSha256 => key_len > 0,
        _ => false,
    }
}

/// Whether IV and data have lengths that the encryption algorithm takes.
///
/// # Errors
/// [`SymmetricError::Length`]; [`SymmetricError::Unfit`] for an algorithm that does not encrypt.
pub fn check_lengths(algorithm: Algorithm, encrypt: bool, iv: &[u8], data: &[u8]) -> Result<(), SymmetricError> {
    let Mode { chained, padded } = Mode::of(algorithm)?;
    let iv_fits = iv.len() == if chained { BLOCK } else { 0 };
    let data_fits = match (encrypt, padded) {
        (true, true) => data.len() <= MAX_PADDED,
        (false, true) => !data.is_empty() && data.len().is_multiple_of(BLOCK),
        (_, false) => data.len().is_multiple_of(BLOCK),
    };
    if iv_fits && data_fits { Ok(()) } else { Err(SymmetricError::Length) }
}

/// Encrypts or decrypts.
///
/// # Errors
/// [`SymmetricError`].
pub fn crypt(
    algorithm: Algorithm,
    encrypt: bool,
    key: &[u8],
    iv: &[u8],
    data: &[u8],
) -> Result<Secret, SymmetricError> {
    let mode = Mode::of(algorithm)?;
    check_lengths(algorithm, encrypt, iv, data)?;
    if !fits(algorithm, key.len()) {
        return Err(SymmetricError::Unfit);
    }
    // Room for the padding too: growing would leave a copy behind.
    let mut buffer = Zeroizing::new(Vec::with_capacity(data.len() + BLOCK));
    buffer.extend_from_slice(data);
    if encrypt && mode.padded {
        pad(&mut buffer);
    }
    match key.len() {
        16 => run::<Aes128>(mode, encrypt, key, iv, &mut buffer)?,
        24 => run::<Aes192>(mode, encrypt, key, iv, &mut buffer)?,
        _ => run::<Aes256>(mode, encrypt, key, iv, &mut buffer)?,
    }
    if !encrypt && mode.padded {
        unpad(&mut buffer)?;
    }
    Ok(Secret::from(buffer))
}

/// In place; the buffer is a number of blocks.
fn run<C>(mode: Mode, encrypt: bool, key: &[u8], iv: &[u8], buffer: &mut [u8]) -> Result<(), InvalidLength>
where
    C: BlockCipherEncrypt<BlockSize = U16> + BlockCipherDecrypt + KeyInit,
{
    let (blocks, _) = Array::<u8, U16>::slice_as_chunks_mut(buffer);
    match (mode.chained, encrypt) {
        (true, true) => cbc::Encryptor::<C>::new_from_slices(key, iv)?.encrypt_blocks(blocks),
        (true, false) => cbc::Decryptor::<C>::new_from_slices(key, iv)?.decrypt_blocks(blocks),
        (false, true) => C::new_from_slice(key)?.encrypt_blocks(blocks),
        (false, false) => C::new_from_slice(key)?.decrypt_blocks(blocks),
    }
    Ok(())
}

/// Adds 1 to 16 bytes, each of which says how many.
fn pad(buffer: &mut Vec<u8>) {
    let missing = BLOCK - buffer.len() % BLOCK;
    buffer.resize(buffer.len() + missing, u8::try_from(missing).unwrap_or_default());
}

/// Takes the padding away if all of it is right. The time does not tell which byte is wrong.
fn unpad(buffer: &mut Vec<u8>) -> Result<(), SymmetricError> {
    let count = buffer.last().copied().unwrap_or_default();
    let mut sound = !count.ct_eq(&0) & !count.ct_gt(&16);
    for (distance, byte) in (0_u8..16).zip(buffer.iter().rev()) {
        let outside: Choice = !count.ct_gt(&distance);
        sound &= outside | byte.ct_eq(&count);
    }
    if !bool::from(sound) {
        return Err(SymmetricError::Padding);
    }
    buffer.truncate(buffer.len() - usize::from(count));
    Ok(())
}

/// HMAC with a key of any length from 1.
///
/// # Errors
/// [`SymmetricError::Unfit`] for an algorithm that is no HMAC, or an empty key.
pub fn hmac(algorithm: Algorithm, key: &[u8], data: &[u8]) -> Result<Vec<u8>, SymmetricError> {
    match algorithm {
        _ if !fits(algorithm, key.len()) => Err(SymmetricError::Unfit),
        Algorithm::HmacSha1 => {
            Ok(Hmac::<Sha1>::new_from_slice(key)?.chain_update(data).finalize().into_bytes().to_vec())
        }
        Algorithm::HmacSha256 => {
            Ok(Hmac::<Sha256>::new_from_slice(key)?.chain_update(data).finalize().into_bytes().to_vec())
        }
        _ => Err(SymmetricError::Unfit),
    }
}
