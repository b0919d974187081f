//! Opening + in − out = closing, for every account and period (`domain.md` [21]), against a list kept by hand.

use taabia::domain::{BusinessDay, Shard, Timestamp};
use taabia::ledger::Evidence;
use taabia::ports::Clock;
use taabia::services::statements::Period;

use super::{ALWAYS, all_pages, calendar, caller, service};
use crate::support::world::{Books, RELEASE, World};
use crate::support::{SeededRandomness, on_every_store, setting};

const NAMES: [&str; 3] = ["R1", "R2", "R3"];

/// What moved an outlet: when, and by how much.
type History = Vec<(Timestamp, i64)>;

struct Walk {
    world: World,
    random: SeededRandomness,
    histories: [History; 3],
    seed: u64,
}

impl Walk {
    async fn begin(books: Books, seed: u64) -> Self {
        let world = World::new(books).await;
        for name in NAMES {
            world.must(world.open(name)).await;
        }
        Self { world, random: SeededRandomness::new(seed), histories: Default::default(), seed }
    }

    fn draw(&self, below: u64) -> u64 {
        self.random.next() % below
    }

    async fn step(&mut self, number: usize) {
        let index = usize::try_from(self.draw(3)).unwrap();
        let (name, key, now) = (NAMES[index], format!("k{number}"), self.world.clock.now());
        let amount = 500 + i64::try_from(self.draw(5_000)).unwrap();
        match self.draw(10) {
            0..3 => {
                self.world.must(self.world.allocate(&key, name, amount * 10)).await;
                self.histories[index].push((now, amount * 10));
            }
            3..7 => {
                let sold = self.world.recharge(name, &key, amount).await;
                if sold.status.is_open() {
                    let applied = self.draw(4) > 0;
                    let evidence = if applied { Evidence::Applied } else { RELEASE };
                    self.world.must(World::resolve(sold.id, evidence)).await;
                    if applied {
                        self.histories[index].push((now, -amount));
                    }
                }
            }
            7..9 => self.world.clock.advance_ms(i64::try_from(self.draw(9 * 3_600_000)).unwrap()),
            _ => {
                let shard = self.world.shard(name);
                let limit = 1 + u32::try_from(self.draw(20)).unwrap();
                self.world.books.movements.write_out(shard, limit).await.unwrap();
            }
        }
    }

    fn sum(&self, index: usize, counts: impl Fn(Timestamp, i64) -> bool) -> i64 {
        self.histories[index].iter().filter(|(at, amount)| counts(*at, *amount)).map(|(_, amount)| amount).sum()
    }

    async fn check(&self, index: usize, period: Period, limit: u32) {
        let (from, to) = match period {
            Period::Between { from, to } => (from, to),
            Period::Day(day) => {
                let (begin, end) = calendar().bounds(day);
                (Some(begin), Some(end))
            }
        };
        let is_before = |at: Timestamp| from.is_some_and(|from| at < from);
        let is_in = |at: Timestamp| !is_before(at) && to.is_none_or(|to| at < to);
        let context = format!("seed {}, {}, {period:?}", self.seed, NAMES[index]);
        let (page, lines) = all_pages(&self.world, NAMES[index], period, limit).await;
        let summary = page.summary;
        assert_eq!(summary.opening_minor, self.sum(index, |at, _| is_before(at)), "{context}");
        assert_eq!(summary.in_minor, self.sum(index, |at, amount| is_in(at) && amount > 0), "{context}");
        assert_eq!(summary.out_minor, -self.sum(index, |at, amount| is_in(at) && amount < 0), "{context}");
        assert_eq!(summary.closing_minor, summary.opening_minor + summary.in_minor - summary.out_minor, "{context}");

        let mut balance = summary.closing_minor;
        let expected: Vec<_> = self.histories[index].iter().rev().filter(|(at, _)| is_in(*at)).collect();
        assert_eq!(lines.len(), expected.len(), "{context}");
        for (line, (at, amount)) in lines.iter().zip(expected) {
            assert_eq!((line.balance_minor, line.movement.recorded_at), (balance, *at), "{context}");
            assert_eq!(line.in_minor.unwrap_or(0) - line.out_minor.unwrap_or(0), *amount, "{context}");
            assert!(line.counterparty.is_some() && line.movement.operation.is_some(), "{context}");
            balance -= amount;
        }
        assert_eq!(balance, summary.opening_minor, "{context}");
    }

    /// Every day follows the one before, and the whole is their sum.
    async fn check_days(&self, index: usize) {
        let days = calendar();
        let Some((first, _)) = self.histories[index].first() else { return };
        let (first, last) = (days.day_of(*first).0, days.day_of(self.world.clock.now()).0);
        let statements = service(&self.world);
        let mut balance = 0;
        for day in first..=last {
            let day = BusinessDay(day);
            let open = statements.open(self.world.id(NAMES[index]), Period::Day(day), None).await.unwrap();
            assert_eq!(open.summary.opening_minor, balance, "seed {}: {day}", self.seed);
            balance = open.summary.closing_minor;
            assert_eq!(open.summary.opening_minor + open.summary.in_minor - open.summary.out_minor, balance);
            let end = days.bounds(day).1.plus_ms(-1).min(self.world.clock.now());
            let caller = caller(&self.world, &NAMES);
            let at = statements.posted_at(&caller, self.world.id(NAMES[index]), end).await.unwrap();
            assert_eq!(at, balance, "seed {}: {day}", self.seed);
        }
        assert_eq!(balance, self.world.stock(NAMES[index]).await.posted);
    }
}

on_every_store!(a_statement_says_what_happened, async |books: Books| {
    let seed = setting("TAABIA_STATEMENT_SEED", 20_261_122);
    let steps = usize::try_from(setting("TAABIA_STATEMENT_STEPS", 150)).unwrap();
    let mut walk = Walk::begin(books, seed).await;
    for number in 0..steps {
        walk.step(number).await;
        if number % 10 == 9 {
            let index = usize::try_from(walk.draw(3)).unwrap();
            let begin = walk.histories[index].first().map_or(Timestamp::EPOCH, |(at, _)| *at);
            let so_far = u64::try_from(walk.world.clock.now().since_ms(begin)).unwrap() + 2;
            let some_time = || Some(begin.plus_ms(i64::try_from(walk.draw(so_far)).unwrap()));
            let (one, other) = (some_time(), some_time());
            let limit = 1 + u32::try_from(walk.draw(7)).unwrap();
            walk.check(index, ALWAYS, limit).await;
            walk.check(index, Period::Between { from: one.min(other), to: one.max(other) }, limit).await;
            walk.check(index, Period::Between { from: None, to: one }, limit).await;
            walk.check(index, Period::Day(calendar().day_of(other.unwrap())), limit).await;
        }
    }
    for index in 0..NAMES.len() {
        walk.check_days(index).await;
    }
    for shard in Shard::all(walk.world.books.store.shards()) {
        let whole = walk.world.books.movements.write_out(shard, 1_000_000).await.unwrap();
        assert_eq!(walk.world.books.movements.log_place(shard).await.unwrap().head, whole);
    }
    for index in 0..NAMES.len() {
        walk.check(index, ALWAYS, 50).await;
        walk.check_days(index).await;
    }
    for shard in Shard::all(walk.world.books.store.shards()) {
        walk.world.books.movements.write_again(shard).await.unwrap();
    }
    for index in 0..NAMES.len() {
        walk.check(index, ALWAYS, 50).await;
    }
    walk.world.close().await;
});
