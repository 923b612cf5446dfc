//! `change_pin`.
