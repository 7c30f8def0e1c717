//! The command line: one file for each command.

mod backup;
mod chart;
mod columns;
mod customer;
mod days;
mod demo;
mod error;
mod export;
mod feedback;
mod filter;
mod find;
mod identity;
mod import;
mod journey;
mod json;
mod merge;
mod migrate;
mod moment;
mod pages;
mod parked;
mod past;
mod preview;
mod reason;
mod rebuild;
mod replay;
mod restore;
mod serve;
mod span;
mod split;
mod status;
mod target;
mod totals;
mod verify;
mod watch;
mod whatif;

use clap::{Parser, Subcommand};

use crate::config::{self, Config, ConfigError};

pub use customer::{print_customer_briefly, print_timeline};
pub use demo::DemoArgs;
pub use error::{CliError, USAGE};
pub use feedback::{print_scores, scores};
pub use find::{find, print_found};
pub use journey::{funnel, print_changes, print_funnel, transitions};
pub use serve::ServeArgs;
pub use totals::print_currencies;

/// Remembers every contact between a company and its customers, and can always say what it means.
///
/// Start a server with `rapport serve`, put touchpoints in with `rapport import`, and ask with `rapport customer`,
/// `rapport journey` and `rapport feedback`. `rapport demo` shows all of it in a minute.
#[derive(Debug, Parser)]
#[command(
    name = "rapport",
    version,
    after_help = "Exit codes: 0 all went well; 64 wrong usage or configuration; 1 anything else.\n\n\
                  Examples:\n  \
                  rapport serve\n  \
                  rapport import touchpoints.ndjson\n  \
                  rapport customer user_id:42 --timeline\n  \
                  rapport journey funnel --by month\n  \
                  rapport feedback --measure nps --slice channel"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(ServeArgs),
    Import(import::ImportArgs),
    Customer(customer::CustomerArgs),
    Journey(journey::JourneyArgs),
    Feedback(feedback::FeedbackArgs),
    Find(find::FindArgs),
    Identity(identity::IdentityArgs),
    Merge(merge::MergeArgs),
    Split(split::SplitArgs),
    Watch(watch::WatchArgs),
    Totals(totals::TotalsArgs),
    Replay(replay::ReplayArgs),
    Export(export::ExportArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Migrate(migrate::MigrateArgs),
    Rebuild(rebuild::RebuildArgs),
    Verify(verify::VerifyArgs),
    Preview(preview::PreviewArgs),
    Whatif(whatif::WhatIfArgs),
    Status(status::StatusArgs),
    Parked(parked::ParkedArgs),
    Demo(DemoArgs),
}

impl Cli {
    /// The checked configuration, if the command is `serve`.
    pub fn served(self) -> Option<Result<Config, ConfigError>> {
        let Command::Serve(args) = self.command else { return None };
        Some(Config::try_from(config::ServeArgs::from(args)))
    }
}

/// Runs one command to its end.
pub fn run(cli: Cli) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::Runtime)?;
    let result = runtime.block_on(async {
        match cli.command {
            // These end by themselves in good order when they are interrupted.
            Command::Serve(args) => serve::run(args).await,
            Command::Demo(args) => demo::run(args).await,
            Command::Watch(args) => watch::run(args).await,
            Command::Replay(args) => replay::run(args).await,
            command => tokio::select! {
                result = ask(command) => result,
                _ = tokio::signal::ctrl_c() => Err(CliError::Interrupted),
            },
        }
    });
    // A thread that waits for standard input would hold the process.
    runtime.shutdown_background();
    result
}

async fn ask(command: Command) -> Result<(), CliError> {
    match command {
        Command::Import(args) => import::run(args).await,
        Command::Customer(args) => customer::run(args).await,
        Command::Journey(args) => journey::run(args).await,
        Command::Feedback(args) => feedback::run(args).await,
        Command::Find(args) => find::run(args).await,
        Command::Identity(args) => identity::run(args).await,
        Command::Merge(args) => merge::run(args).await,
        Command::Split(args) => split::run(args).await,
        Command::Totals(args) => totals::run(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Backup(args) => backup::run(args).await,
        Command::Restore(args) => restore::run(args).await,
        Command::Migrate(args) => migrate::run(args).await,
        Command::Rebuild(args) => rebuild::run(args).await,
        Command::Verify(args) => verify::run(args).await,
        Command::Preview(args) => preview::run(args).await,
        Command::Whatif(args) => whatif::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::Parked(args) => parked::run(args).await,
        Command::Serve(_) | Command::Demo(_) | Command::Watch(_) | Command::Replay(_) => {
            unreachable!("run on their own")
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_command_has_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("rapport {}", command.get_name())), "{}", command.get_name());
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
    }

    #[track_caller]
    fn refused(line: &str, right: &str) {
        let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
        assert!(error.use_stderr() && error.to_string().contains(right), "{error}");
    }

    #[test]
    fn wrong_values_are_named_with_what_is_right() {
        refused("rapport customer ann", "namespace:value");
        refused("rapport customer cus_12", "32 hex digits");
        refused("rapport replay --from yesterday", "2026-11-21");
        refused("rapport import", "<FILE>");
        refused("rapport journey", "<NAME>");
        refused("rapport journey funell", "funnel and transitions");
        refused("rapport journey funnel --by year", "day, week, month, quarter");
        refused("rapport journey funnel --from yesterday", "2026-03-01");
        refused("rapport journey transitions --limit 0", "1..");
        refused("rapport feedback --slice country", "channel, survey, touchpoint, agent, team, stage");
        refused("rapport feedback responses --by month", "--by");
        refused("rapport find --journey sales", "--stage");
        refused("rapport totals --as-of yesterday", "2026-11-21");
        refused("rapport customer user_id:42 --known-at yesterday", "or a position of the log");
        refused("rapport find user_id:42", "unexpected argument");
        refused("rapport parked discard 7", "--reason");
        refused("rapport parked show seven", "invalid digit");
        refused("rapport parked list --limit 0", "1..");
        refused("rapport watch user_id:42 --stage loyal", "--stage");
    }

    #[test]
    fn a_journey_is_of_one_customer_or_of_all() {
        for line in [
            "rapport journey user_id:42 --journey sales --json",
            "rapport journey funnel --by month --by-channel --channel web",
            "rapport journey transitions --to at_risk --limit 5",
            "rapport feedback --measure nps --by month --slice channel --only channel=web",
            "rapport feedback responses --highest 6",
            "rapport watch --stage at_risk --from-position 7",
            "rapport journey user_id:42 --as-of 2026-03-01",
            "rapport journey funnel --as-of 2026-03-01 --known-at 6919",
            "rapport customer user_id:42 --history email --known-at 2026-03-01T10:00:00Z",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }

    #[test]
    fn the_timeline_has_a_default_length() {
        assert!(Cli::try_parse_from(["rapport", "customer", "user_id:42", "--timeline"]).is_ok());
        assert!(Cli::try_parse_from(["rapport", "customer", "user_id:42", "--timeline", "5", "--json"]).is_ok());
    }
}
