use std::cell::RefCell;
use std::rc::Rc;

use super::setting::Options;
use super::*;

const ABOUT: About = About { name: "part", measures: "Something", limit: "something else" };

fn setting() -> Setting {
    let options = Options { runs: 3, events: None, seed: 1, quick: false, json: None, data: None };
    Setting::new(&options).unwrap()
}

#[test]
fn the_limit_and_rapport_take_turns_and_each_goes_first() {
    let order: Rc<RefCell<Vec<&str>>> = Rc::default();
    let entry = |name: &'static str, value: f64| {
        let order = order.clone();
        Entry::new(name, Role::Rapport, move |_| {
            order.borrow_mut().push(name);
            Ok(vec![Sample::new("", Unit::PerSecond, value)])
        })
    };
    let entries = vec![entry("a", 200.0), entry("b", 100.0).against("", "a").floor("", Floor::TimesOf(0.6, "a"))];
    let figures = measure(&ABOUT, Plan { entries, ..Plan::default() }, 3, &setting()).unwrap();
    assert_eq!(*order.borrow(), ["a", "b", "b", "a", "a", "b"]);
    let [a, b] = &figures.rows[..] else { panic!("{figures:?}") };
    assert_eq!((a.runs.len(), a.median, a.ratio), (3, 200.0, None));
    assert_eq!((b.ratio, b.against.as_deref(), b.floors[0].met), (Some(0.5), Some("a"), false));
}

#[test]
fn an_entry_may_give_several_figures() {
    let both = |_: &Setting| {
        Ok(vec![Sample::new("p50", Unit::Milliseconds, 1.0), Sample::new("p99", Unit::Milliseconds, 9.0)])
    };
    let entries = vec![Entry::new("get", Role::Rapport, both).floor("p99", Floor::AtMost(10.0))];
    let figures = measure(&ABOUT, Plan { entries, ..Plan::default() }, 1, &setting()).unwrap();
    let names: Vec<&str> = figures.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["get: p50", "get: p99"]);
    assert!(figures.rows[1].floors[0].met);
}

#[test]
fn what_cannot_be_measured_says_where() {
    let entries = vec![Entry::new("gone", Role::Limit, |_| Err("no disk".into()))];
    let error = measure(&ABOUT, Plan { entries, ..Plan::default() }, 1, &setting()).unwrap_err();
    assert_eq!(error.to_string(), "part, gone: no disk");
}

#[test]
fn a_document_comes_back_from_its_json() {
    let entries = vec![Entry::new("a", Role::Peer, |_| Ok(Sample::rate(10, 2.0)))];
    let part = measure(&ABOUT, Plan { entries, ..Plan::default() }, 2, &setting()).unwrap();
    let document = Document {
        machine: Machine::look("no such program".as_ref()),
        settings: [("runs".to_owned(), "2".to_owned())].into(),
        parts: vec![part],
    };
    let json = serde_json::to_string(&document).unwrap();
    let back: Document = serde_json::from_str(&json).unwrap();
    assert_eq!(back.to_string(), document.to_string());
    assert!(document.to_string().contains("| peer | a |    5/s |"), "{document}");
    let page = "# Speed\n<!-- figures -->\nold\n<!-- end of figures -->\nMore.\n";
    let once = document.put_into(page).unwrap();
    assert!(
        once.starts_with("# Speed\n<!-- figures -->\n\n") && once.ends_with("<!-- end of figures -->\nMore.\n"),
        "{once}"
    );
    assert!(!once.contains("old"), "{once}");
    assert_eq!(document.put_into(&once), Some(once.clone()));
    assert_eq!(document.put_into("# No place"), None);
}
