//! The rows: each call of the token that is measured, with one client and with two.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sks_client::Client;
use sks_core::ports::KeySpec;
use sks_issuer::ca::{Ca, Leaf, Subject};
use sks_issuer::{KeyOptions, PinPolicyOptions, Protection, PukPolicyOptions, Session, SessionOptions, Trust};
use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::{
    abort_provisioning_session, create_key_pair, create_provisioning_session, delete_key, enumerate_keys,
    get_device_info, sign_hashed_data,
};
use sks_wire::types::{
    AnyText, Code, DeletePolicy, Enumerated, ExportPolicy, Format, Id, KeyAlgorithm, KeyHandle, KeyUsage, NO_HANDLE,
    PinPolicyHandle, ProvisioningHandle,
};
use zeroize::Zeroizing;

use super::floor::{self, P256, RSA_2048};
use super::load::{self, Call, timed};
use super::report::{Report, Row};
use crate::exit::Failure;

/// As many clients as the machine of the targets has cores.
const MOST_CLIENTS: usize = 2;
/// The PIN and the PUK of the keys that the benchmark makes; they guard nothing.
const PIN: &[u8] = b"1563";
const PUK: &[u8] = b"17644";
const ISSUER: &str = "https://bench.example";

/// A token to be measured.
pub(crate) struct Bench {
    socket: PathBuf,
    folder: PathBuf,
    ca: Ca,
    p256: Vec<KeyHandle>,
    rsa: Vec<KeyHandle>,
    device: get_device_info::Response,
    echo: floor::Echo,
}

impl Bench {
    /// Makes the keys that sign: one for each client and type. `folder` is on the file system of the token's store.
    pub(crate) fn prepare(socket: PathBuf, folder: PathBuf) -> Result<Self, Failure> {
        let device = Client::connect(&socket)?.get_device_info(&get_device_info::Request {})?;
        let ca = Ca::create(&subject()?, 1).map_err(Failure::other)?;
        let echo = floor::Echo::start(&folder)?;
        let mut bench = Self { socket, folder, ca, p256: Vec::new(), rsa: Vec::new(), device, echo };
        for _ in 0..MOST_CLIENTS {
            bench.p256.push(bench.enroll(&KeyOptions::p256(id("Key")?))?.0);
            bench.rsa.push(bench.enroll(&KeyOptions::rsa(id("Key")?, 2048))?.0);
        }
        Ok(bench)
    }

    /// Removes them.
    pub(crate) fn clean(self) -> Result<(), Failure> {
        let mut client = self.client()?;
        for key_handle in self.p256.iter().chain(&self.rsa) {
            let optional_authorization = Secret::default();
            client.delete_key(&delete_key::Request { key_handle: *key_handle, optional_authorization })?;
        }
        Ok(())
    }

    /// A slice of every row.
    pub(super) fn round(&self, slice: Duration, report: &mut Report) -> Result<(), Failure> {
        report.add(Row::Echo, 1, load::run(vec![self.echo.call()?], slice)?);
        report.add(Row::Append, 1, load::run(vec![floor::append(&self.folder)?], slice)?);
        for (spec, sign, generate) in
            [(P256, Row::BareP256, Row::BareP256Key), (RSA_2048, Row::BareRsa, Row::BareRsaKey)]
        {
            report.add(sign, 1, load::run(vec![floor::sign(spec)?], slice)?);
            report.add(generate, 1, load::run(vec![floor::generate(spec)], slice)?);
        }
        report.add(Row::BareSession, 1, load::run(vec![floor::session()?], slice)?);
        for clients in 1..=MOST_CLIENTS {
            self.measure(Row::Info, clients, slice, report, |_| self.info())?;
            self.measure(Row::SignP256, clients, slice, report, |n| self.sign(P256, self.p256.get(n)))?;
            self.measure(Row::SignRsa, clients, slice, report, |n| self.sign(RSA_2048, self.rsa.get(n)))?;
            self.measure(Row::Session, clients, slice, report, |_| self.session())?;
            self.measure(Row::KeyP256, clients, slice, report, |_| self.key_pair(P256))?;
            self.measure(Row::KeyRsa, clients, slice, report, |_| self.key_pair(RSA_2048))?;
            self.measure(Row::Sample, clients, slice, report, |_| Ok(self.sample()))?;
            self.measure(Row::Enumerate, clients, slice, report, |_| self.enumerate())?;
        }
        Ok(())
    }

