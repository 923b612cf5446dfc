//! A firmware that does not answer in time.

use tokio::runtime::Builder;
use tw4s_firmware::client::ANSWER_TIMEOUT;
use tw4s_firmware::protocol::VerifyTokenCall;

use super::*;

/// The clock runs ahead to when the answer is given up. The call may be under way still, so it is not made again; and what
/// it is answered with in the end is not taken for the answer of the next one.
#[test]
fn a_late_answer_is_nobody_s() {
    let played = Played::new();
    let mut port = Port::new(&played.socket());
    port.lines = Arc::new(Lines::new(&played.socket(), 1));
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let answering = thread::spawn(move || {
        let calls = [played.expect(VERIFY_TOKEN), played.expect(VERIFY_TOKEN)];
        let tokens =
            calls.each_ref().map(|call| VerifyTokenCall::parse(call.frame.body()).unwrap().token.as_bytes()[0]);
        assert!(calls[0].is_same_line(&calls[1]));
        for (call, token) in calls.iter().zip(tokens) {
            call.answer(&value(token));
        }
        tokens
    });
    let (late, next) = runtime.block_on(async {
        let began = tokio::time::Instant::now();
        let late = port.verify_token(&[1], None).await;
        assert!((ANSWER_TIMEOUT..2 * ANSWER_TIMEOUT).contains(&began.elapsed()));
        tokio::time::resume();
        (late, port.verify_token(&[2], None).await)
    });
    assert!(matches!(&late, Err(FirmwareError::NotOperational(why)) if why.contains("in time")), "{late:?}");
    assert_eq!(next.unwrap(), [2; 3]);
    assert_eq!(answering.join().unwrap(), [1, 2]);
}
