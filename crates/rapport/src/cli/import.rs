//! `rapport import`: files of events or rows into the log.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::columns::{self, Columns};
use super::target::Target;
use super::{CliError, json};
use crate::import::{self, Job, Mapping, Summary};

/// Import touchpoints from files: CloudEvents, or with a mapping the rows of any export
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport import touchpoints.ndjson\n  \
    rapport import cdnow_master.txt.gz --mapping examples/cdnow.toml\n  \
    zcat *.ndjson.gz | rapport import -\n\n\
    Without a mapping, each line is a CloudEvent in JSON, as `rapport replay` writes it. A mapping is a TOML file that \
    says how rows become touchpoints; see examples/. Files may be gzipped.\n\n\
    A bad row is told with its file and line and does not stop the others. An import may be run again at any time: \
    what is on the log already counts once.")]
pub struct ImportArgs {
    /// The files, one after the other; - is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// How rows become touchpoints
    #[arg(long, value_name = "TOML")]
    mapping: Option<PathBuf>,
    /// Stop at the first bad row
    #[arg(long)]
    strict: bool,
    /// Return once all is on the log, without waiting for the read model
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    target: Target,
    /// Print the counts as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: ImportArgs) -> Result<(), CliError> {
    let mapping = args.mapping.as_deref().map(Mapping::load).transpose()?;
    let job = Job {
        files: args.files,
        mapping,
        strict: args.strict,
        server: args.target.server,
        tenant: args.target.tenant,
        wait: !args.no_wait,
    };
    let mut summary = Summary::default();
    let result = import::run(&job, &mut summary).await;
    if result.is_ok() || summary.read > 0 {
        if args.json {
            json::print(&serde_json::to_value(&summary).expect("counts are JSON"))?;
        } else {
            print_summary(&summary)?;
        }
    }
    result?;
    match summary.bad() {
        0 => Ok(()),
        bad => Err(CliError::BadRows { bad, read: summary.read }),
    }
}

/// For people.
fn print_summary(summary: &Summary) -> Result<(), CliError> {
    columns::print(&text(summary))
}

fn text(summary: &Summary) -> String {
    let mut rows = Columns::default();
    for (name, count) in [
        ("read", summary.read),
        ("accepted", summary.accepted),
        ("duplicates", summary.duplicates),
        ("quarantined", summary.quarantined),
        ("rejected", summary.rejected),
        ("bad rows", summary.bad_rows),
    ] {
        rows.row([name, &count.to_string()]);
    }
    if summary.sent_again > 0 {
        rows.row(["sent again", &summary.sent_again.to_string()]);
    }
    let pace =
        |elapsed: Duration| format!("{:.2} s, {:.0} touchpoints/s", elapsed.as_secs_f64(), summary.rate(elapsed));
    let mut text = rows.to_text();
    text.push_str(&format!("\non the log after {}", pace(summary.elapsed)));
    if let Some(elapsed) = summary.until_in_read_model {
        text.push_str(&format!("\nin the read model after {}", pace(elapsed)));
    }
    text
}
