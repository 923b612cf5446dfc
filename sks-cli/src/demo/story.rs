//! How the story is told: numbered steps, what goes in, what comes back, what was checked.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use sks_client::Error as ClientError;
use sks_wire::{MethodId, Refused, Status};

use crate::exit::Failure;
use crate::output;

/// Where a line ends at the latest, in characters.
const WIDTH: usize = 102;

/// The teller, who counts.
pub(super) struct Story {
    steps: u32,
    checks: u32,
    interrupted: Arc<AtomicBool>,
}

impl Story {
    /// From here on, an interrupt ends the story at its next step, so that the token is stopped and removed.
    pub(super) fn begin() -> io::Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
        }
        Ok(Self { steps: 0, checks: 0, interrupted })
    }

    /// How many checks have passed.
    pub(super) fn checks(&self) -> u32 {
        self.checks
    }

    /// Begins a part.
    pub(super) fn part(&mut self, title: &str) -> Result<(), Failure> {
        output::line(&format!("\n{title}"))
    }

    /// Begins a step that calls a method.
    pub(super) fn call(&mut self, method: MethodId, why: &str) -> Result<(), Failure> {
        self.step(&format!("{} ({}): {why}", method.name(), method.number()))
    }

    /// Begins a step.
    pub(super) fn step(&mut self, title: &str) -> Result<(), Failure> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Failure::Other("interrupted".into()));
        }
        self.steps += 1;
        wrapped(&format!("{:2}  ", self.steps), title)
    }

    /// What goes in.
    pub(super) fn goes(&self, text: &str) -> Result<(), Failure> {
        wrapped("    ->  ", text)
    }

    /// What comes back.
    pub(super) fn comes(&self, text: &str) -> Result<(), Failure> {
        wrapped("    <-  ", text)
    }

    /// What was checked, and why it matters.
    pub(super) fn check(&mut self, good: bool, text: &str) -> Result<(), Failure> {
        if !good {
            wrapped("    FAILED  ", text)?;
            return Err(Failure::Other(format!("a check of the demo failed: {text}").into()));
        }
        self.checked(text)
    }

    /// What is known by having come here: a check of the issuer's library, or of this teller, would have ended the
    /// story otherwise.
    pub(super) fn checked(&mut self, text: &str) -> Result<(), Failure> {
        self.checks += 1;
        wrapped("    ok  ", text)
    }

    /// The refusal that was to be expected, as text; anything else ends the story.
    pub(super) fn refusal<T>(&mut self, result: Result<T, ClientError>, expected: Status) -> Result<String, Failure> {
        match result {
            Ok(_) => Err(Failure::Other(format!("the token accepted what {expected} was to refuse").into())),
            Err(ClientError::Refused(Refused { status, text })) if status == expected => {
                Ok(format!("{status}: {}", output::safe(&text)))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Prints a text in lines of at most [`WIDTH`] characters; later lines begin below the first one's text.
fn wrapped(head: &str, text: &str) -> Result<(), Failure> {
    let mut line = head.to_owned();
    let indent = head.chars().count();
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            output::line(&line)?;
            line = " ".repeat(indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    output::line(&line)
}
