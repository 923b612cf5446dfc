//! What the targets of server signing hold of every format.

use tw4s_formats::Format;

/// What is accepted is written as the same bytes, and a refusal points into them.
pub fn kept<T: Format>(bytes: &[u8]) -> Option<T> {
    match T::parse(bytes) {
        Ok(value) => {
            assert_eq!(value.to_bytes().expect("what was read can be written"), bytes);
            Some(value)
        }
        Err(error) => {
            assert!(error.at <= bytes.len());
            None
        }
    }
}
