//! `sks key`: everything that the token tells about a key.

use serde_json::{Value, json};
use sks_client::{Client, ListedKey};
use sks_wire::method::{enumerate_keys, get_extension_object, get_key_group, get_key_protection_info};
use sks_wire::types::{AnyText, BaseType, Choice, Enumerated, KeyHandle, protection};

use super::{handle, keys};
use crate::args::Common;
use crate::exit::Failure;
use crate::output::certificate::Summary;
use crate::output::{self, Fields, base64, safe, safe_bytes, short_hex, yes};

/// Which key, and which part of it.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The key's handle, as `sks keys` shows it
    #[arg(value_name = "KEY", value_parser = handle)]
    key: u32,
    /// Write the data of the extension object of this type to stdout instead
    #[arg(long, value_name = "URI")]
    extension: Option<String>,
}

/// Shows it.
pub(crate) fn run(common: &Common, args: Args) -> Result<(), Failure> {
    let mut token = common.connect()?;
    let key = KeyHandle(args.key);
    if let Some(extension_type) = &args.extension {
        let object = extension(&mut token, key, extension_type.as_bytes())?;
        return match common.json {
            true => output::json(&extension_json(extension_type.as_bytes(), &object, true)),
            false => output::bytes(object.extension_data.0.expose()),
        };
    }
    let shown = Shown::read(&mut token, key)?;
    if common.json { output::json(&shown.json()) } else { output::bytes(shown.fields().to_string().as_bytes()) }
}

/// What is shown of a key.
struct Shown {
    key: ListedKey,
    protection: get_key_protection_info::Response,
    group: get_key_group::Response,
    extensions: Vec<(AnyText, get_extension_object::Response)>,
}

impl Shown {
    fn read(token: &mut Client, key: KeyHandle) -> Result<Self, Failure> {
        // Refused for a key that is not there, or whose session is open.
        let protection = token.get_key_protection_info(&get_key_protection_info::Request { key_handle: key })?;
        let group = token.get_key_group(&get_key_group::Request { key_handle: key })?;
        // The enumeration tells more than getKeyAttributes, and goes on from any handle.
        let before = enumerate_keys::Request { key_handle: KeyHandle(key.0.saturating_sub(1)) };
        let key = match token.enumerate_keys(&before)?.next {
            Enumerated::Next { handle, item } if handle == key.0 => ListedKey { handle: key, key: item },
            _ => return Err(Failure::text("the key was deleted while it was looked at")),
        };
        let types = &key.key.extension_type.0;
        let object = |of: &AnyText| Ok((of.clone(), extension(token, key.handle, &of.0)?));
        let extensions = types.iter().map(object).collect::<Result<_, Failure>>()?;
        Ok(Self { key, protection, group, extensions })
    }

    fn json(&self) -> Value {
        let mut value = keys::as_json(&self.key);
        if let Some(object) = value.as_object_mut() {
            object.insert("protection".to_owned(), protection_json(&self.protection));
            object.insert("group".to_owned(), group_json(&self.group));
            let extensions = self.extensions.iter().map(|(of, object)| extension_json(&of.0, object, false));
            object.insert("extensions".to_owned(), extensions.collect());
        }
        value
    }

    fn fields(&self) -> Fields {
        let mut fields = Fields::default();
        let key = &self.key.key;
        fields.add("Key", self.key.handle.to_string());
        fields.add("Session", key.provisioning_handle.to_string());
        fields.add("ID", key.id.to_string());
        fields.add("Name", safe_bytes(&key.friendly_name.0));
        fields.add("Usage", format!("{:?}", key.key_usage));
        match Summary::of_path(&key.x509_certificate.0) {
            Some(certificate) => add_certificate(&mut fields, &certificate),
            None => fields.add("Certificate", "unreadable"),
        }
        fields.add("Path", format!("{} certificate(s)", key.x509_certificate.0.len()));
        add_protection(&mut fields, &self.protection, &self.group);
        if !key.endorsed_algorithm.0.is_empty() {
            fields.list("Endorsed algorithms", key.endorsed_algorithm.0.iter().map(|uri| safe_bytes(&uri.0)));
        }
        fields.list(
            "Extensions",
            self.extensions.iter().map(|(of, object)| {
                let data = object.extension_data.0.expose();
                let shown = if is_encrypted(object) { "secret".to_owned() } else { short_hex(data) };
                format!("{} ({:?}, {} bytes: {shown})", safe_bytes(&of.0), object.base_type, data.len())
            }),
        );
        fields
    }
}

