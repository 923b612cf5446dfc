#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::cell::RefCell;

use super::*;

/// A stream that gives at most so many bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(self.0.len()).min(out.len());
        assert!(self.0.is_empty() || length > 0, "there is always room to read into");
        out[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

fn framed(bodies: &[Vec<u8>]) -> Vec<u8> {
    bodies.iter().flat_map(|body| [&u32::try_from(body.len()).unwrap().to_be_bytes(), &body[..]].concat()).collect()
}

fn bodies() -> Vec<Vec<u8>> {
    [0, 1, 5, SMALL - PREFIX, SMALL, 3 * SMALL + 1, 7, 0, 100_000, 2].map(|length| vec![0xA7; length]).to_vec()
}

fn all(mut stream: impl Read, max: u32) -> Result<Vec<Vec<u8>>, FrameError> {
    let mut calls = Calls::new(max);
    let mut found = Vec::new();
    while calls.fill(&mut stream)? {
        while let Some(call) = calls.next()? {
            found.push(call.to_vec());
        }
    }
    Ok(found)
}

#[test]
fn the_cuts_between_reads_do_not_matter() {
    let bytes = framed(&bodies());
    for step in [1, 2, 3, 4, 5, 1000, SMALL - 1, SMALL, SMALL + 1, usize::MAX] {
        assert_eq!(all(Trickle(&bytes, step), 100_000).unwrap(), bodies(), "{step} bytes a read");
    }
}

#[test]
fn a_length_over_the_limit_is_refused_after_what_came_before() {
    let mut bytes = framed(&[vec![1; 10]]);
    bytes.extend_from_slice(&11u32.to_be_bytes());
    let mut calls = Calls::new(10);
    assert!(calls.fill(&mut bytes.as_slice()).unwrap());
    assert_eq!(calls.next().unwrap().unwrap(), [1; 10]);
    assert!(matches!(calls.next(), Err(FrameError::TooLong { length: 11, max: 10 })));
}

#[test]
fn memory_follows_what_arrives_and_not_what_is_announced() {
    let mut calls = Calls::new(1 << 20);
    assert!(calls.fill(&mut (1u32 << 20).to_be_bytes().as_slice()).unwrap());
    assert!(calls.next().unwrap().is_none());
    calls.make_room();
    assert_eq!(calls.bytes.len(), SMALL);
}

#[test]
fn a_large_call_leaves_no_large_buffer() {
    let bytes = framed(&[vec![1; 1 << 20]]);
    let mut calls = Calls::new(1 << 20);
    let mut stream = bytes.as_slice();
    while calls.next().unwrap().is_none() {
        assert!(calls.fill(&mut stream).unwrap());
    }
    calls.make_room();
    assert_eq!(calls.bytes.len(), SMALL);
}

#[test]
fn handled_calls_are_wiped() {
    let bytes = framed(&[vec![0xA7; 100], vec![0xA7; 50]]);
    let mut calls = Calls::new(1000);
    calls.fill(&mut &bytes[..bytes.len() - 1]).unwrap();
    assert!(calls.next().unwrap().is_some());
    assert!(calls.next().unwrap().is_none());
    calls.make_room();
    assert_eq!(calls.bytes.iter().filter(|byte| **byte == 0xA7).count(), 49);
}

#[test]
fn answers_keep_their_order_and_small_ones_share_a_write() {
    let written = RefCell::new(Vec::new());
    let write = |bytes: &[u8]| {
        written.borrow_mut().push(bytes.to_vec());
        Ok(())
    };
    let mut answers = Answers::new();
    for body in bodies() {
        answers.push(&body, write).unwrap();
    }
    answers.flush(write).unwrap();
    assert_eq!(written.borrow().concat(), framed(&bodies()));
    assert_eq!(written.borrow()[0].len(), PREFIX * 3 + 6, "the first three go out together");
    assert_eq!(answers.bytes.capacity(), SMALL);
}
