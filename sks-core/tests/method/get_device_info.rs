//! `get_device_info`.
