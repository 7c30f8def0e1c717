//! A touchpoint as it is put aside until its customer is folded.

use super::error::{BulkError, Result};
use super::spool::Spool;

/// The length of the gist (4 bytes), the gist and the JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept<'a> {
    pub gist: &'a [u8],
    /// As it stands on the log.
    pub json: &'a [u8],
}

impl<'a> Kept<'a> {
    pub fn push(self, spool: &mut Spool) -> Result<()> {
        let length = u32::try_from(self.gist.len()).expect("an event has a limit");
        spool.push(&[&length.to_be_bytes(), self.gist, self.json])
    }

    /// What was pushed; `None` if it is not.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk()?;
        let (gist, json) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        Some(Self { gist, json })
    }

    /// The JSON of what was pushed.
    pub fn json(bytes: &'a [u8]) -> Result<&'a [u8]> {
        Self::read(bytes).map(|kept| kept.json).ok_or_else(|| BulkError::torn("a touchpoint"))
    }
}
