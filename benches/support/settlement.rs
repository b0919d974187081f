//! How fast the lines of an acquirer's settlement file and of the charging system's daily record are compared with the
//! books and booked, by the use case that the command and the call have.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use taabia::acquiring::{AcquirerConfig, Acquirers, Dependencies, Rule, Setup, in_process};
use taabia::cli::clock::{SystemClock, SystemRandomness};
use taabia::cli::node::start_engine;
use taabia::domain::{BusinessDay, Money, Operation, OperationId, OperationKind, PartnerId, ResellerId, Shard, Status};
use taabia::ledger::command::{AdvanceTopup, Evidence, Resolve, Source, StartTopup, TopupEvidence};
use taabia::ledger::{Actor, Command, Request};
use taabia::ports::acquirer::CaptureMode;
use taabia::ports::{Clock as _, Ledger};
use taabia::services::Settlements;
use taabia::services::settlement::{RecordProfile, Settlement};
use taabia::simulator::network::{NetworkPlan, Seeder};
use taabia::storage::Storage;
use tokio::time::Instant;

use super::arguments::Arguments;
use super::load::{draw, reserve};
use super::{Result, installation, peak_memory_mb, report};

const DATABASE: &str = "bench_settlement";
const ACQUIRER: &str = "bench";
/// Stock of a top-up and of a recharge, and what an acquirer keeps, in minor units.
const FACE_MINOR: i64 = 1_000;
const FEE_MINOR: i64 = 7;
/// Commands at once while the books are filled.
const AT_ONCE: usize = 2_048;

pub async fn measure(arguments: &Arguments) -> Result<()> {
    let folder = arguments.folder()?;
    let lines: u32 = arguments.number("lines")?;
    let config = installation::config(&[])?;
    let postgres = installation::postgres_database(arguments.postgres()?, DATABASE).await?;
    for (name, url) in [("postgres", postgres), ("sqlite", installation::sqlite_file(&folder, "settlement")?)] {
        let storage = installation::install(&url, config.shards, &config).await?;
        let engine = start_engine(&config, &storage);
        let outlets = seed(&storage, engine.clone(), 2 * i64::from(lines) * FACE_MINOR).await?;
        let books = Books { ledger: engine.clone(), shards: storage.store.shards(), outlets };
        let services = services(&storage, engine.clone())?;
        let actor = Actor::from("operator:bench");

        let file = written(&folder, "settlement.csv", &books.topups(lines).await?)?;
        let begun = Instant::now();
        let (settlement, _) = services.import(&actor, &ACQUIRER.parse()?, file).await.map_err(|it| it.to_string())?;
        told(&format!("settlement_{name}"), &settlement, begun, lines)?;

        let file = written(&folder, "record.csv", &books.recharges(lines).await?)?;
        let begun = Instant::now();
        let (settlement, _) = services.import_record(&actor, file).await.map_err(|error| error.to_string())?;
        told(&format!("charging_record_{name}"), &settlement, begun, lines)?;
        engine.close().await;
    }
    report("settlement.memory_mb", peak_memory_mb("self")?);
    installation::drop_postgres_database(arguments.postgres()?, DATABASE).await
}

/// A file that is not what the books say would be a figure of another work.
fn told(name: &str, settlement: &Settlement, begun: Instant, lines: u32) -> Result<()> {
    let seconds = begun.elapsed().as_secs_f64();
    if settlement.file.matched.count != i64::from(lines) {
        return Err(format!("{name}: {} of {lines} lines match", settlement.file.matched.count).into());
    }
    report(&format!("{name}.per_s"), f64::from(lines) / seconds);
    Ok(())
}

fn written(folder: &Path, name: &str, text: &str) -> Result<File> {
    let path = folder.join(name);
    let mut out = BufWriter::new(File::create(&path)?);
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(File::open(path)?)
}

/// The network of the demonstration, and stock for the top-ups.
async fn seed(storage: &Storage, ledger: Arc<dyn Ledger>, more_minor: i64) -> Result<Vec<ResellerId>> {
    let seeder = Seeder {
        ledger: ledger.clone(),
        registry: storage.registry.clone(),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        shards: storage.store.shards(),
    };
    seeder.issue_more(more_minor).await?;
    let plan = NetworkPlan::demo(storage.currency.exponent());
    installation::seed(&plan, ledger, storage.registry.clone(), &*storage.store).await
}

