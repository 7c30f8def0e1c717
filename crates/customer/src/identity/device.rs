//! Devices pass from hand to hand: whose a device was, at any moment.

use rapport_touchpoint::OrderKey;

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

/// Whose the device was at an event: the last claim's at or before it, else the first claim's after, else nobody's.
pub fn owner_at<'a, Person>(before: Option<&'a Claim<Person>>, after: Option<&'a Claim<Person>>) -> Option<&'a Person> {
    before.or(after).map(|claim| &claim.by)
}

/// All of a device's time, cut by its claims (in order); neighbours of one person are one span. Empty without a claim.
pub fn spans<Person: Clone + PartialEq>(claims: impl IntoIterator<Item = Claim<Person>>) -> Vec<Span<Person>> {
    let mut spans: Vec<Span<Person>> = Vec::new();
    for claim in claims {
        match spans.last_mut() {
            Some(last) if last.of == claim.by => {}
            Some(last) => {
                last.until = Some(claim.event.clone());
                spans.push(Span { from: Some(claim.event), until: None, of: claim.by });
            }
            None => spans.push(Span { from: None, until: None, of: claim.by }),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(moment: u8) -> OrderKey {
        OrderKey::from_bytes(vec![moment])
    }

    fn claim(moment: u8, by: &str) -> Claim<&str> {
        Claim { event: at(moment), by }
    }

    #[test]
    fn the_first_claim_reaches_back_and_the_last_goes_on() {
        assert_eq!(spans([claim(5, "ann")]), [Span { from: None, until: None, of: "ann" }]);
    }

    #[test]
    fn a_device_is_handed_over_at_the_claim() {
        let found = spans([claim(5, "ann"), claim(6, "ann"), claim(9, "bo"), claim(12, "ann")]);
        assert_eq!(
            found,
            [
                Span { from: None, until: Some(at(9)), of: "ann" },
                Span { from: Some(at(9)), until: Some(at(12)), of: "bo" },
                Span { from: Some(at(12)), until: None, of: "ann" },
            ]
        );
    }

    #[test]
    fn without_a_claim_it_is_nobodys() {
        assert!(spans(Vec::<Claim<&str>>::new()).is_empty());
        assert_eq!(owner_at::<&str>(None, None), None);
        assert_eq!(owner_at(None, Some(&claim(5, "ann"))), Some(&"ann"));
        assert_eq!(owner_at(Some(&claim(3, "bo")), Some(&claim(5, "ann"))), Some(&"bo"));
    }
}
