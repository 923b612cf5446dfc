//! Calls side by side: what waits for what, and what does not.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use sks_core::crypto::engine;
use sks_core::ports::Clock;
use sks_core::{Config, Device, Ports};
use sks_tests::{HookedCrypto, Issuing, Line, SeededRng, Token, id, secret};
use sks_wire::Status;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::{
    get_key_handle, get_key_protection_info, sign_hashed_data, sign_provisioning_session_data, unlock_key, verify_pin,
};
use sks_wire::types::{Grouping, KeyHandle, Octet};

/// Long enough for anything that nothing holds up.
const SOON: Duration = Duration::from_secs(20);

fn sign(key_handle: KeyHandle, pin: &str) -> sign_hashed_data::Request {
    sign_hashed_data::Request {
        key_handle,
        signature_algorithm: Algorithm::EcdsaSha256.uri().into(),
        pin: secret(pin),
        hashed_data: vec![7; 32],
    }
}

fn verify(key_handle: KeyHandle, pin: &str) -> verify_pin::Request {
    verify_pin::Request { key_handle, pin: secret(pin) }
}

/// Runs a call beside this thread; the channel brings its answer.
fn beside<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (done, answer) = channel();
    thread::spawn(move || done.send(call()));
    answer
}

/// A gate that holds calls up until the test opens it, and tells when one has arrived.
struct Gate {
    arrived: Mutex<std::sync::mpsc::Sender<()>>,
    opened: Mutex<Receiver<()>>,
}

impl Gate {
    fn new() -> (Arc<Self>, Receiver<()>, std::sync::mpsc::Sender<()>) {
        let ((arrived, arrivals), (open, opened)) = (channel(), channel());
        (Arc::new(Self { arrived: Mutex::new(arrived), opened: Mutex::new(opened) }), arrivals, open)
    }

    fn pass(&self) {
        self.arrived.lock().unwrap().send(()).unwrap();
        self.opened.lock().unwrap().recv().unwrap();
    }
}

/// A closed session with a key under `PIN.1`, and under a PUK with `puk_limit`.
fn pin_key(token: &Token, retry_limit: u8, puk_limit: u8) -> KeyHandle {
    let mut session = Issuing::create(token, |_| {});
    let puk = session.puk("PUK.1", "17644", puk_limit);
    let policy = session.pin("PIN.1", |r| {
        r.retry_limit = Octet(retry_limit);
        r.puk_policy_handle = puk;
    });
    let made = session.pin_key("Key.1", policy, "1563");
    session.close();
    made.handle
}

#[test]
fn a_slow_key_generation_holds_up_only_its_own_session() {
    let plain = Token::default();
    let key = pin_key(&plain, 3, 3);
    let (gate, arrivals, open) = Gate::new();
    let held = Arc::clone(&gate);
    let token = Token::on(plain.store.clone(), Config::default(), Arc::new(HookedCrypto(move || held.pass())));

    let slow = Issuing::create(&token, |_| {});
    let mut other = Issuing::create(&token, |_| {});
    let session = slow.clone();
    let generated = beside(move || session.line.call(&session.key_request("Key.1")));
    arrivals.recv_timeout(SOON).unwrap();

    // Signatures, counters, other sessions from creation to close: none of them waits.
    token.call(&sign(key, "1563")).unwrap();
    assert_eq!(token.refusal(&sign(key, "0000")), Status::Authorization);
    other.puk("PUK.1", "1", 3);
    assert_eq!(other.try_close().unwrap_err().status, Status::SessionVerify);
    Issuing::create(&token, |_| {}).close();

    // The session itself does: its calls come one after another.
    let session = slow.clone();
    let named = beside(move || {
        session.line.call(&get_key_handle::Request { provisioning_handle: session.handle, id: id("Key.1") })
    });
    assert!(named.recv_timeout(Duration::from_millis(50)).is_err());
    assert!(generated.try_recv().is_err());
    open.send(()).unwrap();
    let made = generated.recv_timeout(SOON).unwrap().unwrap();
    let found = named.recv_timeout(SOON).unwrap().unwrap();
    assert_eq!(found.key_handle, made.private_key_and_handle.key_handle);
}

#[test]
fn two_keys_generate_side_by_side() {
    let both = Arc::new(Barrier::new(2));
    let meet = Arc::clone(&both);
    let plain = Token::default();
    let crypto = Arc::new(HookedCrypto(move || {
        meet.wait();
    }));
    let token = Token::on(plain.store, Config::default(), crypto);
    // Each generation waits for the other one.
    let made = [0, 1].map(|_| {
        let session = Issuing::create(&token, |_| {});
        beside(move || session.line.call(&session.key_request("Key.1")).unwrap())
    });
    for made in made {
        made.recv_timeout(SOON).unwrap();
    }
}

