//! Why bytes or values were refused: a kind and a position, never content.

use std::fmt;

use der::Length;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Longer than the format may be; refused before anything is read.
    TooLong {
        /// The longest allowed, in bytes.
        max: usize,
    },
    /// A tag, length or simple value that DER does not allow, or an element that ends outside its parent.
    NotDer,
    /// Bytes are left after the value.
    Trailing,
    /// More than [`limit::MAX_DEPTH`](crate::limit::MAX_DEPTH) elements within each other.
    Depth,
    /// Readable, but not in the one encoding that DER gives the value.
    NotCanonical,
    /// A field breaks its type or its bounds, as the `der` crate tells it.
    Field(der::ErrorKind),
    /// An extension of ours stands twice in one token.
    DuplicateExtension,
    /// An algorithm, or a key's type, that is not on the list, or parameters that it cannot have.
    Algorithm,
    /// A level of assurance, role or name that is not one of the closed list.
    Vocabulary,
    /// A request's attributes are not what PKCS#10 lets them be.
    Attribute,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { max } => write!(f, "longer than {max} bytes"),
            Self::NotDer => write!(f, "not DER"),
            Self::Trailing => write!(f, "bytes left over"),
            Self::Depth => write!(f, "nested too deeply"),
            Self::NotCanonical => write!(f, "not in canonical encoding"),
            Self::Field(kind) => write!(f, "{kind}"),
            Self::DuplicateExtension => write!(f, "an extension stands twice"),
            Self::Algorithm => write!(f, "unsupported algorithm or parameters"),
            Self::Vocabulary => write!(f, "not one of the known names"),
            Self::Attribute => write!(f, "a request attribute is malformed"),
        }
    }
}

/// Why bytes or a value were refused, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {at}")]
pub struct Error {
    /// What is wrong.
    pub kind: Kind,
    /// Where, in bytes from the start of the input; 0 for a value that was never bytes.
    pub at: usize,
}

impl Error {
    pub(crate) const fn new(kind: Kind, at: usize) -> Self {
        Self { kind, at }
    }

    /// For values that are not input.
    pub(crate) const fn value(kind: Kind) -> Self {
        Self::new(kind, 0)
    }
}

impl From<der::Error> for Error {
    fn from(error: der::Error) -> Self {
        let at = error.position().unwrap_or(Length::ZERO);
        Self::new(Kind::Field(error.kind()), usize::try_from(at).unwrap_or(usize::MAX))
    }
}
