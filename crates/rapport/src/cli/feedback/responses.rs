//! `rapport feedback responses`: what stands behind a score.

use clap::Args;

use super::about::{About, AboutArgs};
use crate::cli::columns::{self, Columns, plain};
use crate::cli::pages::{Page, gather};
use crate::cli::past::PastArgs;
use crate::cli::target::{Target, customer_ref};
use crate::cli::{CliError, json, moment};
use crate::client::Connection;
use crate::wire::v1::{CustomerRef, ResponsesRequest, ResponsesResponse, SurveyResponse};

/// List the responses behind the scores, the newest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport feedback responses --measure nps --highest 6 --only channel=store\n  \
    rapport feedback responses --customer user_id:42 --json")]
pub struct ResponsesArgs {
    #[command(flatten)]
    about: AboutArgs,
    /// Only scores from this one on
    #[arg(long, value_name = "SCORE")]
    lowest: Option<u32>,
    /// Only scores up to this one
    #[arg(long, value_name = "SCORE")]
    highest: Option<u32>,
    /// Only of this customer: cus_… or namespace:value
    #[arg(long, value_name = "NAME", value_parser = customer_ref)]
    customer: Option<CustomerRef>,
    /// The newest N
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
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

pub async fn run(args: ResponsesArgs) -> Result<(), CliError> {
    let About { measure, from_day, until_day, only } = args.about.check()?;
    if let (Some(lowest), Some(highest)) = (args.lowest, args.highest)
        && highest < lowest
    {
        return Err(CliError::Usage(format!("--highest {highest} is below --lowest {lowest}; no score is both")));
    }
    let connection = args.target.connect().await?;
    let request = ResponsesRequest {
        tenant: args.target.tenant,
        measure,
        from_day,
        until_day,
        only,
        lowest: args.lowest,
        highest: args.highest,
        customer: args.customer,
        min_position: args.min_position,
        as_of: args.past.as_of(),
        known_at: args.past.known_at(),
        ..ResponsesRequest::default()
    };
    let asked = (request.tenant.as_str(), request.min_position);
    if request.customer.is_none() {
        args.past.prepare(&connection, asked.0, asked.1).await?;
    }
    let page = args.past.of_one(&connection, asked, async || newest(&connection, &request, args.limit).await).await?;
    if args.json {
        let Page { entries: responses, next: next_page_token, freshness } = page;
        let answer = ResponsesResponse { responses, next_page_token, freshness };
        return json::print(&json::proto_json("ResponsesResponse", &answer)?);
    }
    let title = args.past.title(page.freshness.as_ref());
    columns::print(&format!("{title}{}{}", text(&page.entries), page.more()))
}

async fn newest(
    connection: &Connection,
    request: &ResponsesRequest,
    limit: u32,
) -> Result<Page<SurveyResponse>, CliError> {
    gather(limit, async |page_size, page_token| {
        let request = ResponsesRequest { page_size, page_token, ..request.clone() };
        let answer = connection.feedback().responses(request).await.map_err(|status| connection.failed(status))?;
        let ResponsesResponse { responses: entries, next_page_token: next, freshness } = answer.into_inner();
        Ok(Page { entries, next, freshness })
    })
    .await
}

/// A line for each, and one below for what was said.
fn text(responses: &[SurveyResponse]) -> String {
    if responses.is_empty() {
        return "Nobody answered so.\n".to_owned();
    }
    let mut lines = Columns::default();
    for response in responses {
        lines.row([
            &moment::show(response.time.as_ref()),
            &response.measure,
            &response.score.to_string(),
            &response.channel,
            &response.survey,
            &response.stage,
            &response.customer_id,
        ]);
    }
    let mut text = String::new();
    for (line, response) in lines.to_text().lines().zip(responses) {
        text.push_str(line);
        text.push('\n');
        if !response.comment.is_empty() {
            text.push_str(&format!("      “{}”\n", plain(&response.comment)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_stands_below() {
        let response = |score, comment: &str| SurveyResponse {
            customer_id: "cus_1".to_owned(),
            measure: "nps".to_owned(),
            score,
            survey: "parcel".to_owned(),
            channel: "web".to_owned(),
            stage: "customer".to_owned(),
            comment: comment.to_owned(),
            ..SurveyResponse::default()
        };
        let right = "
  -  nps  10  web  parcel  customer  cus_1
      “On time.\\nThanks!”
  -  nps   3  web  parcel  customer  cus_1
";
        assert_eq!(format!("\n{}", text(&[response(10, "On time.\nThanks!"), response(3, "")])), right);
        assert_eq!(text(&[]), "Nobody answered so.\n");
    }
}
