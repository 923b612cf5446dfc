//! Dialogues: whole conversations with a token, as text. `vectors/dialogues/README.md` has the format.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sks_core::refusal::Refusal;
use sks_issuer::EphemeralKey;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::{
    Method, abort_provisioning_session, asymmetric_key_decrypt, change_pin, create_provisioning_session, delete_key,
    enumerate_keys, enumerate_provisioning_sessions, export_key, get_extension_object, get_key_handle,
    get_key_protection_info, get_provisioning_session, key_agreement, perform_hmac, set_pin, sign_hashed_data,
    sign_provisioning_session_data, symmetric_key_encrypt, unlock_key, verify_pin,
};
use sks_wire::types::{
    Choice, Code, Enumerated, KeyAlgorithm, KeyHandle, NO_HANDLE, Octet, PinPolicyHandle, ProvisioningHandle,
    PukPolicyHandle,
};
use sks_wire::{Refused, Secret, Status};

use crate::{Issuing, Made, Stage, ca_certificate, certificate, golden, id, secret};

/// What a dialogue showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Each step and its outcome.
    pub transcript: Vec<String>,
    /// The refusals that it showed, by name.
    pub refusals: BTreeSet<String>,
}

/// Plays a dialogue.
///
/// # Panics
/// At the first line that goes otherwise than it says.
#[must_use]
pub fn play(name: &str, text: &str, stage: Stage) -> Played {
    let mut player = Player {
        stage,
        sessions: BTreeMap::new(),
        keys: BTreeMap::new(),
        pins: BTreeMap::new(),
        puks: BTreeMap::new(),
        played: Played::default(),
    };
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if !line.is_empty() {
            player.step(&format!("{name}:{number}"), line);
        }
    }
    player.played
}

struct Player {
    stage: Stage,
    sessions: BTreeMap<String, Issuing>,
    /// Each with the session that owns it.
    keys: BTreeMap<String, (Made, String)>,
    pins: BTreeMap<String, PinPolicyHandle>,
    puks: BTreeMap<String, PukPolicyHandle>,
    played: Played,
}

/// A line, taken apart: `verb name... option=value... flag...`.
struct Step<'a> {
    at: &'a str,
    verb: &'a str,
    names: Vec<&'a str>,
    options: BTreeMap<&'a str, &'a str>,
}

impl<'a> Step<'a> {
    /// Words with a capital, a digit or a bracket in front are names.
    fn read(at: &'a str, line: &'a str) -> Self {
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let mut step = Self { at, verb, names: Vec::new(), options: BTreeMap::new() };
        for word in words {
            match word.split_once('=') {
                Some((option, value)) => drop(step.options.insert(option, value)),
                None if word.starts_with(|c: char| c.is_lowercase()) => drop(step.options.insert(word, "")),
                None => step.names.push(word),
            }
        }
        step
    }

