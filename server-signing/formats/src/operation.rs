//! The typed messages of the peering operations and their results (1.3; 1.10, last paragraph).
//!
//! A message is a SEQUENCE of the operation's input columns in their order, a result a SEQUENCE of its output columns.
//! [`Message::parse`] reads a message by its type; a client writes a message with [`Format::to_bytes`] and reads the
//! answer as its [`Operation::Result`].

mod create_new_privileged_user;
mod create_new_signer;
mod delete_signer_key_pair;
mod generate_signer_key_pair;
mod list_signers;
mod signer_maintenance;
mod signing;

pub use create_new_privileged_user::CreateNewPrivilegedUser;
pub use create_new_signer::CreateNewSigner;
pub use delete_signer_key_pair::DeleteSignerKeyPair;
pub use generate_signer_key_pair::{
    GenerateSignerKeyPair, GenerateSignerKeyPairResult, KeyParameters, KeySpecification,
};
pub use list_signers::{ListSigners, ListSignersResult, PageSize};
pub use signer_maintenance::SignerMaintenance;
pub use signing::{Signing, SigningResult};

use der::Sequence;

use crate::error::Error;
use crate::field::{List, Octets};
use crate::format::Format;
use crate::limit::{MAX_CERTIFICATE_LEN, MAX_CERTIFICATES, MAX_MESSAGE_LEN};
use crate::vocabulary::names;

/// A typed message, with its name and the result that answers it.
pub trait Operation: Format {
    /// Its name.
    const TYPE: MessageType;
    /// What a success answers.
    type Result: Format;
}

/// One list makes the names, the messages and their decoder.
macro_rules! operations {
    ($($variant:ident = $name:literal => $result:ty, $doc:literal;)+) => {
        names! {
            /// The operations, by the names of Table 16.
            MessageType {
                $(#[doc = $doc] $variant = $name,)+
            }
        }

        /// A typed message, read.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Message {
            $(#[doc = $doc] $variant($variant),)+
        }

        impl Message {
            /// Reads a message by its type.
            ///
            /// # Errors
            /// What [`Format::parse`] refuses.
            pub fn parse(message_type: MessageType, bytes: &[u8]) -> Result<Self, Error> {
                match message_type {
                    $(MessageType::$variant => $variant::parse(bytes).map(Self::$variant),)+
                }
            }

            /// Its type.
            #[must_use]
            pub fn message_type(&self) -> MessageType {
                match self {
                    $(Self::$variant(_) => MessageType::$variant,)+
                }
            }

            /// Writes it.
            ///
            /// # Errors
            /// What [`Format::to_bytes`] refuses.
            pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
                match self {
                    $(Self::$variant(message) => message.to_bytes(),)+
                }
            }
        }

        $(
            impl Format for $variant {
                const MAX_LEN: usize = MAX_MESSAGE_LEN;
            }

            impl Operation for $variant {
                const TYPE: MessageType = MessageType::$variant;
                type Result = $result;
            }
        )+
    };
}

operations! {
    CreateNewPrivilegedUser = "Create_New_Privileged_User" => Void, "Registers a privileged user (Table 17).";
    CreateNewSigner = "Create_New_Signer" => Void, "Registers a signer (Table 18).";
    SignerMaintenance = "Signer_Maintenance" => Void, "Changes a user's certificates (Table 19).";
    GenerateSignerKeyPair = "Generate_Signer_Key_Pair" => GenerateSignerKeyPairResult,
        "Generates a key pair for a user (Table 20).";
    DeleteSignerKeyPair = "Delete_Signer_Key_Pair" => Void, "Deletes a key pair (Table 21).";
    Signing = "Signing" => SigningResult, "Signs hashes (Table 22).";
    ListSigners = "List_Signers" => ListSignersResult, "Lists the signers (not in Table 16; US3 to US5 need it).";
}

/// DER certificates, as they came. None at all is for the SAM to refuse, with InvalidInput.
pub type Certificates = List<Octets<1, MAX_CERTIFICATE_LEN>, 0, MAX_CERTIFICATES>;

/// `SEQUENCE {}`: the result "void", "a result without error indicates a positive operation".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Sequence)]
pub struct Void {}

impl Format for Void {
    const MAX_LEN: usize = 2;
}
