//! A partner that is held to known terminals sells from those alone.

use taabia::domain::records::{PartnerPolicy, Terminal};
use taabia::domain::{Decline, PartnerId, RecordKey, RecordKind, Standing, Status};
use taabia::engine::EngineConfig;
use taabia::ledger::Request;
use taabia::ledger::command::PutRecord;
use taabia::ports::Ledger as _;

use crate::support::on_every_store;
use crate::support::world::{Books, World, command};

fn policy(partner: PartnerId, required: bool) -> Request {
    let key = RecordKey::of_operator(RecordKind::PartnerPolicy, PartnerPolicy::record_id(partner));
    let content = PartnerPolicy { requires_known_terminal: required }.into();
    Request::PutRecord(PutRecord { key, expected: None, content })
}

fn terminal(world: &World, outlet: &str, name: &str, blocked: bool) -> Request {
    let id = Terminal::record_id(world.partner, &name.parse().unwrap());
    let key = RecordKey::of_reseller(RecordKind::Terminal, world.id(outlet), id);
    Request::PutRecord(PutRecord { key, expected: None, content: Terminal { blocked }.into() })
}

/// What becomes of a recharge from a terminal, on one of the nodes.
async fn sell(world: &World, node: usize, outlet: &str, key: &str, name: Option<&str>) -> Option<Decline> {
    let mut order = world.reserve(outlet, key, 1_000);
    order.terminal = name.map(|name| name.parse().unwrap());
    let outcome = world.nodes[node].execute(command(Request::Reserve(order))).await.unwrap();
    let operation = outcome.operation().unwrap();
    assert_eq!(operation.decline.is_some(), operation.status == Status::Declined);
    operation.decline
}

on_every_store!(a_partner_sells_from_known_terminals_only_when_it_is_held_to_them, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    for outlet in ["R1", "R2"] {
        world.reseller(outlet, 1_000_000).await;
    }
    let (unknown, blocked) = (Some(Decline::TerminalUnknown), Some(Decline::TerminalBlocked));
    assert_eq!(sell(&world, 0, "R1", "a", Some("ATM-1")).await, None);
    assert_eq!(sell(&world, 1, "R1", "b", None).await, None);
    // Somebody else is held to them: nothing changes for this partner.
    world.must(policy(PartnerId::from_uuid(uuid::Uuid::from_u128(99)), true)).await;
    assert_eq!(sell(&world, 1, "R1", "c", Some("ATM-1")).await, None);

    world.must(policy(world.partner, true)).await;
    for node in 0..2 {
        assert_eq!(sell(&world, node, "R1", &format!("d{node}"), Some("ATM-1")).await, unknown);
        assert_eq!(sell(&world, node, "R1", &format!("e{node}"), None).await, unknown);
    }
    world.must(terminal(&world, "R1", "ATM-1", false)).await;
    for node in 0..2 {
        assert_eq!(sell(&world, node, "R1", &format!("f{node}"), Some("ATM-1")).await, None);
        assert_eq!(sell(&world, node, "R2", &format!("f{node}"), Some("ATM-1")).await, unknown, "it stands elsewhere");
    }
    // A decline is final for its key, whatever is registered later.
    assert_eq!(sell(&world, 0, "R1", "d0", Some("ATM-1")).await, unknown);

    world.must(terminal(&world, "R1", "ATM-1", true)).await;
    for node in 0..2 {
        assert_eq!(sell(&world, node, "R1", &format!("g{node}"), Some("ATM-1")).await, blocked);
    }
    // In its place in the order of precedence.
    let mut tiny = world.reserve("R1", "tiny", 1);
    tiny.terminal = Some("ATM-1".parse().unwrap());
    let outcome = world.must(Request::Reserve(tiny)).await;
    assert_eq!(outcome.operation().unwrap().decline, blocked);
    world.must(world.standing("R1", Standing::Suspended)).await;
    assert_eq!(sell(&world, 0, "R1", "h", Some("ATM-1")).await, Some(Decline::ResellerSuspended));
    world.must(world.standing("R1", Standing::Active)).await;

    world.must(terminal(&world, "R1", "ATM-1", false)).await;
    assert_eq!(sell(&world, 1, "R1", "i", Some("ATM-1")).await, None);
    world.must(policy(world.partner, false)).await;
    assert_eq!(sell(&world, 1, "R1", "j", Some("ATM-9")).await, None);
    world.close().await;
});
