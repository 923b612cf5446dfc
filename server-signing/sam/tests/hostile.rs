//! Unknown, oversized, malformed and hostile input: a named error, bounded work, no panic.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use proptest::prelude::*;
use tw4s_formats::limit::MAX_REQUEST_LEN;
use tw4s_formats::operation::{MessageType, Signing};
use tw4s_formats::{Credential, ErrorType, Format, ObjectIdentifier, Octets, Open, PeerBody, Response};
use tw4s_sam::Refusal;
use tw4s_sam::testing::{Outcome, TokenSpec, World};

/// The largest of everything, by somebody whom nobody knows.
#[test]
fn the_largest_message_is_answered() {
    let world = World::default();
    let message = vec![0x30; 192 * 1024];
    let stranger = world.credential(&TokenSpec::of("anna"));
    assert_eq!(world.send(&world.request("Signing", &message, stranger)).error(), Some(ErrorType::UnknownUser));
    let known = world.credential(&TokenSpec::of(world.signer));
    assert_eq!(world.send(&world.request("Signing", &message, known)).error(), Some(ErrorType::MessageParseError));
}

/// Requests end at 256 KiB: what is longer is not parsed, whatever it is.
#[test]
fn what_is_longer_than_a_request_is_not_parsed() {
    let world = World::default();
    let answer = |len| {
        let result = Octets::new(vec![0; len]).unwrap();
        let bytes = world.message(PeerBody::Response(Box::new(Response::Result(result)))).to_bytes().unwrap();
        world.handle(&bytes).log.concat()
    };
    assert!(answer(200 * 1024).contains(Refusal::NoRequest.cause()));
    assert!(answer(300 * 1024).contains(Refusal::Container.cause()));
    // To the byte: the container around it takes the rest.
    let result = Octets::new(vec![0; 200 * 1024]).unwrap();
    let whole = world.message(PeerBody::Response(Box::new(Response::Result(result)))).to_bytes().unwrap().len();
    let longest = MAX_REQUEST_LEN - (whole - 200 * 1024);
    assert!(answer(longest).contains(Refusal::NoRequest.cause()));
    assert!(answer(longest + 1).contains(Refusal::Container.cause()));
}

#[test]
fn a_sad_that_is_none_is_a_message_parse_error() {
    let world = World::default();
    for sad in [vec![0x30, 0], vec![0; 100_000], b"\x30\x84\xff\xff\xff\xff".to_vec()] {
        let outcome = world.ask(&Signing { sad: Octets::new(sad).unwrap() }, world.signer);
        assert_eq!(outcome.error(), Some(ErrorType::MessageParseError));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let world = World::default();
        prop_assert_eq!(world.send(&bytes).error(), Some(ErrorType::ContainerParseError));
    }

    #[test]
    fn any_message_of_any_type_is_answered(
        kind in proptest::sample::select(MessageType::ALL.to_vec()),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let world = World::default();
        let credential = world.credential(&TokenSpec::of(world.signer));
        let outcome = world.send(&world.request(kind.name(), &bytes, credential));
        prop_assert!(outcome.error().is_some());
        prop_assert_eq!(world.last_entry().action, kind.name());
    }

    /// A good request in which some bytes are changed: an answer, and never a second signature.
    #[test]
    fn a_damaged_request_is_answered(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let world = World::default();
        let sad = world.sad(&[vec![1; 32]]);
        let message = Signing::new(&sad).unwrap().to_bytes().unwrap();
        let good = world.request("Signing", &message, world.credential(&TokenSpec::of(world.signer)));
        let mut bytes = good.clone();
        for (at, value) in changes {
            *at.get_mut(&mut bytes[..]) = value;
        }
        let outcomes = [world.send(&bytes), world.send(&good)];
        let signed = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Result(_))).count();
        prop_assert_eq!(signed, 1, "{:?}", outcomes);
        prop_assert_eq!(world.firmware.activations(), 1);
    }

    #[test]
    fn any_credential_is_answered(value in prop::collection::vec(any::<u8>(), 0..100), known in any::<bool>()) {
        let world = World::default();
        let good = world.credential(&TokenSpec::of(world.signer));
        let credential_type = if known { good.credential_type } else { ObjectIdentifier::new_unwrap("1.2.3.4") };
        let octets = Octets::<0, 100>::new(value).unwrap();
        let value = Open::new([&[4, u8::try_from(octets.as_bytes().len()).unwrap()], octets.as_bytes()].concat()).unwrap();
        let outcome = world.send(&world.request("Signing", &[], Credential { credential_type, value }));
        let expected = if known { ErrorType::AuthenticationError } else { ErrorType::UnknownCredentialType };
        prop_assert_eq!(outcome.error(), Some(expected));
    }
}
