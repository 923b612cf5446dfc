//! Any bytes as a peering message, with its credential and its typed message read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sks_fuzz::kept;
use tw4s_formats::operation::{Message, MessageType};
use tw4s_formats::{OidArc, PeerBody, PeerMessage};

fuzz_target!(|bytes: &[u8]| {
    let Some(message) = kept::<PeerMessage>(bytes) else { return };
    let PeerBody::Request(request) = &message.body else { return };
    let _ = request.credential.open(&OidArc::default());
    message.signed_bytes(request).expect("what was read can be written");
    for message_type in MessageType::ALL {
        if let Ok(typed) = Message::parse(*message_type, request.message.as_bytes()) {
            assert_eq!(typed.to_bytes().expect("what was read can be written"), request.message.as_bytes());
        }
    }
});
