//! The table of mechanisms, and what a mechanism with its parameter asks for.
//!
//! Source: PKCS#11 2.40 Current Mechanisms. The token's algorithms behind them are SKS', "Algorithm Support".

use cryptoki_sys::{
    CK_FLAGS, CK_MECHANISM_INFO, CK_MECHANISM_TYPE, CK_ULONG, CKF_DECRYPT, CKF_DERIVE, CKF_DIGEST, CKF_EC_F_P,
    CKF_EC_NAMEDCURVE, CKF_EC_UNCOMPRESS, CKF_ENCRYPT, CKF_GENERATE, CKF_GENERATE_KEY_PAIR, CKF_HW, CKF_SIGN,
    CKF_VERIFY, CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_AES_ECB, CKM_AES_KEY_GEN, CKM_EC_KEY_PAIR_GEN, CKM_ECDH1_DERIVE,
    CKM_ECDSA, CKM_ECDSA_SHA1, CKM_ECDSA_SHA256, CKM_ECDSA_SHA384, CKM_ECDSA_SHA512, CKM_GENERIC_SECRET_KEY_GEN,
    CKM_RSA_PKCS, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS_PSS, CKM_SHA_1, CKM_SHA_1_HMAC,
    CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, CKM_SHA256, CKM_SHA256_HMAC, CKM_SHA256_RSA_PKCS,
    CKM_SHA256_RSA_PKCS_PSS, CKM_SHA384, CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS, CKM_SHA512, CKM_SHA512_RSA_PKCS,
    CKM_SHA512_RSA_PKCS_PSS, CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID,
};
use sks_wire::algorithm::{Algorithm, Class};

use crate::digest::Hash;
use crate::error::{Result, Rv};
use crate::object::{Key, PublicKey};

/// A mechanism and its parameter, taken from the caller's memory.
pub(crate) struct Mechanism<'a> {
    pub(crate) kind: CK_MECHANISM_TYPE,
    pub(crate) parameter: Parameter<'a>,
}

