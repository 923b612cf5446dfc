//! The checks on this side of the firmware, and the order of all of them.

use tw4s_formats::{
    Claims, HashAlgorithm, KeyKind, LevelOfAssurance, SCOPE_REMOTE_SIGNATURE, Sad, SignatureAlgorithm, WrappedKey,
};

use crate::call::Call;
use crate::failure::Failure;
use crate::record::{Object, State, UserId};
use crate::refusal::Refusal;
use crate::window::{self, Window};

/// The token inside the SAD: window, user, level, scope. Its claims are `None` if they cannot be read.
pub(super) fn token(call: &Call<'_>, sad: &Sad, claims: Option<&Claims>) -> Vec<Refusal> {
    let config = &call.sam.config;
    let token = &sad.tbs.identity_token.data;
    let mut found = Vec::new();
    match window::of(token, config.skew_ms, call.now) {
        Window::Early => found.push(Refusal::TokenEarly),
        Window::Late => found.push(Refusal::TokenExpired),
        Window::Within => {}
    }
    // Row 16: notAfter is at most now + SAD lifetime. It bounds how long the consumed hashes must be kept.
    let longest = call.now.saturating_add(config.sad_lifetime_ms);
    if window::last_ms(token, 0) > longest.saturating_add(config.skew_ms) {
        found.push(Refusal::TokenTooLong);
    }
    if token.user_id.text().parse::<UserId>() != Ok(call.acting.id) {
        found.push(Refusal::TokenUser);
    }
    match claims {
        None => found.push(Refusal::TokenClaims),
        Some(claims) => {
            match claims.level {
                None => found.push(Refusal::NoLevel),
                Some(level) if level < LevelOfAssurance::Substantial => found.push(Refusal::LowLevel),
                Some(_) => {}
            }
            if claims.scope.as_ref().is_none_or(|scope| scope.as_str() != SCOPE_REMOTE_SIGNATURE) {
                found.push(Refusal::NoScope);
            }
        }
    }
    found
}

/// "Specified hash algorithm does not match digest size".
pub(super) fn hashes(sad: &Sad) -> Option<Refusal> {
    let digest = sad.tbs.algorithm().ok().and_then(HashAlgorithm::digest);
    let Some(digest) = digest else { return Some(Refusal::UnknownAlgorithm) };
    let fits = sad.tbs.tbs_hash_values.iter().all(|hash| hash.as_bytes().len() == digest.size());
    (!fits).then_some(Refusal::HashLength)
}

/// That the key can be used, by this user, with this algorithm.
pub(super) fn key(call: &Call<'_>, sad: &Sad, key: Option<&Object>) -> Vec<Refusal> {
    let mut found = Vec::new();
    let Some(key) = key else { return found };
    if key.owner != call.acting.id {
        found.push(Refusal::OtherUsersKey);
    }
    if key.state == State::Destroyed {
        found.push(Refusal::KeyDestroyed);
        return found;
    }
    // Its row has our MAC, and the firmware looks at the whole.
    let kind = WrappedKey::spki_in(&key.value).and_then(|spki| KeyKind::of(&spki));
    match (kind, sad.tbs.algorithm()) {
        (Err(_), _) => found.push(Refusal::WrappedKey),
        (Ok(kind), Ok(algorithm)) if !fits(algorithm, kind) => found.push(Refusal::AlgorithmFit),
        _ => {}
    }
    found
}

