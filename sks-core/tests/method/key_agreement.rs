//! `key_agreement`.
