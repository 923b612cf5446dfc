//! The audit log and the check of the data: what they show when somebody changed the database, and how they are read.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tw4s_formats::Role;
use tw4s_formats::operation::{DeleteSignerKeyPair, ListSigners, PageSize, Void};
use tw4s_sam::audit::{Anchor, Chain, Entry, Outcome as Recorded, Query, Row};
use tw4s_sam::record::{ObjectKind, State, Table};
use tw4s_sam::testing::{NOW, Outcome, SoftFirmware, Tables, TokenSpec, World, uuid};
use tw4s_sam::{Config, Refusal, Sam};

/// A world in which something happened.
fn world() -> World {
    let world = World::default();
    assert!(matches!(world.sign(&world.sad(&[vec![1; 32]])), Outcome::Result(_)));
    world.sam.checkpoint().unwrap();
    let Void {} = world.ask(&DeleteSignerKeyPair { keyid: world.text(world.key) }, world.signer).result();
    world.sam.checkpoint().unwrap();
    world
}

/// What the check says when this was done to the database.
fn faults(change: impl FnOnce(&mut Tables)) -> Vec<String> {
    let world = world();
    assert_eq!(world.sam.check_data(None).unwrap().faults, [""; 0]);
    world.store.tamper(change);
    world.sam.check_data(None).unwrap().faults
}

#[track_caller]
fn finds(change: impl FnOnce(&mut Tables), what: &str) {
    let faults = faults(change);
    assert!(faults.iter().any(|fault| fault.contains(what)), "{faults:?}");
}

/// A row with this body, with a hash that continues the chain.
fn rewritten(tables: &mut Tables, from: usize, change: impl FnOnce(&mut Entry)) {
    let mut entry = tables.audit.get(from).unwrap().entry().unwrap();
    change(&mut entry);
    let mut bodies = tables.audit.split_off(from).into_iter().map(|row| row.body).collect::<Vec<_>>();
    *bodies.first_mut().unwrap() = serde_json::to_vec(&entry).unwrap();
    for body in bodies {
        tables.audit.push(Row::behind(tables.audit.last(), body));
    }
}

#[test]
fn sound_data_are_found_sound() {
    let world = world();
    let report = world.sam.check_data(None).unwrap();
    assert!(report.is_ok());
    assert_eq!((report.users, report.objects), (4, 1));
    assert_eq!(report.records, u64::try_from(world.log().len()).unwrap());
}

#[test]
fn a_changed_record_is_found() {
    finds(|tables| tables.audit.get_mut(4).unwrap().body.push(b' '), "audit row 5: its hash");
}

#[test]
fn a_missing_record_is_found() {
    finds(|tables| drop(tables.audit.remove(4)), "audit row 5: it is missing");
    finds(|tables| drop(tables.audit.remove(0)), "audit row 1: it is missing");
}

#[test]
fn exchanged_records_are_found() {
    finds(|tables| tables.audit.swap(3, 4), "audit row 4");
}

/// Whoever can compute SHA-256 can make a chain that holds; only the firmware can sign it.
#[test]
fn a_chain_made_anew_is_found_by_its_checkpoints() {
    finds(|tables| rewritten(tables, 3, |entry| entry.acting = None), "the checkpoint does not cover");
}

#[test]
fn a_record_that_calls_itself_another_is_found() {
    let world = World::default();
    world.store.tamper(|tables| rewritten(tables, tables.audit.len() - 1, |entry| entry.number = 1));
    let report = world.sam.check_data(None).unwrap();
    assert!(report.faults.iter().any(|fault| fault.contains("written as another row")), "{report:?}");
}

#[test]
fn a_checkpoint_needs_the_firmware_s_signature() {
    let checkpoint = |tables: &Tables| {
        tables.audit.iter().rposition(|row| row.entry().unwrap().action == Entry::CHECKPOINT).unwrap()
    };
    finds(
        |tables| {
            let at = checkpoint(tables);
            rewritten(tables, at, |entry| entry.signature = Some("3006020101020101".into()));
        },
        "signature does not verify",
    );
    finds(
        |tables| {
            let at = checkpoint(tables);
            rewritten(tables, at, |entry| entry.signature = None);
        },
        "has no signature",
    );
}