/// "Specified signature algorithm does not match the key algorithm". A digest alone fits each kind that signs digests
/// (row 13).
fn fits(algorithm: HashAlgorithm, kind: KeyKind) -> bool {
    match (algorithm, kind) {
        (HashAlgorithm::Digest(_), KeyKind::Rsa { .. } | KeyKind::P256 | KeyKind::P384 | KeyKind::P521) => true,
        (HashAlgorithm::Signature(SignatureAlgorithm::RsaPkcs1(_)), KeyKind::Rsa { .. }) => true,
        (HashAlgorithm::Signature(SignatureAlgorithm::RsaPss { digest, salt_len }), KeyKind::Rsa { bits }) => {
            // RFC 8017 9.1.1, step 3: emLen is at least hLen + sLen + 2, and emBits is one less than the modulus's.
            let room = usize::try_from(bits.saturating_sub(1).div_ceil(8)).unwrap_or(0);
            room >= digest.size() + usize::from(salt_len) + 2
        }
        (HashAlgorithm::Signature(SignatureAlgorithm::Ecdsa(_)), KeyKind::P256 | KeyKind::P384 | KeyKind::P521) => true,
        _ => false,
    }
}

/// The first in the order of checks; of equals, the first found.
pub(super) fn first(findings: Vec<Failure>) -> Failure {
    let first = findings.into_iter().min_by_key(|failure| place(failure.refusal));
    first.unwrap_or_else(|| Refusal::Defect.into())
}

/// The place of a check in the order. What is not a check of Signing is last: components are, and their failures.
fn place(refusal: Refusal) -> u8 {
    match refusal {
        Refusal::TokenSigner | Refusal::TokenSignature | Refusal::TokenUnregistered => 1,
        Refusal::TokenEarly | Refusal::TokenExpired | Refusal::TokenTooLong => 2,
        Refusal::TokenUser => 3,
        Refusal::TokenClaims | Refusal::NoLevel | Refusal::LowLevel | Refusal::NoScope => 4,
        Refusal::SadSignature => 5,
        Refusal::UnknownAlgorithm | Refusal::HashLength => 6,
        Refusal::NoKey | Refusal::KeyDestroyed => 7,
        Refusal::WrappedKey => 8,
        Refusal::KeyMismatch | Refusal::OtherUsersKey => 9,
        Refusal::AlgorithmFit => 10,
        _ => 11,
    }
}

#[cfg(test)]
mod tests {
    use tw4s_formats::Digest;

    use super::*;

    #[test]
    fn algorithms_fit_their_kinds_of_keys_alone() {
        use KeyKind::{Ed25519, P256, P384, P521};
        let rsa = KeyKind::Rsa { bits: 2048 };
        let digest = HashAlgorithm::Digest(Digest::Sha256);
        let pkcs1 = HashAlgorithm::Signature(SignatureAlgorithm::RsaPkcs1(Digest::Sha256));
        let pss = HashAlgorithm::Signature(SignatureAlgorithm::RsaPss { digest: Digest::Sha256, salt_len: 32 });
        let ecdsa = HashAlgorithm::Signature(SignatureAlgorithm::Ecdsa(Digest::Sha256));
        let ed25519 = HashAlgorithm::Signature(SignatureAlgorithm::Ed25519);
        for (algorithm, kinds) in [
            (digest, &[rsa, P256, P384, P521][..]),
            (pkcs1, &[rsa]),
            (pss, &[rsa]),
            (ecdsa, &[P256, P384, P521]),
            (ed25519, &[]),
        ] {
            for kind in [rsa, P256, P384, P521, Ed25519] {
                assert_eq!(fits(algorithm, kind), kinds.contains(&kind), "{algorithm:?} {kind:?}");
            }
        }
    }

    #[test]
    fn a_salt_must_have_room_in_the_modulus() {
        let pss = |salt_len| HashAlgorithm::Signature(SignatureAlgorithm::RsaPss { digest: Digest::Sha256, salt_len });
        assert!(fits(pss(222), KeyKind::Rsa { bits: 2048 }), "the most, which pyHanko sends");
        assert!(!fits(pss(223), KeyKind::Rsa { bits: 2048 }));
    }

    #[test]
    fn components_come_behind_every_check() {
        let checks = Refusal::ALL.iter().filter(|refusal| place(**refusal) < 11).count();
        assert_eq!(checks, 20);
        for component in [Refusal::Firmware, Refusal::Store, Refusal::StoreDamaged, Refusal::Engine, Refusal::Defect] {
            assert_eq!(place(component), 11);
        }
    }
}
