//! `export_key`.
