//! Rows of a network's CSV: `code,name,level,parent_code[,credit_limit,per_operation,per_day_count,per_day_amount]`.

use super::records::Record;
use crate::domain::{Currency, LevelName, Limits, Money, ResellerCode, ResellerName};

/// A reseller as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub line: u64,
    pub code: ResellerCode,
    pub name: ResellerName,
    pub level: LevelName,
    /// `None` at the top of the network.
    pub parent: Option<ResellerCode>,
    pub credit_limit_minor: i64,
    pub limits: Limits,
}

/// A row that is not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub line: u64,
    /// Empty when it is the row as a whole.
    pub column: &'static str,
    pub reason: String,
}

impl Refused {
    pub fn new(line: u64, column: &'static str, reason: impl Into<String>) -> Self {
        Self { line, column, reason: reason.into() }
    }
}

pub(super) const NAMES: [&str; 8] =
    ["code", "name", "level", "parent_code", "credit_limit", "per_operation", "per_day_count", "per_day_amount"];
/// The first so many must be there.
const REQUIRED: usize = 4;

/// Where each column stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    places: [Option<usize>; NAMES.len()],
    count: usize,
}

impl Columns {
    /// Reads the heading.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(heading: &Record) -> Result<Self, Refused> {
        let mut columns = Self { places: [None; NAMES.len()], count: heading.cells.len() };
        let refuse = |reason: String| Refused::new(heading.line, "", reason);
        for (place, cell) in heading.cells.iter().enumerate() {
            let text = String::from_utf8_lossy(cell).trim().to_ascii_lowercase();
            let known = NAMES.iter().position(|name| *name == text);
            let known = known.ok_or_else(|| {
                refuse(format!("column {} of the heading is none of {}", place + 1, NAMES.join(", ")))
            })?;
            if columns.places[known].replace(place).is_some() {
                return Err(refuse(format!("the heading has {} twice", NAMES[known])));
            }
        }
        match (0..REQUIRED).find(|known| columns.places[*known].is_none()) {
            Some(missing) => Err(refuse(format!("the heading lacks {}", NAMES[missing]))),
            None => Ok(columns),
        }
    }

    /// Reads a row.
    ///
    /// # Errors
    /// The first column that is not acceptable, and why.
    pub fn row(&self, record: &Record, levels: &[LevelName], currency: Currency) -> Result<Row, Refused> {
        let line = record.line;
        if record.cells.len() != self.count {
            let reason = format!("it has {} cells, the heading has {}", record.cells.len(), self.count);
            return Err(Refused::new(line, "", reason));
        }
        let cell = |known: usize| {
            let bytes = self.places[known].map_or(&b""[..], |place| &record.cells[place]);
            text_of(bytes, line, NAMES[known])
        };
        let refuse = |known: usize, reason: &str| Refused::new(line, NAMES[known], reason);
        let amount = |known: usize| match cell(known)? {
            "" => Ok(None),
            text => match Money::parse(text, currency) {
                Ok(amount) => Ok(Some(amount.minor())),
                Err(error) => Err(refuse(known, &error.to_string())),
            },
        };
        let code = cell(0)?.parse().map_err(|reason| refuse(0, reason))?;
        let name = cell(1)?.parse().map_err(|reason| refuse(1, reason))?;
        let level: LevelName = cell(2)?.parse().map_err(|reason| refuse(2, reason))?;
        if !levels.contains(&level) {
            let known = levels.iter().map(LevelName::as_str).collect::<Vec<_>>().join(", ");
            return Err(refuse(2, &format!("the network's levels are {known}")));
        }
        let parent = match cell(3)? {
            "" => None,
            text => Some(text.parse().map_err(|reason| refuse(3, reason))?),
        };
        if parent.as_ref() == Some(&code) {
            return Err(refuse(3, "it is its own parent"));
        }
        let per_day_count = match cell(6)? {
            "" => None,
            text => Some(count(text).ok_or_else(|| refuse(6, "expected a whole number"))?),
        };
        Ok(Row {
            line,
            code,
            name,
            level,
            parent,
            credit_limit_minor: amount(4)?.unwrap_or(0),
            limits: Limits { per_operation_minor: amount(5)?, per_day_count, per_day_minor: amount(7)? },
        })
    }
}

pub(super) fn text_of<'a>(bytes: &'a [u8], line: u64, column: &'static str) -> Result<&'a str, Refused> {
    let text = std::str::from_utf8(bytes).map(str::trim);
    text.map_err(|_| Refused::new(line, column, "it is not UTF-8: save the file in that encoding"))
}

fn count(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: u64, text: &str) -> Record {
        Record { line, cells: text.split(',').collect() }
    }

    fn read(heading: &str, row: &str) -> Result<Row, Refused> {
        let levels = ["distributor", "outlet"].map(|name| name.parse().unwrap());
        Columns::of(&record(1, heading))?.row(&record(2, row), &levels, Currency::MAD)
    }

    #[test]
    fn columns_stand_in_any_order() {
        let row =
            read("parent_code,Level,name,code,per_day_count,per_day_amount", "D1,outlet,تعبئة,O1,7,1000").unwrap();
        assert_eq!((row.code.as_str(), row.name.as_str(), row.level.as_str()), ("O1", "تعبئة", "outlet"));
        assert_eq!(row.parent.unwrap().as_str(), "D1");
        let expected = Limits { per_operation_minor: None, per_day_count: Some(7), per_day_minor: Some(100_000) };
        assert_eq!((row.limits, row.credit_limit_minor), (expected, 0));
        for bad in ["code,name,level", "code,name,level,parent_code,code", "code,name,level,parent_code,phone"] {
            assert!(read(bad, "").is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_column() {
        let all = "code,name,level,parent_code,credit_limit,per_operation,per_day_count,per_day_amount";
        for (row, column) in [
            ("O1,A,outlet,D1,,,", ""),
            ("=1+1,A,outlet,D1,,,,", "code"),
            ("O1,=HYPERLINK(1),outlet,D1,,,,", "name"),
            ("O1,A\tB,outlet,D1,,,,", "name"),
            ("O1,A,kiosk,D1,,,,", "level"),
            ("O1,A,outlet,O1,,,,", "parent_code"),
            ("O1,A,outlet,-1,,,,", "parent_code"),
            ("O1,A,outlet,D1,1.001,,,", "credit_limit"),
            ("O1,A,outlet,D1,,-5,,", "per_operation"),
            ("O1,A,outlet,D1,,,+5,", "per_day_count"),
            ("O1,A,outlet,D1,,,,1e3", "per_day_amount"),
        ] {
            let refused = read(all, row).unwrap_err();
            assert_eq!((refused.line, refused.column), (2, column), "{row}: {}", refused.reason);
        }
        let latin = Record { line: 3, cells: [&b"O1"[..], b"T\xe9l\xe9", b"outlet", b""].into_iter().collect() };
        let columns = Columns::of(&record(1, "code,name,level,parent_code")).unwrap();
        let refused = columns.row(&latin, &["outlet".parse().unwrap()], Currency::MAD).unwrap_err();
        assert_eq!((refused.line, refused.column), (3, "name"));
    }
}
