//! Fields: how each data type of the text is read, checked and written.
//!
//! Source: SKS API V0.35, "Data Types". Reading has two stages, as the order of checks in the rulings asks:
//! *parse* (lengths, bool, `byte[n]`, id), which [`Field::parse`] does and which refuses the whole call, and
//! *ranges* (text lengths, UTF-8, numeric options), which [`Field::check`] does once the call's objects are known.

use std::fmt;

use nom::IResult;
use nom::bytes::complete::take;
use nom::error::{ErrorKind, ParseError};

/// What is wrong with a byte string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The bytes end inside the field.
    Truncated,
    /// Bytes are left after the last field.
    Trailing,
    /// The first byte is no method of the table.
    UnknownMethod,
    /// A bool that is neither 0 nor 1.
    Bool,
    /// A `byte[n]` whose length is not n.
    Length {
        /// The n of the text.
        expected: u16,
    },
    /// An id that is not 1 to 32 bytes of NCName.
    NcName,
    /// A KeyAlgorithmType that is neither RSA nor ECC.
    KeyAlgorithmType,
    /// An enumeration that ends with anything but the handle 0xFFFFFFFF.
    Terminator,
    /// A text that is not UTF-8.
    Utf8,
    /// A text or array outside its bounds, in bytes or elements.
    Size {
        /// The smallest number allowed.
        min: u32,
        /// The largest number allowed.
        max: u32,
    },
    /// A number that the option's table does not have.
    Value {
        /// The smallest value allowed.
        min: u8,
        /// The largest value allowed.
        max: u8,
    },
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => write!(f, "the call ends inside it"),
            Self::Trailing => write!(f, "bytes are left after the last argument"),
            Self::UnknownMethod => write!(f, "no method has this number"),
            Self::Bool => write!(f, "a bool is 0 or 1"),
            Self::Length { expected } => write!(f, "it must be exactly {expected} bytes long"),
            Self::NcName => write!(f, "an id is an XML NCName of 1 to 32 bytes"),
            Self::KeyAlgorithmType => write!(f, "a KeyAlgorithmType is 0 (RSA) or 1 (ECC)"),
            Self::Terminator => write!(f, "an enumeration ends with the handle 0xFFFFFFFF alone"),
            Self::Utf8 => write!(f, "a text must be UTF-8"),
            Self::Size { min, max } => write!(f, "its length must be {min} to {max}"),
            Self::Value { min, max } => write!(f, "its value must be {min} to {max}"),
        }
    }
}

/// Why a byte string was refused, and where.
///
/// `at` is exact for every refusal. Byte 0 is the method's number or the status, and `at` is that of
///
/// * the first byte of the argument, or of the list's element, that the bytes end inside (`Truncated`);
/// * the first byte left over (`Trailing`, `Terminator`);
/// * the byte itself, where one byte breaks the rule (`UnknownMethod`, `Bool`, `KeyAlgorithmType`, `Value`, `Utf8`,
///   and `NcName` for the first byte of a character that an id cannot have there);
/// * the length or count in front, where that breaks the rule (`Length`, `Size`, and `NcName` for an id that is empty
///   or too long).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} at byte {at}: {kind}")]
pub struct DecodeError {
    /// What is wrong.
    pub kind: Kind,
    /// Where, in bytes from the start of the byte string.
    pub at: usize,
    /// The argument's name in snake_case (of a repeated one that of its elements); `method`, `status`, or `end` for
    /// bytes left over.
    pub field: &'static str,
}

/// A refusal on its way through nom: what is wrong, and what was left to read.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault<'a> {
    kind: Kind,
    rest: &'a [u8],
    field: &'static str,
}

impl<'a> Fault<'a> {
    fn position(&self, whole: &[u8], base: usize) -> DecodeError {
        DecodeError { kind: self.kind, at: base + whole.len().saturating_sub(self.rest.len()), field: self.field }
    }
}

