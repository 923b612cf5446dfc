//! `enumerate_keys`.
