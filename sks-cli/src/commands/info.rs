//! `sks info`: what the token is and what it supports.

use serde_json::json;
use sks_wire::method::get_device_info::{Request, Response};

use crate::args::Common;
use crate::exit::Failure;
use crate::output::certificate::Summary;
use crate::output::{self, Fields, base64, safe, safe_bytes, yes};

/// It has no arguments of its own.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

/// Shows getDeviceInfo.
pub(crate) fn run(common: &Common, _args: Args) -> Result<(), Failure> {
    let info = common.connect()?.get_device_info(&Request {})?;
    if common.json { output::json(&as_json(&info)) } else { output::bytes(as_fields(&info).to_string().as_bytes()) }
}

fn as_json(info: &Response) -> serde_json::Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    json!({
        "api_level": info.api_level,
        "vendor_name": text(&info.vendor_name.0),
        "vendor_description": text(&info.vendor_description.0),
        "x509_certificate": info.x509_certificate.0.iter().map(|der| base64(der)).collect::<Vec<_>>(),
        "algorithm": info.algorithm.0.iter().map(|uri| text(&uri.0)).collect::<Vec<_>>(),
        "rsa_exponent_support": info.rsa_exponent_support,
        "rsa_key_size": info.rsa_key_size.0,
        "extension_data_size": info.extension_data_size,
        "device_pin_support": info.device_pin_support,
        "biometric_support": info.biometric_support,
        "certificate": Summary::of_path(&info.x509_certificate.0).map(|summary| summary.json()),
    })
}

fn as_fields(info: &Response) -> Fields {
    let mut fields = Fields::default();
    fields.add("Vendor", safe_bytes(&info.vendor_name.0));
    fields.add("Description", safe_bytes(&info.vendor_description.0));
    fields.add("API level", info.api_level.to_string());
    match Summary::of_path(&info.x509_certificate.0) {
        Some(device) => {
            fields.add("Device certificate", device.safe_subject());
            fields.add("  issued by", safe(&device.issuer));
            fields.add("  valid", format!("{} to {}", device.not_before, device.not_after));
        }
        None => fields.add("Device certificate", "unreadable"),
    }
    let sizes: Vec<String> = info.rsa_key_size.0.iter().map(u16::to_string).collect();
    fields.add("RSA key sizes", sizes.join(", "));
    fields.add("RSA exponent may be chosen", yes(info.rsa_exponent_support));
    fields.add("Largest extension", format!("{} bytes", info.extension_data_size));
    fields.add("Device PIN", yes(info.device_pin_support));
    fields.add("Biometric protection", yes(info.biometric_support));
    fields.list("Algorithms", info.algorithm.0.iter().map(|uri| safe_bytes(&uri.0)));
    fields
}
