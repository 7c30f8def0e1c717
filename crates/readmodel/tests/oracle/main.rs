//! The same answers as a naive reading of the rules, whatever the order of arrival, the batches, the crashes, the restarts
//! and the definitions.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod cases;
mod coverage;
mod naive;
mod past;
#[path = "../support/mod.rs"]
mod support;
mod trial;
mod views;

use std::cell::RefCell;

use cases::{DEFINITIONS, definitions_of};
use coverage::Coverage;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use rapport_readmodel::{Bounds, ReadModel, ReadModelError};
use support::property::hold;
use support::{World, decided, everything};
use trial::Trial;

#[test]
fn arrival_batches_silences_crashes_and_definitions_leave_no_trace() {
    let coverage = RefCell::new(Coverage::default());
    hold(80, &cases::case(), |case| {
        coverage.borrow_mut().add(&Trial::run(&case)?);
        Ok(())
    });
    let coverage = coverage.into_inner();
    println!("{coverage}");
    coverage.assert();
}

#[test]
fn a_file_that_is_built_in_bulk_says_the_same_and_goes_on_like_any_other() {
    let coverage = RefCell::new(Coverage::default());
    let bounds = (prop_oneof![Just(1), Just(300), Just(1 << 20)], prop_oneof![Just(1), Just(900), Just(1 << 20)]);
    let strategy = (cases::case(), any::<Index>(), 0..60_u32, bounds);
    hold(80, &strategy, |(case, cut, minute, (sorted_bytes, customer_bytes))| {
        let cut = cut.index(case.log().len() + 1);
        let bounds = Bounds { sorted_bytes, customer_bytes, ..Bounds::default() };
        coverage.borrow_mut().add(&Trial::run_built(&case, cut, support::minute_of(minute), bounds)?);
        Ok(())
    });
    println!("{}", coverage.into_inner());
}

#[test]
fn a_file_goes_on_under_the_definitions_that_it_was_made_under_and_no_others() {
    for made in 0..DEFINITIONS {
        let world = World::under(definitions_of(made));
        for other in 0..DEFINITIONS {
            let opened = ReadModel::open(world.model.path(), support::origin(), definitions_of(other));
            let refused = matches!(opened, Err(ReadModelError::Foreign { what: "fingerprint", .. }));
            assert_eq!(refused, other != made, "made under {made}, opened under {other}");
        }
    }
}

#[test]
fn merges_that_are_all_undone_leave_no_trace() {
    let strategy = (cases::case(), vec((cases::merge(), any::<(Index, Index)>()), 1..6), 1..9_usize);
    hold(30, &strategy, |(case, merges, batch)| {
        let mut plain = World::spaced(definitions_of(case.under), case.spacing);
        let without = case.log();
        let mut log = without.clone();
        for (number, ((what, minute), (at, undone_at))) in merges.iter().enumerate() {
            let name = format!("merge {number}");
            let undo = decided::undone(minute + 1, &format!("undo {number}"), &[&name]);
            log.insert(at.index(log.len() + 1), what.record(*minute, &name));
            log.insert(undone_at.index(log.len() + 1), undo);
        }
        plain.fold_records(without);
        let mut undone = World::spaced(definitions_of(case.under), case.spacing);
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
