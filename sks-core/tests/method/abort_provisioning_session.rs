//! `abort_provisioning_session`.
