//! An instance that runs, with a signer who has a key, and what is sent to it.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest as _, Sha256};
use tw4s_formats::operation::{
    CreateNewSigner, GenerateSignerKeyPair, GenerateSignerKeyPairResult, KeySpecification, Operation, Signing,
};
use tw4s_formats::{
    Digest, ErrorResponse, HashAlgorithm, LevelOfAssurance, List, ObjectIdentifier, Octets, SubjectPublicKeyInfoOwned,
    Text,
};
use tw4s_sam::audit::Entry;
use tw4s_sam::ports::Read as _;
use tw4s_store::{Options, SamStore};

use crate::support::Stage;
use crate::support::parties::{self, Authority, Key, uuid, verifies};

const MINUTES: Duration = Duration::from_secs(300);
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// A running instance with a signer who has a key.
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    pub(crate) idp: Authority,
    pub(crate) privileged: String,
    pub(crate) signer: String,
    pub(crate) key: String,
    pub(crate) public: SubjectPublicKeyInfoOwned,
}

/// A signing's request, and what it should sign.
pub(crate) struct Order {
    pub(crate) request: Vec<u8>,
    /// SHA-256 of the SADTBS, hex: its name in the audit log.
    pub(crate) sad: String,
    pub(crate) document: Vec<u8>,
}

pub(crate) type Answer<T> = Result<T, ErrorResponse>;

impl Scene {
    pub(crate) fn new() -> Self {
        Self::on(Stage::initialised())
    }

    /// The same on a stage whose firmware is initialised.
    pub(crate) fn on(stage: Stage) -> Self {
        let idp = Authority::new("CN=Test IdP").unwrap();
        let (privileged, signer) = (uuid().unwrap(), uuid().unwrap());
        fs::write(stage.path("idp.der"), idp.certificate()).unwrap();
        let administrators = ["LogonPass=anna,file:$anna", "LogonPass=bert,file:$bert"];
        stage.ok(&[&["manageFW", "setidpkeys"], &administrators[..], &["$idp.der"]].concat());
        stage.ok(&["manageSAM", "start", "1"]);
        stage.ok(&["manageSAM", "enrol", "1", "PrivilegedUser", &privileged, "$idp.der"]);
        let mut scene = Self {
            stage,
            idp,
            privileged,
            signer,
            key: String::new(),
            public: Key::generate().unwrap().spki().clone(),
        };
        let made = scene.signer_with_key(&scene.signer);
        scene.public = made.public_key().unwrap().tbs.spki.clone();
        scene.key = made.keyid.to_string();
        scene
    }

    /// Another signer with a key.
    pub(crate) fn new_signer(&self) {
        self.signer_with_key(&uuid().unwrap());
    }

    fn signer_with_key(&self, signer: &str) -> GenerateSignerKeyPairResult {
        let certificates = List::new(vec![Octets::new(self.idp.certificate()).unwrap()]).unwrap();
        let create = CreateNewSigner { userid: Text::new(signer).unwrap(), certificates };
        self.ask(&create, &self.privileged).unwrap();
        let generate = GenerateSignerKeyPair::new(signer, KeySpecification::Ec { curve: P256 }).unwrap();
        self.ask(&generate, signer).unwrap()
    }

    pub(crate) fn connect(&self) -> UnixStream {
        UnixStream::connect(self.stage.path("home/sam1/socket")).unwrap()
    }

    pub(crate) fn ask<O: Operation>(&self, operation: &O, user: &str) -> Answer<O::Result> {
        let token = self.idp.login(user, LevelOfAssurance::Substantial, MINUTES).unwrap();
        let request = parties::request(operation, &token).unwrap();
        parties::answer::<O>(&call(&mut self.connect(), &request).unwrap()).unwrap()
    }

    pub(crate) fn order(&self) -> Order {
        let document = parties::random::<32>().unwrap().to_vec();
        let temporary = Key::generate().unwrap();
        let token = self.idp.login(&self.signer, LevelOfAssurance::Substantial, MINUTES).unwrap();
        let token = self.idp.extend(&token, &temporary, MINUTES).unwrap();
        let hashes = [Sha256::digest(&document).to_vec()];
        let sad = parties::sad(&temporary, &token, &self.key, HashAlgorithm::Digest(Digest::Sha256), &hashes).unwrap();
        let request = parties::request(&Signing::new(&sad).unwrap(), &token).unwrap();
        Order { request, sad: hex::encode(Sha256::digest(sad.tbs.der())), document }
    }

    /// The signature that was answered; the error otherwise.
    pub(crate) fn signature(&self, order: &Order, answer: &[u8]) -> Answer<()> {
        let result = parties::answer::<Signing>(answer).unwrap()?;
        assert_eq!(result.sigbin.len(), 1);
        assert!(verifies(&self.public, &order.document, result.sigbin[0].as_bytes()));
        Ok(())
    }

    /// Signs something; panics if that is refused.
    pub(crate) fn sign(&self) {
        let order = self.order();
        self.signature(&order, &call(&mut self.connect(), &order.request).unwrap()).unwrap();
    }

    /// The audit log, after a check and a stop.
    pub(crate) fn audit(&self) -> Vec<Entry> {
        assert_eq!(self.stage.ok(&["manageSAM", "integrity", "data"]), "Data integrity check ... ok\n");
        self.stage.ok(&["manageSAM", "stop", "1"]);
        let store = self.store();
        let head = usize::try_from(store.audit_head().unwrap().unwrap().number).unwrap();
        let mut entries = Vec::new();
        while entries.len() < head {
            let rows = store.audit(entries.len() as u64 + 1, 100).unwrap();
            entries.extend(rows.iter().map(|row| row.entry().unwrap()));
        }
        entries
    }

    pub(crate) fn store(&self) -> SamStore {
        SamStore::open(&self.stage.path("home/sam1/state"), &Options::default()).unwrap()
    }

    pub(crate) fn kill(&self, process: &str) {
        kill_process(Pid::from_raw(self.stage.pid(process)).unwrap(), Signal::KILL).unwrap();
    }
}

pub(crate) fn call(stream: &mut UnixStream, request: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(&u32::try_from(request.len()).unwrap().to_be_bytes())?;
    stream.write_all(request)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}
