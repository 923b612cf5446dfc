//! The token's part of a story: its methods, and its refusals.

pub(super) use program::story::Story;
use sks_client::Error as ClientError;
use sks_wire::{MethodId, Refused, Status};

use crate::exit::Failure;
use crate::output;

pub(super) trait TokenStory {
    /// Begins a step that calls a method.
    fn call(&mut self, method: MethodId, why: &str) -> Result<(), Failure>;

    /// The refusal that was to be expected, as text; anything else ends the story.
    fn refusal<T>(&mut self, result: Result<T, ClientError>, expected: Status) -> Result<String, Failure>;
}

impl TokenStory for Story {
    fn call(&mut self, method: MethodId, why: &str) -> Result<(), Failure> {
        Ok(self.step(&format!("{} ({}): {why}", method.name(), method.number()))?)
    }

    fn refusal<T>(&mut self, result: Result<T, ClientError>, expected: Status) -> Result<String, Failure> {
        match result {
            Ok(_) => Err(Failure::text(format!("the token accepted what {expected} was to refuse"))),
            Err(ClientError::Refused(Refused { status, text })) if status == expected => {
                Ok(format!("{status}: {}", output::safe(&text)))
            }
            Err(error) => Err(error.into()),
        }
    }
}
