//! Table 22: Signing, check by check (1.3, 1.5, 1.9). The order of the checks is in `order.rs`, replays in `replay.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{DerSignature, VerifyingKey};
use p256::pkcs8::DecodePublicKey;
use tw4s_formats::operation::{Signing, SigningResult};
use tw4s_formats::{
    Digest, DirectoryString, Format, HashAlgorithm, LevelOfAssurance, ObjectIdentifier, Octets, Sad,
    SignatureAlgorithm, StringKind, WrappedKey,
};
use tw4s_sam::audit;
use tw4s_sam::record::ObjectKind;
use tw4s_sam::testing::{NOW, Outcome, Person, TokenSpec, Trust, World, uuid};
use tw4s_sam::{Config, Refusal};

const SKEW: u64 = 60_000;

#[track_caller]
fn refused(world: &World, outcome: &Outcome, refusal: Refusal) {
    assert_eq!(outcome.error(), Some(refusal.error_type()), "{outcome:?}");
    assert_eq!(outcome.detail(), refusal.cause());
    assert_eq!(world.firmware.activations(), 0);
    assert!(world.store.tables().consumed.is_empty(), "a refused SAD consumes nothing");
}

fn verifies(world: &World, hash: &[u8], signature: &[u8]) -> bool {
    let tables = world.store.tables();
    let wrapped = WrappedKey::parse(&tables.objects.get(&(world.key, ObjectKind::Key)).unwrap().value).unwrap();
    let key = VerifyingKey::from_public_key_der(&wrapped.tbs.metadata.spki.to_bytes().unwrap()).unwrap();
    key.verify_prehash(hash, &DerSignature::from_bytes(signature).unwrap()).is_ok()
}

/// Row 14: one signature for each hash, in their order.
#[test]
fn each_hash_is_signed_in_its_order() {
    let world = World::default();
    let hashes = (1..=3).map(|byte| vec![byte; 32]).collect::<Vec<_>>();
    let result = world.sign(&world.sad(&hashes)).result::<SigningResult>();
    assert_eq!(result.sigbin.len(), 3);
    for (hash, signature) in hashes.iter().zip(result.sigbin.iter()) {
        assert!(verifies(&world, hash, signature.as_bytes()));
    }
}

/// Table 22: "the UserID of the user for whom the signature was created, the KeyID of the signature key".
#[test]
fn a_signing_is_recorded_as_intent_and_result() {
    let world = World::default();
    let before = world.log().len();
    let sad = world.sad(&[vec![1; 32], vec![2; 32]]);
    assert!(matches!(world.sign(&sad), Outcome::Result(_)));
    let log = world.log().split_off(before);
    let [intent, result] = &log[..] else { panic!("{log:?}") };
    assert_eq!((intent.outcome, result.outcome), (audit::Outcome::Intent, audit::Outcome::Success));
    assert_eq!(result.intent, Some(intent.number));
    for entry in &log {
        assert_eq!(entry.action, "Signing");
        assert_eq!((&entry.acting, &entry.user), (&Some(world.signer.to_string()), &Some(world.signer.to_string())));
        assert_eq!(entry.key, Some(world.key.to_string()));
        assert_eq!((entry.hashes, entry.jti.as_deref()), (Some(2), Some("09".repeat(16).as_str())));
        assert_eq!(entry.sad.as_ref().map(String::len), Some(64));
    }
    assert!(world.store.tables().open.is_empty());
}

/// No secret, and nothing that was signed, is in the log.
#[test]
fn the_log_tells_no_token_and_no_hash() {
    let world = World::default();
    let hash = vec![0xcd; 32];
    let sad = world.sad(std::slice::from_ref(&hash));
    assert!(matches!(world.sign(&sad), Outcome::Result(_)));
    let token = sad.tbs.identity_token.signature.as_bytes().to_vec();
    for row in world.store.tables().audit {
        let text = String::from_utf8(row.body).unwrap();
        for secret in [&hash, &token] {
            let digits = secret.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            assert!(!text.contains(&digits), "{text}");
        }
    }
}

#[test]
fn the_sad_s_token_must_be_signed_by_a_registered_provider() {
    let world = World::default();
    let spec = TokenSpec::of(world.signer);
    for (token, refusal) in [
        (world.idp.token(&TokenSpec { forged: true, ..spec.clone() }, Some(&world.person)), Refusal::TokenSignature),
        (world.other_idp.token(&spec, Some(&world.person)), Refusal::TokenUnregistered),
        (tw4s_sam::testing::Idp::new("stranger").token(&spec, Some(&world.person)), Refusal::TokenSigner),
    ] {
        let sad = world.person.sad(token, &world.key.to_string(), sha256(), &[vec![1; 32]]);
        refused(&world, &world.sign(&sad), refusal);
    }
}

