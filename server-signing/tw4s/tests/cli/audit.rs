//! `audit search`, `verify`, `export` and `anchor`, on an instance that runs and on one that is stopped.

use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tw4s_sam::audit::{Chain, Entry, Outcome, Row};
use tw4s_sam::ports::{Read as _, Store as _};

use crate::scene::{Scene, call};
use crate::support::Said;

impl Scene {
    fn search(&self, filters: &[&str]) -> Vec<Entry> {
        let said = self.stage.ok(&[&["audit", "search", "1"], filters].concat());
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn stop(&self) {
        self.stage.ok(&["manageSAM", "stop", "1"]);
    }

    /// Appends rows behind the module's back.
    fn append(&self, rows: impl FnOnce(&Row) -> Vec<Row>) {
        let store = self.store();
        let head = store.audit_head().unwrap().unwrap();
        let mut txn = store.begin().unwrap();
        for row in rows(&head) {
            txn.append_audit(&row).unwrap();
        }
        txn.commit().unwrap();
    }

    fn fails(&self, arguments: &[&str]) -> String {
        let Said { stdout, code } = self.stage.says(arguments);
        assert_eq!(code, Some(1), "{stdout}");
        stdout
    }
}

/// `count` sound rows behind `head`.
fn more(head: &Row, count: u64) -> Vec<Row> {
    let mut rows = vec![head.clone()];
    for number in head.number + 1..=head.number + count {
        let entry = Entry { number, time: head.entry().unwrap().time, sam: "sam1".into(), ..Entry::new("Filling") };
        rows.push(Row::behind(rows.last(), serde_json::to_vec(&entry).unwrap()));
    }
    rows.split_off(1)
}

const VERIFY: &[&str] = &["audit", "verify", "1"];
const DATA: &[&str] = &["manageSAM", "integrity", "data"];

#[test]
fn the_log_is_searched_running_or_stopped() {
    let scene = Scene::new();
    scene.sign();
    let order = scene.order();
    for _ in 0..2 {
        call(&mut scene.connect(), &order.request).unwrap();
    }
    let check = || {
        let all = scene.search(&[]);
        let numbers: Vec<u64> = all.iter().map(|entry| entry.number).collect();
        assert_eq!(numbers, (1..=all.len() as u64).collect::<Vec<_>>());
        let signing = |outcome| scene.search(&["--action", "Signing", "--outcome", outcome]).len();
        assert_eq!(["intent", "success", "failed", "unknown"].map(signing), [2, 2, 1, 0]);
        let failed = scene.search(&["--outcome", "failed"]);
        assert_eq!((failed[0].cause.as_deref(), failed[0].sad.as_deref()), (Some("already used"), Some(&*order.sad)));
        assert_eq!(scene.search(&["--user", &scene.signer, "--action", "Create_New_Signer"]).len(), 1);
        assert_eq!(scene.search(&["--user", &scene.privileged]).len(), 2);
        assert_eq!(scene.search(&["--key", &scene.key]).len(), 6);
        assert_eq!(scene.search(&["--limit", "2"]), all[..2]);
        assert_eq!(scene.search(&["--after", "3", "--limit", "1"]), all[3..4]);
        assert_eq!(scene.search(&["--limit", "0"]), []);
        let third = &*all[2].time;
        assert!(scene.search(&["--from", third]).first().unwrap().time.as_str() >= third);
        assert!(scene.search(&["--to", third]).last().unwrap().time.as_str() <= third);
        assert_eq!(scene.search(&["--from", third]).len() + scene.search(&["--to", third]).len(), {
            all.len() + all.iter().filter(|entry| entry.time == third).count()
        });
        assert_eq!(scene.search(&["--to", "2026-01-01"]), []);
        assert_eq!(scene.search(&["--from", &third[..10]]).len(), all.len());
        all
    };
    let running = check();
    scene.stop();
    let stopped = check();
    assert_eq!(stopped[..running.len()], running);
    for wrong in [["--from", "yesterday"], ["--user", "anna"], ["--outcome", "ok"], ["--key", "1"]] {
        assert_eq!(scene.stage.says(&[&["audit", "search", "1"], &wrong[..]].concat()).code, Some(2), "{wrong:?}");
    }
    assert!(!scene.stage.path("home/firmware/socket").exists(), "a search needs no firmware");
}

#[test]
fn an_exported_log_can_be_checked_without_the_module() {
    let scene = Scene::new();
    scene.sign();
    let running = scene.stage.ok(&["audit", "export", "1"]);
    scene.stop();
    // Many pages.
    scene.append(|head| more(head, 1500));
    let stopped = scene.stage.ok(&["audit", "export", "1"]);
    assert!(stopped.starts_with(&running) && stopped.ends_with('\n'));
    scene.stage.ok(&["manageSAM", "start", "1"]);
    let again = scene.stage.ok(&["audit", "export", "1"]);
    assert!(again.starts_with(&stopped));
    let mut chain = Chain::new(None);
    for line in again.lines() {
        let row = Row::from_line(line.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(row.to_line()).unwrap(), line);
        chain.push(&row, |_, _| Ok(true)).unwrap();
    }
    let count = again.lines().count();
    assert_eq!(chain.head().unwrap().number, count as u64);
    let rest = scene.stage.ok(&["audit", "export", "1", "--from", "1400"]);
    assert_eq!(rest.lines().count(), count - 1399);
    assert!(again.ends_with(&rest));
    assert_eq!(scene.stage.ok(&["audit", "export", "1", "--from", "99999"]), "");
}

/// `tw4s audit export 1 | head -1`.
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let scene = Scene::new();
    scene.stop();
    scene.append(|head| more(head, 2000));
    let mut child = scene.stage.command(&["audit", "export", "1"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_log_is_verified_with_the_row_that_is_wrong() {
    let scene = Scene::new();
    scene.sign();
    let running = scene.stage.ok(VERIFY);
    assert!(
        running.starts_with("Audit log check of \"sam1\": records ") && running.ends_with(", checkpoints 0 ... ok\n")
    );
    scene.stop();
    let stopped = scene.stage.ok(VERIFY);
    assert!(stopped.ends_with(", checkpoints 1 ... ok\n"), "{stopped}");
    assert!(!scene.stage.path("home/firmware/socket").exists(), "the firmware was lent");
    // Without the firmware hashes alone can be checked, and it is said so.
    let state = scene.stage.path("home/firmware/state");
    fs::rename(&state, scene.stage.path("state")).unwrap();
    let unverified = scene.stage.ok(VERIFY);
    let expected = "Audit log check of \"sam1\": checkpoints 1, signatures not verified: ";
    assert!(unverified.contains(" ... ok\n") && unverified.contains(expected), "{unverified}");
    assert!(unverified.ends_with(" ... warning\n"), "{unverified}");
    fs::rename(scene.stage.path("state"), &state).unwrap();
    // A checkpoint that somebody else made.
    scene.append(|head| {
        let entry = Entry {
            number: head.number + 1,
            sam: "sam1".into(),
            covers: Some(head.number),
            hash: Some(hex::encode(head.hash)),
            signature: Some("3006020101020101".into()),
            ..Entry::new(Entry::CHECKPOINT)
        };
        vec![Row::behind(Some(head), serde_json::to_vec(&entry).unwrap())]
    });
    let forged = scene.fails(VERIFY);
    assert!(forged.ends_with(": the checkpoint's signature does not verify ... failed\n"), "{forged}");
    scene.append(|head| vec![Row { number: head.number + 1, body: b"{}".to_vec(), hash: [0; 32] }]);
    fs::rename(&state, scene.stage.path("state")).unwrap();
    let number = scene.store().audit_head().unwrap().unwrap().number;
    let broken = scene.fails(VERIFY);
    let expected = format!("audit row {number}: its hash does not continue the chain ... failed\n");
    assert_eq!(broken, format!("Audit log check of \"sam1\": {expected}"));
}

#[test]
fn a_log_of_a_running_instance_is_verified_up_to_its_newest_row() {
    let scene = Scene::new();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                scene.sign();
            }
        });
        for _ in 0..5 {
            let said = scene.stage.says(VERIFY);
            over.store(said.code != Some(0), Ordering::Relaxed);
            assert!(said.stdout.ends_with(" ... ok\n"), "{said:?}");
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(scene.search(&["--outcome", "success", "--action", "Signing"]).len() > 1);
}

#[test]
fn no_instance_and_no_database_are_told() {
    let scene = Scene::new();
    let ran = scene.stage.run(&["audit", "export", "2"]);
    assert_eq!((ran.status.code(), ran.stdout.len()), (Some(4), 0));
    assert!(String::from_utf8(ran.stderr).unwrap().contains("sam2 has no database"));
    assert!(!scene.stage.path("home/sam2").exists(), "looking makes nothing");
    assert!(scene.fails(&["audit", "verify", "2"]).ends_with(" ... failed\n"));
    let nowhere = scene.stage.path("nowhere");
    let ran = scene.stage.run(&["audit", "export", "1", "--home", "$nowhere"]);
    assert_eq!((ran.status.code(), nowhere.exists()), (Some(4), false), "a home with a slip in its name");
}

/// While a command has the database of a stopped instance, nobody starts on it, and nobody ends the command for it.
#[test]
fn a_command_that_looks_at_a_stopped_instance_is_not_taken_for_it() {
    let scene = Scene::new();
    scene.stop();
    scene.append(|head| more(head, 20_000));
    // It fills the pipe and waits.
    let mut export = scene.stage.command(&["audit", "export", "1"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut tries = 0;
    while !fs::read_to_string(scene.stage.path("home/sam1/lock")).unwrap().contains("reads its audit log") {
        thread::sleep(Duration::from_millis(10));
        tries += 1;
        assert!(tries < 3000);
    }
    let stopped = scene.stage.ok(&["manageSAM", "stop", "1"]);
    assert_eq!(stopped, "The subsystem \"sam1\" is not running ... warning\n");
    let ran = scene.stage.run(&["manageSAM", "-v", "start", "1"]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(String::from_utf8(ran.stderr).unwrap().contains("which reads its audit log"));
    assert!(export.try_wait().unwrap().is_none());
    drop(export.stdout.take());
    assert!(export.wait().unwrap().success());
    scene.stage.ok(&["manageSAM", "start", "1"]);
}

#[test]
fn a_stopped_instance_s_data_are_checked_under_its_lock() {
    let scene = Scene::new();
    scene.stop();
    assert_eq!(scene.stage.ok(DATA), "Data integrity check ... ok\n");
    assert!(!scene.stage.path("home/firmware/socket").exists(), "the firmware was lent");
    let before = scene.store().audit_head().unwrap();
    assert_eq!(scene.stage.ok(DATA), "Data integrity check ... ok\n");
    assert_eq!(scene.store().audit_head().unwrap(), before, "a look leaves nothing in the log");
    {
        let store = scene.store();
        let mut user = store.user(&scene.signer.parse().unwrap()).unwrap().unwrap();
        user.version += 1;
        let mut txn = store.begin().unwrap();
        txn.put_user(&user).unwrap();
        txn.commit().unwrap();
    }
    let ran = scene.stage.run(&["manageSAM", "-v", "integrity", "data"]);
    assert_eq!((ran.status.code(), &*ran.stdout), (Some(1), &b"Data integrity check ... failed\n"[..]));
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert!(
        stderr.contains(&format!("sam1: 2 users, 3 objects, {} audit records", before.unwrap().number)),
        "{stderr}"
    );
    assert!(stderr.contains(&format!("the row of user {} is not ours", scene.signer)), "{stderr}");
}

/// Together with the firmware's state, whose own anchor is then as old.
#[test]
fn an_anchor_kept_elsewhere_finds_a_home_that_was_put_back() {
    let scene = Scene::new();
    scene.sign();
    scene.stop();
    let (state, backup) = (scene.stage.path("home/sam1/state"), scene.stage.path("backup"));
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        let _ = fs::remove_dir_all(to);
        assert!(std::process::Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    };
    let firmware = ["home/firmware/state", "firmware"].map(|name| scene.stage.path(name));
    copy(&state, &backup);
    fs::copy(&firmware[0], &firmware[1]).unwrap();
    let mut anchors = scene.stage.ok(&["audit", "anchor", "1"]);
    scene.stage.ok(&["manageSAM", "start", "1"]);
    scene.sign();
    anchors += &scene.stage.ok(&["audit", "anchor", "1"]);
    fs::write(scene.stage.path("anchors"), &anchors).unwrap();
    let with = |command: &'static [&'static str]| [command, &["--anchor", "$anchors"]].concat();
    for command in [DATA, VERIFY] {
        assert!(scene.stage.ok(&with(command)).ends_with(" ... ok\n"));
    }
    scene.stop();
    for command in [DATA, VERIFY] {
        assert!(scene.stage.ok(&with(command)).ends_with(" ... ok\n"));
    }
    copy(&backup, &state);
    let found = scene.fails(VERIFY);
    assert!(found.ends_with("it is missing, and is known from elsewhere ... failed\n"), "by the firmware: {found}");
    fs::copy(&firmware[1], &firmware[0]).unwrap();
    assert!(scene.stage.ok(VERIFY).ends_with(" ... ok\n"), "it is sound in itself");
    let found = scene.fails(&with(VERIFY));
    assert!(found.ends_with("it is missing, and is known from elsewhere ... failed\n"), "{found}");
    assert_eq!(scene.fails(&with(DATA)), "Data integrity check ... failed\n");
    // A log that is as long, and another.
    fs::write(scene.stage.path("anchors"), anchors.lines().next().unwrap().replace("sam1 ", "sam1 1")).unwrap();
    assert!(scene.fails(&with(VERIFY)).contains("is known from elsewhere"));
    fs::write(scene.stage.path("anchors"), format!("sam1 1 {}", "00".repeat(32))).unwrap();
    assert!(scene.fails(&with(VERIFY)).contains("audit row 1: it is not the row that was known from elsewhere"));
    assert_eq!(scene.fails(&with(DATA)), "Data integrity check ... failed\n");
    fs::write(scene.stage.path("anchors"), anchors.replace("sam1", "sam2")).unwrap();
    assert_eq!(scene.fails(&with(DATA)), "Data integrity check ... failed\n", "a whole instance is missing");
    assert_eq!(scene.search(&["--outcome", "unknown"])[..], []);
    assert!(scene.search(&[]).iter().all(|entry| entry.outcome != Outcome::Unknown));
}
