//! The one table of methods, and what it makes: ids, requests, responses.
//!
//! Source: SKS API V0.35, "Methods"; the extension methods (19, 111 to 122) are the project's own (docs/wire.md).
//! A row is the method's number, its module, its name as a type, and the text's name, which is also the label in
//! session MACs and is written nowhere else in code.
//!
//! Each method's module says what is its own. Of all methods it is true that
//!
//! * a call that cannot be read is refused with Option, an unknown number too; any call may answer Internal;
//! * a provisioning method (2, 6 to 12, 20, 50, 51) that is refused, its call's reading included, removes the open
//!   session that its ProvisioningHandle names, with everything created in it; an operation that it charged to another
//!   session stays charged. NoSession changes nothing;
//! * methods 3, 4, 5, 19, 31, 32 and the User API (100 and up) remove no session by failing, and of a refused one
//!   nothing stays but error counters.

use zeroize::Zeroizing;

use crate::codec::{DecodeError, Field, Kind, Message, read_all};
use crate::status::{Refused, Status};
use crate::types::AnyText;

/// Hands every row of the table to a macro: `number module Type "textName",`.
#[macro_export]
macro_rules! for_each_method {
    ($then:ident) => {
        $then! {
            1 create_provisioning_session CreateProvisioningSession "createProvisioningSession",
            2 close_provisioning_session CloseProvisioningSession "closeProvisioningSession",
            3 get_provisioning_session GetProvisioningSession "getProvisioningSession",
            4 enumerate_provisioning_sessions EnumerateProvisioningSessions "enumerateProvisioningSessions",
            5 abort_provisioning_session AbortProvisioningSession "abortProvisioningSession",
            6 sign_provisioning_session_data SignProvisioningSessionData "signProvisioningSessionData",
            7 create_puk_policy CreatePukPolicy "createPUKPolicy",
            8 create_pin_policy CreatePinPolicy "createPINPolicy",
            9 create_key_pair CreateKeyPair "createKeyPair",
            10 set_certificate_path SetCertificatePath "setCertificatePath",
            11 set_symmetric_key SetSymmetricKey "setSymmetricKey",
            12 add_extension_data AddExtensionData "addExtensionData",
            19 get_key_handle GetKeyHandle "getKeyHandle",
            20 restore_private_key RestorePrivateKey "restorePrivateKey",
            31 get_device_info GetDeviceInfo "getDeviceInfo",
            32 enumerate_keys EnumerateKeys "enumerateKeys",
            50 post_provisioning_delete_key PostProvisioningDeleteKey "postProvisioningDeleteKey",
            51 post_provisioning_update_key PostProvisioningUpdateKey "postProvisioningUpdateKey",
            100 sign_hashed_data SignHashedData "signHashedData",
            101 get_key_protection_info GetKeyProtectionInfo "getKeyProtectionInfo",
            102 get_extension_object GetExtensionObject "getExtensionObject",
            103 delete_key DeleteKey "deleteKey",
            104 unlock_key UnlockKey "unlockKey",
            105 export_key ExportKey "exportKey",
            111 asymmetric_key_decrypt AsymmetricKeyDecrypt "asymmetricKeyDecrypt",
            112 perform_hmac PerformHmac "performHMAC",
            113 symmetric_key_encrypt SymmetricKeyEncrypt "symmetricKeyEncrypt",
            114 key_agreement KeyAgreement "keyAgreement",
            116 change_pin ChangePin "changePIN",
            117 set_pin SetPin "setPIN",
            118 get_key_attributes GetKeyAttributes "getKeyAttributes",
            119 verify_pin VerifyPin "verifyPIN",
            120 get_key_group GetKeyGroup "getKeyGroup",
            121 get_change_count GetChangeCount "getChangeCount",
            122 create_volatile_session CreateVolatileSession "createVolatileSession",
        }
    };
}

