//! What the tests share: identity providers, tokens, SADs, and a firmware with keys of each kind.

#![allow(dead_code, reason = "each test binary uses its part")]

#[macro_use]
pub(crate) mod checks;
pub(crate) mod idp;
pub(crate) mod served;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest;
use tempfile::TempDir;
use tw4s_firmware::{
    Admitted, CryptoModule, Firmware, FirmwareError, Init, KeyOrder, KeySpec, Logon, MasterKey, NewKey, SignOrder,
};
use tw4s_formats::{
    Claims, CompactIdentityToken, Digest, DirectoryString, Exact, Format, HashAlgorithm, LevelOfAssurance, List,
    Octets, OidArc, Sad, SadTbs, SetOf, SignedIdentityToken, SubjectPublicKeyInfoOwned, Text, Time, WrappedKey,
};
use zeroize::Zeroizing;

use idp::{Idp, Pair};

pub(crate) const USER: &str = "6f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0";
pub(crate) const OTHER_USER: &str = "7f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0";
pub(crate) const SAM: &str = "sam-1";

/// The keys that each world has; larger RSA keys have tests of their own.
pub(crate) const SPECS: [KeySpec; 4] = [KeySpec::P256, KeySpec::P384, KeySpec::P521, KeySpec::Rsa2048];

pub(crate) fn master() -> MasterKey {
    MasterKey::new(&[0x42; 32]).unwrap()
}

pub(crate) fn logon(name: &str, credential: &str) -> Logon {
    Logon::new(name, Zeroizing::new(credential.as_bytes().to_vec()))
}

pub(crate) fn administrators() -> [Logon; 2] {
    [logon("anna", "correct horse"), logon("bert", "battery staple")]
}

/// What the SAM has signed: that its log has this row with this hash.
pub(crate) fn checkpoint(sam: u8, number: u64, hash: u8) -> Vec<u8> {
    [&b"tw4s checkpoint 1\0"[..], &[sam; 32], &number.to_be_bytes(), &[hash; 32]].concat()
}

/// A firmware with an imported identity provider and a user with keys.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) firmware: Firmware,
    /// Imported.
    pub(crate) idp: Idp,
    /// Imported, RSA.
    pub(crate) rsa_idp: Idp,
    /// Not imported.
    pub(crate) stranger: Idp,
    /// The user's SAD key.
    pub(crate) sad_key: Pair,
    /// One for each of [`SPECS`].
    pub(crate) keys: Vec<(KeySpec, String, NewKey)>,
}

impl World {
    /// With the master key given; the module comes twice, because `init` and `open` each want one.
    pub(crate) fn new(master: &MasterKey, module: impl Fn() -> Box<dyn CryptoModule>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("firmware.state");
        let init = Init { sam_id: SAM, administrators: &administrators(), dual_control: true };
        Firmware::init(&path, master, &*module(), &init).unwrap();
        let firmware = Firmware::open(&path, master, module(), OidArc::default()).unwrap();
        let (idp, rsa_idp, stranger) =
            (Idp::new("IdP", Pair::p256()), Idp::new("RSA IdP", Pair::rsa()), Idp::new("?", Pair::p256()));
        let certificates = [idp.certificate.clone(), rsa_idp.certificate.clone()];
        firmware.set_idp_keys(&administrators(), &certificates).unwrap();
        let generate = |(number, spec): (usize, KeySpec)| {
            let key_id = format!("00000000-0000-4000-8000-00000000000{number}");
            let key = firmware.generate(&KeyOrder { key_id: &key_id, user_id: USER, spec, created: now() }).unwrap();
            (spec, key_id, key)
        };
        let keys = SPECS.into_iter().enumerate().map(generate).collect();
        Self { dir, firmware, idp, rsa_idp, stranger, sad_key: Pair::p256(), keys }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("firmware.state")
    }

    pub(crate) fn key(&self, spec: KeySpec) -> (&str, &NewKey) {
        let (_, key_id, key) = self.keys.iter().find(|(other, ..)| *other == spec).unwrap();
        (key_id, key)
    }

    pub(crate) fn registered(&self) -> Vec<Vec<u8>> {
        vec![self.rsa_idp.certificate.clone(), self.idp.certificate.clone()]
    }

