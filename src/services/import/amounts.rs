//! Reads who gets how much from CSV: `code,amount`, or the file of a network and one amount for everybody.

use std::collections::HashMap;
use std::io::BufRead;

use super::records::{Next, Record, Records};
use super::rows::{NAMES, text_of};
use super::{ImportError, Listener, Progress, Refused, heading, of_heading, unreadable};
use crate::domain::{Currency, Money, ResellerCode};

/// Rows between two words about progress.
const TELL_EVERY: u64 = 4_096;

/// One good row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmountLine {
    /// Where it stands in the file.
    pub line: u64,
    pub code: ResellerCode,
    pub amount_minor: i64,
}

/// A file that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// All rows, good and bad.
    pub rows: u64,
    /// The good ones in their order; no code stands twice.
    pub lines: Vec<AmountLine>,
}

/// Reads the file to its end. Bad rows are told and left out. With `each` everybody gets so much and no column
/// `amount` is read; the other columns of a network's file are passed over.
///
/// # Errors
/// When the file cannot be read, or has more than `max_lines` rows.
pub fn read_amounts(
    input: impl BufRead,
    currency: Currency,
    each: Option<i64>,
    max_lines: usize,
    listener: &mut dyn Listener,
) -> Result<Amounts, ImportError> {
    let mut records = Records::new(input);
    let columns = of_heading(Columns::of(&heading(&mut records)?, each))?;
    let mut amounts = Amounts::default();
    let mut known: HashMap<ResellerCode, u64> = HashMap::new();
    loop {
        let read = match records.next_record()? {
            Next::Record(record) => columns.line(&record, currency),
            Next::Bad { line, reason } => Err(Refused::new(line, "", reason)),
            Next::GivenUp { line, reason } => return Err(unreadable(line, reason)),
            Next::End => break,
        };
        amounts.rows += 1;
        if amounts.rows.is_multiple_of(TELL_EVERY) {
            listener.progress(Progress { bytes: records.consumed(), rows: amounts.rows });
        }
        let read = read.and_then(|line| match known.insert(line.code.clone(), line.line) {
            Some(first) => {
                known.insert(line.code, first);
                Err(Refused::new(line.line, "code", format!("line {first} has this code already")))
            }
            None => Ok(line),
        });
        match read {
            Ok(line) if amounts.lines.len() == max_lines => {
                return Err(unreadable(
                    line.line,
                    &format!("one run has at most {max_lines} lines: split the file here"),
                ));
            }
            Ok(line) => amounts.lines.push(line),
            Err(refused) => listener.refused(&refused),
        }
    }
    listener.progress(Progress { bytes: records.consumed(), rows: amounts.rows });
    Ok(amounts)
}

/// Where the columns stand that matter.
struct Columns {
    code: usize,
    amount: Amount,
    count: usize,
}

enum Amount {
    Column(usize),
    Each(i64),
}

impl Columns {
    fn of(heading: &Record, each: Option<i64>) -> Result<Self, Refused> {
        let refuse = |reason: String| Refused::new(heading.line, "", reason);
        let (mut code, mut amount) = (None, None);
        for (place, cell) in heading.cells.iter().enumerate() {
            let text = String::from_utf8_lossy(cell).trim().to_ascii_lowercase();
            let twice = match text.as_str() {
                "code" => code.replace(place).is_some(),
                "amount" => amount.replace(place).is_some(),
                other if NAMES.contains(&other) => false,
                _ => {
                    let known = format!("code, amount, {}", NAMES[1..].join(", "));
                    return Err(refuse(format!("column {} of the heading is none of {known}", place + 1)));
                }
            };
            if twice {
                return Err(refuse(format!("the heading has {text} twice")));
            }
        }
        let code = code.ok_or_else(|| refuse("the heading lacks code".into()))?;
        let amount = match (amount, each) {
            (Some(place), None) => Amount::Column(place),
            (None, Some(each)) => Amount::Each(each),
            (None, None) => {
                return Err(refuse("the heading lacks amount, and no amount for everybody is given".into()));
            }
            (Some(_), Some(_)) => {
                return Err(refuse("the heading has amount, and an amount for everybody is given: which?".into()));
            }
        };
        Ok(Self { code, amount, count: heading.cells.len() })
    }

