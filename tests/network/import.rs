//! A network comes from CSV: every good row once, every other with its line, its column and the reason.

use std::sync::Arc;

use taabia::domain::Currency;
use taabia::services::import::{ImportError, Importer, Listener, Progress, Refused, Summary};

use super::{below, close, ids, line};
use crate::support::script::rules;
use crate::support::world::{Books, World};
use crate::support::{SeededRandomness, on_every_store};

#[derive(Default)]
struct Heard(Vec<String>);

impl Listener for Heard {
    fn progress(&mut self, _: Progress) {}

    fn refused(&mut self, refused: &Refused) {
        self.0.push(format!("{} {}: {}", refused.line, refused.column, refused.reason));
    }
}

/// The summary, and the refused rows by line.
async fn import(world: &World, seed: u64, text: &[u8]) -> (Result<Summary, ImportError>, Vec<String>) {
    let importer = Importer {
        ledger: world.nodes[0].clone(),
        reads: world.books.network.clone(),
        clock: world.clock.clone(),
        randomness: Arc::new(SeededRandomness::new(seed)),
        levels: rules().levels,
        currency: Currency::MAD,
        actor: "operator:network-import".into(),
        in_flight: 512,
    };
    let mut heard = Heard::default();
    let done = importer.import(text, &mut heard).await;
    heard.0.sort_by_key(|text| text.split(' ').next().unwrap().parse::<u64>().unwrap());
    (done, heard.0)
}

fn summary(rows: u64, opened: u64, unchanged: u64, refused: u64) -> Summary {
    Summary { rows, opened, unchanged, refused }
}

async fn id_of(world: &World, code: &str) -> taabia::domain::ResellerId {
    world.books.registry.reseller_by_code(code).await.unwrap().unwrap_or_else(|| panic!("{code} is there")).id
}

on_every_store!(good_rows_become_resellers_and_others_are_told, async |books: Books| {
    let world = World::new(books).await;
    let long = "x".repeat(10_000_000);
    let mut text =
        b"\xef\xbb\xbfcode,name,level,parent_code,credit_limit,per_operation,per_day_count,per_day_amount\r\n".to_vec();
    text.extend_from_slice(
        "O1,\"Téléboutique Essalam, n° 7\",outlet,W1,,,,\r\n\
         D1,توزيع الدار البيضاء,distributor,,100000,,,\r\n\
         W1,Grossiste,wholesaler,D1,,500,200,10000.50\r\n\
         O1,Again,outlet,W1,,,,\r\n\
         O2,Orphan,outlet,W9,,,,\r\n\
         C1,Circle,outlet,C3,,,,\r\n\
         C2,Circle,outlet,C1,,,,\r\n\
         C3,Circle,outlet,C2,,,,\r\n\
         C4,Below a circle,outlet,C3,,,,\r\n\
         =cmd|' /C calc'!A0,Formula,outlet,W1,,,,\r\n\
         O3,@SUM(A1),outlet,W1,,,,\r\n\
         D2,Above,distributor,W1,,,,\r\n\
         O4,Below the refused,outlet,D2,,,,\r\n\
         O5,Kiosk,kiosk,W1,,,,\r\n\
         O6,Latin-1: "
            .as_bytes(),
    );
    text.extend_from_slice(b"caf\xe9,outlet,W1,,,,\r\n");
    text.extend_from_slice(format!("O7,{long},outlet,W1,,,,\r\n\r\nO8,محل الأمل,outlet,W1,,,,\n").as_bytes());
    let (done, heard) = import(&world, 1, &text).await;
    assert_eq!(done.unwrap(), summary(17, 4, 0, 13), "{heard:#?}");
    let expected = [
        "5 code: line 2 has this code already",
        "6 parent_code: no reseller has the code W9",
        "7 parent_code: its line of parents comes back to itself: C1 below C3 below C2 below C1",
        "8 parent_code: its line of parents comes back to itself",
        "9 parent_code: its line of parents comes back to itself",
        "10 parent_code: its parent C3 in line 9 was refused",
        "11 code: expected 1 to 64 of",
        "12 name: begins with = + - or @",
        "13 level: the level stands above the parent's",
        "14 parent_code: its parent D2 in line 13 was refused",
        "15 level: the network's levels are distributor, wholesaler, outlet",
        "16 name: it is not UTF-8",
        "17 : the line is longer than 64 KiB",
    ];
    assert_eq!(heard.len(), expected.len(), "{heard:#?}");
    for (heard, expected) in heard.iter().zip(expected) {
        assert!(heard.starts_with(expected), "{heard} is not {expected}");
    }
    let (d1, w1, o1) = (id_of(&world, "D1").await, id_of(&world, "W1").await, id_of(&world, "O1").await);
    assert_eq!(world.books.registry.ancestors(o1).await.unwrap(), [o1, w1, d1]);
    let member = world.books.network.member(w1).await.unwrap().unwrap();
    assert_eq!(member.reseller.limits.per_day_minor, Some(1_000_050));
    assert_eq!(
        (member.reseller.limits.per_operation_minor, member.reseller.limits.per_day_count),
        (Some(50_000), Some(200))
    );
    assert_eq!(world.books.network.member(d1).await.unwrap().unwrap().stock.credit_limit, 10_000_000);

    // Again, with other ids to draw: nothing changes.
    let heads = world.books.audit.snapshot().await.unwrap().heads;
    let (done, again) = import(&world, 2, &text).await;
    assert_eq!(done.unwrap(), summary(17, 0, 4, 13));
    assert_eq!(again, heard.iter().map(String::from).collect::<Vec<_>>());
    assert_eq!(world.books.audit.snapshot().await.unwrap().heads, heads);

    // What differs is told and left alone.
    let other = "code;name;level;parent_code\nD1;Other;distributor;\nW1;Grossiste;wholesaler;\nO8;محل الأمل;outlet;W1\n";
    let (done, heard) = import(&world, 3, other.as_bytes()).await;
    assert_eq!(done.unwrap(), summary(3, 0, 1, 2), "{heard:?}");
    assert!(heard[0].starts_with("2 name: a reseller of the network has this code"), "{heard:?}");
    assert!(heard[1].starts_with("3 parent_code: a reseller of the network has this code"), "{heard:?}");
    world.close().await;
});

