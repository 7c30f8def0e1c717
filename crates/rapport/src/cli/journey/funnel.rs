//! `rapport journey funnel`: how far customers come, and how fast.

use clap::Args;

use crate::cli::chart::bar;
use crate::cli::columns::{self, Columns};
use crate::cli::days::{Days, Period};
use crate::cli::past::PastArgs;
use crate::cli::target::Target;
use crate::cli::{CliError, json, span};
use crate::client::Connection;
use crate::wire::v1::{FunnelPace, FunnelRequest, FunnelResponse, FunnelRow, FunnelStage};

const BAR: usize = 30;
/// Where many funnels stand one below the other.
const SMALL_BAR: usize = 8;

/// Draw how far customers come on their way, and how fast
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport journey funnel\n  \
    rapport journey funnel --from 2026-01-01 --until 2026-04-01 --channel web\n  \
    rapport journey funnel --by month --json\n\n\
    A customer counts in the period in which the journey began, and for the channel on which it began. A stage is \
    reached by whoever was in it or, further on the way, beyond it. Stages by silence are no steps; they stand apart.")]
pub struct FunnelArgs {
    /// Of this journey; the tenant's first one without it
    #[arg(long, value_name = "JOURNEY", default_value = "", hide_default_value = true)]
    journey: String,
    #[command(flatten)]
    days: Days,
    /// One funnel for each period in which journeys began; weeks begin on Monday
    #[arg(long, value_name = "PERIOD")]
    by: Option<Period>,
    /// One funnel for each channel that won customers
    #[arg(long)]
    by_channel: bool,
    /// Only the customers whom this channel won
    #[arg(long, value_name = "CHANNEL", default_value = "", hide_default_value = true)]
    channel: String,
    /// Answer only once the read model is at this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
    #[command(flatten)]
    past: PastArgs,
    #[command(flatten)]
    target: Target,
    /// Print the answer as proto3 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: FunnelArgs) -> Result<(), CliError> {
    let (from_day, until_day) = args.days.bounds()?;
    let connection = args.target.connect().await?;
    args.past.prepare(&connection, &args.target.tenant, args.min_position).await?;
    let request = FunnelRequest {
        tenant: args.target.tenant,
        journey: args.journey,
        from_day,
        until_day,
        bucket: Period::bucket(args.by).into(),
        by_channel: args.by_channel,
        channel: args.channel,
        min_position: args.min_position,
        as_of: args.past.as_of(),
        known_at: args.past.known_at(),
    };
    let answer = funnel(&connection, request).await?;
    match args.json {
        true => json::print(&json::proto_json("FunnelResponse", &answer)?),
        false => columns::print(&format!("{}{}", args.past.title(answer.freshness.as_ref()), text(&answer))),
    }
}

pub async fn funnel(connection: &Connection, request: FunnelRequest) -> Result<FunnelResponse, CliError> {
    let answer = connection.journeys().funnel(request).await.map_err(|status| connection.failed(status))?;
    Ok(answer.into_inner())
}

/// For people: one funnel is drawn, many are told in a table.
pub fn print_funnel(answer: &FunnelResponse) -> Result<(), CliError> {
    columns::print(&text(answer))
}

fn text(answer: &FunnelResponse) -> String {
    let journey = columns::plain(&answer.journey);
    match &answer.rows[..] {
        [] => format!("Journey {journey}: nobody set out so.\n"),
        [row] => {
            let period = if row.period.is_empty() { String::new() } else { format!(" from {}", row.period) };
            let channel = if row.channel.is_empty() { String::new() } else { format!(", won on {}", row.channel) };
            let title = columns::plain(&format!("{} customers set out{period}{channel}", row.began));
            format!("Journey {journey}: {title}\n\n{}{}", path(row).to_text(), silent(row).under("Fell silent"))
        }
        rows => {
            format!("Journey {journey}: who set out when, and how many of them reached which stage\n\n{}", many(rows))
        }
    }
}

fn path(row: &FunnelRow) -> Columns {
    let mut lines = Columns::default();
    lines.row(["", "reached", "", " of all", "of before", "median time", "in it now"]);
    let mut before: Option<&FunnelStage> = None;
    for stage in row.stages.iter().filter(|stage| !stage.quiet) {
        let (of_those_before, time) = match before {
            None => (String::new(), String::new()),
            Some(before) => {
                let pace = row.paces.iter().find(|pace| pace.from == before.stage && pace.to == stage.stage);
                (percent(stage.reached, before.reached), pace.map(median).unwrap_or_default())
            }
        };
        lines.row([
            &stage.stage,
            &stage.reached.to_string(),
            &bar(share(stage.reached, row.began), BAR),
            &percent(stage.reached, row.began),
            &of_those_before,
            &time,
            &stage.now_in.to_string(),
        ]);
        before = Some(stage);
    }
    lines
}

