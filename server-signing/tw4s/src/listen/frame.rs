//! Frames: a length in four bytes, big-endian, and a body.

use std::io::{self, Read, Write};

use tokio::io::{AsyncRead, AsyncReadExt};

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A frame.
    Whole,
    /// The length of one that is not read.
    TooLong,
    /// The stream's end, between two frames.
    End,
}

/// Reads a frame into `body`, which grows with what really arrives and not on the word of a length.
pub(crate) fn read_frame(reader: &mut impl Read, body: &mut Vec<u8>, max: usize) -> io::Result<Frame> {
    let mut prefix = [0; 4];
    match reader.read(&mut prefix)? {
        0 => return Ok(Frame::End),
        length => reader.read_exact(prefix.get_mut(length..).unwrap_or_default())?,
    }
    let length = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
    if length > max {
        return Ok(Frame::TooLong);
    }
    body.clear();
    let wanted = u64::try_from(length).unwrap_or(u64::MAX);
    match reader.take(wanted).read_to_end(body)? {
        read if read == length => Ok(Frame::Whole),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Writes a frame, in one piece.
pub(crate) fn write_frame(mut writer: impl Write, body: &[u8]) -> io::Result<()> {
    writer.write_all(&framed(body)?)
}

/// The calls of one connection, read one after the other. What arrives is kept between two reads, so that a read may be
/// given up and begun again.
#[derive(Default)]
pub(super) struct Calls {
    bytes: Vec<u8>,
    /// Bytes of the frame that was read last.
    taken: usize,
}

impl Calls {
    /// Reads the next one. Room is made for what really arrives and not on the word of a length.
    pub(super) async fn next(&mut self, from: &mut (impl AsyncRead + Unpin), max: usize) -> io::Result<Frame> {
        self.bytes.drain(..std::mem::take(&mut self.taken));
        if self.bytes.is_empty() {
            self.bytes.shrink_to(MOST_KEPT);
        }
        loop {
            if let Some(prefix) = self.bytes.first_chunk::<PREFIX>() {
                let length = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
                if length > max {
                    return Ok(Frame::TooLong);
                }
                if self.bytes.len() - PREFIX >= length {
                    self.taken = PREFIX + length;
                    return Ok(Frame::Whole);
                }
            }
            self.bytes.reserve(ROOM);
            if from.read_buf(&mut self.bytes).await? == 0 {
                let within = !self.bytes.is_empty();
                return if within { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Frame::End) };
            }
        }
    }

    /// The body of the frame that was read last.
    pub(super) fn body(&self) -> &[u8] {
        self.bytes.get(PREFIX..self.taken).unwrap_or_default()
    }
}

/// A frame's bytes.
pub(super) fn framed(body: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut frame = Vec::with_capacity(PREFIX + body.len());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(body);
    Ok(frame)
}

/// Bytes of the length.
const PREFIX: usize = 4;
/// Bytes that are read at once; a request with one hash has about 1 KiB.
const ROOM: usize = 4 << 10;
/// Bytes that a connection keeps for its next call.
const MOST_KEPT: usize = 8 << 10;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn read(bytes: &[u8], max: usize) -> io::Result<(Frame, Vec<u8>)> {
        let mut body = Vec::new();
        read_frame(&mut &*bytes, &mut body, max).map(|frame| (frame, body))
    }

    #[test]
    fn frames_are_read_up_to_the_bound() {
        assert_eq!(read(&[0, 0, 0, 2, 7, 8], 2).unwrap(), (Frame::Whole, vec![7, 8]));
        assert_eq!(read(&[0, 0, 0, 0], 2).unwrap(), (Frame::Whole, vec![]));
        assert_eq!(read(&[0, 0, 0, 3], 2).unwrap().0, Frame::TooLong);
        assert_eq!(read(&[255; 4], 2).unwrap().0, Frame::TooLong);
        assert_eq!(read(&[], 2).unwrap().0, Frame::End);
        assert!(read(&[0, 0], 2).is_err() && read(&[0, 0, 0, 2, 7], 2).is_err());
    }

    #[test]
    fn a_frame_replaces_the_one_before_it() {
        let (mut from, mut body) = (&[0, 0, 0, 2, 7, 8, 0, 0, 0, 1, 9][..], Vec::new());
        for frame in [&[7, 8][..], &[9]] {
            assert_eq!(read_frame(&mut from, &mut body, 2).unwrap(), Frame::Whole);
            assert_eq!(body, frame);
        }
    }

    #[test]
    fn calls_are_read_as_they_come_and_up_to_the_bound() {
        let read = |bytes: &[u8], max| {
            let (mut calls, mut from, mut all) = (Calls::default(), bytes, Vec::new());
            loop {
                match pollster::block_on(calls.next(&mut from, max)) {
                    Ok(Frame::Whole) => all.push(calls.body().to_vec()),
                    end => return (all, end.ok()),
                }
            }
        };
        assert_eq!(read(&[0, 0, 0, 2, 7, 8, 0, 0, 0, 0], 2), (vec![vec![7, 8], vec![]], Some(Frame::End)));
        assert_eq!(read(&[0, 0, 0, 1, 7, 0, 0, 0, 3], 2), (vec![vec![7]], Some(Frame::TooLong)));
        assert_eq!(read(&[255; 4], 2), (vec![], Some(Frame::TooLong)));
        assert_eq!(read(&[0, 0], 2), (vec![], None));
        assert_eq!(read(&[0, 0, 0, 2, 7], 2), (vec![], None));
        let long = [&[0, 1, 0, 0][..], &vec![5; 1 << 16]].concat();
        assert_eq!(read(&long, 1 << 16), (vec![vec![5; 1 << 16]], Some(Frame::End)));
    }

    #[test]
    fn room_is_made_for_what_arrives() {
        let announced = [&[1, 0, 0, 0][..], &[5; 100]].concat();
        let mut body = Vec::new();
        assert!(read_frame(&mut announced.as_slice(), &mut body, usize::MAX).is_err());
        assert!(body.capacity() < 1 << 16, "{}", body.capacity());
        let mut calls = Calls::default();
        assert!(pollster::block_on(calls.next(&mut announced.as_slice(), usize::MAX)).is_err());
        assert!(calls.bytes.capacity() < 1 << 16, "{}", calls.bytes.capacity());
    }

    #[test]
    fn the_room_of_a_long_call_is_given_back() {
        let long = [&[0, 16, 0, 0][..], &vec![5; 1 << 20]].concat();
        let both = [long, vec![0, 0, 0, 1, 7]].concat();
        let (mut rest, mut calls) = (both.as_slice(), Calls::default());
        assert_eq!(pollster::block_on(calls.next(&mut rest, 1 << 20)).unwrap(), Frame::Whole);
        assert_eq!(pollster::block_on(calls.next(&mut rest, 1 << 20)).unwrap(), Frame::Whole);
        assert_eq!(pollster::block_on(calls.next(&mut rest, 1 << 20)).unwrap(), Frame::End);
        assert!(calls.bytes.capacity() <= MOST_KEPT, "{}", calls.bytes.capacity());
    }
}
