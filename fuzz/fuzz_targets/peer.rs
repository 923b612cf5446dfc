//! Any bytes as a peering message, with its credential, and its typed message or result read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sks_fuzz::kept;
use tw4s_formats::operation::{
    GenerateSignerKeyPairResult, ListSignersResult, Message, MessageType, SigningResult, Void,
};
use tw4s_formats::{OidArc, PeerBody, PeerMessage, Response};

fuzz_target!(|bytes: &[u8]| {
    let Some(message) = kept::<PeerMessage>(bytes) else { return };
    let request = match &message.body {
        PeerBody::Request(request) => request,
        PeerBody::Response(response) => return result(response),
        PeerBody::Ping | PeerBody::Pong => return,
    };
    let _ = request.credential.open(&OidArc::default());
    message.signed_bytes(request).expect("what was read can be written");
    for message_type in MessageType::ALL {
        if let Ok(typed) = Message::parse(*message_type, request.message.as_bytes()) {
            assert_eq!(typed.to_bytes().expect("what was read can be written"), request.message.as_bytes());
        }
    }
});

/// An answer does not say whose result it has.
fn result(response: &Response) {
    let Response::Result(result) = response else { return };
    kept::<Void>(result.as_bytes());
    kept::<GenerateSignerKeyPairResult>(result.as_bytes());
    kept::<ListSignersResult>(result.as_bytes());
    kept::<SigningResult>(result.as_bytes());
}
