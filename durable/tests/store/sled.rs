//! The remedies that sled needs, by the numbers of the list in `engine/sled.rs`.
//! What is synced when (2, 5) is seen in the power-cut test's traces.

use std::{fs, path::Path};

use durable::Engine;
use tempfile::TempDir;

use crate::{TREE, assert_damaged, assert_filled, filled, open};

fn names(dir: &Path, start: &str) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(start)).collect();
    names.sort();
    names
}

/// A store of [`filled`] that has a snapshot.
fn with_snapshot() -> (TempDir, String) {
    let dir = filled(Engine::Sled);
    drop(open(dir.path(), Engine::Sled));
    let snapshots = names(&dir.path().join("sled"), "snap.");
    let [snapshot] = snapshots.as_slice() else {
        panic!("{snapshots:?}");
    };
    (dir, snapshot.clone())
}

#[test]
fn point_1_the_segment_size_is_recorded() {
    let dir = filled(Engine::Sled);
    let conf = fs::read(dir.path().join("sled/conf")).unwrap();
    assert!(String::from_utf8_lossy(&conf).contains("segment_size: 4194304\n"));
}

#[test]
fn point_1_no_value_goes_to_a_blob() {
    let dir = TempDir::new().unwrap();
    let db = open(dir.path(), Engine::Sled);
    // Side by side in one page, and with the longest keys.
    for round in 0..3 {
        let mut txn = db.begin().unwrap();
        for number in 0..60_u8 {
            let mut key = [9; durable::MAX_KEY_LEN];
            key[511] = number;
            txn.put(TREE, &key, &vec![round; 16 << 10]).unwrap();
            txn.put(TREE, &[number], &vec![round; 40 << 10]).unwrap();
        }
        txn.commit().unwrap();
        assert_eq!(names(&dir.path().join("sled/blobs"), ""), [""; 0]);
    }
    drop(db);
    drop(open(dir.path(), Engine::Sled));
    assert_eq!(names(&dir.path().join("sled/blobs"), ""), [""; 0]);
}

#[test]
fn point_1_refuses_blobs() {
    let dir = filled(Engine::Sled);
    fs::write(dir.path().join("sled/blobs/123"), b"blob").unwrap();
    assert_damaged(dir.path(), Engine::Sled);
}

#[test]
fn point_4_removes_a_snapshot_half_written() {
    for content in [&b""[..], b"half"] {
        let (dir, _) = with_snapshot();
        let left = dir.path().join("sled/snap.00000000FFFFFFFF.generating");
        fs::write(&left, content).unwrap();
        assert_filled(&open(dir.path(), Engine::Sled));
        assert!(!left.exists());
    }
}

#[test]
fn point_4_falls_back_to_the_second_copy_of_a_snapshot() {
    let (dir, snapshot) = with_snapshot();
    let path = dir.path().join("sled").join(snapshot);
    let mut bytes = fs::read(&path).unwrap();
    bytes[10] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert_filled(&open(dir.path(), Engine::Sled));
    assert_eq!(names(&dir.path().join("sled"), "aside"), [""; 0]);
    assert_filled(&open(dir.path(), Engine::Sled));
}

/// Both copies of the snapshot are spoilt: there is nothing left to try, and nothing is.
#[test]
fn point_4_refuses_a_store_without_a_good_snapshot() {
    let (dir, snapshot) = with_snapshot();
    for name in [snapshot.clone(), format!("kept.{snapshot}")] {
        let path = dir.path().join("sled").join(name);
        let mut bytes = fs::read(&path).unwrap();
        bytes[10] ^= 1;
        fs::write(&path, &bytes).unwrap();
    }
    assert_damaged(dir.path(), Engine::Sled);
}

/// The log alone is not enough once sled has wiped segments of it.
#[test]
fn point_4_a_lost_snapshot_is_restored() {
    let (dir, snapshot) = with_snapshot();
    let sled = dir.path().join("sled");
    fs::remove_file(sled.join(&snapshot)).unwrap();
    assert_filled(&open(dir.path(), Engine::Sled));
    assert!(!names(&sled, "snap.").is_empty());
}

#[test]
fn point_4_blobs_may_be_a_file_after_a_cut() {
    let (dir, _) = with_snapshot();
    let blobs = dir.path().join("sled/blobs");
    fs::remove_dir(&blobs).unwrap();
    assert_filled(&open(dir.path(), Engine::Sled));
    fs::remove_dir(&blobs).unwrap();
    fs::write(&blobs, b"").unwrap();
    assert_filled(&open(dir.path(), Engine::Sled));
    assert!(blobs.is_dir());
}

#[test]
fn point_4_a_torn_conf_is_refused() {
    for keep in [9, 30, 58] {
        let (dir, _) = with_snapshot();
        let conf = dir.path().join("sled/conf");
        let bytes = fs::read(&conf).unwrap();
        fs::write(&conf, &bytes[..keep]).unwrap();
        assert_damaged(dir.path(), Engine::Sled);
        fs::write(&conf, &bytes).unwrap();
        assert_filled(&open(dir.path(), Engine::Sled));
    }
}

/// sled takes a damaged place in its log for the log's end. The store notices.
#[test]
fn a_damaged_log_is_an_error() {
    let (dir, _) = with_snapshot();
    let db = dir.path().join("sled/db");
    let mut bytes = fs::read(&db).unwrap();
    let found = bytes.windows(100).position(|window| window == [7; 100]).unwrap();
    bytes[found] ^= 1;
    fs::write(&db, &bytes).unwrap();
    let result = durable::Db::open(dir.path(), &crate::options(Engine::Sled)).and_then(|db| db.get(TREE, &[7]));
    assert!(matches!(result, Err(durable::Error::Damaged { .. })), "{result:?}");
}
