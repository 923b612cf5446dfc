//! Handler; see [`sks_wire::method::create_key_pair`].

use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::create_key_pair::{AttestedPin, AttestedPuk, Request, Response, attestation_data};
use sks_wire::method::create_pin_policy;
use sks_wire::types::{
    BackupAndHandle, BiometricProtection, Code, DeletePolicy, ExportPolicy, KeyAlgorithm, KeyHandle, KeyUsage,
    NO_HANDLE, Octet, ProvisioningHandle, PukPolicyHandle,
};

use crate::ctx::Ctx;
use crate::policy;
use crate::ports::KeySpec;
use crate::record::{Address, Counter, Key, Material, ObjectKind, PinGroup, PinPolicy, PukPolicy, Record};
use crate::refusal::Refusal;
use crate::work::{Typed, Work};

/// RSA key sizes on offer, in bits, ascending.
pub(crate) const RSA_KEY_SIZES: [u16; 4] = [1024, 2048, 3072, 4096];

/// The exponent that RSAExponent 0 stands for.
const DEFAULT_EXPONENT: u32 = 65537;

pub(crate) fn handle(ctx: &mut Ctx<'_>, request: Request) -> Result<Response, Refusal> {
    Ctx::ranges(&request)?;
    let session = ctx.session()?;
    session.fresh_name(ObjectKind::Key, &request.id)?;
    let owner = session.handle;
    let over = Over::find(ctx, &request, owner)?;
    check_options(&request, over.as_ref())?;

    let issuer_pin = over.as_ref().is_some_and(|over| !over.pin.user_defined);
    let session = ctx.session()?;
    session.charge(1 + u16::from(issuer_pin) + u16::from(request.private_key_backup))?;
    let pin = if issuer_pin { session.decrypt(request.pin_value.expose())? } else { request.pin_value.clone() };
    let usage = request.key_usage.get()?;
    let group = match &over {
        Some(over) => over.admit(ctx, &pin, usage)?,
        None => None,
    };
    let spec = spec_of(&request)?;
    let private = ctx.device.crypto.generate(spec, &request.issuer_seed, &*ctx.device.rng)?;
    let pkcs8 = private.pkcs8()?;

    let session = ctx.session()?;
    let attested = over.as_ref().map(|over| over.attested(&pin));
    let attested = attested.as_ref().map(|(policy, puk)| AttestedPin { policy, pin: &pin, puk: *puk });
    let data = attestation_data(&request, private.public_key(), attested);
    let key_attestation = session.attest(&[data.expose()]).to_vec();
    let private_key = if request.private_key_backup { Some(session.encrypt(&pkcs8)?) } else { None };
    let generated_public_key = private.public_key().to_vec();

    let key = key_of(&request, owner, spec, generated_public_key.clone())?;
    let protection = over.map(|over| (over, pin, group));
    let handle = store(ctx.work()?, owner, key, pkcs8, protection)?;
    Ok(Response {
        generated_public_key,
        key_attestation,
        private_key_and_handle: BackupAndHandle { private_key, key_handle: KeyHandle(handle) },
    })
}

/// The PIN policy over the new key, and the PUK policy over that.
struct Over {
    handle: u32,
    pin: PinPolicy,
    puk: Option<PukPolicy>,
}

impl Over {
    fn find(ctx: &Ctx<'_>, request: &Request, session: u32) -> Result<Option<Self>, Refusal> {
        let handle = match request.pin_policy_handle.0 {
            0 => return Ok(None),
            NO_HANDLE => return Err(Refusal::DevicePin),
            handle => handle,
        };
        let pin = ctx.store().pin_policy(handle)?.filter(|policy| policy.session == session);
        let pin = pin.ok_or(Refusal::UnknownPinPolicy)?;
        let puk = match pin.puk_policy {
            Some(puk) => Some(ctx.store().puk_policy(puk)?.ok_or(Refusal::Defect("a PUK policy is missing"))?),
            None => None,
        };
        Ok(Some(Self { handle, pin, puk }))
    }

    /// Checks the PIN against the policy; returns the PIN group that the key joins, if it joins one.
    fn admit(&self, ctx: &Ctx<'_>, pin: &Secret, usage: KeyUsage) -> Result<Option<u32>, Refusal> {
        policy::check_pin(pin, &self.pin)?;
        let signature = policy::is_signature_half(&self.pin, usage);
        policy::check_grouping(ctx.store(), self.handle, &self.pin, signature, None, pin)
    }

    /// The policies as the attestation takes them.
    fn attested(&self, _: &Secret) -> (create_pin_policy::Request, Option<AttestedPuk<'_>>) {
        let policy = create_pin_policy::Request {
            provisioning_handle: ProvisioningHandle(self.pin.session),
            id: self.pin.id.clone(),
            puk_policy_handle: PukPolicyHandle(self.pin.puk_policy.unwrap_or(0)),
            user_defined: self.pin.user_defined,
            user_modifiable: self.pin.user_modifiable,
            format: Code::from(self.pin.format),
            retry_limit: Octet(self.pin.retry_limit),
            grouping: Code::from(self.pin.grouping),
            pattern_restrictions: Octet(self.pin.pattern_restrictions),
            min_length: Octet(self.pin.min_length),
            max_length: Octet(self.pin.max_length),
            input_method: Code::from(self.pin.input_method),
        };
        let puk = self.puk.as_ref().map(|puk| AttestedPuk {
            id: &puk.id,
            retry_limit: puk.retry_limit,
            puk: &puk.puk,
            format: puk.format,
        });
        (policy, puk)
    }
}

