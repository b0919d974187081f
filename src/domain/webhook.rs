//! What partners are told by themselves: kinds of events, their ids, and what follows a failed delivery (`domain.md`,
//! "Webhooks out"). Names and headers are those of Standard Webhooks.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::coded::coded;
use super::entry::EntryKind;
use super::shard::Shard;
use super::time::Timestamp;

coded! {
    /// What an event tells.
    EventType {
        RechargeSubmitted = 1, "recharge.submitted";
        RechargeCompleted = 2, "recharge.completed";
        RechargeDeclined = 3, "recharge.declined";
        RechargeInDoubt = 4, "recharge.in_doubt";
        /// The charging system is asked to take it back.
        RechargeReversalPending = 5, "recharge.reversal_pending";
        RechargeReversed = 6, "recharge.reversed";
        RechargePartlyReversed = 7, "recharge.partly_reversed";
        /// Not taken back: completed again.
        RechargeKept = 8, "recharge.kept";
        ReversalPending = 80, "reversal.pending";
        ReversalCompleted = 81, "reversal.completed";
        ReversalDeclined = 82, "reversal.declined";
        TopupCreated = 10, "topup.created";
        TopupUpdated = 11, "topup.updated";
        TopupDeclined = 12, "topup.declined";
        TopupCaptured = 13, "topup.captured";
        TopupCredited = 14, "topup.credited";
        RefundStarted = 20, "refund.started";
        RefundUpdated = 21, "refund.updated";
        RefundCompleted = 22, "refund.completed";
        RefundDeclined = 23, "refund.declined";
        DisputeOpened = 30, "dispute.opened";
        DisputeWon = 31, "dispute.won";
        DisputeLost = 32, "dispute.lost";
        TransferPending = 40, "transfer.pending_acceptance";
        TransferCompleted = 41, "transfer.completed";
        TransferDeclined = 42, "transfer.declined";
        AllocationCompleted = 50, "allocation.completed";
        AllocationDeclined = 51, "allocation.declined";
        StockLow = 60, "stock.low";
        StockRecovered = 61, "stock.recovered";
        /// Told to the other endpoints of the client.
        EndpointDisabled = 70, "webhook_endpoint.disabled";
        /// Sent on request, never by itself.
        Test = 71, "webhook_endpoint.test";
    }
}

/// Which entries of the journal are told, and as what. All others are nobody's business or another entry's echo.
const TOLD: &[(EntryKind, EventType)] = &[
    (EntryKind::RechargeReserved, EventType::RechargeSubmitted),
    (EntryKind::RechargeCompleted, EventType::RechargeCompleted),
    (EntryKind::RechargeRefused, EventType::RechargeDeclined),
    (EntryKind::RechargeReleased, EventType::RechargeDeclined),
    (EntryKind::VoidedRequestRecorded, EventType::RechargeDeclined),
    (EntryKind::RechargeInDoubt, EventType::RechargeInDoubt),
    (EntryKind::RechargeReversalPending, EventType::RechargeReversalPending),
    (EntryKind::RechargeReversed, EventType::RechargeReversed),
    (EntryKind::RechargePartlyReversed, EventType::RechargePartlyReversed),
    (EntryKind::RechargeKept, EventType::RechargeKept),
    (EntryKind::ReversalAwaited, EventType::ReversalPending),
    (EntryKind::ReversalSubmitted, EventType::ReversalPending),
    (EntryKind::ReversalInDoubt, EventType::ReversalPending),
    (EntryKind::ReversalCompleted, EventType::ReversalCompleted),
    (EntryKind::ReversalNotNeeded, EventType::ReversalCompleted),
    (EntryKind::ReversalDeclined, EventType::ReversalDeclined),
    (EntryKind::TopupCreated, EventType::TopupCreated),
    (EntryKind::TopupAdvanced, EventType::TopupUpdated),
    (EntryKind::TopupRefused, EventType::TopupDeclined),
    (EntryKind::TopupReleased, EventType::TopupDeclined),
    (EntryKind::TopupCaptured, EventType::TopupCaptured),
    (EntryKind::TopupCredited, EventType::TopupCredited),
    (EntryKind::RefundStarted, EventType::RefundStarted),
    (EntryKind::RefundAdvanced, EventType::RefundUpdated),
    (EntryKind::TopupRefunded, EventType::RefundCompleted),
    (EntryKind::RefundDeclined, EventType::RefundDeclined),
    (EntryKind::RefundPutBack, EventType::RefundDeclined),
    (EntryKind::DisputeOpened, EventType::DisputeOpened),
    (EntryKind::DisputeWon, EventType::DisputeWon),
    (EntryKind::DisputeLost, EventType::DisputeLost),
    (EntryKind::TransferHeld, EventType::TransferPending),
    (EntryKind::StockTransferred, EventType::TransferCompleted),
    (EntryKind::TransferDeclined, EventType::TransferDeclined),
    (EntryKind::TransferReleased, EventType::TransferDeclined),
    (EntryKind::StockAllocated, EventType::AllocationCompleted),
    (EntryKind::AllocationNotNeeded, EventType::AllocationCompleted),
    (EntryKind::AllocationDeclined, EventType::AllocationDeclined),
    (EntryKind::StockLow, EventType::StockLow),
    (EntryKind::StockRecovered, EventType::StockRecovered),
    (EntryKind::WebhookDisabled, EventType::EndpointDisabled),
];

