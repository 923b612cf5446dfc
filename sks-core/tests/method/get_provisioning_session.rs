//! `get_provisioning_session`.
