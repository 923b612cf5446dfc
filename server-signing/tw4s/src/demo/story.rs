//! How the story is told: numbered steps, what goes in, what comes back, what was checked.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use tw4s_formats::{ErrorResponse, ErrorType};

use crate::exit::{Failure, print};

/// Where a line ends at the latest, in characters.
const WIDTH: usize = 102;

/// The teller, who counts.
pub(super) struct Story {
    steps: u32,
    checks: u32,
    interrupted: Arc<AtomicBool>,
}

impl Story {
    /// From here on, an interrupt ends the story at its next step, so that the processes are stopped and all removed.
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
        print(&format!("\n{title}\n"))
    }

    /// Begins a step.
    pub(super) fn step(&mut self, title: &str) -> Result<(), Failure> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Failure::text("interrupted"));
        }
        self.steps += 1;
        wrapped(&format!("{:2}  ", self.steps), title)
    }

    /// What goes in.
    pub(super) fn goes(&self, text: &str) -> Result<(), Failure> {
        wrapped("    ->  ", text)
    }

    /// What comes back, line by line.
    pub(super) fn comes(&self, text: &str) -> Result<(), Failure> {
        text.lines().try_for_each(|line| wrapped("    <-  ", line))
    }

    /// What was checked, and why it matters.
    pub(super) fn check(&mut self, good: bool, text: &str) -> Result<(), Failure> {
        if !good {
            wrapped("    FAILED  ", text)?;
            return Err(Failure::text(format!("a check of the demo failed: {text}")));
        }
        self.checks += 1;
        wrapped("    ok  ", text)
    }

    /// A refusal that was to be expected, and why it matters; anything else ends the story.
    pub(super) fn refused<T>(
        &mut self,
        answer: Result<T, ErrorResponse>,
        expected: ErrorType,
        why: &str,
    ) -> Result<(), Failure> {
        match answer {
            Ok(_) => self.check(false, &format!("{expected} was to be answered, and it was done: {why}")),
            Err(error) => {
                let record = match &error.audit_ref {
                    Some(_) => "in the audit log",
                    None => "no audit record, by the rule",
                };
                self.comes(&format!("{}: {} ({record})", error.error_type, error.detail))?;
                self.check(error.error_type == expected, why)
            }
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
            print(&format!("{line}\n"))?;
            line = " ".repeat(indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    print(&format!("{line}\n"))
}
