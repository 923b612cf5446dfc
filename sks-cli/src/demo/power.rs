//! The power cut: the daemon is killed between two calls.

use sks_issuer::CertifiedKey;
use sks_wire::Status;

use super::issuer::PIN;
use super::story::{Story, TokenStory};
use super::user;
use crate::exit::Failure;
use crate::temporary::Token;

/// Tells it.
pub(super) fn tell(story: &mut Story, token: &mut Token, key: &CertifiedKey) -> Result<(), Failure> {
    story.step("A wrong PIN, and in that moment the power fails")?;
    let refused = user::sign(&mut token.connect()?, key.handle, user::WRONG_PIN);
    let answer = story.refusal(refused, Status::Authorization)?;
    story.comes(&answer)?;
    story.goes(&format!("kill -9 {}, and the token is started again on its store", token.process()))?;
    token.kill()?;
    token.restart()?;
    let mut client = token.connect()?;
    let counted = user::info(&mut client, key.handle)?.pin_error_count;
    story.check(counted == 1, "the key is there, and the wrong try is counted: no plug to pull for more guesses")?;
    let signature = user::sign(&mut client, key.handle, PIN)?;
    let forgiven = user::info(&mut client, key.handle)?.pin_error_count == 0;
    Ok(story.check(
        forgiven && user::verifies(key, &signature),
        "with the right PIN it signs, and the counter is 0 again",
    )?)
}
