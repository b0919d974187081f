//! Random scripts.

use proptest::prelude::*;
use taabia::domain::records::Bounds;
use taabia::domain::{Decline, Limits, Standing, TransferKind};
use taabia::ledger::Evidence;
use taabia::ledger::command::Settlement;

use super::{Act, RESELLERS};

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![Just(500), Just(1_000), Just(20_000), Just(50_000), 1..60_000_i64]
}

fn limit() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![3 => Just(None), 1 => (0..60_000_i64).prop_map(Some)]
}

fn bounds() -> impl Strategy<Value = Bounds> {
    let few = || prop_oneof![2 => Just(None), 1 => (0..5_i64).prop_map(Some)];
    let much = || prop_oneof![2 => Just(None), 1 => (0..120_000_i64).prop_map(Some)];
    (much(), few(), much(), few(), much()).prop_map(
        |(per_operation_minor, per_day_count, per_day_minor, per_month_count, per_month_minor)| Bounds {
            per_operation_minor,
            per_day_count,
            per_day_minor,
            per_month_count,
            per_month_minor,
        },
    )
}

fn act() -> impl Strategy<Value = Act> {
    let reseller = || 0..RESELLERS;
    let limits = (limit(), prop_oneof![3 => Just(None), 1 => (0..4_i64).prop_map(Some)], limit()).prop_map(
        |(per_operation_minor, per_day_count, per_day_minor)| Limits {
            per_operation_minor,
            per_day_count,
            per_day_minor,
        },
    );
    let evidence = prop_oneof![
        3 => Just(Evidence::Applied),
        2 => Just(Evidence::NotApplied(Decline::ChargingDeclined)),
        1 => Just(Evidence::NotApplied(Decline::SubscriberUnknown)),
        1 => Just(Evidence::NoAnswer),
        1 => Just(Evidence::NotKnown),
        1 => Just(Evidence::Nothing),
        2 => prop_oneof![Just("main"), Just("north"), Just("south")]
            .prop_map(|next| Evidence::NotOurs { next: next.parse().unwrap() }),
    ];
    let settlement = prop_oneof![
        3 => Just(Settlement::Accept),
        1 => Just(Settlement::Refuse),
        1 => Just(Settlement::Cancel),
        1 => Just(Settlement::Expire),
    ];
    prop_oneof![
        1 => reseller().prop_map(|reseller| Act::Open { reseller }),
        1 => (0..3_u8, amount()).prop_map(|(key, amount)| Act::Issue { key, amount: amount * 10 }),
        1 => (0..3_u8, 0..3_u8, prop::bool::weighted(0.7)).prop_map(
            |(key, person, approve)| Act::Rule { key, person, approve }
        ),
        1 => (0..3_u8).prop_map(|key| Act::Expire { key }),
        3 => (0..12_u8, reseller(), amount()).prop_map(|(key, reseller, amount)| Act::Allocate {
            key, reseller, amount: amount * 3
        }),
        12 => (reseller(), 0..20_u8, 0..4_u8, amount(), prop::bool::weighted(0.3)).prop_map(
            |(reseller, key, number, amount, repeat)| Act::Reserve { reseller, key, number, amount, repeat }
        ),
        1 => (reseller(), 0..20_u8).prop_map(|(reseller, key)| Act::Void { reseller, key }),
        1 => (reseller(), 0..3_usize).prop_map(|(reseller, index)| Act::Standing {
            reseller, standing: if index == 0 { Standing::Suspended } else { Standing::Active }
        }),
        1 => (reseller(), limits, prop_oneof![2 => Just(0), 1 => 0..30_000_i64]).prop_map(
            |(reseller, limits, credit)| Act::Limits { reseller, limits, credit }
        ),
        2 => (reseller(), prop::bool::ANY, bounds(), prop_oneof![3 => Just(0), 1 => 0..30_000_i64]).prop_map(
            |(reseller, terminal, bounds, credit)| Act::Lower { reseller, terminal, bounds, credit }
        ),
        8 => (0..30_usize, evidence).prop_map(|(pick, evidence)| Act::Resolve { pick, evidence }),
        2 => (prop::option::of(reseller()), 0..3_u32, prop::option::of(0..4_i64)).prop_map(
            |(reseller, content, expected)| Act::Put { reseller, content, expected }
        ),
        4 => transfer(),
        3 => (0..8_usize, settlement).prop_map(|(pick, settlement)| Act::Settle { pick, settlement }),
        2 => prop_oneof![Just(1_000), Just(119_999), Just(120_000), Just(3_600_000), Just(86_400_000), Just(4 * 86_400_000)].prop_map(|ms| Act::Wait { ms }),
    ]
}

fn transfer() -> impl Strategy<Value = Act> {
    let kind = prop_oneof![Just(TransferKind::Transfer), Just(TransferKind::Return)];
    let to = prop_oneof![5 => (0..RESELLERS).prop_map(Some), 1 => Just(None)];
    (20..30_u8, kind, 0..RESELLERS, to, amount(), prop::bool::weighted(0.3))
        .prop_map(|(key, kind, from, to, amount, acceptance)| Act::Transfer { key, kind, from, to, amount, acceptance })
}

/// Scripts that begin with a stocked network, in chunks that are sent at once.
pub fn scripts(max_chunks: usize) -> impl Strategy<Value = Vec<Vec<Act>>> {
    let business = prop::collection::vec(act(), 1..8).prop_map(|acts| {
        let waits = |act: &Act| {
            matches!(
                act,
                Act::Wait { .. } | Act::Resolve { .. } | Act::Rule { .. } | Act::Expire { .. } | Act::Settle { .. }
            )
        };
        let wait = acts.iter().any(waits);
        if wait { acts.into_iter().map(|act| vec![act]).collect() } else { vec![acts] }
    });
    prop::collection::vec(business, 1..max_chunks).prop_map(|chunks| {
        let opening = (0..RESELLERS - 1).map(|reseller| Act::Open { reseller }).collect();
        let issue = vec![Act::Issue { key: 200, amount: 10_000_000 }];
        let approval = vec![Act::Rule { key: 200, person: 1, approve: true }];
        let stocking = (0..RESELLERS - 1)
            .map(|reseller| Act::Allocate { key: 210 + u8::try_from(reseller).unwrap(), reseller, amount: 100_000 })
            .collect();
        [vec![opening, issue, approval, stocking], chunks.into_iter().flatten().collect()].concat()
    })
}
