//! `add_extension_data`.
