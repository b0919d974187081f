//! Verification finds what was done to the network behind the program's back.

use taabia::engine::EngineConfig;
use taabia::reports::verify::{Options, verify};

use super::{below, move_to, small_tree};
use crate::support::books_of;
use crate::support::database::{Database, on_both};
use crate::support::world::World;

/// Verification's finding after a statement by hand on a network in which a subtree has moved.
async fn finding(db: &Database, statement: &'static str) -> String {
    let world = World::with(books_of(db), EngineConfig::default()).await;
    small_tree(&world).await;
    world.must(below(&world, "E", "distributor", None)).await;
    world.must(move_to(&world, "W1", Some("E"))).await;
    for node in &world.nodes {
        node.close().await;
    }
    crate::support::must_verify(&*db.storage.audit).await;
    assert!(db.by_hand(statement).await.unwrap() > 0, "{statement} changes something");
    let found = verify(&*db.storage.audit, &Options::default(), &mut |_| {}).await;
    found.expect_err("tampered books are not right").to_string()
}

macro_rules! found {
    ($($name:ident: $statement:literal => $text:literal,)+) => {
        on_both! {$(
            async fn $name(db: &Database) {
                let found = finding(db, $statement).await;
                assert!(found.contains($text), "{found}");
            }
        )+}
    };
}

found! {
    another_name: "UPDATE reseller SET name = 'Somebody else' WHERE code = 'A'" => "its place in the network is not as",
    another_code: "UPDATE reseller SET code = 'Z' WHERE code = 'A'" => "its place in the network is not as",
    another_level: "UPDATE reseller SET level = 'wholesaler' WHERE code = 'A'" => "its place in the network is not as",
    another_parent: "UPDATE reseller SET parent = (SELECT id FROM reseller WHERE code = 'W2') WHERE code = 'A'"
        => "its place in the network is not as",
    another_version: "UPDATE reseller_state SET version = version + 1" => "is not as entry",
    a_parent_of_the_state: "UPDATE reseller_state SET parent = NULL" => "its place in the network is not as",
    another_standing: "UPDATE reseller SET standing = 'closed' WHERE code = 'A'"
        => "does not repeat its standing and its account",
    another_account: "UPDATE reseller SET stock_account = 1 WHERE code = 'A'"
        => "does not repeat its standing and its account",
    a_missing_line: "DELETE FROM reseller_ancestor WHERE depth = 2" => "is missing or of another length",
    a_missing_self: "DELETE FROM reseller_ancestor WHERE depth = 0" => "is missing or of another length",
    a_longer_line: "UPDATE reseller_ancestor SET depth = 3 WHERE depth = 2" => "is missing or of another length",
    a_line_too_many: "INSERT INTO reseller_ancestor (ancestor, descendant, depth) SELECT d.id, a.id, 2 FROM reseller d, reseller a WHERE d.code = 'D' AND a.code = 'A'"
        => "but it does not stand below that one",
    an_unregistered_reseller: "DELETE FROM reseller WHERE code = 'C'" => "but its row does not exist",
}
