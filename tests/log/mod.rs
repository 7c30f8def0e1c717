//! One conformance suite for the log, run on each backend; what only one backend can do stands in files of its own.

mod appending;
mod backend;
mod cluster_only;
mod deciding;
mod embedded_only;
mod jetstream_only;
mod lifetime;
mod reading;
mod restarts;
mod shipped_config;
mod traces;

/// Runs each case on each backend.
macro_rules! conformance {
    ($($file:ident::{$($case:ident),+ $(,)?}),+ $(,)?) => {
        mod embedded {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$file::$case(super::backend::Backend::embedded()).await;
            })+)+
        }
        mod jetstream {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$file::$case(super::backend::Backend::jetstream()).await;
            })+)+
        }
    };
}

conformance! {
    appending::{
        positions_rise_in_the_order_of_appends,
        an_empty_append_gets_no_verdicts,
        a_batch_gets_a_verdict_per_event_in_its_order,
        an_event_twice_in_a_batch_is_a_duplicate,
        an_event_in_two_batches_is_a_duplicate,
        another_body_is_a_conflict_and_both_are_kept,
        another_body_in_one_batch_is_a_conflict,
        a_conflict_told_again_is_the_same_conflict,
        many_events_in_one_append,
        full_appends_that_wait_together_keep_their_order_and_know_each_other,
        many_appenders_at_once,
        one_event_from_many_appenders_counts_once,
    },
    reading::{
        an_empty_log_is_caught_up_at_once,
        reads_what_was_appended,
        reads_from_any_position,
        records_carry_when_they_were_recorded,
        filters_by_type,
        filters_by_type_prefix,
        filters_by_channel,
        filters_by_both,
        a_filter_that_lets_nothing_through_catches_up,
        filters_live,
        catches_up_and_goes_on_live_beside_a_writer,
        readers_do_not_disturb_each_other,
        a_position_beyond_the_head_is_refused,
    },
    deciding::{
        a_decision_stands_in_its_own_place_among_the_touchpoints,
        a_decision_passes_the_empty_filter_and_its_own,
        a_decision_is_no_kind_of_touchpoint,
        a_decision_told_again_is_a_duplicate,
    },
    traces::{
        a_trace_goes_with_each_record_of_its_append,
        the_first_trace_of_an_event_stands,
    },
    lifetime::{
        the_head_of_an_empty_log_is_the_start,
        the_head_is_the_last_record,
        the_epoch_is_stable,
        each_tenant_has_an_epoch_and_a_log_of_its_own,
        kinds_are_the_distinct_pairs,
        everything_survives_a_restart,
        duplicates_are_told_after_a_restart,
        two_who_open_a_new_log_agree_or_one_is_refused,
        a_closed_log_takes_nothing_and_ends_its_readers,
    },
}
