//! The command line: one file for each command.

mod columns;
mod customer;
mod demo;
mod error;
mod import;
mod json;
mod moment;
mod new_file;
mod rebuild;
mod replay;
mod serve;
mod status;
mod target;
mod totals;

use clap::{Parser, Subcommand};

pub use customer::{print_customer, print_timeline};
pub use demo::DemoArgs;
pub use error::{CliError, USAGE};
pub use import::print_summary;
pub use serve::ServeArgs;
pub use totals::print_totals;

/// Remembers every contact between a company and its customers, and can always say what it means.
///
/// Start a server with `rapport serve`, put touchpoints in with `rapport import`, and ask with `rapport customer`.
/// `rapport demo` shows all of it in a minute.
#[derive(Debug, Parser)]
#[command(
    name = "rapport",
    version,
    after_help = "Exit codes: 0 all went well; 64 wrong usage or configuration; 1 anything else.\n\n\
                  Examples:\n  \
                  rapport serve\n  \
                  rapport import touchpoints.ndjson\n  \
                  rapport customer user_id:42 --timeline"
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
    Totals(totals::TotalsArgs),
    Replay(replay::ReplayArgs),
    Rebuild(rebuild::RebuildArgs),
    Status(status::StatusArgs),
    Demo(DemoArgs),
}

/// Runs one command to its end.
pub fn run(cli: Cli) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::Runtime)?;
    let result = runtime.block_on(async {
        match cli.command {
            // These two end by themselves in good order when they are interrupted.
            Command::Serve(args) => serve::run(args).await,
            Command::Demo(args) => demo::run(args).await,
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
        Command::Totals(args) => totals::run(args).await,
        Command::Replay(args) => replay::run(args).await,
        Command::Rebuild(args) => rebuild::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::Serve(_) | Command::Demo(_) => unreachable!("run on their own"),
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
    }

    #[test]
    fn the_timeline_has_a_default_length() {
        assert!(Cli::try_parse_from(["rapport", "customer", "user_id:42", "--timeline"]).is_ok());
        assert!(Cli::try_parse_from(["rapport", "customer", "user_id:42", "--timeline", "5", "--json"]).is_ok());
    }
}
