//! The scores, with their margins, and a small chart of them.

use clap::Args;
use rapport_customer::Measure;

use super::about::{About, AboutArgs, slices};
use crate::cli::chart::{around_zero, bar, scale};
use crate::cli::columns::{self, Columns};
use crate::cli::days::Period;
use crate::cli::past::PastArgs;
use crate::cli::target::Target;
use crate::cli::{CliError, json};
use crate::client::Connection;
use crate::wire::v1::{ScoreRow, ScoresRequest, ScoresResponse};

/// On either side of the zero line.
const SIDE: usize = 15;
const WIDTH: usize = 2 * SIDE + 1;

#[derive(Debug, Args)]
pub struct ScoresArgs {
    #[command(flatten)]
    about: AboutArgs,
    /// One row for each period; weeks begin on Monday
    #[arg(long, value_name = "PERIOD")]
    by: Option<Period>,
    /// One row for each value of this
    #[arg(long, value_name = "SLICE", value_parser = slices())]
    slice: Option<String>,
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

pub async fn run(args: ScoresArgs) -> Result<(), CliError> {
    let About { measure, from_day, until_day, only } = args.about.check()?;
    let connection = args.target.connect().await?;
    args.past.prepare(&connection, &args.target.tenant, args.min_position).await?;
    let request = ScoresRequest {
        tenant: args.target.tenant,
        measure,
        from_day,
        until_day,
        bucket: Period::bucket(args.by).into(),
        slice_by: args.slice.unwrap_or_default(),
        only,
        min_position: args.min_position,
        as_of: args.past.as_of(),
        known_at: args.past.known_at(),
    };
    let answer = scores(&connection, request).await?;
    match args.json {
        true => json::print(&json::proto_json("ScoresResponse", &answer)?),
        false => columns::print(&format!("{}{}", args.past.title(answer.freshness.as_ref()), text(&answer))),
    }
}

pub async fn scores(connection: &Connection, request: ScoresRequest) -> Result<ScoresResponse, CliError> {
    let answer = connection.feedback().scores(request).await.map_err(|status| connection.failed(status))?;
    Ok(answer.into_inner())
}

/// For people.
pub fn print_scores(answer: &ScoresResponse) -> Result<(), CliError> {
    columns::print(&text(answer))
}

fn text(answer: &ScoresResponse) -> String {
    let measures = answer.rows.chunk_by(|left, right| left.measure == right.measure);
    let charts: Vec<String> = measures
        .map(|rows| {
            let name = rows.first().map(|row| row.measure.as_str()).unwrap_or_default();
            match Measure::parse(name) {
                Some(measure) => format!("{}\n{}", title(measure), chart(measure, rows).to_text()),
                None => {
                    format!("{}: this program does not know how to draw it; ask with --json\n", columns::plain(name))
                }
            }
        })
        .collect();
    if charts.is_empty() { "Nobody was asked or answered so.\n".to_owned() } else { charts.join("\n") }
}

fn title(measure: Measure) -> &'static str {
    match measure {
        Measure::Nps => "NPS, % of 9-10 minus % of 0-6",
        Measure::Csat => "CSAT, % of 4-5",
        Measure::Ces => "CES, % of 5-7",
        Measure::Stars => "Stars, the mean of 1-5",
    }
}

fn chart(measure: Measure, rows: &[ScoreRow]) -> Columns {
    let (periods, slices) =
        (rows.iter().any(|row| !row.period.is_empty()), rows.iter().any(|row| !row.slice.is_empty()));
    let label = |period: &str, slice: &str| {
        let shown = [(periods, period), (slices, slice)].into_iter().filter(|(shown, _)| *shown);
        shown.map(|(_, text)| text.to_owned()).collect::<Vec<String>>()
    };
    let mut lines = Columns::default();
    let ends = match measure {
        Measure::Nps => scale("-100", "0", "100", WIDTH),
        Measure::Csat | Measure::Ces => scale("0 %", "", "100 %", WIDTH),
        Measure::Stars => scale("1", "", "5", WIDTH),
    };
    let heading = ["", "", &ends, "answers", "asked", "answered"].map(str::to_owned);
    lines.cells(&[label("", ""), heading.to_vec()].concat());
    for row in rows {
        let slice = if row.slice.is_empty() { "(not said)" } else { &row.slice };
        let rate = row.response_rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.1} %", rate * 100.0));
        let cells = [
            row.score.map_or_else(|| "-".to_owned(), |score| number(measure, score)),
            row.margin.map(|margin| format!("± {margin:.*}", decimals(measure))).unwrap_or_default(),
            row.score.map(|score| drawn(measure, score)).unwrap_or_default(),
            row.responses.to_string(),
            row.asked.to_string(),
            rate,
        ];
        lines.cells(&[label(&row.period, slice), cells.to_vec()].concat());
    }
    lines
}

