//! `unlock_key`.
