//! The table: what was measured, beside its yardstick and what `design.md` and the README promise.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::Result;
use super::arguments::Arguments;
use super::hot_account::median;

/// What a row shows of a measurement.
#[derive(Clone, Copy)]
enum Kind {
    /// Throughput, with latencies where they were taken.
    Throughput,
    /// Latencies alone.
    Latency,
    Percent,
    Megabytes,
}

/// What is promised of a figure.
#[derive(Clone, Copy)]
enum Promise {
    None,
    /// At least so many times the throughput of the yardstick; with a p99 below so many milliseconds.
    Times {
        least: f64,
        p99_below_ms: Option<f64>,
        words: &'static str,
    },
    /// At least so many per second.
    AtLeast {
        per_s: f64,
        words: &'static str,
    },
    Below {
        bound: f64,
        words: &'static str,
    },
}

struct Row {
    label: &'static str,
    name: &'static str,
    kind: Kind,
    yardstick: Option<&'static str>,
    promise: Promise,
}

const PGBENCH: Option<&str> = Some("pgbench");

const fn throughput(label: &'static str, name: &'static str, yardstick: Option<&'static str>, promise: Promise) -> Row {
    Row { label, name, kind: Kind::Throughput, yardstick, promise }
}

const fn read(label: &'static str, name: &'static str) -> Row {
    let promise = Promise::Below { bound: 50.0, words: "p99 < 50 ms" };
    Row { label, name, kind: Kind::Latency, yardstick: None, promise }
}

const fn times(least: f64, p99_below_ms: Option<f64>, words: &'static str) -> Promise {
    Promise::Times { least, p99_below_ms, words }
}

const COST: Promise = Promise::Below { bound: 10.0, words: "< 10 %" };
const IMPORT: Promise = Promise::AtLeast { per_s: 10_000.0, words: "≥ 10,000/s" };
const SETTLEMENT: Promise = Promise::AtLeast { per_s: 50_000.0, words: "≥ 50,000/s" };
const TOTALS: Promise = Promise::Below { bound: 200.0, words: "p99 < 200 ms" };
const MEMORY: Promise = Promise::Below { bound: 300.0, words: "< 300 MB" };