impl EventType {
    /// What an entry of the journal is told as; `None` when it is not.
    #[must_use]
    pub fn of(kind: EntryKind) -> Option<Self> {
        TOLD.iter().find(|(told, _)| *told == kind).map(|(_, event)| *event)
    }

    /// Those that an endpoint may ask for: all but the test, which comes to every one.
    pub fn subscribable() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|event| *event != Self::Test)
    }
}

/// What tells events apart: the place of its entry in the log, in the shape of a UUIDv7 (RFC 9562 §5.7). So one event
/// has one id, whoever sends it and however often, and the id alone finds the entry again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId {
    pub recorded_at: Timestamp,
    pub shard: Shard,
    /// Of the entry; positive.
    pub sequence: i64,
}

impl EventId {
    const PREFIX: &'static str = "evt_";

    /// The shard fills the 12 bits behind the version, the sequence the 62 behind the variant.
    fn uuid(self) -> Uuid {
        let at = u64::try_from(self.recorded_at.unix_ms()).unwrap_or_default();
        let high = at << 16 | 0x7000 | u64::from(self.shard.number());
        let low = 1 << 63 | u64::try_from(self.sequence).unwrap_or_default() & (u64::MAX >> 2);
        Uuid::from_u64_pair(high, low)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.uuid().hyphenated())
    }
}

impl FromStr for EventId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected the id of an event, which begins with evt_";
        let digits = text.strip_prefix(Self::PREFIX).ok_or(EXPECTED)?;
        let (high, low) = Uuid::try_parse(digits).map_err(|_| EXPECTED)?.as_u64_pair();
        let read = || {
            let recorded_at = Timestamp::from_unix_ms(i64::try_from(high >> 16).ok()?);
            let shard = Shard::new(u8::try_from(high & 0xfff).ok()?);
            Some(Self { recorded_at, shard, sequence: i64::try_from(low & (u64::MAX >> 2)).ok()? })
        };
        // Whatever it does not stand for prints differently.
        read().filter(|id| id.to_string() == text).ok_or(EXPECTED)
    }
}

/// Pauses before each attempt, the first at once. Three days in all.
const PAUSES_MS: [i64; 10] = {
    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    [0, 5_000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
};

/// How often an event is sent at most, unless it is asked for again.
pub const MAX_ATTEMPTS: u32 = 10;

/// How long after the last of so many failed attempts the next one is due; `None`: no more. `jitter`, from 0 to 255, makes it up
/// to a fifth longer, so that what failed together does not come back together.
#[must_use]
pub fn next_attempt_after_ms(failed: u32, jitter: u8) -> Option<i64> {
    let pause = *PAUSES_MS.get(failed as usize)?;
    Some(pause + pause / 5 * i64::from(jitter) / 255)
}

/// Failures in a row, of whatever events, after which an endpoint counts as down: then single events are tried, not all.
pub const DOWN_AFTER: i64 = 10;

/// How an endpoint does, as its latest attempts tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Since the last delivery that succeeded.
    pub failures: i64,
    /// The first of them.
    pub failing_since: Option<Timestamp>,
    pub last_failed_at: Option<Timestamp>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempted {
    /// Answered with a status from 200 to 299.
    Delivered,
    /// The endpoint wants no more of it: 410.
    Gone,
    Failed,
}

/// What follows an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Done,
    RetryAt(Timestamp),
    /// It was tried often enough, and other events came through: it is left to a replay.
    GiveUp,
    Disable(Disabling),
}

coded! {
    /// Why an endpoint was disabled by us.
    Disabling {
        Gone = 1, "gone";
        Failing = 2, "failing";
    }
}