impl<'a> ParseError<&'a [u8]> for Fault<'a> {
    /// nom's own parsers fail here for one reason only: too few bytes.
    fn from_error_kind(rest: &'a [u8], _: ErrorKind) -> Self {
        Fault { kind: Kind::Truncated, rest, field: "" }
    }

    fn append(_: &'a [u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// The result of reading one field.
pub type Parsed<'a, T> = IResult<&'a [u8], T, Fault<'a>>;

/// Refuses the field that starts at `rest`.
pub(crate) fn refuse<'a, T>(rest: &'a [u8], kind: Kind) -> Parsed<'a, T> {
    Err(nom::Err::Error(Fault { kind, rest, field: "" }))
}

/// Names the field that a nested parser refused.
pub(crate) fn name<'a, T>(parsed: Parsed<'a, T>, field: &'static str) -> Parsed<'a, T> {
    parsed
        .map_err(|e| e.map(|fault| Fault { field: if fault.field.is_empty() { field } else { fault.field }, ..fault }))
}

/// A value out of range: what is wrong, and where in its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breach {
    /// What is wrong.
    pub kind: Kind,
    /// Offset from the first byte of the field.
    pub inside: usize,
    /// The name of the part of the field; empty for the field itself.
    pub field: &'static str,
}

impl Breach {
    /// A rule that the field breaks at its first byte.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self { kind, inside: 0, field: "" }
    }

    /// The same breach, seen from a field in which `bytes` go before the part.
    #[must_use]
    pub fn behind(self, bytes: usize) -> Self {
        Self { inside: self.inside + bytes, ..self }
    }

    /// The same breach; if its part has no name yet, it gets this one.
    #[must_use]
    pub fn named(self, field: &'static str) -> Self {
        if self.field.is_empty() { Self { field, ..self } } else { self }
    }
}

/// A type that is one argument of a call or an answer.
pub trait Field: Sized {
    /// Reads the field from the front of `input`.
    fn parse(input: &[u8]) -> Parsed<'_, Self>;

    /// Appends the field's bytes to `out`.
    fn write(&self, out: &mut Vec<u8>);

    /// How many bytes [`Field::write`] appends. Buffers are allocated once, since growing would leave copies of
    /// secrets behind.
    fn size(&self) -> usize;

    /// Whether the value is one that the argument's own table allows.
    ///
    /// # Errors
    /// The first rule that it breaks.
    fn check(&self) -> Result<(), Breach> {
        Ok(())
    }
}

/// A sequence of fields: the arguments of a call, or the results of an answer.
pub trait Message: Sized {
    /// Name and type of each field, in order, as declared: for those who list them.
    const FIELDS: &'static [(&'static str, &'static str)];

    /// Reads the fields from the front of `input`.
    fn parse(input: &[u8]) -> Parsed<'_, Self>;

    /// Appends the fields' bytes to `out`.
    fn write(&self, out: &mut Vec<u8>);

    /// How many bytes [`Message::write`] appends.
    fn size(&self) -> usize;

    /// Checks every field's range, in order.
    ///
    /// # Errors
    /// The first field out of range. Nothing structural: that was refused when it was read.
    fn check(&self) -> Result<(), DecodeError>;
}

/// Reads a whole message, `base` bytes into the string that positions count from.
///
/// # Errors
/// [`DecodeError`] for the first field that cannot be read, or for trailing bytes.
pub fn read_all<T: Message>(input: &[u8], base: usize) -> Result<T, DecodeError> {
    match T::parse(input) {
        Ok(([], message)) => Ok(message),
        Ok((rest, _)) => Err(Fault { kind: Kind::Trailing, rest, field: "end" }.position(input, base)),
        Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => Err(fault.position(input, base)),
        // The complete parsers never ask for more; were one to, the call is too short.
        Err(nom::Err::Incomplete(_)) => {
            Err(DecodeError { kind: Kind::Truncated, at: base + input.len(), field: "end" })
        }
    }
}

