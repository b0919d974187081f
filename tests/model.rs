//! Random scripts against the naive model: identical results from the model and the engine on every store.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::join_all;
use proptest::test_runner::{Config, TestRunner};
use taabia::domain::ids::uuid_v7;
use taabia::domain::records::LimitChange;
use taabia::domain::{
    AccountClass, Asked, Channel, ClientId, ExternalId, Limits, NumberingPlan, OperationId, PartnerId, Proposal,
    Ruling, Shard, Terms, Timestamp,
};
use taabia::engine::{Engine, EngineConfig};
use taabia::ledger::command::{
    AllocateStock, Expire, OpenReseller, Propose, PutRecord, Reserve, Rule, SetLimits, SetStanding, SettleTransfer,
    TransferStock, Void,
};
use taabia::ledger::{Command, Outcome, Registration, Request, Rules};
use taabia::ports::{Clock, Ledger, LedgerError, Randomness, Store};

use crate::support::database::Database;
use crate::support::script::{
    Act, ISSUE_PER_DAY, Model, Seen, parent_of, reseller_id, rules, scripts, shard_of, terminal_of,
};
use crate::support::world::{World, record};
use crate::support::{ManualClock, SeededRandomness, setting};

/// Plays scripts on an engine over one store.
struct Player {
    engine: Arc<Engine>,
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    randomness: SeededRandomness,
    /// Recharges and tombstones in the order in which they were made.
    made: Vec<OperationId>,
    /// Proposals by their keys.
    proposed: HashMap<u8, OperationId>,
    /// Transfers, likewise, with their ends.
    transfers: Vec<(OperationId, usize, Option<usize>)>,
}

impl Player {
    /// One poster, so that what is sent at once is decided in the order of sending.
    fn new(store: Arc<dyn Store>) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-23T00:00:00Z"));
        let config = EngineConfig { posters: 1, ..EngineConfig::default() };
        let rules = Rules { issue_per_day_minor: Some(ISSUE_PER_DAY), ..rules() };
        let engine = Engine::start(store.clone(), clock.clone(), Arc::new(rules), &config);
        Self {
            engine,
            store,
            clock,
            randomness: SeededRandomness::new(7),
            made: Vec::new(),
            proposed: HashMap::new(),
            transfers: Vec::new(),
        }
    }

    fn draw(&self, shard: Shard) -> OperationId {
        let mut random = [0; 10];
        self.randomness.fill(&mut random);
        OperationId::from_uuid(uuid_v7(self.clock.now(), random, shard))
    }

    /// `None` when there is nothing to send.
    fn command(&self, act: &Act) -> Option<Command> {
        let (shards, partner) = (self.store.shards(), PartnerId::from_uuid(uuid::Uuid::from_u128(1)));
        let external_id = |key: u8| format!("key-{key}").parse::<ExternalId>().unwrap();
        let request = match *act {
            Act::Open { reseller } => Request::OpenReseller(OpenReseller {
                registration: Registration {
                    id: reseller_id(reseller),
                    code: format!("R{reseller}"),
                    name: "Réseau".into(),
                    level: "outlet".parse().unwrap(),
                    parent: parent_of(reseller).map(reseller_id),
                    created_at: Timestamp::EPOCH,
                },
                limits: Limits::default(),
                credit_limit_minor: 0,
            }),
            Act::Issue { key, amount } => Request::Propose(Propose {
                operation: self.draw(Shard::OPERATOR),
                external_id: external_id(key),
                proposal: Proposal::Issue,
                amount_minor: amount,
                maker: person(0),
                reason: "more".parse().unwrap(),
                document: "PO-1".parse().unwrap(),
            }),
            Act::Rule { key, person: by, approve } => Request::Rule(Rule {
                ruling: if approve { Ruling::Approve } else { Ruling::Refuse },
                ..ruling(*self.proposed.get(&key)?, person(by))
            }),
            Act::Expire { key } => Request::Expire(Expire { operation: *self.proposed.get(&key)? }),
            Act::Allocate { key, reseller, amount } => Request::AllocateStock(AllocateStock {
                operation: self.draw(Shard::OPERATOR),
                external_id: external_id(key),
                to: reseller_id(reseller),
                asked: Asked::Exactly(amount),
                terms: if key % 2 == 0 { Terms::Consignment } else { Terms::OnAccount },
                reason: "stock".parse().unwrap(),
                run: None,
            }),
            Act::Reserve { reseller, key, number, amount, repeat } => Request::Reserve(Reserve {
                operation: self.draw(shard_of(reseller, shards)),
                partner,
                reseller: reseller_id(reseller),
                external_id: external_id(key),
                msisdn: NumberingPlan::morocco().parse(&format!("+2126123456{number:02}")).unwrap(),
                salt: [number; 16],
                amount_minor: amount,
                product: "airtime".into(),
                channel: Channel::Atm,
                terminal: terminal_of(key).then(|| "ATM-0007".parse().unwrap()),
                allow_repeat: repeat,
                system: taabia::domain::SystemName::MAIN,
            }),
            Act::Void { reseller, key } => Request::Void(Void {
                operation: self.draw(shard_of(reseller, shards)),
                partner,
                reseller: reseller_id(reseller),
                external_id: external_id(key),
            }),
            Act::Standing { reseller, standing } => {
                Request::SetStanding(SetStanding { reseller: reseller_id(reseller), standing, if_version: None })
            }
            Act::Limits { reseller, limits, credit } => {
                Request::SetLimits(SetLimits { reseller: reseller_id(reseller), limits, credit_limit_minor: credit })
            }
            Act::Lower { reseller, terminal, bounds, credit } => Request::LowerLimits(LimitChange {
                reseller: reseller_id(reseller),
                effective_from: None,
                terminal: terminal.then(|| "ATM-0007".parse().unwrap()),
                bounds,
                credit_limit_minor: (!terminal).then_some(credit),
            }),
            Act::Resolve { pick, evidence } => World::resolve(*self.made.get(pick)?, evidence),
            Act::Put { reseller, content, expected } => {
                let (key, content) = record(reseller.map(reseller_id), content);
                Request::PutRecord(PutRecord { key, expected, content })
            }
            Act::Transfer { key, kind, from, to, amount, acceptance } => Request::TransferStock(TransferStock {
                operation: self.draw(shard_of(from, shards)),
                partner,
                external_id: external_id(key),
                from: reseller_id(from),
                to: to.map(reseller_id),
                kind,
                amount_minor: amount,
                asks_acceptance: acceptance,
            }),
            Act::Settle { pick, settlement } => {
                let (operation, from, to) = *self.transfers.get(pick)?;
                let (from, to) = (reseller_id(from), reseller_id(to?));
                Request::SettleTransfer(SettleTransfer { operation, from, to, settlement })
            }
            Act::Wait { ms } => {
                self.clock.advance_ms(ms);
                return None;
            }
        };
        Some(Command { actor: "test".into(), request })
    }

    /// Sends the acts of a chunk at once.
    async fn play(&mut self, chunk: &[Act]) -> Vec<Seen> {
        let commands: Vec<_> = chunk.iter().map(|act| self.command(act)).collect();
        let outcomes = join_all(commands.iter().map(async |command| match command {
            Some(command) => Some(self.engine.execute(command.clone()).await),
            None => None,
        }))
        .await;
        for (act, outcome) in chunk.iter().zip(&outcomes) {
            if let (Act::Reserve { .. } | Act::Void { .. }, Some(Ok(Outcome::Decided(operation)))) = (act, outcome)
                && !self.made.contains(&operation.id)
            {
                self.made.push(operation.id);
            }
            if let (Act::Issue { key, .. }, Some(Ok(Outcome::Decided(operation)))) = (act, outcome) {
                self.proposed.insert(*key, operation.id);
            }
            if let (Act::Transfer { from, to, .. }, Some(Ok(Outcome::Decided(operation)))) = (act, outcome) {
                self.transfers.push((operation.id, *from, *to));
            }
        }
        outcomes.into_iter().map(seen).collect()
    }
}