impl Health {
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.failures >= DOWN_AFTER
    }

    /// When the next single event is tried at one that is down.
    #[must_use]
    pub fn probe_due_at(&self) -> Timestamp {
        let doublings = (self.failures - DOWN_AFTER).clamp(0, 6);
        let pause = (5_000_i64 << doublings).min(300_000);
        self.last_failed_at.unwrap_or(Timestamp::EPOCH).plus_ms(pause)
    }

    /// Takes an attempt in, of an event that was first tried at `first_at` and failed `failed` times before, and says
    /// what follows.
    #[must_use]
    pub fn after(
        &mut self,
        attempted: Attempted,
        (first_at, failed): (Timestamp, u32),
        now: Timestamp,
        jitter: u8,
    ) -> Next {
        if attempted == Attempted::Delivered {
            *self = Self::default();
            return Next::Done;
        }
        self.failures += 1;
        self.failing_since.get_or_insert(now);
        self.last_failed_at = Some(now);
        if attempted == Attempted::Gone {
            return Next::Disable(Disabling::Gone);
        }
        match next_attempt_after_ms(failed + 1, jitter) {
            Some(pause) => Next::RetryAt(now.plus_ms(pause)),
            None if self.failing_since.is_some_and(|since| since <= first_at) => Next::Disable(Disabling::Failing),
            None => Next::GiveUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    #[test]
    fn an_event_has_one_id_that_finds_it() {
        for (ms, shard, sequence) in [(0, 0, 1), (1_795_334_400_007, 255, i64::MAX >> 1), (1_795_334_400_007, 7, 42)] {
            let id = EventId { recorded_at: at(ms), shard: Shard::new(shard), sequence };
            assert_eq!(id.uuid().get_version_num(), 7);
            assert_eq!(id.uuid().get_variant(), uuid::Variant::RFC4122);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for bad in ["", "evt_", "evt_01939f3e-7c00-4000-8000-00000000000a", "rch_01939f3e-7c00-7000-8000-00000000000a"]
        {
            assert!(bad.parse::<EventId>().is_err(), "{bad}");
        }
        let upper = "evt_01939F3E-7C00-7000-8000-00000000000A";
        assert!(upper.parse::<EventId>().is_err());
        assert!(upper.to_lowercase().replace("EVT", "evt").parse::<EventId>().is_ok());
    }

    #[test]
    fn attempts_come_at_the_times_that_are_promised() {
        let seconds: Vec<_> = (0..12).map(|failed| next_attempt_after_ms(failed, 0).map(|ms| ms / 1_000)).collect();
        let expected = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map(Some);
        assert_eq!(seconds[..10], expected);
        assert_eq!(seconds[10..], [None, None]);
        assert_eq!(MAX_ATTEMPTS as usize, PAUSES_MS.len());
        assert_eq!(next_attempt_after_ms(1, 255), Some(6_000));
    }

    #[test]
    fn one_that_fails_all_along_is_disabled_and_a_single_event_is_given_up() {
        let mut alone = Health::default();
        let first = (at(0), 0);
        assert_eq!(alone.after(Attempted::Failed, first, at(0), 0), Next::RetryAt(at(5_000)));
        for failed in 1..9 {
            assert!(matches!(alone.after(Attempted::Failed, (at(0), failed), at(9), 0), Next::RetryAt(_)));
        }
        assert!(!alone.is_down());
        assert_eq!(alone.after(Attempted::Failed, (at(0), 9), at(10), 0), Next::Disable(Disabling::Failing));
        assert!(alone.is_down());

        let mut others = Health { failing_since: Some(at(0)), ..alone };
        assert_eq!(others.after(Attempted::Delivered, (at(5), 0), at(5), 0), Next::Done);
        assert_eq!(others, Health::default());
        assert_eq!(others.after(Attempted::Failed, (at(0), 9), at(10), 0), Next::GiveUp);
        assert_eq!(others.after(Attempted::Gone, (at(9), 0), at(11), 0), Next::Disable(Disabling::Gone));
    }

    #[test]
    fn one_that_is_down_is_probed_with_growing_pauses() {
        let health = |failures| Health { failures, failing_since: Some(at(0)), last_failed_at: Some(at(0)) };
        let due = [10, 11, 12, 16, 400].map(|failures| health(failures).probe_due_at().unix_ms());
        assert_eq!(due, [5_000, 10_000, 20_000, 300_000, 300_000]);
    }

    #[test]
    fn each_entry_is_told_as_one_thing_and_each_event_comes_of_an_entry() {
        for (index, (kind, event)) in TOLD.iter().enumerate() {
            assert!(TOLD[..index].iter().all(|(earlier, _)| earlier != kind), "{kind:?}");
            assert_eq!(EventType::of(*kind), Some(*event));
        }
        for event in EventType::subscribable() {
            assert!(TOLD.iter().any(|(_, told)| *told == event), "{}", event.name());
        }
        assert_eq!(EventType::of(EntryKind::KeyVoided), None);
    }
}