/// Declares the struct and the codec of a message from its field list.
macro_rules! message {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$field_doc:meta])* $field:ident : $type:ty),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type),* }

        impl $crate::codec::Message for $name {
            const FIELDS: &'static [(&'static str, &'static str)] = &[$((stringify!($field), stringify!($type))),*];

            fn parse(input: &[u8]) -> $crate::codec::Parsed<'_, Self> {
                $(let (input, $field) =
                    $crate::codec::name(<$type as $crate::codec::Field>::parse(input), stringify!($field))?;)*
                Ok((input, Self { $($field),* }))
            }

            #[allow(unused_variables, reason = "a message may have no fields")]
            fn write(&self, out: &mut Vec<u8>) {
                $($crate::codec::Field::write(&self.$field, out);)*
            }

            fn size(&self) -> usize {
                0 $(+ $crate::codec::Field::size(&self.$field))*
            }

            #[allow(unused_mut, unused_variables, unused_assignments, reason = "a message may have no fields")]
            fn check(&self) -> Result<(), $crate::codec::DecodeError> {
                // Positions count the method's number (or the status) as byte 0.
                let mut before = 1;
                $(
                    $crate::codec::Field::check(&self.$field).map_err(|breach| {
                        let $crate::codec::Breach { kind, inside, field } = breach.named(stringify!($field));
                        $crate::codec::DecodeError { kind, at: before + inside, field }
                    })?;
                    before += $crate::codec::Field::size(&self.$field);
                )*
                Ok(())
            }
        }
    };
}
pub(crate) use message;

macro_rules! integer {
    ($($type:ty, $parser:path;)*) => {$(
        impl Field for $type {
            fn parse(input: &[u8]) -> Parsed<'_, Self> {
                $parser(input)
            }

            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn size(&self) -> usize {
                size_of::<Self>()
            }
        }
    )*};
}

integer! {
    u8, nom::number::complete::be_u8;
    u16, nom::number::complete::be_u16;
    u32, nom::number::complete::be_u32;
}

impl Field for bool {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        match u8::parse(input)? {
            (rest, 0) => Ok((rest, false)),
            (rest, 1) => Ok((rest, true)),
            _ => refuse(input, Kind::Bool),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn size(&self) -> usize {
        1
    }
}

/// Reads the content of a `byte[]`: a two-byte length, then the bytes.
pub(crate) fn short_array(input: &[u8]) -> Parsed<'_, &[u8]> {
    let (rest, length) = u16::parse(input)?;
    // The refused field starts at its length, not behind it.
    take(length)(rest).or_else(|_: nom::Err<Fault<'_>>| refuse(input, Kind::Truncated))
}

/// Writes a `byte[]`. A value that its two-byte length cannot tell is cut there: [`check_short_array`] is what
/// refuses it.
pub(crate) fn write_short_array(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes.get(..usize::from(length)).unwrap_or(bytes));
}

/// How many bytes [`write_short_array`] appends.
pub(crate) fn size_of_short_array(bytes: &[u8]) -> usize {
    2 + bytes.len().min(usize::from(u16::MAX))
}

/// Whether a `byte[]` can hold these bytes.
pub(crate) fn check_short_array(bytes: &[u8]) -> Result<(), Breach> {
    if bytes.len() > usize::from(u16::MAX) {
        return Err(Breach::new(Kind::Size { min: 0, max: u32::from(u16::MAX) }));
    }
    Ok(())
}

/// `byte[]`.
impl Field for Vec<u8> {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, bytes) = short_array(input)?;
        Ok((rest, bytes.to_vec()))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_short_array(self, out);
    }

    fn size(&self) -> usize {
        size_of_short_array(self)
    }

    fn check(&self) -> Result<(), Breach> {
        check_short_array(self)
    }
}

/// `byte[N]`: a `byte[]` that must be exactly N bytes long.
impl<const N: usize> Field for [u8; N] {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, bytes) = short_array(input)?;
        match bytes.try_into() {
            Ok(array) => Ok((rest, array)),
            Err(_) => refuse(input, Kind::Length { expected: u16::try_from(N).unwrap_or(u16::MAX) }),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_short_array(self, out);
    }

    fn size(&self) -> usize {
        size_of_short_array(self)
    }
}