/// Stages that befall a customer.
fn silent(row: &FunnelRow) -> Columns {
    let mut lines = Columns::default();
    for stage in row.stages.iter().filter(|stage| stage.quiet) {
        let now = bar(share(stage.now_in, row.began), BAR);
        let (of_all, ever) = (percent(stage.now_in, row.began), format!("{} at some time", stage.entered));
        lines.row([&stage.stage, &stage.now_in.to_string(), &now, &of_all, "now", &ever]);
    }
    lines
}

/// One line for each: of those who set out then, how many % reached each stage after the first.
fn many(rows: &[FunnelRow]) -> String {
    let (periods, channels) =
        (rows.iter().any(|row| !row.period.is_empty()), rows.iter().any(|row| !row.channel.is_empty()));
    // Not both fit beside the stages.
    let bars = !(periods && channels);
    let most = rows.iter().map(|row| row.began).max().unwrap_or(0);
    let steps = |row: &FunnelRow| row.stages.iter().filter(|stage| !stage.quiet).skip(1).cloned().collect::<Vec<_>>();
    let line = |period: &str, channel: &str, began: &str, drawn: String, reached: Vec<String>, silent: &str| {
        let label = [(periods, period), (channels, channel)].into_iter().filter(|(shown, _)| *shown);
        let mut cells: Vec<String> = label.map(|(_, text)| text.to_owned()).collect();
        cells.push(began.to_owned());
        if bars {
            cells.push(drawn);
        }
        cells.extend(reached);
        cells.push(silent.to_owned());
        cells
    };
    let mut lines = Columns::default();
    let names = rows.first().map(steps).unwrap_or_default().into_iter().map(|stage| stage.stage).collect();
    lines.cells(&line("from", "won on", "set out", String::new(), names, "silent now"));
    for row in rows {
        let reached = steps(row).iter().map(|stage| percent(stage.reached, row.began)).collect();
        let silent: u64 = row.stages.iter().filter(|stage| stage.quiet).map(|stage| stage.now_in).sum();
        let drawn = bar(share(row.began, most), SMALL_BAR);
        let channel = if row.channel.is_empty() { "-" } else { &row.channel };
        let (began, silent) = (row.began.to_string(), percent(silent, row.began));
        lines.cells(&line(&row.period, channel, &began, drawn, reached, &silent));
    }
    lines.to_text()
}

fn median(pace: &FunnelPace) -> String {
    span::show(pace.median_seconds)
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1} %", share(part, whole) * 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(stage: &str, quiet: bool, entered: u64, reached: u64, now_in: u64) -> FunnelStage {
        FunnelStage { stage: stage.to_owned(), quiet, entered, reached, now_in }
    }

    fn row() -> FunnelRow {
        let pace = |from: &str, to: &str, median_seconds| FunnelPace {
            from: from.to_owned(),
            to: to.to_owned(),
            customers: 10,
            median_seconds,
        };
        FunnelRow {
            began: 4_200,
            stages: vec![
                stage("aware", false, 4_100, 4_200, 812),
                stage("interested", false, 2_400, 2_570, 301),
                stage("customer", false, 1_260, 1_260, 800),
                stage("at_risk", true, 420, 420, 133),
            ],
            paces: vec![pace("aware", "interested", 4 * 86_400), pace("aware", "customer", 60)],
            ..FunnelRow::default()
        }
    }

    #[test]
    fn one_funnel_is_drawn() {
        let answer = FunnelResponse { journey: "standard".to_owned(), rows: vec![row()], freshness: None };
        let right = "\
Journey standard: 4200 customers set out

              reached                                   of all  of before  median time  in it now
  aware          4200  ██████████████████████████████  100.0 %                                812
  interested     2570  ██████████████████▍              61.2 %     61.2 %  4 days             301
  customer       1260  █████████                        30.0 %     49.0 %                     800

Fell silent
  at_risk  133  █                               3.2 %  now  420 at some time
";
        assert_eq!(text(&answer), right);
    }

    #[test]
    fn many_funnels_are_a_table() {
        let of = |period: &str, began: u64| {
            let stages = row().stages.into_iter().map(|stage| FunnelStage { reached: stage.reached / 2, ..stage });
            FunnelRow { period: period.to_owned(), began, stages: stages.collect(), ..FunnelRow::default() }
        };
        let rows = vec![of("2026-01-01", 2_100), of("2026-02-01", 4_200)];
        let answer = FunnelResponse { journey: "standard".to_owned(), rows, freshness: None };
        let right = "\
Journey standard: who set out when, and how many of them reached which stage

  from        set out            interested  customer  silent now
  2026-01-01     2100  ████          61.2 %    30.0 %       6.3 %
  2026-02-01     4200  ████████      30.6 %    15.0 %       3.2 %
";
        assert_eq!(text(&answer), right);
    }

    #[test]
    fn without_anybody_there_is_nothing_to_draw() {
        let answer = FunnelResponse { journey: "standard".to_owned(), ..FunnelResponse::default() };
        assert_eq!(text(&answer), "Journey standard: nobody set out so.\n");
    }
}