fn sha256() -> HashAlgorithm {
    HashAlgorithm::Digest(Digest::Sha256)
}

/// Edges of the window of the SAD's token, with the skew on both sides.
#[test]
fn the_sad_s_token_holds_in_its_window() {
    let spec = TokenSpec::of(uuid(3));
    let (first, last) = (spec.not_before * 1000 - SKEW, spec.not_after * 1000 + SKEW);
    for (now, refusal) in
        [(first - 1, Some(Refusal::TokenEarly)), (first, None), (last, None), (last + 1, Some(Refusal::TokenExpired))]
    {
        let world = World::default();
        let sad = world.sad(&[vec![1; 32]]);
        world.clock.set(now);
        match refusal {
            Some(refusal) => refused(&world, &world.sign(&sad), refusal),
            None => assert!(matches!(world.sign(&sad), Outcome::Result(_)), "{now}"),
        }
    }
}

/// Row 16: notAfter is at most now + SAD lifetime.
#[test]
fn the_sad_s_token_may_not_hold_for_long() {
    let longest = NOW / 1000 + 300 + 60;
    for (not_after, refusal) in [(longest, None), (longest + 1, Some(Refusal::TokenTooLong))] {
        let world = World::default();
        let spec = TokenSpec { not_after, ..TokenSpec::of(world.signer) };
        let outcome = world.sign(&world.sad_with(&spec, &[vec![1; 32]]));
        match refusal {
            Some(refusal) => refused(&world, &outcome, refusal),
            None => assert!(matches!(outcome, Outcome::Result(_))),
        }
    }
}

/// "UserID in the identity token does not match the UserID provided by the credential." The firmware of this test leaves
/// it to the module.
#[test]
fn the_sad_s_token_must_be_the_credential_s_user_s() {
    let world = World::default();
    world.firmware.set_trust(Trust::TheModule);
    for user in [world.other_signer, uuid(99)] {
        let outcome = world.sign(&world.sad_with(&TokenSpec::of(user), &[vec![1; 32]]));
        refused(&world, &outcome, Refusal::TokenUser);
    }
}

/// "Identification level is not sufficient (at least 'substantial')."
#[test]
fn the_level_must_be_substantial_at_least() {
    for (level, refusal) in [
        (None, Some(Refusal::NoLevel)),
        (Some(LevelOfAssurance::Low), Some(Refusal::LowLevel)),
        (Some(LevelOfAssurance::Substantial), None),
        (Some(LevelOfAssurance::High), None),
    ] {
        let world = World::default();
        let outcome = world.sign(&world.sad_with(&TokenSpec { level, ..TokenSpec::of(world.signer) }, &[vec![1; 32]]));
        match refusal {
            Some(refusal) => refused(&world, &outcome, refusal),
            None => assert!(matches!(outcome, Outcome::Result(_))),
        }
    }
}

/// 1.12, 6.4.5: "scope extension = remote-signature".
#[test]
fn the_scope_must_be_remote_signature() {
    let world = World::default();
    for scope in [None, Some("login".to_owned())] {
        let spec = TokenSpec { scope, ..TokenSpec::of(world.signer) };
        refused(&world, &world.sign(&world.sad_with(&spec, &[vec![1; 32]])), Refusal::NoScope);
    }
}

/// "SAD signature cannot be verified with the public key embedded in the identity token."
#[test]
fn the_sad_must_be_signed_by_the_key_in_its_token() {
    let world = World::default();
    let token = world.idp.token(&TokenSpec::of(world.signer), Some(&world.person));
    let thief = Person::new("thief").sad(token, &world.key.to_string(), sha256(), &[vec![1; 32]]);
    refused(&world, &world.sign(&thief), Refusal::SadSignature);
    let bare = world.idp.token(&TokenSpec::of(world.signer), None);
    let bare = world.person.sad(bare, &world.key.to_string(), sha256(), &[vec![1; 32]]);
    refused(&world, &world.sign(&bare), Refusal::SadSignature);
}

/// A thief who has the SADTBS but not the key cannot use it up.
#[test]
fn a_forged_sad_does_not_burn_the_true_one() {
    let world = World::default();
    let sad = world.sad(&[vec![1; 32]]);
    let mut signature = sad.signature.as_bytes().to_vec();
    if let Some(last) = signature.last_mut() {
        *last ^= 1;
    }
    let forged = Sad { tbs: sad.tbs.clone(), signature: Octets::new(signature).unwrap() };
    refused(&world, &world.sign(&forged), Refusal::SadSignature);
    assert!(matches!(world.sign(&sad), Outcome::Result(_)));
}