    fn measure<'a>(
        &'a self,
        row: Row,
        clients: usize,
        slice: Duration,
        report: &mut Report,
        make: impl Fn(usize) -> Result<Call<'a>, Failure>,
    ) -> Result<(), Failure> {
        let calls = (0..clients).map(make).collect::<Result<_, _>>()?;
        report.add(row, clients, load::run(calls, slice)?);
        Ok(())
    }

    fn client(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.socket)?)
    }

    fn info(&self) -> Result<Call<'_>, Failure> {
        let mut client = self.client()?;
        Ok(timed(move || Ok(client.get_device_info(&get_device_info::Request {}).map(|_| ())?)))
    }

    fn sign(&self, spec: KeySpec, key: Option<&KeyHandle>) -> Result<Call<'_>, Failure> {
        let key = *key.ok_or_else(|| Failure::text("the benchmark has no key for this client"))?;
        signer(self.client()?, spec, vec![key])
    }

    fn session(&self) -> Result<Call<'_>, Failure> {
        let mut client = self.client()?;
        let ephemeral = sks_issuer::crypto::EphemeralKey::generate().map_err(Failure::other)?;
        let request = create_provisioning_session::Request {
            session_key_algorithm: Algorithm::Sk1.uri().into(),
            server_session_id: id("S-bench")?,
            server_ephemeral_key: ephemeral.public_der().to_vec(),
            issuer_uri: ISSUER.into(),
            updatable: false,
            client_time: [0; 8],
            session_life_time: 3600,
            session_key_limit: 10,
        };
        Ok(timed(move || {
            let provisioning_handle = client.create_provisioning_session(&request)?.provisioning_handle;
            client.abort_provisioning_session(&abort_provisioning_session::Request { provisioning_handle })?;
            Ok(())
        }))
    }

    /// createKeyPair in one open session, which is aborted with the client's end.
    fn key_pair(&self, spec: KeySpec) -> Result<Call<'_>, Failure> {
        let mut options = SessionOptions::new(ISSUER, Trust::Any);
        options.key_limit = u16::MAX;
        let mut issuing = self.client()?;
        let session = Session::create_on(|call: &[u8]| issuing.call_raw(call), &options, &self.device)?;
        let mut open = Open { client: self.client()?, handle: session.handle() };
        let mut made = 0u32;
        Ok(timed(move || {
            made += 1;
            let request = bare_key_pair(open.handle, &format!("Key.{made}"), spec)?;
            open.client.create_key_pair(&request)?;
            Ok(())
        }))
    }

    /// The text's sample session. What the issuer does itself is not counted: the time is that of the six calls.
    fn sample(&self) -> Call<'_> {
        Box::new(move || {
            let (key_handle, took) = self.enroll(&KeyOptions::p256(id("Key")?))?;
            let optional_authorization = Secret::default();
            self.client()?.delete_key(&delete_key::Request { key_handle, optional_authorization })?;
            Ok(took)
        })
    }

    fn enumerate(&self) -> Result<Call<'_>, Failure> {
        let mut client = self.client()?;
        let mut key_handle = KeyHandle(NO_HANDLE);
        Ok(timed(move || {
            key_handle = match client.enumerate_keys(&enumerate_keys::Request { key_handle })?.next {
                Enumerated::Next { handle, .. } => KeyHandle(handle),
                Enumerated::End => KeyHandle(NO_HANDLE),
            };
            Ok(())
        }))
    }

    /// A key under a PIN and a PUK, certified; and how long the token's six calls took.
    fn enroll(&self, options: &KeyOptions) -> Result<(KeyHandle, Duration), Failure> {
        let mut client = self.client()?;
        let took = std::cell::Cell::new(Duration::ZERO);
        let transport = |call: &[u8]| -> Result<Zeroizing<Vec<u8>>, sks_client::Error> {
            let began = Instant::now();
            let answer = client.call_raw(call);
            took.set(took.get() + began.elapsed());
            answer
        };
        let mut session = Session::create_on(transport, &SessionOptions::new(ISSUER, Trust::Any), &self.device)?;
        let puk = PukPolicyOptions { id: id("PUK")?, puk: Secret::from(PUK), format: Format::Numeric, retry_limit: 3 };
        let puk = session.create_puk_policy(puk)?;
        let policy = session.create_pin_policy(&PinPolicyOptions::new(id("PIN")?), Some(&puk))?;
        let pin = Secret::from(PIN);
        let key = session.create_key_pair(options, Protection::Pin { policy: &policy, pin: &pin })?;
        let leaf = Leaf::new(subject()?, KeyUsage::Universal);
        let path = vec![self.ca.issue(&key.public_key, &leaf).map_err(Failure::other)?];
        let key = session.set_certificate_path(key, &path)?;
        session.close()?;
        Ok((key.handle, took.get()))
    }
}

