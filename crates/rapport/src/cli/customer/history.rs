//! How one trait of a customer came to be what it is.

use crate::cli::columns::Columns;
use crate::cli::moment;
use crate::wire::v1::{TraitChange, TraitHistoryResponse};

/// For people: the newest first.
pub fn text(of_trait: &str, history: &TraitHistoryResponse) -> String {
    let title = format!("History of {of_trait}, the newest first");
    if history.changes.is_empty() {
        return format!("\n{title}\n  It was never said.\n");
    }
    let mut rows = Columns::default();
    for TraitChange { value_json, time, r#type, channel, source, id, .. } in &history.changes {
        let value = if value_json.is_empty() { "(taken away)" } else { value_json };
        rows.row([&moment::show(time.as_ref()), value, channel, r#type, &format!("{source} {id}")]);
    }
    let mut text = rows.under(&title);
    let shown = history.changes.len() as u64;
    if shown < history.changes_in_all {
        text.push_str(&format!("  and {} older ones\n", history.changes_in_all - shown));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_stands_beside_the_event_that_it_came_from() {
        let change = |value_json: &str, id: &str| TraitChange {
            value_json: value_json.to_owned(),
            time: Some(prost_types::Timestamp { seconds: 852_076_800, nanos: 0 }),
            r#type: "customer.identified".to_owned(),
            channel: "web".to_owned(),
            source: "shop".to_owned(),
            id: id.to_owned(),
            position: 1,
        };
        let changes = vec![change("", "c"), change("\"Oslo\"", "b")];
        let history = TraitHistoryResponse { changes, changes_in_all: 3, freshness: None };
        let right = "
History of city, the newest first
  1997-01-01T00:00:00Z  (taken away)  web  customer.identified  shop c
  1997-01-01T00:00:00Z  \"Oslo\"        web  customer.identified  shop b
  and 1 older ones
";
        assert_eq!(text("city", &history), right);
        assert!(text("age", &TraitHistoryResponse::default()).ends_with("It was never said.\n"));
    }
}
