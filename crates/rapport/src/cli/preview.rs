//! `rapport preview`: what would other definitions make of who is who?

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use rapport_customer::MOST_DEFINITION_BYTES;

use super::columns::{self, Columns, plain};
use super::target::Target;
use super::{CliError, json};
use crate::progress;
use crate::wire::v1::preview_progress::Phase;
use crate::wire::v1::preview_refused::Rule;
use crate::wire::v1::preview_response::What;
use crate::wire::v1::{
    PreviewCensus, PreviewCustomer, PreviewExample, PreviewFates, PreviewProgress, PreviewRefused, PreviewRequest,
    PreviewResult,
};

/// Try other definitions on the log: who would be one customer, and who several
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport preview --definitions other.toml\n  \
    rapport preview --definitions other.toml --tenant acme --examples 50 --json\n\n\
    The log is folded anew beside the read model, identity alone, and removed at the end; it needs about as much room on \
    the server's disk as the read model has. Nothing is changed, and queries are answered all the while. Customers are \
    compared by their touchpoints.")]
pub struct PreviewArgs {
    #[command(flatten)]
    target: Target,
    /// The file with the definitions to try
    #[arg(long, value_name = "FILE")]
    definitions: PathBuf,
    /// Show at most so many examples of who would change
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    examples: u32,
    /// Print the result as proto3 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: PreviewArgs) -> Result<(), CliError> {
    let PreviewArgs { target, definitions: file, examples, json } = args;
    let definitions = read(&file)?;
    let connection = target.connect().await?;
    let file_name = file.display().to_string();
    let request = PreviewRequest { tenant: target.tenant, definitions, file_name, examples };
    let call = connection.admin().preview(request).await;
    let mut answers = call.map_err(|status| connection.failed(status))?.into_inner();
    let bar = progress::phases();
    let mut result = None;
    while let Some(answer) = answers.message().await.map_err(|status| connection.failed(status))? {
        match answer.what {
            Some(What::Progress(progress)) => {
                bar.set_message(phase(&progress));
                bar.set_length(progress.total);
                bar.set_position(progress.done);
            }
            Some(What::Result(found)) => result = Some(found),
            None => {}
        }
    }
    bar.finish_and_clear();
    let result = result.ok_or(CliError::Incomplete)?;
    match json {
        true => json::print(&json::proto_json("PreviewResult", &result)?),
        false => columns::print(&text(&result, &file)),
    }
}

pub(super) fn read(file: &Path) -> Result<String, CliError> {
    let wrong = |what: String| CliError::Usage(format!("--definitions {} {what}", file.display()));
    let mut text = String::new();
    let opened =
        File::open(file).and_then(|file| file.take(MOST_DEFINITION_BYTES as u64 + 1).read_to_string(&mut text));
    match opened {
        Err(error) => Err(wrong(format!("cannot be read: {error}"))),
        Ok(bytes) if bytes > MOST_DEFINITION_BYTES => {
            Err(wrong(format!("has more than {MOST_DEFINITION_BYTES} bytes, the most that definitions have")))
        }
        Ok(_) => Ok(text),
    }
}

pub(super) fn phase(progress: &PreviewProgress) -> &'static str {
    match progress.phase() {
        Phase::Folding => "fold the log",
        Phase::Reading => "read whose each touchpoint is",
        Phase::Comparing => "look for examples",
        Phase::Unspecified => "preview",
    }
}

fn text(result: &PreviewResult, file: &Path) -> String {
    let none = PreviewCensus::default();
    let (now, then) = (result.now.as_ref().unwrap_or(&none), result.then.as_ref().unwrap_or(&none));
    let file = plain(&file.display().to_string());
    let tenant = plain(&result.tenant);
    let mut text = format!("tenant {tenant}, now and with {file}, at position {}\n", result.position);
    if result.same_rules {
        text.push_str("The rules of identity in it are those in force.\n");
    }
    text.push_str(&counts(now, then));
    text.push_str(&result.fates.as_ref().map(fates).unwrap_or_default());
    text.push_str(&refused("Refused links", &now.refused_links, &then.refused_links));
    text.push_str(&refused("Refused merges by hand", &now.refused_merges, &then.refused_merges));
    text.push_str(&void(now, then));
    text.push_str(&biggest(
        "The biggest by touchpoints, now and then",
        (&now.biggest_by_touchpoints, &then.biggest_by_touchpoints),
        |customer| customer.touchpoints,
    ));
    text.push_str(&biggest(
        "The biggest by identifiers, now and then",
        (&now.biggest_by_identifiers, &then.biggest_by_identifiers),
        |customer| customer.identifiers_in_all,
    ));
    if !result.examples.is_empty() {
        text.push_str("\nWho would change, the first by their earliest touchpoints\n");
        result.examples.iter().for_each(|one| text.push_str(&example(one)));
    }
    text.push_str(&format!(
        "\nNothing was changed; {} events were folded anew in {:.1} s. To apply it, name {file} as the tenant's definitions \
         in rapport.toml and restart the server: a new generation is folded by itself.\n",
        result.events, result.seconds
    ));
    text
}

