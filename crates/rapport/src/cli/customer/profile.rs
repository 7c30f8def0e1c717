//! A customer as text, from who it is to what it looked at last.

use crate::cli::columns::{Columns, plain};
use crate::cli::totals::{counts, orders};
use crate::cli::{journey, moment};
use crate::wire::v1::{Consent, Customer, FeedbackGiven, Identifier, Interest, RecentItem, Trait};

/// Of a kind, where only the first are told.
const FIRST_FEW: usize = 6;
/// Of a line, beside its label; one name may be longer.
const LINE: usize = 84;

/// All that is known. With a moment, it also says how long ago and in how long.
pub fn whole(customer: &Customer, now: Option<&prost_types::Timestamp>) -> String {
    [
        title(customer),
        facts(customer).to_text(),
        journeys(customer, now),
        feedback(&customer.feedback).under("Feedback"),
        orders(&customer.orders),
        counts(&customer.channels).under("Touchpoints by channel"),
        counts(&customer.types).under("Touchpoints by type"),
        interests(&customer.interests).under("Interests"),
        consents(&customer.consents).under("Consents"),
        traits(&customer.traits).under("Traits"),
        items(&customer.recent_items).under("Recent items"),
    ]
    .concat()
}

/// On half a screen: what is counted by name is told in a line.
pub fn brief(customer: &Customer, now: Option<&prost_types::Timestamp>) -> String {
    let mut facts = facts(customer);
    let mut channels: Vec<_> = customer.channels.iter().collect();
    channels.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
    let traits = customer.traits.iter().map(|found| format!("{} {}", found.name, found.value_json));
    for (label, told) in [
        ("channels", channels.into_iter().map(|(name, count)| format!("{name} {count}")).collect()),
        ("traits", traits.collect::<Vec<_>>()),
        ("interests", customer.interests.iter().map(|interest| interest.category.clone()).collect()),
    ] {
        let first_few: Vec<_> = told.into_iter().take(FIRST_FEW).collect();
        in_lines(&mut facts, label, &first_few, ", ");
    }
    [
        title(customer),
        facts.to_text(),
        journeys(customer, now),
        feedback(&customer.feedback).under("Feedback"),
        orders(&customer.orders),
    ]
    .concat()
}

fn title(customer: &Customer) -> String {
    match customer.display_name.as_str() {
        "" => format!("{}\n", customer.id),
        name => format!("{}  {}\n", customer.id, plain(name)),
    }
}

fn facts(customer: &Customer) -> Columns {
    let names = |identifiers: &[Identifier]| -> Vec<String> {
        identifiers.iter().map(|identifier| format!("{}:{}", identifier.namespace, identifier.value)).collect()
    };
    let mut facts = Columns::default();
    in_lines(&mut facts, "identifiers", &names(&customer.identifiers), "  ");
    let mut devices = names(&customer.devices);
    let hidden = customer.devices_in_all.saturating_sub(customer.devices.len() as u64);
    devices.extend((hidden > 0).then(|| format!("and {hidden} more")));
    in_lines(&mut facts, "devices", &devices, "  ");
    facts.row(["first seen", &format!("{}  {}", moment::show(customer.first_seen.as_ref()), customer.first_channel)]);
    facts.row(["last seen", &format!("{}  {}", moment::show(customer.last_seen.as_ref()), customer.last_channel)]);
    facts.row(["touchpoints", &format!("{} in all", customer.touchpoints)]);
    facts
}

/// As many names in a line as fit, the label before the first.
fn in_lines(facts: &mut Columns, label: &str, names: &[String], between: &str) {
    let mut label = label;
    let mut line = String::new();
    for name in names {
        if !line.is_empty() && line.chars().count() + between.len() + name.chars().count() > LINE {
            facts.row([std::mem::take(&mut label), &line]);
            line.clear();
        }
        if !line.is_empty() {
            line.push_str(between);
        }
        line.push_str(name);
    }
    if !line.is_empty() {
        facts.row([label, &line]);
    }
}

fn journeys(customer: &Customer, now: Option<&prost_types::Timestamp>) -> String {
    let shown = customer
        .journeys
        .iter()
        .map(|progress| journey::progress(progress, now).under(&format!("Journey {}", plain(&progress.journey))));
    shown.collect()
}

