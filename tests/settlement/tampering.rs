//! What somebody changed of a settlement is found.

use taabia::domain::settlement::SettledLine;
use taabia::reports::verify::{Options, verify};
use taabia::simulator::memory::MemoryStore;

use super::{HEADING, import, line, order, paid};
use crate::support::in_memory_on;
use crate::topups::till;

#[tokio::test]
async fn a_line_that_was_changed_is_found() {
    let tampers: [fn(&mut SettledLine); 4] = [
        |line| line.gross_minor += 1,
        |line| line.fee_minor = 0,
        |line| line.reference = "other".into(),
        |line| line.operation = None,
    ];
    for tamper in tampers {
        let store = MemoryStore::new(4);
        let till = till(in_memory_on(&store)).await;
        let bought = paid(&till, "a", 100_000, "p1").await;
        let text = [HEADING, &line(&order(&bought), "p1", "payment", 100_000, 1_500)].concat();
        import(&till, text.as_bytes()).await.unwrap();
        store.with_raw(|state| {
            let (_, line) = state.books[0].settled.values_mut().next().unwrap();
            tamper(line);
        });
        let found = verify(&*till.world.books.audit, &Options::default(), &mut |_| {}).await.unwrap_err().to_string();
        assert!(found.contains("its lines are not those that were booked"), "{found}");
    }
}

#[tokio::test]
async fn a_line_that_is_gone_is_found() {
    let store = MemoryStore::new(4);
    let till = till(in_memory_on(&store)).await;
    let text = [HEADING, &line("", "p1", "payment", 100_000, 1_500)].concat();
    import(&till, text.as_bytes()).await.unwrap();
    store.with_raw(|state| state.books[0].settled.clear());
    verify(&*till.world.books.audit, &Options::default(), &mut |_| {}).await.unwrap_err();
}
