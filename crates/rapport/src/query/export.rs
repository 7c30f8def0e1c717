//! `ExportService`: the tables for analysts, from one read transaction on the serving generation.
//!
//! As long as an export goes on, the write-ahead log of the read model grows; so there are only a few at a time, and one
//! whose client is gone ends. A swap of generations does not disturb it.

use std::sync::Arc;

use futures::StreamExt;
use rapport_customer::Model;
use rapport_readmodel::{AnalystTable, ColumnKind, Picture, ReadModelError, Rows, Values};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::spawn_blocking;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::arguments::cut;
use super::projections::Projections;
use super::{QueryError, convert};
use crate::projector::Live;
use crate::wire::v1::export_response::What;
use crate::wire::v1::export_service_server::ExportService;
use crate::wire::v1::exported_column_type::Kind;
use crate::wire::v1::{self, ExportRequest, ExportResponse, Freshness};

/// Exports at once.
const MOST_EXPORTS: usize = 4;
/// Responses that wait for the client.
const RESPONSES_AHEAD: usize = 4;

#[derive(Clone)]
pub struct Exports {
    projections: Projections,
    running: Arc<Semaphore>,
    stopping: CancellationToken,
}

type Responses = std::pin::Pin<Box<dyn Stream<Item = Result<ExportResponse, Status>> + Send>>;

impl Exports {
    /// Running exports are broken off when `stopping` is cancelled.
    pub fn new(projections: Projections, stopping: CancellationToken) -> Self {
        Self { projections, running: Arc::new(Semaphore::new(MOST_EXPORTS)), stopping }
    }

    async fn start(&self, request: ExportRequest) -> Result<Responses, QueryError> {
        let Live { reader, head, .. } = self.projections.serving(&request.tenant, request.min_position).await?;
        let tables = wanted(&request.tables, &reader.definitions().models)?;
        let running = self.running.clone().try_acquire_owned();
        let place = running.map_err(|_| QueryError::TooManyExports { limit: MOST_EXPORTS })?;
        let now = self.projections.now();
        let picture = spawn_blocking(move || reader.hold(now)).await.map_err(|_| QueryError::BrokenOff)??;
        let head = head.max(picture.position());
        let (responses, receiver) = mpsc::channel(RESPONSES_AHEAD);
        let export = Export { picture, head, tables, responses };
        spawn_blocking(move || export.run(place));
        Ok(Box::pin(ReceiverStream::new(receiver).take_until(self.stopping.clone().cancelled_owned())))
    }
}

/// The tables of these names that the models of this process fill; without a name, all of them.
fn wanted(names: &[String], folded: &[Model]) -> Result<Vec<&'static AnalystTable>, QueryError> {
    let all = AnalystTable::all();
    if names.is_empty() {
        return Ok(all.iter().filter(|table| folded.contains(&table.model)).collect());
    }
    for name in names {
        let known = || all.iter().map(|table| table.name).collect::<Vec<_>>().join(", ");
        let table = AnalystTable::find(name).ok_or_else(|| {
            let rule = format!("there is no table {:?}; there are {}", cut(name), known());
            QueryError::Argument { field: "tables", rule }
        })?;
        if !folded.contains(&table.model) {
            return Err(QueryError::NotFolded { field: "tables", model: table.model });
        }
    }
    Ok(all.iter().filter(|table| names.iter().any(|name| name == table.name)).collect())
}

struct Export {
    picture: Picture,
    head: u64,
    tables: Vec<&'static AnalystTable>,
    responses: mpsc::Sender<Result<ExportResponse, Status>>,
}

impl Export {
    fn run(self, _place: OwnedSemaphorePermit) {
        if let Err(error) = self.send_all() {
            let _ = self.responses.blocking_send(Err(QueryError::ReadModel(error).into()));
        }
    }

    fn send_all(&self) -> Result<(), ReadModelError> {
        if !self.send(What::Begun(self.begun())) {
            return Ok(());
        }
        for table in &self.tables {
            if !self.picture.each_row(table, |rows| self.send(What::Rows(to_rows(table, rows))))? {
                return Ok(());
            }
        }
        self.send(What::Complete(v1::ExportComplete {}));
        Ok(())
    }

