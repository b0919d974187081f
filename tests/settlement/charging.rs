//! The charging system's daily record: compared with our recharges, and evidence about those in doubt.

use std::io::Write as _;

use sha2::{Digest as _, Sha256};
use taabia::cli::config::load;
use taabia::domain::records::SettledSum;
use taabia::domain::{AccountClass, Decline, Item, ItemId, ItemResolution, LineState, Operation, Proposal, Resolution};
use taabia::domain::{Ruling, SettledLine, Status, Timestamp};
use taabia::ledger::Actor;
use taabia::ledger::command::Evidence;
use taabia::reports::verify::{Options, verify};
use taabia::services::Settlements;
use taabia::services::settlement::{ItemFilter, Settlement, SettlementError};
use taabia::simulator::memory::MemoryStore;

use super::{entries, file_of, services};
use crate::support::topups::Till;
use crate::support::world::{Books, CHECKER, World};
use crate::support::{in_memory_on, must_verify, on_every_store};
use crate::topups::{till, total};

const HEADING: &str = "reference,msisdn,amount,time,result\n";
const NUMBER: &str = "+212612345678";

async fn import(till: &Till, lines: &[String]) -> Result<(Settlement, bool), SettlementError> {
    let text = [HEADING.to_owned(), lines.concat()].concat();
    let services = services(till, till.world.nodes[0].clone());
    services.import_record(&Actor::from("operator:finance"), file_of(text.as_bytes())).await
}

fn told(reference: i64, msisdn: &str, amount: &str, result: &str) -> String {
    format!("{reference},{msisdn},{amount},2026-11-21T08:00:00Z,{result}\n")
}

fn reference(operation: &Operation) -> i64 {
    operation.recharge().unwrap().charging_reference.unwrap()
}

async fn sold(till: &Till, key: &str, amount_minor: i64, evidence: Option<Evidence>) -> Operation {
    let operation = till.world.recharge("shop", key, amount_minor).await;
    if let Some(evidence) = evidence {
        till.world.must(World::resolve(operation.id, evidence)).await;
    }
    Operation::clone(&operation)
}

async fn status(till: &Till, operation: &Operation) -> Status {
    till.world.books.store.operation(operation.id).await.unwrap().unwrap().status
}

async fn airtime(till: &Till) -> [i64; 2] {
    [total(till, AccountClass::Delivered).await, total(till, AccountClass::AirtimeSuspense).await]
}

fn count(sum: SettledSum) -> (i64, i64, i64) {
    (sum.count, sum.gross_minor, sum.fee_minor)
}

on_every_store!(each_line_is_compared_and_moves_what_is_in_doubt, compared);
async fn compared(books: Books) {
    let till = till(books).await;
    let declined = Evidence::NotApplied(Decline::ChargingDeclined);
    let good = sold(&till, "good", 1_000, Some(Evidence::Applied)).await;
    let less = sold(&till, "less", 1_000, Some(Evidence::Applied)).await;
    let never = sold(&till, "never", 500, Some(Evidence::Applied)).await;
    let no = sold(&till, "no", 700, Some(declined)).await;
    let late = sold(&till, "late", 600, Some(declined)).await;
    let doubt_applied = sold(&till, "doubt 1", 1_300, Some(Evidence::NoAnswer)).await;
    let doubt_not = sold(&till, "doubt 2", 1_200, Some(Evidence::NoAnswer)).await;
    let doubt_other = sold(&till, "doubt 3", 1_100, Some(Evidence::NoAnswer)).await;
    let untold = sold(&till, "untold", 900, Some(Evidence::Applied)).await;
    let flying = sold(&till, "flying", 1_400, None).await;
    assert_eq!(airtime(&till).await, [3_400, 0]);
    till.world.clock.advance_ms(1);
    let lines = [
        told(reference(&good), NUMBER, "10.00", "applied"),
        told(reference(&less), &hex::encode(Sha256::digest(NUMBER)), "8", "APPLIED"),
        told(reference(&never), "", "5.00", "not_applied"),
        told(reference(&no), "212612345678", "7.00", "not_applied"),
        told(reference(&late), NUMBER, "6.00", "applied"),
        told(reference(&doubt_applied), NUMBER, "13.00", "applied"),
        told(17, NUMBER, "4.00", "applied"),
        told(reference(&good), NUMBER, "10.00", "applied"),
        // Another number: it proves nothing about ours.
        told(reference(&doubt_other), "+212612345679", "11.00", "not_applied"),
        // It may still be on its way.
        told(reference(&flying), NUMBER, "14.00", "not_applied"),
    ];
    let (report, before) = import(&till, &lines).await.unwrap();
    let file = &report.file;
    assert!(!before && file.is_complete());
    assert_eq!(count(file.matched), (3, 2_300, 2_300));
    assert_eq!(count(file.amount_differs), (1, 800, 1_000));
    assert_eq!(count(file.missing_here), (1, 400, 0));
    assert_eq!(count(file.duplicate), (1, 1_000, 1_000));
    assert_eq!(count(file.contradicts), (4, 600, 500));
    assert_eq!(status(&till, &doubt_applied).await, Status::Completed);
    for open in [&doubt_not, &doubt_other] {
        assert_eq!(status(&till, open).await, Status::InDoubt);
    }
    assert_eq!(status(&till, &flying).await, Status::Submitted);
    // What was delivered is now what the charging system applied, and what it does not tell of.
    assert_eq!(airtime(&till).await, [1_000 + 800 + 600 + 1_300 + 400 + 900, -(-200 - 500 + 600 + 400)]);
    must_verify(&*till.world.books.audit).await;
    let written = entries(&till).await;
    let (again, before) = import(&till, &lines).await.unwrap();
    assert!(before && again.file == report.file);
    assert_eq!(entries(&till).await, written);

    // Long after it was sent, an explicit no is believed; each reference is told of once, by all files.
    till.world.clock.advance_ms(86_400_000);
    let lines = [told(reference(&doubt_not), NUMBER, "12.00", "not_applied"), lines[0].clone()];
    let (report, _) = import(&till, &lines).await.unwrap();
    assert_eq!((report.file.matched.count, report.file.duplicate.count, report.file.net_minor), (1, 1, 0));
    assert_eq!(status(&till, &doubt_not).await, Status::Declined);

    // Completed here, and the record does not tell of it.
    let services = services(&till, till.world.nodes[0].clone());
    let all = (Timestamp::EPOCH, taabia::ports::Clock::now(&*till.world.clock).plus_ms(1));
    let (views, more) = services.unrecorded(all, &ItemFilter::default(), None, 10).await.unwrap();
    let mut ids: Vec<_> = views.iter().map(|view| view.topup.unwrap()).collect();
    ids.sort_by_key(|id| *id != never.id);
    assert_eq!(ids, [never.id, untold.id]);
    assert!(more.is_none());
    must_verify(&*till.world.books.audit).await;
}

