//! Lays file, environment and flags over the defaults. Settings are laid one by one, so that the first one
//! that does not fit is named together with where it came from.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{Config, EXAMPLE, acquirers, charging, checks};

/// What precedes the name of a setting in the environment.
const PREFIX: &str = "TAABIA_";
/// Variables of ours that are no settings: those of tools, benches and tests, and the file's own name.
const NO_SETTINGS: [&str; 5] = ["TAABIA_CONFIG", "TAABIA_LOAD_", "TAABIA_SIMULATE_", "TAABIA_TEST_", "TAABIA_BENCH_"];

type NamedSections = (&'static str, fn() -> Table);

/// Tables whose sections have names of the operator's choosing, each with the defaults of one section.
const NAMED_SECTIONS: [NamedSections; 2] =
    [("acquirers", acquirers::defaults), ("charging_systems", charging::defaults)];

/// A setting given as a flag.
#[derive(Clone, Debug)]
pub struct Flag {
    /// As it was written, such as `--listen`.
    pub name: String,
    /// Such as `engine.max_batch`.
    pub key: String,
    pub text: String,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration file {}: {error}", path.display())]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("{}, line {line}: {message}", path.display())]
    Malformed { path: PathBuf, line: usize, message: String },
    #[error("{key}, from {origin}: {problem}")]
    Invalid { key: String, origin: String, problem: String },
}

/// A configuration and what was passed over.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    /// Variables that look like settings and are none. They are told, not refused: container platforms add
    /// variables named after a service.
    pub unknown_variables: Vec<String>,
}

/// The variables of the environment that may be settings.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let variables = std::env::vars_os();
    variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(PREFIX) && !NO_SETTINGS.iter().any(|other| name.starts_with(other)))
        .collect()
}

/// The defaults, changed by `file`, by variables and by flags, in rising precedence.
///
/// # Errors
/// [`ConfigError`] names the setting, what was expected and where it came from.
pub fn load(file: Option<&Path>, variables: &[(String, String)], flags: &[Flag]) -> Result<Loaded, ConfigError> {
    let mut layers = Layers::of_defaults();
    if let Some(path) = file {
        layers.lay_file(path)?;
    }
    for flag in flags {
        layers.make_room(&flag.key);
    }
    let names: HashMap<String, String> = layers.origins.keys().map(|key| (variable_of(key), key.clone())).collect();
    let mut unknown_variables = Vec::new();
    for (name, text) in variables {
        match names.get(name) {
            Some(key) => layers.lay_text(key, text, name)?,
            None => unknown_variables.push(name.clone()),
        }
    }
    for Flag { name, key, text } in flags {
        layers.lay_text(key, text, name)?;
    }
    Ok(Loaded { config: layers.finish()?, unknown_variables })
}

/// `engine.max_batch` is `TAABIA_ENGINE_MAX_BATCH`.
fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

struct Layers {
    settings: Table,
    /// Where each setting came from last.
    origins: HashMap<String, String>,
}

impl Layers {
    fn of_defaults() -> Self {
        let settings: Table = EXAMPLE.parse().expect("the example is TOML, which a test checks");
        let origins = leaves(&settings).into_iter().map(|(key, _)| (key, "the defaults".to_owned())).collect();
        Self { settings, origins }
    }