fn add_certificate(fields: &mut Fields, certificate: &Summary) {
    fields.add("Type", safe(&certificate.key_algorithm));
    fields.add("Subject", certificate.safe_subject());
    fields.add("Issuer", safe(&certificate.issuer));
    fields.add("Serial number", safe(&certificate.serial_number));
    fields.add("Valid", format!("{} to {}", certificate.not_before, certificate.not_after));
}

fn add_protection(fields: &mut Fields, info: &get_key_protection_info::Response, group: &get_key_group::Response) {
    let has = |bit| info.protection_status & bit != 0;
    if has(protection::PIN) {
        let locked = if has(protection::PIN_LOCKED) { ", LOCKED" } else { "" };
        fields.add("PIN", format!("{} of {} wrong tries{locked}", info.pin_error_count, info.retry_limit));
        let length = format!("{} to {} bytes", info.min_length, info.max_length);
        fields.add("  format", format!("{:?}, {length}, grouping {:?}", info.format, info.grouping));
        fields.add("  user may change it", yes(info.user_modifiable));
        fields.add("  policy", format!("{} (handle {})", safe_bytes(&group.pin_policy_id.0), group.pin_policy_handle));
        fields.add("  shared in group", group.pin_group.to_string());
    } else {
        fields.add("PIN", if has(protection::DEVICE_PIN) { "the device's" } else { "none" });
    }
    match (has(protection::PUK), info.puk_retry_limit) {
        (false, _) => fields.add("PUK", "none"),
        (true, 0) => fields.add("PUK", "any number of tries, each delayed"),
        (true, limit) => {
            let locked = if has(protection::PUK_LOCKED) { ", LOCKED for good" } else { "" };
            fields.add("PUK", format!("{} of {limit} wrong tries{locked}", info.puk_error_count));
        }
    }
    fields.add("Export", format!("{:?}", info.export_policy));
    fields.add("Delete", format!("{:?}", info.delete_policy));
    fields.add("Updatable", yes(info.updatable));
}

fn protection_json(info: &get_key_protection_info::Response) -> Value {
    let has = |bit| info.protection_status & bit != 0;
    json!({
        "protection_status": info.protection_status,
        "pin": has(protection::PIN),
        "puk": has(protection::PUK),
        "pin_locked": has(protection::PIN_LOCKED),
        "puk_locked": has(protection::PUK_LOCKED),
        "device_pin": has(protection::DEVICE_PIN),
        "puk_retry_limit": info.puk_retry_limit,
        "puk_error_count": info.puk_error_count,
        "user_modifiable": info.user_modifiable,
        "format": format!("{:?}", info.format),
        "retry_limit": info.retry_limit,
        "grouping": format!("{:?}", info.grouping),
        "pattern_restrictions": info.pattern_restrictions,
        "min_length": info.min_length,
        "max_length": info.max_length,
        "input_method": format!("{:?}", info.input_method),
        "pin_error_count": info.pin_error_count,
        "biometric_protection": format!("{:?}", info.biometric_protection),
        "private_key_backup": info.private_key_backup,
        "export_policy": format!("{:?}", info.export_policy),
        "updatable": info.updatable,
        "delete_policy": format!("{:?}", info.delete_policy),
        "enable_pin_caching": info.enable_pin_caching,
        "import_private_key": info.import_private_key,
    })
}

fn group_json(group: &get_key_group::Response) -> Value {
    json!({
        "pin_policy_handle": group.pin_policy_handle.0,
        "pin_group": group.pin_group.0,
        "puk_policy_handle": group.puk_policy_handle.0,
        "pin_policy_id": String::from_utf8_lossy(&group.pin_policy_id.0),
    })
}

/// An extension object. What its issuer encrypted is shown only when it was asked for by name.
fn extension_json(of: &[u8], object: &get_extension_object::Response, by_name: bool) -> Value {
    let data = object.extension_data.0.expose();
    json!({
        "extension_type": String::from_utf8_lossy(of),
        "base_type": format!("{:?}", object.base_type),
        "qualifier": String::from_utf8_lossy(&object.qualifier),
        "length": data.len(),
        "extension_data": (by_name || !is_encrypted(object)).then(|| base64(data)),
    })
}

fn is_encrypted(object: &get_extension_object::Response) -> bool {
    object.base_type.value() == BaseType::EncryptedExtension.value()
}

fn extension(token: &mut Client, key: KeyHandle, of: &[u8]) -> Result<get_extension_object::Response, Failure> {
    let request = get_extension_object::Request { key_handle: key, extension_type: of.to_vec() };
    Ok(token.get_extension_object(&request)?)
}
