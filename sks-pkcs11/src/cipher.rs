//! Encryption and decryption: RSA public keys and a session's AES keys in the module, RSA private and AES keys in the
//! token.
//!
//! Source: PKCS#11 2.40, "Encryption functions" and "Decryption functions". Multi-part data for the token is collected, and
//! comes out whole at the end.

use std::sync::Arc;

use cryptoki_sys::{
    CK_OBJECT_HANDLE, CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_AES_ECB, CKM_RSA_PKCS, CKM_RSA_PKCS_OAEP, CKR_DATA_LEN_RANGE,
    CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_FUNCTION_FAILED, CKR_KEY_FUNCTION_NOT_PERMITTED,
    CKR_KEY_TYPE_INCONSISTENT, CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_OPERATION_ACTIVE,
    CKR_OPERATION_NOT_INITIALIZED, CKZ_DATA_SPECIFIED,
};
use rsa::rand_core::UnwrapErr;
use rsa::{Oaep, Pkcs1v15Encrypt};
use sha1::Sha1;
use sha2::Sha256;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::{asymmetric_key_decrypt, symmetric_key_encrypt};
use sks_wire::types::KeyHandle;
use sks_wire::{Secret, Status, limit};
use zeroize::Zeroizing;

use crate::digest::Hash;
use crate::error::{Result, Rv, status};
use crate::login;
use crate::mechanism::{Mechanism, Parameter};
use crate::module::Module;
use crate::object::{Key, PublicKey};
use crate::session::{self, Found, Reply, Room, Session};
use crate::sign::{self, Input, MOST};
use crate::verify::{public_key, rsa_key};

mod held;

use held::Cbc;

/// An AES block in bytes.
const BLOCK: usize = 16;

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// C_Encrypt...
    Encrypt,
    /// C_Decrypt...
    Decrypt,
}

/// An encryption or decryption under way.
pub(crate) struct Ciphering {
    /// The token's key; none for a public one.
    pub(crate) key: Option<Arc<Key>>,
    way: Way,
    input: Input,
    /// From C_Login with CKU_CONTEXT_SPECIFIC.
    pub(crate) pin: Option<Secret>,
    /// What did not fit the caller's room.
    result: Option<Zeroizing<Vec<u8>>>,
}

/// What is to be done.
#[derive(Clone)]
enum Way {
    /// RSA encryption with a public key.
    Public(PublicKey, Padding),
    /// RSA decryption in the token, of as many bytes.
    Private(Padding, usize),
    /// AES in the token: the algorithm, IV, and whether PKCS#7 padding is the caller's.
    Aes { algorithm: Algorithm, iv: Vec<u8>, padded: bool },
    /// CBC decryption without padding: the token's ECB, and the chaining here.
    AesChained { iv: Vec<u8> },
    /// AES with a key of the session's.
    Held(Cbc),
}

#[derive(Clone, Copy)]
enum Padding {
    Pkcs1,
    OaepSha1,
    OaepSha256,
}

impl Padding {
    fn of(mechanism: &Mechanism<'_>) -> Result<Self> {
        match (mechanism.kind, &mechanism.parameter) {
            (CKM_RSA_PKCS, _) => Ok(Self::Pkcs1),
            (CKM_RSA_PKCS_OAEP, Parameter::Oaep { hash, mgf, source, label }) => {
                let found = Hash::of(*hash).filter(|hash| *mgf == hash.mgf());
                let plain = label.is_empty() && matches!(*source, 0 | CKZ_DATA_SPECIFIED);
                match found {
                    Some(Hash::Sha1) if plain => Ok(Self::OaepSha1),
                    Some(Hash::Sha256) if plain => Ok(Self::OaepSha256),
                    _ => Rv::err(CKR_MECHANISM_PARAM_INVALID),
                }
            }
            _ => Rv::err(CKR_MECHANISM_PARAM_INVALID),
        }
    }

    fn algorithm(self) -> Algorithm {
        match self {
            Self::Pkcs1 => Algorithm::Rsa15,
            Self::OaepSha1 => Algorithm::RsaOaepSha1,
            Self::OaepSha256 => Algorithm::RsaOaepSha256,
        }
    }
}

