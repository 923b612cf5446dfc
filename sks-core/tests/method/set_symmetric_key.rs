//! `set_symmetric_key`.