#[test]
fn a_log_put_back_alone_does_not_fit_the_tables() {
    // Without the deletion and its checkpoint: the tables have the tombstone, the log does not.
    finds(|tables| tables.audit.truncate(tables.audit.len() - 2), "not as the audit log's last change left them");
}

/// A database that is put back as a whole is only seen by what is kept elsewhere.
#[test]
fn a_database_put_back_as_a_whole_is_found_by_an_anchor() {
    let world = world();
    let old = world.store.tables();
    assert!(world.new_key(world.signer) != world.key);
    let anchor = world.sam.checkpoint().unwrap();
    assert!(world.sam.check_data(Some(anchor)).unwrap().is_ok());
    world.store.tamper(|tables| *tables = old);
    assert!(world.sam.check_data(None).unwrap().is_ok());
    let report = world.sam.check_data(Some(anchor)).unwrap();
    assert!(report.faults.iter().any(|fault| fault.contains("known from elsewhere")), "{report:?}");
    let other = Anchor { number: 1, hash: [0; 32] };
    assert!(!world.sam.check_data(Some(other)).unwrap().is_ok());
}

#[test]
fn a_changed_user_is_found() {
    finds(|tables| tables.users.get_mut(&uuid(3)).unwrap().role = Role::PrivilegedUser, "is not ours");
    finds(|tables| tables.users.get_mut(&uuid(3)).unwrap().certificates.clear(), "is not ours");
    finds(|tables| tables.users.get_mut(&uuid(3)).unwrap().version = 7, "is not ours");
}

/// "so that deletion and roll-back are found" (1.12).
#[test]
fn a_missing_or_added_user_is_found() {
    finds(|tables| drop(tables.users.remove(&uuid(3))), "rows of Users");
    finds(
        |tables| {
            let mut row = tables.users.get(&uuid(3)).unwrap().clone();
            row.id = uuid(9);
            tables.users.insert(uuid(9), row);
        },
        "rows of Users",
    );
}

/// The row's own MAC holds: it was the module's, once.
#[test]
fn a_key_put_back_is_found() {
    let world = World::default();
    let old = world.store.tables().objects;
    let Void {} = world.ask(&DeleteSignerKeyPair { keyid: world.text(world.key) }, world.signer).result();
    world.store.tamper(|tables| tables.objects = old);
    let report = world.sam.check_data(None).unwrap();
    assert!(report.faults.iter().any(|fault| fault.contains("rows of Objects")), "{report:?}");
    // With the old root it is the audit log that does not fit.
    let earlier = World::default();
    let (old, root) = (earlier.store.tables().objects, earlier.store.tables().seals);
    let Void {} = earlier.ask(&DeleteSignerKeyPair { keyid: earlier.text(earlier.key) }, earlier.signer).result();
    earlier.store.tamper(|tables| {
        tables.objects = old;
        tables.seals = root;
    });
    let report = earlier.sam.check_data(None).unwrap();
    assert!(report.faults.iter().any(|fault| fault.contains("last change")), "{report:?}");
}

#[test]
fn a_changed_object_is_found() {
    finds(|tables| tables.objects.values_mut().for_each(|it| it.state = State::Active), "is not ours");
    finds(|tables| tables.objects.values_mut().for_each(|it| it.owner = uuid(4)), "is not ours");
}

#[test]
fn a_foreign_wrapped_key_is_found() {
    let world = World::default();
    world.firmware.set_foreign(true);
    let report = world.sam.check_data(None).unwrap();
    assert_eq!(report.faults, [format!("the wrapped key {} is not ours", world.key)]);
}

#[test]
fn a_changed_root_is_found() {
    finds(|tables| tables.seals.get_mut(&(Table::Users as u8)).unwrap().count = 1, "the root of Users is not ours");
    finds(|tables| tables.seals.retain(|table, _| *table != Table::Objects as u8), "no root of Objects");
}

