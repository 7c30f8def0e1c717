//! `rapport parked show`: one parked event, with the record as it stands on the log.

use clap::Args;

use crate::cli::columns::{self, plain};
use crate::cli::target::Target;
use crate::cli::{CliError, json};
use crate::wire::v1::get_parked_response::Record;
use crate::wire::v1::{GetParkedRequest, GetParkedResponse};

/// Show one parked event, why it is parked, and the whole record
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport parked show 8841\n  \
    rapport parked show 8841 --json")]
pub struct ShowArgs {
    /// Where it stands on the log
    position: u64,
    /// Answer only once the read model is at this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
    #[command(flatten)]
    target: Target,
    /// Print the answer as proto3 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: ShowArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let (position, min_position) = (args.position, args.min_position);
    let request = GetParkedRequest { tenant: args.target.tenant, position, min_position };
    let answer = connection.admin().get_parked(request).await.map_err(|status| connection.failed(status))?;
    let answer = answer.into_inner();
    if args.json {
        return json::print(&json::proto_json("GetParkedResponse", &answer)?);
    }
    columns::print(&text(&answer))
}

fn text(answer: &GetParkedResponse) -> String {
    let facts = super::facts(&answer.event.clone().unwrap_or_default());
    match &answer.record {
        Some(Record::Text(text)) => format!("{facts}\n{}\n", readable(text)),
        Some(Record::Bytes(bytes)) => format!("{facts}\n{} bytes that are no UTF-8\n{}\n", bytes.len(), hex(bytes)),
        None => facts,
    }
}

/// JSON with a line for each field; what is none as it is.
fn readable(text: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(text) {
        // Control characters inside are escaped already.
        Ok(json) => format!("{json:#}"),
        Err(_) => plain(text),
    }
}

/// Thirty-two bytes in a line.
fn hex(bytes: &[u8]) -> String {
    let line = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    bytes.chunks(32).map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::v1::ParkedEvent;

    fn shown(record: Record) -> String {
        let event = ParkedEvent { position: 7, reason: "event: is not JSON".to_owned(), ..ParkedEvent::default() };
        text(&GetParkedResponse { event: Some(event), record: Some(record), freshness: None })
    }

    #[test]
    fn a_record_is_shown_so_that_it_steers_no_terminal() {
        assert!(shown(Record::Text("{\"a\":\"\\u001b\"}".to_owned())).ends_with("\n{\n  \"a\": \"\\u001b\"\n}\n"));
        assert!(shown(Record::Text("no \u{1b} JSON".to_owned())).ends_with("\nno \\u{1b} JSON\n"));
        let bytes = shown(Record::Bytes(vec![0xff; 33]));
        assert!(bytes.contains("33 bytes that are no UTF-8\nffff") && bytes.ends_with("f\nff\n"), "{bytes}");
    }
}
