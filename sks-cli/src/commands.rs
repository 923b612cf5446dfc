//! The commands, each in a file of its name: its arguments, and what it does.

pub(crate) mod abort;
pub(crate) mod bench;
pub(crate) mod change_pin;
pub(crate) mod decrypt;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod enroll;
pub(crate) mod export;
pub(crate) mod info;
pub(crate) mod key;
pub(crate) mod keys;
pub(crate) mod raw;
pub(crate) mod sessions;
pub(crate) mod sign;
pub(crate) mod unlock;
