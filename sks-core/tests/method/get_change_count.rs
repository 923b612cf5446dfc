//! `getChangeCount`.

use sks_tests::{Issuing, Token};
use sks_wire::Status;
use sks_wire::algorithm::Algorithm;
use sks_wire::types::KeyUsage;

use crate::support::*;

/// Raised, durably, by changes to keys, certificates, policies and owners.
#[test]
fn rises_with_every_change() {
    let token = Token::default();
    assert_eq!(changes(&token), 0);
    let mut last = 0;
    let mut rose = |what: &str| {
        let now = changes(&token);
        assert!(now > last, "{what}");
        assert_eq!(changes(&token.restarted()), now, "{what} is durable");
        last = now;
    };
    let mut session = Issuing::create(&token, |r| r.updatable = true);
    let puk = session.puk("PUK.1", PUK, 3);
    rose("a PUK policy");
    let pin = session.pin("PIN.1", |r| r.puk_policy_handle = puk);
    rose("a PIN policy");
    let made = session.bare_key("A", |r| {
        (r.pin_policy_handle, r.pin_value) = (pin, sks_tests::secret(PIN));
        r.updatable = true;
    });
    rose("a key");
    session.certify(&made);
    rose("a certificate");
    session.extension(&made, "t", b"");
    rose("an extension");
    let symmetric = session.key("B", |r| r.key_usage = KeyUsage::SymmetricKey.into());
    rose("another key");
    let request = session.symmetric_request(&symmetric, b"k", &[Algorithm::HmacSha1.uri().as_bytes()]);
    session.send(&request);
    rose("a symmetric key");
    session.close();
    rose("a closed session");
    let mut second = Issuing::create(&token, |_| {});
    let new = second.key("New", |_| {});
    rose("a new key");
    let request = second.update_request(&new, &session.key, &made);
    second.send(&request);
    second.close();
    rose("an update and new owners");
    token.call(&delete(symmetric.handle, "")).unwrap();
    rose("a deletion");
    let mut third = Issuing::create(&token, |_| {});
    third.bare_key("C", |_| {});
    rose("one more key");
    third.abort();
    rose("an abort");
}

#[test]
fn stays_with_everything_else() {
    let token = crowded();
    let handle = pin_key(&token, |_| {}, |_| {});
    let count = changes(&token);
    let stays = |what: &str| assert_eq!(changes(&token), count, "{what}");
    let mut session = Issuing::create(&token, |_| {});
    stays("a new session");
    session.abort();
    stays("its end");
    for _ in 0..3 {
        assert_eq!(token.refusal(&verify(handle, "0000")), Status::Authorization);
    }
    stays("wrong PINs");
    assert_eq!(token.refusal(&unlock(handle, "0")), Status::Authorization);
    stays("a wrong PUK");
    token.call(&unlock(handle, PUK)).unwrap();
    stays("an unlocked key");
    token.call(&change(handle, PIN, "7777")).unwrap();
    token.call(&set(handle, PUK, PIN)).unwrap();
    stays("another PIN");
    token.call(&sign(handle, PIN)).unwrap();
    stays("a signature");
    refuses(&token, &delete(handle, "x"), Status::Authorization, "");
    stays("a refusal");
}
