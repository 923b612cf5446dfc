//! Which role may do what (Table 16; List_Signers by 1.10).

use tw4s_formats::Role;
use tw4s_formats::operation::MessageType;

use crate::refusal::Refusal;

/// Whether a role allows an operation.
pub(crate) fn check(role: Role, operation: MessageType) -> Result<(), Refusal> {
    let allowed = match role {
        Role::PrivilegedUser => match operation {
            MessageType::CreateNewPrivilegedUser
            | MessageType::CreateNewSigner
            | MessageType::SignerMaintenance
            | MessageType::GenerateSignerKeyPair
            | MessageType::DeleteSignerKeyPair
            | MessageType::ListSigners => true,
            MessageType::Signing => false,
        },
        Role::Signer => match operation {
            MessageType::SignerMaintenance
            | MessageType::GenerateSignerKeyPair
            | MessageType::DeleteSignerKeyPair
            | MessageType::Signing => true,
            MessageType::CreateNewPrivilegedUser | MessageType::CreateNewSigner | MessageType::ListSigners => false,
        },
        Role::PrivilegedUserTechnical => operation == MessageType::CreateNewSigner,
    };
    if allowed { Ok(()) } else { Err(Refusal::Role) }
}