#[test]
fn a_certificate_that_signs_for_another_is_found() {
    finds(|tables| tables.holders.clear(), "signs messages for somebody else");
}

#[test]
fn a_check_needs_the_firmware() {
    let world = world();
    world.firmware.set_down(true);
    assert_eq!(world.sam.check_data(None).unwrap_err().refusal, Refusal::Firmware);
}

/// An admitted signing holds its place in the firmware while it waits for the writer: if the writer waited for the
/// firmware, both could wait for ever.
#[test]
fn the_writer_never_waits_for_the_firmware() {
    let world = World::default();
    let (store, calls) = (world.store.clone(), Arc::new(AtomicUsize::new(0)));
    let count = calls.clone();
    world.firmware.set_on_call(move || {
        assert!(!store.is_writing());
        count.fetch_add(1, Ordering::SeqCst);
    });
    assert!(matches!(world.sign(&world.sad(&[vec![1; 32]])), Outcome::Result(_)));
    assert!(world.new_key(world.signer) != world.key);
    let list = ListSigners { limit: PageSize::new(10).unwrap(), after: None };
    assert!(matches!(world.send(&world.signed_request(&list, NOW / 1000)), Outcome::Error(..)));
    world.sam.checkpoint().unwrap();
    assert!(world.sam.check_data(None).unwrap().is_ok());
    drop(Sam::start(world.ports(), Config::default()).unwrap());
    assert!(calls.load(Ordering::SeqCst) > 8);
}

/// Another master backup key: nothing starts, and nothing is changed.
#[test]
fn a_database_of_another_firmware_does_not_start() {
    let world = World::default();
    let before = world.store.tables().audit;
    let ports = tw4s_sam::Ports { firmware: Arc::new(SoftFirmware::new("another")), ..world.ports() };
    let error = Sam::start(ports, Config::default()).err().unwrap();
    assert_eq!(error.refusal, Refusal::StoreDamaged);
    assert_eq!(world.store.tables().audit, before);
}

#[test]
fn a_database_without_its_roots_does_not_start() {
    let world = World::default();
    let whole = world.store.tables();
    let left: [fn(&Tables) -> Tables; 5] = [
        |whole| Tables { seals: BTreeMap::new(), ..whole.clone() },
        |whole| Tables { users: whole.users.clone(), ..Tables::default() },
        |whole| Tables { objects: whole.objects.clone(), ..Tables::default() },
        |whole| Tables { audit: whole.audit.clone(), ..Tables::default() },
        |whole| Tables { seals: whole.seals.clone().into_iter().take(1).collect(), ..Tables::default() },
    ];
    for left in left {
        world.store.tamper(|tables| *tables = left(&whole));
        assert_eq!(Sam::start(world.ports(), Config::default()).err().unwrap().refusal, Refusal::StoreDamaged);
    }
    world.store.tamper(|tables| *tables = Tables::default());
    assert!(Sam::start(world.ports(), Config::default()).is_ok(), "an empty one is new");
}

#[test]
fn start_and_stop_are_recorded() {
    let mut world = World::default();
    assert_eq!(world.log().first().unwrap().action, Entry::START);
    let ports = world.ports();
    let sam = Sam::start(ports, Config::default()).unwrap();
    sam.stop().unwrap();
    let log = world.log();
    let actions = log.iter().rev().take(3).map(|entry| entry.action.as_str()).collect::<Vec<_>>();
    assert_eq!(actions, [Entry::CHECKPOINT, Entry::STOP, Entry::START]);
    world.restart();
    assert!(world.sam.check_data(None).unwrap().is_ok());
}

#[test]
fn checkpoints_come_when_the_log_has_grown() {
    let world = World::new(Config { checkpoint_every: 10, ..Config::default() });
    let count = || world.log().iter().filter(|entry| entry.action == Entry::CHECKPOINT).count();
    world.sam.tidy().unwrap();
    assert_eq!(count(), 0);
    for number in 0..4 {
        let spec = TokenSpec { jti: Some([number; 16]), ..TokenSpec::of(world.signer) };
        assert!(matches!(world.sign(&world.sad_with(&spec, &[vec![1; 32]])), Outcome::Result(_)));
    }
    world.sam.tidy().unwrap();
    assert_eq!(count(), 1);
    world.sam.tidy().unwrap();
    assert_eq!(count(), 1);
    assert!(world.sam.check_data(None).unwrap().is_ok());
}

