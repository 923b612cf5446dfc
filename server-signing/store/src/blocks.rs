//! Audit rows as they lie in the database: up to eight that follow each other in one record of the tree `blocks`. What a
//! record costs the engine hardly depends on its length, and each signing writes two rows.
//!
//! In format 1 each row was a record of the tree `audit`. Those of an older database stay there.

use tw4s_sam::audit::Row;

/// How many rows a block has when it is full.
pub(crate) const ROWS: u64 = 8;

/// These bytes are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoBlock;

/// The key of the block that a row lies in.
pub(crate) fn key(number: u64) -> [u8; 8] {
    (number.saturating_sub(1) / ROWS).to_be_bytes()
}

/// Whether a row is the first of its block.
pub(crate) fn begins(number: u64) -> bool {
    number % ROWS == 1
}

/// Adds a row behind those that are there: its number (u64), the length of its bytes (u32), its bytes.
pub(crate) fn push(block: &mut Vec<u8>, row: &Row) {
    let bytes = row.encode();
    block.extend_from_slice(&row.number.to_be_bytes());
    // durable refuses values over 64 MiB, as a block with such a row would be.
    block.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    block.extend_from_slice(&bytes);
}

/// The bytes of a row, if the block has it.
pub(crate) fn find(block: &[u8], number: u64) -> Result<Option<&[u8]>, NoBlock> {
    let mut rest = block;
    while let Some((found, bytes)) = next(&mut rest)? {
        if found == number {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// The number of the last row.
pub(crate) fn last(block: &[u8]) -> Result<Option<u64>, NoBlock> {
    let (mut rest, mut last) = (block, None);
    while let Some((number, _)) = next(&mut rest)? {
        last = Some(number);
    }
    Ok(last)
}

fn next<'b>(rest: &mut &'b [u8]) -> Result<Option<(u64, &'b [u8])>, NoBlock> {
    if rest.is_empty() {
        return Ok(None);
    }
    let (number, behind) = rest.split_first_chunk().ok_or(NoBlock)?;
    let (length, behind) = behind.split_first_chunk().ok_or(NoBlock)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| NoBlock)?;
    let (bytes, behind) = behind.split_at_checked(length).ok_or(NoBlock)?;
    *rest = behind;
    Ok(Some((u64::from_be_bytes(*number), bytes)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn row(number: u64, body: &[u8]) -> Row {
        Row { number, body: body.to_vec(), hash: [7; 32] }
    }

    #[test]
    fn rows_are_found_in_the_block_that_their_number_names() {
        for (number, block, first) in [(1, 0, true), (2, 0, false), (8, 0, false), (9, 1, true), (16, 1, false)] {
            assert_eq!((key(number), begins(number)), (u64::to_be_bytes(block), first), "{number}");
        }
        let mut block = Vec::new();
        assert_eq!(last(&block), Ok(None));
        let rows = [row(9, b"one"), row(10, b""), row(11, b"three")];
        rows.iter().for_each(|row| push(&mut block, row));
        for row in rows {
            let found = find(&block, row.number).unwrap().unwrap();
            assert_eq!(Row::decode(row.number, found), Ok(row));
        }
        assert_eq!((find(&block, 12), last(&block)), (Ok(None), Ok(Some(11))));
        assert_eq!(last(&block[..block.len() - 1]), Err(NoBlock), "cut short");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in vec(prop_oneof![3 => Just(0_u8), 1 => any::<u8>()], 0..60)) {
            if let (Ok(Some(number)), found) = (last(&bytes), find(&bytes, u64::MAX)) {
                prop_assert!(found.is_ok() && find(&bytes, number).is_ok_and(|found| found.is_some()));
            }
        }
    }
}