on_every_store!(what_the_record_has_beyond_our_books_is_resolved_by_two, resolved);
async fn resolved(books: Books) {
    let till = till(books).await;
    let sold = sold(&till, "untold", 900, Some(Evidence::Applied)).await;
    import(&till, &[told(17, NUMBER, "4.00", "applied")]).await.unwrap();
    assert_eq!(airtime(&till).await, [1_300, -400]);
    let services = services(&till, till.world.nodes[0].clone());
    let (views, _) = services.items(&ItemFilter::default(), None, 10).await.unwrap();
    let item = views[0].item.clone();
    assert_eq!((item.amount_minor, views[0].state), (-400, Some(LineState::MissingHere)));
    let asked = async |key: &str, item: &Item, resolution| {
        let proposal = Proposal::Resolution(Box::new(ItemResolution { item: item.clone(), resolution }));
        till.world.must(till.world.propose(key, proposal, item.amount_minor.abs())).await.operation().unwrap().clone()
    };
    let unrecorded = services.item(ItemId::Topup(sold.id)).await.unwrap().item;
    for (key, item, resolution) in
        [("a", &item, Resolution::Match { topup: sold.id }), ("b", &unrecorded, Resolution::WriteOff)]
    {
        assert_eq!(asked(key, item, resolution).await.decline, Some(Decline::UnfitResolution));
    }
    let operation = asked("c", &item, Resolution::WriteOff).await;
    till.world.must(World::rule(&operation, CHECKER, Ruling::Approve)).await;
    assert_eq!(airtime(&till).await, [1_300, 0]);
    assert_eq!(total(&till, AccountClass::AirtimeWriteOffs).await, 400);
    must_verify(&*till.world.books.audit).await;
}

