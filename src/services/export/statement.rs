//! A statement as a table: opening, every movement from the oldest, closing with the totals.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use futures::stream::{self, Stream};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::csv::CsvTable;
use super::xlsx::XlsxTable;
use super::{Cell, Row};
use crate::domain::{Currency, Msisdn, OperationKind};
use crate::ports::MovementPlace;
use crate::services::ServiceError;
use crate::services::statements::{Counterparty, Line, OpenStatement, Statements};

/// Movements read at once.
const PAGE: u32 = 2_000;

const HEADINGS: [&str; 13] = [
    "at",
    "business_date",
    "kind",
    "entry",
    "operation_id",
    "external_id",
    "counterparty",
    "counterparty_id",
    "msisdn",
    "in",
    "out",
    "balance",
    "currency",
];

/// A statement to be written out.
pub struct StatementExport {
    pub statements: Arc<Statements>,
    pub statement: OpenStatement,
    pub currency: Currency,
    /// Whether subscribers' numbers are shown in full.
    pub shows_numbers: bool,
    /// The place among the exports under way that it takes.
    pub permit: Option<OwnedSemaphorePermit>,
}

/// How far an export is.
struct Reading {
    export: StatementExport,
    last: Option<MovementPlace>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Movements,
    Done,
}

impl Reading {
    fn new(export: StatementExport) -> Self {
        Self { export, last: None, stage: Stage::Opening }
    }

    /// The next rows; empty after the last.
    async fn next(&mut self) -> Result<Vec<Row>, ServiceError> {
        if self.stage == Stage::Done {
            return Ok(Vec::new());
        }
        let lines = self.export.statements.lines_after(&self.export.statement, self.last, PAGE).await?;
        let mut rows: Vec<Row> = Vec::with_capacity(lines.len() + 2);
        if self.stage == Stage::Opening {
            rows.push(self.export.opening());
            self.stage = Stage::Movements;
        }
        rows.extend(lines.iter().map(|line| self.export.movement(line)));
        match lines.last() {
            Some(line) => self.last = Some(line.movement.place),
            None => {
                rows.push(self.export.closing());
                self.stage = Stage::Done;
            }
        }
        Ok(rows)
    }
}

impl StatementExport {
    /// The file piece by piece. A piece that is an error ends it: what came before is not a whole statement.
    pub fn csv(self) -> impl Stream<Item = Result<Vec<u8>, ServiceError>> {
        let table = CsvTable::new(self.currency, &HEADINGS);
        stream::try_unfold((Reading::new(self), table), |(mut reading, mut table)| async move {
            let rows = reading.next().await?;
            if rows.is_empty() {
                return Ok(None);
            }
            for row in &rows {
                table.row(row);
            }
            Ok(Some((table.take(), (reading, table))))
        })
    }

    /// The file and its length. It is written in `folder`, where it has no name.
    ///
    /// # Errors
    /// When the store cannot be read or the folder not written.
    pub async fn xlsx(self, folder: &Path) -> Result<(File, u64), ServiceError> {
        let mut table = XlsxTable::new(self.currency, &HEADINGS, folder).map_err(internal)?;
        let (sender, mut receiver) = mpsc::channel::<Vec<Row>>(2);
        let writing = tokio::task::spawn_blocking(move || {
            while let Some(rows) = receiver.blocking_recv() {
                rows.iter().try_for_each(|row| table.row(row))?;
            }
            Ok(table)
        });
        let mut reading = Reading::new(self);
        loop {
            let rows = reading.next().await?;
            // A writer that gave up says why below.
            if rows.is_empty() || sender.send(rows).await.is_err() {
                break;
            }
        }
        drop(sender);
        let written: Result<XlsxTable, rust_xlsxwriter::XlsxError> = writing.await.map_err(internal)?;
        let table = written.map_err(internal)?;
        tokio::task::spawn_blocking(move || table.finish()).await.map_err(internal)?.map_err(internal)
    }

    /// What the file is called.
    #[must_use]
    pub fn name(&self) -> String {
        format!("statement-{}", self.statement.summary.reseller)
    }

    fn opening(&self) -> Row {
        let summary = &self.statement.summary;
        self.frame("opening", [Cell::Empty, Cell::Empty, Cell::Amount(summary.opening_minor)])
    }

    fn closing(&self) -> Row {
        let summary = &self.statement.summary;
        let amounts = [summary.in_minor, summary.out_minor, summary.closing_minor].map(Cell::Amount);
        self.frame("closing", amounts)
    }

    fn frame(&self, kind: &str, amounts: [Cell; 3]) -> Row {
        let mut row = vec![Cell::Empty; HEADINGS.len()];
        row[2] = text(kind);
        row.splice(9..12, amounts);
        row[12] = text(self.currency.code());
        row
    }

    fn movement(&self, line: &Line) -> Row {
        let operation = line.movement.operation.as_ref();
        let optional = |text: Option<String>| text.map_or(Cell::Empty, Cell::Text);
        let amount = |minor: Option<i64>| minor.map_or(Cell::Empty, Cell::Amount);
        let (other, id, number) = match line.counterparty {
            Some(Counterparty::Subscriber(msisdn)) => (Some("subscriber"), None, Some(self.number(msisdn))),
            Some(Counterparty::Reseller(reseller)) => (Some("reseller"), Some(reseller.to_string()), None),
            Some(Counterparty::Operator) => (Some("operator"), None, None),
            None => (None, None, None),
        };
        vec![
            text(line.movement.recorded_at.to_string()),
            text(line.business_day.to_string()),
            optional(operation.map(|operation| operation.kind().name().into())),
            text(line.movement.kind.name()),
            optional(operation.map(|operation| OperationKind::render(operation.kind(), operation.id))),
            optional(operation.map(|operation| operation.external_id.to_string())),
            optional(other.map(Into::into)),
            optional(id),
            optional(number),
            amount(line.in_minor),
            amount(line.out_minor),
            Cell::Amount(line.balance_minor),
            text(self.currency.code()),
        ]
    }

    fn number(&self, msisdn: Msisdn) -> String {
        if self.shows_numbers { msisdn.e164() } else { msisdn.to_string() }
    }
}

fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

fn internal(error: impl std::fmt::Display) -> ServiceError {
    tracing::error!(%error, "an export could not be written");
    ServiceError::Internal
}
