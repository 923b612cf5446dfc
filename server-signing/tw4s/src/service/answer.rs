//! What the sockets of an instance answer.

use std::sync::Arc;

use tokio::task::{JoinError, spawn_blocking};
use tracing::{error, info, warn};
use tw4s_formats::Role;
use tw4s_formats::limit::{MAX_CERTIFICATE_LEN, MAX_CERTIFICATES, MAX_REQUEST_LEN};
use tw4s_formats::operation::CreateNewPrivilegedUser;
use tw4s_sam::Sam;
use tw4s_sam::audit::Anchor;
use tw4s_sam::ports::Later;

use crate::control::{self, Call};
use crate::listen::Handler;
use crate::rows::{self, Page};
use crate::{anchor, manage};

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

    fn answer<'a>(&'a self, call: &'a [u8]) -> Later<'a, Vec<u8>> {
        Box::pin(async move {
            let handled = self.0.handle(call).await;
            for line in &handled.log {
                info!("{line}");
            }
            handled.answer
        })
    }

    /// Nothing of it was read, which is no message either: ContainerParseError.
    fn too_long(&self) -> Later<'_, Vec<u8>> {
        self.answer(&[])
    }
}

/// Management. Its calls take their time, and block: each has a thread of its own meanwhile.
#[derive(Clone)]
pub(super) struct Management(Arc<Sam>);

impl Management {
    pub(super) fn new(sam: Arc<Sam>) -> Self {
        Self(sam)
    }

    fn carry_out(&self, call: Call) -> Result<Vec<u8>, String> {
        match call {
            Call::IntegrityData(anchors) => self.check(&anchors).map(String::into_bytes),
            Call::AuditRows(from) => self.rows(from),
            Call::AuditAnchor => {
                let anchor = self.0.checkpoint().map_err(|error| error.to_string())?;
                Ok(anchor::text(&anchor).into_bytes())
            }
            Call::Enrol(role, user) => self.enrol(role, &user).map(String::into_bytes),
        }
    }

    fn check(&self, anchors: &[Anchor]) -> Result<String, String> {
        let report = self.0.check_data_with(anchors).map_err(|error| error.to_string())?;
        let said = manage::told(&report);
        match &said {
            Ok(found) => info!(found, "the data are in order"),
            Err(faults) => error!(faults, "the data are not in order"),
        }
        said
    }

    fn rows(&self, from: u64) -> Result<Vec<u8>, String> {
        let newest = self.0.audit_head().map_err(|error| error.to_string())?.map_or(0, |head| head.number);
        let rows = self.0.audit_rows(from, rows::PAGE).map_err(|error| error.to_string())?;
        Ok(rows::encode(&Page { newest, rows }))
    }

    fn enrol(&self, role: Role, user: &CreateNewPrivilegedUser) -> Result<String, String> {
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

    fn answer<'a>(&'a self, call: &'a [u8]) -> Later<'a, Vec<u8>> {
        let Some(call) = Call::decode(call) else { return self.too_long() };
        let this = self.clone();
        let carried_out = spawn_blocking(move || this.carry_out(call));
        let panicked = |error: JoinError| Err(error.to_string());
        Box::pin(async move { control::encode(carried_out.await.unwrap_or_else(panicked)) })
    }

    fn too_long(&self) -> Later<'_, Vec<u8>> {
        warn!("a call of management is none");
        Box::pin(async { control::encode(Err("no such call".to_owned())) })
    }
}
