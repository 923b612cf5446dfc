//! `sign_provisioning_session_data`.
