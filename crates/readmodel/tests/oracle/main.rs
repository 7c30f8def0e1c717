//! The same answers as a naive reading of the rules, whatever the order of arrival, the batches, the crashes, the restarts
//! and the definitions.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod cases;
mod coverage;
mod naive;
#[path = "../support/mod.rs"]
mod support;
mod trial;

use std::cell::RefCell;

use coverage::Coverage;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use support::property::hold;
use support::{World, decided, everything};
use trial::Trial;

#[test]
fn arrival_batches_silences_crashes_and_definitions_leave_no_trace() {
    let coverage = RefCell::new(Coverage::default());
    hold(60, &cases::case(), |case| {
        coverage.borrow_mut().add(&Trial::run(&case)?);
        Ok(())
    });
    let coverage = coverage.into_inner();
    println!("{coverage}");
    coverage.assert();
}

#[test]
fn merges_that_are_all_undone_leave_no_trace() {
    let strategy = (cases::case(), vec((cases::merge(), any::<(Index, Index)>()), 1..6), 1..9_usize);
    hold(30, &strategy, |(case, merges, batch)| {
        let mut plain = World::spaced(cases::definitions_of(case.under), case.spacing);
        let without = case.log();
        let mut log = without.clone();
        for (number, ((what, minute), (at, undone_at))) in merges.iter().enumerate() {
            let name = format!("merge {number}");
            let undo = decided::undone(minute + 1, &format!("undo {number}"), &[&name]);
            log.insert(at.index(log.len() + 1), what.record(*minute, &name));
            log.insert(undone_at.index(log.len() + 1), undo);
        }
        plain.fold_records(without);
        let mut undone = World::spaced(cases::definitions_of(case.under), case.spacing);
        for records in log.chunks(batch) {
            undone.fold_records(records.to_vec());
        }
        for world in [&mut plain, &mut undone] {
            world.let_pass(60);
        }
        prop_assert_eq!(everything(&undone), everything(&plain));
        Ok(())
    });
}
