//! Records: a version byte, then the fields in the order of the lists below.
//!
//! A record that gets another field gets another version, which is then read beside the old one. Each list names
//! every field of its struct, so a field that the core adds does not compile until it has a place here.

use sks_core::record::{
    Address, Extension, Identity, Key, Material, Pending, PinGroup, PinPolicy, PukPolicy, Record, Session,
};

use super::read::{Fault, Kind, Load, Reader, choice as load_choice};
use super::write::{Save, Writer, choice as save_choice};

/// The version of every record so far.
const VERSION: u8 = 1;

/// Appends `record`; `false`, and nothing of use written, if it is not of the kind that belongs at this address.
#[must_use]
pub(crate) fn encode(at: &Address, record: &Record, to: &mut Writer) -> bool {
    to.write(&VERSION);
    match (at, record) {
        (Address::Identity, Record::Identity(record)) => to.write(record),
        (Address::Counter(_) | Address::ClientSessionId(_) | Address::Name(..), Record::Number(number)) => {
            to.write(number);
        }
        (Address::OpenSession(_), Record::Time(time)) => to.write(time),
        (
            Address::SessionKey(..) | Address::PolicyGroup(..) | Address::GroupKey(..) | Address::PukPin(..),
            Record::Mark,
        ) => {}
        (Address::Session(_), Record::Session(record)) => to.write(record),
        (Address::Pending(..), Record::Pending(record)) => to.write(record),
        (Address::Key(_), Record::Key(record)) => to.write(record),
        (Address::Material(_), Record::Material(record)) => to.write(record),
        (Address::Extension(..), Record::Extension(record)) => to.write(record),
        (Address::PinPolicy(_), Record::PinPolicy(record)) => to.write(record),
        (Address::PukPolicy(_), Record::PukPolicy(record)) => to.write(record),
        (Address::PinGroup(_), Record::PinGroup(record)) => to.write(record),
        _ => return false,
    }
    true
}

/// Reads what [`encode`] wrote for this address.
pub(crate) fn decode(at: &Address, bytes: &[u8]) -> Result<Record, Fault> {
    let mut from = Reader::new(bytes);
    match from.read()? {
        VERSION => {}
        other => return Err(Fault { kind: Kind::Version(other), at: 0 }),
    }
    let record = match at {
        Address::Identity => Record::Identity(from.read()?),
        Address::Counter(_) | Address::ClientSessionId(_) | Address::Name(..) => Record::Number(from.read()?),
        Address::OpenSession(_) => Record::Time(from.read()?),
        Address::SessionKey(..) | Address::PolicyGroup(..) | Address::GroupKey(..) | Address::PukPin(..) => {
            Record::Mark
        }
        Address::Session(_) => Record::Session(from.read()?),
        Address::Pending(..) => Record::Pending(from.read()?),
        Address::Key(_) => Record::Key(from.read()?),
        Address::Material(_) => Record::Material(from.read::<Material>()?),
        Address::Extension(..) => Record::Extension(from.read()?),
        Address::PinPolicy(_) => Record::PinPolicy(from.read()?),
        Address::PukPolicy(_) => Record::PukPolicy(from.read()?),
        Address::PinGroup(_) => Record::PinGroup(from.read()?),
    };
    from.end()?;
    Ok(record)
}

/// The layouts. A field is written by its type, unless a word says how: `choice` a vocabulary of the text, `padded` a
/// secret whose length is hidden.
macro_rules! records {
    ($($name:ident { $($field:ident $($how:ident)?),* $(,)? })*) => {$(
        impl Save for $name {
            fn save(&self, to: &mut Writer) {
                let Self { $($field),* } = self;
                $(records!(@save to $field $($how)?);)*
            }
        }

        impl Load for $name {
            fn load(from: &mut Reader<'_>) -> Result<Self, Fault> {
                $(let $field = records!(@load from $($how)?);)*
                Ok(Self { $($field),* })
            }
        }
    )*};
    (@save $to:ident $field:ident) => { $to.write($field) };
    (@save $to:ident $field:ident choice) => { save_choice($to, *$field) };
    (@save $to:ident $field:ident padded) => { $to.padded($field) };
    (@load $from:ident) => { $from.read()? };
    (@load $from:ident choice) => { load_choice($from)? };
    (@load $from:ident padded) => { $from.padded()? };
}

records! {
    Identity { private_key, certificates }
    Session {
        open, session_key, mac_sequence_counter, session_key_uses, session_key_limit, client_session_id,
        server_session_id, issuer_uri, updatable, client_time, session_life_time,
    }
    Pending { owner, new_key }
    Key {
        session, provisioned, id, pin_group, biometric_protection choice, private_key_backup, export_policy choice,
        updatable, delete_policy choice, enable_pin_caching, import_private_key, key_usage choice, friendly_name, spec,
        public_key, restored, certificates, endorsed_algorithms, extension_types, replaces,
    }
    Extension { base_type choice, qualifier, data }
    PinPolicy {
        session, id, puk_policy, user_defined, user_modifiable, format choice, retry_limit, grouping choice,
        pattern_restrictions, min_length, max_length, input_method choice,
    }
    PukPolicy { session, id, puk padded, format choice, retry_limit, error_count }
    PinGroup { policy, signature, pin padded, error_count }
}

#[cfg(test)]
mod tests;
