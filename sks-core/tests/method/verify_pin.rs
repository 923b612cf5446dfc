//! `verify_pin`.
