//! docs/server-signing.md says of each threat which test shows what stands against it: those tests are there.

use std::fs;
use std::path::Path;

#[test]
fn the_tests_of_the_threat_model_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("docs/server-signing.md")).unwrap();
    let mut named = 0;
    for row in text.lines().filter(|line| line.starts_with('|') && line.contains("/tests/")) {
        let shown = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap();
        let mut parts = shown.split('`').skip(1).step_by(2);
        let (file, test) = (parts.next().unwrap(), parts.next().unwrap());
        let source = fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(&format!("fn {test}(")), "{file} has no test {test}");
        named += 1;
    }
    assert!(named >= 25, "{named}");
}