/// A mechanism's parameter.
pub(crate) enum Parameter<'a> {
    /// None, or bytes: an IV.
    Bytes(&'a [u8]),
    /// CK_RSA_PKCS_PSS_PARAMS.
    Pss { hash: CK_MECHANISM_TYPE, mgf: CK_ULONG, salt: CK_ULONG },
    /// CK_RSA_PKCS_OAEP_PARAMS.
    Oaep { hash: CK_MECHANISM_TYPE, mgf: CK_ULONG, source: CK_ULONG, label: &'a [u8] },
    /// CK_ECDH1_DERIVE_PARAMS.
    Ecdh { kdf: CK_ULONG, shared: &'a [u8], public: &'a [u8] },
}

const EC: CK_FLAGS = CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;
const SIGNS: CK_FLAGS = CKF_SIGN | CKF_VERIFY;
const CRYPTS: CK_FLAGS = CKF_ENCRYPT | CKF_DECRYPT;
/// "The mechanism is performed by the device": by the token, not in the module.
const BY_TOKEN: CK_FLAGS = CKF_SIGN | CKF_DECRYPT | CKF_DERIVE | CKF_GENERATE | CKF_GENERATE_KEY_PAIR;
/// Bits of RSA keys.
const RSA: (CK_ULONG, CK_ULONG) = (1024, 4096);
/// Bits of EC keys.
const P256: (CK_ULONG, CK_ULONG) = (256, 256);
/// Bytes of AES keys.
const AES: (CK_ULONG, CK_ULONG) = (16, 32);
/// Bytes of HMAC keys.
const HMAC: (CK_ULONG, CK_ULONG) = (1, 128);

/// Every mechanism: its key sizes and what it does. Programs that look for one to sign with take the first that fits.
const TABLE: &[(CK_MECHANISM_TYPE, (CK_ULONG, CK_ULONG), CK_FLAGS)] = &[
    (CKM_RSA_PKCS, RSA, SIGNS | CRYPTS),
    (CKM_SHA1_RSA_PKCS, RSA, SIGNS),
    (CKM_SHA256_RSA_PKCS, RSA, SIGNS),
    (CKM_SHA384_RSA_PKCS, RSA, SIGNS),
    (CKM_SHA512_RSA_PKCS, RSA, SIGNS),
    (CKM_RSA_PKCS_PSS, RSA, SIGNS),
    (CKM_SHA1_RSA_PKCS_PSS, RSA, SIGNS),
    (CKM_SHA256_RSA_PKCS_PSS, RSA, SIGNS),
    (CKM_SHA384_RSA_PKCS_PSS, RSA, SIGNS),
    (CKM_SHA512_RSA_PKCS_PSS, RSA, SIGNS),
    (CKM_RSA_PKCS_OAEP, RSA, CRYPTS),
    (CKM_ECDSA, P256, SIGNS | EC),
    (CKM_ECDSA_SHA1, P256, SIGNS | EC),
    (CKM_ECDSA_SHA256, P256, SIGNS | EC),
    (CKM_ECDSA_SHA384, P256, SIGNS | EC),
    (CKM_ECDSA_SHA512, P256, SIGNS | EC),
    (CKM_ECDH1_DERIVE, P256, CKF_DERIVE | EC),
    (CKM_SHA_1_HMAC, HMAC, SIGNS),
    (CKM_SHA256_HMAC, HMAC, SIGNS),
    (CKM_AES_ECB, AES, CRYPTS),
    (CKM_AES_CBC, AES, CRYPTS),
    (CKM_AES_CBC_PAD, AES, CRYPTS),
    (CKM_SHA_1, (0, 0), CKF_DIGEST),
    (CKM_SHA256, (0, 0), CKF_DIGEST),
    (CKM_SHA384, (0, 0), CKF_DIGEST),
    (CKM_SHA512, (0, 0), CKF_DIGEST),
    (CKM_EC_KEY_PAIR_GEN, P256, CKF_GENERATE_KEY_PAIR | EC),
    (CKM_RSA_PKCS_KEY_PAIR_GEN, RSA, CKF_GENERATE_KEY_PAIR),
    (CKM_AES_KEY_GEN, AES, CKF_GENERATE),
    (CKM_GENERIC_SECRET_KEY_GEN, HMAC, CKF_GENERATE),
];

/// C_GetMechanismList.
pub(crate) fn list() -> Vec<CK_MECHANISM_TYPE> {
    TABLE.iter().map(|(kind, ..)| *kind).collect()
}

/// C_GetMechanismInfo.
pub(crate) fn info(kind: CK_MECHANISM_TYPE) -> Result<CK_MECHANISM_INFO> {
    let (_, size, flags) = TABLE.iter().find(|(found, ..)| *found == kind).ok_or(Rv(CKR_MECHANISM_INVALID))?;
    let device = if flags & BY_TOKEN == 0 { 0 } else { CKF_HW };
    Ok(CK_MECHANISM_INFO { ulMinKeySize: size.0, ulMaxKeySize: size.1, flags: flags | device })
}

/// A way to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// ECDSA over a hash of the data, or over data that is one.
    Ecdsa(Option<Hash>),
    /// RSASSA-PKCS1-v1_5 over a hash of the data, or over a DigestInfo.
    Pkcs1(Option<Hash>),
    /// RSASSA-PSS; `hashed` when the data is the hash.
    Pss { hash: Hash, hashed: bool },
    /// HMAC.
    Hmac(Algorithm),
}

impl Scheme {
    /// What C_SignInit and C_VerifyInit are given.
    pub(crate) fn of(mechanism: &Mechanism<'_>) -> Result<Self> {
        let scheme = match mechanism.kind {
            CKM_ECDSA => Self::Ecdsa(None),
            CKM_ECDSA_SHA1 => Self::Ecdsa(Some(Hash::Sha1)),
            CKM_ECDSA_SHA256 => Self::Ecdsa(Some(Hash::Sha256)),
            CKM_ECDSA_SHA384 => Self::Ecdsa(Some(Hash::Sha384)),
            CKM_ECDSA_SHA512 => Self::Ecdsa(Some(Hash::Sha512)),
            CKM_RSA_PKCS => Self::Pkcs1(None),
            CKM_SHA1_RSA_PKCS => Self::Pkcs1(Some(Hash::Sha1)),
            CKM_SHA256_RSA_PKCS => Self::Pkcs1(Some(Hash::Sha256)),
            CKM_SHA384_RSA_PKCS => Self::Pkcs1(Some(Hash::Sha384)),
            CKM_SHA512_RSA_PKCS => Self::Pkcs1(Some(Hash::Sha512)),
            CKM_SHA_1_HMAC => Self::Hmac(Algorithm::HmacSha1),
            CKM_SHA256_HMAC => Self::Hmac(Algorithm::HmacSha256),
            CKM_RSA_PKCS_PSS => return pss(&mechanism.parameter, None),
            CKM_SHA1_RSA_PKCS_PSS => return pss(&mechanism.parameter, Some(Hash::Sha1)),
            CKM_SHA256_RSA_PKCS_PSS => return pss(&mechanism.parameter, Some(Hash::Sha256)),
            CKM_SHA384_RSA_PKCS_PSS => return pss(&mechanism.parameter, Some(Hash::Sha384)),
            CKM_SHA512_RSA_PKCS_PSS => return pss(&mechanism.parameter, Some(Hash::Sha512)),
            _ => return Rv::err(CKR_MECHANISM_INVALID),
        };
        Ok(scheme)
    }

