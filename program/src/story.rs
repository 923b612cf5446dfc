//! How a demo is told: numbered steps, what goes in, what comes back, what was checked.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use textwrap::Options;

use crate::output;

/// Where a line ends at the latest, in characters.
const WIDTH: usize = 102;

/// Why a story ends before its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SIGINT or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// It is not as it was told.
    #[error("a check of the demo failed: {0}")]
    Check(String),
    /// Stdout.
    #[error("writing to stdout")]
    Write(#[from] io::Error),
}

/// The teller, who counts.
#[derive(Debug)]
pub struct Story {
    steps: u32,
    checks: u32,
    interrupted: Arc<AtomicBool>,
}

impl Story {
    /// From here on, an interrupt ends the story at its next step, so that what was started for it is stopped and
    /// removed.
    ///
    /// # Errors
    /// The system's.
    pub fn begin() -> io::Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
        }
        Ok(Self { steps: 0, checks: 0, interrupted })
    }

    /// How many checks have passed.
    #[must_use]
    pub fn checks(&self) -> u32 {
        self.checks
    }

    /// Begins a part.
    ///
    /// # Errors
    /// [`Error::Write`], here and below.
    pub fn part(&mut self, title: &str) -> Result<(), Error> {
        Ok(output::line(&format!("\n{title}"))?)
    }

    /// Begins a step.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub fn step(&mut self, title: &str) -> Result<(), Error> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        self.steps += 1;
        wrapped(&format!("{:2}  ", self.steps), title)
    }

    /// What goes in.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn goes(&self, text: &str) -> Result<(), Error> {
        wrapped("    ->  ", text)
    }

    /// What comes back, line by line.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn comes(&self, text: &str) -> Result<(), Error> {
        text.lines().try_for_each(|line| wrapped("    <-  ", line))
    }

    /// What was checked, and why it matters.
    ///
    /// # Errors
    /// [`Error::Check`].
    pub fn check(&mut self, good: bool, text: &str) -> Result<(), Error> {
        if !good {
            wrapped("    FAILED  ", text)?;
            return Err(Error::Check(text.to_owned()));
        }
        self.checked(text)
    }

    /// What is known by having come here: a check elsewhere would have ended the story otherwise.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn checked(&mut self, text: &str) -> Result<(), Error> {
        self.checks += 1;
        wrapped("    ok  ", text)
    }
}

/// Prints a text in lines of at most [`WIDTH`] characters; later lines begin below the first one's text.
fn wrapped(head: &str, text: &str) -> Result<(), Error> {
    Ok(output::line(&fill(head, text))?)
}

fn fill(head: &str, text: &str) -> String {
    let indent = " ".repeat(head.chars().count());
    let options = Options::new(WIDTH).initial_indent(head).subsequent_indent(&indent).break_words(false);
    textwrap::fill(text, options.word_splitter(textwrap::WordSplitter::NoHyphenation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_begin_below_the_text() {
        let long = "a word of twenty-two by ".repeat(5);
        let lines = fill("12  ", long.trim_end());
        assert!(lines.starts_with("12  a word") && lines.lines().all(|line| line.len() <= WIDTH));
        assert!(lines.lines().count() == 2 && lines.lines().skip(1).all(|line| line.starts_with("    ")));
        let hex = "0".repeat(200);
        assert_eq!(fill("    ->  ", &hex), format!("    ->  {hex}"));
    }
}
