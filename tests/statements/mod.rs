//! Statements on every store: exact whatever is written out and whatever goes on meanwhile.

mod audit;
mod commissions;
mod days;
mod laws;
mod pages;
mod watch;

use std::sync::Arc;

use taabia::domain::ids::uuid_v7;
use taabia::domain::{Calendar, ClientId, PartnerId, Shard, Timestamp};
use taabia::ledger::Evidence;
use taabia::services::statements::{Boundaries, Line, PageStart, Period, StatementPage};
use taabia::services::{Caller, Directory, Scope, Statements};

use crate::support::world::World;

pub fn calendar() -> Calendar {
    crate::support::script::rules().calendar
}

pub fn service(world: &World) -> Statements {
    Statements {
        directory: Arc::new(Directory::new(world.books.registry.clone(), world.books.store.shards())),
        reads: world.books.store.clone(),
        movements: world.books.movements.clone(),
        clock: world.clock.clone(),
        calendar: calendar(),
        boundaries: Boundaries::default(),
    }
}

/// A client that acts for these resellers.
pub fn caller(world: &World, names: &[&str]) -> Caller {
    Caller {
        client: ClientId::from_uuid(uuid_v7(Timestamp::EPOCH, [1; 10], Shard::OPERATOR)),
        partner: PartnerId::OPERATOR,
        name: "auditor".into(),
        scopes: Scope::ALL.into(),
        roots: names.iter().map(|name| world.id(name)).collect(),
        rate_limit_per_s: None,
        address: None,
        request: None,
    }
}

pub const ALWAYS: Period = Period::Between { from: None, to: None };

/// Sells and waits for the outcome.
pub async fn sell(world: &World, name: &str, key: &str, amount_minor: i64) {
    let operation = world.recharge(name, key, amount_minor).await;
    world.must(World::resolve(operation.id, Evidence::Applied)).await;
}

/// All pages of a statement, newest first, and what each said of the whole.
pub async fn all_pages(world: &World, name: &str, period: Period, limit: u32) -> (StatementPage, Vec<Line>) {
    let (statements, caller) = (service(world), caller(world, &[name]));
    let mut lines = Vec::new();
    let mut start: Option<PageStart> = None;
    loop {
        let mut page = statements.page(&caller, world.id(name), period, start, limit).await.unwrap();
        assert!(page.lines.len() <= limit as usize);
        lines.append(&mut page.lines);
        start = page.next;
        if start.is_none() {
            return (page, lines);
        }
    }
}