    /// The hash that the module makes.
    pub(crate) fn hash(self) -> Option<Hash> {
        match self {
            Self::Ecdsa(hash) | Self::Pkcs1(hash) => hash,
            Self::Pss { hash, hashed } => (!hashed).then_some(hash),
            Self::Hmac(_) => None,
        }
    }

    /// Whether a key is of its kind.
    pub(crate) fn fits(self, key: Option<&PublicKey>) -> bool {
        match self {
            Self::Ecdsa(_) => matches!(key, Some(PublicKey::Ec(_))),
            Self::Pkcs1(_) | Self::Pss { .. } => matches!(key, Some(PublicKey::Rsa { .. })),
            Self::Hmac(_) => false,
        }
    }
}

/// The token's salt is as long as the hash, and its mask generation uses the same hash.
fn pss(parameter: &Parameter<'_>, own: Option<Hash>) -> Result<Scheme> {
    let Parameter::Pss { hash, mgf, salt } = parameter else { return Rv::err(CKR_MECHANISM_PARAM_INVALID) };
    let hash = Hash::of(*hash).filter(|hash| own.is_none_or(|own| own == *hash));
    let hash = hash.ok_or(Rv(CKR_MECHANISM_PARAM_INVALID))?;
    if *mgf != hash.mgf() || *salt != hash.length() as CK_ULONG {
        return Rv::err(CKR_MECHANISM_PARAM_INVALID);
    }
    Ok(Scheme::Pss { hash, hashed: own.is_none() })
}

/// CKA_KEY_GEN_MECHANISM of a key that was made in the token.
pub(crate) fn generation_of(key: &Key) -> Option<CK_MECHANISM_TYPE> {
    match key.public_key().filter(|_| key.is_local())? {
        PublicKey::Ec(_) => Some(CKM_EC_KEY_PAIR_GEN),
        PublicKey::Rsa { .. } => Some(CKM_RSA_PKCS_KEY_PAIR_GEN),
    }
}

/// CKA_ALLOWED_MECHANISMS.
pub(crate) fn allowed(key: &Key) -> Vec<CK_MECHANISM_TYPE> {
    let wanted = |(kind, _, flags): &(CK_MECHANISM_TYPE, (CK_ULONG, CK_ULONG), CK_FLAGS)| {
        let hmac = matches!(*kind, CKM_SHA_1_HMAC | CKM_SHA256_HMAC);
        let aes = matches!(*kind, CKM_AES_ECB | CKM_AES_CBC | CKM_AES_CBC_PAD);
        let ec = flags & CKF_EC_F_P != 0;
        let used = |does: CK_FLAGS| flags & does != 0;
        match (key.is_symmetric(), key.public_key()) {
            (true, _) => (hmac && key.is_endorsed(Class::Hmac)) || (aes && key.is_endorsed(Class::SymmetricEncryption)),
            (false, Some(public)) => {
                !hmac
                    && !aes
                    && matches!(public, PublicKey::Ec(_)) == ec
                    && ((used(CKF_SIGN) && key.signs()) || (used(CKF_DECRYPT | CKF_DERIVE) && key.decrypts()))
            }
            (false, None) => false,
        }
    };
    TABLE.iter().filter(|row| wanted(row)).map(|(kind, ..)| *kind).collect()
}
