//! `create_provisioning_session`.
