//! Devices pass from hand to hand: whose a device was, at any moment.

use rapport_touchpoint::{OrderKey, Timestamp};
use serde::Serialize;

/// A device was seen with a person, in this event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim<Person> {
    pub event: OrderKey,
    pub by: Person,
}

/// A stretch of a device's events that is one person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span<Person> {
    /// Included; `None` from the beginning of time.
    pub from: Option<OrderKey>,
    /// Excluded; `None` for ever.
    pub until: Option<OrderKey>,
    pub of: Person,
}

/// How long a visit is taken to last before somebody says who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Visit {
    pub nanos: i64,
}

impl Visit {
    /// Where a device passes from one claim to the next: everything from here on is the next one's.
    ///
    /// Whoever signs in was there before: what is less than a visit's length before the next claim, and nearer in time to
    /// it than to the one before, is the visit that it belongs to. It follows from the two claims alone, so neither other
    /// events nor their arrival move it.
    pub fn handover(self, before: &OrderKey, next: &OrderKey) -> OrderKey {
        let (left, claimed) = (before.time().nanos(), next.time().nanos());
        let halfway = left + (claimed - left) / 2;
        let last = halfway.max(claimed.saturating_sub(self.nanos));
        let first = last.checked_add(1).and_then(Timestamp::from_nanos).map(OrderKey::at);
        first.filter(|first| first < next).unwrap_or_else(|| next.clone())
    }
}

/// Whose the device was at an event, by the last claim at or before it and the first one after it.
pub fn owner_at<'a, Person>(
    event: &OrderKey,
    before: Option<&'a Claim<Person>>,
    next: Option<&'a Claim<Person>>,
    visit: Visit,
) -> Option<&'a Person> {
    let claim = match (before, next) {
        (Some(before), Some(next)) if *event < visit.handover(&before.event, &next.event) => Some(before),
        (before, next) => next.or(before),
    };
    claim.map(|claim| &claim.by)
}

/// All of a device's time, cut by its claims (in order); neighbours of one person are one span. Empty without a claim.
pub fn spans<Person: Clone + PartialEq>(
    claims: impl IntoIterator<Item = Claim<Person>>,
    visit: Visit,
) -> Vec<Span<Person>> {
    let mut spans: Vec<Span<Person>> = Vec::new();
    let mut before: Option<OrderKey> = None;
    for claim in claims {
        let from = before.map(|before| visit.handover(&before, &claim.event));
        match spans.last_mut() {
            Some(last) if last.of == claim.by => {}
            last => {
                if let Some(last) = last {
                    last.until.clone_from(&from);
                }
                spans.push(Span { from, until: None, of: claim.by });
            }
        }
        before = Some(claim.event);
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    const VISIT: Visit = Visit { nanos: 30 };

    fn at(moment: i64) -> OrderKey {
        OrderKey::at(Timestamp::from_nanos(moment).unwrap())
    }

    fn event(moment: i64) -> OrderKey {
        let key = [at(moment).as_bytes(), &[0, b's', 0, b'1']].concat();
        OrderKey::from_bytes(key)
    }

    fn claim(moment: i64, by: &str) -> Claim<&str> {
        Claim { event: event(moment), by }
    }

    #[test]
    fn the_first_claim_reaches_back_and_the_last_goes_on() {
        assert_eq!(spans([claim(500, "ann")], VISIT), [Span { from: None, until: None, of: "ann" }]);
    }

    #[test]
    fn a_device_is_handed_over_where_the_visit_with_the_claim_begins() {
        let found = spans([claim(500, "ann"), claim(600, "ann"), claim(900, "bo"), claim(910, "ann")], VISIT);
        assert_eq!(
            found,
            [
                Span { from: None, until: Some(at(871)), of: "ann" },
                Span { from: Some(at(871)), until: Some(at(906)), of: "bo" },
                Span { from: Some(at(906)), until: None, of: "ann" },
            ]
        );
    }

    #[test]
    fn a_visit_is_shorter_than_its_length_and_nearer_to_its_claim_than_to_the_one_before() {
        let handover = |before, next| VISIT.handover(&event(before), &event(next));
        assert_eq!(handover(100, 200), at(171), "170 is a visit's length away");
        assert_eq!(handover(100, 140), at(121), "120 is as near to the one as to the other");
        assert_eq!(handover(100, 141), at(121));
        assert_eq!(handover(100, 101), at(101), "what happened at the moment of the claim");
        assert_eq!(handover(100, 100), event(100));
        let far = OrderKey::at(Timestamp::MAX);
        assert_eq!(Visit { nanos: 0 }.handover(&event(1), &far), far);
        assert_eq!(Visit { nanos: i64::MAX }.handover(&OrderKey::MIN, &event(100)), at(51));
    }

    #[test]
    fn without_a_visit_a_device_is_handed_over_at_the_claim() {
        let without = Visit { nanos: 0 };
        assert_eq!(without.handover(&event(100), &event(200)), event(200));
        assert_eq!(without.handover(&event(100), &event(101)), event(101));
    }

    #[test]
    fn an_owner_is_who_has_the_span() {
        let claims = [claim(100, "ann"), claim(160, "bo"), claim(170, "cy"), claim(400, "bo")];
        let spans = spans(claims.clone(), VISIT);
        for moment in 90..420 {
            let event = event(moment);
            let before = claims.iter().rev().find(|claim| claim.event <= event);
            let next = claims.iter().find(|claim| claim.event > event);
            let is_in = |span: &&Span<&str>| {
                span.from.as_ref().is_none_or(|from| *from <= event)
                    && span.until.as_ref().is_none_or(|until| event < *until)
            };
            let span = spans.iter().find(is_in).unwrap();
            assert_eq!(owner_at(&event, before, next, VISIT), Some(&span.of), "at {moment}");
        }
    }

    #[test]
    fn without_a_claim_it_is_nobodys() {
        assert!(spans(Vec::<Claim<&str>>::new(), VISIT).is_empty());
        assert_eq!(owner_at::<&str>(&event(4), None, None, VISIT), None);
        assert_eq!(owner_at(&event(4), None, Some(&claim(5, "ann")), VISIT), Some(&"ann"));
        assert_eq!(owner_at(&event(4), Some(&claim(3, "bo")), None, VISIT), Some(&"bo"));
    }
}