pub mod abort_provisioning_session;
pub mod add_extension_data;
pub mod asymmetric_key_decrypt;
pub mod change_pin;
pub mod close_provisioning_session;
pub mod create_key_pair;
pub mod create_pin_policy;
pub mod create_provisioning_session;
pub mod create_puk_policy;
pub mod create_volatile_session;
pub mod delete_key;
pub mod enumerate_keys;
pub mod enumerate_provisioning_sessions;
pub mod export_key;
pub mod get_change_count;
pub mod get_device_info;
pub mod get_extension_object;
pub mod get_key_attributes;
pub mod get_key_group;
pub mod get_key_handle;
pub mod get_key_protection_info;
pub mod get_provisioning_session;
pub mod key_agreement;
pub mod perform_hmac;
pub mod post_provisioning_delete_key;
pub mod post_provisioning_update_key;
pub mod restore_private_key;
pub mod set_certificate_path;
pub mod set_pin;
pub mod set_symmetric_key;
pub mod sign_hashed_data;
pub mod sign_provisioning_session_data;
pub mod symmetric_key_encrypt;
pub mod unlock_key;
pub mod verify_pin;

/// A method's request type: what ties its number, its name and its answer together.
pub trait Method: Message {
    /// Its row in the table.
    const ID: MethodId;
    /// Its answer, when the status is 0.
    type Response: Message;
}

macro_rules! methods {
    ($($number:literal $module:ident $variant:ident $name:literal,)*) => {
        /// A row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum MethodId { $(#[doc = concat!("`", $name, "`")] $variant = $number),* }

        impl MethodId {
            /// Every method, ascending.
            pub const ALL: &'static [MethodId] = &[$(MethodId::$variant),*];

            /// The text's name, which is also the label in session MACs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The name of its module, and of its folder in `vectors/`.
            #[must_use]
            pub const fn module(self) -> &'static str {
                match self { $(Self::$variant => stringify!($module)),* }
            }

            /// The method of this number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }

        /// A call, read from its bytes.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant, reason = "one call lives at a time, on the stack of its thread")]
        pub enum Request { $(#[doc = concat!("`", $name, "`")] $variant($module::Request)),* }

        /// An answer with status 0, read from its bytes.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant, reason = "one answer lives at a time, on the stack of its thread")]
        pub enum Response { $(#[doc = concat!("`", $name, "`")] $variant($module::Response)),* }

        impl Request {
            /// The method that is called.
            #[must_use]
            pub fn id(&self) -> MethodId {
                match self { $(Self::$variant(_) => MethodId::$variant),* }
            }

            /// Reads a method byte string: parses it, but leaves ranges to [`Request::check`].
            ///
            /// # Errors
            /// [`DecodeError`] with the first byte that cannot be read.
            pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
                let (id, body) = split(bytes)?;
                match id { $(MethodId::$variant => read_all(body, 1).map(Self::$variant)),* }
            }

            /// Checks every argument's range.
            ///
            /// # Errors
            /// The first argument out of range.
            pub fn check(&self) -> Result<(), DecodeError> {
                match self { $(Self::$variant(request) => request.check()),* }
            }

            /// The method byte string, wiped when dropped. A value longer than its length can tell is cut, so check
            /// before you encode what you did not decode.
            #[must_use]
            pub fn encode(&self) -> Zeroizing<Vec<u8>> {
                match self { $(Self::$variant(request) => encode_request(request)),* }
            }
        }

        impl Response {
            /// Reads the answer to a call of `id`.
            ///
            /// # Errors
            /// [`DecodeError`] when the bytes are no answer to this method.
            pub fn decode(id: MethodId, bytes: &[u8]) -> Result<Result<Self, Refused>, DecodeError> {
                match id {
                    $(MethodId::$variant => Ok(decode_response::<$module::Request>(bytes)?.map(Self::$variant))),*
                }
            }

            /// The answer's bytes: status 0 and the results. Wiped when dropped.
            #[must_use]
            pub fn encode(&self) -> Zeroizing<Vec<u8>> {
                match self { $(Self::$variant(response) => encode_response(response)),* }
            }
        }

        $(
            impl Method for $module::Request {
                const ID: MethodId = MethodId::$variant;
                type Response = $module::Response;
            }

            impl From<$module::Request> for Request {
                fn from(request: $module::Request) -> Self {
                    Self::$variant(request)
                }
            }

            impl From<$module::Response> for Response {
                fn from(response: $module::Response) -> Self {
                    Self::$variant(response)
                }
            }
        )*
    };
}
for_each_method!(methods);

impl MethodId {
    /// The number that the first byte of a call holds.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl Request {
    /// Reads a method byte string strictly: parses it and checks every range.
    ///
    /// # Errors
    /// [`DecodeError`] with the first argument that cannot be read or is out of range.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let request = Self::parse(bytes)?;
        request.check()?;
        Ok(request)
    }
}

/// The method that a byte string calls, and its arguments.
///
/// # Errors
/// [`DecodeError`] for an empty string and for an unknown number.
pub fn split(bytes: &[u8]) -> Result<(MethodId, &[u8]), DecodeError> {
    let refused = |kind| DecodeError { kind, at: 0, field: "method" };
    let (number, body) = bytes.split_first().ok_or(refused(Kind::Truncated))?;
    let id = MethodId::from_number(*number).ok_or(refused(Kind::UnknownMethod))?;
    Ok((id, body))
}

/// The byte string that calls `request`'s method. It may carry a PIN, so it is wiped when dropped.
#[must_use]
pub fn encode_request<M: Method>(request: &M) -> Zeroizing<Vec<u8>> {
    encode(M::ID.number(), request)
}

/// The byte string of a successful answer. It may carry a key, so it is wiped when dropped.
#[must_use]
pub fn encode_response<R: Message>(response: &R) -> Zeroizing<Vec<u8>> {
    encode(0, response)
}

/// `first`, then the message, in a buffer that never grows: growing would leave an unwiped copy behind.
fn encode(first: u8, message: &impl Message) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(1 + message.size()));
    out.push(first);
    message.write(&mut out);
    out
}

