//! Files that are not taken: the line and the column are told, and nothing is booked.

use super::{HEADING, entries, import, line, paid};
use crate::support::on_every_store;
use crate::support::world::Books;
use crate::topups::till;

/// A number that passes Luhn, put together here so that it stands nowhere.
fn card_number() -> String {
    format!("4{}1", "1".repeat(14))
}

on_every_store!(a_bad_line_is_named_and_nothing_is_booked, refused);
async fn refused(books: Books) {
    let till = till(books).await;
    paid(&till, "a", 100_000, "p1").await;
    let before = entries(&till).await;
    let good = line("", "p1", "payment", 100_000, 1_500);
    let row = |cells: &str| format!("{HEADING}{good}{cells}\n").into_bytes();
    let latin = [format!("{HEADING}{good}").as_bytes(), b"caf\xe9,p2,payment,1.00,0,1.00,MAD,2026-11-21\n"].concat();
    let utf16: Vec<u8> = "\u{feff}order,reference".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let long = [format!("{HEADING}{good}").as_bytes(), "x".repeat(10_000_000).as_bytes(), b",p2\n"].concat();
    for (text, said) in [
        (Vec::new(), "line 1: the file is empty"),
        (utf16, "line 1: the file is UTF-16: save it as UTF-8"),
        (latin, "line 3: cell 1 is not UTF-8: save the file in that encoding"),
        (long, "line 3: the line is longer than 64 KiB"),
        (b"order,reference,kind\n".to_vec(), "line 1, column gross: expected this column in the heading"),
        (HEADING.replace("fee", "gross").into_bytes(), "line 1, column gross: expected this column once"),
        (row("\"a,p2"), "line 3: a quote is opened here and never closed"),
        (row(",p2,payment,1.00,0.00,1.00,MAD"), "line 3: it has 7 cells, the heading has 8"),
        (row(",,payment,1.00,0.00,1.00,MAD,2026-11-21"), "line 3, column reference"),
        (row(",p2,gift,1.00,0.00,1.00,MAD,2026-11-21"), "line 3, column kind"),
        (row(",p2,payment,one,0.00,1.00,MAD,2026-11-21"), "line 3, column gross: expected an amount"),
        (row(",p2,payment,-1.00,0.00,-1.00,MAD,2026-11-21"), "line 3, column gross: expected no negative"),
        (row(",p2,refund,1.00,0.00,1.00,MAD,2026-11-21"), "line 3, column gross: expected a negative"),
        (row(",p2,payment,1.00,0.10,1.00,MAD,2026-11-21"), "line 3, column net: expected the gross amount less"),
        (row(",p2,payment,9000000000000.00,0.00,9000000000000.00,MAD,2026-11-21"), "line 3, column gross: expected a"),
        (row(",p2,payment,1.00,0.00,1.00,EUR,2026-11-21"), "line 3, column currency: expected the currency"),
        (row(",p2,payment,1.00,0.00,1.00,MAD,21/11/2026"), "line 3, column settled_on"),
        (
            row(&format!("{},p2,payment,1.00,0.00,1.00,MAD,2026-11-21", card_number())),
            "line 3: cell 1 looks like a card",
        ),
        (row("a\u{7}b,p2,payment,1.00,0.00,1.00,MAD,2026-11-21"), "line 3: cell 1 has control characters"),
    ] {
        let error = import(&till, &text).await.unwrap_err().to_string();
        assert!(error.starts_with(said), "{said}: {error}");
    }
    assert_eq!(entries(&till).await, before);
    // A byte order mark, columns that nobody asked for, and an empty file with a heading are fine.
    let wider = format!("\u{feff}{},note\n{},hello\n", HEADING.trim(), good.trim());
    assert_eq!(import(&till, wider.as_bytes()).await.unwrap().0.file.matched.count, 1);
    let (empty, _) = import(&till, HEADING.as_bytes()).await.unwrap();
    assert!(empty.file.is_complete() && empty.file.lines == 0);
    assert!(import(&till, HEADING.as_bytes()).await.unwrap().1);
}
