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

use cases::{DEFINITIONS, definitions_of};
use coverage::Coverage;
use rapport_readmodel::{ReadModel, ReadModelError};
use support::World;
use support::property::hold;
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
