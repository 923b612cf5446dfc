//! How the module is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // AWS-LC leaves each thread that used it a destructor, which the thread runs when it ends: the code has to be there
    // still when the host has unloaded the module. OpenSSL's libraries are linked so for the same reason.
    println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
}
