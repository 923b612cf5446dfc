//! The checks of a signing, with the software module.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[macro_use]
mod support;

use std::sync::LazyLock;

use support::{World, checks, master};
use tw4s_firmware::SoftwareModule;

static WORLD: LazyLock<World> =
    LazyLock::new(|| World::new(&master(), || Box::new(SoftwareModule::new(&master()).unwrap())));

macro_rules! tests {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            checks::$name(&WORLD);
        }
    )*};
}

for_each_check!(tests);