    fn lay_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })?;
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            // Not the error's own text: it repeats the line, which may hold a secret.
            let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            ConfigError::Malformed { path: path.to_owned(), line, message: error.message().to_owned() }
        })?;
        let origin = path.display().to_string();
        leaves(&table).into_iter().try_for_each(|(key, value)| self.lay(&key, value, &origin))
    }

    /// A section of an acquirer or of a charging system has all settings as soon as it has one.
    fn make_room(&mut self, key: &str) {
        let mut parts = key.splitn(3, '.');
        let (Some(table), Some(name)) = (parts.next(), parts.next().filter(|name| !name.is_empty())) else { return };
        let Some((_, defaults)) = NAMED_SECTIONS.iter().find(|(own, _)| *own == table) else { return };
        let sections = self.settings.entry(table).or_insert_with(|| Value::Table(Table::new()));
        let Some(sections) = sections.as_table_mut().filter(|sections| !sections.contains_key(name)) else { return };
        let defaults = defaults();
        let keys = leaves(&defaults).into_iter().map(|(key, _)| format!("{table}.{name}.{key}"));
        self.origins.extend(keys.map(|key| (key, "the defaults".to_owned())));
        sections.insert(name.to_owned(), Value::Table(defaults));
    }

    /// Lays a text, read as the kind of value that the setting has.
    fn lay_text(&mut self, key: &str, text: &str, origin: &str) -> Result<(), ConfigError> {
        let invalid = |problem: &str| ConfigError::Invalid {
            key: key.to_owned(),
            origin: origin.to_owned(),
            problem: problem.to_owned(),
        };
        let value = match find(&self.settings, key) {
            None => return Err(invalid("there is no such setting")),
            Some(Value::Table(_)) => return Err(invalid("expected one setting, not a section")),
            Some(Value::Integer(_)) => Value::Integer(text.parse().map_err(|_| invalid("expected a whole number"))?),
            Some(Value::Boolean(_)) => Value::Boolean(text.parse().map_err(|_| invalid("expected true or false"))?),
            Some(Value::Array(_)) => {
                Value::Array(text.split(',').map(|part| Value::String(part.trim().to_owned())).collect())
            }
            Some(_) => Value::String(text.to_owned()),
        };
        self.lay(key, value, origin)
    }

    fn lay(&mut self, key: &str, value: Value, origin: &str) -> Result<(), ConfigError> {
        self.make_room(key);
        put(&mut self.settings, key, value);
        self.origins.insert(key.to_owned(), origin.to_owned());
        self.parse().map(drop).map_err(|error| ConfigError::Invalid {
            key: key.to_owned(),
            origin: origin.to_owned(),
            problem: error.message().to_owned(),
        })
    }

    fn parse(&self) -> Result<Config, toml::de::Error> {
        self.settings.clone().try_into()
    }

    fn finish(self) -> Result<Config, ConfigError> {
        let config = self.parse().expect("every setting was parsed when it was laid");
        checks::check(&config).map_err(|(key, problem)| ConfigError::Invalid {
            key: key.to_owned(),
            origin: self.origins.get(key).cloned().unwrap_or_default(),
            problem,
        })?;
        acquirers::check(&config.acquirers, config.currency).map_err(|(key, problem)| ConfigError::Invalid {
            origin: self.origins.get(&key).cloned().unwrap_or_else(|| "the section's name".to_owned()),
            key,
            problem,
        })?;
        charging::check(&config).map_err(|(key, problem)| ConfigError::Invalid {
            origin: self.origins.get(&key).cloned().unwrap_or_else(|| "the section's name".to_owned()),
            key,
            problem,
        })?;
        Ok(config)
    }
}

/// The settings of a table with their dotted keys. An empty table counts as one, so that a section that
/// does not exist is noticed.
fn leaves(table: &Table) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(inner) if !inner.is_empty() => {
                found.extend(leaves(inner).into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
            }
            value => found.push((name.clone(), value.clone())),
        }
    }
    found
}

fn find<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((section, rest)) => find(table.get(section)?.as_table()?, rest),
    }
}

