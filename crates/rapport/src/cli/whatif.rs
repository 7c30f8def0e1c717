//! `rapport whatif`: what would other definitions change?

use std::path::{Path, PathBuf};

use clap::Args;

use super::columns::{self, Columns, plain};
use super::target::Target;
use super::{CliError, json, preview, rebuild};
use crate::client::Connection;
use crate::progress;
use crate::wire::v1::what_if_place::Where;
use crate::wire::v1::what_if_response::What;
use crate::wire::v1::{
    PreviewCensus, RebuildProgress, WhatIfCount, WhatIfExample, WhatIfJourney, WhatIfPlace, WhatIfRequest,
    WhatIfResult, WhatIfScore, WhatIfScoreOf,
};

/// Try other definitions on the log: who would be who, in which stage, and what would be counted
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport whatif --definitions other.toml\n  \
    rapport whatif --definitions other.toml --tenant acme --examples 50 --json\n  \
    rapport whatif --definitions other.toml --promote\n\n\
    The log is folded anew beside the read model, with all models, and compared with it; it needs about as much room on the \
    server's disk as a rebuild. Nothing is changed, and queries are answered all the while. With --promote, what was built \
    serves when it has caught up, and the file becomes the tenant's definitions; those of before are kept beside it, as .bak.")]
pub struct WhatIfArgs {
    #[command(flatten)]
    target: Target,
    /// The file with the definitions to try
    #[arg(long, value_name = "FILE")]
    definitions: PathBuf,
    /// Show at most so many examples of who would change, of each kind
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    examples: u32,
    /// Put the definitions in force, and let what was built serve
    #[arg(long)]
    promote: bool,
    /// Print the result as proto3 JSON; with --promote, the last answer of the promotion after it
    #[arg(long)]
    json: bool,
}

pub async fn run(args: WhatIfArgs) -> Result<(), CliError> {
    let definitions = preview::read(&args.definitions)?;
    let connection = args.target.connect().await?;
    let request = WhatIfRequest {
        tenant: args.target.tenant.clone(),
        definitions,
        file_name: args.definitions.display().to_string(),
        examples: args.examples,
        promote: args.promote,
    };
    let last = ask(&connection, request, &args).await?;
    match (args.promote, last) {
        (false, _) => Ok(()),
        (true, Some(last)) if last.done && args.json => json::print(&json::proto_json("RebuildProgress", &last)?),
        (true, Some(last)) if last.done => columns::print(&format!(
            "The definitions are in force: generation {}, position {}, digest {}",
            last.generation, last.position, last.digest
        )),
        (true, _) => Err(CliError::Incomplete),
    }
}

/// Prints the result; the last word of the promotion, if there is one.
async fn ask(
    connection: &Connection,
    request: WhatIfRequest,
    args: &WhatIfArgs,
) -> Result<Option<RebuildProgress>, CliError> {
    let call = connection.admin().what_if(request).await;
    let mut answers = call.map_err(|status| connection.failed(status))?.into_inner();
    let bar = progress::phases();
    let (mut result, mut last) = (None, None);
    while let Some(answer) = answers.message().await.map_err(|status| connection.failed(status))? {
        match answer.what {
            Some(What::Progress(progress)) => {
                bar.set_message(preview::phase(&progress));
                bar.set_length(progress.total);
                bar.set_position(progress.done);
            }
            Some(What::Result(found)) => {
                bar.suspend(|| match args.json {
                    true => json::print(&json::proto_json("WhatIfResult", &found)?),
                    false => columns::print(&text(&found, &args.definitions, args.promote)),
                })?;
                result = Some(found);
            }
            Some(What::Promotion(progress)) => {
                bar.set_message(rebuild::phase(&progress));
                bar.set_length(progress.head);
                bar.set_position(progress.position);
                last = Some(progress);
            }
            None => {}
        }
    }
    bar.finish_and_clear();
    result.ok_or(CliError::Incomplete)?;
    Ok(last)
}

