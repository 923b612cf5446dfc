//! The peering container (1.10).

use der::asn1::Null;
use der::{
    Decode, DecodeValue, Encode, EncodeValue, ErrorKind, FixedTag, Header, Length, Reader, Sequence, Tag, TagNumber,
    Writer,
};

use crate::credential::Credential;
use crate::error::Error;
use crate::field::{Explicit, Octets, Text, V1, inside, tagged};
use crate::format::Format;
use crate::limit::{MAX_AUDIT_REF_LEN, MAX_DETAIL_LEN, MAX_MESSAGE_LEN, MAX_PEER_LEN, MAX_RESULT_LEN};
use crate::time::Time;
use crate::vocabulary::ErrorType;

/// ```text
/// PeerMessage ::= SEQUENCE {
///   version INTEGER (1),
///   id      OCTET STRING (SIZE(16)),
///   sentAt  GeneralizedTime,
///   body    CHOICE { request  [0] EXPLICIT Request,
///                    response [1] EXPLICIT Response,
///                    ping     [2] IMPLICIT NULL,
///                    pong     [3] IMPLICIT NULL }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct PeerMessage {
    /// 1.
    pub version: V1,
    /// Chosen by the side that asks, repeated by the side that answers.
    pub id: Octets<16, 16>,
    /// When it was sent.
    pub sent_at: Time,
    /// What it carries.
    pub body: PeerBody,
}

impl PeerMessage {
    /// Puts the parts together.
    ///
    /// # Errors
    /// None today: 16 bytes are always in bounds.
    pub fn new(id: [u8; 16], sent_at: Time, body: PeerBody) -> Result<Self, Error> {
        Ok(Self { version: V1, id: Octets::new(id)?, sent_at, body })
    }

    /// The bytes that a message signature runs over: DER of `SEQUENCE { id, sentAt, messageType, message }`.
    ///
    /// # Errors
    /// [`Kind::Field`](crate::Kind::Field) if it cannot be written.
    pub fn signed_bytes(&self, request: &Request) -> Result<Vec<u8>, Error> {
        request_signed_bytes(&self.id, self.sent_at, &request.message_type, &request.message)
    }
}

impl Format for PeerMessage {
    const MAX_LEN: usize = MAX_PEER_LEN;
}

fn request_signed_bytes(
    id: &Octets<16, 16>,
    sent_at: Time,
    message_type: &Text,
    message: &Octets<0, MAX_MESSAGE_LEN>,
) -> Result<Vec<u8>, Error> {
    let signed = SignedPart { id: id.clone(), sent_at, message_type: message_type.clone(), message: message.clone() };
    Ok(signed.to_der()?)
}

#[derive(Sequence)]
struct SignedPart {
    id: Octets<16, 16>,
    sent_at: Time,
    message_type: Text,
    message: Octets<0, MAX_MESSAGE_LEN>,
}

/// The body of a [`PeerMessage`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerBody {
    /// `[0]`.
    Request(Box<Request>),
    /// `[1]`.
    Response(Box<Response>),
    /// `[2]`.
    Ping,
    /// `[3]`.
    Pong,
}

impl<'a> Decode<'a> for PeerBody {
    type Error = der::Error;

    fn decode<R: Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        match Tag::peek(reader)? {
            tag if tag == tagged(0) => inside(reader, tag, Request::decode).map(Box::new).map(Self::Request),
            tag if tag == tagged(1) => inside(reader, tag, Response::decode).map(Box::new).map(Self::Response),
            tag if tag == PING => inside(reader, tag, |_| Ok(Self::Ping)),
            tag if tag == PONG => inside(reader, tag, |_| Ok(Self::Pong)),
            actual => Err(reader.error(ErrorKind::TagUnexpected { expected: None, actual })),
        }
    }
}

impl Encode for PeerBody {
    fn encoded_len(&self) -> der::Result<Length> {
        match self {
            Self::Request(request) => Explicit(0, &**request).encoded_len(),
            Self::Response(response) => Explicit(1, &**response).encoded_len(),
            Self::Ping | Self::Pong => Null.encoded_len(),
        }
    }

    fn encode(&self, writer: &mut impl Writer) -> der::Result<()> {
        match self {
            Self::Request(request) => Explicit(0, &**request).encode(writer),
            Self::Response(response) => Explicit(1, &**response).encode(writer),
            Self::Ping => Header::new(PING, Length::ZERO).encode(writer),
            Self::Pong => Header::new(PONG, Length::ZERO).encode(writer),
        }
    }
}

/// ```text
/// Request ::= SEQUENCE { messageType UTF8String, message OCTET STRING, credential Credential }
/// ```
///
/// Type and message are read later, once the credential has named a user.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct Request {
    /// A name of [`MessageType`](crate::operation::MessageType), if it is known.
    pub message_type: Text,
    /// DER of the typed message.
    pub message: Octets<0, MAX_MESSAGE_LEN>,
    /// By whom.
    pub credential: Credential,
}

/// ```text
/// Response ::= CHOICE { result [0] OCTET STRING, error [1] ErrorResponse }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// DER of the typed result.
    Result(Octets<0, MAX_RESULT_LEN>),
    /// A refusal.
    Error(ErrorResponse),
}

impl<'a> Decode<'a> for Response {
    type Error = der::Error;

    fn decode<R: Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        match Tag::peek(reader)? {
            tag if tag == tagged(0) => inside(reader, tag, Octets::decode).map(Self::Result),
            tag if tag == tagged(1) => inside(reader, tag, ErrorResponse::decode).map(Self::Error),
            actual => Err(reader.error(ErrorKind::TagUnexpected { expected: None, actual })),
        }
    }
}

impl Encode for Response {
    fn encoded_len(&self) -> der::Result<Length> {
        match self {
            Self::Result(result) => Explicit(0, result).encoded_len(),
            Self::Error(error) => Explicit(1, error).encoded_len(),
        }
    }

    fn encode(&self, writer: &mut impl Writer) -> der::Result<()> {
        match self {
            Self::Result(result) => Explicit(0, result).encode(writer),
            Self::Error(error) => Explicit(1, error).encode(writer),
        }
    }
}

/// ```text
/// ErrorResponse ::= SEQUENCE { type UTF8String, detail UTF8String, auditRef OCTET STRING OPTIONAL }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct ErrorResponse {
    /// Which of the 14.
    pub error_type: ErrorType,
    /// For a person to read; may be empty.
    pub detail: Text<0, MAX_DETAIL_LEN>,
    /// Where the audit log tells of it, if it does.
    pub audit_ref: Option<Octets<1, MAX_AUDIT_REF_LEN>>,
}

impl FixedTag for ErrorType {
    const TAG: Tag = Tag::Utf8String;
}

impl<'a> DecodeValue<'a> for ErrorType {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        let name = Text::<1>::decode_value(reader, header)?;
        Self::from_name(name.as_str()).map_err(|_| reader.error(Self::TAG.value_error()))
    }
}

impl EncodeValue for ErrorType {
    fn value_len(&self) -> der::Result<Length> {
        self.name().len().try_into()
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write(self.name().as_bytes())
    }
}

/// `[2] IMPLICIT NULL`.
const PING: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(2) };
/// `[3] IMPLICIT NULL`.
const PONG: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(3) };
