//! `get_change_count`.