#[test]
fn keys_sign_side_by_side() {
    let token = Token::default();
    let keys: Vec<KeyHandle> = (0..4).map(|_| pin_key(&token, 3, 3)).collect();
    thread::scope(|scope| {
        for key in &keys {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        token.call(&sign(*key, "1563")).unwrap();
                    }
                });
            }
        }
    });
}

/// However many guess at once, exactly RetryLimit wrong PINs are compared and counted.
#[test]
fn parallel_guesses_count_exactly() {
    let token = Token::default();
    for limit in [3, 100] {
        let key = pin_key(&token, limit, 3);
        let (wrong, locked) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let start = Barrier::new(16);
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..10 {
                        let refused = token.call(&verify(key, "0000")).unwrap_err();
                        assert_eq!(refused.status, Status::Authorization);
                        let counter = if refused.text == "the PIN is wrong" { &wrong } else { &locked };
                        counter.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!((wrong.into_inner(), locked.into_inner()), (usize::from(limit), 160 - usize::from(limit)));
        let info = token.call(&get_key_protection_info::Request { key_handle: key }).unwrap();
        assert_eq!(info.pin_error_count, limit);
        assert_eq!(token.refusal(&verify(key, "1563")), Status::Authorization);
    }
}

/// Keys that share a PIN share its counter, from whichever of them the guesses come.
#[test]
fn parallel_guesses_at_a_shared_pin_count_together() {
    let token = Token::default();
    let mut session = Issuing::create(&token, |_| {});
    let policy = session.pin("PIN.1", |r| (r.retry_limit, r.grouping) = (Octet(5), Grouping::Shared.into()));
    let keys: Vec<KeyHandle> = (0..4).map(|at| session.pin_key(&format!("K{at}"), policy, "1563").handle).collect();
    session.close();
    let wrong = AtomicUsize::new(0);
    thread::scope(|scope| {
        for key in &keys {
            scope.spawn(|| {
                for _ in 0..5 {
                    if token.call(&verify(*key, "0000")).unwrap_err().text == "the PIN is wrong" {
                        wrong.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(wrong.into_inner(), 5);
}

#[test]
fn parallel_guesses_at_a_puk_count_exactly() {
    let token = Token::default();
    let key = pin_key(&token, 3, 7);
    let wrong = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let request = unlock_key::Request { key_handle: key, authorization: secret("0") };
                    if token.call(&request).unwrap_err().text == "the PUK is wrong" {
                        wrong.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(wrong.into_inner(), 7);
    let info = token.call(&get_key_protection_info::Request { key_handle: key }).unwrap();
    assert_eq!(info.puk_error_count, 7);
}

/// A clock whose sleep is real.
struct RealClock;

impl Clock for RealClock {
    fn now_ms(&self) -> u64 {
        1_270_548_000_000
    }

    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }
}

#[test]
fn guesses_at_one_puk_wait_one_after_another_and_nothing_else_waits() {
    const DELAY: Duration = Duration::from_millis(120);
    let plain = Token::default();
    let slow = pin_key(&plain, 3, 0);
    let other = pin_key(&plain, 3, 0);
    let ports = Ports {
        store: Arc::new(plain.store.clone()),
        crypto: Arc::new(engine()),
        rng: Arc::new(SeededRng::new(2)),
        clock: Arc::new(RealClock),
    };
    let line = Line::from(Arc::new(Device::start(ports, Config { puk_delay: DELAY, ..Config::default() }).unwrap()));
    let unlock = |key_handle, puk: &str| unlock_key::Request { key_handle, authorization: secret(puk) };

    let start = Instant::now();
    let guesses: Vec<_> = ["0", "1", "17644", "2"]
        .into_iter()
        .map(|puk| {
            let (line, request) = (line.clone(), unlock(slow, puk));
            beside(move || (line.call(&request).is_ok(), Instant::now()))
        })
        .collect();
    let line2 = line.clone();
    let beside_them = beside(move || line2.call(&unlock(other, "17644")).is_ok());
    line.call(&sign(slow, "1563")).unwrap();
    line.call(&verify(other, "1563")).unwrap();
    let quick = start.elapsed();
    assert!(beside_them.recv_timeout(SOON).unwrap());
    let another = start.elapsed();

    let mut answers: Vec<_> = guesses.into_iter().map(|guess| guess.recv_timeout(SOON).unwrap()).collect();
    answers.sort_by_key(|(_, at)| *at);
    assert_eq!(answers.iter().filter(|(right, _)| *right).count(), 1);
    for (at, (_, when)) in (1..).zip(&answers) {
        assert!(when.duration_since(start) >= DELAY * at, "guess {at} waited for those before it");
    }
    let last = answers[3].1.duration_since(start);
    assert!(quick < last && another < last, "{quick:?}, {another:?}: neither waited for the guesses ({last:?})");
}

#[test]
fn of_two_closes_over_one_target_exactly_one_wins() {
    for _ in 0..10 {
        let token = Token::default();
        let mut first = Issuing::create(&token, |r| r.updatable = true);
        let target = first.key("Key.1", |r| r.updatable = true);
        first.close();
        let sessions: Vec<Issuing> = (0..2)
            .map(|_| {
                let mut session = Issuing::create(&token, |_| {});
                let new = session.key("New", |_| {});
                let request = session.update_request(&new, &first.key, &target);
                session.send(&request);
                session
            })
            .collect();
        let start = Arc::new(Barrier::new(2));
        let closing: Vec<_> = sessions
            .into_iter()
            .map(|mut session| {
                let start = Arc::clone(&start);
                beside(move || {
                    start.wait();
                    session.try_close()
                })
            })
            .collect();
        let closed: Vec<_> = closing.into_iter().map(|answer| answer.recv_timeout(SOON).unwrap()).collect();
        let lost: Vec<Status> = closed.into_iter().filter_map(Result::err).map(|refused| refused.status).collect();
        assert_eq!(lost, [Status::SessionVerify]);
        token.call(&sign(target.handle, "")).unwrap();
    }
}

/// Calls of one session come one after another: the limit holds exactly, and nothing is charged twice.
#[test]
fn calls_of_one_session_share_its_limit_exactly() {
    let token = Token::default();
    let session = Issuing::create(&token, |r| r.session_key_limit = 20);
    let signed = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let data = vec![1];
                    let handle = session.handle;
                    let request = sign_provisioning_session_data::Request { provisioning_handle: handle, data };
                    if session.line.call(&request).is_ok() {
                        signed.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(signed.into_inner(), 20, "and the one after them ended the session");
    assert!(token.store.snapshot().keys().all(|at| !matches!(at, sks_core::record::Address::Session(_))));
}

/// A key that is used while it is updated signs with the old or the new key, and afterwards only with the new one.
#[test]
fn a_key_may_be_used_while_it_is_updated() {
    let token = Token::default();
    let mut first = Issuing::create(&token, |r| r.updatable = true);
    let target = first.key("Key.1", |r| r.updatable = true);
    first.close();
    let mut second = Issuing::create(&token, |_| {});
    let new = second.key("New", |_| {});
    let request = second.update_request(&new, &first.key, &target);
    second.send(&request);
    let keys = [&target, &new].map(|made| sks_issuer::device::VerifyingKey::from_spki(&made.public_key).unwrap());
    let verifies = |at: usize, signature: &[u8]| keys[at].verifies_hash(&[7; 32], signature);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut seen_new = false;
                for _ in 0..30 {
                    let signature = token.call(&sign(target.handle, "")).unwrap().result;
                    assert!(verifies(0, &signature) != verifies(1, &signature));
                    assert!(!seen_new || verifies(1, &signature), "never the old key again");
                    seen_new = verifies(1, &signature);
                }
            });
        }
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(2));
            second.close();
            assert!(verifies(1, &token.call(&sign(target.handle, "")).unwrap().result));
        });
    });
}

/// Each proof made with an owner's key counts, right or wrong: not one more than its SessionKeyLimit is ever made.
#[test]
fn an_owners_last_operations_are_spent_once() {
    for _ in 0..5 {
        let token = Token::default();
        let mut first = Issuing::create(&token, |r| (r.updatable, r.session_key_limit) = (true, 4 + 5));
        let target = first.key("Key.1", |r| r.updatable = true);
        first.close();
        let sessions: Vec<Issuing> = (0..16).map(|_| Issuing::create(&token, |_| {})).collect();
        let (start, proved) = (Barrier::new(16), AtomicUsize::new(0));
        thread::scope(|scope| {
            for session in &sessions {
                scope.spawn(|| {
                    let mut request = session.delete_request(&first.key, &target);
                    request.mac[0] ^= 1;
                    start.wait();
                    if session.line.call(&request).unwrap_err().status == Status::Mac {
                        proved.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(proved.into_inner(), 5);
    }
}
