//! Reads CSV (RFC 4180) record by record in bounded memory, whatever the file holds, and says where each one began.

use std::io::{self, BufRead};

/// A record that is longer is refused.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;
/// How far a quoted cell that never seems to end is followed before the file is given up.
const MAX_SKIPPED_BYTES: usize = 16 * 1024 * 1024;

const TOO_LONG: &str = "the line is longer than 64 KiB";

/// One record with the line it begins in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub line: u64,
    pub cells: Cells,
}

/// The cells of a record, in one piece of memory: a cell of its own for each would cost more than all else that is done
/// to read a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    text: Vec<u8>,
    /// Where each ends in the text.
    ends: Vec<usize>,
}

impl Cells {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|place| &self[place])
    }

    /// Of the cell that is not ended yet.
    fn open(&self) -> &[u8] {
        &self.text[self.ends.last().copied().unwrap_or(0)..]
    }

    fn end_cell(&mut self) {
        self.ends.push(self.text.len());
    }
}

impl std::ops::Index<usize> for Cells {
    type Output = [u8];

    fn index(&self, place: usize) -> &[u8] {
        let begin = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin..self.ends[place]]
    }
}

#[cfg(test)]
impl<T: AsRef<[u8]>> FromIterator<T> for Cells {
    fn from_iter<I: IntoIterator<Item = T>>(cells: I) -> Self {
        let mut all = Self::default();
        for cell in cells {
            all.text.extend_from_slice(cell.as_ref());
            all.end_cell();
        }
        all
    }
}

/// What comes next in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Record(Record),
    /// A record that cannot be read; those after it can.
    Bad {
        line: u64,
        reason: &'static str,
    },
    /// Nothing after this line can be told apart.
    GivenUp {
        line: u64,
        reason: &'static str,
    },
    End,
}

/// Where the reader stands within a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    CellBegins,
    Plain,
    Quoted,
    /// After a quote in a quoted cell: its end, or the first of two.
    QuoteSeen,
    /// Waiting for the end of a line that is refused.
    Refused(&'static str),
    /// In a quoted cell of a record that is refused for its length.
    RefusedQuoted,
    RefusedQuoteSeen,
}

/// Reads records.
pub struct Records<R> {
    input: R,
    separator: u8,
    /// Lines begun so far.
    line: u64,
    consumed: u64,
    /// Bytes and cells of the last record: the next one will hardly be longer.
    usual: (usize, usize),
}

impl<R: BufRead> Records<R> {
    pub fn new(input: R) -> Self {
        Self { input, separator: b',', line: 1, consumed: 0, usual: (0, 0) }
    }

    /// Takes another separator from here on.
    pub fn separate_by(&mut self, separator: u8) {
        self.separator = separator;
    }

    /// Bytes read so far.
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// The first bytes, at most as many as are buffered, without reading them.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn peek(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    /// Leaves out the next bytes, which were peeked at.
    pub fn skip(&mut self, bytes: usize) {
        self.input.consume(bytes);
        self.consumed += bytes as u64;
    }

    /// The next record. Empty lines are passed over.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_record(&mut self) -> io::Result<Next> {
        let (bytes, count) = self.usual;
        let cells = Cells { text: Vec::with_capacity(bytes), ends: Vec::with_capacity(count) };
        let mut reading = Reading { line: self.line, state: State::CellBegins, bytes: 0, cells };
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(reading.ended());
            }
            let mut used = 0;
            let mut next = None;
            for &byte in buffer {
                used += 1;
                if byte == b'\n' {
                    self.line += 1;
                }
                next = reading.take(byte, self.separator);
                if next.is_some() {
                    break;
                }
                if reading.is_blank() && byte == b'\n' {
                    reading.line = self.line;
                }
            }
            self.input.consume(used);
            self.consumed += used as u64;
            if let Some(next) = next {
                if let Next::Record(Record { cells, .. }) = &next {
                    // With some room, so that a line that is little longer does not grow.
                    self.usual = (cells.text.len() + cells.text.len() / 4, cells.len());
                }
                return Ok(next);
            }
        }
    }
}

/// A record under way.
struct Reading {
    line: u64,
    state: State,
    bytes: usize,
    cells: Cells,
}

impl Reading {
    fn is_blank(&self) -> bool {
        self.state == State::CellBegins && self.cells.is_empty() && self.cells.text.is_empty()
    }

