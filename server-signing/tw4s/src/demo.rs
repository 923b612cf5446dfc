//! The story that `tw4s demo` tells: the guide's usage scenarios US1 to US7, on processes and a database of its own.
//!
//! The identity provider, the CA and the signing application around the module are played by [`crate::parties`]. All that
//! the story says was checked is checked; the first check that fails ends it.

mod attacks;
mod cast;
mod keys;
mod maintenance;
mod signing;
mod story;
mod users;

use std::time::Instant;

use crate::exit::{Failure, print};
use crate::temporary::Subsystem;

use cast::Cast;
use story::Story;

/// What a newcomer reads first.
const INTRODUCTION: &str = "\
Server signing demo: whose key signs, and who can make it

A signer's key lies wrapped at a service; only the firmware process can unwrap it, and does so for one operation at a
time. What makes it sign is the Signature Activation Data (SAD): the signer logs in, a temporary key of hers signs her
token, the key's id and the hashes, and the module checks all of it before it activates the key. Below, the module and
its firmware run as two processes; identity provider, CA and signing application are played. '->' is what is asked,
'<-' what comes back, 'ok' what was checked. This is software: it is not a QSCD.
";

/// Plays it, on a subsystem that is started for it and goes away with it.
pub(crate) fn run() -> Result<(), Failure> {
    let started = Instant::now();
    let mut story = Story::begin()?;
    print(INTRODUCTION)?;
    let subsystem = Subsystem::prepare()?;
    let told = tell(&mut story, &subsystem);
    let stopped = subsystem.stop();
    told?;
    stopped?;
    print(&format!(
        "\n{} checks passed in {:.1} s; the processes have stopped and their folder is removed.\n",
        story.checks(),
        started.elapsed().as_secs_f32(),
    ))
}

fn tell(story: &mut Story, subsystem: &Subsystem) -> Result<(), Failure> {
    let mut cast = Cast::gather()?;
    story.part("US7, SAM maintenance: two administrators set the module up")?;
    maintenance::set_up(story, subsystem, &cast)?;
    story.part("US1, privileged user creation")?;
    users::privileged_user(story, subsystem, &cast)?;
    story.part("US2, signer creation")?;
    users::signer(story, subsystem, &cast)?;
    story.part("US3, maintenance of a signer")?;
    users::maintain(story, subsystem, &cast)?;
    story.part("US4, generation of a key pair")?;
    let key = keys::generate(story, subsystem, &cast)?;
    story.part("US6, signing")?;
    let signed = signing::sign(story, subsystem, &cast, &key)?;
    story.part("US6, and what the module refuses")?;
    attacks::tell(story, subsystem, &mut cast, &key, &signed)?;
    story.part("US5, deletion of the key pair")?;
    keys::delete(story, subsystem, &cast, &key)?;
    story.part("US7, the audit log: all of it is there, and nothing else")?;
    maintenance::verify(story, subsystem)
}
