//! Writing and reading the rows' layout.

use crate::record::Damaged;

#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn byte(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub(super) fn number(&mut self, value: u64) -> &mut Self {
        self.fixed(&value.to_be_bytes())
    }

    /// Bytes of a length that the reader knows.
    pub(super) fn fixed(&mut self, value: &[u8]) -> &mut Self {
        self.0.extend_from_slice(value);
        self
    }

    /// Rows are a few dozen KiB at most, so that no length is cut short.
    pub(super) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.length(value.len()).fixed(value)
    }

    pub(super) fn list(&mut self, values: &[Vec<u8>]) -> &mut Self {
        self.length(values.len());
        for value in values {
            self.bytes(value);
        }
        self
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn length(&mut self, length: usize) -> &mut Self {
        self.fixed(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes())
    }
}

pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damaged> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    pub(super) fn number(&mut self) -> Result<u64, Damaged> {
        self.fixed().map(u64::from_be_bytes)
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Damaged)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Damaged> {
        let length = self.length()?;
        let (head, rest) = self.0.split_at_checked(length).ok_or(Damaged)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn list(&mut self) -> Result<Vec<Vec<u8>>, Damaged> {
        let count = self.length()?;
        // No room is made for a count that the bytes cannot hold.
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(self.bytes()?.to_vec());
        }
        Ok(all)
    }

    pub(super) fn end(self) -> Result<(), Damaged> {
        if self.0.is_empty() { Ok(()) } else { Err(Damaged) }
    }

    fn length(&mut self) -> Result<usize, Damaged> {
        self.fixed().map(u32::from_be_bytes).and_then(|length| usize::try_from(length).map_err(|_| Damaged))
    }
}
