//! `taabia simulate acquirer` as a process of its own: it is killed, and what it answered is still there.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use taabia::acquiring::simulator::{Config, Simulator};
use taabia::ports::Acquirer;
use taabia::ports::acquirer::{Authorised, CaptureMode, Lookup, Outcome, PaymentStage, RefusalReason};

use super::{clock, dependencies, mad, payment, payment_order, submit_by, token};

struct Process(Child, String);

impl Process {
    fn start(data_dir: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_taabia"))
            .args(["simulate", "acquirer", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .env("TAABIA_SIMULATE_KEY", "key_of_the_tests")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("ready ").unwrap_or_else(|| panic!("{line}")).to_owned();
        Self(process, url)
    }

    fn adapter(&self, key: &str) -> Simulator {
        let config = Config { key: key.into(), ..Config::new(&*self.1) };
        Simulator::new(&config, &dependencies(&clock())).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

#[tokio::test]
async fn a_killed_acquirer_simulator_keeps_what_it_answered() {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path());
    let adapter = process.adapter("key_of_the_tests");
    let pay = async |adapter: &Simulator, order: &str| {
        adapter.authorise(&payment_order(order, token("tok_approved"), CaptureMode::Manual)).await
    };
    for order in ["a", "b"] {
        assert!(matches!(pay(&adapter, order).await, Outcome::Done(Authorised::Held { .. })));
    }
    assert!(matches!(adapter.capture(&payment("a"), mad(106_050), submit_by()).await, Outcome::Done(_)));
    let stranger = pay(&process.adapter("wrong"), "c").await;
    assert!(matches!(stranger, Outcome::Refused(refusal) if refusal.reason == RefusalReason::Misconfigured));
    drop(process);

    let process = Process::start(directory.path());
    let adapter = process.adapter("key_of_the_tests");
    for (order, stage) in [("a", PaymentStage::Captured), ("b", PaymentStage::Authorised)] {
        let found = adapter.lookup(&payment(order)).await;
        assert!(matches!(&found, Lookup::Known(state) if state.stage == stage), "{order}: {found:?}");
    }
    assert_eq!(adapter.lookup(&payment("c")).await, Lookup::NotKnown);
    assert!(matches!(adapter.capture(&payment("a"), mad(106_050), submit_by()).await, Outcome::Done(_)), "once only");
}
