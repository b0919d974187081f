//! A subscriber's recharges, for who helps: by the number or a part of it, and never without a trace.

use serde_json::{Value, json};
use taabia::domain::{NumberingPlan, SubscriberQuery, Timestamp};
use taabia::ports::{MaskedQuery, Party, PartyQuery};

use super::sell;
use crate::support::api::TestApi;
use crate::support::{must_verify, on_every_store};

const DAY: &str = "from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z&reason=call%2047";

async fn search(api: &TestApi, number: &str) -> Value {
    let answer = api.get(&format!("/v1/care/recharges?msisdn={number}&{DAY}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

on_every_store!(a_subscriber_is_found_and_the_look_is_recorded, async |books| {
    let api = TestApi::over(books, Vec::new()).await;
    let mut sold = Vec::new();
    for (key, number) in
        [("a", "+212612345678"), ("b", "+212661111178"), ("c", "+212612345699"), ("d", "+212612345678")]
    {
        api.world.clock.advance_ms(5);
        sold.push(sell(&api, key, number).await["id"].as_str().unwrap().to_owned());
    }
    for whole in ["%2B212612345678", "0612345678"] {
        let page = search(&api, whole).await;
        assert_eq!(ids(&page), [&*sold[3], &*sold[0]], "{page}");
        assert_eq!((&page["items"][0]["msisdn"], &page["next_cursor"]), (&json!("+212612345678"), &json!(null)));
    }
    // What is asked masked is answered masked.
    let page = search(&api, "2126****78").await;
    assert_eq!(ids(&page), [&*sold[3], &*sold[1], &*sold[0]], "{page}");
    assert!(page["items"].as_array().unwrap().iter().all(|item| item["msisdn"] == "2126••••78"), "{page}");
    assert_eq!(ids(&search(&api, "%2B212612345*99").await), [&*sold[2]]);
    assert_eq!(ids(&search(&api, "2127*78").await), [""; 0]);
    // Pages follow each other.
    let first = search(&api, "2126*78&limit=2").await;
    let next = search(&api, &format!("2126*78&limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!([ids(&first), ids(&next)].concat(), [&*sold[3], &*sold[1], &*sold[0]]);

    let audit = api.get("/v1/audit?action=care.searched").await.json();
    let looks = audit["items"].as_array().unwrap();
    assert_eq!(looks.len(), 7, "{audit}");
    assert!(!audit.to_string().contains("12345678"), "{audit}");
    let last = &looks[0];
    assert!(last["actor"].as_str().unwrap().starts_with("client:cli_"), "{last}");
    assert_eq!((&last["reason"], &last["via"], &last["reseller_id"]), (&json!("call 47"), &json!("api"), &json!(null)));
    assert!(last["request_id"].is_string(), "{last}");
    let after = &last["after"];
    assert_eq!(
        (&after["msisdn"], &after["whole"], &after["found"]),
        (&json!("2126••••78"), &json!(false), &json!(1)),
        "{last}"
    );
    assert_eq!(looks[6]["after"]["whole"], true);
    // One record for each client, whose versions count the looks.
    must_verify(&*api.world.books.audit).await;
});

on_every_store!(bad_questions_leave_no_trace, async |books| {
    let api = TestApi::over(books, Vec::new()).await;
    sell(&api, "a", "+212612345678").await;
    for (query, at) in [
        (String::new(), "/msisdn"),
        (format!("msisdn=2126*&{DAY}"), "/msisdn"),
        (format!("msisdn=0512345678&{DAY}"), "/msisdn"),
        ("msisdn=0612345678&from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z".into(), "/reason"),
        ("msisdn=0612345678&from=2026-11-22T00:00:00Z&to=2026-12-24T00:00:00Z&reason=x".into(), "/to"),
        ("msisdn=0612345678&from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z&reason=x".into(), "/to"),
        (format!("msisdn=0612345678&{DAY}&status=completed"), "/status"),
        (format!("msisdn=0612345678&{DAY}&cursor=x"), "/cursor"),
        (
            "msisdn=0612345678&from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z&reason=4111%201111%201111%201111"
                .into(),
            "/reason",
        ),
    ] {
        let errors = api.get(&format!("/v1/care/recharges?{query}")).await.problem(400, "invalid_query");
        assert!(errors.iter().any(|error| error.starts_with(at)), "{query}: {errors:?}");
    }
    assert_eq!(api.get("/v1/audit?action=care.searched").await.json()["items"], json!([]));
});

on_every_store!(a_masked_search_is_bounded_and_misses_nothing, async |books| {
    let api = TestApi::over(books, Vec::new()).await;
    let mut expected = Vec::new();
    for n in 0..23 {
        api.world.clock.advance_ms(3);
        let number = format!("+2126123456{:02}", if n % 3 == 0 { 78 } else { n + 10 });
        let sold = sell(&api, &format!("n{n}"), &number).await;
        if n % 3 == 0 {
            expected.insert(0, sold["id"].as_str().unwrap().to_owned());
        }
    }
    let Ok(SubscriberQuery::Masked(number)) = SubscriberQuery::parse(&NumberingPlan::morocco(), "2126*78") else {
        panic!("it is masked")
    };
    let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = PartyQuery {
            party: Party::Below(vec![api.world.id("root")]),
            status: None,
            from: Some(Timestamp::EPOCH),
            to: None,
            after,
            limit: 100,
        };
        let query = MaskedQuery { page, number, looked_through: 4 };
        let (items, down_to) = api.world.books.care.recharges_like(&query).await.unwrap();
        found.extend(items.iter().map(|item| item.kind().render(item.id)));
        pages += 1;
        if down_to.is_none() {
            break;
        }
        after = down_to;
    }
    assert_eq!(found, expected);
    assert!(pages > 3, "{pages} pages");
});