/// C_EncryptInit and C_DecryptInit.
pub(crate) fn init(
    module: &Module,
    handle: u64,
    direction: Direction,
    mechanism: &Mechanism<'_>,
    key_handle: CK_OBJECT_HANDLE,
) -> Result<()> {
    let session = module.session(handle)?;
    if session.operations.lock().cipher(direction).is_some() {
        return Rv::err(CKR_OPERATION_ACTIVE);
    }
    let (key, way) = match mechanism.kind {
        CKM_RSA_PKCS | CKM_RSA_PKCS_OAEP => rsa(module, &session, direction, mechanism, key_handle)?,
        CKM_AES_ECB | CKM_AES_CBC | CKM_AES_CBC_PAD => match session::object(module, &session, key_handle) {
            Ok(Found::Held(held)) if held.of.is_none() => (None, Way::Held(Cbc::new(held, direction, mechanism)?)),
            _ => {
                let key = sign::key(module, &session, key_handle)?;
                let way = aes(&key, direction, mechanism)?;
                (Some(key), way)
            }
        },
        _ => return Rv::err(CKR_MECHANISM_INVALID),
    };
    let input = Input::Data(Zeroizing::default());
    let ciphering = Ciphering { key, way, input, pin: None, result: None };
    *session.operations.lock().cipher(direction) = Some(ciphering);
    Ok(())
}