/// A session that is aborted when the client is done with it.
struct Open {
    client: Client,
    handle: ProvisioningHandle,
}

impl Drop for Open {
    fn drop(&mut self) {
        // A benchmark that ends early leaves no session behind; one that cannot say so changes nothing.
        let _ = self
            .client
            .abort_provisioning_session(&abort_provisioning_session::Request { provisioning_handle: self.handle });
    }
}

/// Signs with one key after the other, sending the PIN.
pub(super) fn signer(mut client: Client, spec: KeySpec, keys: Vec<KeyHandle>) -> Result<Call<'static>, Failure> {
    let mut keys = keys.into_iter().cycle();
    Ok(timed(move || {
        let key_handle = keys.next().ok_or_else(|| Failure::text("there is no key to sign with"))?;
        let request = sign_hashed_data::Request {
            key_handle,
            signature_algorithm: floor::signature_algorithm(spec).uri().into(),
            pin: Secret::from(PIN),
            hashed_data: vec![7; 32],
        };
        client.sign_hashed_data(&request)?;
        Ok(())
    }))
}

fn bare_key_pair(handle: ProvisioningHandle, name: &str, spec: KeySpec) -> Result<create_key_pair::Request, Failure> {
    Ok(create_key_pair::Request {
        provisioning_handle: handle,
        attestation_algorithm: Algorithm::Ka1.uri().into(),
        issuer_seed: [0; 32],
        id: id(name)?,
        pin_policy_handle: PinPolicyHandle(0),
        pin_value: Secret::default(),
        biometric_protection: Code::raw(0),
        private_key_backup: false,
        export_policy: ExportPolicy::NonExportable.into(),
        updatable: false,
        delete_policy: DeletePolicy::None.into(),
        enable_pin_caching: false,
        import_private_key: false,
        key_usage: KeyUsage::Universal.into(),
        friendly_name: "".into(),
        key_algorithm: match spec {
            KeySpec::P256 => KeyAlgorithm::Ecc { curve: AnyText::from(Algorithm::P256.uri()) },
            KeySpec::Rsa { bits, .. } => KeyAlgorithm::Rsa { size: bits, exponent: 0 },
        },
    })
}

fn id(text: &str) -> Result<Id, Failure> {
    Id::new(text).map_err(Failure::other)
}

fn subject() -> Result<Subject, Failure> {
    Subject::common_name("SKS benchmark").map_err(Failure::other)
}
