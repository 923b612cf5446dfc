//! Answers that are sent together, and the wait at the end.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::channel;

use super::*;

/// What is in the memory of the answers, also behind their end.
fn memory(answers: &Answers<'_>, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let at = u64::try_from(answers.bytes.as_ptr().addr()).unwrap();
    File::open("/proc/self/mem").unwrap().read_exact_at(&mut bytes, at).unwrap();
    bytes
}

#[test]
fn answers_that_were_sent_are_wiped() {
    let (stream, mut client) = UnixStream::pair().unwrap();
    client.set_nonblocking(true).unwrap();
    let mut answers = Answers::to(&stream);
    let answer = Frame::new(OK, &[0xA5; 32]);
    answers.push(&answer).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock, "it waits for others");
    assert_eq!(memory(&answers, answer.bytes().len()), answer.bytes());
    answers.send().unwrap();
    let mut received = vec![0; answer.bytes().len()];
    client.read_exact(&mut received).unwrap();
    assert_eq!(received, answer.bytes());
    assert_eq!(memory(&answers, received.len()), vec![0; received.len()]);
}

#[test]
fn answers_that_cannot_be_sent_are_wiped() {
    let (stream, client) = UnixStream::pair().unwrap();
    let mut answers = Answers::to(&stream);
    let answer = Frame::new(OK, &[0xA5; 32]);
    answers.push(&answer).unwrap();
    drop(client);
    assert!(answers.send().is_err());
    assert_eq!(memory(&answers, answer.bytes().len()), vec![0; answer.bytes().len()]);
}

/// Where bytes moved, a copy would be left.
#[test]
fn answers_stay_where_they_are_and_in_their_order() {
    let (stream, mut client) = UnixStream::pair().unwrap();
    let sizes = [BUFFER / 2, BUFFER / 2, 1, BUFFER, 7, BUFFER - 20, 3 * BUFFER];
    let frames: Vec<Frame> = (0..).zip(sizes).map(|(code, size)| Frame::new(code, &vec![code; size])).collect();
    let reading = thread::spawn(move || {
        let mut received = Vec::new();
        client.read_to_end(&mut received).map(|_| received)
    });
    let mut answers = Answers::to(&stream);
    let place = (answers.bytes.as_ptr(), answers.bytes.capacity());
    for frame in &frames {
        answers.push(frame).unwrap();
        assert_eq!((answers.bytes.as_ptr(), answers.bytes.capacity()), place);
    }
    answers.send().unwrap();
    stream.shutdown(Shutdown::Both).unwrap();
    let sent: Vec<u8> = frames.iter().flat_map(Frame::bytes).copied().collect();
    assert!(reading.join().unwrap().unwrap() == sent);
}

#[test]
fn the_end_does_not_wait_for_ever() {
    let connections = Arc::new(Connections::default());
    let (stream, _client) = UnixStream::pair().unwrap();
    let entered = connections.enter(&stream, 1).unwrap();
    let (ended, end) = channel();
    thread::spawn(move || {
        connections.end(Duration::from_millis(20));
        ended.send(()).unwrap();
    });
    end.recv_timeout(Duration::from_secs(60)).unwrap();
    drop(entered);
}
