//! Frames: in pieces, in heaps, empty, over-long, and clients without manners.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sks_wire::frame;
use sks_wire::{MethodId, Response, Status};

use crate::daemon::{DEVICE_INFO, Daemon, Home, read_to_end};

fn framed(call: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, call).unwrap();
    bytes
}

fn answer(mut stream: &UnixStream) -> Vec<u8> {
    frame::read(&mut stream, frame::MAX_FRAME).unwrap().unwrap().to_vec()
}

fn status(answer: &[u8]) -> Option<Status> {
    Response::decode(MethodId::GetDeviceInfo, answer).unwrap().err().map(|refused| refused.status)
}

/// A call that answers quickly and is refused with the argument in the text's place: none of such a number.
const UNKNOWN: &[u8] = &[200];

#[test]
fn arrive_byte_by_byte() {
    let home = Home::new();
    let daemon = home.start(&[]);
    let mut stream = daemon.stream();
    for byte in framed(DEVICE_INFO) {
        stream.write_all(&[byte]).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(status(&answer(&stream)), None);
}

#[test]
fn are_answered_in_their_order() {
    let home = Home::new();
    let daemon = home.start(&[]);
    let mut stream = daemon.stream();
    let calls = [DEVICE_INFO, UNKNOWN, b"", DEVICE_INFO, &[103, 0, 0, 0, 9, 0, 0]];
    let burst: Vec<u8> = calls.iter().cycle().take(500).flat_map(|call| framed(call)).collect();
    let mut writer = stream.try_clone().unwrap();
    let written = std::thread::spawn(move || writer.write_all(&burst).unwrap());
    for round in 0..100 {
        let statuses = [(); 5].map(|()| status(&answer(&stream)));
        let expected = [None, Some(Status::Option), Some(Status::Option), None, Some(Status::NoKey)];
        assert_eq!(statuses, expected, "round {round}");
    }
    written.join().unwrap();
    // And the connection goes on.
    stream.write_all(&framed(DEVICE_INFO)).unwrap();
    assert_eq!(status(&answer(&stream)), None);
}

#[test]
fn of_the_largest_length_are_taken_and_longer_ones_end_the_connection() {
    let home = Home::new();
    let daemon = home.start(&["--max-frame", "100000"]);
    let bystander = daemon.stream();
    let mut stream = daemon.stream();
    stream.write_all(&framed(&vec![31; 100_000])).unwrap();
    assert_eq!(status(&answer(&stream)), Some(Status::Option));
    stream.write_all(&framed(DEVICE_INFO)).unwrap();
    stream.write_all(&100_001u32.to_be_bytes()).unwrap();
    assert_eq!(status(&answer(&stream)), None);
    assert_eq!(status(&answer(&stream)), Some(Status::Option));
    assert!(read_to_end(&stream).is_empty());

    (&bystander).write_all(&framed(DEVICE_INFO)).unwrap();
    assert_eq!(status(&answer(&bystander)), None);
    daemon.answers();
}

#[test]
fn that_never_come_cost_nothing() {
    let home = Home::new();
    let daemon = home.start(&[]);
    let mut largest = daemon.stream();
    let before = resident(&daemon);
    let mut silent: Vec<_> = (0..200).map(|_| daemon.stream()).collect();
    for (stream, kind) in silent.iter_mut().zip((0..3).cycle()) {
        match kind {
            0 => {}
            1 => stream.write_all(&[0, 0]).unwrap(),
            _ => stream.write_all(&frame::MAX_FRAME.to_be_bytes()).unwrap(),
        }
    }
    let start = Instant::now();
    for _ in 0..100 {
        daemon.answers();
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let grown = resident(&daemon).saturating_sub(before);
    assert!(grown < 60 << 20, "200 announced frames of 1 MiB cost {grown} bytes");

    // Dead ones cost nothing either.
    drop(silent);
    largest.write_all(&framed(DEVICE_INFO)).unwrap();
    assert_eq!(status(&answer(&largest)), None);
}

#[test]
fn are_not_piled_up_for_a_client_that_does_not_read() {
    let home = Home::new();
    let daemon = home.start(&[]);
    let greedy = deaf(&daemon);
    let before = resident(&daemon);
    daemon.answers();
    assert!(resident(&daemon).saturating_sub(before) < 20 << 20);
    drop(greedy);
    daemon.answers();
}

/// A client that calls and calls, until nothing more goes in, and never reads.
pub(crate) fn deaf(daemon: &Daemon) -> UnixStream {
    let stream = daemon.stream();
    stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let burst = framed(DEVICE_INFO).repeat(1000);
    loop {
        match (&stream).write_all(&burst) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return stream,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn have_a_bounded_number_of_senders() {
    let files = getrlimit(Resource::Nofile);
    if files.maximum.is_some_and(|maximum| maximum < 4096) {
        return eprintln!("skipped: too few open files allowed");
    }
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }).unwrap();
    let home = Home::new();
    let daemon = home.start(&[]);
    let mut crowd: Vec<_> = (0..1024).map(|_| daemon.stream()).collect();
    for stream in &mut crowd {
        stream.write_all(&framed(UNKNOWN)).unwrap();
    }
    // All are served, or nearly: the probes that waited for the daemon may still have been counted.
    let served = crowd.iter().filter(|stream| frame::read(&mut &**stream, 1000).is_ok_and(|got| got.is_some())).count();
    assert!(served > 1000, "{served}");
    let refused = daemon.stream();
    assert!(read_to_end(&refused).is_empty());
    daemon.logs("there are too many");
    drop(crowd);
    let start = Instant::now();
    while daemon.client().call_raw(DEVICE_INFO).is_err() {
        assert!(start.elapsed() < crate::daemon::PATIENCE, "the places are free again");
    }
}

/// Resident memory in bytes.
fn resident(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}
