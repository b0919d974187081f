//! Times as bounds on ids: a UUIDv7 begins with 48 bits of milliseconds (RFC 9562 §5.7), so a range of
//! creation is a range of the index on ids.

use uuid::Uuid;

use crate::domain::{OperationId, Status, Timestamp};
use crate::ports::{PartyQuery, RechargeQuery};

/// An id is drawn a moment before its operation is decided, and clocks are set: what was created at a time
/// has an id of that time, give or take an hour. The exact comparison is with `created_at`.
const ID_SLACK_MS: i64 = 3_600_000;

/// No operation created at or after `at` has a smaller id.
pub(super) fn first_id_since(at: Timestamp) -> Uuid {
    with_time(at.plus_ms(-ID_SLACK_MS), 0x00)
}

/// No operation created before `at` has a greater id.
pub(super) fn last_id_before(at: Timestamp) -> Uuid {
    with_time(at.plus_ms(ID_SLACK_MS), 0xff)
}

fn with_time(at: Timestamp, fill: u8) -> Uuid {
    let mut bytes = [fill; 16];
    bytes[..6].copy_from_slice(&at.unix_ms().to_be_bytes()[2..]);
    Uuid::from_bytes(bytes)
}

/// The part of a list's query that every variant of its statement takes, without optional values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// Ids at or after this one,
    pub first_id: Uuid,
    /// and before this one.
    pub before_id: Uuid,
    pub created_from_ms: i64,
    pub created_before_ms: i64,
    pub status: Option<i16>,
    pub limit: i64,
}

impl Page {
    pub(super) fn of(query: &RechargeQuery) -> Self {
        Self::within((query.from, query.to), query.after, query.status, query.limit)
    }

    pub(super) fn of_party(query: &PartyQuery) -> Self {
        Self::within((query.from, query.to), query.after, query.status, query.limit)
    }

    fn within(
        (from, to): (Option<Timestamp>, Option<Timestamp>),
        after: Option<OperationId>,
        status: Option<Status>,
        limit: u32,
    ) -> Self {
        let latest = to.map_or(Uuid::max(), last_id_before);
        Self {
            first_id: from.map_or(Uuid::nil(), first_id_since),
            before_id: after.map_or(latest, |after| latest.min(after.uuid())),
            created_from_ms: from.map_or(0, Timestamp::unix_ms),
            created_before_ms: to.map_or(i64::MAX, Timestamp::unix_ms),
            status: status.map(Status::code),
            limit: i64::from(limit),
        }
    }
}

/// Merges what each shard or reseller gave into one page, newest first.
pub(super) fn newest<T>(mut rows: Vec<T>, limit: i64, id: impl Fn(&T) -> OperationId) -> Vec<T> {
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(id(row)));
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Shard;
    use crate::domain::ids::uuid_v7;

    #[test]
    fn ids_of_a_time_lie_within_its_bounds() {
        let at = Timestamp::from_unix_ms(1_795_334_400_007);
        for random in [[0; 10], [0xff; 10]] {
            let id = uuid_v7(at, random, Shard::new(7));
            assert!(first_id_since(at) <= id && id <= last_id_before(at));
            assert!(id < first_id_since(at.plus_ms(2 * ID_SLACK_MS)));
            assert!(id > last_id_before(at.plus_ms(-2 * ID_SLACK_MS)));
        }
        assert_eq!(first_id_since(Timestamp::EPOCH), Uuid::nil());
    }
}
