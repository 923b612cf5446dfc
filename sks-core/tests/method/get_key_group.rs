//! `get_key_group`.