/// "Specified hash algorithm does not match digest size." The firmware of this test leaves it to the module.
#[test]
fn every_hash_must_have_its_digest_s_length() {
    let world = World::default();
    world.firmware.set_trust(Trust::TheModule);
    for hashes in [&[31][..], &[33], &[0], &[32, 48], &[48, 32]] {
        let hashes = hashes.iter().map(|len| vec![1; *len]).collect::<Vec<_>>();
        refused(&world, &world.sign(&world.sad(&hashes)), Refusal::HashLength);
    }
}

/// "Specified signature algorithm does not match the key algorithm." The firmware of this test leaves it to the module.
#[test]
fn the_algorithm_must_fit_the_key() {
    for (algorithm, hash, refusal) in [
        (HashAlgorithm::Signature(SignatureAlgorithm::RsaPkcs1(Digest::Sha256)), 32, Some(Refusal::AlgorithmFit)),
        (
            HashAlgorithm::Signature(SignatureAlgorithm::RsaPss { digest: Digest::Sha256, salt_len: 32 }),
            32,
            Some(Refusal::AlgorithmFit),
        ),
        (HashAlgorithm::Signature(SignatureAlgorithm::Ed25519), 32, Some(Refusal::UnknownAlgorithm)),
        (HashAlgorithm::Signature(SignatureAlgorithm::Ecdsa(Digest::Sha256)), 32, None),
        (HashAlgorithm::Signature(SignatureAlgorithm::Ecdsa(Digest::Sha384)), 48, None),
        (HashAlgorithm::Digest(Digest::Sha512), 64, None),
    ] {
        let world = World::default();
        world.firmware.set_trust(Trust::TheModule);
        let token = world.idp.token(&TokenSpec::of(world.signer), Some(&world.person));
        let sad = world.person.sad(token, &world.key.to_string(), algorithm, &[vec![1; hash]]);
        match refusal {
            Some(refusal) => refused(&world, &world.sign(&sad), refusal),
            None => assert!(matches!(world.sign(&sad), Outcome::Result(_)), "{algorithm:?}"),
        }
    }
}

/// "If the acting user does not have access to the specified KeyID." The firmware of this test leaves it to the module.
#[test]
fn a_signer_uses_its_own_keys_alone() {
    let world = World::default();
    world.firmware.set_trust(Trust::TheModule);
    let foreign = world.new_key(world.other_signer);
    let token = world.idp.token(&TokenSpec::of(world.signer), Some(&world.person));
    let sad = world.person.sad(token, &foreign.to_string(), sha256(), &[vec![1; 32]]);
    refused(&world, &world.sign(&sad), Refusal::OtherUsersKey);
}

#[test]
fn an_unknown_key_is_not_found() {
    let world = World::default();
    for key in [uuid(99).to_string(), "key".into()] {
        let token = world.idp.token(&TokenSpec::of(world.signer), Some(&world.person));
        let sad = world.person.sad(token, &key, sha256(), &[vec![1; 32]]);
        refused(&world, &world.sign(&sad), Refusal::NoKey);
    }
}

/// Row 14: "n ≤ configured multisign; empty → MessageParseError".
#[test]
fn a_sad_has_so_many_hashes_and_no_more() {
    let world = World::new(Config { multisign: 2, ..Config::default() });
    let hashes = |count: u8| (0..count).map(|byte| vec![byte; 32]).collect::<Vec<_>>();
    refused(&world, &world.sign(&world.sad(&hashes(3))), Refusal::TooManyHashes);
    let outcome = world.ask(&Signing { sad: Octets::new([0x30, 0]).unwrap() }, world.signer);
    refused(&world, &outcome, Refusal::Sad);
    assert!(matches!(world.sign(&world.sad(&hashes(2))), Outcome::Result(_)));
}

/// Row 14, the other half: a SAD that is whole but for its hashes.
#[test]
fn a_sad_without_hashes_cannot_be_parsed() {
    let world = World::default();
    let sad = world.sad(&[vec![1; 32]]).to_bytes().unwrap();
    // SEQUENCE OF { OCTET STRING } becomes SEQUENCE OF {}; both lengths around it (two bytes each) are 34 less.
    let at = sad.windows(4).rposition(|window| window == [0x30, 34, 4, 32]).unwrap();
    let mut without = [sad.get(..at).unwrap(), &[0x30, 0], sad.get(at + 36..).unwrap()].concat();
    for at in [2, 6] {
        let length = without.get_mut(at..at + 2).unwrap();
        let less = u16::from_be_bytes((&*length).try_into().unwrap()) - 34;
        length.copy_from_slice(&less.to_be_bytes());
    }
    assert!(Sad::parse(&sad).is_ok());
    refused(&world, &world.ask(&Signing { sad: Octets::new(without).unwrap() }, world.signer), Refusal::Sad);
}

