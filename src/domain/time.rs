//! Points in time and business days. Both are arguments of every decision, never read from a clock here.

use std::fmt;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z. Printed as RFC 3339 UTC with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const EPOCH: Self = Self(0);
    /// 9999-12-31T23:59:59.999Z, the last instant RFC 3339 can write.
    const LAST_MS: i64 = 253_402_300_799_999;

    /// Clamps into the years 1970 to 9999.
    #[must_use]
    pub fn from_unix_ms(unix_ms: i64) -> Self {
        Self(unix_ms.clamp(0, Self::LAST_MS))
    }

    #[must_use]
    pub fn unix_ms(self) -> i64 {
        self.0
    }

    #[must_use]
    pub fn unix_s(self) -> i64 {
        self.0 / 1_000
    }

    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self::from_unix_ms(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub fn since_ms(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).max(0)
    }

    /// Parses an RFC 3339 date-time with an offset or `Z`.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected an RFC 3339 time such as 2026-11-22T08:30:00Z";
        let at: jiff::Timestamp = text.parse().map_err(|_| EXPECTED)?;
        let unix_ms = at.as_millisecond();
        if (0..=Self::LAST_MS).contains(&unix_ms) { Ok(Self(unix_ms)) } else { Err(EXPECTED) }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at =
            jiff::Timestamp::from_millisecond(self.0).expect("the constructor keeps it within the years 1970 to 9999");
        write!(f, "{at:.3}")
    }
}

/// A business day as days since 1970-01-01 in the operator's time zone (`domain.md` \[20\]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusinessDay(pub i32);

impl BusinessDay {
    /// The civil day that `at` falls on in `zone`.
    #[must_use]
    pub fn of(at: Timestamp, zone: &jiff::tz::TimeZone) -> Self {
        let instant = jiff::Timestamp::from_millisecond(at.unix_ms()).expect("the constructor keeps it in range");
        let local_s = at.unix_s() + i64::from(zone.to_offset(instant).seconds());
        Self(i32::try_from(local_s.div_euclid(86_400)).expect("the years 1970 to 9999 fit"))
    }

    /// A date as a day.
    ///
    /// # Panics
    /// Never: dates lie within the range of days.
    #[must_use]
    pub fn of_date(date: jiff::civil::Date) -> Self {
        Self(jiff::civil::date(1970, 1, 1).until(date).expect("both are dates").get_days())
    }

    /// The first day of its month.
    #[must_use]
    pub fn first_of_month(self) -> Self {
        Self::of_date(self.date().first_of_month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_milliseconds_and_parses_back() {
        let at = Timestamp::from_unix_ms(1_795_334_400_007);
        assert_eq!(at.to_string(), "2026-11-22T08:00:00.007Z");
        assert_eq!(Timestamp::parse(&at.to_string()), Ok(at));
        assert_eq!(Timestamp::from_unix_ms(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::parse("2026-11-22T09:00:00.007+01:00"), Ok(at));
        for bad in ["", "2026-11-22", "2026-11-22T08:00:00", "yesterday", "1969-12-31T23:59:59Z"] {
            assert!(Timestamp::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn days_and_months_begin_in_the_zone() {
        let zone = jiff::tz::TimeZone::get("Africa/Casablanca").unwrap();
        let calendar = crate::domain::Calendar::new(zone, crate::domain::CutOff::default());
        for (text, first) in [
            ("2026-11-30T22:59:59.999Z", "2026-10-31T23:00:00.000Z"),
            ("2026-11-30T23:00:00Z", "2026-11-30T23:00:00.000Z"),
            // During Ramadan the zone is that of Greenwich.
            ("2027-02-20T12:00:00Z", "2027-01-31T23:00:00.000Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ] {
            let at = Timestamp::parse(text).unwrap();
            let day = calendar.day_of(at);
            let month = day.first_of_month();
            assert_eq!(calendar.begins_at(month).to_string(), first, "{text}");
            assert_eq!(calendar.day_of(calendar.begins_at(month)), month);
            assert!(calendar.begins_at(day) <= at && calendar.day_of(calendar.begins_at(day)) == day);
        }
    }

    #[test]
    fn the_business_day_follows_the_zone() {
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
        let late = Timestamp::parse("2026-11-22T23:30:00Z").unwrap();
        assert_eq!(BusinessDay::of(late, &jiff::tz::TimeZone::UTC).0 + 1, BusinessDay::of(late, &zone).0);
    }
}
