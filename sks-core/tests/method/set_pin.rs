//! `set_pin`.
