//! Signing through the running processes: replays, kills, hostile frames, a tampered database.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tw4s_formats::operation::Signing;
use tw4s_formats::{ErrorType, Format, PeerBody, PeerMessage, Response, Role, Time};
use tw4s_sam::audit::Outcome;
use tw4s_sam::ports::{Read as _, Store as _};

use crate::scene::{Answer, Order, Scene, call};
use crate::support::parties;

fn is_refused<T>(answer: &Answer<T>, expected: ErrorType) -> bool {
    answer.as_ref().is_err_and(|error| error.error_type == expected)
}

#[test]
fn of_a_replay_storm_on_200_connections_one_wins() {
    const STORM: usize = 200;
    let scene = Scene::new();
    let order = scene.order();
    let barrier = Barrier::new(STORM);
    let answers: Vec<Answer<()>> = thread::scope(|scope| {
        let one = || {
            let mut stream = scene.connect();
            barrier.wait();
            scene.signature(&order, &call(&mut stream, &order.request).unwrap())
        };
        let calls: Vec<_> = (0..STORM).map(|_| scope.spawn(one)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let refused = answers.iter().filter(|answer| is_refused(answer, ErrorType::InvalidAuthentication));
    assert_eq!(refused.count(), STORM - 1);
    let audit = scene.audit();
    let count = |outcome| audit.iter().filter(|e| e.sad.as_ref() == Some(&order.sad) && e.outcome == outcome).count();
    assert_eq!([Outcome::Intent, Outcome::Success, Outcome::Failed].map(count), [1, 1, STORM - 1]);
}

/// Clients sign without pause while `victim` is killed; then all that was sent is sent again.
fn killed_in_the_middle(victim: &str) {
    const CLIENTS: usize = 8;
    let scene = Scene::new();
    let orders: Vec<Vec<Order>> = (0..CLIENTS).map(|_| (0..400).map(|_| scene.order()).collect()).collect();
    let (over, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let send = |orders: &[Order]| {
        let mut stream = scene.connect();
        let mut signed = Vec::new();
        for order in orders {
            let answer = call(&mut stream, &order.request).map(|answer| scene.signature(order, &answer));
            signed.push(matches!(answer, Ok(Ok(()))));
            done.fetch_add(1, Ordering::Relaxed);
            if answer.is_err() || over.load(Ordering::Relaxed) {
                break;
            }
        }
        signed
    };
    let before: Vec<Vec<bool>> = thread::scope(|scope| {
        let send = &send;
        let threads: Vec<_> = orders.iter().map(|orders| scope.spawn(move || send(orders))).collect();
        // In the middle, however fast the machine is.
        while done.load(Ordering::Relaxed) < 10 * CLIENTS && !threads.iter().any(|thread| thread.is_finished()) {
            thread::sleep(Duration::from_millis(1));
        }
        scene.kill(victim);
        thread::sleep(Duration::from_millis(50));
        over.store(true, Ordering::Relaxed);
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(before.iter().flatten().filter(|signed| **signed).count() > CLIENTS, "the kill came too early");
    let mut starts = 0;
    while scene.stage.ok(&["manageSAM", "start", "1"]).contains("is already running") && victim == "sam1" {
        // The killed process may still be seen for a moment.
        starts += 1;
        assert!(starts < 100);
    }
    let mut stream = scene.connect();
    let mut signatures: BTreeMap<&str, usize> = BTreeMap::new();
    for (orders, before) in orders.iter().zip(&before) {
        for (order, signed) in orders.iter().zip(before) {
            let again = scene.signature(order, &call(&mut stream, &order.request).unwrap());
            assert!(again.is_ok() || is_refused(&again, ErrorType::InvalidAuthentication), "{again:?}");
            *signatures.entry(&order.sad).or_default() += usize::from(*signed) + usize::from(again.is_ok());
        }
    }
    assert!(signatures.values().all(|count| *count <= 1), "a second signature");
    let audit = scene.audit();
    for (sad, signed) in &signatures {
        let count = |outcome| audit.iter().filter(|e| e.sad.as_deref() == Some(sad) && e.outcome == outcome).count();
        assert_eq!(count(Outcome::Intent), 1, "a hash that was never reserved, or twice");
        // A signature that was answered has its record; one that is recorded may have been lost on the way.
        assert!(count(Outcome::Success) >= *signed && count(Outcome::Success) <= 1);
    }
    let results = audit.iter().filter_map(|entry| entry.intent.filter(|_| entry.outcome != Outcome::Intent));
    let mut results: Vec<u64> = results.collect();
    results.sort_unstable();
    let intents: Vec<u64> = audit.iter().filter(|e| e.outcome == Outcome::Intent).map(|e| e.number).collect();
    assert_eq!(results, intents, "each intent has one result");
}

#[test]
fn kill_9_of_the_service_in_the_middle_gives_no_second_signature_and_none_without_a_record() {
    killed_in_the_middle("sam1");
}

#[test]
fn kill_9_of_the_firmware_in_the_middle_gives_no_second_signature_and_none_without_a_record() {
    killed_in_the_middle("firmware");
}

#[test]
fn without_its_firmware_the_module_is_not_operational_and_start_brings_it_back() {
    let scene = Scene::new();
    scene.kill("firmware");
    let order = scene.order();
    let answer = scene.signature(&order, &call(&mut scene.connect(), &order.request).unwrap());
    assert!(is_refused(&answer, ErrorType::NotOperational), "{answer:?}");
    assert_eq!(scene.stage.says(&["manageSAM", "integrity", "data"]).code, Some(1));
    let mut said = scene.stage.ok(&["manageSAM", "start", "1"]);
    assert!(said.ends_with("The subsystem \"sam1\" is already running ... warning\n"), "{said}");
    said = scene.stage.ok(&["manageSAM", "start", "1"]);
    assert_eq!(said, "The subsystem \"sam1\" is already running ... warning\n");
    scene.signature(&order, &call(&mut scene.connect(), &order.request).unwrap()).unwrap();
}

#[test]
fn hostile_frames_cost_their_connection_alone() {
    let scene = Scene::new();
    for garbage in [&b""[..], b"x", &[0x30; 100], &[0xFF; 5000]] {
        let answer = call(&mut scene.connect(), garbage).unwrap();
        assert!(is_refused(&parties::answer::<Signing>(&answer).unwrap(), ErrorType::ContainerParseError));
    }
    let mut long = scene.connect();
    long.write_all(&u32::MAX.to_be_bytes()).unwrap();
    let mut answer = Vec::new();
    long.read_to_end(&mut answer).unwrap();
    let response = PeerMessage::parse(&answer[4..]).unwrap().body;
    let PeerBody::Response(response) = response else { return assert!(answer.is_empty(), "no response") };
    assert!(matches!(&*response, Response::Error(error) if error.error_type == ErrorType::ContainerParseError));
    let mut half = scene.connect();
    half.write_all(&[0, 0, 1]).unwrap();
    let ping = PeerMessage::new([7; 16], Time::from_unix(parties::now()).unwrap(), PeerBody::Ping).unwrap();
    let pong = PeerMessage::parse(&call(&mut scene.connect(), &ping.to_bytes().unwrap()).unwrap()).unwrap();
    assert_eq!((pong.id, pong.body), (ping.id, PeerBody::Pong));
    drop(half);
}

#[test]
fn a_role_raised_in_the_database_is_found() {
    let scene = Scene::new();
    scene.stage.ok(&["manageSAM", "stop", "1"]);
    {
        let store = scene.store();
        let mut user = store.user(&scene.signer.parse().unwrap()).unwrap().unwrap();
        user.role = Role::PrivilegedUser;
        let mut txn = store.begin().unwrap();
        txn.put_user(&user).unwrap();
        txn.commit().unwrap();
    }
    scene.stage.ok(&["manageSAM", "start", "1"]);
    let said = scene.stage.says(&["manageSAM", "integrity", "data"]);
    assert_eq!((said.stdout.as_str(), said.code), ("Data integrity check ... failed\n", Some(1)));
    let order = scene.order();
    let answer = scene.signature(&order, &call(&mut scene.connect(), &order.request).unwrap());
    assert!(is_refused(&answer, ErrorType::UnexpectedError), "{answer:?}");
}

/// Over the sockets, on the real database: signings are answered while the service checks its data, users and keys come
/// meanwhile, and no check takes that for a fault.
#[test]
fn signings_go_on_while_the_data_are_checked() {
    let scene = Scene::new();
    let (over, signed, made) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let repeat = |what: &dyn Fn(), count: &AtomicUsize| {
        while !over.load(Ordering::Relaxed) {
            what();
            count.fetch_add(1, Ordering::Relaxed);
        }
    };
    let checks = thread::scope(|scope| {
        let _signers: [_; 2] = std::array::from_fn(|_| scope.spawn(|| repeat(&|| scene.sign(), &signed)));
        scope.spawn(|| repeat(&|| scene.new_signer(), &made));
        let counts = || [&signed, &made].map(|count| count.load(Ordering::Relaxed));
        let mut checks = Vec::new();
        let mut overlapped = 0;
        // Where the machine has little time for each of them, a check may be over before a key is made.
        while overlapped < 5 && checks.len() < 100 {
            let before = counts();
            checks.push(scene.stage.says(&["manageSAM", "integrity", "data"]));
            overlapped += usize::from(before.iter().zip(counts()).all(|(before, after)| *before < after));
        }
        // Before anything fails, so that the others end.
        over.store(true, Ordering::Relaxed);
        assert_eq!(overlapped, 5, "of {}", checks.len());
        checks
    });
    for said in checks {
        assert_eq!((said.stdout.as_str(), said.code), ("Data integrity check ... ok\n", Some(0)));
    }
    assert!(scene.audit().len() > 2 * signed.load(Ordering::Relaxed));
}

#[test]
fn credentials_and_keys_are_in_no_log() {
    let scene = Scene::new();
    let order = scene.order();
    scene.signature(&order, &call(&mut scene.connect(), &order.request).unwrap()).unwrap();
    scene.stage.ok(&["manageSAM", "stop", "1"]);
    for log in ["sam1", "firmware"] {
        let text = fs::read_to_string(scene.stage.path(&format!("home/{log}/log"))).unwrap();
        assert!(!text.contains("eins") && !text.contains("zwei") && !text.contains(&hex::encode([7; 32])), "{text}");
    }
}
