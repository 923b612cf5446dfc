//! The socket transport: each request and each response is a u32 length and that many bytes.

use std::io::{self, Read, Write};

use zeroize::Zeroizing;

/// The largest frame by default, in bytes without the length prefix: 1 MiB.
pub const MAX_FRAME: u32 = 1 << 20;

/// Why no frame could be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer announced more than the limit; the stream cannot be used any more.
    #[error("a frame of {length} bytes is over the limit of {max}")]
    TooLong {
        /// What the peer announced, in bytes.
        length: u32,
        /// The limit, in bytes.
        max: u32,
    },
    /// The stream failed, or ended inside a frame.
    #[error("the connection failed")]
    Io(#[from] io::Error),
}

/// Reads one frame; `None` when the stream ends before one starts. Frames carry PINs, so the buffer is wiped.
///
/// Nothing is allocated before the length is known to be at most `max`.
///
/// # Errors
/// [`FrameError`]; the stream is of no further use.
pub fn read(stream: &mut impl Read, max: u32) -> Result<Option<Zeroizing<Vec<u8>>>, FrameError> {
    let mut prefix = [0u8; 4];
    let mut filled = 0;
    while let Some(free) = prefix.get_mut(filled..).filter(|free| !free.is_empty()) {
        match stream.read(free) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    let length = u32::from_be_bytes(prefix);
    if length > max {
        return Err(FrameError::TooLong { length, max });
    }
    let mut body = Zeroizing::new(vec![0; usize::try_from(length).unwrap_or(usize::MAX)]);
    stream.read_exact(&mut body)?;
    Ok(Some(body))
}

/// Writes one frame in a single write.
///
/// # Errors
/// Those of the stream, and `InvalidInput` for a body over 4 GiB.
pub fn write(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut whole = Zeroizing::new(Vec::with_capacity(4 + body.len()));
    whole.extend_from_slice(&length.to_be_bytes());
    whole.extend_from_slice(body);
    stream.write_all(&whole)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

    use super::*;

    /// Gives its bytes one at a time, each after an interruption, and counts what was taken.
    struct Slow<'a> {
        bytes: &'a [u8],
        interrupted: bool,
        taken: usize,
    }

    impl<'a> Slow<'a> {
        fn new(bytes: &'a [u8]) -> Self {
            Self { bytes, interrupted: false, taken: 0 }
        }
    }

    impl Read for Slow<'_> {
        fn read(&mut self, free: &mut [u8]) -> io::Result<usize> {
            self.interrupted = !self.interrupted;
            if self.interrupted {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let ([first, rest @ ..], [slot, ..]) = (self.bytes, free) else { return Ok(0) };
            (*slot, self.bytes, self.taken) = (*first, rest, self.taken + 1);
            Ok(1)
        }
    }

    #[test]
    fn reads_what_was_written_however_it_arrives() {
        let mut stream = Vec::new();
        for body in [&b"\x79"[..], b"", b"more than one byte"] {
            write(&mut stream, body).unwrap();
        }
        let mut stream = Slow::new(&stream);
        assert_eq!(**read(&mut stream, 100).unwrap().unwrap(), *b"\x79");
        assert_eq!(**read(&mut stream, 100).unwrap().unwrap(), *b"");
        assert_eq!(**read(&mut stream, 100).unwrap().unwrap(), *b"more than one byte");
        assert!(read(&mut stream, 100).unwrap().is_none());
    }

    #[test]
    fn takes_a_frame_of_the_limit_and_refuses_one_byte_more() {
        assert_eq!(read(&mut &b"\0\0\0\x03abc"[..], 3).unwrap().unwrap().len(), 3);
        let refused = read(&mut &b"\0\0\0\x04abcd"[..], 3);
        assert!(matches!(refused, Err(FrameError::TooLong { length: 4, max: 3 })));
        let largest = vec![1; MAX_FRAME as usize];
        let mut stream = Vec::new();
        write(&mut stream, &largest).unwrap();
        assert_eq!(**read(&mut &stream[..], MAX_FRAME).unwrap().unwrap(), *largest);
    }

    #[test]
    fn reads_nothing_of_a_frame_over_the_limit_but_its_length() {
        let mut stream = Slow::new(b"\xff\xff\xff\xffabcdefgh");
        let refused = read(&mut stream, MAX_FRAME);
        assert!(matches!(refused, Err(FrameError::TooLong { length: u32::MAX, max: MAX_FRAME })));
        assert_eq!(stream.taken, 4);
    }

    #[test]
    fn tells_an_end_between_frames_from_one_inside() {
        assert!(read(&mut &b""[..], 9).unwrap().is_none());
        for cut in [&b"\0"[..], b"\0\0\0", b"\0\0\0\x02", b"\0\0\0\x02a"] {
            match read(&mut &*cut, 9) {
                Err(FrameError::Io(e)) => assert_eq!(e.kind(), io::ErrorKind::UnexpectedEof),
                other => panic!("{cut:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn passes_on_what_the_stream_says() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::WouldBlock.into())
            }
        }
        let refused = read(&mut Broken, 9);
        assert!(matches!(refused, Err(FrameError::Io(e)) if e.kind() == io::ErrorKind::WouldBlock));
    }

    #[test]
    fn writes_length_and_body_in_one_write() {
        #[derive(Default)]
        struct Writes(Vec<Vec<u8>>);
        impl Write for Writes {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.push(bytes.to_vec());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut writes = Writes::default();
        write(&mut writes, b"ab").unwrap();
        assert_eq!(writes.0, [b"\0\0\0\x02ab"]);
    }
}
