//! A full disk, and a write that fails all the same.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use durable::{Db, Engine, Error, Options};
use tempfile::TempDir;

use crate::{TREE, assert_filled, filled, open, options, put, skipped};

fn starved(engine: Engine) -> Options {
    Options { reserve_bytes: u64::MAX / 2, ..options(engine) }
}

#[test]
fn a_full_disk_refuses_puts_and_lets_removals_through() {
    for engine in Engine::ALL {
        let dir = filled(engine);
        let db = Db::open(dir.path(), &starved(engine)).unwrap();
        let mut txn = db.begin().unwrap();
        txn.put(TREE, &[0], b"new").unwrap();
        txn.remove(TREE, &[1]).unwrap();
        let error = txn.commit().unwrap_err();
        assert!(matches!(error, Error::Full { .. }), "{error:?}");
        // Nothing of it happened, and the store goes on.
        assert_filled(&db);
        db.begin().unwrap().commit().unwrap();
        let mut txn = db.begin().unwrap();
        txn.remove(TREE, &[1]).unwrap();
        txn.commit().unwrap();
        assert_eq!(db.get(TREE, &[1]).unwrap(), None);
        drop(db);
        let db = open(dir.path(), engine);
        assert_eq!(db.get(TREE, &[1]).unwrap(), None);
        put(&db, 1);
        assert_filled(&db);
    }
}

#[test]
fn no_store_is_made_on_a_full_disk() {
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        let error = Db::open(dir.path(), &starved(engine)).unwrap_err();
        assert!(matches!(error, Error::Full { .. }), "{error:?}");
        assert!(!dir.path().join("FORMAT").exists());
        assert!(open(dir.path(), engine).created());
    }
}

const DIR: &str = "DURABLE_LIMITED_DIR";
const ENGINE: &str = "DURABLE_LIMITED_ENGINE";

/// The reserve is not always enough: others fill the disk too. Here the engine's write fails, by a
/// limit on the length of files.
#[test]
fn a_failed_write_breaks_the_store_until_it_is_opened_again() {
    for engine in Engine::ALL {
        let dir = filled(engine);
        let acknowledged = dir.path().join("acknowledged");
        let mut child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 12288; exec \"$0\" \"$@\""])
            .arg(env::current_exe().unwrap())
            .args(["--ignored", "--exact", "full::limited", "--nocapture"])
            .env(DIR, dir.path())
            .env(ENGINE, engine.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if start.elapsed() > Duration::from_secs(60) => {
                    child.kill().unwrap();
                    panic!("{engine}: hangs after a failed write");
                }
                None => thread::sleep(Duration::from_millis(10)),
            }
        };
        assert!(status.success(), "{engine}");
        let count: u32 = fs::read_to_string(acknowledged).unwrap().parse().unwrap();
        assert!(count > 5);
        let db = open(dir.path(), engine);
        assert_filled(&db);
        for number in 0..count {
            let found = db.get(TREE, &number.to_be_bytes()).unwrap();
            assert!(found == Some(vec![number as u8; 100_000]), "{engine}: {number} of {count}");
        }
    }
}

/// Not a test: the process whose files may not grow.
#[test]
#[ignore = "run by a_failed_write_breaks_the_store_until_it_is_opened_again"]
fn limited() {
    let (Some(dir), Ok(engine)) = (env::var_os(DIR), env::var(ENGINE)) else {
        return;
    };
    let dir = PathBuf::from(dir);
    let db = open(&dir, engine.parse().unwrap());
    let write = |number: u32| {
        let mut txn = db.begin()?;
        txn.put(TREE, &number.to_be_bytes(), &vec![number as u8; 100_000])?;
        txn.commit()
    };
    let mut count = 0;
    let error = loop {
        match write(count) {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    assert!(matches!(write(count), Err(Error::Broken { .. })));
    assert!(matches!(db.get(TREE, &[0]), Err(Error::Broken { .. })));
    assert!(matches!(db.next(TREE, std::ops::Bound::Unbounded), Err(Error::Broken { .. })));
    drop(db);
    fs::write(dir.join("acknowledged"), count.to_string()).unwrap();
}

/// A disk of its own, small, on which nothing but the store is.
#[test]
fn a_small_disk_never_breaks_the_store() {
    let mount = "mount -t tmpfs -o size=160m none \"$DURABLE_LIMITED_DIR\" && exec \"$0\" \"$@\"";
    for engine in Engine::ALL {
        let dir = TempDir::new().unwrap();
        let in_it = |program: &PathBuf, args: &[&str]| {
            let mut command = Command::new("unshare");
            command.args(["-rm", "sh", "-c", mount]).arg(program).args(args);
            command.env(DIR, dir.path()).env(ENGINE, engine.to_string());
            command.stdout(Stdio::null()).stderr(Stdio::inherit()).status().is_ok_and(|status| status.success())
        };
        if !in_it(&PathBuf::from("true"), &[]) {
            return skipped("the test of a small disk needs unshare(1) and the right to mount");
        }
        let program = env::current_exe().unwrap();
        assert!(in_it(&program, &["--ignored", "--exact", "full::small", "--nocapture"]), "{engine}");
    }
}

/// Not a test: the process that has the small disk.
#[test]
#[ignore = "run by a_small_disk_never_breaks_the_store"]
fn small() {
    let (Some(dir), Ok(engine)) = (env::var_os(DIR), env::var(ENGINE)) else {
        return;
    };
    let (disk, engine) = (PathBuf::from(dir), engine.parse().unwrap());
    let dir = disk.join("store");
    let options = Options { engine: Some(engine), ..Options::default() };
    let db = Db::open(&dir, &options).unwrap();
    let value = |number: u32| vec![number as u8; 100_000];
    let put = |number: u32| {
        let mut txn = db.begin()?;
        txn.put(TREE, &number.to_be_bytes(), &value(number))?;
        txn.commit()
    };
    let remove = |number: u32| {
        let mut txn = db.begin()?;
        txn.remove(TREE, &number.to_be_bytes())?;
        txn.commit()
    };
    let first_refused = (0..).find(|number| matches!(put(*number), Err(Error::Full { .. }))).unwrap();
    assert!(first_refused > 100, "{first_refused}");
    for number in 0..first_refused {
        assert!(db.get(TREE, &number.to_be_bytes()).unwrap() == Some(value(number)), "{number}");
        // Now and then, so that the log is brought in meanwhile: refused or done, never broken.
        assert!(matches!(put(first_refused), Ok(()) | Err(Error::Full { .. })));
    }
    // Others take all but a little: not even a removal is begun.
    let free = || rustix::fs::statvfs(&disk).map(|stat| stat.f_bavail * stat.f_frsize).unwrap();
    let mut before = 0;
    while before != free() {
        before = free();
        // For what is still brought into the engine.
        thread::sleep(Duration::from_secs(1));
    }
    let others = disk.join("others");
    fs::write(&others, vec![0; (before - (512 << 10)) as usize]).unwrap();
    assert!(matches!(remove(0), Err(Error::Full { .. })));
    fs::remove_file(others).unwrap();
    (1..first_refused).for_each(|number| remove(number).unwrap());
    drop(db);
    let db = Db::open(&dir, &options).unwrap();
    assert!(db.get(TREE, &0_u32.to_be_bytes()).unwrap() == Some(value(0)));
    for number in 1..first_refused {
        assert_eq!(db.get(TREE, &number.to_be_bytes()).unwrap(), None);
    }
}