/// One line for each measure.
fn feedback(given: &[FeedbackGiven]) -> Columns {
    let mut rows = Columns::default();
    if !given.is_empty() {
        rows.row(["", "last score", "given", "answers", "asked", "answered"]);
    }
    for given in given {
        rows.row([
            &given.measure,
            &given.last_score.map_or_else(|| "-".to_owned(), |score| score.to_string()),
            &moment::show(given.last_time.as_ref()),
            &given.responses.to_string(),
            &given.asked.to_string(),
            &given.answered.to_string(),
        ]);
    }
    rows
}

fn interests(interests: &[Interest]) -> Columns {
    let mut rows = Columns::default();
    for interest in interests {
        let last_seen = moment::show(interest.last_seen.as_ref());
        rows.row([&interest.category, &interest.weight.to_string(), &format!("last {last_seen}")]);
    }
    rows
}

fn consents(consents: &[Consent]) -> Columns {
    let mut rows = Columns::default();
    for consent in consents {
        let granted = if consent.granted { "granted" } else { "refused" };
        rows.row([&consent.purpose, granted, &format!("since {}", moment::show(consent.since.as_ref()))]);
    }
    rows
}

fn traits(traits: &[Trait]) -> Columns {
    let mut rows = Columns::default();
    for found in traits {
        let since = format!("since {}", moment::show(found.since.as_ref()));
        rows.row([&found.name, &found.value_json, &since]);
    }
    rows
}

fn items(items: &[RecentItem]) -> Columns {
    let mut rows = Columns::default();
    for item in items {
        let how = if item.ordered { "ordered" } else { "viewed" };
        rows.row([&moment::show(item.time.as_ref()), how, &item.sku, &item.name]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::v1::{JourneyProgress, Orders};

    fn customer() -> Customer {
        let identifier = Identifier { namespace: "user_id".to_owned(), value: "42".to_owned() };
        let moment = prost_types::Timestamp { seconds: 852_076_800, nanos: 0 };
        let bought = Orders {
            currency: "USD".to_owned(),
            orders: 2,
            units: 3,
            revenue: "41.06".to_owned(),
            refunded: "0".to_owned(),
            last_order: Some(moment),
            ..Orders::default()
        };
        let journey = JourneyProgress {
            journey: "main".to_owned(),
            stage: "customer".to_owned(),
            since: Some(moment),
            transitions: 1,
            ..JourneyProgress::default()
        };
        let given = FeedbackGiven {
            measure: "nps".to_owned(),
            responses: 1,
            last_score: Some(9),
            last_time: Some(moment),
            asked: 2,
            answered: 1,
        };
        Customer {
            id: "cus_1".to_owned(),
            display_name: "Ann\n".to_owned(),
            identifiers: vec![identifier],
            touchpoints: 2,
            first_seen: Some(moment),
            last_seen: Some(moment),
            first_channel: "web".to_owned(),
            last_channel: "web".to_owned(),
            channels: [("web".to_owned(), 1), ("app".to_owned(), 3)].into(),
            orders: vec![bought],
            journeys: vec![journey],
            feedback: vec![given],
            ..Customer::default()
        }
    }

    const HEAD: &str = "\
cus_1  Ann\\n
  identifiers  user_id:42
  first seen   1997-01-01T00:00:00Z  web
  last seen    1997-01-01T00:00:00Z  web
  touchpoints  2 in all
";
    const MIDDLE: &str = "
Journey main
  stage    customer, the first
  since    1997-01-01T00:00:00Z
  changes  1 in all

Feedback
       last score  given                 answers  asked  answered
  nps           9  1997-01-01T00:00:00Z        1      2         1

Orders
       orders  units  revenue  refunds  refunded  last order
  USD       2      3    41.06        0         0  1997-01-01T00:00:00Z
";

    #[test]
    fn a_profile_reads_from_top_to_bottom() {
        let right = format!("{HEAD}{MIDDLE}\nTouchpoints by channel\n  app  3\n  web  1\n");
        assert_eq!(whole(&customer(), None), right);
    }

    #[test]
    fn in_brief_what_is_counted_by_name_is_a_line() {
        let right = format!("{HEAD}  channels     app 3, web 1\n{MIDDLE}");
        assert_eq!(brief(&customer(), None), right);
    }
    #[test]
    fn names_go_on_in_the_next_line() {
        let mut facts = Columns::default();
        in_lines(&mut facts, "devices", &["a".repeat(50), "b".repeat(32), "c".to_owned()], "  ");
        let right = format!("  devices  {}  {}\n           c\n", "a".repeat(50), "b".repeat(32));
        assert_eq!(facts.to_text(), right);
        in_lines(&mut facts, "nothing", &[], "  ");
        assert_eq!(facts.to_text(), right);
    }
}
