//! `get_key_attributes`.
