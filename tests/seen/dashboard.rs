//! The dashboard that is shipped asks for what a server measures, and for all of it.

use std::collections::BTreeSet;
use std::fs;

use rapport::wire::v1::{ReplayRequest, TotalsRequest};
use serde_json::Value;

use crate::support::happened::ordered;
use crate::support::metrics::scrape;
use crate::support::repository;
use crate::support::server::Server;
use crate::support::soon::soon;

/// What no panel shows, and why.
const NOT_SHOWN: [(&str, &str); 0] = [];

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn dashboard() -> Value {
    serde_json::from_str(&read("deploy/grafana/rapport.json")).unwrap()
}

/// Every expression and every question for a variable's values.
fn expressions(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let asked = targets.map(|target| target["expr"].as_str().unwrap().to_owned());
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter().filter(|one| one["type"] == "query");
    asked.chain(variables.map(|variable| variable["query"].as_str().unwrap().to_owned())).collect()
}

/// The names of our metrics in an expression.
fn names(expression: &str) -> BTreeSet<&str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("rapport_")).collect()
}

/// A server on which everything has happened once, so that every series is there.
async fn measured() -> BTreeSet<String> {
    let server = Server::embedded().await;
    server.accepted([ordered("o-1", "1.00 EUR").by("user_id:42")]).await;
    server.totals().await;
    server.replay(ReplayRequest::default()).await.unwrap();
    soon(server.connection.customers().totals(TotalsRequest::default())).await.unwrap();
    scrape(server.url()).await.names().into_iter().map(str::to_owned).collect()
}

/// Of a histogram, any of its series shows it.
fn metric(sample: &str) -> &str {
    ["_bucket", "_count", "_sum"].into_iter().find_map(|ending| sample.strip_suffix(ending)).unwrap_or(sample)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_panel_asks_for_what_there_is() {
    let (dashboard, measured) = (dashboard(), measured().await);
    let expressions = expressions(&dashboard);
    assert!(expressions.len() > 20);
    for expression in &expressions {
        let names = names(expression);
        assert!(!names.is_empty(), "{expression} asks for nothing of ours");
        for name in names {
            assert!(measured.contains(name), "{name} of {expression} is not measured");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_metric_is_shown() {
    let (dashboard, measured) = (dashboard(), measured().await);
    let expressions = expressions(&dashboard);
    let shown: BTreeSet<&str> = expressions.iter().flat_map(|one| names(one)).map(metric).collect();
    for name in measured.iter().map(|name| metric(name)) {
        let excepted = NOT_SHOWN.iter().any(|(exception, _)| *exception == name);
        assert!(shown.contains(name) != excepted, "{name}: shown {}, excepted {excepted}", shown.contains(name));
    }
}

/// Grafana shows nothing of a panel that lies under another, and mixes up panels of one number.
#[test]
fn each_panel_has_a_place_a_number_and_words_of_its_own() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut taken: BTreeSet<(u64, u64)> = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(numbers.insert(panel["id"].as_u64().unwrap()), "{title} has another's number");
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + w <= 24, "{title} is beyond the edge");
        for place in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(place), "{title} lies on another panel");
        }
        assert!(panel["type"] == "row" || !panel["description"].as_str().unwrap().is_empty(), "{title}");
    }
}

#[test]
fn prometheus_is_told_to_scrape_the_port_that_a_server_listens_at() {
    let config = read("deploy/prometheus/prometheus.yml");
    assert!(config.contains(&format!("targets: [\"{}\"]", rapport::config::ServeArgs::default().listen)), "{config}");
    assert!(!config.contains("metrics_path"), "the default is /metrics");
}
