//! `get_key_protection_info`.