pub(super) fn counts(now: &PreviewCensus, then: &PreviewCensus) -> String {
    let mut rows = Columns::default();
    rows.row(["", "now", "then"]);
    for (name, now, then) in [
        ("customers", now.customers, then.customers),
        ("identified", now.identified, then.identified),
        ("touchpoints of customers", now.touchpoints, then.touchpoints),
        ("touchpoints of nobody", now.of_nobody, then.of_nobody),
    ] {
        rows.row([name, &now.to_string(), &then.to_string()]);
    }
    rows.to_text()
}

pub(super) fn fates(fates: &PreviewFates) -> String {
    let into = |customers: u64| if customers == 0 { String::new() } else { format!("into {customers}") };
    let mut rows = Columns::default();
    for (name, count, into) in [
        ("unchanged", fates.unchanged, String::new()),
        ("joined", fates.joined, into(fates.joined_into)),
        ("parted", fates.parted, into(fates.parted_into)),
        ("joined and parted", fates.regrouped, String::new()),
        ("some touchpoints from or to nobody", fates.other_touchpoints, String::new()),
        ("nobody any more", fates.gone, String::new()),
    ] {
        rows.row([name, &count.to_string(), &into]);
    }
    if fates.new > 0 {
        rows.row(["customers of what is nobody's now", &fates.new.to_string(), ""]);
    }
    rows.under("What would become of today's customers")
}

fn refused(title: &str, now: &[PreviewRefused], then: &[PreviewRefused]) -> String {
    let name = |refused: &PreviewRefused| match refused.rule() {
        Rule::MostOfNamespace => format!("too many of {}", refused.namespace),
        Rule::MostPersons => "too many in all".to_owned(),
        Rule::Split => "split by hand".to_owned(),
        Rule::Unspecified => "another rule".to_owned(),
    };
    let counted = |of: &[PreviewRefused]| of.iter().map(|one| (name(one), one.count)).collect::<Vec<_>>();
    side_by_side(&counted(now), &counted(then)).under(title)
}

fn void(now: &PreviewCensus, then: &PreviewCensus) -> String {
    let counted = |of: &PreviewCensus| {
        of.void_identifiers.iter().map(|void| (void.namespace.clone(), void.count)).collect::<Vec<_>>()
    };
    side_by_side(&counted(now), &counted(then)).under("Identifiers that too many share, which are nobody's")
}

/// With a head, if there is anything on either side.
fn side_by_side(now: &[(String, u64)], then: &[(String, u64)]) -> Columns {
    let mut rows = Columns::default();
    let only_then = then.iter().filter(|(name, _)| now.iter().all(|(other, _)| other != name));
    for (name, _) in now.iter().chain(only_then) {
        if rows.is_empty() {
            rows.row(["", "now", "then"]);
        }
        let of = |side: &[(String, u64)]| side.iter().find(|(other, _)| other == name).map_or(0, |(_, count)| *count);
        rows.row([name, &of(now).to_string(), &of(then).to_string()]);
    }
    rows
}

fn biggest(
    title: &str,
    (now, then): (&[PreviewCustomer], &[PreviewCustomer]),
    size: impl Fn(&PreviewCustomer) -> u64,
) -> String {
    let mut rows = Columns::default();
    for place in 0..now.len().max(then.len()) {
        let shown = |side: &[PreviewCustomer]| match side.get(place) {
            Some(customer) => (size(customer).to_string(), first_identifier(customer)),
            None => (String::new(), String::new()),
        };
        let ((now, who), (then, who_then)) = (shown(now), shown(then));
        rows.row([&now, &who, &then, &who_then]);
    }
    rows.under(title)
}

pub(super) fn first_identifier(customer: &PreviewCustomer) -> String {
    customer.identifiers.first().cloned().unwrap_or_else(|| customer.id.clone())
}

pub(super) fn example(example: &PreviewExample) -> String {
    let mut text = String::new();
    for (verb, customers, in_all) in
        [("now  ", &example.now, example.now_in_all), ("then ", &example.then, example.then_in_all)]
    {
        for customer in customers {
            let more = customer.identifiers_in_all.saturating_sub(customer.identifiers.len() as u64);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            text.push_str(&format!(
                "  {verb} {}  {}{more}  {} touchpoints\n",
                plain(&customer.id),
                plain(&customer.identifiers.join(" ")),
                customer.touchpoints
            ));
        }
        let left = in_all.saturating_sub(customers.len() as u64);
        if left > 0 {
            let at_least = if example.more { "at least " } else { "" };
            text.push_str(&format!("  {verb} and {at_least}{left} more\n"));
        }
    }
    for (touchpoints, what) in [(example.to_nobody, "would be nobody's"), (example.from_nobody, "are nobody's now")] {
        if touchpoints > 0 {
            text.push_str(&format!("        {touchpoints} touchpoints {what}\n"));
        }
    }
    text.push('\n');
    text
}
