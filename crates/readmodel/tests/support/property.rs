//! How many cases a property is held against: the same few in every run, or any number of new ones.

use std::hash::{BuildHasher, RandomState};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseResult, TestRunner};

/// Runs `cases` cases, the same each time; or, if `PROPTEST_CASES` says so, that many new ones from a seed that is printed and
/// that `PROPTEST_RNG_SEED` can give again.
pub fn hold<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value) -> TestCaseResult)
where
    S::Value: Clone,
{
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if !is_long() {
        (config.cases, config.rng_seed) = (cases, RngSeed::Fixed(1));
    } else if let RngSeed::Random = config.rng_seed {
        config.rng_seed = RngSeed::Fixed(RandomState::new().hash_one(0_u8));
    }
    let again = format!("PROPTEST_CASES={} PROPTEST_RNG_SEED={}", config.cases, config.rng_seed);
    if is_long() {
        println!("again: {again}");
    }
    if let Err(failed) = TestRunner::new(config).run(strategy, test) {
        panic!("{failed}\nagain: {again}");
    }
}

/// Is it a run of as many new cases as somebody asked for?
pub fn is_long() -> bool {
    std::env::var_os("PROPTEST_CASES").is_some()
}
