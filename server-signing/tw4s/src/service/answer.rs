//! What the sockets of an instance answer.

use std::sync::Arc;

use tracing::{error, info, warn};
use tw4s_formats::limit::{MAX_CERTIFICATE_LEN, MAX_CERTIFICATES, MAX_REQUEST_LEN};
use tw4s_sam::Sam;

use crate::control::{self, Call};
use crate::listen::Handler;

/// Peering messages.
pub(super) struct Peering(Arc<Sam>);

impl Peering {
    pub(super) fn new(sam: Arc<Sam>) -> Self {
        Self(sam)
    }
}

impl Handler for Peering {
    fn max_call(&self) -> usize {
        MAX_REQUEST_LEN
    }

    fn answer(&self, call: &[u8]) -> Vec<u8> {
        let handled = self.0.handle(call);
        for line in &handled.log {
            info!("{line}");
        }
        handled.answer
    }

    /// Nothing of it was read, which is no message either: ContainerParseError.
    fn too_long(&self) -> Vec<u8> {
        self.answer(&[])
    }
}

/// Management.
pub(super) struct Management(Arc<Sam>);

impl Management {
    pub(super) fn new(sam: Arc<Sam>) -> Self {
        Self(sam)
    }

    fn check(&self) -> Result<String, String> {
        let report = self.0.check_data(None).map_err(|error| error.to_string())?;
        let found = format!("{} users, {} objects, {} audit records", report.users, report.objects, report.records);
        if report.is_ok() {
            info!(found, "the data are in order");
            return Ok(found);
        }
        for fault in &report.faults {
            error!(fault, "the data are not in order");
        }
        Err(format!("{found}: {}", report.faults.join("; ")))
    }

    fn enrol(&self, call: Call) -> Result<String, String> {
        let Call::Enrol(role, user) = call else { return self.check() };
        let id = user.userid.as_str().parse().map_err(|_| "the user's id is no UUID in lower case".to_owned())?;
        let certificates: Vec<Vec<u8>> = user.certificates.iter().map(|der| der.as_bytes().to_vec()).collect();
        // Only the owner of the home reaches this socket.
        let administrator = format!("uid {}", rustix::process::geteuid().as_raw());
        self.0.enrol(role, id, &certificates, &[administrator]).map_err(|error| error.to_string())?;
        info!(user = %user.userid, %role, "enrolled");
        Ok("enrolled".to_owned())
    }
}

impl Handler for Management {
    fn max_call(&self) -> usize {
        MAX_CERTIFICATES * MAX_CERTIFICATE_LEN + 4096
    }

    fn answer(&self, call: &[u8]) -> Vec<u8> {
        let Some(call) = Call::decode(call) else { return self.too_long() };
        control::encode(self.enrol(call))
    }

    fn too_long(&self) -> Vec<u8> {
        warn!("a call of management is none");
        control::encode(Err("no such call".to_owned()))
    }
}