    fn name(&self, at: usize) -> &'a str {
        self.names.get(at).unwrap_or_else(|| panic!("{}: {} needs more names", self.at, self.verb))
    }

    fn take(&mut self, option: &str) -> Option<&'a str> {
        self.options.remove(option)
    }

    fn text(&mut self, option: &str, default: &'a str) -> &'a str {
        self.take(option).unwrap_or(default)
    }

    fn flag(&mut self, option: &str) -> bool {
        self.take(option).is_some()
    }

    fn number<N: std::str::FromStr>(&mut self, option: &str, default: N) -> N {
        match self.take(option) {
            None => default,
            Some(value) => value.parse().unwrap_or_else(|_| panic!("{}: {option}={value} is no number", self.at)),
        }
    }

    /// A value by its name in the text, or as a number that may be out of range.
    fn code<C: Choice>(&mut self, option: &str, default: C) -> Code<C> {
        let Some(value) = self.take(option) else { return default.into() };
        let named = (0..=C::LAST).filter_map(C::from_value).find(|choice| choice.name() == value);
        match (named, value.parse()) {
            (Some(choice), _) => choice.into(),
            (None, Ok(number)) => Code::raw(number),
            _ => panic!("{}: {option} has no value {value}", self.at),
        }
    }

    /// An algorithm's URI by the end of it.
    fn uri(&mut self, option: &str, default: &'a str) -> &'a str {
        uri(self.text(option, default))
    }
}

/// The URI that ends like this; else the text itself.
fn uri(end: &str) -> &str {
    Algorithm::ALL.iter().map(|algorithm| algorithm.uri()).find(|uri| uri.ends_with(&format!("#{end}"))).unwrap_or(end)
}

/// Turns a MAC into a wrong one where the line asks for that.
fn spoil(mac: &mut [u8; 32], step: &mut Step<'_>) {
    if step.flag("wrong-mac") {
        mac[0] ^= 1;
    }
}

impl Player {
    fn step(&mut self, at: &str, line: &str) {
        let (call, expected) = match line.split_once("->") {
            Some((call, expected)) => (call.trim(), Some(expected.trim())),
            None => (line, None),
        };
        let mut step = Step::read(at, call);
        let outcome = self.act(&mut step);
        assert!(step.options.is_empty(), "{at}: {} knows no {:?}", step.verb, step.options);
        let told = match (&outcome, expected) {
            (Ok(()), None) => "ok".to_owned(),
            (Err(refused), Some(expected)) => {
                self.check(at, refused, expected);
                refused.to_string()
            }
            (Ok(()), Some(expected)) => panic!("{at}: not refused, expected {expected}"),
            (Err(refused), None) => panic!("{at}: {refused}"),
        };
        self.played.transcript.push(format!("{line} => {told}"));
    }

    /// The refusal is the one named, and its text that of the vocabulary.
    fn check(&mut self, at: &str, refused: &Refused, expected: &str) {
        let (name, words) = expected.split_once(' ').unwrap_or((expected, ""));
        let (_, status, text) =
            Refusal::ALL.iter().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("{at}: no refusal {name}"));
        assert_eq!(refused.status, *status, "{at}: {refused}");
        // What stands between braces is filled in.
        let fixed = text.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
        assert!(fixed.clone().all(|part| refused.text.contains(part)), "{at}: {refused}, expected {text}");
        assert!(refused.text.contains(words.trim_matches('"')), "{at}: {refused}, expected {words}");
        self.played.refusals.insert(name.to_owned());
    }

    fn session(&mut self, name: &str) -> &mut Issuing {
        self.sessions.get_mut(name).unwrap_or_else(|| panic!("there is no session {name}"))
    }

    fn made(&self, name: &str) -> Made {
        self.keys.get(name).unwrap_or_else(|| panic!("there is no key {name}")).0.clone()
    }

    /// The handle of a key by its name; a number is a handle itself.
    fn key(&self, name: &str) -> KeyHandle {
        name.parse().map_or_else(|_| self.made(name).handle, KeyHandle)
    }

    fn send<M: Method>(&self, request: &M) -> Result<(), Refused> {
        self.stage.line().call(request).map(drop)
    }

    fn act(&mut self, step: &mut Step<'_>) -> Result<(), Refused> {
        match step.verb {
            "session" | "puk" | "pin" | "key" => self.create(step),
            "certify" | "symmetric" | "extend" | "restore" => self.provide(step),
            "post-delete" | "post-update" | "close" | "abort" | "sign-data" | "handle" | "find" => self.conclude(step),
            "sign" | "decrypt" | "hmac" | "encrypt" | "agree" => self.operate(step),
            "verify" | "unlock" | "change-pin" | "set-pin" | "delete" | "export" | "extension" => self.manage(step),
            _ => self.look(step),
        }
    }

    fn create(&mut self, step: &mut Step<'_>) -> Result<(), Refused> {
        let name = step.name(0).to_owned();
        match step.verb {
            "session" => {
                let volatile = step.flag("volatile");
                let change = |r: &mut create_provisioning_session::Request| {
                    r.session_key_limit = step.number("limit", 1000);
                    r.session_life_time = step.number("life", 3600);
                    r.updatable = step.flag("updatable");
                    r.session_key_algorithm = step.uri("algorithm", "algorithm.sk1").into();
                    r.issuer_uri = "https://ca.example.com/enroll".into();
                    match step.take("ephemeral") {
                        None => {}
                        Some("attestation") => r.server_ephemeral_key = other_curve(),
                        Some(garbage) => r.server_ephemeral_key = garbage.into(),
                    }
                    if step.flag("no-uri") {
                        r.issuer_uri = "".into();
                    }
                };
                let session = match volatile {
                    true => Issuing::try_create_volatile(self.stage.line(), change)?,
                    false => Issuing::try_create(self.stage.line(), change)?,
                };
                self.sessions.insert(name, session);
            }
            "puk" => {
                let mut request = self.session(&name).puk_request(step.name(1), step.text("value", "17644"));
                request.retry_limit = step.number("retry", 3);
                request.format = step.code("format", sks_wire::types::Format::Numeric);
                if step.flag("garbled") {
                    request.puk_value.truncate(17);
                }
                let handle = self.session(&name).try_send(&request)?.puk_policy_handle;
                self.puks.insert(step.name(1).to_owned(), handle);
            }
            "pin" => {
                let mut request = self.session(&name).pin_request(step.name(1));
                if let Some(puk) = step.take("puk") {
                    request.puk_policy_handle = self.puks.get(puk).copied().unwrap_or(PukPolicyHandle(NO_HANDLE));
                }
                request.user_defined = !step.flag("issuer-set");
                request.user_modifiable = !step.flag("fixed");
                request.format = step.code("format", sks_wire::types::Format::Numeric);
                request.grouping = step.code("grouping", sks_wire::types::Grouping::None);
                request.retry_limit = Octet(step.number("retry", 3));
                request.pattern_restrictions = Octet(step.number("patterns", 0));
                request.min_length = Octet(step.number("min", 4));
                request.max_length = Octet(step.number("max", 8));
                let handle = self.session(&name).try_send(&request)?.pin_policy_handle;
                self.pins.insert(step.name(1).to_owned(), handle);
            }
            _ => self.create_key(step, &name)?,
        }
        Ok(())
    }

    fn create_key(&mut self, step: &mut Step<'_>, session: &str) -> Result<(), Refused> {
        let name = step.name(1).to_owned();
        let id = step.take("id").unwrap_or(&name).to_owned();
        let mut request = self.session(session).key_request(&id);
        match step.take("pin") {
            None => {}
            Some("device") => request.pin_policy_handle = PinPolicyHandle(NO_HANDLE),
            Some(policy) => {
                request.pin_policy_handle = self.pins.get(policy).copied().unwrap_or(PinPolicyHandle(77));
                request.pin_value = secret("1563");
            }
        }
        if let Some(value) = step.take("value") {
            request.pin_value = secret(value);
        }
        request.export_policy = step.code("export", sks_wire::types::ExportPolicy::NonExportable);
        request.delete_policy = step.code("delete", sks_wire::types::DeletePolicy::None);
        request.key_usage = step.code("usage", sks_wire::types::KeyUsage::Universal);
        request.biometric_protection = step.code("biometric", sks_wire::types::BiometricProtection::None);
        request.updatable = step.flag("updatable");
        request.private_key_backup = step.flag("backup");
        request.import_private_key = step.flag("import");
        request.attestation_algorithm = step.uri("attestation", "algorithm.ka1").into();
        if let Some(curve) = step.take("curve") {
            request.key_algorithm = KeyAlgorithm::Ecc { curve: curve.into() };
        }
        let exponent = step.number("exponent", 0);
        if let Some(size) = step.take("rsa") {
            request.key_algorithm = KeyAlgorithm::Rsa { size: size.parse().expect("bits"), exponent };
        }
        let answer = self.session(session).try_send(&request)?;
        let made = Made {
            handle: answer.private_key_and_handle.key_handle,
            id: request.id,
            certificate: certificate(&answer.generated_public_key),
            public_key: answer.generated_public_key,
            backup: None,
            attestation: answer.key_attestation,
        };
        self.keys.insert(name, (made, session.to_owned()));
        Ok(())
    }

    fn provide(&mut self, step: &mut Step<'_>) -> Result<(), Refused> {
        let (name, key) = (step.name(0).to_owned(), step.name(1).to_owned());
        let mut made = self.made(&key);
        match step.verb {
            "certify" => {
                match step.text("certificate", "own") {
                    "own" => {}
                    "imported" => made.certificate = certificate(&golden("key_public_der")),
                    "foreign" => made.certificate = ca_certificate().to_vec(),
                    garbage => made.certificate = garbage.into(),
                }
                let path = [made.certificate.clone(), ca_certificate().to_vec()];
                let path = if step.flag("empty") { &path[..0] } else { &path };
                let mut request = self.session(&name).path_request(&made, path);
                spoil(&mut request.mac, step);
                self.session(&name).try_send(&request)?;
                self.keys.insert(key, (made, name));
            }
            "symmetric" => {
                let value = vec![7; step.number("bytes", 16)];
                let uris: Vec<&[u8]> =
                    step.text("algorithms", "hmac-sha1").split(',').map(|end| uri(end).as_bytes()).collect();
                let mut request = self.session(&name).symmetric_request(&made, &value, &uris);
                spoil(&mut request.mac, step);
                self.session(&name).try_send(&request)?;
            }
            "extend" => {
                let kind = step.code("kind", sks_wire::types::BaseType::Extension).value();
                let data = vec![7; step.number("bytes", 10)];
                let extension_type = step.text("type", "urn:x").repeat(step.number("times", 1));
                let qualifier = step.text("qualifier", "").as_bytes();
                let session = self.session(&name);
                let mut request = session.extension_request(&made, kind, qualifier, &data, extension_type.as_bytes());
                spoil(&mut request.mac, step);
                self.session(&name).try_send(&request)?;
            }
            _ => {
                let pkcs8 = match step.text("key", "imported") {
                    "imported" => golden("m5_restorePrivateKey_pkcs8"),
                    "other" => sks_issuer::ca::generate_key().expect("a key").private_key.expose().to_vec(),
                    garbage => garbage.into(),
                };
                let mut request = self.session(&name).restore_request(&made, &pkcs8);
                spoil(&mut request.mac, step);
                self.session(&name).try_send(&request)?;
            }
        }
        Ok(())
    }

    fn conclude(&mut self, step: &mut Step<'_>) -> Result<(), Refused> {
        let name = step.name(0).to_owned();
        match step.verb {
            "post-delete" | "post-update" => {
                let target = step.name(step.names.len() - 1);
                let (target, owner) = self.keys.get(target).expect("a target").clone();
                let owner = self.session(&owner).key.clone();
                if step.verb == "post-delete" {
                    let mut request = self.session(&name).delete_request(&owner, &target);
                    spoil(&mut request.mac, step);
                    self.session(&name).try_send(&request)?;
                } else {
                    let new = self.made(step.name(1));
                    let mut request = self.session(&name).update_request(&new, &owner, &target);
                    spoil(&mut request.mac, step);
                    self.session(&name).try_send(&request)?;
                }
            }
            "close" => {
                let mut request = self.session(&name).close_request();
                spoil(&mut request.mac, step);
                self.session(&name).try_send(&request)?;
            }
            "abort" => {
                let request = abort_provisioning_session::Request { provisioning_handle: self.session(&name).handle };
                self.send(&request)?;
            }
            "sign-data" => {
                let provisioning_handle = self.session(&name).handle;
                self.send(&sign_provisioning_session_data::Request { provisioning_handle, data: vec![1] })?;
            }
            "handle" => {
                let provisioning_handle = self.session(&name).handle;
                self.send(&get_key_handle::Request { provisioning_handle, id: id(step.name(1)) })?;
            }
            _ => {
                let session = self.session(&name).clone();
                let request = get_provisioning_session::Request {
                    server_session_id: session.server_session_id,
                    client_session_id: session.client_session_id,
                    issuer_uri: step.take("uri").unwrap_or(&session.issuer_uri).into(),
                };
                self.send(&request)?;
            }
        }
        Ok(())
    }

    fn operate(&mut self, step: &mut Step<'_>) -> Result<(), Refused> {
        let key_handle = self.key(step.name(0));
        let pin = secret(step.text("pin", ""));
        let parameters = step.text("parameters", "").into();
        match step.verb {
            "sign" => self.send(&sign_hashed_data::Request {
                key_handle,
                signature_algorithm: step.uri("algorithm", "ecdsa-sha256").into(),
                pin,
                hashed_data: vec![7; step.number("bytes", 32)],
            }),
            "decrypt" => self.send(&asymmetric_key_decrypt::Request {
                key_handle,
                parameters,
                encryption_algorithm: step.uri("algorithm", "rsa-oaep").into(),
                pin,
                data: vec![7; step.number("bytes", 128)],
            }),
            "hmac" => self.send(&perform_hmac::Request {
                key_handle,
                hmac_algorithm: step.uri("algorithm", "hmac-sha1").into(),
                pin,
                data: vec![7; step.number("bytes", 10)],
            }),
            "encrypt" => self.send(&symmetric_key_encrypt::Request {
                key_handle,
                encrypt_mode: !step.flag("back"),
                iv: vec![7; step.number("iv", 16)],
                encryption_algorithm: step.uri("algorithm", "aes128-cbc").into(),
                pin,
                data: Secret::new(vec![7; step.number("bytes", 16)]),
            }),
            _ => {
                let public_key = match step.text("peer", "good") {
                    "good" => EphemeralKey::generate().expect("a key").public_der().to_vec(),
                    "other-curve" => other_curve(),
                    garbage => garbage.into(),
                };
                let algorithm = step.uri("algorithm", "algorithm.ecdh").into();
                self.send(&key_agreement::Request { key_handle, parameters, algorithm, pin, public_key })
            }
        }
    }

    fn manage(&mut self, step: &mut Step<'_>) -> Result<(), Refused> {
        let key_handle = self.key(step.name(0));
        match step.verb {
            "verify" => self.send(&verify_pin::Request { key_handle, pin: secret(step.text("pin", "")) }),
            "unlock" => self.send(&unlock_key::Request { key_handle, authorization: secret(step.text("puk", "")) }),
            "change-pin" => self.send(&change_pin::Request {
                key_handle,
                pin: secret(step.text("pin", "")),
                new_pin: secret(step.text("new", "")),
            }),
            "set-pin" => self.send(&set_pin::Request {
                key_handle,
                puk: secret(step.text("puk", "")),
                new_pin: secret(step.text("new", "")),
            }),
            "delete" => {
                let optional_authorization = secret(step.text("with", ""));
                self.send(&delete_key::Request { key_handle, optional_authorization })
            }
            "export" => {
                let optional_authorization = secret(step.text("with", ""));
                self.send(&export_key::Request { key_handle, optional_authorization })
            }
            _ => {
                let extension_type = step.text("type", "urn:x").into();
                self.send(&get_extension_object::Request { key_handle, extension_type })
            }
        }
    }

    /// Steps that look at the token, or at its surroundings.
    fn look(&mut self, step: &mut Step<'_>) -> Result<(), Refused> {
        let line = self.stage.line();
        match step.verb {
            "errors" => {
                let request = get_key_protection_info::Request { key_handle: self.key(step.name(0)) };
                let info = line.call(&request)?;
                let expected = (step.number("pin", 0), step.number("puk", 0));
                assert_eq!((info.pin_error_count, info.puk_error_count), expected, "{}", step.at);
            }
            "keys" => {
                let (mut count, mut at) = (0, NO_HANDLE);
                while let Enumerated::Next { handle, .. } =
                    line.call(&enumerate_keys::Request { key_handle: KeyHandle(at) })?.next
                {
                    (count, at) = (count + 1, handle);
                }
                assert_eq!(step.name(0), count.to_string(), "{}", step.at);
            }
            "sessions" => {
                let (mut count, mut at) = (0, NO_HANDLE);
                let from =
                    |at| enumerate_provisioning_sessions::Request { provisioning_handle: ProvisioningHandle(at) };
                while let Enumerated::Next { handle, .. } = line.call(&from(at))?.next {
                    (count, at) = (count + 1, handle);
                }
                assert_eq!(step.name(0), count.to_string(), "{}", step.at);
            }
            "wait" => self.stage.wait(Duration::from_secs(step.name(0).parse().expect("seconds"))),
            "restart" => {
                let full = step.flag("full");
                self.stage.restart(full);
            }
            "call" => return self.raw(step),
            other => panic!("{}: there is no step {other}", step.at),
        }
        Ok(())
    }

    /// Bytes in hex; a session's name stands for its handle.
    fn raw(&mut self, step: &Step<'_>) -> Result<(), Refused> {
        let mut call = Vec::new();
        for word in &step.names {
            match hex::decode(word) {
                Ok(bytes) => call.extend(bytes),
                Err(_) => call.extend(self.session(word).handle.0.to_be_bytes()),
            }
        }
        let answer = self.stage.line().bytes(&call);
        match answer.split_first() {
            Some((0, _)) => Ok(()),
            Some((status, rest)) => Err(Refused {
                status: Status::from_value(*status).expect("a status of the table"),
                text: String::from_utf8_lossy(rest.get(2..).unwrap_or_default()).into_owned(),
            }),
            None => panic!("{}: an empty answer", step.at),
        }
    }
}

/// A public key that is not on P-256: the point of one, said to be on another curve.
fn other_curve() -> Vec<u8> {
    let mut spki = golden("key_public_der");
    // The last arc of prime256v1, which makes it prime239v3.
    spki[22] = 6;
    spki
}
