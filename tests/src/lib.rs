//! Test fixtures shared by every crate, and the tests that need more than one of them.
