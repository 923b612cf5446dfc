//! `asymmetric_key_decrypt`.