    fn take(&mut self, byte: u8, separator: u8) -> Option<Next> {
        self.bytes += 1;
        if self.bytes > MAX_SKIPPED_BYTES && matches!(self.state, State::RefusedQuoted | State::RefusedQuoteSeen) {
            let reason = "a quote is opened here and not closed; nothing after it was read";
            return Some(Next::GivenUp { line: self.line, reason });
        }
        if self.bytes > MAX_RECORD_BYTES {
            self.refuse_length();
        }
        let ends = byte == b'\n';
        match self.state {
            State::Refused(reason) if ends => return Some(Next::Bad { line: self.line, reason }),
            State::RefusedQuoted if byte == b'"' => self.state = State::RefusedQuoteSeen,
            State::RefusedQuoteSeen if byte == b'"' => self.state = State::RefusedQuoted,
            State::RefusedQuoteSeen if ends => return Some(Next::Bad { line: self.line, reason: TOO_LONG }),
            State::RefusedQuoteSeen => self.state = State::Refused(TOO_LONG),
            State::Refused(_) | State::RefusedQuoted => {}
            State::Quoted if byte == b'"' => self.state = State::QuoteSeen,
            State::Quoted => self.cells.text.push(byte),
            State::QuoteSeen if byte == b'"' => {
                self.cells.text.push(b'"');
                self.state = State::Quoted;
            }
            State::CellBegins if byte == b'"' => self.state = State::Quoted,
            State::CellBegins | State::Plain | State::QuoteSeen if ends => return self.line_ends(),
            State::CellBegins | State::Plain | State::QuoteSeen if byte == separator => {
                self.cells.end_cell();
                self.state = State::CellBegins;
            }
            State::Plain if byte == b'"' => {
                self.state = State::Refused("a quote stands in a cell that does not begin with one");
            }
            State::CellBegins | State::Plain => {
                self.cells.text.push(byte);
                self.state = State::Plain;
            }
            // The carriage return of a line's end.
            State::QuoteSeen if byte == b'\r' => {}
            State::QuoteSeen => self.state = State::Refused("something stands after the closing quote of a cell"),
        }
        None
    }

    fn refuse_length(&mut self) {
        self.state = match self.state {
            State::Quoted => State::RefusedQuoted,
            State::QuoteSeen => State::RefusedQuoteSeen,
            State::CellBegins | State::Plain => State::Refused(TOO_LONG),
            already @ (State::Refused(_) | State::RefusedQuoted | State::RefusedQuoteSeen) => already,
        };
        self.cells = Cells::default();
    }

    fn line_ends(&mut self) -> Option<Next> {
        if self.cells.open().last() == Some(&b'\r') {
            self.cells.text.pop();
        }
        if self.cells.is_empty() && self.cells.text.is_empty() && self.state != State::QuoteSeen {
            (self.state, self.bytes) = (State::CellBegins, 0);
            return None;
        }
        let mut cells = std::mem::take(&mut self.cells);
        cells.end_cell();
        Some(Next::Record(Record { line: self.line, cells }))
    }

    fn ended(mut self) -> Next {
        let line = self.line;
        match self.state {
            State::Quoted => Next::Bad { line, reason: "a quote is opened here and never closed" },
            State::RefusedQuoted => {
                Next::GivenUp { line, reason: "a quote is opened here and not closed; nothing after it was read" }
            }
            State::Refused(reason) => Next::Bad { line, reason },
            State::RefusedQuoteSeen => Next::Bad { line, reason: TOO_LONG },
            State::CellBegins | State::Plain | State::QuoteSeen => self.line_ends().unwrap_or(Next::End),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<Next> {
        read_from(std::io::BufReader::with_capacity(7, text))
    }

    fn read_from(text: impl BufRead) -> Vec<Next> {
        let mut records = Records::new(text);
        let mut found = Vec::new();
        while found.len() < 20 {
            match records.next_record().unwrap() {
                Next::End => break,
                next => found.push(next),
            }
        }
        found
    }

    fn record(line: u64, cells: &[&str]) -> Next {
        Next::Record(Record { line, cells: cells.iter().collect() })
    }

    #[test]
    fn cells_are_plain_or_quoted() {
        let text = "a,b\r\n\n\"x, \"\"y\"\"\",\n\r\n\"two\nlines\",z\nlast";
        let expected = [
            record(1, &["a", "b"]),
            record(3, &["x, \"y\"", ""]),
            record(5, &["two\nlines", "z"]),
            record(7, &["last"]),
        ];
        assert_eq!(read(text.as_bytes()), expected);
        assert_eq!(read("a,\"b\"\r\n\"\"\n".as_bytes()), [record(1, &["a", "b"]), record(2, &[""])]);
        assert_eq!(read(b""), []);
    }

    #[test]
    fn a_bad_line_costs_itself_only() {
        let found = read(b"a\"b,c\nd\n\"e\"f\ng\n");
        let lines: Vec<_> = found.iter().map(|next| matches!(next, Next::Record(_))).collect();
        assert_eq!(lines, [false, true, false, true]);
        let found = read(b"a\n\"b\nc\n");
        assert_eq!(found[1], Next::Bad { line: 2, reason: "a quote is opened here and never closed" });
    }

    #[test]
    fn an_endless_line_is_never_held() {
        for long in ["x".repeat(10_000_000), format!("\"{}\"", "x\n".repeat(5_000_000))] {
            let text = format!("a\n{long},b\nc\n");
            let found = read_from(text.as_bytes());
            let lines = if long.starts_with('"') { 5_000_000 } else { 0 };
            let bad = Next::Bad { line: 2, reason: TOO_LONG };
            assert_eq!(found, [record(1, &["a"]), bad, record(3 + lines, &["c"])]);
        }
        let open = format!("a\n\"{}", "x".repeat(17_000_000));
        assert!(matches!(read_from(open.as_bytes())[1], Next::GivenUp { line: 2, .. }));
    }
}
