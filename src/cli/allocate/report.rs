//! How a run is told at the command line.

use indicatif::{ProgressBar, ProgressStyle};

use crate::domain::{Line, ResellerId};

/// Where the lines of a run stand in the file.
pub(super) struct Lines(Option<Vec<u64>>);

impl Lines {
    pub fn of_file(lines: Vec<u64>) -> Self {
        Self(Some(lines))
    }

    pub fn of_rule() -> Self {
        Self(None)
    }

    /// The line in the file of a line of the run.
    fn in_file(&self, number: i64) -> Option<u64> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.0.as_ref()?.get(index).copied()
    }
}

/// A line that was refused: its place, whom it is for, and why.
pub(super) fn refused(lines: &Lines, line: &Line, reason: &str) -> String {
    let whom = line.code.as_deref().map(str::to_owned);
    let whom = whom.or_else(|| line.reseller.as_ref().map(ResellerId::to_string)).unwrap_or_default();
    match lines.in_file(line.number) {
        Some(place) => format!("line {place}, column code: {whom}: {reason}"),
        None => format!("{whom}: {reason}"),
    }
}

/// On standard error.
pub(super) fn progress_bar(lines: i64) -> ProgressBar {
    let style = ProgressStyle::with_template("stocking {bar:40} {pos}/{len} lines, {per_sec}, {eta} left");
    ProgressBar::new(lines.unsigned_abs()).with_style(style.expect("the template is well formed"))
}
