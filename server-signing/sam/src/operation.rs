//! The operations: a handler each. Roles were checked ([`crate::gate`]); ownership and input are the handlers'.

mod certificates;
mod create;
mod delete_signer_key_pair;
mod generate_signer_key_pair;
mod list_signers;
mod signer_maintenance;
mod signing;

pub(crate) use certificates::{check as check_certificates, fingerprints};
pub(crate) use signing::{Admission, admit};

use tw4s_formats::operation::{Message, Void};
use tw4s_formats::{Format, Role};

use crate::call::{Call, Task};
use crate::failure::Failure;
use crate::refusal::Refusal;
use crate::work::Recorded;

/// From a message to its handler. One without does not compile.
pub(crate) async fn dispatch(call: &mut Call<'_>, task: Task) -> Result<Recorded, Failure> {
    let concluded = match task {
        Task::Sign(message, sad) => signing::handle(call, &message, &sad).await?,
        Task::Other(message) => match message {
            Message::CreateNewPrivilegedUser(m) => {
                create::handle(call, &m.userid, &m.certificates, Role::PrivilegedUser)?
            }
            Message::CreateNewSigner(m) => create::handle(call, &m.userid, &m.certificates, Role::Signer)?,
            Message::SignerMaintenance(m) => signer_maintenance::handle(call, &m)?,
            Message::GenerateSignerKeyPair(m) => generate_signer_key_pair::handle(call, &m).await?,
            Message::DeleteSignerKeyPair(m) => delete_signer_key_pair::handle(call, &m)?,
            Message::ListSigners(m) => list_signers::handle(call, &m)?,
            // Read as the other kind of task.
            Message::Signing(_) => return Err(Refusal::Defect.into()),
        },
    };
    concluded.durable().await
}

/// "A result without error indicates a positive operation".
fn void() -> Result<Vec<u8>, Failure> {
    Ok(Void {}.to_bytes()?)
}