    /// A signing that is right in all.
    pub(crate) fn signing(&self, spec: KeySpec) -> Signing<'_> {
        let (key_id, key) = self.key(spec);
        let digest = spec.default_algorithm().digest().unwrap();
        Signing {
            idp: &self.idp,
            token_user: USER.to_owned(),
            sad_key: &self.sad_key,
            claims: Claims { sad_key: Some(self.sad_key.spki()), ..claims() },
            key_id: key_id.to_owned(),
            algorithm: HashAlgorithm::Digest(digest),
            hashes: vec![hash(digest, b"document")],
            user: USER.to_owned(),
            registered: self.registered(),
            wrapped_key: Some(key.wrapped_key.clone()),
        }
    }

    pub(crate) fn admit(&self, signing: &Signing<'_>) -> Result<Admitted, FirmwareError> {
        self.admit_sad(signing, &signing.sad())
    }

    pub(crate) fn admit_sad(&self, signing: &Signing<'_>, sad: &[u8]) -> Result<Admitted, FirmwareError> {
        self.firmware.admit(&signing.order(sad))
    }

    /// Why it is refused.
    pub(crate) fn refusal(&self, signing: &Signing<'_>) -> FirmwareError {
        self.admit(signing).unwrap_err()
    }
}

pub(crate) fn claims() -> Claims {
    Claims {
        sad_key: None,
        scope: Some(Text::new("remote-signature").unwrap()),
        level: Some(LevelOfAssurance::Substantial),
        jti: Some([7; 16]),
    }
}

/// All that goes into a signing; a test changes one thing.
#[derive(Clone)]
pub(crate) struct Signing<'a> {
    pub(crate) idp: &'a Idp,
    pub(crate) token_user: String,
    /// Signs the SAD; the claims name its public key.
    pub(crate) sad_key: &'a Pair,
    pub(crate) claims: Claims,
    pub(crate) key_id: String,
    pub(crate) algorithm: HashAlgorithm,
    pub(crate) hashes: Vec<Vec<u8>>,
    pub(crate) user: String,
    pub(crate) registered: Vec<Vec<u8>>,
    pub(crate) wrapped_key: Option<Vec<u8>>,
}

impl Signing<'_> {
    pub(crate) fn order<'o>(&'o self, sad: &'o [u8]) -> SignOrder<'o> {
        SignOrder { sad, user_id: &self.user, registered: &self.registered, wrapped_key: self.wrapped_key.as_deref() }
    }

    pub(crate) fn token(&self) -> SignedIdentityToken {
        self.idp.token(&self.token_user, &self.claims)
    }

    pub(crate) fn tbs(&self) -> SadTbs {
        SadTbs {
            identity_token: self.token(),
            key_id: DirectoryString::new(&self.key_id).unwrap(),
            hash_algorithm: self.algorithm.to_identifier().unwrap(),
            tbs_hash_values: List::new(self.hashes.iter().map(|hash| Octets::new(hash.as_slice()).unwrap()).collect())
                .unwrap(),
        }
    }

    pub(crate) fn sad(&self) -> Vec<u8> {
        self.sad_of(self.tbs())
    }

    /// A SAD over `tbs`, signed with the SAD key.
    pub(crate) fn sad_of(&self, tbs: SadTbs) -> Vec<u8> {
        let tbs = Exact::new(tbs).unwrap();
        let signature = Octets::new(self.sad_key.sign(tbs.der())).unwrap();
        Sad { tbs, signature }.to_bytes().unwrap()
    }
}

pub(crate) fn compact(user: &str, claims: &Claims) -> CompactIdentityToken {
    CompactIdentityToken {
        user_id: DirectoryString::new(user).unwrap(),
        not_before: Time::from_unix(now() - 10).unwrap(),
        not_after: Time::from_unix(now() + 290).unwrap(),
        group_associations: SetOf::default(),
        extensions: claims.to_extensions(&OidArc::default()).unwrap(),
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn hash(digest: Digest, data: &[u8]) -> Vec<u8> {
    digest::digest(algorithm(digest), data).as_ref().to_vec()
}

pub(crate) fn algorithm(digest: Digest) -> &'static digest::Algorithm {
    match digest {
        Digest::Sha256 => &digest::SHA256,
        Digest::Sha384 => &digest::SHA384,
        Digest::Sha512 => &digest::SHA512,
    }
}

/// The public key in a wrapped key.
pub(crate) fn spki(key: &NewKey) -> SubjectPublicKeyInfoOwned {
    WrappedKey::parse(&key.wrapped_key).unwrap().tbs.into_value().metadata.spki
}
