//! The command `tw4s`: the management commands of the activation module, its demo and its benchmark.

fn main() {}
