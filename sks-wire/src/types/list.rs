//! Repeated arguments ("X509Certificate...") and the answer of an enumeration.

use super::NO_HANDLE;
use crate::codec::{Field, Kind, Parsed, refuse};

macro_rules! list {
    ($($(#[$doc:meta])* $name:ident, $count:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name<T>(pub Vec<T>);

        impl<T> From<Vec<T>> for $name<T> {
            fn from(items: Vec<T>) -> Self {
                Self(items)
            }
        }

        impl<T: Field> Field for $name<T> {
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

            fn check(&self) -> Result<(), (Kind, usize)> {
                if self.0.len() > usize::from(<$count>::MAX) {
                    return Err((Kind::Size { min: 0, max: u32::from(<$count>::MAX) }, 0));
                }
                let mut before = Vec::new();
                <$count>::MAX.write(&mut before);
                for item in &self.0 {
                    item.check().map_err(|(kind, inside)| (kind, before.len() + inside))?;
                    item.write(&mut before);
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
        match u32::parse(input)? {
            (rest @ [], NO_HANDLE) => Ok((rest, Self::End)),
            (rest, NO_HANDLE) => refuse(rest, Kind::Terminator),
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
}
