//! README and ARCHITECTURE say what the code says: tables are compared, commands are parsed, and the quick start is run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use clap::{CommandFactory as _, Parser as _};
use taabia::cli::args::Arguments;
use taabia::cli::config::{ACQUIRER_EXAMPLE, EXAMPLE};
use taabia::domain::account::{CHART, ChartLine};
use taabia::domain::{Asset, Currency, Side};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// The rows of the table whose first heading is `heading`, cell by cell.
fn table(text: &str, heading: &str) -> Vec<Vec<String>> {
    let head = format!("| {heading} |");
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let after = text.lines().skip_while(|line| !line.starts_with(&head)).skip(2);
    after.take_while(|line| line.starts_with('|')).map(cells).collect()
}

fn bare(cell: &str) -> String {
    cell.trim_matches('`').to_owned()
}

/// The fenced blocks of shell in the part of the text between two lines.
fn shell_blocks<'a>(text: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    let begin = text.find(from).expect("the section is there");
    let end = text[begin..].find(to).map_or(text.len(), |end| begin + end);
    let blocks = text[begin..end].split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

/// What stands between single backticks, outside of fenced blocks.
fn code_spans(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn the_chart_of_accounts_is_that_of_the_code() {
    let text = document("ARCHITECTURE.md");
    let (_, after) = text.split_once("<!-- chart of accounts -->\n").unwrap();
    let (found, _) = after.split_once("<!-- end of the chart -->").unwrap();
    let expected = chart();
    assert!(found == expected, "the chart in ARCHITECTURE.md is out of date; it should be\n{expected}");
}

fn chart() -> String {
    let heads = "| number | account | asset | grows on | where | floor | meaning |\n| --- | --- | --- | --- | --- | --- | --- |\n";
    heads.to_owned() + &CHART.iter().map(chart_line).collect::<String>()
}

fn chart_line(line: &ChartLine) -> String {
    let ChartLine { class, name, asset, normal_side, floored, striped, per_reseller, meaning } = line;
    let asset: String = Asset::name(*asset, Currency::MAD);
    let side = match normal_side {
        Side::Debit => "debit",
        Side::Credit => "credit",
    };
    let place = match (per_reseller, striped) {
        (true, _) => "one per reseller",
        (false, true) => "one per shard",
        (false, false) => "one",
    };
    let floor = if *floored { "yes" } else { "no" };
    format!("| {} | `{name}` | {asset} | {side} | {place} | {floor} | {meaning} |\n", class.code())
}

#[test]
fn the_commands_are_those_of_the_program() {
    fn collect(command: &clap::Command, path: &str, found: &mut Vec<Vec<String>>) {
        for command in command.get_subcommands() {
            let path = format!("{path} {}", command.get_name());
            if command.has_subcommands() {
                collect(command, &path, found);
            } else {
                found.push(vec![format!("`{path}`"), command.get_about().unwrap().to_string()]);
            }
        }
    }
    let mut expected = Vec::new();
    collect(&Arguments::command(), "taabia", &mut expected);
    assert_eq!(table(&document("README.md"), "command"), expected);
}

/// Every setting of an example with its default, as `section.key`.
fn settings_of(example: &str) -> BTreeMap<String, String> {
    fn collect(table: &toml::Table, path: &str, found: &mut BTreeMap<String, String>) {
        for (name, value) in table {
            match value {
                toml::Value::Table(inner) => collect(inner, &format!("{path}{name}."), found),
                toml::Value::String(text) => drop(found.insert(format!("{path}{name}"), text.clone())),
                other => drop(found.insert(format!("{path}{name}"), other.to_string())),
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(&example.parse().unwrap(), "", &mut found);
    found
}

#[test]
fn settings_of_an_acquirer_exist_with_the_defaults_that_are_told() {
    let settings = settings_of(ACQUIRER_EXAMPLE);
    let rows = table(&document("README.md"), "setting of an acquirer");
    assert!(!rows.is_empty());
    for row in rows {
        assert_eq!(settings.get(&bare(&row[0])), Some(&bare(&row[1])), "{}", row[0]);
    }
}

#[test]
fn settings_exist_with_the_defaults_that_are_told() {
    let settings = settings_of(EXAMPLE);
    let rows = table(&document("README.md"), "setting");
    assert!(!rows.is_empty());
    for row in rows {
        assert_eq!(settings.get(&bare(&row[0])), Some(&bare(&row[1])), "{}", row[0]);
    }
    let sections: BTreeSet<&str> =
        settings.keys().filter_map(|key| key.split_once('.').map(|(name, _)| name)).collect();
    let variables: BTreeSet<String> =
        settings.keys().map(|key| format!("TAABIA_{}", key.replace('.', "_").to_uppercase())).collect();
    for name in ["README.md", "ARCHITECTURE.md"] {
        let text = document(name);
        for span in code_spans(&text) {
            let section = span.split_once('.').map(|(section, _)| section);
            let is_setting = section.is_some_and(|section| sections.contains(section)) && !span.contains([' ', '=']);
            // Kinds of entries and types of events look like settings.
            let is_entry = taabia::domain::EntryKind::ALL.iter().any(|kind| kind.name() == span);
            let is_event = taabia::domain::EventType::from_name(span).is_some();
            assert!(
                !is_setting || is_entry || is_event || settings.contains_key(span),
                "{name}: there is no setting {span}"
            );
        }
        let words = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        for word in words.filter(|word| word.starts_with("TAABIA_") && word.len() > 7 && *word != "TAABIA_CONFIG") {
            assert!(variables.contains(word), "{name}: {word} is no variable of a setting");
        }
    }
}

#[test]
fn metrics_are_those_of_the_code() {
    let mut expected = BTreeSet::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                expected.extend(metrics_of(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    let told = table(&document("README.md"), "metric");
    let told: BTreeSet<_> = told.iter().map(|row| (bare(&row[0]), row[1].clone())).collect();
    assert_eq!(told, expected);
}

fn metrics_of(source: &str) -> Vec<(String, String)> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let named = |kind: &'static str| {
        let macro_call = format!("metrics::{kind}!(");
        let calls: Vec<&str> = code.split(&macro_call).skip(1).collect();
        calls.into_iter().map(move |rest| (rest.split('"').nth(1).unwrap().to_owned(), kind.to_owned()))
    };
    ["counter", "gauge", "histogram"].into_iter().flat_map(named).collect()
}

#[test]
fn calls_and_their_scopes_are_those_of_the_api() {
    let document_of_api = serde_json::to_value(taabia::http::openapi()).unwrap();
    let calls = table(&document("README.md"), "call");
    let mut told = BTreeSet::new();
    for row in &calls {
        let call = bare(&row[0]);
        let (method, path) = call.split_once(' ').unwrap();
        let operation = &document_of_api["paths"][path][method.to_lowercase()];
        assert!(operation.is_object(), "{call} does not exist");
        let alternatives = operation["security"].as_array().into_iter().flatten().map(|alternative| {
            let scopes = alternative["oauth2"].as_array().unwrap();
            let named: String = scopes.iter().map(|scope| format!("`{}`", scope.as_str().unwrap())).collect();
            if named.is_empty() { "any token".to_owned() } else { named }
        });
        let expected = alternatives.collect::<Vec<_>>().join(" or ");
        assert_eq!(row[1], expected, "{call}");
        told.insert(path.to_owned());
    }
    for (path, _) in document_of_api["paths"].as_object().unwrap() {
        assert!(!path.starts_with("/v1/") || told.contains(path), "README does not tell of {path}");
    }
}

#[test]
fn files_that_are_named_exist() {
    const FOLDERS: [&str; 6] = ["src/", "tests/", "config/", "migrations/", "scripts/", "api-spec/"];
    for name in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        let text = document(name);
        let links = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
        let links = links.filter(|link| !link.starts_with("http"));
        let named = code_spans(&text).into_iter().filter(|span| FOLDERS.iter().any(|folder| span.starts_with(folder)));
        for path in links.chain(named) {
            assert!(root().join(path).exists(), "{name} names {path}, which does not exist");
        }
    }
}

#[test]
fn shell_lines_can_be_parsed() {
    let text = document("README.md");
    for block in shell_blocks(&text, "# Taabia", "\u{0}") {
        let output = run_shell(&["-n"], block, &[]);
        assert!(output.status.success(), "{block}\n{}", String::from_utf8_lossy(&output.stderr));
        for line in block.lines() {
            let words = line.split_whitespace().skip_while(|word| word.starts_with("TAABIA_"));
            let words: Vec<&str> = words.collect();
            if words.first() == Some(&"taabia")
                && let Err(error) = Arguments::try_parse_from(&words)
            {
                panic!("{line}\n{error}");
            }
        }
    }
}

fn run_shell(arguments: &[&str], script: &str, variables: &[(&str, &Path)]) -> Output {
    let mut shell = Command::new("sh");
    shell.args(arguments).envs(variables.iter().copied());
    let mut shell =
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("there is a shell");
    shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    shell.wait_with_output().unwrap()
}

/// A demonstration with short times; killed when dropped.
struct Demo {
    process: Child,
    data_dir: PathBuf,
}

impl Demo {
    fn start(data_dir: &Path) -> Self {
        let settings =
            ["recharge.charging_deadline_ms=700", "doubt.lookup_horizon_ms=500", "doubt.backoff_max_ms=1000"];
        let process = Command::new(env!("CARGO_BIN_EXE_taabia"))
            .args(["demo", "--no-traffic", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .args(settings.iter().flat_map(|setting| ["--set", setting]))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut demo = Self { process, data_dir: data_dir.to_owned() };
        let mut line = String::new();
        BufReader::new(demo.process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("ready http://127.0.0.1:"), "{line}");
        demo
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where programs are, the Python that has `PyJWT` first.
#[expect(clippy::disallowed_methods, reason = "scripts/test tells where it installed PyJWT")]
fn with_python() -> PathBuf {
    let python = std::env::var_os("TAABIA_TEST_LOCALSTRIPE")
        .expect("TAABIA_TEST_LOCALSTRIPE names a Python with PyJWT: run scripts/test, which installs it");
    let mut path = Path::new(&python).parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    path.into()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "scripts/test tells where it installed the library")]
fn the_events_for_partners_work_as_pasted() {
    let python = std::env::var_os("TAABIA_TEST_STANDARDWEBHOOKS").expect("scripts/test installs standardwebhooks");
    let expected = [
        r#""delivered":true"#,
        r#""status":"in_doubt""#,
        "verified webhook_endpoint.test enabled",
        "verified recharge.submitted",
        "verified recharge.in_doubt",
        "verified recharge.declined declined",
        r#""event_type":"recharge.declined""#,
    ];
    let more = [("PYTHON", Path::new(&python))];
    works_as_pasted("## Events for partners", "\n## Speed", &more, &expected);
}

/// The first steps of the quick start, and the part of the README between two headings, against a demonstration; what
/// is expected follows in what they print.
fn works_as_pasted(from: &str, to: &str, more: &[(&str, &Path)], expected: &[&str]) {
    let text = document("README.md");
    let quick_start = shell_blocks(&text, "## Quick start", "\n## Commands");
    let script = [&quick_start[..2], &shell_blocks(&text, from, to)[..]].concat().concat();
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(&folder.path().join("data"));
    let program = Path::new(env!("CARGO_BIN_EXE_taabia"));
    let variables = [&[("DATA", &*demo.data_dir), ("TAABIA", program)], more].concat();
    let output = run_shell(&["-eu"], &script, &variables);
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{errors}");
    let mut rest = &*said;
    for expected in expected {
        let Some(at) = rest.find(expected) else { panic!("expected {expected} in what follows:\n{rest}\n{errors}") };
        rest = &rest[at + expected.len()..];
    }
}

#[test]
fn customer_care_works_as_pasted() {
    let expected = [
        r#""complete":true"#,
        r#""kind":"recharge.reserved""#,
        r#""asks":"refill""#,
        r#""says":"applied""#,
        r#""kind":"recharge.completed""#,
        r#""account":"delivered""#,
        r#""msisdn":"2126••••99""#,
        r#""status":"in_progress""#,
        r#""code":"stale_version""#,
        r#""called_back_at":"2"#,
        r#""outcome":"explained""#,
        r#""items":[{"id":"cas_"#,
    ];
    works_as_pasted("## Customer care", "\n## Events for partners", &[], &expected);
}

#[test]
fn the_quick_start_works_as_pasted() {
    let text = document("README.md");
    let script = shell_blocks(&text, "## Quick start", "\n## Commands").concat();
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(&folder.path().join("data"));
    let program = Path::new(env!("CARGO_BIN_EXE_taabia"));
    let path = with_python();
    let output = run_shell(&["-eu"], &script, &[("DATA", &demo.data_dir), ("TAABIA", program), ("PATH", &path)]);
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{errors}");
    let mut rest = &*said;
    for expected in [
        "HTTP/1.1 201 Created",
        r#""status":"completed""#,
        "HTTP/1.1 200 OK",
        "idempotent-replayed: true",
        r#""available":"199999980.00""#,
        r#""items":[{"#,
        r#""code":"voided""#,
        r#""status":"in_doubt""#,
        r#""held":"10.00""#,
        r#""code":"charging_declined""#,
        r#""held":"0.00","available":"199999980.00""#,
        r#""effect":"decided""#,
        r#""jws":"ey"#,
        "'status': 'declined'",
        r#""status":"approved""#,
        r#""amount_done":"1500.00""#,
        r#""code":"D01-W01""#,
        r#""status":"credited""#,
        r#""status":"requires_action""#,
        "Pay by card</h1>",
        "303 http://127.0.0.1:",
        "?returned",
        r#""status":"credited""#,
        "Payment complete</h1>",
        "The books are right",
        "as acknowledged",
        " recharges/s",
        r#""code":"*1""#,
        r#""benefits":[{"kind":"data","quantity":1024,"unit":"MB"}],"validity":"P7D""#,
        r#""arithmetic":"10.00 × 2 % = 0.20, rounded half to even: 0.20""#,
    ] {
        let Some(at) = rest.find(expected) else { panic!("expected {expected} in what follows:\n{rest}\n{errors}") };
        rest = &rest[at + expected.len()..];
    }
}
