//! The commercial network: a tree that only the ledger changes.

mod moves;
mod places;
mod tampering;

use taabia::domain::{ResellerId, Standing};
use taabia::ledger::command::{ChangePlace, SetStanding};
use taabia::ledger::{PlaceRefusal, Refusal, Request};
use taabia::ports::LedgerError;

use crate::support::world::{Done, World};

/// What opens a reseller below another.
fn below(world: &World, name: &str, level: &str, parent: Option<&str>) -> Request {
    let Request::OpenReseller(mut open) = world.open(name) else { unreachable!("it opens a reseller") };
    open.registration.level = level.parse().unwrap();
    open.registration.parent = parent.map(|parent| world.id(parent));
    Request::OpenReseller(open)
}

/// D above W1 and W2; W1 above A and B, W2 above C.
async fn small_tree(world: &World) {
    for (name, level, parent) in [
        ("D", "distributor", None),
        ("W1", "wholesaler", Some("D")),
        ("W2", "wholesaler", Some("D")),
        ("A", "outlet", Some("W1")),
        ("B", "outlet", Some("W1")),
        ("C", "outlet", Some("W2")),
    ] {
        world.must(below(world, name, level, parent)).await;
    }
}

/// A change of nothing, to be filled in.
fn change(world: &World, name: &str) -> ChangePlace {
    ChangePlace { reseller: world.id(name), code: None, name: None, level: None, parent: None, if_version: None }
}

fn move_to(world: &World, name: &str, parent: Option<&str>) -> Request {
    let parent = Some(parent.map(|parent| world.id(parent)));
    Request::ChangePlace(ChangePlace { parent, ..change(world, name) })
}

fn close(world: &World, name: &str) -> Request {
    let (reseller, standing) = (world.id(name), Standing::Closed);
    Request::SetStanding(SetStanding { reseller, standing, if_version: None })
}

fn refused(refusal: PlaceRefusal) -> Done {
    Err(LedgerError::Refused(Refusal::Place(refusal)))
}

async fn line(world: &World, name: &str) -> Vec<ResellerId> {
    world.books.registry.ancestors(world.id(name)).await.unwrap()
}

fn ids<const N: usize>(world: &World, names: [&str; N]) -> Vec<ResellerId> {
    names.map(|name| world.id(name)).into()
}

async fn subtree(world: &World, name: &str) -> Vec<ResellerId> {
    let found = world.books.registry.subtree(&[world.id(name)], None, 1_000).await.unwrap();
    found.into_iter().map(|place| place.id).collect()
}

fn sorted(mut ids: Vec<ResellerId>) -> Vec<ResellerId> {
    ids.sort_unstable();
    ids
}
