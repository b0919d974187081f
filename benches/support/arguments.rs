//! `COMMAND --name value …`, as `scripts/bench` calls it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::Result;

/// The command line.
pub struct Arguments {
    command: Option<String>,
    values: HashMap<String, String>,
}

impl Arguments {
    pub fn of_this_process() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a benchmark is its own command line")]
        let mut words = std::env::args().skip(1).peekable();
        let mut arguments = Self { command: None, values: HashMap::new() };
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                None => arguments.command = Some(word),
                // Cargo's own, which has no value.
                Some("bench") => {}
                Some(name) => {
                    let value = words.next_if(|next| !next.starts_with("--")).unwrap_or_default();
                    arguments.values.insert(name.to_owned(), value);
                }
            }
        }
        arguments
    }

    pub fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    pub fn text(&self, name: &str) -> Result<&str> {
        self.values.get(name).map(String::as_str).ok_or_else(|| format!("--{name} is missing").into())
    }

    pub fn number<T: FromStr>(&self, name: &str) -> Result<T> {
        let text = self.text(name)?;
        text.parse().map_err(|_| format!("--{name}: expected a number, not {text}").into())
    }

    /// How long a figure is measured.
    pub fn duration(&self) -> Result<Duration> {
        Ok(Duration::from_secs(self.number("seconds")?))
    }

    /// URL of the cluster's superuser, without a database.
    pub fn postgres(&self) -> Result<&str> {
        self.text("postgres")
    }

    /// Where files may be made, on a disk.
    pub fn folder(&self) -> Result<PathBuf> {
        Ok(self.text("folder")?.into())
    }
}
