//! Handler; see [`sks_wire::method::create_provisioning_session`].

use sks_wire::algorithm::Algorithm;
use sks_wire::method::create_provisioning_session::{Request, Response, attestation_data};
use sks_wire::types::{Id, ProvisioningHandle};

use crate::crypto::PeerKeyError;
use crate::crypto::session::{self, AgreementError, Parties};
use crate::ctx::Ctx;
use crate::record::{Address, Session};
use crate::refusal::Refusal;
use crate::session::open;
use crate::work::Typed;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    let agreed = agree(ctx, request)?;
    let handle = open(ctx.work()?, agreed.session.clone(), agreed.deadline)?;
    Ok(agreed.answer(handle))
}

/// A session that is agreed upon, and not kept yet.
pub(super) struct Agreed {
    pub(super) session: Session,
    /// In milliseconds since 1970.
    pub(super) deadline: u64,
    client_ephemeral_key: Vec<u8>,
    session_attestation: Vec<u8>,
}

impl Agreed {
    /// The answer, once the session is kept.
    pub(super) fn answer(self, handle: u32) -> Response {
        Response {
            client_session_id: self.session.client_session_id,
            client_ephemeral_key: self.client_ephemeral_key,
            session_attestation: self.session_attestation,
            provisioning_handle: ProvisioningHandle(handle),
        }
    }
}

/// Checks the call and does its cryptography.
pub(super) fn agree(ctx: &Ctx<'_>, request: Request) -> Result<Agreed, Refusal> {
    Ctx::ranges(&request)?;
    let issuer_uri = request.issuer_uri.get()?.to_owned();
    if request.session_life_time == 0 {
        return Err(Refusal::NoLifeTime);
    }
    if Algorithm::from_uri(&request.session_key_algorithm.0) != Some(Algorithm::Sk1) {
        return Err(Refusal::SessionKeyAlgorithm);
    }
    let device = ctx.device;
    let device_certificate = device.device_path.first().ok_or(Refusal::Defect("no device certificate"))?;
    let client_session_id = fresh_id(ctx)?;
    let parties = Parties {
        issuer_uri: &issuer_uri,
        device_certificate,
        client_session_id: &client_session_id,
        server_session_id: &request.server_session_id,
    };
    let agreed = session::create_session_key(&request.server_ephemeral_key, &parties, &*device.crypto, &*device.rng);
    let agreed = agreed.map_err(|e| match e {
        AgreementError::ServerKey(PeerKeyError::Algorithm) => Refusal::EphemeralKeyAlgorithm,
        AgreementError::ServerKey(PeerKeyError::Malformed) => Refusal::EphemeralKey,
        AgreementError::Engine(_) => Refusal::Engine,
    })?;
    let attested = attestation_data(&request, &client_session_id, &agreed.client_ephemeral_key);
    let hmac = agreed.session_key.session_hmac(&attested);
    let session_attestation = session::attest_session(&*device.attestation_key, &hmac, &*device.rng)?;

    let deadline = device.clock.now_ms().saturating_add(u64::from(request.session_life_time).saturating_mul(1000));
    let session = Session {
        open: true,
        session_key: agreed.session_key.to_secret(),
        mac_sequence_counter: 0,
        session_key_uses: 0,
        session_key_limit: request.session_key_limit,
        client_session_id,
        server_session_id: request.server_session_id,
        issuer_uri,
        updatable: request.updatable,
        client_time: request.client_time,
        session_life_time: request.session_life_time,
    };
    Ok(Agreed { session, deadline, client_ephemeral_key: agreed.client_ephemeral_key, session_attestation })
}

/// A ClientSessionID that no session has.
fn fresh_id(ctx: &Ctx<'_>) -> Result<Id, Refusal> {
    loop {
        let mut random = [0u8; 16];
        ctx.device.rng.fill(&mut random)?;
        let id = Id::new(&name_of(random)).map_err(|_| Refusal::Defect("a session id that is no NCName"))?;
        if ctx.store().handle_of(Address::ClientSessionId(id.clone()))?.is_none() {
            return Ok(id);
        }
    }
}

/// `C-` and 26 base-32 digits: 128 bits in 28 characters that every NCName may have.
fn name_of(random: [u8; 16]) -> String {
    const DIGITS: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v',
        'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
    ];
    let number = u128::from_be_bytes(random);
    let digits = (0..26).map(|place| {
        let digit = (number >> (5 * place)) & 31;
        usize::try_from(digit).ok().and_then(|digit| DIGITS.get(digit)).copied().unwrap_or('a')
    });
    "C-".chars().chain(digits).collect()
}
