//! The issuer's part: the text's "Sample Session".

use sks_issuer::ca::{Ca, Leaf, Subject};
use sks_issuer::{
    CertifiedKey, KeyOptions, PinPolicy, PinPolicyOptions, Protection, PukPolicyOptions, Session, SessionOptions, Trust,
};
use sks_wire::method::{close_provisioning_session, create_key_pair, create_provisioning_session, get_device_info};
use sks_wire::types::{Format, Id, IdError, KeyUsage, pattern};
use sks_wire::{MethodId, Secret};

use super::story::{Story, TokenStory};
use super::tap::Tap;
use crate::exit::Failure;
use crate::output::certificate::Summary;
use crate::output::{safe, safe_bytes, short_hex};

/// The demo's PIN; a real one is never shown.
pub(super) const PIN: &[u8] = b"1563";
/// The demo's PUK.
pub(super) const PUK: &[u8] = b"40917268";
/// Where a real issuer would be.
const ISSUER_URI: &str = "https://issuer.example/enroll";
/// Uses of the session key that the issuer allows; it needs 5.
const KEY_LIMIT: u16 = 20;

/// What the issuer's part leaves.
pub(super) struct Issued {
    /// The key, ready for its user.
    pub(super) key: CertifiedKey,
    /// What an attacker has recorded: the setCertificatePath call.
    pub(super) recorded: Vec<u8>,
    /// How the issuer opens sessions.
    pub(super) options: SessionOptions,
}

/// Tells it.
pub(super) fn tell(story: &mut Story, tap: &mut Tap) -> Result<Issued, Failure> {
    let device = tap.client.get_device_info(&get_device_info::Request {})?;
    let options = meet(story, &device)?;
    let mut session = open(story, tap, &options, &device)?;
    let policy = policies(story, &mut session)?;
    let (key, recorded) = key(story, &mut session, &policy)?;
    let counter = session.record().counter();
    let record = session.close()?;
    story.call(MethodId::CloseProvisioningSession, "both sides agree that it is done")?;
    story.goes(&format!("MAC {counter} over the session's names"))?;
    let answer = tap.answer::<close_provisioning_session::Request>()?;
    story.comes(&format!("AttestedResponse {}", short_hex(&answer.attested_response)))?;
    let used = KEY_LIMIT.saturating_sub(record.left());
    let text = format!(
        "it attests \"Success\": the token had the whole key, and only now does the issuer count it as issued. The \
         session key was used {used} times of the {KEY_LIMIT} allowed"
    );
    story.check(!record.is_open(), &text)?;
    Ok(Issued { key, recorded, options })
}

fn meet(story: &mut Story, device: &get_device_info::Response) -> Result<SessionOptions, Failure> {
    story.call(MethodId::GetDeviceInfo, "who is this token?")?;
    let path = &device.x509_certificate.0;
    let name = Summary::of_path(path).map_or_else(String::new, |summary| summary.safe_subject());
    let description = safe_bytes(&device.vendor_description.0);
    story.comes(&format!("\"{description}\", {} algorithms, device certificate {name}", device.algorithm.0.len()))?;
    // A real issuer has the vendor's certificate from the vendor; here the token's own word must do.
    let vendor = path.last().cloned().unwrap_or_default();
    let trust = Trust::Authority(vendor);
    let accepted = trust.accept(path, std::time::SystemTime::now()).is_ok();
    story.check(
        accepted,
        "the certificate path leads to the vendor's CA, so the issuer knows what will hold its keys (a real issuer has \
         that CA's certificate from the vendor, not, as here, from the token itself)",
    )?;
    let mut options = SessionOptions::new(ISSUER_URI, trust);
    options.key_limit = KEY_LIMIT;
    Ok(options)
}

fn open<'t>(
    story: &mut Story,
    tap: &'t mut Tap,
    options: &SessionOptions,
    device: &get_device_info::Response,
) -> Result<Session<&'t mut Tap>, Failure> {
    story.call(MethodId::CreateProvisioningSession, "a secret that only the two know")?;
    let mut session = Session::create_on(tap, options, device)?;
    let answer = session.transport().answer::<create_provisioning_session::Request>()?;
    let record = session.record();
    story
        .goes(&format!("IssuerURI {ISSUER_URI}, ServerSessionID {}, ServerEphemeralKey", record.server_session_id()))?;
    let attestation = short_hex(&answer.session_attestation);
    story.comes(&format!(
        "session {}, ClientSessionID {}, ClientEphemeralKey, SessionAttestation {attestation}",
        session.handle(),
        session.record().client_session_id(),
    ))?;
    story.checked(
        "from the two ephemeral keys both derived one session key, which never travels (ECDH, SP800-56A); the device's \
         certified key signed the exchange, so nobody sits in between",
    )?;
    Ok(session)
}

