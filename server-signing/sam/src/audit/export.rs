//! Rows as JSON lines, and back: `{"hash":"<hex>","record":<the row's body, byte for byte>}`.

use super::Row;
use crate::record::Damaged;

impl Row {
    /// The exported line, without the line feed. Whoever has the lines can check the chain without the module: see
    /// [`Row::from_line`] and [`Chain`](super::Chain).
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        let hash = hex::encode(self.hash);
        [BEGIN, hash.as_bytes(), MIDDLE, &self.body, END].concat()
    }

    /// Reads an exported line.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn from_line(line: &[u8]) -> Result<Self, Damaged> {
        let inside = line.strip_prefix(BEGIN).and_then(|line| line.strip_suffix(END)).ok_or(Damaged)?;
        let (digits, rest) = inside.split_at_checked(64).ok_or(Damaged)?;
        let mut hash = [0; 32];
        hex::decode_to_slice(digits, &mut hash).map_err(|_| Damaged)?;
        let mut row = Self { number: 0, body: rest.strip_prefix(MIDDLE).ok_or(Damaged)?.to_vec(), hash };
        row.number = row.entry()?.number;
        Ok(row)
    }
}

const BEGIN: &[u8] = br#"{"hash":""#;
const MIDDLE: &[u8] = br#"","record":"#;
const END: &[u8] = b"}";
