//! Whose each touchpoint is: all timelines in one go, without looking up customer by customer.

use std::collections::VecDeque;

use rapport_customer::identity::Span;
use rapport_touchpoint::OrderKey;

use crate::error::Result;
use crate::identifiers::IdentifierKey;
use crate::picture::Picture;
use crate::{claims, identifiers};

impl Picture {
    /// Calls `each` with the position of every touchpoint that is somebody's, and whose it is, until it says `false`.
    pub(super) fn each_placed(&self, mut each: impl FnMut(u64, IdentifierKey) -> Result<bool>) -> Result<bool> {
        let mut all = self.connection.prepare("SELECT anchor, event, position FROM timeline ORDER BY anchor, event")?;
        let mut rows = all.query([])?;
        let mut owners: Option<Owners> = None;
        while let Some(row) = rows.next()? {
            let anchor = row.get(0)?;
            let mut of_anchor = match owners.take().filter(|owners| owners.anchor == anchor) {
                Some(owners) => owners,
                None => Owners::of(self, anchor)?,
            };
            let owner = of_anchor.at(&OrderKey::from_bytes(row.get(1)?));
            owners = Some(of_anchor);
            if !each(row.get(2)?, owner)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Who has the events of one anchor, in the order of events.
struct Owners {
    anchor: IdentifierKey,
    /// Those before the event that was asked for last are gone. Empty for a device that nobody claimed.
    spans: VecDeque<Span<IdentifierKey>>,
}

impl Owners {
    fn of(picture: &Picture, anchor: IdentifierKey) -> Result<Self> {
        let spans = match identifiers::by_key(&picture.connection, anchor)?.root {
            Some(root) => vec![Span { from: None, until: None, of: root }],
            None => claims::owners(&picture.connection, anchor, picture.definitions.rules.visit)?,
        };
        Ok(Self { anchor, spans: spans.into() })
    }

    fn at(&mut self, event: &OrderKey) -> IdentifierKey {
        while self.spans.front().and_then(|span| span.until.as_ref()).is_some_and(|until| until <= event) {
            self.spans.pop_front();
        }
        self.spans.front().map_or(self.anchor, |span| span.of)
    }
}
