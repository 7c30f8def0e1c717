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
