//! The module's part of a story: its refusals.

pub(super) use program::story::Story;
use tw4s_formats::{ErrorResponse, ErrorType};

use crate::exit::Failure;

pub(super) trait SamStory {
    /// A refusal that was to be expected, and why it matters; anything else ends the story.
    fn refused<T>(&mut self, answer: Result<T, ErrorResponse>, expected: ErrorType, why: &str) -> Result<(), Failure>;
}

impl SamStory for Story {
    fn refused<T>(&mut self, answer: Result<T, ErrorResponse>, expected: ErrorType, why: &str) -> Result<(), Failure> {
        match answer {
            Ok(_) => self.check(false, &format!("{expected} was to be answered, and it was done: {why}"))?,
            Err(error) => {
                let record = match &error.audit_ref {
                    Some(_) => "in the audit log",
                    None => "no audit record, by the rule",
                };
                self.comes(&format!("{}: {} ({record})", error.error_type, error.detail))?;
                self.check(error.error_type == expected, why)?;
            }
        }
        Ok(())
    }
}
