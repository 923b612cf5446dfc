//! Who plays: the parties around the module, and how they call it.

use std::time::Duration;

use tw4s_formats::operation::Operation;
use tw4s_formats::{ErrorResponse, LevelOfAssurance, SignedIdentityToken};

use crate::exit::Failure;
use crate::parties::{self, Authority, uuid};
use crate::peer::Peer;
use crate::temporary::Subsystem;

/// How long a login's token is valid.
const LOGIN: Duration = Duration::from_secs(8 * 60 * 60);

/// They.
pub(super) struct Cast {
    /// The identity provider.
    pub(super) idp: Authority,
    /// The one that follows it.
    pub(super) next_idp: Authority,
    /// The CA.
    pub(super) ca: Authority,
    /// The first privileged user's id.
    pub(super) first: String,
    /// The privileged user of US1.
    pub(super) privileged: String,
    /// The signer of US2.
    pub(super) signer: String,
    /// Another signer, who plays the attacker.
    pub(super) other: String,
}

impl Cast {
    /// Makes them.
    pub(super) fn gather() -> Result<Self, Failure> {
        Ok(Self {
            idp: Authority::new("CN=Demo Identity Provider")?,
            next_idp: Authority::new("CN=Demo Identity Provider 2")?,
            ca: Authority::new("CN=Demo CA")?,
            first: uuid()?,
            privileged: uuid()?,
            signer: uuid()?,
            other: uuid()?,
        })
    }

    /// A token after a login with two factors.
    pub(super) fn login(&self, user: &str) -> Result<SignedIdentityToken, Failure> {
        Ok(self.idp.login(user, LevelOfAssurance::Substantial, LOGIN)?)
    }
}

/// Calls the module as the signing application does: a request with a token over the peering channel.
pub(super) fn ask<O: Operation>(
    subsystem: &Subsystem,
    operation: &O,
    token: &SignedIdentityToken,
) -> Result<Result<O::Result, ErrorResponse>, Failure> {
    let request = parties::request(operation, token)?;
    let answer = Peer::connect(&subsystem.service().socket).and_then(|mut peer| peer.call(&request));
    Ok(parties::answer::<O>(&answer.map_err(Failure::doing("calling the module"))?)?)
}

/// What must not be refused.
pub(super) fn done<T>(answer: Result<T, ErrorResponse>) -> Result<T, Failure> {
    answer.map_err(|error| Failure::text(format!("the module refused: {}: {}", error.error_type, error.detail)))
}
