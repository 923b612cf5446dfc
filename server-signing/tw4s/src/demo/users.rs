//! US1 to US3: users, and who may change them.

use tw4s_formats::operation::{
    Certificates, CreateNewPrivilegedUser, CreateNewSigner, ListSigners, PageSize, SignerMaintenance,
};
use tw4s_formats::{ErrorType, List, Octets, Text};

use super::cast::{Cast, ask, done};
use super::story::{SamStory, Story};
use crate::exit::Failure;
use crate::parties::Made;
use crate::temporary::Subsystem;

/// US1.
pub(super) fn privileged_user(story: &mut Story, subsystem: &Subsystem, cast: &Cast) -> Result<(), Failure> {
    story.step("Create_New_Privileged_User: the first one, logged in, registers a second")?;
    let create = CreateNewPrivilegedUser {
        userid: text(&cast.privileged)?,
        certificates: certificates(&[cast.idp.certificate()])?,
    };
    story.goes(&format!("userid {}, the identity provider that may speak for it", cast.privileged))?;
    done(ask(subsystem, &create, &cast.login(&cast.first)?)?)?;
    let list = ListSigners { limit: PageSize::new(10).map_err(Failure::other)?, after: None };
    let listed = done(ask(subsystem, &list, &cast.login(&cast.privileged)?)?)?;
    story.check(
        listed.userids.is_empty(),
        "the new one logs in and may list the signers: the role is from the module's database, not from the token",
    )?;
    Ok(())
}

/// US2.
pub(super) fn signer(story: &mut Story, subsystem: &Subsystem, cast: &Cast) -> Result<(), Failure> {
    story.step("Create_New_Signer: the privileged user registers a signer")?;
    let token = cast.login(&cast.privileged)?;
    let create = |user: &str| -> Result<CreateNewSigner, Failure> {
        Ok(CreateNewSigner { userid: text(user)?, certificates: certificates(&[cast.idp.certificate()])? })
    };
    story.goes(&format!("userid {}, one certificate", cast.signer))?;
    done(ask(subsystem, &create(&cast.signer)?, &token)?)?;
    done(ask(subsystem, &create(&cast.other)?, &token)?)?;
    let list = ListSigners { limit: PageSize::new(10).map_err(Failure::other)?, after: None };
    let listed = done(ask(subsystem, &list, &token)?)?;
    story.check(listed.userids.len() == 2, "she is on the list of signers, and so is the attacker of later on")?;

    story.step("The signer tries to register somebody herself")?;
    let answer = ask(subsystem, &create(&crate::parties::uuid()?)?, &cast.login(&cast.signer)?)?;
    story.refused(answer, ErrorType::NotAuthorized, "a signer registers nobody (Table 16)")
}

/// US3.
pub(super) fn maintain(story: &mut Story, subsystem: &Subsystem, cast: &Cast) -> Result<(), Failure> {
    let token = cast.login(&cast.signer)?;
    story.step("Signer_Maintenance: the signer adds the identity provider that will follow")?;
    let both = certificates(&[cast.idp.certificate(), cast.next_idp.certificate()])?;
    story.goes("both certificates, the one in use among them")?;
    done(ask(subsystem, &SignerMaintenance { userid: text(&cast.signer)?, certificates: both }, &token)?)?;
    story.step("She forgets the one in use")?;
    let without = certificates(&[cast.next_idp.certificate()])?;
    let locked = SignerMaintenance { userid: text(&cast.signer)?, certificates: without };
    let answer = ask(subsystem, &locked, &token)?;
    story.refused(answer, ErrorType::InvalidInput, "nobody locks herself out")
}

fn text(text: &str) -> Result<Text, Failure> {
    Text::new(text).map_err(Failure::other)
}

fn certificates(list: &[&[u8]]) -> Made<Certificates> {
    let list = list.iter().map(|der| Octets::new(*der)).collect::<Result<Vec<_>, _>>()?;
    Ok(List::new(list)?)
}
