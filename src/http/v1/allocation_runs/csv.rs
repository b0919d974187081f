//! The lines of a run as `text/csv`: a header `code,amount`, then one line per reseller (RFC 4180).

use crate::http::problem::{Code, FieldError, Problem};

/// Code and amount of each line, as they were sent.
///
/// # Errors
/// A `422` problem that names the line.
pub fn read(bytes: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        bad(line, "invalid", "expected UTF-8")
    })?;
    // Spreadsheets put a byte order mark in front.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    match lines.next().map(|(_, line)| fields(line)) {
        Some(Some(header)) if header == ["code", "amount"] => {}
        _ => return Err(bad(1, "invalid", "expected the header code,amount")),
    }
    let mut found = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let parsed = fields(line).map(<[String; 2]>::try_from);
        let Some(Ok([code, amount])) = parsed else {
            return Err(bad(number, "invalid", "expected a code and an amount"));
        };
        found.push((code, amount));
    }
    Ok(found)
}

/// The fields of a line; `None` when its quotes do not close.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut rest = line.chars().peekable();
    while let Some(next) = rest.next() {
        let field = fields.last_mut().expect("there is one from the beginning");
        match next {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    (!quoted).then_some(fields)
}

fn bad(line: usize, code: &'static str, expected: &str) -> Problem {
    let error = FieldError { pointer: format!("/{line}"), code, detail: format!("line {line}: {expected}") };
    Problem::with_errors(Code::ValidationFailed, vec![error])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_spreadsheets_write_them() {
        let text = "\u{feff}code,amount\r\nD01,1000\r\n\"D,\"\"2\",\"5.50\"\r\n\r\n";
        let expected = [("D01", "1000"), ("D,\"2", "5.50")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(read(text.as_bytes()).ok().unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, pointer) in [
            (&b""[..], "/1"),
            (b"amount,code\n", "/1"),
            (b"code,amount\nA,1\nB\n", "/3"),
            (b"code,amount\nA,1,2\n", "/2"),
            (b"code,amount\n\"A,1\n", "/2"),
            (b"code,amount\nA,1\n\xff,2\n", "/3"),
        ] {
            let problem = read(text).expect_err("it is wrong");
            assert_eq!(problem.errors[0].pointer, pointer, "{}", String::from_utf8_lossy(text));
        }
    }
}
