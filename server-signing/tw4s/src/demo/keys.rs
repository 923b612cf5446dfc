//! US4 and US5: a key's birth and end.

use der::Decode;
use tw4s_firmware::client::Client;
use tw4s_formats::operation::{DeleteSignerKeyPair, GenerateSignerKeyPair, KeySpecification};
use tw4s_formats::{ErrorType, Format, Name, ObjectIdentifier, SubjectPublicKeyInfoOwned, Text};
use x509_cert::Certificate;

use super::cast::{Cast, ask, done};
use super::signing;
use super::story::{SamStory, Story};
use crate::exit::Failure;
use crate::parties::{self, verifies};
use crate::temporary::Subsystem;

/// What is known of the key outside the module.
pub(super) struct Key {
    pub(super) id: String,
    /// From the signer's certificate.
    pub(super) public: SubjectPublicKeyInfoOwned,
}

/// US4.
pub(super) fn generate(story: &mut Story, subsystem: &Subsystem, cast: &Cast) -> Result<Key, Failure> {
    story.step("Generate_Signer_Key_Pair: made in the firmware, and only wrapped does it leave")?;
    let specification = KeySpecification::Ec { curve: P256 };
    let order = GenerateSignerKeyPair::new(&cast.signer, specification).map_err(Failure::other)?;
    story.goes("EC on P-256, for herself")?;
    let made = done(ask(subsystem, &order, &cast.login(&cast.signer)?)?)?;
    story.comes(&format!("keyid {}, its public key, signed", made.keyid))?;
    let public = made.public_key().map_err(Failure::other)?;
    let status = Client::new(&subsystem.firmware().socket).status().map_err(Failure::other)?;
    let firmware = SubjectPublicKeyInfoOwned::parse(&status.signing_key).map_err(Failure::other)?;
    let genuine = verifies(&firmware, public.tbs.der(), public.signature.as_bytes());
    let hers = public.tbs.user_id.as_str() == cast.signer && public.tbs.key_id == made.keyid;
    story.check(
        genuine && hers,
        "the firmware's own key has signed keyid, userid and public key: the CA knows what it certifies",
    )?;

    story.step("The CA certifies the key, and the signing application checks what came back")?;
    let subject: Name = "CN=Demo Signer".parse().map_err(Failure::other)?;
    let certificate = cast.ca.issue(&subject, &public.tbs.spki)?;
    let certificate = Certificate::from_der(&certificate).map_err(Failure::other)?;
    let certified = certificate.tbs_certificate().subject_public_key_info().clone();
    story.comes(&format!("certificate {subject}, {} bytes of key", certified.subject_public_key.raw_bytes().len()))?;
    story.check(certified == public.tbs.spki, "the certified key is the one that was made")?;

    story.step("The attacker has a key made for her")?;
    let answer = ask(subsystem, &order, &cast.login(&cast.other)?)?;
    story.refused(answer, ErrorType::NotAuthorized, "a signer acts for nobody else")?;
    Ok(Key { id: made.keyid.to_string(), public: certified })
}

/// US5.
pub(super) fn delete(story: &mut Story, subsystem: &Subsystem, cast: &Cast, key: &Key) -> Result<(), Failure> {
    let order = DeleteSignerKeyPair { keyid: Text::new(key.id.as_str()).map_err(Failure::other)? };
    story.step("The attacker deletes her key")?;
    let answer = ask(subsystem, &order, &cast.login(&cast.other)?)?;
    story.refused(answer, ErrorType::NotAuthorized, "not his")?;
    story.step("Delete_Signer_Key_Pair: she deletes it herself, and then tries to sign")?;
    done(ask(subsystem, &order, &cast.login(&cast.signer)?)?)?;
    let document = parties::random::<64>()?;
    let activation = signing::activate(cast, &cast.signer, &key.id, &[&document])?;
    let answer = ask(subsystem, &activation.request, &activation.token)?;
    story.refused(answer, ErrorType::NotFound, "the wrapped key is gone; a tombstone keeps its id from coming back")
}

/// RFC 5480 2.1.1.1.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
