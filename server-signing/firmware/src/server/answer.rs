//! One call: read, done, its answer written.

use std::time::Instant;

use tw4s_formats::{Format, List, Octets, Text};
use zeroize::Zeroizing;

use super::admissions::Admissions;
use crate::error::FirmwareError;
use crate::firmware::{Admitted, Firmware, KeyOrder, SignOrder};
use crate::protocol::{
    ADMINISTER, ADMIT, ANCHOR, Administration, AdmitCall, Certificates, Empty, FORGET, FORGOTTEN,
    FORGOTTEN_IS_RECORDED, Frame, GENERATE, GenerateAnswer, GenerateCall, INTEGRITY_KEY, Import, SET_IDP_KEYS, SIGN,
    SIGN_CHECKPOINT, STATUS, Signatures, StatusAnswer, VERIFY_CHECKPOINT, VERIFY_MESSAGE, VERIFY_TOKEN,
    VERIFY_WRAPPED_KEY, Value, Verdict, VerifyCheckpointCall, VerifyMessageCall, VerifyTokenCall, spec_of,
};

/// A body.
type Body = Zeroizing<Vec<u8>>;

/// Does what a call asks. `admissions` are those of its connection.
pub(super) fn answer(
    firmware: &Firmware,
    admissions: &mut Admissions<Admitted>,
    call: &Frame,
) -> Result<Body, FirmwareError> {
    let body = call.body();
    match call.code() {
        STATUS => read::<Empty>(body).and_then(|_| status(firmware)),
        GENERATE => generate(firmware, &read(body)?),
        VERIFY_TOKEN => verify_token(firmware, read(body)?),
        VERIFY_MESSAGE => verify_message(firmware, &read(body)?),
        ADMIT => write(&admissions.keep(admit(firmware, read(body)?)?, Instant::now())?),
        SIGN => sign(firmware, admissions.take(&read(body)?, Instant::now())?),
        FORGET => {
            drop(admissions.take(&read(body)?, Instant::now())?);
            write(&Empty {})
        }
        INTEGRITY_KEY => {
            read::<Empty>(body)?;
            Ok(Zeroizing::new(firmware.integrity_key().to_vec()))
        }
        SIGN_CHECKPOINT => value(firmware.sign_checkpoint(read::<Value>(body)?.value.as_bytes())?),
        VERIFY_CHECKPOINT => {
            let call = read::<VerifyCheckpointCall>(body)?;
            let valid = firmware.verify_checkpoint(call.checkpoint.as_bytes(), call.signature.as_bytes());
            write(&Verdict { valid })
        }
        VERIFY_WRAPPED_KEY => {
            let valid = firmware.verify_wrapped_key(read::<Value>(body)?.value.as_bytes());
            write(&Verdict { valid })
        }
        SET_IDP_KEYS => {
            let import = Import::decode(body)?;
            firmware.set_idp_keys(&import.logons, &import.certificates)?;
            write(&Empty {})
        }
        ANCHOR => {
            let call = read::<Value>(body)?;
            let sam = call.value.as_bytes().try_into().map_err(|_| FirmwareError::Malformed)?;
            let anchor = firmware.anchor(sam);
            value(anchor.map(|(number, hash)| [&number.to_be_bytes()[..], &hash].concat()).unwrap_or_default())
        }
        FORGOTTEN => {
            let call = read::<Value>(body)?;
            write(&firmware.forgotten(call.value.as_bytes().try_into().map_err(|_| FirmwareError::Malformed)?)?)
        }
        FORGOTTEN_IS_RECORDED => {
            firmware.forgotten_is_recorded(&read(body)?)?;
            write(&Empty {})
        }
        ADMINISTER => {
            let order = Administration::decode(body)?;
            firmware.administer(&order.logons, &order.changes)?;
            write(&Empty {})
        }
        _ => Err(FirmwareError::Malformed),
    }
}

fn status(firmware: &Firmware) -> Result<Body, FirmwareError> {
    let status = firmware.status();
    write(&StatusAnswer {
        sam_id: Text::new(status.sam_id).map_err(failed)?,
        module_key_id: Text::new(status.module_key_id).map_err(failed)?,
        generation: status.generation,
        idps: u16::try_from(status.idps).unwrap_or(u16::MAX),
        signing_key: Octets::new(status.signing_key).map_err(failed)?,
        checkpoint_key: Octets::new(status.checkpoint_key).map_err(failed)?,
    })
}

fn generate(firmware: &Firmware, call: &GenerateCall) -> Result<Body, FirmwareError> {
    let spec = spec_of(call.spec).ok_or(FirmwareError::Unsupported)?;
    let (key_id, user_id) = (call.key_id.as_str(), call.user_id.as_str());
    let key = firmware.generate(&KeyOrder { key_id, user_id, spec, created: call.created })?;
    write(&GenerateAnswer {
        wrapped_key: Octets::new(key.wrapped_key).map_err(failed)?,
        public_key: Octets::new(key.public_key).map_err(failed)?,
        csr: Octets::new(key.csr).map_err(failed)?,
    })
}

fn verify_token(firmware: &Firmware, call: VerifyTokenCall) -> Result<Body, FirmwareError> {
    let registered = call.registered.map(certificates);
    value(firmware.verify_token(call.token.as_bytes(), registered.as_deref())?)
}

fn verify_message(firmware: &Firmware, call: &VerifyMessageCall) -> Result<Body, FirmwareError> {
    let (certificate, algorithm) = (call.certificate.as_bytes(), call.algorithm.as_bytes());
    firmware.verify_message(certificate, algorithm, call.message.as_bytes(), call.signature.as_bytes())?;
    write(&Empty {})
}

fn admit(firmware: &Firmware, call: AdmitCall) -> Result<Admitted, FirmwareError> {
    let AdmitCall { sad, user_id, registered, wrapped_key } = call;
    let registered = certificates(registered);
    let (user_id, wrapped_key) = (user_id.as_str(), wrapped_key.as_ref().map(Octets::as_bytes));
    firmware.admit(&SignOrder { sad: sad.as_bytes(), user_id, registered: &registered, wrapped_key })
}

fn sign(firmware: &Firmware, admitted: Admitted) -> Result<Body, FirmwareError> {
    let signatures = firmware.sign(admitted)?;
    let signatures = signatures.into_iter().map(Octets::new).collect::<Result<_, _>>().map_err(failed)?;
    write(&Signatures { signatures: List::new(signatures).map_err(failed)? })
}

fn certificates(list: Certificates) -> Vec<Vec<u8>> {
    list.into_vec().into_iter().map(Octets::into_bytes).collect()
}

fn read<T: Format>(body: &[u8]) -> Result<T, FirmwareError> {
    T::parse(body).map_err(|_| FirmwareError::Malformed)
}

fn value(bytes: Vec<u8>) -> Result<Body, FirmwareError> {
    write(&Value { value: Octets::new(bytes).map_err(failed)? })
}

fn write<T: Format>(value: &T) -> Result<Body, FirmwareError> {
    value.to_bytes().map(Zeroizing::new).map_err(failed)
}

fn failed(_: tw4s_formats::Error) -> FirmwareError {
    FirmwareError::Failed
}
