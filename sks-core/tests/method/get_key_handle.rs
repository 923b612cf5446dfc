//! `get_key_handle`.
