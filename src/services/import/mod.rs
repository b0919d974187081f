//! Imports a network from CSV: every good row becomes a reseller once, every other is told with its line, its column
//! and the reason.
//!
//! Rows travel to the ledger many at a time, a parent before its children; what stands in front of its parent waits
//! for it. Starting again goes on where it stood: a row that is in the network already, with the same content, is left
//! alone. Memory is bounded by [`MAX_ROWS`] and [`MAX_WAITING`], not by the file.

mod amounts;
pub(super) mod records;
mod rows;
mod window;

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::sync::Arc;

use crate::domain::{Currency, LevelName, ResellerId};
use crate::ledger::Actor;
use crate::ports::{Clock, Ledger, NetworkReads, Randomness, StoreError};
pub use amounts::{AmountLine, Amounts, read_amounts};
use records::{Next, Record, Records};
pub use rows::Refused;
use rows::{Columns, Row};
use window::Window;

/// Rows of one file at most.
pub const MAX_ROWS: u64 = 1_000_000;
/// Rows that may wait for parents further down.
pub const MAX_WAITING: usize = 200_000;
/// Rows that are looked up together.
const WINDOW: usize = 4_096;

/// Why an import ended early; it can be started again.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("the file cannot be read: {0}")]
    File(#[from] io::Error),
    #[error("line {line}: {reason}")]
    Unreadable { line: u64, reason: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the ledger takes no commands: {0}")]
    Ledger(#[from] crate::ports::LedgerError),
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub bytes: u64,
    pub rows: u64,
}

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub rows: u64,
    pub opened: u64,
    /// In the network before, with the same content.
    pub unchanged: u64,
    pub refused: u64,
}

/// What an import works with.
pub struct Importer {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn NetworkReads>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    pub levels: Vec<LevelName>,
    pub currency: Currency,
    pub actor: Actor,
    /// Commands under way at once.
    pub in_flight: usize,
}

/// Whom an import tells.
pub trait Listener {
    fn progress(&mut self, progress: Progress);
    fn refused(&mut self, refused: &Refused);
}

/// A code that the file has named, and whose reseller it is as far as that is known.
struct Known {
    line: u64,
    id: Option<ResellerId>,
}

/// An import under way.
struct Run<'a> {
    importer: &'a Importer,
    listener: &'a mut dyn Listener,
    known: HashMap<Box<str>, Known>,
    /// Rows in front of their parents.
    waiting: Vec<Row>,
    summary: Summary,
}

impl Importer {
    /// Reads the file to its end.
    ///
    /// # Errors
    /// [`ImportError`]; what was done until then stays and is not done again.
    pub async fn import(&self, input: impl BufRead, listener: &mut dyn Listener) -> Result<Summary, ImportError> {
        let mut records = Records::new(input);
        let columns = of_heading(Columns::of(&heading(&mut records)?))?;
        let mut run =
            Run { importer: self, listener, known: HashMap::new(), waiting: Vec::new(), summary: Summary::default() };
        let mut ahead: Option<Window> = None;
        loop {
            let rows = run.read(&mut records, &columns)?;
            let ends = rows.is_empty();
            // The next rows are looked up while the ones before are written.
            let lookup = Window::look_up(self, rows);
            let next = match ahead.take() {
                Some(window) => {
                    let orders = run.plan(window);
                    let (outcomes, next) = futures::join!(self.open_all(orders), lookup);
                    run.settle(outcomes?);
                    next?
                }
                None => lookup.await?,
            };
            run.listener.progress(Progress { bytes: records.consumed(), rows: run.summary.rows });
            if ends {
                break;
            }
            ahead = Some(next);
        }
        run.finish().await
    }
}

fn unreadable(line: u64, reason: &str) -> ImportError {
    ImportError::Unreadable { line, reason: reason.into() }
}

/// Without its heading, a file cannot be read at all.
fn of_heading<T>(columns: Result<T, Refused>) -> Result<T, ImportError> {
    columns.map_err(|Refused { line, reason, .. }| ImportError::Unreadable { line, reason })
}

