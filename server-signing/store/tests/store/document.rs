//! README.md says what the code does.

use std::fs;
use std::ops::Bound;
use std::path::Path;

use durable::{Db, Tree};
use tw4s_sam::ports::Store;
use tw4s_sam::record::{ObjectKind, Table};
use tw4s_store::{Engine, FORMAT, TABLES};

use crate::{commit, hash_until, message, new_dir, object, open, options, row, seal, user, user_id};

#[test]
fn the_readme_lists_every_tree_and_the_format() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let mut listed: Vec<(u8, &str)> = text
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            Some((cells.next()?.parse().ok()?, cells.next()?))
        })
        .collect();
    listed.dedup();
    assert_eq!(listed, TABLES);
    assert!(text.contains(&format!("This is format {FORMAT}.")));
}

/// Every row of a small store, byte for byte as README.md has it.
#[test]
fn the_rows_are_as_the_readme_has_them() {
    for engine in Engine::ALL {
        let dir = new_dir();
        let store = open(dir.path(), engine);
        commit(&store, |txn| {
            txn.put_user(&user(1, 7)).unwrap();
            txn.put_holder(&[3; 32], Some(&user_id(1))).unwrap();
            txn.put_object(&object(2, ObjectKind::Request, 5)).unwrap();
            txn.put_seal(Table::Objects, &seal(1)).unwrap();
            for occurrence in 0..2 {
                txn.consume(&hash_until(0x0102, 4, 5, occurrence)).unwrap();
            }
            txn.consume(&message(6, 7, 0x0103)).unwrap();
            txn.append_audit(&row(1, "{}")).unwrap();
            txn.open_intent(1).unwrap();
        });
        drop(store);

        let one = "0000000000000001";
        let audit = hex::encode(row(1, "{}").encode());
        let sad = format!("0000000000000102{}", "04".repeat(32));
        let message = format!("02{}{}", "06".repeat(32), "07".repeat(16));
        let mark = |expires: &str, n: u8| format!("{expires}00000024{}{n:08x}", "05".repeat(32));
        let marks = format!("{}{}", mark("0000000000000102", 0), mark("0000000000000102", 1));
        let expected = [
            (0, hex::encode("format"), hex::encode("tw4s sam store 3")),
            (0, hex::encode("head"), one.to_owned()),
            (1, "01".repeat(16), hex::encode(user(1, 7).encode())),
            (2, "03".repeat(32), "01".repeat(16)),
            (3, format!("{}03", "02".repeat(16)), hex::encode(object(2, ObjectKind::Request, 5).encode())),
            (4, message.clone(), "000000000000010300000000".to_owned()),
            (5, format!("0000000000000103{message}"), String::new()),
            (6, "02".to_owned(), hex::encode(seal(1).encode())),
            (8, one.to_owned(), String::new()),
            (9, "0".repeat(16), format!("{one}{:08x}{audit}", audit.len() / 2)),
            (10, sad, marks),
        ];
        assert_eq!(dump(dir.path(), engine), expected);

        let store = open(dir.path(), engine);
        let mut txn = store.begin().unwrap();
        assert_eq!(txn.purge_consumed(u64::MAX, 9).unwrap(), 3);
        txn.commit().unwrap();
        drop(store);
        assert!(dump(dir.path(), engine).iter().all(|(tree, ..)| ![4, 5, 10].contains(tree)), "a purge left something");
    }
}

fn dump(dir: &Path, engine: Engine) -> Vec<(u8, String, String)> {
    let db = Db::open(dir, &options(engine)).unwrap();
    let mut all = Vec::new();
    for tree in 0..128 {
        let mut from = Bound::Unbounded;
        while let Some((key, value)) = db.next(Tree(tree), from.as_ref().map(Vec::as_slice)).unwrap() {
            all.push((tree, hex::encode(&key), hex::encode(value)));
            from = Bound::Excluded(key);
        }
    }
    all
}
