//! From a published touchpoint to an answer, over gRPC: the same on either log.

mod bad_input;
mod clickstream;
mod customers;
mod exporting;
mod fence;
mod foreign_records;
mod generations;
mod known_answer;
mod merging;
mod moving;
mod parked;
mod past;
mod previewing;
mod publishing;
mod questions;
mod rebuilding;
mod replaying;
mod silence;
mod supposing;
mod verify_leftovers;
mod verifying;
mod watching;

/// Runs each case on a fresh server with each log.
macro_rules! on_each_log {
    ($($file:ident::{$($case:ident),+ $(,)?}),+ $(,)?) => {
        mod embedded {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$file::$case(crate::support::server::Server::embedded().await).await;
            })+)+
        }
        mod jetstream {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$file::$case(crate::support::server::Server::jetstream().await).await;
            })+)+
        }
    };
}

on_each_log! {
    publishing::{
        what_was_published_is_in_the_answer,
        an_answer_waits_for_min_position,
        a_position_that_is_never_reached_ends_with_the_deadline,
        a_retry_counts_once,
        another_body_is_quarantined_and_the_first_stands,
        twenty_batches_in_flight_are_answered_in_order,
        everything_survives_a_restart,
    },
    customers::{
        a_timeline_comes_in_pages_the_newest_first,
        a_page_token_belongs_to_one_customer,
        a_customer_has_many_names,
        nobody_is_not_found,
        a_customer_that_is_joined_keeps_both_ids,
        whoever_was_asked_for_before_is_told_as_they_are_now,
        totals_add_up_per_currency,
        a_late_event_counts_as_if_it_had_come_in_time,
    },
    replaying::{
        all_of_it,
        by_type,
        by_channel,
        by_time,
        by_position,
        by_customer,
        by_source,
        by_when_it_was_recorded,
        in_the_order_of_customers,
        by_all_at_once,
    },
    parked::{
        what_is_parked_is_listed_with_its_record_and_stops_nobody,
        what_is_parked_comes_in_pages_the_newest_first,
        a_discarded_event_stays_out_through_restarts_and_rebuilds,
        what_cannot_be_discarded_is_told_why,
        better_definitions_let_in_what_was_parked,
        a_discarded_event_stays_out_where_it_could_be_read,
        what_nothing_can_let_in_stays_parked_after_a_retry,
    },
    past::{
        before_the_link_was_known_there_were_two_customers,
        a_timeline_a_journey_and_a_trait_are_those_of_then,
        what_is_told_of_all_is_folded_once_and_asked_again,
        a_moment_that_cannot_be_asked_names_the_place,
        a_phone_that_is_nobodys_today_takes_everybodys_past,
        the_totals_of_real_purchases_are_those_of_the_file_up_to_then,
    },
    merging::{
        a_merge_is_told_with_what_came_of_it_and_undone_exactly,
        a_merge_against_a_rule_is_refused_with_the_rule_unless_it_is_forced,
        a_split_keeps_apart_until_it_is_undone,
        what_cannot_be_decided_says_why,
        an_identifier_is_explained_by_its_events_and_decisions,
    },
    rebuilding::{
        a_rebuild_ends_with_the_same_digest_in_a_new_generation,
        a_long_log_is_folded_in_bulk_where_there_is_no_read_model,
        queries_go_on_during_a_rebuild,
        a_second_rebuild_at_once_is_refused,
        status_tells_about_the_log_and_the_read_model,
    },
    previewing::{
        under_the_same_rules_nothing_would_change,
        who_would_be_parted_is_told_and_is_not,
        who_would_be_joined_is_told_with_the_rule_that_keeps_them_apart_now,
        definitions_that_are_wrong_are_refused_with_the_line,
        a_second_preview_at_once_is_refused,
        a_preview_ends_when_nobody_waits_for_it,
    },
    verifying::{
        what_is_served_is_what_the_log_says,
        a_verify_looks_at_one_position_while_more_is_published,
        a_second_verify_at_once_is_refused,
        a_verify_ends_when_nobody_waits_for_it,
        a_state_that_was_changed_names_the_customer_and_the_model,
        customers_that_are_in_one_of_the_two_only_are_named,
        a_sum_that_was_changed_is_named,
        a_digest_that_was_changed_is_told_apart_from_what_it_is_of,
        other_bodies_under_a_known_name_are_listed_and_make_no_difference,
    },
    bad_input::{
        a_missing_attribute_is_named,
        a_malformed_attribute_is_named,
        an_unknown_schema_version_is_named,
        data_that_fails_its_schema_is_named,
        a_time_that_cannot_be_is_named,
        an_identifier_that_is_too_long_is_named,
        an_event_that_is_too_large_is_named,
        an_attribute_that_is_no_utf8_is_named,
        data_that_is_no_utf8_is_named,
        a_decision_from_an_adapter_is_refused,
        what_is_no_event_at_all_is_named,
        a_request_with_too_many_events_is_refused_as_a_whole,
        a_request_that_is_too_large_is_refused_as_a_whole,
        an_unknown_tenant_is_not_found,
        a_question_that_makes_no_sense_names_its_field,
    },
    questions::{
        an_unknown_journey_is_not_found_and_those_that_exist_are_named,
        a_stage_that_is_none_is_told_with_those_that_are,
        a_range_that_ends_before_it_starts_is_refused,
        a_day_that_is_none_is_named,
        an_unknown_measure_slice_or_bucket_is_told_with_those_that_exist,
        a_page_that_is_too_large_is_refused,
        a_filter_that_asks_too_much_is_refused,
        a_page_token_belongs_to_one_question,
        nobody_has_no_journey_and_no_responses,
    },
    known_answer::{
        the_published_totals_are_exact_however_often_they_are_imported,
    },
    watching::{
        a_change_is_told_with_the_customer_after_it,
        a_watch_goes_on_from_a_position,
        a_watch_of_many_tells_whoever_matches,
        a_watch_follows_a_customer_who_is_joined,
        a_rebuild_under_a_watch_is_not_noticed,
        nobody_cannot_be_watched,
        a_thousand_watch_at_once,
        a_reader_that_stops_reading_is_told_that_it_missed_some,
    },
}
