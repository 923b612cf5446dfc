//! `Create_New_Privileged_User` and `Create_New_Signer` (Tables 17 and 18): a row `{UserID, Role, Certificates}`.

use tw4s_formats::operation::Certificates;
use tw4s_formats::{Role, Text};

use super::{check_certificates, fingerprints, void};
use crate::call::Call;
use crate::failure::Failure;
use crate::record::User;
use crate::refusal::Refusal;
use crate::work::{Committed, Recorded, Work};

pub(super) fn handle(
    call: &mut Call<'_>,
    userid: &Text,
    certificates: &Certificates,
    role: Role,
) -> Result<Committed<Recorded>, Failure> {
    let id = call.about(userid.as_str())?;
    call.entry.role = Some(role.name().into());
    let certificates = check_certificates(certificates)?;
    call.entry.certificates = fingerprints(&certificates);
    let result = void()?;

    let mut work = Work::begin(call.sam)?;
    call.still_acting(&work)?;
    if work.user(&id)?.is_some() {
        return Err(Refusal::UserTaken.into());
    }
    work.put_user(None, User { id, role, certificates, version: 0, mac: [0; 32] })?;
    work.conclude(call.entry.clone(), result)
}
