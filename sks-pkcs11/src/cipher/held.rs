//! AES-CBC with a session's own key, in the module: NSS brings a message's content key to the token that has decrypted it.
//!
//! Source: FIPS 197; SP 800-38A, 6.2; RFC 5652, 6.3 for the padding.

use std::sync::Arc;

use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use cryptoki_sys::{
    CKA_DECRYPT, CKA_ENCRYPT, CKA_VALUE, CKK_AES, CKM_AES_CBC_PAD, CKM_AES_ECB, CKO_SECRET_KEY, CKR_DATA_LEN_RANGE,
    CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_FUNCTION_FAILED, CKR_KEY_FUNCTION_NOT_PERMITTED,
    CKR_KEY_SIZE_RANGE, CKR_KEY_TYPE_INCONSISTENT, CKR_MECHANISM_PARAM_INVALID,
};
use zeroize::Zeroizing;

use super::{BLOCK, Direction};
use crate::error::{Result, Rv};
use crate::mechanism::{Mechanism, Parameter};
use crate::object::Held;

/// A key, and what is to be done with it.
#[derive(Clone)]
pub(super) struct Cbc {
    key: Arc<Held>,
    iv: [u8; BLOCK],
    padded: bool,
}

impl Cbc {
    pub(super) fn new(key: Arc<Held>, direction: Direction, mechanism: &Mechanism<'_>) -> Result<Self> {
        if key.class() != Some(CKO_SECRET_KEY) || key.key_type() != Some(CKK_AES) {
            return Rv::err(CKR_KEY_TYPE_INCONSISTENT);
        }
        let usage = if direction == Direction::Encrypt { CKA_ENCRYPT } else { CKA_DECRYPT };
        if mechanism.kind == CKM_AES_ECB || key.raw(usage) == Some(&[0]) {
            return Rv::err(CKR_KEY_FUNCTION_NOT_PERMITTED);
        }
        let Parameter::Bytes(iv) = mechanism.parameter else { return Rv::err(CKR_MECHANISM_PARAM_INVALID) };
        let iv = iv.try_into().map_err(|_| Rv(CKR_MECHANISM_PARAM_INVALID))?;
        Ok(Self { key, iv, padded: mechanism.kind == CKM_AES_CBC_PAD })
    }

    pub(super) fn is_padded(&self) -> bool {
        self.padded
    }

    /// Chains on from the last block of the cipher text.
    pub(super) fn go_on(&mut self, secret: &[u8]) {
        if let Some(last) = secret.last_chunk() {
            self.iv = *last;
        }
    }

    pub(super) fn run(&self, encrypt: bool, data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let key = self.key.raw(CKA_VALUE).unwrap_or_default();
        match key.len() {
            16 => self.chain::<Aes128>(key, encrypt, data),
            24 => self.chain::<Aes192>(key, encrypt, data),
            32 => self.chain::<Aes256>(key, encrypt, data),
            _ => Rv::err(CKR_KEY_SIZE_RANGE),
        }
    }

    fn chain<C>(&self, key: &[u8], encrypt: bool, data: &[u8]) -> Result<Zeroizing<Vec<u8>>>
    where
        C: BlockCipherEncrypt + BlockCipherDecrypt + KeyInit,
        cbc::Encryptor<C>: KeyIvInit + BlockModeEncrypt,
        cbc::Decryptor<C>: KeyIvInit + BlockModeDecrypt,
    {
        let failed = Rv(CKR_FUNCTION_FAILED);
        let whole = data.len().is_multiple_of(BLOCK);
        if encrypt {
            if !whole && !self.padded {
                return Rv::err(CKR_DATA_LEN_RANGE);
            }
            let cipher = cbc::Encryptor::<C>::new_from_slices(key, &self.iv).map_err(|_| failed)?;
            let padded = if self.padded {
                cipher.encrypt_padded_vec::<Pkcs7>(data)
            } else {
                cipher.encrypt_padded_vec::<NoPadding>(data)
            };
            return Ok(Zeroizing::new(padded));
        }
        if !whole {
            return Rv::err(CKR_ENCRYPTED_DATA_LEN_RANGE);
        }
        let cipher = cbc::Decryptor::<C>::new_from_slices(key, &self.iv).map_err(|_| failed)?;
        let clear = if self.padded {
            cipher.decrypt_padded_vec::<Pkcs7>(data)
        } else {
            cipher.decrypt_padded_vec::<NoPadding>(data)
        };
        clear.map(Zeroizing::new).map_err(|_| Rv(CKR_ENCRYPTED_DATA_INVALID))
    }
}
