//! Which of the shared lines a call goes over.

use super::*;

#[test]
fn a_call_goes_over_the_line_with_the_fewest_under_way() {
    let played = Played::new();
    let (runtime, port) = port_with(&played, 2);
    let ask = || ask(&runtime, &port);
    // Both lines are made, and one has a call from now on.
    let (one, first) = (ask(), played.expect(VERIFY_TOKEN));
    let (two, second) = (ask(), played.expect(VERIFY_TOKEN));
    assert!(!second.is_same_line(&first));
    answer(&runtime, two, &second, 2);
    for number in 3..8 {
        let (asked, call) = (ask(), played.expect(VERIFY_TOKEN));
        assert!(call.is_same_line(&second), "{number}");
        answer(&runtime, asked, &call, number);
    }
    // It counts no more once it is answered.
    answer(&runtime, one, &first, 1);
    let calls: Vec<_> = (0..2).map(|_| (ask(), played.expect(VERIFY_TOKEN))).collect();
    assert!(calls.iter().any(|(_, call)| call.is_same_line(&first)));
    for (asked, call) in calls {
        answer(&runtime, asked, &call, 9);
    }
}