#[rustfmt::skip]
const ROWS: [Row; 64] = [
    throughput("PostgreSQL: pgbench simple-update, 16 connections", "pgbench", None, Promise::None),
    throughput("PostgreSQL: recharges, one transaction per step, 16 connections", "naive_postgres", PGBENCH, Promise::None),
    throughput("PostgreSQL: engine, 2,048 in flight", "engine_postgres", PGBENCH, times(2.5, None, "≥ 2.5 × (goal 4 ×)")),
    throughput("PostgreSQL: engine with limits and commissions, 2,048 in flight", "rules_postgres", Some("engine_postgres"), times(0.85, None, "≥ 0.85 ×")),
    throughput("PostgreSQL: engine, 2,048 in flight, one shard", "hot_1", PGBENCH, Promise::None),
    Row { label: "cost of the operator's account, eight shards", name: "hot_8.cost_percent", kind: Kind::Percent, yardstick: None, promise: COST },
    Row { label: "cost of the operator's account, one shard", name: "hot_1.cost_percent", kind: Kind::Percent, yardstick: None, promise: COST },
    throughput("SQLite: one transaction per step, one after the other", "single_sqlite", None, Promise::None),
    throughput("SQLite: engine, 2,048 in flight", "engine_sqlite", Some("single_sqlite"), times(5.0, None, "≥ 5 ×")),
    throughput("HTTP, ledger answers at once, 64 connections", "ceiling_64", PGBENCH, Promise::None),
    throughput("HTTP, ledger answers at once, 256 connections", "ceiling_256", PGBENCH, Promise::None),
    throughput("HTTP, PostgreSQL, 64 connections", "http_postgres_64", PGBENCH, times(1.5, Some(25.0), "≥ 1.5 ×, p99 < 25 ms")),
    throughput("HTTP, PostgreSQL, 256 connections", "http_postgres_256", PGBENCH, times(2.0, None, "≥ 2 ×")),
    throughput("HTTP, PostgreSQL, 64 connections, no commissions", "plain_postgres_64", PGBENCH, Promise::None),
    throughput("HTTP, PostgreSQL, 256 connections, no commissions", "plain_postgres_256", PGBENCH, Promise::None),
    throughput("HTTP, PostgreSQL, 64 connections, to the same without commissions", "http_postgres_64", Some("plain_postgres_64"), times(0.85, None, "≥ 0.85 ×")),
    throughput("HTTP, PostgreSQL, 256 connections, to the same without commissions", "http_postgres_256", Some("plain_postgres_256"), times(0.85, None, "≥ 0.85 ×")),
    throughput("HTTP, SQLite, 64 connections", "http_sqlite_64", Some("single_sqlite"), Promise::None),
    throughput("HTTP, SQLite, 256 connections", "http_sqlite_256", Some("single_sqlite"), Promise::None),
    Row { label: "memory of the server at most, PostgreSQL", name: "http_postgres.memory_mb", kind: Kind::Megabytes, yardstick: None, promise: MEMORY },
    Row { label: "memory of the server at most, SQLite", name: "http_sqlite.memory_mb", kind: Kind::Megabytes, yardstick: None, promise: MEMORY },
    throughput("HTTP, PostgreSQL, top-ups by card, 64 connections", "topups_postgres_64", PGBENCH, times(1.0, None, "≥ 1 ×")),
    throughput("HTTP, PostgreSQL, top-ups by card, 256 connections", "topups_postgres_256", PGBENCH, times(1.0, None, "≥ 1 ×")),
    throughput("HTTP, PostgreSQL, recharges alone, 64 connections", "recharges_alone", None, Promise::None),
    throughput("HTTP, PostgreSQL, recharges beside top-ups, 64 connections", "recharges_beside_topups", Some("recharges_alone"), times(0.95, None, "≥ 0.95 ×")),
    throughput("HTTP, PostgreSQL, recharges alone again, 64 connections", "recharges_alone_again", Some("recharges_alone"), Promise::None),
    throughput("HTTP, PostgreSQL, those top-ups", "topups_beside", None, Promise::None),
    Row { label: "memory of the server at most, top-ups", name: "topups.memory_mb", kind: Kind::Megabytes, yardstick: None, promise: MEMORY },
    throughput("PostgreSQL: network from CSV, 50,000 outlets", "network_import_postgres", None, IMPORT),
    throughput("SQLite: network from CSV, 50,000 outlets", "network_import_sqlite", None, Promise::None),
    Row { label: "memory of the import at most", name: "network_import.memory_mb", kind: Kind::Megabytes, yardstick: None, promise: MEMORY },
    throughput("PostgreSQL: lines of a run over 50,000 outlets", "run_alone", Some("engine_postgres"), Promise::None),
    throughput("PostgreSQL: the same with recharges beside it, 256 in flight", "run_beside", Some("engine_postgres"), Promise::None),
    throughput("PostgreSQL: recharges beside that run", "run_recharges", Some("engine_postgres"), Promise::None),
    Row { label: "memory of runs at most", name: "runs.memory_mb", kind: Kind::Megabytes, yardstick: None, promise: MEMORY },
    throughput("PostgreSQL: lines of a settlement file, compared and booked", "settlement_postgres", None, SETTLEMENT),
    throughput("PostgreSQL: lines of the charging system's record", "charging_record_postgres", None, SETTLEMENT),
    throughput("SQLite: lines of a settlement file, compared and booked", "settlement_sqlite", None, Promise::None),
    throughput("SQLite: lines of the charging system's record", "charging_record_sqlite", None, Promise::None),
    Row { label: "memory of settlement at most, with the files", name: "settlement.memory_mb", kind: Kind::Megabytes, yardstick: None, promise: MEMORY },
    Row { label: "PostgreSQL: totals of a subtree of 52,001", name: "totals_postgres", kind: Kind::Latency, yardstick: None, promise: TOTALS },
    Row { label: "SQLite: totals of a subtree of 52,001", name: "totals_sqlite", kind: Kind::Latency, yardstick: None, promise: TOTALS },
    read("balance, client with 1 outlet", "reads.balance.1"),
    read("balance, client with 100 outlets", "reads.balance.100"),
    read("balance, client with all 2,000 outlets", "reads.balance.all"),
    read("balance, client with 500 outlets that sold nothing", "reads.balance.quiet"),
    read("list, client with 1 outlet", "reads.list.1"),
    read("list, client with 100 outlets", "reads.list.100"),
    read("list, client with all 2,000 outlets", "reads.list.all"),
    read("list, client with 500 outlets that sold nothing", "reads.list.quiet"),
    read("list of declined ones, client with 1 outlet", "reads.declined.1"),
    read("list of declined ones, client with 100 outlets", "reads.declined.100"),
    read("list of declined ones, client with all 2,000 outlets", "reads.declined.all"),
    read("list of declined ones, client with 500 outlets that sold nothing", "reads.declined.quiet"),
    read("list by number, client with 1 outlet", "reads.msisdn.1"),
    read("list by number, client with 100 outlets", "reads.msisdn.100"),
    read("list by number, client with all 2,000 outlets", "reads.msisdn.all"),
    read("list by number, client with 500 outlets that sold nothing", "reads.msisdn.quiet"),
    read("PostgreSQL: page of a statement, 1 million movements", "statements_postgres.page"),
    read("SQLite: page of a statement, 1 million movements", "statements_sqlite.page"),
    throughput("PostgreSQL: entries written out for statements", "statements_postgres.write_out", None, Promise::None),
    throughput("SQLite: entries written out for statements", "statements_sqlite.write_out", None, Promise::None),
    Row { label: "memory of the server after exports of 1 million movements, PostgreSQL", name: "statements_postgres.memory_mb", kind: Kind::Megabytes, yardstick: None, promise: MEMORY },
    Row { label: "memory of the server after exports of 1 million movements, SQLite", name: "statements_sqlite.memory_mb", kind: Kind::Megabytes, yardstick: None, promise: MEMORY },
];

