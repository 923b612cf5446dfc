//! `sign_hashed_data`.
