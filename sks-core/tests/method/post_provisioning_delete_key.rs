//! `post_provisioning_delete_key`.