/// All figures of a run; a name that was measured several times stands for its median.
struct Figures(HashMap<String, Vec<f64>>);

impl Figures {
    fn read(text: &str) -> Result<Self> {
        let mut figures: HashMap<String, Vec<f64>> = HashMap::new();
        for line in text.lines() {
            let (name, figure) = line.split_once('\t').ok_or_else(|| format!("not a figure: {line}"))?;
            figures.entry(name.to_owned()).or_default().push(figure.parse()?);
        }
        Ok(Self(figures))
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).cloned().map(median)
    }
}

/// Prints the table of `--results FILE` as Markdown.
pub fn print(arguments: &Arguments) -> Result<()> {
    let figures = Figures::read(&std::fs::read_to_string(arguments.text("results")?)?)?;
    if let Some(rows) = figures.get("reads.rows") {
        println!("Balances and lists are read over {} recharges.\n", thousands(rows));
    }
    println!("| what | figure | p50, ms | p99, ms | against its yardstick | promised | kept |");
    println!("| --- | ---: | ---: | ---: | ---: | --- | --- |");
    for row in &ROWS {
        println!("{}", row.show(&figures));
    }
    Ok(())
}

impl Row {
    fn show(&self, figures: &Figures) -> String {
        let part = |part: &str| figures.get(&format!("{}.{part}", self.name));
        let (p50, p99) = (part("p50_ms"), part("p99_ms"));
        let (value, figure) = match self.kind {
            Kind::Throughput => (part("per_s"), part("per_s").map(|per_s| format!("{}/s", thousands(per_s)))),
            Kind::Latency => (p99, None),
            Kind::Percent => named(figures.get(self.name), |percent| format!("{percent:.1} %")),
            Kind::Megabytes => named(figures.get(self.name), |megabytes| format!("{megabytes:.0} MB")),
        };
        let against = self.yardstick.and_then(|name| Some((name, value? / figures.get(&format!("{name}.per_s"))?)));
        let (words, kept) = self.promise.judge(value, against.map(|(_, ratio)| ratio), p99);
        let milliseconds = |ms: Option<f64>| ms.map(|ms| format!("{ms:.2}")).unwrap_or_default();
        let mut line = format!("| {} | {} ", self.label, figure.unwrap_or_default());
        let _ = write!(line, "| {} | {} ", milliseconds(p50), milliseconds(p99));
        let ratio = against.map(|(name, ratio)| format!("{ratio:.2} × {}", yardstick(name))).unwrap_or_default();
        let _ = write!(line, "| {ratio} | {words} | {} |", kept.map_or("", |kept| if kept { "yes" } else { "no" }));
        line
    }
}

fn named(value: Option<f64>, show: impl Fn(f64) -> String) -> (Option<f64>, Option<String>) {
    (value, value.map(show))
}

fn yardstick(name: &str) -> &str {
    match name {
        "single_sqlite" => "one by one",
        "engine_postgres" => "plain",
        "recharges_alone" => "alone",
        name => name,
    }
}

impl Promise {
    /// The promise in words, and whether it was kept when all it needs was measured.
    fn judge(self, value: Option<f64>, ratio: Option<f64>, p99: Option<f64>) -> (&'static str, Option<bool>) {
        match self {
            Self::None => ("", None),
            Self::AtLeast { per_s, words } => (words, value.map(|value| value >= per_s)),
            Self::Below { bound, words } => (words, value.map(|value| value < bound)),
            Self::Times { least, p99_below_ms: None, words } => (words, ratio.map(|ratio| ratio >= least)),
            Self::Times { least, p99_below_ms: Some(bound), words } => {
                (words, ratio.zip(p99).map(|(ratio, p99)| ratio >= least && p99 < bound))
            }
        }
    }
}

/// Rounded, with a comma between groups of three digits.
fn thousands(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
