//! `delete_key`.
