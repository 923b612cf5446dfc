//! Repeated arguments ("X509Certificate...") and the answer of an enumeration.

use super::{NO_HANDLE, OutOfRange};
use crate::codec::{Breach, DecodeError, Field, Kind, Parsed, name, refuse};

macro_rules! list {
    ($($(#[$doc:meta])* $name:ident, $count:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// `MIN` is the smallest number of elements; without `EMPTY`, no element is an empty array. Both are ranges:
        /// they are checked, not parsed.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name<T, const MIN: usize = 0, const EMPTY: bool = true>(pub Vec<T>);

        impl<T, const MIN: usize, const EMPTY: bool> From<Vec<T>> for $name<T, MIN, EMPTY> {
            fn from(items: Vec<T>) -> Self {
                Self(items)
            }
        }

        impl<T: Field, const MIN: usize, const EMPTY: bool> $name<T, MIN, EMPTY> {
            /// The elements.
            ///
            /// # Errors
            /// [`OutOfRange`] when there are too few or too many, or when one of them is out of range.
            pub fn get(&self) -> Result<&[T], OutOfRange> {
                self.check().map_err(|breach| OutOfRange(breach.kind))?;
                Ok(&self.0)
            }
        }

        impl<T: Field, const MIN: usize, const EMPTY: bool> Field for $name<T, MIN, EMPTY> {
            fn parse(input: &[u8]) -> Parsed<'_, Self> {
                let (mut rest, count) = <$count>::parse(input)?;
                let mut items = Vec::new();
                for _ in 0..count {
                    let (after, item) = T::parse(rest)?;
                    items.push(item);
                    rest = after;
                }
                Ok((rest, Self(items)))
            }

            fn write(&self, out: &mut Vec<u8>) {
                let count = <$count>::try_from(self.0.len()).unwrap_or(<$count>::MAX);
                count.write(out);
                for item in self.0.iter().take(usize::from(count)) {
                    item.write(out);
                }
            }

            fn size(&self) -> usize {
                size_of::<$count>() + self.0.iter().take(usize::from(<$count>::MAX)).map(Field::size).sum::<usize>()
            }

            fn check(&self) -> Result<(), Breach> {
                if !(MIN..=usize::from(<$count>::MAX)).contains(&self.0.len()) {
                    let min = u32::try_from(MIN).unwrap_or(u32::MAX);
                    return Err(Breach::new(Kind::Size { min, max: u32::from(<$count>::MAX) }));
                }
                let mut before = size_of::<$count>();
                for item in &self.0 {
                    // An empty array is its two-byte length and nothing more.
                    if !EMPTY && item.size() <= 2 {
                        return Err(Breach::new(Kind::Size { min: 1, max: u32::from(u16::MAX) }).behind(before));
                    }
                    item.check().map_err(|breach| breach.behind(before))?;
                    before += item.size();
                }
                Ok(())
            }
        }
    )*};
}

list! {
    /// A count byte, then that many elements back to back.
    List8, u8;
    /// A count short, then that many elements back to back.
    List16, u16;
}

/// A certificate path that must be there: 1 to 255 objects, none empty, the end-entity's (or device's) first.
pub type Path = List8<Vec<u8>, 1, false>;

/// The answer of an enumeration: the next object, or the handle 0xFFFFFFFF and nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enumerated<T> {
    /// There is one more, and its handle is the next call's input.
    Next {
        /// The object's handle.
        handle: u32,
        /// What is told of it.
        item: T,
    },
    /// There is none.
    End,
}

impl<T: crate::codec::Message> Field for Enumerated<T> {
    fn parse(input: &[u8]) -> Parsed<'_, Self> {
        match name(u32::parse(input), "handle")? {
            (rest @ [], NO_HANDLE) => Ok((rest, Self::End)),
            (rest, NO_HANDLE) => name(refuse(rest, Kind::Terminator), "handle"),
            (rest, handle) => {
                let (rest, item) = T::parse(rest)?;
                Ok((rest, Self::Next { handle, item }))
            }
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Next { handle, item } => {
                handle.write(out);
                item.write(out);
            }
            Self::End => NO_HANDLE.write(out),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Next { handle, item } => handle.size() + item.size(),
            Self::End => NO_HANDLE.size(),
        }
    }

    fn check(&self) -> Result<(), Breach> {
        match self {
            // The handle that ends an enumeration is no object's.
            Self::Next { handle: NO_HANDLE, item } if item.size() > 0 => {
                Err(Breach::new(Kind::Terminator).behind(NO_HANDLE.size()).named("handle"))
            }
            Self::Next { handle, item } => item.check().map_err(|DecodeError { kind, at, field }| {
                // The item counts one byte before itself, which is not there.
                Breach { kind, inside: handle.size() + at.saturating_sub(1), field }
            }),
            Self::End => Ok(()),
        }
    }
}