/// Leaves out a byte order mark, finds the separator, and reads the first record.
fn heading<R: BufRead>(records: &mut Records<R>) -> Result<Record, ImportError> {
    let begin = records.peek()?;
    if begin.starts_with(&[0xff, 0xfe]) || begin.starts_with(&[0xfe, 0xff]) {
        return Err(unreadable(1, "the file is UTF-16: save it as UTF-8"));
    }
    let marked = begin.starts_with("\u{feff}".as_bytes());
    let line = begin.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let semicolons = line.contains(&b';') && !line.contains(&b',');
    if marked {
        records.skip(3);
    }
    if semicolons {
        records.separate_by(b';');
    }
    match records.next_record()? {
        Next::Record(record) => Ok(record),
        Next::Bad { line, reason } | Next::GivenUp { line, reason } => Err(unreadable(line, reason)),
        Next::End => Err(unreadable(1, "the file is empty")),
    }
}

impl Run<'_> {
    fn refuse(&mut self, refused: &Refused) {
        self.summary.refused += 1;
        self.listener.refused(refused);
    }

    /// The next rows that can be read; none at the end of the file.
    fn read<R: BufRead>(&mut self, records: &mut Records<R>, columns: &Columns) -> Result<Vec<Row>, ImportError> {
        let mut rows = Vec::with_capacity(WINDOW);
        while rows.len() < WINDOW {
            let record = match records.next_record()? {
                Next::Record(record) => record,
                Next::Bad { line, reason } => {
                    self.summary.rows += 1;
                    self.refuse(&Refused::new(line, "", reason));
                    continue;
                }
                Next::GivenUp { line, reason } => {
                    return Err(ImportError::Unreadable { line, reason: reason.into() });
                }
                Next::End => break,
            };
            self.summary.rows += 1;
            if self.summary.rows > MAX_ROWS {
                let reason = format!("a file has at most {MAX_ROWS} rows: split it here");
                return Err(ImportError::Unreadable { line: record.line, reason });
            }
            match columns.row(&record, &self.importer.levels, self.importer.currency) {
                Ok(row) => rows.extend(self.first_of_its_code(row)),
                Err(refused) => self.refuse(&refused),
            }
        }
        Ok(rows)
    }

    fn first_of_its_code(&mut self, row: Row) -> Option<Row> {
        if let Some(first) = self.known.get(row.code.as_str()) {
            let reason = format!("line {} has this code already", first.line);
            self.refuse(&Refused::new(row.line, "code", reason));
            return None;
        }
        self.known.insert(row.code.as_str().into(), Known { line: row.line, id: None });
        Some(row)
    }

    /// Lets those that wait for their parents follow them, level by level, until nothing moves any more.
    async fn finish(mut self) -> Result<Summary, ImportError> {
        loop {
            let before = (self.summary, self.waiting.len());
            let mut waiting = std::mem::take(&mut self.waiting).into_iter();
            loop {
                let rows: Vec<Row> = waiting.by_ref().take(WINDOW).collect();
                if rows.is_empty() {
                    break;
                }
                let window = Window::look_up(self.importer, rows).await?;
                let orders = self.plan(window);
                let outcomes = self.importer.open_all(orders).await?;
                self.settle(outcomes);
            }
            if self.waiting.is_empty() || (self.summary, self.waiting.len()) == before {
                break;
            }
        }
        let parents: HashMap<String, String> = self
            .waiting
            .iter()
            .filter_map(|row| Some((row.code.as_str().to_owned(), row.parent.as_ref()?.as_str().to_owned())))
            .collect();
        for row in std::mem::take(&mut self.waiting) {
            let reason = self.why_it_waits(&row, &parents);
            self.refuse(&Refused::new(row.line, "parent_code", reason));
        }
        Ok(self.summary)
    }

    fn why_it_waits(&self, row: &Row, parents: &HashMap<String, String>) -> String {
        let Some(parent) = &row.parent else { return "the ledger refused it".into() };
        let mut line = vec![row.code.as_str()];
        let mut at = parent.as_str();
        while let Some(above) = parents.get(at) {
            line.push(at);
            if at == row.code.as_str() {
                return format!("its line of parents comes back to itself: {}", line.join(" below "));
            }
            if line.len() > parents.len() {
                break;
            }
            at = above;
        }
        match self.known.get(parent.as_str()) {
            Some(known) => format!("its parent {parent} in line {} was refused", known.line, parent = parent.as_str()),
            None => format!("no reseller has the code {}", parent.as_str()),
        }
    }
}
