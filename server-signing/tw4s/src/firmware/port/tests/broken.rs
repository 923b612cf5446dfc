//! Lines that break or are not to be believed any more, and which of them are used again.

use std::io::Write;
use std::net::Shutdown;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tw4s_firmware::protocol::{Empty, GENERATE, MAX_ANSWER, status_of};
use tw4s_sam::record::KeyId;

use super::*;

impl Call {
    /// Whether the port has ended the line.
    fn is_given_up(&self) -> bool {
        let mut polled = [PollFd::new(&self.stream, PollFlags::RDHUP)];
        poll(&mut polled, Some(&Timespec::default())).unwrap();
        polled[0].revents().contains(PollFlags::RDHUP)
    }
}

fn wait(until: impl Fn() -> bool) {
    let start = Instant::now();
    while !until() {
        assert!(start.elapsed() < Duration::from_secs(60), "it does not come");
        thread::sleep(Duration::from_millis(5));
    }
}

fn ask_for_admission(runtime: &Runtime, port: &Arc<Port>, hashes: usize) -> Asked<Box<Waiting>> {
    let port = Arc::clone(port);
    runtime.spawn(async move { admitted(&port, hashes).await })
}

/// Which line long calls go over when nobody else makes any.
fn long_call(runtime: &Runtime, port: &Arc<Port>, played: &Played) -> Call {
    let asked = ask_for_admission(runtime, port, 100);
    let call = played.expect(ADMIT);
    call.answer(&Admission { number: 1 });
    drop(runtime.block_on(asked).unwrap().unwrap());
    played.expect(FORGET).answer(&Empty {});
    call
}

#[test]
fn an_answer_without_a_call_ends_its_line() {
    let played = Played::new();
    let (runtime, port) = port(&played);
    let asked = ask(&runtime, &port);
    let first = played.expect(VERIFY_TOKEN);
    answer(&runtime, asked, &first, 1);
    first.answer(&value(2));
    wait(|| first.is_given_up());
    let asked = ask(&runtime, &port);
    let second = played.expect(VERIFY_TOKEN);
    assert!(!second.is_same_line(&first));
    answer(&runtime, asked, &second, 3);
}

#[test]
fn an_answer_that_is_too_long_ends_its_line() {
    let played = Played::new();
    let (runtime, port) = port(&played);
    let asked = ask(&runtime, &port);
    let first = played.expect(VERIFY_TOKEN);
    let too_long = [&u32::MAX.to_be_bytes()[..], &vec![0; MAX_ANSWER]].concat();
    // The port may have ended the line before all of it is written.
    let _ = (&first.stream).write_all(&too_long);
    let again = played.expect(VERIFY_TOKEN);
    assert!(!again.is_same_line(&first));
    wait(|| first.is_given_up());
    answer(&runtime, asked, &again, 1);
}

/// So the one call that is made again is not spent on a line that is known to have ended.
#[test]
fn a_line_that_ended_while_nobody_used_it_is_not_used_again() {
    let played = Played::new();
    let (runtime, port) = port(&played);
    for hashes in [1, 100] {
        let admit = |breaks: bool| {
            let asked = ask_for_admission(&runtime, &port, hashes);
            if breaks {
                played.expect(ADMIT).hang_up();
            }
            let call = played.expect(ADMIT);
            call.answer(&Admission { number: 1 });
            drop(runtime.block_on(asked).unwrap().unwrap());
            played.expect(FORGET).answer(&Empty {});
            call
        };
        let first = admit(false);
        first.stream.shutdown(Shutdown::Write).unwrap();
        wait(|| first.is_given_up());
        // The port is just about to know it.
        thread::sleep(Duration::from_millis(50));
        assert!(!admit(true).is_same_line(&first));
    }
}

#[test]
fn long_calls_have_lines_of_their_own_one_after_the_other() {
    let played = Played::new();
    let (runtime, port) = port(&played);
    let asked = ask(&runtime, &port);
    let shared = played.expect(VERIFY_TOKEN);
    answer(&runtime, asked, &shared, 1);
    let long = long_call(&runtime, &port, &played);
    assert!(!long.is_same_line(&shared));
    assert!(long_call(&runtime, &port, &played).is_same_line(&long), "it is idle");

    let (one, two) = (ask_for_admission(&runtime, &port, 100), ask_for_admission(&runtime, &port, 100));
    let calls = [played.expect(ADMIT), played.expect(ADMIT)];
    assert!(!calls[0].is_same_line(&calls[1]), "both at once");
    for call in calls {
        call.answer(&Admission { number: 1 });
    }
    runtime.block_on(async { (one.await.unwrap().unwrap(), two.await.unwrap().unwrap()) });
}

