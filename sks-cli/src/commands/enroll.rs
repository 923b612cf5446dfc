//! `sks enroll`: a key and a certificate from an emulated local issuer.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::json;
use sks_client::paths;
use sks_issuer::ca::{Ca, CaError, Leaf, LocalCa, Subject};
use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;
use sks_wire::types::{Choice, DeletePolicy, ExportPolicy, KeyAlgorithm, KeyUsage};

use crate::args::Common;
use crate::exit::Failure;
use crate::output::certificate::Summary;
use crate::output::file::{self, Output};
use crate::output::{self, Fields, base64, safe};
use crate::secrets;

mod local;

use local::{EnrollError, Enrolled, Wish};

/// What the key is to be.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The key's FriendlyName, and its certificate's common name
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// Type and size of the key
    #[arg(long = "type", value_name = "TYPE", default_value = "p256")]
    key_type: KeyType,
    /// What the key is for
    #[arg(long, default_value = "universal")]
    usage: Usage,
    /// Make a key without a PIN
    #[arg(long, conflicts_with_all = ["new_pin_file", "with_puk", "puk_file"])]
    no_pin: bool,
    /// Ask for a PUK that unlocks the PIN; --puk-file alone means the same
    #[arg(long)]
    with_puk: bool,
    /// Let the key be exported: with its PIN, if it has one
    #[arg(long)]
    exportable: bool,
    /// What deleting the key asks for
    #[arg(long, value_name = "POLICY", default_value = "none")]
    delete_policy: Delete,
    /// An e-mail address for the certificate
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// A DNS name for the certificate; may be repeated
    #[arg(long, value_name = "NAME")]
    dns: Vec<String>,
    /// The private key, in PEM, of the CA that certifies [default: a local CA, made at first use]
    #[arg(long, value_name = "FILE", requires = "ca_cert")]
    ca_key: Option<PathBuf>,
    /// That CA's certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "ca_key")]
    ca_cert: Option<PathBuf>,
    /// Write the certificate path in PEM to this file, the key's own first
    #[arg(long, value_name = "FILE")]
    out_cert: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KeyType {
    P256,
    Rsa2048,
    Rsa3072,
    Rsa4096,
}

/// The usages that a local issuer has a use for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Usage {
    Signature,
    Authentication,
    Encryption,
    Universal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Delete {
    None,
    Pin,
    Puk,
}

/// Enrolls.
pub(crate) fn run(common: &Common, args: Args) -> Result<(), Failure> {
    secrets::stdin_once(common, false)?;
    let has_puk = args.with_puk || common.puk_file.is_some();
    match args.delete_policy {
        Delete::Pin if args.no_pin => return Err(Failure::usage("--delete-policy pin needs a PIN")),
        Delete::Puk if !has_puk => return Err(Failure::usage("--delete-policy puk needs --puk-file or --with-puk")),
        _ => {}
    }
    let leaf = leaf(&args)?;
    let mut token = common.connect()?;
    let ca = Authority::open(&args)?;
    let pin = (!args.no_pin).then(|| secrets::new_pin(common)).transpose()?;
    let puk = has_puk.then(|| secrets::new_puk(common)).transpose()?;
    let out = args.out_cert.as_deref().map(Output::public).transpose()?;
    let wish = wish(&args, leaf, pin, puk);
    let enrolled = local::enroll(|call: &[u8]| token.call_raw(call), ca.get(), &wish).map_err(failure);
    let enrolled = super::or_discard(enrolled, out.as_ref())?;
    if let Some(out) = out {
        let pem: Result<String, Failure> =
            enrolled.path.iter().map(|der| file::pem("CERTIFICATE", der).map(|pem| pem.to_string())).collect();
        out.write(pem?.as_bytes())?;
    }
    show(common, &wish, &enrolled, &ca)
}

fn leaf(args: &Args) -> Result<Leaf, Failure> {
    let usage = match args.usage {
        Usage::Signature => KeyUsage::Signature,
        Usage::Authentication => KeyUsage::Authentication,
        Usage::Encryption => KeyUsage::Encryption,
        Usage::Universal => KeyUsage::Universal,
    };
    let subject = Subject::common_name(&args.name).map_err(|error| Failure::usage(format!("--name: {error}")))?;
    let mut leaf = Leaf::new(subject, usage);
    leaf.email.clone_from(&args.email);
    leaf.dns_names.clone_from(&args.dns);
    Ok(leaf)
}