/// The exported lines are enough to check the chain, byte for byte.
#[test]
fn the_exported_log_can_be_checked_without_the_module() {
    let world = world();
    let lines = world.sam.audit_rows(1, usize::MAX).unwrap().iter().map(Row::to_line).collect::<Vec<_>>();
    let mut chain = Chain::new(None);
    for line in &lines {
        let value = serde_json::from_slice::<serde_json::Value>(line).unwrap();
        assert_eq!(value.get("hash").unwrap().as_str().map(str::len), Some(64));
        let row = Row::from_line(line).unwrap();
        assert_eq!(row.to_line(), *line);
        let entry = chain.push(&row, |_, _| Ok(true)).unwrap();
        assert_eq!(value.get("record").unwrap().get("number").unwrap().as_u64(), Some(entry.number));
    }
    chain.end().unwrap();
    assert_eq!(chain.head().unwrap().number, u64::try_from(lines.len()).unwrap());
    assert!(Row::from_line(b"{}").is_err());
    assert!(Row::from_line(br#"{"hash":"00","record":{}}"#).is_err());
}

#[test]
fn the_log_is_searched() {
    let world = World::default();
    world.clock.set(NOW + 60_000);
    assert!(matches!(world.sign(&world.sad(&[vec![1; 32]])), Outcome::Result(_)));
    let find = |query: Query| world.sam.search_audit(&query, 100).unwrap();
    let all = find(Query::default());
    assert_eq!(all, world.log());
    assert_eq!(find(Query { from_ms: Some(NOW + 1), ..Query::default() }).len(), 2);
    assert_eq!(find(Query { to_ms: Some(NOW), ..Query::default() }).len(), all.len() - 2);
    assert_eq!(find(Query { key: Some(world.key), ..Query::default() }).len(), 3);
    assert_eq!(find(Query { user: Some(world.other_signer), ..Query::default() }).len(), 1);
    assert_eq!(find(Query { user: Some(world.officer), ..Query::default() }).len(), 4, "done by, and to");
    assert_eq!(find(Query { action: Some("Signing".into()), ..Query::default() }).len(), 2);
    assert_eq!(find(Query { outcome: Some(Recorded::Intent), ..Query::default() }).len(), 1);
    assert_eq!(find(Query { after: 3, ..Query::default() }).first().unwrap().number, 4);
    assert_eq!(world.sam.search_audit(&Query::default(), 2).unwrap().len(), 2);
}

/// Whatever a row is kept as, it comes back.
#[test]
fn rows_read_back_as_they_were_written() {
    let world = world();
    let tables = world.store.tables();
    for user in tables.users.values() {
        assert_eq!(tw4s_sam::record::User::decode(&user.encode()).as_ref(), Ok(user));
    }
    for object in tables.objects.values() {
        assert_eq!(tw4s_sam::record::Object::decode(&object.encode()).as_ref(), Ok(object));
    }
    for seal in tables.seals.values() {
        assert_eq!(tw4s_sam::record::Seal::decode(&seal.encode()).as_ref(), Ok(seal));
    }
    for row in &tables.audit {
        assert_eq!(Row::decode(row.number, &row.encode()).as_ref(), Ok(row));
    }
    let user = tables.users.values().next().unwrap().encode();
    for cut in 0..user.len() {
        assert!(tw4s_sam::record::User::decode(user.get(..cut).unwrap()).is_err());
    }
    assert!(ObjectKind::from_number(5).is_err());
}

/// Rows that come while the check reads the log are not part of it, and no fault.
#[test]
fn what_is_written_during_the_check_is_no_fault() {
    let world = World::default();
    let sam = world.sam.clone();
    let certificate = world.idp.certificate.clone();
    let users = AtomicUsize::new(100);
    world.firmware.set_on_call(move || {
        let user = uuid(u8::try_from(users.fetch_add(1, Ordering::SeqCst)).unwrap());
        sam.enrol(Role::PrivilegedUser, user, std::slice::from_ref(&certificate), &[]).unwrap();
    });
    let before = world.store.tables().users.len();
    assert_eq!(world.sam.check_data(None).unwrap().faults, [""; 0]);
    assert!(world.store.tables().users.len() > before);
}

#[test]
fn a_report_has_a_hundred_faults_at_most() {
    let world = World::default();
    let certificate = std::slice::from_ref(&world.idp.certificate);
    for number in 100..210 {
        world.sam.enrol(Role::Signer, uuid(number), certificate, &[]).unwrap();
    }
    world.store.tamper(|tables| tables.users.values_mut().for_each(|user| user.version += 1));
    assert_eq!(world.sam.check_data(None).unwrap().faults.len(), 100);
}

#[test]
fn an_anchor_may_be_the_newest_row() {
    let world = World::default();
    let newest = world.store.tables().audit.pop().unwrap();
    let anchor = Anchor { number: newest.number, hash: newest.hash };
    assert!(world.sam.check_data(Some(anchor)).unwrap().is_ok());
    let behind = Anchor { number: newest.number + 1, ..anchor };
    assert!(!world.sam.check_data(Some(behind)).unwrap().is_ok());
}

/// Rows that a checkpoint may be behind the row that it covers: 4096. Whoever checks need not remember more.
const REACH: usize = 4096;

fn grow(tables: &mut Tables, rows: usize) {
    for _ in 0..rows {
        let number = tables.audit.len() as u64 + 1;
        let entry = Entry { number, ..Entry::new(Entry::START) };
        tables.audit.push(Row::behind(tables.audit.last(), serde_json::to_vec(&entry).unwrap()));
    }
}

#[test]
fn a_checkpoint_covers_one_of_the_rows_shortly_before_it() {
    for (between, holds) in [(REACH - 1, true), (REACH, false)] {
        let mut tables = Tables::default();
        grow(&mut tables, 1);
        let covered = tables.audit.last().unwrap().clone();
        grow(&mut tables, between);
        let mut entry = Entry::new(Entry::CHECKPOINT);
        entry.number = tables.audit.len() as u64 + 1;
        entry.covers = Some(covered.number);
        entry.hash = Some(covered.hash.iter().map(|byte| format!("{byte:02x}")).collect());
        entry.signature = Some("00".into());
        tables.audit.push(Row::behind(tables.audit.last(), serde_json::to_vec(&entry).unwrap()));
        let mut chain = Chain::new(None);
        let broken = tables.audit.iter().find_map(|row| chain.push(row, |_, _| Ok(true)).err());
        assert_eq!(broken.is_none(), holds, "{between}: {broken:?}");
    }
}

/// So much was written while the firmware signed that the row is out of reach: it signs again.
#[test]
fn a_checkpoint_that_came_too_late_is_made_again() {
    let world = World::default();
    let (store, late) = (world.store.clone(), AtomicUsize::new(0));
    world.firmware.set_on_call(move || {
        if late.fetch_add(1, Ordering::SeqCst) == 0 {
            store.tamper(|tables| grow(tables, REACH));
        }
    });
    let covered = world.sam.checkpoint().unwrap();
    assert_eq!(covered.number + 1, world.log().len() as u64);
    assert_eq!(world.sam.check_data(None).unwrap().faults, [""; 0]);
}

#[test]
fn a_checkpoint_is_due_after_as_many_rows_as_were_set() {
    let world = World::new(Config { checkpoint_every: 20, ..Config::default() });
    let count = || world.log().iter().filter(|entry| entry.action == Entry::CHECKPOINT).count();
    let grow_to = |rows| world.store.tamper(|tables| grow(tables, rows - tables.audit.len()));
    for (rows, checkpoints) in [(19, 0), (20, 1), (40, 1), (41, 2)] {
        grow_to(rows);
        world.sam.tidy().unwrap();
        assert_eq!(count(), checkpoints, "{rows}");
    }
}
