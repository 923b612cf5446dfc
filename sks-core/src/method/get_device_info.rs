//! Handler; see [`sks_wire::method::get_device_info`].

use sks_wire::algorithm::Algorithm;
use sks_wire::method::get_device_info::{Request, Response};
use sks_wire::types::{AnyText, Text};

use super::add_extension_data::EXTENSION_DATA_SIZE;
use super::create_key_pair::RSA_KEY_SIZES;
use crate::ctx::Ctx;
use crate::refusal::Refusal;

/// "0x0001 => Applies to this API specification".
const API_LEVEL: u16 = 1;

pub(crate) fn handle(ctx: &mut Ctx<'_>, _: Request) -> Result<Response, Refusal> {
    let device = ctx.device;
    Ok(Response {
        api_level: API_LEVEL,
        vendor_name: Text::from(device.config.vendor_name.as_str()),
        vendor_description: Text::from(device.config.vendor_description.as_str()),
        x509_certificate: device.device_path.clone().into(),
        algorithm: Algorithm::ALL.iter().map(|algorithm| AnyText::from(algorithm.uri())).collect::<Vec<_>>().into(),
        rsa_exponent_support: true,
        rsa_key_size: RSA_KEY_SIZES.to_vec().into(),
        extension_data_size: EXTENSION_DATA_SIZE,
        device_pin_support: false,
        biometric_support: false,
    })
}