fn services(storage: &Storage, ledger: Arc<dyn Ledger>) -> Result<Settlements> {
    let dependencies = Dependencies { clock: Arc::new(SystemClock), randomness: Arc::new(SystemRandomness) };
    let setup = Setup {
        adapter: AcquirerConfig::InProcess(in_process::Config::default()),
        rule: Rule::default(),
        breaker: taabia::acquiring::breaker::BreakerConfig::default(),
        capture: CaptureMode::Automatic,
    };
    let acquirers = Acquirers::connect([(ACQUIRER.parse()?, setup)], &dependencies).map_err(|(_, error)| error)?;
    Ok(Settlements {
        ledger,
        reads: storage.store.clone(),
        settlement: storage.settlement.clone(),
        registry: storage.registry.clone(),
        acquirers: Arc::new(acquirers),
        clock: Arc::new(SystemClock),
        currency: storage.currency,
        record: RecordProfile::default(),
    })
}

/// Fills the books, and writes what the outside has in its own.
struct Books {
    ledger: Arc<dyn Ledger>,
    shards: u16,
    outlets: Vec<ResellerId>,
}

impl Books {
    async fn must(&self, request: Request, status: Status) -> Result<Arc<Operation>> {
        let outcome = self.ledger.execute(Command { actor: "client:bench".into(), request }).await?;
        let operation = outcome.operation().ok_or("no operation came of it")?;
        if operation.status != status {
            return Err(format!("{} instead of {}", operation.status.name(), status.name()).into());
        }
        Ok(operation.clone())
    }

    fn outlet(&self, number: u32) -> (ResellerId, Shard) {
        let reseller = self.outlets[number as usize % self.outlets.len()];
        (reseller, Shard::of(reseller.uuid(), self.shards))
    }

    async fn all(&self, lines: u32, line: impl AsyncFn(u32) -> Result<String>) -> Result<String> {
        stream::iter(0..lines)
            .map(|number| line(number))
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await
            .map(|lines| lines.concat())
    }

    /// Top-ups that were paid and credited; the acquirer's file of them.
    async fn topups(&self, lines: u32) -> Result<String> {
        let day = BusinessDay::of(SystemClock.now(), &jiff::tz::TimeZone::UTC);
        let partner = PartnerId::from_uuid(draw(Shard::OPERATOR).0);
        let lines = self.all(lines, async |number| {
            let (reseller, shard) = self.outlet(number);
            let start = StartTopup {
                operation: OperationId::from_uuid(draw(shard).0),
                partner,
                external_id: format!("settle-{number}").parse()?,
                reseller,
                face_minor: FACE_MINOR,
                named: None,
                method: Some([7; 32]),
                return_url: None,
                asked: Some(ACQUIRER.into()),
                recharge: None,
            };
            let started = self.must(Request::StartTopup(start), Status::Processing).await?;
            let amount_minor = started.topup().ok_or("it is no top-up")?.due_minor();
            let taken = AdvanceTopup {
                operation: started.id,
                reseller,
                reference: Some(format!("pay_{number}").into()),
                evidence: TopupEvidence::Taken { acquirer: ACQUIRER.into(), amount_minor },
            };
            self.must(Request::AdvanceTopup(taken), Status::Credited).await?;
            let order = OperationKind::Topup.render(started.id);
            let money = |minor| Money::from_minor(minor, taabia::domain::Currency::MAD);
            let (gross, fee, net) = (money(amount_minor), money(FEE_MINOR), money(amount_minor - FEE_MINOR));
            Ok(format!("{order},pay_{number},payment,{gross},{fee},{net},MAD,{day}\n"))
        });
        Ok("order,reference,kind,gross,fee,net,currency,settled_on\n".to_owned() + &lines.await?)
    }

    /// Recharges that were completed; the charging system's record of them.
    async fn recharges(&self, lines: u32) -> Result<String> {
        let day = BusinessDay::of(SystemClock.now(), &jiff::tz::TimeZone::UTC);
        let partner = PartnerId::from_uuid(draw(Shard::OPERATOR).0);
        let lines = self.all(lines, async |number| {
            let (reseller, shard) = self.outlet(number);
            let reserve = reserve((reseller, shard), partner, number.into(), FACE_MINOR);
            let msisdn = reserve.msisdn.e164();
            let reserved = self.must(Request::Reserve(reserve), Status::Submitted).await?;
            let reference = reserved.recharge().and_then(|it| it.charging_reference).ok_or("it was not sent")?;
            let source = Source::answer(SystemClock.now());
            let resolve = Resolve { operation: reserved.id, evidence: Evidence::Applied, source };
            self.must(Request::Resolve(resolve), Status::Completed).await?;
            let amount = Money::from_minor(FACE_MINOR, taabia::domain::Currency::MAD);
            Ok(format!("{reference},{msisdn},{amount},{day}T08:00:00Z,applied\n"))
        });
        Ok("reference,msisdn,amount,time,result\n".to_owned() + &lines.await?)
    }
}
