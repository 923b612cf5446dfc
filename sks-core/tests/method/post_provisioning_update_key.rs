//! `post_provisioning_update_key`.
