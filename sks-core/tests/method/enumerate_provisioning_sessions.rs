//! `enumerate_provisioning_sessions`.
