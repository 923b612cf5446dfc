//! The `sks` command.

fn main() {}
