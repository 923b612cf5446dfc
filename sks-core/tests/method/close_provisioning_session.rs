//! `close_provisioning_session`.