    fn line(&self, record: &Record, currency: Currency) -> Result<AmountLine, Refused> {
        let line = record.line;
        if record.cells.len() != self.count {
            let reason = format!("it has {} cells, the heading has {}", record.cells.len(), self.count);
            return Err(Refused::new(line, "", reason));
        }
        let code = text_of(&record.cells[self.code], line, "code")?;
        let code = code.parse().map_err(|reason: &str| Refused::new(line, "code", reason))?;
        let amount_minor = match self.amount {
            Amount::Each(each) => each,
            Amount::Column(place) => {
                let text = text_of(&record.cells[place], line, "amount")?;
                let amount = Money::parse(text, currency);
                amount.map_err(|error| Refused::new(line, "amount", error.to_string()))?.minor()
            }
        };
        Ok(AmountLine { line, code, amount_minor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Vec<String>);

    impl Listener for Heard {
        fn progress(&mut self, _: Progress) {}

        fn refused(&mut self, refused: &Refused) {
            self.0.push(format!("{} {}: {}", refused.line, refused.column, refused.reason));
        }
    }

    fn read(text: &[u8], each: Option<i64>) -> (Result<Amounts, ImportError>, Vec<String>) {
        let mut heard = Heard::default();
        let read = read_amounts(text, Currency::MAD, each, 5, &mut heard);
        (read, heard.0)
    }

    fn lines(amounts: &Amounts) -> Vec<(u64, &str, i64)> {
        amounts.lines.iter().map(|line| (line.line, line.code.as_str(), line.amount_minor)).collect()
    }

    #[test]
    fn good_rows_are_read_and_every_bad_one_is_told() {
        let mut text = "\u{feff}amount;Code\r\n500;O1\r\n0.50;O-2\r\n".as_bytes().to_vec();
        text.extend_from_slice("7;O1\r\n=1+1;O3\r\n5;=cmd|x\r\n٥;O4\r\n1.001;O5\r\n0;O6\r\n-5;O7\r\n5\r\n".as_bytes());
        text.extend_from_slice(b"5;caf\xe9\r\n");
        text.extend_from_slice(format!("{};O8\r\n\r\n;O9\r\n", "9".repeat(10_000_000)).as_bytes());
        text.extend_from_slice(b"99999999999999999999;O10\r\n20;LAST\r\n\"2;0;X\r\n");
        let (amounts, heard) = read(&text, None);
        let amounts = amounts.unwrap();
        assert_eq!(lines(&amounts), [(2, "O1", 50_000), (3, "O-2", 50), (17, "LAST", 2_000)], "{heard:#?}");
        assert_eq!(amounts.rows, 16);
        let expected = [
            "4 code: line 2 has this code already",
            "5 amount: ",
            "6 code: ",
            "7 amount: ",
            "8 amount: ",
            "9 amount: ",
            "10 amount: ",
            "11 : it has 1 cells, the heading has 2",
            "12 code: it is not UTF-8",
            "13 : the line is longer than 64 KiB",
            "15 amount: ",
            "16 amount: ",
            "18 : a quote is opened here and never closed",
        ];
        assert_eq!(heard.len(), expected.len(), "{heard:#?}");
        for (heard, expected) in heard.iter().zip(expected) {
            assert!(heard.starts_with(expected), "{heard} is not {expected}");
        }
    }

    #[test]
    fn the_file_of_a_network_serves_with_an_amount_for_everybody() {
        let text = "code,name,level,parent_code\nD1,\"توزيع, الدار\",distributor,\nO1,Téléboutique,outlet,D1\n";
        let (amounts, heard) = read(text.as_bytes(), Some(700));
        assert_eq!((lines(&amounts.unwrap()), heard.len()), (vec![(2, "D1", 700), (3, "O1", 700)], 0));
    }

    #[test]
    fn what_is_no_such_file_is_told_at_once() {
        for (text, each, expected) in [
            (&b"\xff\xfec\0o\0"[..], None, "line 1: the file is UTF-16: save it as UTF-8"),
            (b"", None, "line 1: the file is empty"),
            (b"amount\n5\n", None, "line 1: the heading lacks code"),
            (b"code,name\nA,B\n", None, "line 1: the heading lacks amount"),
            (b"code,amount\nA,5\n", Some(5), "line 1: the heading has amount, and an amount for everybody is given"),
            (b"code,amount,amount\n", None, "line 1: the heading has amount twice"),
            (b"code,amount,phone\n", None, "line 1: column 3 of the heading is none of code, amount, name"),
            (b"code\nA\nB\nC\nD\nE\nF\n", Some(5), "line 7: one run has at most 5 lines"),
        ] {
            let error = read(text, each).0.unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
