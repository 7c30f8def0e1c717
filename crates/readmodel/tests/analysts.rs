//! The tables for analysts: what is declared is there, read to its end in one piece, with exact sums.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use rapport_readmodel::{AnalystTable, ColumnKind, Rows, Values};
use serde_json::{Value, json};
use support::{World, at, event, minute_of};

fn ordered(minute: u32, id: &str, who: &str, amount: &str) -> Value {
    event(minute, id, "order.placed", who, json!({"order_id": id, "amount": amount, "currency": "EUR"}))
}

fn exported(world: &World, name: &str) -> Vec<Rows> {
    let picture = world.reader().hold(minute_of(60)).unwrap();
    let mut parts = Vec::new();
    let table = AnalystTable::find(name).unwrap();
    assert!(
        picture
            .each_row(table, |rows| {
                parts.push(rows);
                true
            })
            .unwrap()
    );
    parts
}

fn of_file<T: rusqlite::types::FromSql>(world: &World, sql: &str) -> T {
    world.file().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn the_file_has_a_view_for_each_table_with_its_columns() {
    let world = World::new();
    for table in AnalystTable::all() {
        let find = world.file().prepare(&format!("SELECT * FROM {}", table.view())).unwrap();
        let declared: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        assert_eq!(find.column_names().collect::<Vec<_>>(), declared, "{}", table.name);
    }
}

#[test]
fn an_empty_file_has_no_customers_and_says_whose_it_is() {
    let world = World::new();
    assert!(exported(&world, "customers").is_empty());
    let [about] = &exported(&world, "about")[..] else { panic!("there is one part") };
    assert_eq!(about.rows, 1);
    assert_eq!(about.columns[0], Values::Texts(vec![Some("test".to_owned())]));
    assert_eq!(about.columns[3], Values::Texts(vec![Some("Asia/Shanghai".to_owned())]));
}

#[test]
fn moments_and_days_are_numbers_in_an_export_and_sums_are_exact() {
    let mut world = World::new();
    let answered = |score: u32| json!({"survey": "s", "metric": "nps", "score": score});
    world.fold(&[
        at(0, "seen", "user_id:1"),
        ordered(1, "first", "user_id:1", "0.1"),
        ordered(2, "second", "user_id:1", "0.2"),
        ordered(3, "large", "user_id:1", "999999999999999.999999"),
        event(4, "answer", "survey.answered", "user_id:1", answered(9)),
        event(1020, "late", "survey.answered", "user_id:1", answered(3)),
    ]);
    let [orders] = &exported(&world, "customer_orders")[..] else { panic!("there is one part") };
    let table = AnalystTable::find("customer_orders").unwrap();
    let column = |name: &str| {
        let place = table.columns.iter().position(|column| column.name == name).unwrap();
        (table.columns[place].kind, orders.columns[place].clone())
    };
    let money = |text: &str| (ColumnKind::Money, Values::Texts(vec![Some(text.to_owned())]));
    assert_eq!(column("revenue"), money("1000000000000000.299999"));
    assert_eq!(column("refunded"), money("0.000000"));
    let moment = |minute| (ColumnKind::Moment, Values::Integers(vec![Some(minute_of(minute).nanos())]));
    assert_eq!(column("first_order"), moment(1));
    assert_eq!(column("last_order"), moment(3));

    let [scores] = &exported(&world, "daily_scores")[..] else { panic!("there is one part") };
    // In Shanghai the second answer is of the next day.
    assert_eq!(scores.columns[0], Values::Integers(vec![Some(20_454), Some(20_455)]));
    let summed: String = of_file(
        &world,
        "SELECT group_concat(responses || ' ' || high || ' ' || low || ' ' || score_sum, ', ') FROM analyst_daily_scores",
    );
    assert_eq!(summed, "1 1 0 9, 1 0 1 3");
}

#[test]
fn an_export_sees_one_moment_while_more_is_folded() {
    let mut world = World::new();
    world.fold(&[at(0, "before", "user_id:1")]);
    let picture = world.reader().hold(minute_of(60)).unwrap();
    world.fold(&[at(1, "after", "user_id:2")]);
    let mut rows = 0;
    let customers = AnalystTable::find("customers").unwrap();
    assert!(
        picture
            .each_row(customers, |part| {
                rows += part.rows;
                true
            })
            .unwrap()
    );
    assert_eq!((rows, picture.position()), (1, 1));
    assert_eq!(of_file::<u64>(&world, "SELECT count(*) FROM analyst_customers"), 2);
}

#[test]
fn many_rows_come_in_parts_until_nobody_wants_more() {
    let mut world = World::new();
    let events: Vec<Value> = (0..4_500).map(|number| at(0, &number.to_string(), "user_id:1")).collect();
    world.fold(&events);
    let parts = exported(&world, "timeline");
    assert_eq!(parts.iter().map(|part| part.rows).collect::<Vec<_>>(), [2_000, 2_000, 500]);
    let picture = world.reader().hold(minute_of(60)).unwrap();
    assert!(!picture.each_row(AnalystTable::find("timeline").unwrap(), |_| false).unwrap());
}

#[test]
fn a_trait_is_read_from_what_customers_are_found_by() {
    let mut world = World::new();
    let traits = json!({"traits": {"city": "Oslo", "formula": "a=b", "employees": 12}});
    world.fold(&[event(0, "met", "customer.identified", "user_id:1", traits)]);
    let found: String =
        of_file(&world, "SELECT group_concat(name || ' is ' || value, ', ') FROM analyst_customer_traits");
    assert_eq!(found, "city is Oslo, employees is 12, formula is a=b");
}
