//! `Signer_Maintenance` (Table 19): changes a user's certificates.
//!
//! A signer changes itself; a privileged user changes signers and itself (the guide: "a Signer's user record", and
//! self-modification, which Table 16 gives both). The certificates of another privileged user or of a technical one are
//! for administrators to change.

use tw4s_formats::Role;
use tw4s_formats::operation::SignerMaintenance;

use super::{check_certificates, fingerprints, void};
use crate::call::Call;
use crate::failure::Failure;
use crate::record::User;
use crate::refusal::Refusal;
use crate::work::{Committed, Recorded, Work};

pub(super) fn handle(call: &mut Call<'_>, message: &SignerMaintenance) -> Result<Committed<Recorded>, Failure> {
    let named = call.about(message.userid.as_str());
    let itself = named == Ok(call.acting.id);
    if call.acting.role == Role::Signer && !itself {
        return Err(Refusal::OtherUser.into());
    }
    let id = named?;
    let target = if itself { call.acting.clone() } else { call.sam.user(&id)?.ok_or(Refusal::NoSuchUser)? };
    if !itself && target.role != Role::Signer {
        return Err(Refusal::NotASigner.into());
    }
    let certificates = check_certificates(&message.certificates)?;
    if itself && !call.certificate.as_ref().is_some_and(|in_use| certificates.contains(in_use)) {
        return Err(Refusal::LockOut.into());
    }
    call.entry.certificates = fingerprints(&certificates);
    let result = void()?;

    let mut work = Work::begin(call.sam)?;
    call.still_acting(&work)?;
    if !work.is_unchanged(&target)? {
        return Err(Refusal::TargetChanged.into());
    }
    work.put_user(Some(&target), User { certificates, ..target.clone() })?;
    work.conclude(call.entry.clone(), result)
}