fn put(table: &mut Table, key: &str, value: Value) {
    match (key.split_once('.'), value) {
        (None, Value::Table(empty)) if empty.is_empty() && table.get(key).is_some_and(Value::is_table) => {}
        (None, value) => {
            table.insert(key.to_owned(), value);
        }
        (Some((section, rest)), value) => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if !inner.is_table() {
                *inner = Value::Table(Table::new());
            }
            put(inner.as_table_mut().expect("it was made a table above"), rest, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config::{ChargingKind, LogFormat, SigningKey};
    use crate::domain::{Currency, NumberingPlan};
    use secrecy::ExposeSecret;

    fn flag(key: &str, text: &str) -> Flag {
        Flag { name: format!("--set {key}"), key: key.into(), text: text.into() }
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn variables(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|&(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn the_example_is_the_defaults() {
        let example = file(EXAMPLE);
        for file in [None, Some(example.path())] {
            let config = load(file, &[], &[]).unwrap().config;
            assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
            assert_eq!(config.database_url().expose_secret(), "sqlite://data/taabia.db");
            assert_eq!(config.numbering_plan, NumberingPlan::morocco());
            assert_eq!(config.currency, Currency::MAD);
            assert_eq!(config.time_zone.iana_name(), Some("Africa/Casablanca"));
            assert_eq!(config.airtime_range().0.to_string(), "5.00");
            assert_eq!(config.airtime_range().1.to_string(), "500.00");
            assert_eq!((config.charging.kind, config.telemetry.log_format), (ChargingKind::Simulator, LogFormat::Text));
            assert_eq!(config.issuer(), None);
            assert!(matches!(config.signing_key(), SigningKey::File { made_when_missing: true, .. }));
        }
    }

    #[test]
    fn flags_go_before_variables_and_variables_before_the_file() {
        let file =
            file("shards = 1\n[engine]\nmax_batch = 10\nqueue_capacity = 11\n[recharge]\nairtime_max = \"50\"\n");
        let variables = variables(&[
            ("TAABIA_ENGINE_QUEUE_CAPACITY", "22"),
            ("TAABIA_SHARDS", "2"),
            ("TAABIA_NUMBERING_PLAN_MOBILE_PREFIXES", "6, 7,8"),
            ("TAABIA_PORT", "tcp://10.0.0.1:80"),
            ("TAABIA_WEBHOOKS_ALLOW_ANY_ADDRESS", "true"),
        ]);
        let loaded = load(Some(file.path()), &variables, &[flag("shards", "3")]).unwrap();
        let Config { engine, shards, numbering_plan, .. } = &loaded.config;
        assert_eq!((engine.max_batch, engine.queue_capacity, *shards), (10, 22, 3));
        assert_eq!(numbering_plan.mobile_prefixes, ["6", "7", "8"]);
        assert!(loaded.config.webhooks.allow_any_address);
        assert_eq!(loaded.config.airtime_range().1.to_string(), "50.00");
        assert_eq!(loaded.unknown_variables, ["TAABIA_PORT"]);
    }

    #[test]
    fn an_error_names_the_setting_what_was_expected_and_where_it_came_from() {
        for (text, expected) in [
            ("listen = \"8080\"", ["listen, from ", "expected an address and a port"]),
            ("[engine]\nmax_bach = 5", ["engine.max_bach, from ", "unknown field `max_bach`, expected one of"]),
            ("[engin]", ["engin, from ", "unknown field `engin`"]),
            ("engine = 5", ["engine, from ", "invalid type: integer `5`"]),
            ("[engine]\nmax_batch = \"many\"", ["engine.max_batch, from ", "invalid type: string"]),
            ("[engine]\nmax_batch = 0", ["engine.max_batch, from ", "expected 1 to 4096, not 0"]),
            ("time_zone = \"Africa/Atlantis\"", ["time_zone, from ", "expected an IANA time zone"]),
            ("currency = \"dirham\"", ["currency, from ", "expected a currency code"]),
            ("[access]\ntoken_ttl_s = 901", ["access.token_ttl_s, from ", "expected 1 to 900"]),
            ("[recharge]\nairtime_min = \"5.001\"", ["recharge.airtime_min, from ", "no more decimals"]),
            ("[recharge]\nairtime_max = \"4\"", ["recharge.airtime_max, from ", "at least recharge.airtime_min"]),
            ("[charging]\nkind = \"carrier_pigeon\"", ["charging.kind, from ", "unknown variant `carrier_pigeon`"]),
            ("database_url = \"mysql://u:p@h/d\"", ["database_url, from ", "sqlite:// or postgres://"]),
            ("[charging]\nurl = \"localhost\"", ["charging.url, from ", "expected an http or https URL"]),
            ("[telemetry]\nlog_filter = \"a=b=c\"", ["telemetry.log_filter, from ", "expected a level"]),
            ("[numbering_plan]\nnational_digits = 14", ["numbering_plan.national_digits, from ", "expected 4 to 12"]),
            ("[charging_record]\ndelimiter = \"|\"", ["charging_record.delimiter, from ", "\";\" or \"tab\""]),
            ("[charging_record]\ntime = \" \"", ["charging_record.time, from ", "expected a word"]),
            ("[charging_record]\ntime = \"AMOUNT\"", ["charging_record.time, from ", "another word than \"AMOUNT\""]),
            ("[charging_record]\nnot_applied = \"applied\"", ["charging_record.not_applied, from ", "another word"]),
            ("shards = 1\nshards 2", [", line 2: ", "expected"]),
        ] {
            let file = file(text);
            let error = load(Some(file.path()), &[], &[]).unwrap_err().to_string();
            for part in expected {
                assert!(error.contains(part), "{text}\n→ {error}");
            }
            assert!(error.contains(&*file.path().to_string_lossy()), "{text}\n→ {error}");
        }
    }

    #[test]
    fn variables_and_flags_are_named_too() {
        let error = load(None, &variables(&[("TAABIA_SHARDS", "eight")]), &[]).unwrap_err().to_string();
        assert_eq!(error, "shards, from TAABIA_SHARDS: expected a whole number");
        let error = load(None, &[], &[flag("topup.suspend_on_chargeback", "no")]).unwrap_err().to_string();
        let expected = "topup.suspend_on_chargeback, from --set topup.suspend_on_chargeback: expected true or false";
        assert_eq!(error, expected);
        let error = load(None, &[], &[flag("engine.turbo", "1")]).unwrap_err().to_string();
        assert_eq!(error, "engine.turbo, from --set engine.turbo: there is no such setting");
        let error = load(Some(Path::new("no/such.toml")), &[], &[]).unwrap_err().to_string();
        assert!(error.starts_with("cannot read the configuration file no/such.toml: "), "{error}");
    }

    #[test]
    fn secrets_are_not_printed() {
        let loaded = load(
            None,
            &variables(&[
                ("TAABIA_DATABASE_URL", "postgres://u:hunter2@h/d"),
                ("TAABIA_ACCESS_SIGNING_KEY", "hunter2"),
            ]),
            &[],
        );
        let config = loaded.unwrap().config;
        assert!(!format!("{config:?}").contains("hunter2"));
        assert_eq!(config.database_url().expose_secret(), "postgres://u:hunter2@h/d");
        assert!(matches!(config.signing_key(), SigningKey::Inline(_)));
        let error = load(Some(file("database_url = 5\n").path()), &[], &[]).unwrap_err().to_string();
        assert!(error.contains("database_url") && error.contains("expected a text"), "{error}");
    }
}