fn ruling(operation: OperationId, checker: ClientId) -> Rule {
    let reason = "so".parse().unwrap();
    Rule { operation, reseller: None, resolution: None, statement: None, checker, ruling: Ruling::Approve, reason }
}

fn person(number: u8) -> ClientId {
    ClientId::from_uuid(uuid::Uuid::from_u128(u128::from(number) + 1))
}

fn seen(outcome: Option<Result<Outcome, LedgerError>>) -> Seen {
    match outcome {
        None => Seen::Skipped,
        Some(Ok(Outcome::Decided(op))) => Seen::Decided(op.status, op.decline, op.balance_after),
        Some(Ok(Outcome::Replayed(op))) => Seen::Replayed(op.status, op.decline, op.balance_after),
        Some(Ok(Outcome::Unchanged(op))) => Seen::Unchanged(op.status, op.decline, op.balance_after),
        Some(Ok(Outcome::Recorded | Outcome::Tried(_))) => Seen::Recorded,
        Some(Ok(Outcome::Put(record))) => Seen::Put(record.version()),
        Some(Err(LedgerError::Refused(refusal))) => Seen::Refused(refusal),
        Some(Err(error)) => panic!("the engine could not execute: {error}"),
    }
}

/// Plays a script on the model and on a store and compares every answer and, at the end, every balance.
async fn agree(store: Arc<dyn Store>, script: &[Vec<Act>]) {
    let mut model = Model::default();
    let mut player = Player::new(store);
    for chunk in script {
        let expected: Vec<Seen> = chunk.iter().map(|act| model.play(act)).collect();
        assert_eq!(player.play(chunk).await, expected, "{}: {chunk:?}", player.store.dialect());
    }
    assert_eq!(player.made.len(), model.operations());
    assert_eq!(player.transfers.len(), model.transfers.count());
    for (reseller, (posted, held)) in model.balances() {
        let shard = shard_of(reseller, player.store.shards());
        let stock = player.store.stock(shard, reseller_id(reseller)).await.unwrap().unwrap();
        assert_eq!((stock.posted, stock.held), (posted, held), "reseller {reseller}");
        assert_eq!(stock.class, AccountClass::ResellerStock);
    }
    player.engine.close().await;
}

/// Runs a property `cases` times, each over a fresh store that lives as long as what comes with it; the failing script
/// is printed.
fn check_scripts<Guard>(cases: u64, make: impl AsyncFn() -> (Arc<dyn Store>, Guard)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let cases = u32::try_from(cases).unwrap();
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let result = runner.run(&scripts(40), |script| {
        runtime.block_on(async {
            let (store, _guard) = make().await;
            agree(store, &script).await;
        });
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn the_engine_agrees_with_the_model_in_memory() {
    for shards in [1, 3] {
        check_scripts(setting("TAABIA_MODEL_CASES", 128), async || {
            (Arc::new(taabia::simulator::MemoryStore::new(shards)) as Arc<dyn Store>, ())
        });
    }
}

#[test]
fn the_engine_agrees_with_the_model_on_sqlite() {
    check_scripts(setting("TAABIA_MODEL_CASES", 24), async || {
        let database = Database::sqlite().await;
        (database.storage.store.clone(), database)
    });
}

#[test]
fn the_engine_agrees_with_the_model_on_postgres() {
    check_scripts(setting("TAABIA_MODEL_CASES", 24), async || {
        let database = Database::postgres().await;
        (database.storage.store.clone(), database)
    });
}