fn rsa(
    module: &Module,
    session: &Session,
    direction: Direction,
    mechanism: &Mechanism<'_>,
    handle: CK_OBJECT_HANDLE,
) -> Result<(Option<Arc<Key>>, Way)> {
    let padding = Padding::of(mechanism)?;
    if direction == Direction::Encrypt {
        let found = session::object(module, session, handle)?;
        let key = public_key(&found).ok_or(Rv(CKR_KEY_FUNCTION_NOT_PERMITTED))?;
        return match key {
            PublicKey::Rsa { .. } => Ok((None, Way::Public(key, padding))),
            PublicKey::Ec(_) => Rv::err(CKR_KEY_TYPE_INCONSISTENT),
        };
    }
    let key = sign::key(module, session, handle)?;
    let Some(PublicKey::Rsa { modulus, .. }) = key.public_key().filter(|_| !key.is_symmetric()) else {
        return Rv::err(CKR_KEY_TYPE_INCONSISTENT);
    };
    if !key.decrypts() {
        return Rv::err(CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    let way = Way::Private(padding, modulus.len());
    Ok((Some(key), way))
}

fn aes(key: &Key, direction: Direction, mechanism: &Mechanism<'_>) -> Result<Way> {
    if !key.is_symmetric() {
        return Rv::err(CKR_KEY_TYPE_INCONSISTENT);
    }
    let Parameter::Bytes(iv) = mechanism.parameter else { return Rv::err(CKR_MECHANISM_PARAM_INVALID) };
    let endorsed = |wanted: &[Algorithm]| {
        let found = key.endorsed.iter().copied().find(|algorithm| wanted.contains(algorithm));
        found.ok_or(Rv(CKR_KEY_FUNCTION_NOT_PERMITTED))
    };
    if mechanism.kind == CKM_AES_ECB {
        if !iv.is_empty() {
            return Rv::err(CKR_MECHANISM_PARAM_INVALID);
        }
        let algorithm = endorsed(&[Algorithm::AesEcbNopad])?;
        return Ok(Way::Aes { algorithm, iv: Vec::new(), padded: false });
    }
    if iv.len() != BLOCK {
        return Rv::err(CKR_MECHANISM_PARAM_INVALID);
    }
    let iv = iv.to_vec();
    let padded = mechanism.kind == CKM_AES_CBC_PAD;
    if !padded && direction == Direction::Decrypt {
        endorsed(&[Algorithm::AesEcbNopad])?;
        return Ok(Way::AesChained { iv });
    }
    let algorithm = endorsed(&[Algorithm::Aes128Cbc, Algorithm::Aes192Cbc, Algorithm::Aes256Cbc])?;
    Ok(Way::Aes { algorithm, iv, padded })
}

/// C_EncryptUpdate and C_DecryptUpdate. What the token does comes out at the end.
pub(crate) fn update(module: &Module, handle: u64, direction: Direction, data: &[u8], room: Room) -> Result<Reply> {
    let session = module.session(handle)?;
    let mut operations = session.operations.lock();
    let place = operations.cipher(direction);
    let ciphering = place.as_mut().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
    let ready = match &ciphering.way {
        Way::Held(cbc) if !cbc.is_padded() => whole_blocks(ciphering.input.collected() + data.len()),
        _ => 0,
    };
    if room.0.is_none() || !room.holds(ready) {
        return Ok(Reply::Needs(ready));
    }
    let result = ciphering.update(direction, data, ready);
    if result.is_err() {
        *place = None;
    }
    result
}

/// How many of as many bytes are whole blocks.
fn whole_blocks(length: usize) -> usize {
    length - length % BLOCK
}

impl Ciphering {
    /// Takes a part, and puts out as many bytes.
    fn update(&mut self, direction: Direction, data: &[u8], ready: usize) -> Result<Reply> {
        self.input.update(data)?;
        let Way::Held(cbc) = &mut self.way else { return Ok(Reply::bytes(Vec::new())) };
        if ready == 0 {
            return Ok(Reply::bytes(Vec::new()));
        }
        let collected = std::mem::replace(&mut self.input, Input::Data(Zeroizing::default())).finish();
        let (blocks, rest) = collected.split_at_checked(ready).unwrap_or_default();
        self.input.update(rest)?;
        let result = cbc.run(direction == Direction::Encrypt, blocks)?;
        cbc.go_on(if direction == Direction::Encrypt { &result } else { blocks });
        Ok(Reply::Bytes(result))
    }
}

/// C_Encrypt, C_Decrypt (with data), C_EncryptFinal and C_DecryptFinal.
pub(crate) fn finish(module: &Module, handle: u64, direction: Direction, data: &[u8], room: Room) -> Result<Reply> {
    let session = module.session(handle)?;
    let put_back = |ciphering| *session.operations.lock().cipher(direction) = Some(ciphering);
    let taken = session.operations.lock().cipher(direction).take();
    let mut ciphering = taken.ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
    if ciphering.result.is_none() {
        let (most, exact) = ciphering.way.length(direction, ciphering.input.collected().saturating_add(data.len()));
        if room.0.is_none() || (exact && !room.holds(most)) {
            put_back(ciphering);
            return Ok(Reply::Needs(most));
        }
        ciphering.input.update(data)?;
        let input = std::mem::replace(&mut ciphering.input, Input::Data(Zeroizing::default())).finish();
        let pin = match &ciphering.key {
            Some(key) => login::pin_for(module, key, ciphering.pin.as_ref())?,
            None => Secret::default(),
        };
        let result = run(module, ciphering.key.as_deref(), &ciphering.way, direction, pin, &input)?;
        ciphering.result = Some(result);
    }
    let result = ciphering.result.take().unwrap_or_default();
    if room.holds(result.len()) {
        return Ok(Reply::Bytes(result));
    }
    let needed = result.len();
    ciphering.result = Some(result);
    put_back(ciphering);
    Ok(Reply::Needs(needed))
}

impl Way {
    /// The longest result of as much input, and whether it is always so long.
    fn length(&self, direction: Direction, input: usize) -> (usize, bool) {
        match (self, direction) {
            (Self::Public(key, _), _) => (key.signature_length(), true),
            (Self::Private(_, modulus), _) => (*modulus, false),
            (Self::Aes { padded: true, .. }, Direction::Encrypt) => ((input / BLOCK + 1) * BLOCK, true),
            (Self::Aes { padded: true, .. }, Direction::Decrypt) => (input, false),
            (Self::Held(cbc), Direction::Encrypt) if cbc.is_padded() => ((input / BLOCK + 1) * BLOCK, true),
            (Self::Held(cbc), Direction::Decrypt) if cbc.is_padded() => (input, false),
            _ => (input, true),
        }
    }
}

fn run(
    module: &Module,
    key: Option<&Key>,
    way: &Way,
    direction: Direction,
    pin: Secret,
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let encrypt = direction == Direction::Encrypt;
    match (way, key) {
        (Way::Public(PublicKey::Rsa { modulus, exponent }, padding), _) => {
            let key = rsa_key(modulus, exponent).ok_or(Rv(CKR_FUNCTION_FAILED))?;
            let mut rng = UnwrapErr(getrandom::SysRng);
            let result = match padding {
                Padding::Pkcs1 => key.encrypt(&mut rng, Pkcs1v15Encrypt, data),
                Padding::OaepSha1 => key.encrypt(&mut rng, Oaep::<Sha1>::new(), data),
                Padding::OaepSha256 => key.encrypt(&mut rng, Oaep::<Sha256>::new(), data),
            };
            result.map(Zeroizing::new).map_err(|_| Rv(CKR_DATA_LEN_RANGE))
        }
        (Way::Held(cbc), _) => cbc.run(encrypt, data),
        (Way::Private(padding, modulus), Some(key)) => {
            if data.len() != *modulus {
                return Rv::err(CKR_ENCRYPTED_DATA_LEN_RANGE);
            }
            decrypt(module, key, *padding, pin, data)
        }
        (Way::Aes { algorithm, iv, padded }, Some(key)) => {
            check_blocks(data, encrypt && *padded, encrypt)?;
            let mut result = symmetric(module, key, encrypt, *algorithm, iv, pin, data)?;
            if encrypt && !padded && !iv.is_empty() {
                // The token always pads CBC: a whole block here, for the data is whole blocks.
                result.truncate(data.len());
            }
            Ok(result)
        }
        (Way::AesChained { iv }, Some(key)) => {
            check_blocks(data, false, false)?;
            let mut result = symmetric(module, key, false, Algorithm::AesEcbNopad, &[], pin, data)?;
            let before = iv.iter().chain(data);
            result.iter_mut().zip(before).for_each(|(byte, before)| *byte ^= before);
            Ok(result)
        }
        _ => Rv::err(CKR_FUNCTION_FAILED),
    }
}

/// Whether the data is whole blocks (or padded to be), and not more than the token takes.
fn check_blocks(data: &[u8], pads: bool, encrypt: bool) -> Result<()> {
    let wrong = Rv(if encrypt { CKR_DATA_LEN_RANGE } else { CKR_ENCRYPTED_DATA_LEN_RANGE });
    let most = if encrypt { limit::PADDED_DATA } else { MOST };
    if data.len() > most || (!pads && !data.len().is_multiple_of(BLOCK)) { Err(wrong) } else { Ok(()) }
}

fn decrypt(module: &Module, key: &Key, padding: Padding, pin: Secret, data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let request = asymmetric_key_decrypt::Request {
        key_handle: KeyHandle(key.handle),
        parameters: Vec::new(),
        encryption_algorithm: padding.algorithm().uri().into(),
        pin,
        data: data.to_vec(),
    };
    let answer = module.use_key(key, &request).map_err(|error| match status(&error) {
        Some(Status::Crypto) => Rv(CKR_ENCRYPTED_DATA_INVALID),
        _ => login::operation_refused(module, key, &error),
    })?;
    Ok(Zeroizing::new(answer.result.expose().to_vec()))
}

fn symmetric(
    module: &Module,
    key: &Key,
    encrypt_mode: bool,
    algorithm: Algorithm,
    iv: &[u8],
    pin: Secret,
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let request = symmetric_key_encrypt::Request {
        key_handle: KeyHandle(key.handle),
        encrypt_mode,
        iv: iv.to_vec(),
        encryption_algorithm: algorithm.uri().into(),
        pin,
        data: Secret::from(data),
    };
    let answer = module.use_key(key, &request).map_err(|error| match status(&error) {
        Some(Status::Crypto) => Rv(CKR_ENCRYPTED_DATA_INVALID),
        _ => login::operation_refused(module, key, &error),
    })?;
    Ok(Zeroizing::new(answer.result.expose().to_vec()))
}
