//! docs/store-format.md says what the code does.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use sks_store::{FORMAT, TABLES};

#[test]
fn the_document_lists_every_tree_and_the_version() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/store-format.md");
    let text = fs::read_to_string(path).unwrap();
    let listed: Vec<(u8, &str)> = text
        .lines()
        .skip_while(|line| !line.starts_with("## Trees"))
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            Some((cells.next()?.parse().ok()?, cells.next()?))
        })
        .collect();
    assert_eq!(listed, TABLES);
    assert!(text.contains(&format!("This is version {FORMAT}.")));
}