/// The options that a table allows but this token, or this combination, does not.
fn check_options(request: &Request, over: Option<&Over>) -> Result<(), Refusal> {
    if request.biometric_protection.get()? != BiometricProtection::None {
        return Err(Refusal::Biometric);
    }
    if over.is_none() && !request.pin_value.is_empty() {
        return Err(Refusal::UnexpectedPinValue);
    }
    let (export, delete, usage) =
        (request.export_policy.get()?, request.delete_policy.get()?, request.key_usage.get()?);
    if usage == KeyUsage::Transport && export != ExportPolicy::NonExportable {
        return Err(Refusal::TransportExport);
    }
    let kept = matches!(usage, KeyUsage::Transport | KeyUsage::SymmetricKey);
    if kept && (request.private_key_backup || request.import_private_key) {
        return Err(Refusal::NotBackedUp);
    }
    if over.is_none() && (export == ExportPolicy::Pin || delete == DeletePolicy::Pin) {
        return Err(Refusal::PolicyWithoutPin);
    }
    let puk = over.is_some_and(|over| over.puk.is_some());
    if !puk && (export == ExportPolicy::Puk || delete == DeletePolicy::Puk) {
        return Err(Refusal::PolicyWithoutPuk);
    }
    if let KeyAlgorithm::Rsa { size, exponent } = &request.key_algorithm {
        if !RSA_KEY_SIZES.contains(size) {
            return Err(Refusal::RsaKeySize);
        }
        if *exponent != 0 && (*exponent == 1 || exponent.is_multiple_of(2)) {
            return Err(Refusal::RsaExponent);
        }
    }
    Ok(())
}

fn spec_of(request: &Request) -> Result<KeySpec, Refusal> {
    if Algorithm::from_uri(&request.attestation_algorithm.0) != Some(Algorithm::Ka1) {
        return Err(Refusal::AttestationAlgorithm);
    }
    match &request.key_algorithm {
        KeyAlgorithm::Rsa { size, exponent } => {
            let exponent = if *exponent == 0 { DEFAULT_EXPONENT } else { *exponent };
            Ok(KeySpec::Rsa { bits: *size, exponent: u64::from(exponent) })
        }
        KeyAlgorithm::Ecc { curve } if Algorithm::from_uri(&curve.0) == Some(Algorithm::P256) => Ok(KeySpec::P256),
        KeyAlgorithm::Ecc { .. } => Err(Refusal::Curve),
    }
}

fn key_of(request: &Request, session: u32, spec: KeySpec, public_key: Vec<u8>) -> Result<Key, Refusal> {
    Ok(Key {
        session,
        provisioned: false,
        id: request.id.clone(),
        pin_group: None,
        biometric_protection: request.biometric_protection.get()?,
        private_key_backup: request.private_key_backup,
        export_policy: request.export_policy.get()?,
        updatable: request.updatable,
        delete_policy: request.delete_policy.get()?,
        enable_pin_caching: request.enable_pin_caching,
        import_private_key: request.import_private_key,
        key_usage: request.key_usage.get()?,
        friendly_name: request.friendly_name.get()?.to_owned(),
        spec,
        public_key,
        restored: false,
        certificates: Vec::new(),
        endorsed_algorithms: Vec::new(),
        extension_types: Vec::new(),
        replaces: None,
    })
}

/// Writes the key and its PIN group; returns the key's handle.
fn store(
    work: &mut Work<'_>,
    session: u32,
    mut key: Key,
    pkcs8: Secret,
    protection: Option<(Over, Secret, Option<u32>)>,
) -> Result<u32, Refusal> {
    let handle = work.allocate(Counter::Key)?;
    if let Some((over, pin, joined)) = protection {
        let number = joined.unwrap_or(handle);
        if joined.is_none() {
            let signature = policy::is_signature_half(&over.pin, key.key_usage);
            let group = PinGroup { policy: over.handle, signature, pin, error_count: 0 };
            work.put(Address::PinGroup(number), Record::PinGroup(group))?;
            work.put(Address::PolicyGroup(over.handle, number), Record::Mark)?;
        }
        work.put(Address::GroupKey(number, handle), Record::Mark)?;
        key.pin_group = Some(number);
    }
    // "The private key MUST be disabled": a symmetric-key's is not kept at all.
    if key.key_usage != KeyUsage::SymmetricKey {
        work.put(Address::Material(handle), Record::Material(Material::Private(pkcs8)))?;
    }
    work.put(Address::Name(session, ObjectKind::Key, key.id.clone()), Record::Number(handle))?;
    work.put(Address::SessionKey(session, handle), Record::Mark)?;
    work.put(Address::Key(handle), Record::Key(key))?;
    Ok(handle)
}
