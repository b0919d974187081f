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
    pub cells: Vec<Vec<u8>>,
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
}

impl<R: BufRead> Records<R> {
    pub fn new(input: R) -> Self {
        Self { input, separator: b',', line: 1, consumed: 0 }
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
        let mut reading =
            Reading { line: self.line, state: State::CellBegins, bytes: 0, cells: Vec::new(), cell: Vec::new() };
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
    cells: Vec<Vec<u8>>,
    cell: Vec<u8>,
}

impl Reading {
    fn is_blank(&self) -> bool {
        self.state == State::CellBegins && self.cells.is_empty() && self.cell.is_empty()
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
            State::Quoted => self.cell.push(byte),
            State::QuoteSeen if byte == b'"' => {
                self.cell.push(b'"');
                self.state = State::Quoted;
            }
            State::CellBegins if byte == b'"' => self.state = State::Quoted,
            State::CellBegins | State::Plain | State::QuoteSeen if ends => return self.line_ends(),
            State::CellBegins | State::Plain | State::QuoteSeen if byte == separator => {
                self.cells.push(std::mem::take(&mut self.cell));
                self.state = State::CellBegins;
            }
            State::Plain if byte == b'"' => {
                self.state = State::Refused("a quote stands in a cell that does not begin with one");
            }
            State::CellBegins | State::Plain => {
                self.cell.push(byte);
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
        (self.cells, self.cell) = (Vec::new(), Vec::new());
    }

    fn line_ends(&mut self) -> Option<Next> {
        if self.cell.last() == Some(&b'\r') {
            self.cell.pop();
        }
        if self.cells.is_empty() && self.cell.is_empty() && self.state != State::QuoteSeen {
            (self.state, self.bytes) = (State::CellBegins, 0);
            return None;
        }
        let mut cells = std::mem::take(&mut self.cells);
        cells.push(std::mem::take(&mut self.cell));
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
        Next::Record(Record { line, cells: cells.iter().map(|cell| cell.as_bytes().to_vec()).collect() })
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
