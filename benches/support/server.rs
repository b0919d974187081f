//! The program itself as a process, and `taabia load` as another.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use super::{Result, report};

const TAABIA: &str = env!("CARGO_BIN_EXE_taabia");

/// A server, ended when dropped.
pub struct Server {
    pub url: String,
    process: Child,
    /// Kept open: the server may still print.
    _output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts `taabia` with these arguments on any port and waits until it is ready.
    pub fn start(arguments: &[&str], folder: &Path, database_url: &str) -> Result<Self> {
        let mut process = Command::new(TAABIA)
            .args(arguments)
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder)
            .env("TAABIA_DATABASE_URL", database_url)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut output = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut line = String::new();
        loop {
            line.clear();
            if output.read_line(&mut line)? == 0 {
                return Err(format!("taabia {} ended: {}", arguments.join(" "), process.wait()?).into());
            }
            if let Some(url) = line.trim_end().strip_prefix("ready ") {
                return Ok(Self { url: url.to_owned(), process, _output: output });
            }
        }
    }

    /// The most memory that was resident so far, in megabytes.
    pub fn peak_memory_mb(&self) -> Result<f64> {
        super::peak_memory_mb(&self.process.id().to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing here is needed again; that a kill loses nothing is for the tests to show.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a command of the program to its end; gives what it printed.
pub fn taabia(arguments: &[&str], database_url: &str, folder: &Path) -> Result<String> {
    let mut command = Command::new(TAABIA);
    command.args(arguments).arg("--data-dir").arg(folder).env("TAABIA_DATABASE_URL", database_url);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("taabia {} failed: {}", arguments.join(" "), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// How a client logs in.
pub struct Credentials {
    pub client_id: String,
    pub client_secret: String,
}

impl Credentials {
    /// Those of the demonstration's client that sells from most outlets.
    pub fn of_demo(folder: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct Demo {
            clients: Vec<Listed>,
        }
        #[derive(Deserialize)]
        struct Listed {
            name: String,
            #[serde(rename = "client_id")]
            id: String,
            #[serde(rename = "client_secret")]
            secret: String,
        }
        let demo: Demo = serde_json::from_slice(&std::fs::read(folder.join("demo.json"))?)?;
        let atm = demo.clients.into_iter().find(|client| client.name == "atm").ok_or("demo.json has no client atm")?;
        Ok(Self { client_id: atm.id, client_secret: atm.secret })
    }
}

/// Puts `taabia load` on a server and prints its throughput and latency under `name`.
pub fn load(name: &str, url: &str, client: &Credentials, connections: u16, during: Duration) -> Result<()> {
    // What opens connections and fills caches is not measured.
    run_load(url, client, connections, during / 4)?;
    let text = run_load(url, client, connections, during)?;
    let unexpected = || format!("taabia load printed something else than a report:\n{text}");
    let per_s: f64 =
        text.lines().rev().find_map(|line| line.strip_suffix(" recharges/s")?.parse().ok()).ok_or_else(unexpected)?;
    report(&format!("{name}.per_s"), per_s);
    let latency = text.lines().find(|line| line.starts_with("latency, ms")).ok_or_else(unexpected)?;
    let mut words = latency.split_whitespace();
    while let Some(word) = words.next() {
        if matches!(word, "p50" | "p99") {
            let figure = words.next().and_then(|figure| figure.parse().ok()).ok_or_else(unexpected)?;
            report(&format!("{name}.{word}_ms"), figure);
        }
    }
    Ok(())
}

fn run_load(url: &str, client: &Credentials, connections: u16, during: Duration) -> Result<String> {
    let seconds = during.as_secs().max(1).to_string();
    let output = Command::new(TAABIA)
        .args(["load", "--url", url, "--connections", &connections.to_string(), "--duration-s", &seconds])
        .env("TAABIA_LOAD_CLIENT_ID", &client.client_id)
        .env("TAABIA_LOAD_CLIENT_SECRET", &client.client_secret)
        .stderr(Stdio::null())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        return Err(format!("taabia load failed: {}\n{text}", output.status).into());
    }
    Ok(text)
}