fn text(result: &WhatIfResult, file: &Path, promote: bool) -> String {
    let identity = result.identity.clone().unwrap_or_default();
    let none = PreviewCensus::default();
    let (now, then) = (identity.now.as_ref().unwrap_or(&none), identity.then.as_ref().unwrap_or(&none));
    let file = plain(&file.display().to_string());
    let mut text =
        format!("tenant {}, now and with {file}, at position {}\n", plain(&identity.tenant), identity.position);
    if result.same_definitions {
        text.push_str("The definitions come to the same as those that serve.\n");
    } else if identity.same_rules {
        text.push_str("The rules of identity in it are those in force.\n");
    }
    text.push_str(&preview::counts(now, then));
    text.push_str(&identity.fates.as_ref().map(preview::fates).unwrap_or_default());
    for journey in &result.journeys {
        text.push_str(&stages(journey));
        text.push_str(&moves(journey));
    }
    text.push_str(&scores(&result.scores));
    if !identity.examples.is_empty() {
        text.push_str("\nWho would be joined or parted, the first by their earliest touchpoints\n");
        identity.examples.iter().for_each(|one| text.push_str(&preview::example(one)));
    }
    if !result.examples.is_empty() {
        let shown = result.examples.len();
        let title =
            format!("Who would be in another stage: {shown} of {}, by their earliest touchpoints", result.moved);
        text.push_str(&examples(&result.examples).under(&title));
    }
    let (events, seconds) = (identity.events, identity.seconds);
    text.push_str(&format!("\n{events} events were folded anew in {seconds:.1} s. "));
    text.push_str(&match promote {
        true => format!("{file} is put in force.\n"),
        false => format!(
            "Nothing was changed. To apply it, ask again with --promote, or name {file} as the tenant's definitions in \
             rapport.toml and restart the server: a new generation is built by itself.\n"
        ),
    });
    text
}

/// The funnel of now and then.
fn stages(journey: &WhatIfJourney) -> String {
    let mut rows = Columns::default();
    rows.row(["stage", "in it now", "then", "", "ever in it now", "then"]);
    for stage in &journey.stages {
        let count = |count: &Option<WhatIfCount>, of: fn(&WhatIfCount) -> u64| count.as_ref().map_or(0, of);
        let [in_now, in_then] = [&stage.now, &stage.then].map(|of| count(of, |count| count.now_in));
        let [ever_now, ever_then] = [&stage.now, &stage.then].map(|of| count(of, |count| count.entered));
        rows.row([
            &stage.stage,
            &in_now.to_string(),
            &in_then.to_string(),
            &difference(in_now, in_then),
            &ever_now.to_string(),
            &ever_then.to_string(),
        ]);
    }
    rows.under(&format!(
        "Journey {}, began {} now and {} then",
        plain(&journey.journey),
        journey.began_now,
        journey.began_then
    ))
}

fn difference(now: u64, then: u64) -> String {
    match then.cmp(&now) {
        std::cmp::Ordering::Equal => String::new(),
        std::cmp::Ordering::Greater => format!("+{}", then - now),
        std::cmp::Ordering::Less => format!("-{}", now - then),
    }
}

/// Who would be elsewhere, the most first.
fn moves(journey: &WhatIfJourney) -> String {
    let mut moved: Vec<_> = journey.moves.iter().filter(|one| one.from != one.to).collect();
    moved.sort_by_key(|one| std::cmp::Reverse(one.customers));
    let mut rows = Columns::default();
    for one in moved {
        rows.row([&one.customers.to_string(), &place(one.from.as_ref()), "→", &place(one.to.as_ref())]);
    }
    rows.under("Customers who would be elsewhere")
}

fn place(place: Option<&WhatIfPlace>) -> String {
    match place.and_then(|place| place.r#where.as_ref()) {
        Some(Where::Stage(stage)) => stage.clone(),
        Some(Where::Outside(_)) => "(not begun)".to_owned(),
        Some(Where::Nobody(_)) | None => "(no such customer)".to_owned(),
    }
}

fn scores(scores: &[WhatIfScore]) -> String {
    let responses = |of: &Option<WhatIfScoreOf>| of.as_ref().map_or(0, |of| of.responses);
    let value = |of: &Option<WhatIfScoreOf>| {
        let value = of.as_ref().and_then(|of| of.value);
        value.map_or("-".to_owned(), |value| format!("{value:.1}"))
    };
    let mut rows = Columns::default();
    for score in scores.iter().filter(|score| responses(&score.now) + responses(&score.then) > 0) {
        if rows.is_empty() {
            rows.row(["", "now", "then", "answers now", "then"]);
        }
        rows.row([
            &score.measure,
            &value(&score.now),
            &value(&score.then),
            &responses(&score.now).to_string(),
            &responses(&score.then).to_string(),
        ]);
    }
    rows.under("Scores")
}

fn examples(examples: &[WhatIfExample]) -> Columns {
    let mut rows = Columns::default();
    for example in examples {
        let customer = example.customer.clone().unwrap_or_default();
        for moved in &example.moves {
            rows.row([
                &preview::first_identifier(&customer),
                &moved.journey,
                &place(moved.from.as_ref()),
                "→",
                &place(moved.to.as_ref()),
            ]);
        }
    }
    rows
}
