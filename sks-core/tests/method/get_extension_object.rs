//! `get_extension_object`.