#[test]
fn a_long_call_s_line_that_broke_takes_the_idle_ones_along() {
    let played = Played::new();
    let (runtime, port) = port(&played);
    let asked = [(); 3].map(|()| ask_for_admission(&runtime, &port, 100));
    let lines = [(); 3].map(|()| played.expect(ADMIT));
    for call in &lines {
        call.answer(&Admission { number: 1 });
    }
    for waiting in asked {
        drop(runtime.block_on(waiting).unwrap().unwrap());
        played.expect(FORGET).answer(&Empty {});
    }
    let asked = ask_for_admission(&runtime, &port, 100);
    let broken = played.expect(ADMIT);
    assert!(lines.iter().any(|line| line.is_same_line(&broken)));
    broken.hang_up();
    let again = played.expect(ADMIT);
    assert!(!lines.iter().any(|line| line.is_same_line(&again)));
    wait(|| lines.iter().all(Call::is_given_up));
    again.answer(&Admission { number: 1 });
    runtime.block_on(asked).unwrap().unwrap();
}

#[test]
fn so_many_idle_lines_are_kept_and_no_more() {
    let played = Played::new();
    let (runtime, port) = port(&played);
    let asked: Vec<_> = (0..131).map(|_| ask_for_admission(&runtime, &port, 100)).collect();
    let lines: Vec<Call> = asked.iter().map(|_| played.expect(ADMIT)).collect();
    for call in &lines {
        call.answer(&Admission { number: 1 });
    }
    for waiting in asked {
        drop(runtime.block_on(waiting).unwrap().unwrap());
        played.expect(FORGET).answer(&Empty {});
    }
    let given_up = || lines.iter().filter(|line| line.is_given_up()).count();
    wait(|| given_up() >= 3);
    assert_eq!(given_up(), 3, "128 are kept");
}

#[test]
fn a_line_comes_back_after_a_signature_and_after_a_refusal() {
    let played = Played::new();
    let (runtime, port) = port(&played);
    let first = long_call(&runtime, &port, &played);

    let asked = ask_for_admission(&runtime, &port, 100);
    played.expect(ADMIT).answer(&Admission { number: 2 });
    let waiting = runtime.block_on(asked).unwrap().unwrap();
    let signed = runtime.spawn(async move { waiting.sign().await });
    played.expect(SIGN).answer(&signatures(2));
    runtime.block_on(signed).unwrap().unwrap();

    let asked = ask_for_admission(&runtime, &port, 100);
    let refused = played.expect(ADMIT);
    assert!(refused.is_same_line(&first));
    Frame::new(status_of(&Error::NoKey), &[]).write(&mut &refused.stream).unwrap();
    assert!(matches!(runtime.block_on(asked).unwrap(), Err(FirmwareError::NoKey)));
    assert!(long_call(&runtime, &port, &played).is_same_line(&first));
}

#[test]
fn a_few_hashes_share_a_line_and_what_takes_longer_does_not() {
    let played = Played::new();
    let (runtime, port) = port(&played);
    let asked = ask(&runtime, &port);
    let shared = played.expect(VERIFY_TOKEN);
    answer(&runtime, asked, &shared, 1);
    for (hashes, shares) in [(4, true), (5, false)] {
        let asked = ask_for_admission(&runtime, &port, hashes);
        let call = played.expect(ADMIT);
        assert_eq!(call.is_same_line(&shared), shares, "{hashes}");
        call.answer(&Admission { number: 1 });
        drop(runtime.block_on(asked).unwrap().unwrap());
        played.expect(FORGET).answer(&Empty {});
    }
    let key = runtime.spawn(async move {
        let key_id = KeyId::from_bytes([7; 16]);
        let order = KeyOrder { key_id: &key_id, user_id: &USER, algorithm: KeyAlgorithm::P256, created_ms: 1 };
        port.generate(order).await.map(drop)
    });
    let call = played.expect(GENERATE);
    assert!(!call.is_same_line(&shared));
    call.hang_up();
    played.expect(GENERATE).hang_up();
    assert!(runtime.block_on(key).unwrap().is_err());
}
