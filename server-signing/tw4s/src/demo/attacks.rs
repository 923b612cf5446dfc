//! What the module refuses, each with the error type that the guide has for it.

use tw4s_formats::operation::Signing;
use tw4s_formats::{ErrorType, Exact, LevelOfAssurance, List, Octets, Sad};

use super::cast::{Cast, ask};
use super::keys::Key;
use super::signing::{Activation, LIFETIME, activate, activation};
use super::story::{SamStory, Story};
use crate::exit::Failure;
use crate::parties::{self, Authority, Key as TemporaryKey};
use crate::peer::Peer;
use crate::temporary::Subsystem;

const DOCUMENT: &[&[u8]] = &[b"I owe Mallory 1000 Euro."];

/// Tells them.
pub(super) fn tell(
    story: &mut Story,
    subsystem: &Subsystem,
    cast: &mut Cast,
    key: &Key,
    signed: &Activation,
) -> Result<(), Failure> {
    sads(story, subsystem, cast, key)?;
    tokens(story, subsystem, cast, key)?;
    replays(story, subsystem, signed)
}

fn sads(story: &mut Story, subsystem: &Subsystem, cast: &Cast, key: &Key) -> Result<(), Failure> {
    story.step("Other hashes under her SAD's signature")?;
    let hers = activate(cast, &cast.signer, &key.id, &[b"I owe Bob 10 Euro."])?;
    let his = activation(hers.token.clone(), &TemporaryKey::generate()?, &key.id, DOCUMENT)?;
    let mixed = Sad { tbs: his.sad.tbs.clone(), signature: hers.sad.signature.clone() };
    let answer = ask(subsystem, &Signing::new(&mixed).map_err(Failure::other)?, &hers.token)?;
    story.refused(answer, ErrorType::InvalidSignature, "the temporary key has signed other hashes")?;

    story.step("A SAD signed with a key of the attacker's, around her token")?;
    let answer = ask(subsystem, &his.request, &hers.token)?;
    story.refused(answer, ErrorType::InvalidSignature, "it is not the key in the token")?;

    story.step("The attacker's own token, and her key's id")?;
    let his = activate(cast, &cast.other, &key.id, DOCUMENT)?;
    let answer = ask(subsystem, &his.request, &his.token)?;
    story.refused(
        answer,
        ErrorType::NotAuthorized,
        "the wrapped key names its owner, and its signature says so too",
    )?;

    story.step("Hashes that are too short for SHA-256")?;
    let mut short = activate(cast, &cast.signer, &key.id, DOCUMENT)?.sad.tbs.clone().into_value();
    let hash = Octets::new([0; 20]).map_err(Failure::other)?;
    short.tbs_hash_values = List::new(vec![hash]).map_err(Failure::other)?;
    let temporary = TemporaryKey::generate()?;
    let token = cast.idp.extend(&cast.login(&cast.signer)?, &temporary, LIFETIME)?;
    short.identity_token = token.clone();
    let tbs = Exact::new(short).map_err(Failure::other)?;
    let signature = Octets::new(temporary.sign(tbs.der())?).map_err(Failure::other)?;
    let answer = ask(subsystem, &Signing::new(&Sad { tbs, signature }).map_err(Failure::other)?, &token)?;
    story.refused(answer, ErrorType::InvalidAlgorithm, "the hash algorithm and the digest's size belong together")
}

fn tokens(story: &mut Story, subsystem: &Subsystem, cast: &mut Cast, key: &Key) -> Result<(), Failure> {
    story.step("A login by password alone")?;
    let low = cast.idp.login(&cast.signer, LevelOfAssurance::Low, LIFETIME)?;
    let temporary = TemporaryKey::generate()?;
    let low = cast.idp.extend(&low, &temporary, LIFETIME)?;
    let low = activation(low, &temporary, &key.id, DOCUMENT)?;
    let answer = ask(subsystem, &low.request, &low.token)?;
    story.refused(answer, ErrorType::InvalidAuthentication, "a signature needs the level substantial")?;

    story.step("An identity provider of the attacker's, of the same name")?;
    let forged = Authority::new("CN=Demo Identity Provider")?;
    let honest = std::mem::replace(&mut cast.idp, forged);
    let his = activate(cast, &cast.signer, &key.id, DOCUMENT);
    cast.idp = honest;
    let his = his?;
    let answer = ask(subsystem, &his.request, &his.token)?;
    story.refused(answer, ErrorType::AuthenticationError, "its certificate was never imported, so nobody is logged in")
}

fn replays(story: &mut Story, subsystem: &Subsystem, signed: &Activation) -> Result<(), Failure> {
    story.step("The power fails: the module's process is killed, and started again")?;
    let killed = subsystem.kill()?;
    story.goes(&format!("kill -9 {killed}"))?;
    story.comes(&subsystem.run(&["manageSAM", "start", "1"])?)?;

    story.step("Replay: the SAD that was signed, sent again")?;
    let answer = ask(subsystem, &signed.request, &signed.token)?;
    story.refused(
        answer,
        ErrorType::InvalidAuthentication,
        "each authorised hash signs once, whatever happens in between",
    )?;

    story.step("The same a hundred times at once")?;
    let request = parties::request(&signed.request, &signed.token)?;
    let socket = subsystem.service().socket;
    let answers = std::thread::scope(|scope| {
        let one = || Peer::connect(&socket).and_then(|mut peer| peer.call(&request));
        let calls: Vec<_> = (0..STORM).map(|_| scope.spawn(one)).collect();
        calls.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut refused = 0;
    for answer in answers {
        let answer = answer.map_err(|_| Failure::text("a client of the demo panicked"))?.map_err(Failure::other)?;
        let answer = parties::answer::<Signing>(&answer)?;
        refused += usize::from(answer.is_err_and(|error| error.error_type == ErrorType::InvalidAuthentication));
    }
    story.comes(&format!("{refused} times InvalidAuthentication"))?;
    Ok(story.check(refused == STORM, "not one of them gets a signature, and each is in the audit log")?)
}

/// Connections at once.
pub(super) const STORM: usize = 100;