fn policies(story: &mut Story, session: &mut Session<&mut Tap>) -> Result<PinPolicy, Failure> {
    story.call(MethodId::CreatePukPolicy, "the way back for a user who forgets")?;
    let puk = Secret::from(PUK);
    let puk = PukPolicyOptions { id: id("PUK.1")?, puk, format: Format::Numeric, retry_limit: 3 };
    let shown = String::from_utf8_lossy(PUK);
    story.goes(&format!("PUK {shown}, encrypted with the session key; 3 wrong ones lock it for good"))?;
    let puk = session.create_puk_policy(puk)?;
    story.comes(&format!("PUK policy {}", puk.handle))?;

    story.call(MethodId::CreatePinPolicy, "which PINs the issuer allows")?;
    let mut options = PinPolicyOptions::new(id("PIN.1")?);
    options.format = Format::Numeric;
    options.max_length = 8;
    options.pattern_restrictions = pattern::SEQUENCE | pattern::THREE_IN_A_ROW;
    story
        .goes(&format!("under PUK policy {}: 4 to 8 digits, none like 1234 or 1115, 3 wrong ones lock", puk.handle))?;
    let policy = session.create_pin_policy(&options, Some(&puk))?;
    story.comes(&format!("PIN policy {}", policy.handle))?;
    Ok(policy)
}

/// Makes the key and certifies it; with it comes the recorded call that brought the certificate.
fn key(
    story: &mut Story,
    session: &mut Session<&mut Tap>,
    policy: &PinPolicy,
) -> Result<(CertifiedKey, Vec<u8>), Failure> {
    story.call(MethodId::CreateKeyPair, "the key is born in the token, under these rules")?;
    let mut options = KeyOptions::p256(id("Key.1")?);
    options.usage = KeyUsage::Signature;
    "Demo key".clone_into(&mut options.friendly_name);
    let pin = Secret::from(PIN);
    let shown = String::from_utf8_lossy(PIN);
    story.goes(&format!(
        "P-256, for signatures, not exportable, PIN policy {}, the user's PIN {shown} (in clear)",
        policy.handle
    ))?;
    let key = session.create_key_pair(&options, Protection::Pin { policy, pin: &pin })?;
    let attestation = session.transport().answer::<create_key_pair::Request>()?.key_attestation;
    let (length, attestation) = (key.public_key.len(), short_hex(&attestation));
    story.comes(&format!("key {}, its public key ({length} bytes), KeyAttestation {attestation}", key.handle))?;
    story.checked("the attestation is an HMAC with the session key over public key, attributes and both policies: the issuer knows \
         that the private key is in this token, and how it is guarded",
    )?;

    story.step("External certification: any CA, with its usual tools")?;
    let certifying = || Failure::doing("certifying the demo's key");
    let ca = Ca::create(&Subject::common_name("Demo CA").map_err(certifying())?, 2).map_err(certifying())?;
    let leaf = Leaf::new(Subject::common_name("Demo User").map_err(certifying())?, KeyUsage::Signature);
    let path = ca.issue_path(&key.public_key, &leaf).map_err(certifying())?;
    let summary = Summary::of_path(&path);
    let said = summary.map_or_else(String::new, |s| format!("{} issued by {}", s.safe_subject(), safe(&s.issuer)));
    story.comes(&format!("certificate {said}"))?;

    story.call(MethodId::SetCertificatePath, "the key gets its name")?;
    let counter = session.record().counter();
    story.goes(&format!("both certificates, and MAC {counter} over them, the key's ID and its public key"))?;
    let key = session.set_certificate_path(key, &path)?;
    let recorded = session.transport().recorded();
    story.check(
        session.record().counter() == counter + 1,
        "accepted: only who has the session key can make this MAC. The method's name and a counter are in its key, so \
         each MAC serves one call, once",
    )?;
    Ok((key, recorded))
}

fn id(text: &str) -> Result<Id, Failure> {
    Id::new(text).map_err(|error: IdError| Failure::other(error))
}
