//! Fixtures for tests of this crate and of those that stand on it.
