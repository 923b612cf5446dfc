//! Which of the shared lines a call goes over.

use super::*;

#[test]
fn a_call_goes_over_the_line_with_the_fewest_under_way() {
    let played = Played::new();
    let mut port = Port::new(&played.socket());
    port.lines = Arc::new(Lines::new(&played.socket(), 2));
    let (runtime, port) = (Runtime::new().unwrap(), Arc::new(port));
    let ask = || {
        let port = Arc::clone(&port);
        runtime.spawn(async move { port.verify_token(b"token", None).await })
    };
    // Both lines are made, and one has a call from now on.
    let (one, first) = (ask(), played.expect(VERIFY_TOKEN));
    let (two, second) = (ask(), played.expect(VERIFY_TOKEN));
    assert!(!second.is_same_line(&first));
    second.answer(&value(2));
    assert_eq!(runtime.block_on(two).unwrap().unwrap(), [2; 3]);
    for number in 3..8 {
        let (asked, call) = (ask(), played.expect(VERIFY_TOKEN));
        assert!(call.is_same_line(&second), "{number}");
        call.answer(&value(number));
        assert_eq!(runtime.block_on(asked).unwrap().unwrap(), [number; 3]);
    }
    // It counts no more once it is answered.
    first.answer(&value(1));
    assert_eq!(runtime.block_on(one).unwrap().unwrap(), [1; 3]);
    let calls: Vec<_> = (0..2).map(|_| (ask(), played.expect(VERIFY_TOKEN))).collect();
    assert!(calls.iter().any(|(_, call)| call.is_same_line(&first)));
    for (asked, call) in calls {
        call.answer(&value(9));
        assert_eq!(runtime.block_on(asked).unwrap().unwrap(), [9; 3]);
    }
}
