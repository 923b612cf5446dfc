//! Who may depend on whom: the edges that ARCHITECTURE.md draws, held to the manifests.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use std::collections::BTreeSet;
use std::process::Command;

/// Every dependency of one of our crates on another, tests apart.
const EDGES: &[(&str, &str)] = &[
    ("sks-core", "sks-wire"),
    ("sks-store", "sks-core"),
    ("sks-store", "sks-wire"),
    ("sks-store", "durable"),
    ("sks-client", "sks-wire"),
    ("sks-issuer", "sks-wire"),
    ("sks-cli", "program"),
    ("sks-cli", "sks-wire"),
    ("sks-cli", "sks-core"),
    ("sks-cli", "sks-store"),
    ("sks-cli", "sks-client"),
    ("sks-cli", "sks-issuer"),
    ("sks-pkcs11", "sks-wire"),
    ("sks-pkcs11", "sks-client"),
    ("sks-pkcs11", "sks-issuer"),
    ("tw4s-sam", "tw4s-formats"),
    ("tw4s-firmware", "program"),
    ("tw4s-firmware", "tw4s-formats"),
    ("tw4s-store", "durable"),
    ("tw4s-store", "tw4s-sam"),
    ("tw4s", "program"),
    ("tw4s", "tw4s-firmware"),
    ("tw4s", "tw4s-formats"),
    ("tw4s", "tw4s-sam"),
    ("tw4s", "tw4s-store"),
];

/// The only crate that may name the storage engines.
const ENGINES: [&str; 2] = ["sled", "redb"];

fn packages() -> Vec<serde_json::Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

#[test]
fn crates_depend_on_each_other_as_the_list_says() {
    let packages = packages();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let mut found = BTreeSet::new();
    for package in packages.iter().filter(|package| package["name"] != "sks-tests") {
        for dependency in package["dependencies"].as_array().unwrap() {
            let name = dependency["name"].as_str().unwrap();
            if ours.contains(name) && dependency["kind"].is_null() {
                found.insert((package["name"].as_str().unwrap(), name));
            }
        }
    }
    assert_eq!(found, EDGES.iter().copied().collect());
}

#[test]
fn durable_alone_names_the_engines() {
    for package in packages() {
        for dependency in package["dependencies"].as_array().unwrap() {
            let engine = ENGINES.contains(&dependency["name"].as_str().unwrap());
            assert!(!engine || package["name"] == "durable", "{} names {}", package["name"], dependency["name"]);
        }
    }
}