#[tokio::test]
async fn a_bad_line_is_named_and_nothing_is_booked() {
    let till = till(in_memory_on(&MemoryStore::new(4))).await;
    let written = entries(&till).await;
    for (line, column) in [
        (",+212612345678,4.00,2026-11-21,applied\n", "reference"),
        ("1,0612345678,4.00,2026-11-21,applied\n", "msisdn"),
        ("1,,4.001,2026-11-21,applied\n", "amount"),
        ("1,,-4.00,2026-11-21,applied\n", "amount"),
        ("1,,0,2026-11-21,applied\n", "amount"),
        ("1,,4.00,21/11/2026,applied\n", "time"),
        ("1,,4.00,2026-02-30T08:00,applied\n", "time"),
        ("1,,4.00,2026-11-21,perhaps\n", "result"),
        ("1,,4.00,2026-11-21\n", ""),
        ("1,,4.00,2026-11-21,4111111111111111\n", ""),
    ] {
        let good = told(17, NUMBER, "4.00", "applied");
        match import(&till, &[good, line.to_owned()]).await {
            Err(SettlementError::Misread(misread)) => {
                assert_eq!((misread.line, &*misread.column), (3, column), "{line}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
    let services = services(&till, till.world.nodes[0].clone());
    let headless = file_of(b"reference,amount,time,result\n17,4.00,2026-11-21,applied\n");
    assert!(services.import_record(&Actor::from("operator:finance"), headless).await.is_err());
    assert_eq!(entries(&till).await, written);
}

#[tokio::test]
async fn a_line_that_was_changed_is_found() {
    let tampers: [fn(&mut SettledLine); 2] = [|line| line.fee_minor += 1, |line| line.state = LineState::Matched];
    for tamper in tampers {
        let store = MemoryStore::new(4);
        let till = till(in_memory_on(&store)).await;
        import(&till, &[told(17, NUMBER, "4.00", "applied")]).await.unwrap();
        must_verify(&*till.world.books.audit).await;
        store.with_raw(|state| tamper(&mut state.books[0].settled.values_mut().next().unwrap().1));
        verify(&*till.world.books.audit, &Options::default(), &mut |_| {}).await.unwrap_err();
    }
}

on_every_store!(a_record_is_read_in_the_form_that_is_configured, configured);
async fn configured(books: Books) {
    let till = till(books).await;
    let good = sold(&till, "good", 1_000, Some(Evidence::Applied)).await;
    let doubtful = sold(&till, "doubtful", 500, Some(Evidence::NoAnswer)).await;
    let form = "[charging_record]\ndelimiter = \";\"\nreference = \"Référence\"\nmsisdn = \"Numéro\"\namount = \"Montant\"\n\
                time = \"Date\"\nresult = \"État\"\napplied = \"OK\"\nnot_applied = \"KO\"\n";
    let mut settings = tempfile::NamedTempFile::new().unwrap();
    settings.write_all(form.as_bytes()).unwrap();
    let config = load(Some(settings.path()), &[], &[]).unwrap().config;
    let services =
        Settlements { record: config.charging_record.profile(), ..services(&till, till.world.nodes[0].clone()) };
    let text = format!(
        "Date;Numéro;Référence;Montant;État;Agence\n2026-11-21 08:00;;{};10.00;ok;Agdal\n2026-11-21 08:01;;{};5.00;OK;\n",
        reference(&good),
        reference(&doubtful)
    );
    let actor = Actor::from("operator:finance");
    let (report, _) = services.import_record(&actor, file_of(text.as_bytes())).await.unwrap();
    assert_eq!((report.file.matched.count, report.file.booked), (2, 2));
    assert_eq!(status(&till, &doubtful).await, Status::Completed);
    let usual = [HEADING, "1,,4.00,2026-11-21T08:00:00Z,applied\n"].concat();
    let error = services.import_record(&actor, file_of(usual.as_bytes())).await.unwrap_err().to_string();
    assert_eq!(error, "line 1, column Référence: the heading has no such column");
}

on_every_store!(two_imports_of_one_record_book_it_once, raced);
async fn raced(books: Books) {
    let till = till(books).await;
    let doubt = sold(&till, "doubt", 600, Some(Evidence::NoAnswer)).await;
    let lines: Vec<_> = std::iter::once(told(reference(&doubt), NUMBER, "6.00", "applied"))
        .chain((0..2_500).map(|number| told(number, NUMBER, "1.00", "applied")))
        .collect();
    let late = till.world.execute(World::resolve(doubt.id, Evidence::Applied));
    let imports = futures::future::join_all((0..3).map(|_| import(&till, &lines)));
    let (done, _) = futures::join!(imports, late);
    assert!(done.iter().any(Result::is_ok));
    let (report, _) = import(&till, &lines).await.unwrap();
    assert!(report.file.is_complete() && report.file.matched.count == 1);
    assert_eq!(airtime(&till).await, [250_600, -250_000]);
    must_verify(&*till.world.books.audit).await;
}

on_every_store!(the_record_of_the_system_that_a_recharge_was_sent_on_to_is_compared, sent_on);
async fn sent_on(books: Books) {
    let till = till(books).await;
    let next = "north".parse().unwrap();
    let first = sold(&till, "away", 600, Some(Evidence::NotOurs { next })).await;
    let away = till.world.books.store.operation(first.id).await.unwrap().unwrap();
    assert_ne!(reference(&away), reference(&first));
    till.world.must(World::resolve(away.id, Evidence::Applied)).await;
    let (report, _) = import(&till, &[told(reference(&away), NUMBER, "6.00", "applied")]).await.unwrap();
    assert_eq!(count(report.file.matched), (1, 600, 600), "{:?}", report.file);
    must_verify(&*till.world.books.audit).await;
}
