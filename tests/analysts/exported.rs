//! `rapport export`: whole or not there, and DuckDB reads from it what Rapport says itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::script;
use crate::support::program::{Served, path, rapport};
use crate::support::{cdnow, repository};

const USAGE: i32 = 64;

fn import(served: &Served, arguments: &[&str]) {
    served.ask(&[&["import"], arguments].concat()).well();
}

fn import_cdnow(served: &Served) {
    let (file, mapping) = (cdnow::file(), cdnow::mapping());
    import(served, &[file.to_str().unwrap(), "--mapping", mapping.to_str().unwrap()]);
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn duckdb_reads_the_published_totals_from_an_export() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("data"));
    import_cdnow(&served);
    let out = folder.path().join("known");
    let ended = served.ask(&["export", "--out", out.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let position = format!("position {}", cdnow::ORDERS);
    assert!(ended.err.contains(&position) && ended.err.contains("customers 2357"), "{}", ended.err);

    let found: Value = serde_json::from_str(&script("totals.py", &[&out])).unwrap();
    let totals = served.ask(&["totals", "--json"]).json();
    for name in ["customers", "identified", "buyers", "touchpoints", "orders"] {
        assert_eq!(found[name].to_string(), totals[name].as_str().unwrap(), "{name}");
    }
    let (dollars, told) = (&found["USD"], &totals["byCurrency"][0]);
    assert_eq!(dollars["revenue"].as_str().unwrap(), format!("{}0000", told["revenue"].as_str().unwrap()));
    assert_eq!(told["revenue"], cdnow::REVENUE);
    for name in ["orders", "units"] {
        assert_eq!(dollars[name].to_string(), told[name].as_str().unwrap(), "{name}");
    }
    // Each purchase by itself comes to the same as the sums of the customers.
    assert_eq!(found["of_orders"], dollars["revenue"]);
    served.terminate().well();
}

#[test]
fn the_questions_of_the_page_have_the_answers_that_it_gives() {
    let folder = tempfile::tempdir().unwrap();
    let (year, out) = (folder.path().join("year.ndjson"), folder.path().join("known"));
    let population = ["demo", "--customers", "300", "--seed", "1", "--until", "2026-11-21", "--out"];
    assert_eq!(rapport([&population[..], &[year.to_str().unwrap()]].concat()).code, Some(0));
    let served = Served::start(&folder.path().join("data"));
    import(&served, &[year.to_str().unwrap()]);
    assert_eq!(served.ask(&["export", "--out", out.to_str().unwrap()]).code, Some(0));

    let page = repository().join("docs/analysts.md");
    let written = fs::read_to_string(&page).unwrap();
    assert_eq!(written.matches("\n```sql\n").count(), 10, "ten questions");
    let answered = script("worked.py", &[&page, &out]);
    let different: Vec<_> = written.lines().zip(answered.lines()).filter(|(page, found)| page != found).collect();
    assert!(different.is_empty() && written == answered, "on the page, and found: {different:#?}");
    served.terminate().well();
}

#[test]
fn an_export_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("data"));
    import_cdnow(&served);
    let place = folder.path().join("exports");
    fs::create_dir(&place).unwrap();
    let out = place.join("known");
    let export = |more: &[&str]| served.ask(&[&["export", "--out", out.to_str().unwrap()], more].concat());

    // A disk that is full after some kilobytes, in the words of the system.
    let full = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""])
        .arg(path())
        .args(["export", "--out", out.to_str().unwrap(), "--server", &served.url])
        .output()
        .unwrap();
    let said = String::from_utf8(full.stderr).unwrap();
    assert_eq!(full.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write ") && said.contains("known/customers.parquet: File too large"), "{said}");
    assert_eq!(names(&place), [""; 0], "nothing is left");

    for (more, says) in [
        (&["--format", "xlsx"][..], "[possible values: parquet]"),
        (&["--tables", "clients"][..], "there are about, customers, identifiers"),
        (&["--tenant", "globex"][..], "globex"),
    ] {
        let ended = export(more);
        assert!(ended.code != Some(0) && ended.err.contains(says), "{says:?}: {ended:?}");
        assert_eq!(names(&place), [""; 0], "{more:?}");
    }
    assert_eq!(export(&["--tables", "customers,orders"]).code, Some(0));
    assert_eq!(names(&out), ["customers.parquet", "orders.parquet"]);

    let again = export(&[]);
    assert_eq!(again.code, Some(USAGE), "{again:?}");
    assert!(again.err.contains("known: that is there already; name another, or replace it with --force"), "{again:?}");
    assert_eq!(export(&["--force"]).code, Some(0));
    assert_eq!(names(&out).len(), 11);
    assert_eq!(names(&place), ["known"]);
    served.terminate().well();
}
