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
