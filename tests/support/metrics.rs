//! What a server's `/metrics` says, read as Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};

use super::http::get;

/// One scrape.
pub struct Scraped {
    pub text: String,
    samples: Vec<Sample>,
}

struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

pub async fn scrape(url: &str) -> Scraped {
    let answer = get(url, "/metrics").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
    let samples = answer.body.lines().filter(|line| !line.starts_with('#')).map(sample).collect();
    Scraped { text: answer.body, samples }
}

impl Scraped {
    /// The one sample of this name that has these labels, among others perhaps; 0 if there is none.
    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| {
            sample.name == name
                && labels.iter().all(|(name, value)| sample.labels.get(*name).is_some_and(|v| v == value))
        };
        let found: Vec<f64> = self.samples.iter().filter(has).map(|sample| sample.value).collect();
        assert!(found.len() <= 1, "{name} {labels:?} is more than one: {found:?}");
        found.first().copied().unwrap_or(0.0)
    }

    /// The names of all samples.
    pub fn names(&self) -> BTreeSet<&str> {
        self.samples.iter().map(|sample| sample.name.as_str()).collect()
    }

    /// All values of a label.
    pub fn values_of(&self, label: &str) -> BTreeSet<&str> {
        self.samples.iter().filter_map(|sample| sample.labels.get(label)).map(String::as_str).collect()
    }

    pub fn labels(&self) -> BTreeSet<&str> {
        self.samples.iter().flat_map(|sample| sample.labels.keys()).map(String::as_str).collect()
    }
}

/// `name{label="value",...} number`
fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let labels = labels.strip_suffix('}').unwrap_or_else(|| panic!("no labels: {line}"));
    let label = |text: &str| {
        let (name, value) = text.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('"').to_owned())
    };
    let labels = labels.split(',').filter(|text| !text.is_empty()).map(label).collect();
    Sample { name: name.to_owned(), labels, value: value.parse().unwrap_or_else(|_| panic!("no number: {line}")) }
}