/// The byte string of an error answer. A text over 65535 bytes is cut before the character that does not fit.
#[must_use]
pub fn encode_refusal(refused: &Refused) -> Vec<u8> {
    let text = &refused.text;
    let text = text.get(..text.floor_char_boundary(usize::from(u16::MAX))).unwrap_or(text);
    let mut out = vec![refused.status.value()];
    AnyText::from(text).write(&mut out);
    out
}

crate::codec::message! {
    /// What follows a non-zero status.
    ErrorString {
        /// English, for logs.
        text: AnyText,
    }
}

/// Reads the answer to a call of `M`.
///
/// # Errors
/// [`DecodeError`] when the bytes are neither its results nor an error answer.
pub fn decode_response<M: Method>(bytes: &[u8]) -> Result<Result<M::Response, Refused>, DecodeError> {
    let refused = |kind| DecodeError { kind, at: 0, field: "status" };
    let (status, body) = bytes.split_first().ok_or(refused(Kind::Truncated))?;
    if *status == 0 {
        let response: M::Response = read_all(body, 1)?;
        response.check()?;
        return Ok(Ok(response));
    }
    let last = Status::ALL.last().map_or(0, |s| s.value());
    let status = Status::from_value(*status).ok_or(refused(Kind::Value { min: 0, max: last }))?;
    let error: ErrorString = read_all(body, 1)?;
    error.check()?;
    Ok(Err(Refused { status, text: String::from_utf8_lossy(&error.text.0).into_owned() }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn numbers_and_names_are_the_rows_own() {
        for id in MethodId::ALL {
            assert_eq!(MethodId::from_number(id.number()), Some(*id));
        }
        assert!(MethodId::ALL.is_sorted());
        let mut names: Vec<_> = MethodId::ALL.iter().map(|id| id.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), MethodId::ALL.len());
        assert!(names.iter().all(|name| name.is_ascii()));
    }

    #[test]
    fn a_refusals_text_is_cut_before_a_character_that_does_not_fit() {
        let long = format!("{}å", "x".repeat(65534));
        let bytes = encode_refusal(&Refused { status: Status::Internal, text: long });
        assert_eq!(bytes.len(), 3 + 65534);
        let refused = Response::decode(MethodId::DeleteKey, &bytes).unwrap().unwrap_err();
        assert_eq!(refused.text, "x".repeat(65534));
    }

    #[test]
    fn a_value_that_its_length_cannot_tell_is_out_of_range() {
        let pin = crate::Secret::new(vec![b'1'; 65536]);
        let request = verify_pin::Request { key_handle: crate::types::KeyHandle(1), pin };
        let kind = Kind::Size { min: 0, max: 65535 };
        assert_eq!(request.check(), Err(DecodeError { kind, at: 5, field: "pin" }));
        assert_eq!(encode_request(&request).len(), 5 + 2 + 65535);
        assert_eq!(encode_request(&request).len(), 1 + request.size());
    }
}
