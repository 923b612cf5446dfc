//! `Generate_Signer_Key_Pair` (Table 20): a key for a signer. The wrapped key, the signed public key and the certificate
//! request are stored with the audit record, in one transaction: no key without an owner, none without a record.

use tw4s_formats::operation::{GenerateSignerKeyPair, GenerateSignerKeyPairResult, KeySpecification};
use tw4s_formats::{Format, ObjectIdentifier, Octets, Role, Text};

use crate::call::Call;
use crate::config::Config;
use crate::failure::Failure;
use crate::ports::{KeyOrder, NewKey};
use crate::record::{KeyAlgorithm, KeyId, Object, ObjectKind, State, User};
use crate::refusal::Refusal;
use crate::work::{Committed, Recorded, Work};

pub(super) async fn handle(
    call: &mut Call<'_>,
    message: &GenerateSignerKeyPair,
) -> Result<Committed<Recorded>, Failure> {
    let target = target(call, message.userid.as_str())?;
    let specification = message.specification().map_err(|_| Refusal::KeySpecification)?;
    let algorithm = algorithm(&call.sam.config, specification)?;

    let mut random = [0; 16];
    call.sam.ports.rng.fill(&mut random)?;
    let key_id = KeyId::random(random);
    call.entry.key = Some(key_id.to_string());
    let order = KeyOrder { key_id: &key_id, user_id: &target.id, algorithm, created_ms: call.now };
    let key = call.sam.ports.firmware.generate(order).await?;
    let publickey = Octets::new(key.public_key.clone())?;
    let result = GenerateSignerKeyPairResult { keyid: Text::new(key_id.to_string())?, publickey }.to_bytes()?;

    let mut work = Work::begin(call.sam)?;
    call.still_acting(&work)?;
    if !work.is_unchanged(&target)? {
        return Err(Refusal::TargetChanged.into());
    }
    if work.object(&key_id, ObjectKind::Key)?.is_some() {
        // The random source has repeated itself.
        return Err(Refusal::Random.into());
    }
    store(call, &mut work, key_id, &target, key)?;
    work.conclude(call.entry.clone(), result)
}

/// The signer that the key is for.
fn target(call: &mut Call<'_>, userid: &str) -> Result<User, Failure> {
    let named = call.about(userid);
    if call.acting.role == Role::Signer {
        return if named == Ok(call.acting.id) { Ok(call.acting.clone()) } else { Err(Refusal::OtherUser.into()) };
    }
    let target = call.sam.user(&named?)?.ok_or(Refusal::NoSuchUser)?;
    if target.role == Role::Signer { Ok(target) } else { Err(Refusal::TargetRole.into()) }
}

fn algorithm(config: &Config, specification: KeySpecification) -> Result<KeyAlgorithm, Refusal> {
    match specification {
        KeySpecification::Rsa { bits } => {
            let allowed = (config.rsa_min..=config.rsa_max).contains(&bits) && bits.is_multiple_of(RSA_STEP);
            if allowed { Ok(KeyAlgorithm::Rsa { bits }) } else { Err(Refusal::RsaBits) }
        }
        KeySpecification::Ec { curve } => {
            let known = CURVES.into_iter().find(|(oid, _)| *oid == curve).map(|(_, algorithm)| algorithm);
            known.filter(|algorithm| config.curves.contains(algorithm)).ok_or(Refusal::Curve)
        }
    }
}

fn store(call: &Call<'_>, work: &mut Work<'_>, key: KeyId, owner: &User, new: NewKey) -> Result<(), Failure> {
    for (kind, value) in
        [(ObjectKind::Key, new.wrapped_key), (ObjectKind::PublicKey, new.public_key), (ObjectKind::Request, new.csr)]
    {
        let object = Object {
            key,
            kind,
            owner: owner.id,
            state: State::Active,
            created_ms: call.now,
            changed_ms: call.now,
            value,
            mac: [0; 32],
        };
        work.put_object(None, object)?;
    }
    Ok(())
}

/// Bits; a modulus that is not whole bytes, or an odd size that no other program takes, serves nobody.
const RSA_STEP: u32 = 256;

/// RFC 5480 2.1.1.1.
const CURVES: [(ObjectIdentifier, KeyAlgorithm); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), KeyAlgorithm::P256),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), KeyAlgorithm::P384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), KeyAlgorithm::P521),
];
