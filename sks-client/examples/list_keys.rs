//! Lists a token's keys: `cargo run -p sks-client --example list_keys [SOCKET]`.

use std::error::Error;
use std::path::Path;

use sks_client::{Client, paths};
use sks_wire::method::{get_device_info, get_key_protection_info};
use sks_wire::types::protection;

fn main() -> Result<(), Box<dyn Error>> {
    let option = std::env::args_os().nth(1);
    let paths = paths::resolve(None, option.as_deref().map(Path::new));
    let mut token = Client::connect(&paths.socket)?;
    let info = token.get_device_info(&get_device_info::Request {})?;
    println!("{:?}, {:?}", info.vendor_name, info.vendor_description);

    let keys = token.keys().collect::<Result<Vec<_>, _>>()?;
    for listed in keys {
        let request = get_key_protection_info::Request { key_handle: listed.handle };
        // The keys of a session still open are listed, but the token tells no more of them.
        let pin = match token.get_key_protection_info(&request) {
            Ok(info) if info.protection_status & protection::PIN_LOCKED != 0 => "PIN locked",
            Ok(info) if info.protection_status & protection::PIN != 0 => "PIN",
            Ok(_) => "no PIN",
            Err(sks_client::Error::Refused(_)) => "session open",
            Err(other) => return Err(other.into()),
        };
        let key = listed.key;
        println!("{:>6}  {}  {:?}  {:?}  {pin}", listed.handle, key.id, key.key_usage, key.friendly_name);
    }
    Ok(())
}