fn wish(args: &Args, leaf: Leaf, pin: Option<Secret>, puk: Option<Secret>) -> Wish {
    let rsa = |size| KeyAlgorithm::Rsa { size, exponent: 0 };
    Wish {
        name: args.name.clone(),
        algorithm: match args.key_type {
            KeyType::P256 => KeyAlgorithm::Ecc { curve: Algorithm::P256.uri().into() },
            KeyType::Rsa2048 => rsa(2048),
            KeyType::Rsa3072 => rsa(3072),
            KeyType::Rsa4096 => rsa(4096),
        },
        leaf,
        export_policy: match (args.exportable, &pin) {
            (false, _) => ExportPolicy::NonExportable,
            (true, Some(_)) => ExportPolicy::Pin,
            (true, None) => ExportPolicy::None,
        },
        delete_policy: match args.delete_policy {
            Delete::None => DeletePolicy::None,
            Delete::Pin => DeletePolicy::Pin,
            Delete::Puk => DeletePolicy::Puk,
        },
        pin,
        puk,
    }
}

/// The CA that certifies.
enum Authority {
    Given(Ca),
    Local(LocalCa),
}

impl Authority {
    fn open(args: &Args) -> Result<Self, Failure> {
        match (&args.ca_key, &args.ca_cert) {
            (Some(key), Some(certificate)) => {
                Ca::load(key, certificate).map(Self::Given).map_err(Failure::doing("loading the CA"))
            }
            _ => {
                let directory = paths::defaults().local_ca;
                LocalCa::open_or_create(&directory).map(Self::Local).map_err(Failure::doing("opening the local CA"))
            }
        }
    }

    fn get(&self) -> &Ca {
        match self {
            Self::Given(ca) => ca,
            Self::Local(local) => local,
        }
    }
}

fn failure(error: EnrollError<sks_client::Error>) -> Failure {
    match error {
        EnrollError::Session(sks_issuer::Error::Argument(error)) => Failure::usage(error.to_string()),
        EnrollError::Session(error) => error.into(),
        EnrollError::Ca(error @ (CaError::AlternativeName | CaError::Subject(_))) => Failure::usage(error.to_string()),
        EnrollError::Ca(error) => Failure::doing("certifying the key")(error),
        EnrollError::Id(error) => Failure::other(error),
    }
}

fn show(common: &Common, wish: &Wish, enrolled: &Enrolled, ca: &Authority) -> Result<(), Failure> {
    let summary = Summary::of_path(&enrolled.path);
    if common.json {
        return output::json(&json!({
            "key_handle": enrolled.key.0,
            "provisioning_handle": enrolled.session.0,
            "id": enrolled.id.as_str(),
            "key_usage": wish.leaf.usage.name(),
            "friendly_name": wish.name,
            "issuer_uri": local::ISSUER_URI,
            "export_policy": wish.export_policy.name(),
            "delete_policy": wish.delete_policy.name(),
            "x509_certificate": enrolled.path.iter().map(|der| base64(der)).collect::<Vec<_>>(),
            "certificate": summary.map(|summary| summary.json()),
        }));
    }
    let mut fields = Fields::default();
    fields.add("Key", enrolled.key.to_string());
    fields.add("Name", safe(&wish.name));
    if let Some(summary) = &summary {
        fields.add("Type", safe(&summary.key_algorithm));
        fields.add("Subject", summary.safe_subject());
        fields.add("Issuer", safe(&summary.issuer));
        fields.add("Valid", format!("{} to {}", summary.not_before, summary.not_after));
    }
    if let Authority::Local(local) = ca {
        fields.add("CA certificate", local.certificate_file().display().to_string());
    }
    fields.add("PIN", if wish.pin.is_some() { local::PIN_POLICY_ID } else { "none" });
    output::bytes(fields.to_string().as_bytes())
}
