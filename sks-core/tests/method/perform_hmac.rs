//! `perform_hmac`.