fn decimals(measure: Measure) -> usize {
    match measure {
        Measure::Nps | Measure::Csat | Measure::Ces => 1,
        Measure::Stars => 2,
    }
}

fn number(measure: Measure, score: f64) -> String {
    match measure {
        Measure::Nps => format!("{score:+.1}"),
        Measure::Csat | Measure::Ces => format!("{score:.1} %"),
        Measure::Stars => format!("{score:.2}"),
    }
}

fn drawn(measure: Measure, score: f64) -> String {
    match measure {
        Measure::Nps => around_zero(score / 100.0, SIDE),
        Measure::Csat | Measure::Ces => bar(score / 100.0, WIDTH),
        Measure::Stars => bar((score - 1.0) / 4.0, WIDTH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(measure: Measure, slice: &str, score: f64, margin: f64) -> ScoreRow {
        ScoreRow {
            measure: measure.name().to_owned(),
            slice: slice.to_owned(),
            responses: 120,
            score: Some(score),
            margin: Some(margin),
            asked: 300,
            answered: 118,
            response_rate: Some(118.0 / 300.0),
            ..ScoreRow::default()
        }
    }

    #[test]
    fn an_nps_stands_on_its_side_of_zero() {
        let unasked = ScoreRow { asked: 0, response_rate: None, margin: None, ..row(Measure::Nps, "", 100.0, 0.0) };
        let unanswered = ScoreRow { responses: 0, score: None, response_rate: Some(0.0), ..unasked.clone() };
        let unanswered = ScoreRow { slice: "web".to_owned(), asked: 4, ..unanswered };
        let rows =
            vec![unasked, row(Measure::Nps, "app", 34.25, 7.61), row(Measure::Nps, "store", -20.0, 12.0), unanswered];
        let right = "\
NPS, % of 9-10 minus % of 0-6
                              -100           0            100  answers  asked  answered
  (not said)  +100.0                         │███████████████      120      0         -
  app          +34.2  ± 7.6                  │█████▏               120    300    39.3 %
  store        -20.0  ± 12.0              ███│                     120    300    39.3 %
  web              -                                                 0      4     0.0 %
";
        assert_eq!(text(&ScoresResponse { rows, freshness: None }), right);
    }

    #[test]
    fn each_measure_has_a_chart_of_its_own() {
        let by = |period: &str, row: ScoreRow| ScoreRow { period: period.to_owned(), ..row };
        let rows = vec![
            by("2026-01-01", row(Measure::Csat, "", 82.0, 2.5)),
            by("2026-02-01", row(Measure::Csat, "", 50.0, 3.0)),
            by("2026-01-01", row(Measure::Stars, "", 4.333, 0.1)),
        ];
        let right = "\
CSAT, % of 4-5
                             0 %                       100 %  answers  asked  answered
  2026-01-01  82.0 %  ± 2.5  █████████████████████████▍           120    300    39.3 %
  2026-02-01  50.0 %  ± 3.0  ███████████████▌                     120    300    39.3 %

Stars, the mean of 1-5
                            1                             5  answers  asked  answered
  2026-01-01  4.33  ± 0.10  █████████████████████████▉           120    300    39.3 %
";
        assert_eq!(text(&ScoresResponse { rows, freshness: None }), right);
    }

    #[test]
    fn without_anybody_there_is_nothing_to_draw() {
        assert_eq!(text(&ScoresResponse::default()), "Nobody was asked or answered so.\n");
    }
}
