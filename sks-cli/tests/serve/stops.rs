//! The end of a daemon.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use sks_wire::Status;
use sks_wire::method::{get_device_info, unlock_key};

use crate::daemon::{Home, provision, read_to_end, secret};
use crate::frames::deaf;

#[test]
fn finishes_the_call_under_way() {
    let home = Home::new();
    let mut daemon = home.start(&["--puk-delay-ms", "1500"]);
    // A PUK without a retry limit: each try costs the delay.
    let key = provision(&daemon, &secret("a PIN"), &secret("a PUK"), 0);
    let mut slow = daemon.client();
    let idle = daemon.stream();
    slow.send(&unlock_key::Request { key_handle: key, authorization: secret("a guess") }).unwrap();
    slow.send(&get_device_info::Request {}).unwrap();
    thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    daemon.signal(Signal::TERM);

    assert!(read_to_end(&idle).is_empty());
    assert!(start.elapsed() < Duration::from_secs(1), "an idle connection ends at once: {:?}", start.elapsed());
    let refused = slow.receive::<unlock_key::Request>().unwrap_err();
    assert_eq!(refused.refused().unwrap().status, Status::Authorization);
    assert!(slow.receive::<get_device_info::Request>().is_err(), "what was not begun is not done");
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(!home.socket().exists());
    assert!(daemon.log().contains("stopped"), "{}", daemon.log());
}

#[test]
fn comes_by_either_signal() {
    let home = Home::new();
    for signal in [Signal::TERM, Signal::INT] {
        let mut daemon = home.start(&[]);
        daemon.signal(signal);
        assert_eq!(daemon.wait().code(), Some(0));
    }
}

#[test]
fn does_not_wait_for_clients() {
    let home = Home::new();
    let mut daemon = home.start(&[]);
    let half = daemon.stream();
    (&half).write_all(&[0, 0, 0, 9, 31]).unwrap();
    let deaf = deaf(&daemon);
    let start = Instant::now();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    assert!(read_to_end(&half).is_empty());
    assert!(!read_to_end(&deaf).is_empty(), "the answers that were written are there");
}