on_every_store!(a_file_with_its_children_first_arrives_whole, async |books: Books| {
    let world = World::new(books).await;
    let mut rows = vec!["D,Top,distributor,".to_owned()];
    rows.extend((0..30).map(|w| format!("W{w},Grossiste {w},wholesaler,D")));
    rows.extend((0..900).map(|o| format!("O{o},Boutique {o},outlet,W{}", o % 30)));
    rows.reverse();
    let text = format!("code,name,level,parent_code\n{}\n", rows.join("\n"));
    let (done, heard) = import(&world, 1, text.as_bytes()).await;
    assert_eq!(done.unwrap(), summary(931, 931, 0, 0), "{heard:?}");
    let totals = world.books.network.totals(id_of(&world, "D").await).await.unwrap();
    assert_eq!(totals.iter().map(|total| total.resellers).sum::<i64>(), 931);
    world.close().await;
});

on_every_store!(a_closed_parent_takes_nobody, async |books: Books| {
    let world = World::new(books).await;
    world.must(below(&world, "W", "wholesaler", None)).await;
    world.must(close(&world, "W")).await;
    let (done, heard) = import(&world, 1, b"code,name,level,parent_code\nO,Shop,outlet,W\n").await;
    assert_eq!(done.unwrap(), summary(1, 0, 0, 1));
    assert_eq!(heard, ["2 parent_code: the parent is closed"]);
    assert_eq!(line(&world, "W").await, ids(&world, ["W"]));
    world.close().await;
});

#[tokio::test]
async fn what_is_no_such_file_is_told_at_once() {
    let world = World::new(crate::support::in_memory(2)).await;
    for (text, expected) in [
        (&b"\xff\xfec\0o\0d\0e\0"[..], "line 1: the file is UTF-16: save it as UTF-8"),
        (b"", "line 1: the file is empty"),
        (b"code,name,level\nA,B,outlet\n", "line 1: the heading lacks parent_code"),
        (b"code,name,level,parent_code,phone\n", "line 1: column 5 of the heading is none of"),
        (b"code,name,level,parent_code,name\n", "line 1: the heading has name twice"),
    ] {
        let (done, _) = import(&world, 1, text).await;
        let error = done.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    world.close().await;
}
