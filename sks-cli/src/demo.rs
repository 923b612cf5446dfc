//! The story that `sks demo` tells: the text's sample session, then the key's life with its user, then an attack and a
//! power cut.
//!
//! Source: SKS API V0.35, "Sample Session". All that the story says was checked is checked; the first check that fails
//! ends it.

use std::time::Instant;

use crate::exit::Failure;
use crate::output;
use crate::temporary::Token;

mod attack;
mod issuer;
mod power;
mod story;
mod tap;
mod user;

use story::Story;
use tap::Tap;

/// What a newcomer reads first.
const INTRODUCTION: &str = "\
SKS demo: the life of a key

A Secure Key Store (SKS) is a token: it makes keys, and gives no private key away. Its user signs with
them by PIN. Which keys it holds is up to many issuers: each talks to it through software and networks
that nobody has to trust, in provisioning sessions. Below, a token, an issuer with its CA, a user and an
attacker play on this machine. '->' is what a call takes, '<-' what it returns, 'ok' what was checked.";

/// Plays it, on a token that is started for it and goes away with it.
pub(crate) fn run() -> Result<(), Failure> {
    let started = Instant::now();
    let mut story = Story::begin()?;
    output::line(INTRODUCTION)?;
    let mut token = Token::start()?;
    let told = tell(&mut story, &mut token);
    let stopped = token.stop();
    told?;
    stopped?;
    output::line(&format!(
        "\nTo go on with a token of your own: sks serve & sks enroll --name Me; sks keys; sks --help\n\n\
         {} checks passed in {:.1} s; the token has stopped and its store is removed.",
        story.checks(),
        started.elapsed().as_secs_f32(),
    ))
}

fn tell(story: &mut Story, token: &mut Token) -> Result<(), Failure> {
    let mut tap = Tap::new(token.connect()?);
    story.part("The issuer: a key is made, certified and handed over")?;
    let issued = issuer::tell(story, &mut tap)?;
    story.part("The user: the key signs, and its PIN guards it")?;
    user::tell(story, &mut tap, &issued.key)?;
    story.part("The attacker: what was overheard is of no use")?;
    attack::tell(story, &mut tap, &issued)?;
    story.part("The power cut: what the token has answered stays so")?;
    drop(tap);
    power::tell(story, token, &issued.key)
}
