//! `restore_private_key`.
