//! The processes: one on a database, however they are started and however they end.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::Stage;

fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn a_killed_instance_starts_again_on_its_stale_files() {
    let stage = Stage::initialised();
    stage.ok(&["manageSAM", "start", "1"]);
    let (service, firmware) = (stage.pid("sam1"), stage.pid("firmware"));
    kill(service);
    kill(firmware);
    let mut tries = 0;
    while !stage.ok(&["manageSAM", "stop", "1"]).contains("is not running") {
        tries += 1;
        assert!(tries < 100);
    }
    assert!(stage.path("home/sam1/socket").exists(), "the stale socket");
    stage.ok(&["manageSAM", "start", "1"]);
    assert!(stage.pid("sam1") != service && stage.pid("firmware") != firmware);
    assert_eq!(stage.ok(&["manageSAM", "integrity", "data"]), "Data integrity check ... ok\n");
}

#[test]
fn of_starts_at_once_one_starts_it() {
    let stage = Stage::initialised();
    let said: Vec<String> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..6).map(|_| scope.spawn(|| stage.ok(&["manageSAM", "start", "1"]))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert_eq!(said.iter().filter(|said| said.contains("has been started")).count(), 1, "{said:?}");
    assert_eq!(said.iter().filter(|said| said.contains("is already running")).count(), 5, "{said:?}");
}

#[test]
fn two_instances_share_the_firmware_and_the_last_stop_ends_it() {
    let stage = Stage::initialised();
    stage.ok(&["manageSAM", "start", "1"]);
    let firmware = stage.pid("firmware");
    stage.ok(&["manageSAM", "start", "zwei"]);
    assert_eq!(stage.pid("firmware"), firmware);
    stage.ok(&["manageSAM", "integrity", "data"]);
    stage.ok(&["manageSAM", "stop", "1"]);
    assert!(stage.path("home/firmware/socket").exists());
    stage.ok(&["manageSAM", "stop", "zwei"]);
    assert!(!stage.path("home/firmware/socket").exists());
}

#[test]
fn nothing_that_is_made_is_open_to_others() {
    let stage = Stage::initialised();
    stage.ok(&["manageSAM", "start", "1"]);
    for name in [
        "firmware",
        "firmware/state",
        "firmware/socket",
        "firmware/log",
        "sam1",
        "sam1/socket",
        "sam1/control",
        "sam1/log",
    ] {
        let mode = fs::metadata(stage.path("home").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
}

#[test]
fn the_processes_leave_no_core_file_and_let_nobody_look_into_them() {
    let stage = Stage::initialised();
    stage.ok(&["manageSAM", "start", "1"]);
    for process in ["sam1", "firmware"] {
        let limits = fs::read_to_string(format!("/proc/{}/limits", stage.pid(process))).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{process}: {core}");
        // Root may look into every process, and so cannot see whether others may.
        let environment = fs::read(format!("/proc/{}/environ", stage.pid(process)));
        assert!(rustix::process::geteuid().is_root() || environment.is_err(), "{process}");
    }
}

/// Whoever may write into the home could put other keys, checksums and databases there.
#[test]
fn a_home_that_others_may_write_to_is_refused() {
    let stage = Stage::initialised();
    for mode in [0o770, 0o707] {
        fs::set_permissions(stage.path("home"), fs::Permissions::from_mode(mode)).unwrap();
        let ran = stage.run(&["manageSAM", "start", "1"]);
        assert_eq!((ran.status.code(), ran.stdout.len()), (Some(4), 0));
        assert!(String::from_utf8(ran.stderr).unwrap().contains("chmod go-w"));
    }
    fs::set_permissions(stage.path("home"), fs::Permissions::from_mode(0o755)).unwrap();
    stage.ok(&["manageSAM", "start", "1"]);
}

/// Else a stop of the last instance could take away the firmware that a start has just found.
#[test]
fn commands_that_start_or_end_processes_take_turns() {
    let stage = Stage::initialised();
    stage.ok(&["manageSAM", "start", "1"]);
    let turn = fs::File::open(stage.path("home/turn")).unwrap();
    flock(&turn, FlockOperation::LockExclusive).unwrap();
    let commands = [["stop", "1"], ["start", "2"]]
        .map(|[what, id]| stage.command(&["manageSAM", what, id]).stdout(Stdio::piped()).spawn().unwrap());
    std::thread::sleep(Duration::from_secs(1));
    assert!(stage.path("home/sam1/socket").exists() && !stage.path("home/sam2").exists(), "they wait");
    drop(turn);
    for command in commands {
        assert!(command.wait_with_output().unwrap().stdout.ends_with(b" ... ok\n"));
    }
    assert_eq!(stage.ok(&["manageSAM", "integrity", "data"]), "Data integrity check ... ok\n");
    assert!(stage.path("home/firmware/socket").exists());
}

#[test]
fn an_enrolment_that_fails_says_so() {
    let stage = Stage::initialised();
    let user = "6f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0";
    let line = format!("Enrolment of the user \"{user}\" ... failed\n");
    fs::write(stage.path("idp.der"), crate::support::idp().certificate()).unwrap();
    for file in ["$missing", "$anna", "$idp.der"] {
        let said = stage.says(&["manageSAM", "enrol", "1", "PrivilegedUser", user, file]);
        assert_eq!((said.stdout, said.code), (line.clone(), Some(1)), "{file}");
    }
    stage.ok(&["manageSAM", "start", "1"]);
    let enrol = ["manageSAM", "enrol", "1", "PrivilegedUser", user, "$idp.der"];
    stage.ok(&enrol);
    assert_eq!(stage.says(&enrol).stdout, line, "there already");
}
