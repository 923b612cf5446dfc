//! `symmetric_key_encrypt`.