    /// Does the client still want more?
    fn send(&self, what: What) -> bool {
        self.responses.blocking_send(Ok(ExportResponse { what: Some(what) })).is_ok()
    }

    fn begun(&self) -> v1::ExportBegun {
        let position = self.picture.position();
        let clock = Some(convert::timestamp(self.picture.clock()));
        let freshness = Freshness { position, head: self.head, lag: self.head - position, clock };
        v1::ExportBegun {
            freshness: Some(freshness),
            tables: self.tables.iter().map(|table| to_table(table)).collect(),
        }
    }
}

fn to_table(table: &AnalystTable) -> v1::ExportedTable {
    let columns = table.columns.iter().map(|column| v1::ExportedColumnType {
        name: column.name.to_owned(),
        kind: to_kind(column.kind).into(),
        nullable: column.is_nullable,
    });
    v1::ExportedTable { name: table.name.to_owned(), columns: columns.collect() }
}

fn to_kind(kind: ColumnKind) -> Kind {
    match kind {
        ColumnKind::Text => Kind::Text,
        ColumnKind::Json => Kind::Json,
        ColumnKind::Money => Kind::Money,
        ColumnKind::Integer => Kind::Integer,
        ColumnKind::Flag => Kind::Flag,
        ColumnKind::Moment => Kind::Moment,
        ColumnKind::Day => Kind::Day,
    }
}

fn to_rows(table: &AnalystTable, Rows { rows, columns }: Rows) -> v1::ExportedRows {
    v1::ExportedRows {
        table: table.name.to_owned(),
        rows: u32::try_from(rows).unwrap_or(u32::MAX),
        columns: columns.into_iter().map(to_values).collect(),
    }
}

fn to_values(values: Values) -> v1::ExportedValues {
    let mut sent = v1::ExportedValues::default();
    match values {
        Values::Integers(integers) => {
            sent.nulls = nulls(&integers);
            sent.integers = integers.into_iter().map(Option::unwrap_or_default).collect();
        }
        Values::Texts(texts) => {
            sent.nulls = nulls(&texts);
            sent.texts = texts.into_iter().map(Option::unwrap_or_default).collect();
        }
    }
    sent
}

fn nulls<T>(values: &[Option<T>]) -> Vec<u32> {
    (0..).zip(values).filter(|(_, value)| value.is_none()).map(|(row, _)| row).collect()
}

#[tonic::async_trait]
impl ExportService for Exports {
    type ExportStream = Responses;

    async fn export(&self, request: Request<ExportRequest>) -> Result<Response<Responses>, Status> {
        Ok(Response::new(self.start(request.into_inner()).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(asked: &[&str], folded: &[Model]) -> Result<Vec<&'static str>, String> {
        let asked: Vec<String> = asked.iter().map(|name| (*name).to_owned()).collect();
        let tables = wanted(&asked, folded).map_err(|error| error.to_string())?;
        Ok(tables.iter().map(|table| table.name).collect())
    }

    #[test]
    fn tables_are_those_that_were_asked_for_or_that_the_models_fill() {
        assert_eq!(names(&["timeline", "about"], &Model::ALL), Ok(vec!["about", "timeline"]));
        assert_eq!(names(&[], &Model::ALL).unwrap().len(), AnalystTable::all().len());
        let without_feedback = names(&[], &[Model::Identity, Model::Profile, Model::Journey]).unwrap();
        assert!(without_feedback.contains(&"customer_stages") && !without_feedback.contains(&"daily_scores"));
    }

    #[test]
    fn a_table_that_is_none_or_is_not_filled_is_told_with_what_is_right() {
        let none = names(&["clients"], &Model::ALL).unwrap_err();
        assert!(none.contains("no table \"clients\"") && none.contains("customers, identifiers"), "{none}");
        let elsewhere = names(&["daily_scores"], &[Model::Identity]).unwrap_err();
        assert!(elsewhere.contains("--models feedback"), "{elsewhere}");
    }
}