/// Row 15: the marker stands outside the signature, so whoever is between may change it, and nothing hangs on it.
#[test]
fn a_token_s_type_decides_nothing() {
    let world = World::default();
    let oid = ObjectIdentifier::new_unwrap;
    for (jti, token_type) in [(1, None), (2, Some(oid("1.2.3"))), (3, Some(oid("2.5.4.3")))] {
        let spec = TokenSpec { jti: Some([jti; 16]), ..TokenSpec::of(world.signer) };
        let mut token = world.idp.token(&spec, Some(&world.person));
        token.token_type = token_type;
        let sad = world.person.sad(token, &world.key.to_string(), sha256(), &[vec![1; 32]]);
        assert!(matches!(world.sign(&sad), Outcome::Result(_)), "{token_type:?}");
    }
}

/// Row 1: the five kinds of DirectoryString say the same, where they spell the same text.
#[test]
fn a_user_is_known_in_each_kind_of_string() {
    let wide =
        |text: &str, width: usize| text.bytes().flat_map(|byte| [vec![0; width - 1], vec![byte]].concat()).collect();
    for (kind, width) in [
        (StringKind::Utf8, 1),
        (StringKind::Printable, 1),
        (StringKind::Teletex, 1),
        (StringKind::Bmp, 2),
        (StringKind::Universal, 4),
    ] {
        let world = World::default();
        let token = world.idp.token(&TokenSpec::of(world.signer), Some(&world.person));
        let token = world.idp.resigned(&token, |data| {
            data.user_id = DirectoryString::with_kind(kind, wide(data.user_id.text(), width)).unwrap();
        });
        let sad = world.person.sad(token, &world.key.to_string(), sha256(), &[vec![1; 32]]);
        assert!(matches!(world.sign(&sad), Outcome::Result(_)), "{kind:?}");
    }
}

/// 1.11: "Defaults, all settable: clock skew 60 s, SAD lifetime 300 s".
#[test]
fn the_defaults_are_the_ruled_ones() {
    let config = Config::default();
    assert_eq!((config.skew_ms, config.sad_lifetime_ms), (60_000, 300_000));
    assert_eq!((config.rsa_min, config.rsa_max, config.multisign), (2048, 4096, 1000));
    let world = World::new(Config { sad_lifetime_ms: 100_000, skew_ms: 0, ..config });
    let until = |not_after| TokenSpec { not_after, ..TokenSpec::of(world.signer) };
    let sad = world.sad_with(&until(NOW / 1000 + 101), &[vec![1; 32]]);
    refused(&world, &world.sign(&sad), Refusal::TokenTooLong);
    let sad = world.sad_with(&until(NOW / 1000 + 100), &[vec![1; 32]]);
    assert!(matches!(world.sign(&sad), Outcome::Result(_)));
}

/// A database that was given another user's key under this KeyID.
#[test]
fn a_swapped_row_is_not_believed() {
    let world = World::default();
    let foreign = world.new_key(world.other_signer);
    let key = world.key;
    world.store.tamper(|tables| {
        let row = tables.objects.get(&(foreign, ObjectKind::Key)).unwrap().clone();
        tables.objects.insert((key, ObjectKind::Key), row);
    });
    refused(&world, &world.sign(&world.sad(&[vec![1; 32]])), Refusal::StoreDamaged);
    world.store.tamper(|tables| {
        tables.objects.get_mut(&(foreign, ObjectKind::Key)).unwrap().owner = uuid(3);
    });
    let token = world.idp.token(&TokenSpec::of(world.signer), Some(&world.person));
    let sad = world.person.sad(token, &foreign.to_string(), sha256(), &[vec![1; 32]]);
    refused(&world, &world.sign(&sad), Refusal::StoreDamaged);
}

#[test]
fn an_extension_that_stands_twice_is_refused() {
    let world = World::default();
    let token = world.idp.token(&TokenSpec::of(world.signer), Some(&world.person));
    // The provider signs it nonetheless: one level more.
    let doubled = world.idp.resigned(&token, |data| {
        let mut all = data.extensions.to_vec();
        let low = TokenSpec { level: Some(LevelOfAssurance::High), ..TokenSpec::of(world.signer) };
        all.extend(world.idp.token(&low, None).data.extensions.iter().cloned());
        data.extensions = tw4s_formats::SetOf::new(dedup(all)).unwrap();
    });
    let sad = world.person.sad(doubled, &world.key.to_string(), sha256(), &[vec![1; 32]]);
    refused(&world, &world.sign(&sad), Refusal::TokenClaims);
}

fn dedup<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut unique = Vec::new();
    for one in all {
        if !unique.contains(&one) {
            unique.push(one);
        }
    }
    unique
}
