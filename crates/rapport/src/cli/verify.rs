//! `rapport verify`: is the read model what the log says?

use clap::Args;

use super::columns::{self, Columns, plain};
use super::target::Target;
use super::{CliError, json, moment};
use crate::progress;
use crate::wire::v1::customer_difference::Presence;
use crate::wire::v1::verify_progress::Phase;
use crate::wire::v1::verify_response::What;
use crate::wire::v1::{CustomerDifference, PartDifference, VerifyProgress, VerifyRequest, VerifyResult};

/// Lines of a part that are shown of each read model; --json has all of it.
const MOST_LINES: usize = 12;

/// Check that the read model is what the log says: fold the log anew beside it, and compare
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport verify\n  \
    rapport verify --tenant acme --json\n\n\
    Exit codes: 0 the two are equal; 1 they differ, or it could not be found out; 64 wrong usage.\n\n\
    Queries are answered all the while. What is folded anew needs as much room on the server's disk as the read model \
    has, and is removed at the end; what is written meanwhile stays in the write-ahead log of the one that serves.")]
pub struct VerifyArgs {
    #[command(flatten)]
    target: Target,
    /// Print the result as proto3 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: VerifyArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let request = VerifyRequest { tenant: args.target.tenant };
    let call = connection.admin().verify(request).await;
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
    match args.json {
        true => json::print(&json::proto_json("VerifyResult", &result)?)?,
        false => columns::print(&text(&result))?,
    }
    if result.equal { Ok(()) } else { Err(CliError::Different) }
}

fn phase(progress: &VerifyProgress) -> &'static str {
    match progress.phase() {
        Phase::Folding => "fold the log",
        Phase::Reading => "read customers",
        Phase::Comparing => "compare customers",
        Phase::Unspecified => "verify",
    }
}

fn text(result: &VerifyResult) -> String {
    let verdict = if result.equal { "equal" } else { "different" };
    let mut facts = Columns::default();
    facts.row(["position", &format!("{} ", result.position)]);
    facts.row(["clock", &moment::show(result.clock.as_ref())]);
    facts.row(["folded anew", &format!("{} events in {:.1} s", result.events, result.seconds)]);
    facts.row(["customers", &format!("{} compared", result.customers)]);
    facts.row(["digest", &format!("{} ", result.digest)]);
    let mut text = format!("tenant {}: {verdict}\n{}", plain(&result.tenant), facts.to_text());

    let mut models = Columns::default();
    for model in result.models.iter().filter(|model| !model.equal) {
        models.row([&model.model, "says of itself", &model.stored]);
        models.row(["", "comes to", &model.recomputed]);
        models.row(["", "by the log", &model.anew]);
    }
    text.push_str(&models.under("Models that differ"));
    if result.strays > 0 {
        text.push_str(&format!("\n{} rows of states and facts belong to nobody\n", result.strays));
    }
    if result.different_customers > 0 {
        text.push_str(&format!(
            "\nCustomers that differ: {}\n",
            shown(result.different_customers, result.shown_customers.len())
        ));
        result.shown_customers.iter().for_each(|customer| text.push_str(&customer_text(customer)));
    }
    let mut totals = Columns::default();
    for total in &result.shown_totals {
        totals.row([&total.name, "serving", &total.serving, "by the log", &total.anew]);
    }
    let counted = shown(result.different_totals, result.shown_totals.len());
    text.push_str(&totals.under(&format!("Sums that differ: {counted}")));
    let mut conflicts = Columns::default();
    for conflict in &result.shown_conflicts {
        let name = format!("{} {}", conflict.source, conflict.id);
        let (counts, parked) = (conflict.position.to_string(), conflict.parked_position.to_string());
        let of = |anchor: &str| if anchor.is_empty() { "nobody".to_owned() } else { anchor.to_owned() };
        conflicts.row([
            &name,
            "counts at",
            &counts,
            &of(&conflict.anchor),
            "parked at",
            &parked,
            &of(&conflict.parked_anchor),
        ]);
    }
    let counted = shown(result.conflicts, result.shown_conflicts.len());
    text.push_str(
        &conflicts.under(&format!("Other bodies under a known source and id, which do not count: {counted}")),
    );
    text
}

fn shown(all: u64, shown: usize) -> String {
    if all > shown as u64 { format!("{all}, of which {shown} are shown") } else { all.to_string() }
}

fn customer_text(customer: &CustomerDifference) -> String {
    let id = if customer.customer_id.is_empty() { "a customer without an id" } else { &customer.customer_id };
    let earliest = moment::show(customer.earliest_time.as_ref());
    let presence = match customer.presence() {
        Presence::OnlyServing => ", only in the read model that serves",
        Presence::OnlyAnew => ", missing in the read model that serves",
        Presence::InBoth | Presence::Unspecified => "",
    };
    let mut text = format!(
        "  {} ({}), since {} {} at {earliest}{presence}\n",
        plain(id),
        plain(&customer.identifiers.join(" ")),
        plain(&customer.earliest_source),
        plain(&customer.earliest_id),
    );
    for part in &customer.parts {
        text.push_str(&format!("    {}\n", plain(&part.part)));
        text.push_str(&part_text(part));
    }
    text
}

/// What only one of the two has.
fn part_text(part: &PartDifference) -> String {
    let (serving, anew) = (flat(&part.serving), flat(&part.anew));
    let mut text = String::new();
    for (whose, lines, others) in [("serving", &serving, &anew), ("by the log", &anew, &serving)] {
        let only: Vec<_> = lines.iter().filter(|line| !others.contains(line)).collect();
        for line in only.iter().take(MOST_LINES) {
            text.push_str(&format!("      {whose:<10}  {}\n", plain(line)));
        }
        if only.len() > MOST_LINES {
            text.push_str(&format!("      {whose:<10}  and {} more lines; --json has them\n", only.len() - MOST_LINES));
        }
    }
    text
}

/// The values of an indented text, one in a line, each after the names of all that it lies in.
fn flat(text: &str) -> Vec<String> {
    let mut within: Vec<&str> = Vec::new();
    let mut values = Vec::new();
    for line in text.lines().map(|line| line.trim().trim_end_matches(',')) {
        if line.ends_with(['(', '{', '[']) {
            within.push(line.split_once(": ").map_or("", |(name, _)| name));
        } else if matches!(line, ")" | "}" | "]") {
            within.pop();
        } else {
            let names = within.iter().copied().filter(|name| !name.is_empty());
            values.push(names.chain([line]).collect::<Vec<_>>().join(" / "));
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_shows_the_values_that_only_one_has_and_where_they_lie() {
        let state = |orders: &str| {
            format!("Some(\n  Profile {{\n    orders: Orders(\n      {orders},\n    ),\n    name: \"Ann\",\n  }},\n)")
        };
        let part = PartDifference { part: "profile".to_owned(), serving: state("1"), anew: state("2") };
        assert_eq!(part_text(&part), "      serving     orders / 1\n      by the log  orders / 2\n");
    }
}
