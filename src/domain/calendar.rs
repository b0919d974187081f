//! The operator's calendar: which business day a moment belongs to, and when a day begins (`domain.md` \[20\]).

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::time::{BusinessDay, Timestamp};

/// Time zone and cut-off. Configuration; every node of an installation has the same.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
    cut_off: CutOff,
}

/// The time of day at which a business day begins, local time: `00:00` to `23:59`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutOff {
    minutes: u16,
}

impl FromStr for CutOff {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a time of day such as 00:00";
        let (hours, minutes) = text.split_once(':').ok_or(EXPECTED)?;
        let number = |text: &str, below: u16| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u16>().ok().filter(|number| digits && *number < below).ok_or(EXPECTED)
        };
        Ok(Self { minutes: number(hours, 24)? * 60 + number(minutes, 60)? })
    }
}

impl Calendar {
    #[must_use]
    pub fn new(zone: TimeZone, cut_off: CutOff) -> Self {
        Self { zone, cut_off }
    }

    /// The business day that `at` belongs to: the last one that had begun.
    #[must_use]
    pub fn day_of(&self, at: Timestamp) -> BusinessDay {
        let civil = BusinessDay::of(at, &self.zone);
        if self.cut_off.minutes == 0 {
            return civil;
        }
        // Not by subtraction: around a change of the clock a local time can be twice, or not at all.
        if at < self.begins_at(civil) { BusinessDay(civil.0 - 1) } else { civil }
    }

    /// When a business day begins; the one before it ends there.
    #[must_use]
    pub fn begins_at(&self, day: BusinessDay) -> Timestamp {
        let (hour, minute) = (self.cut_off.minutes / 60, self.cut_off.minutes % 60);
        let time = Time::constant(i8::try_from(hour).unwrap_or(0), i8::try_from(minute).unwrap_or(0), 0, 0);
        let local = DateTime::from_parts(day.date(), time);
        let instant = self.zone.to_ambiguous_timestamp(local).compatible();
        Timestamp::from_unix_ms(instant.map_or(0, jiff::Timestamp::as_millisecond))
    }

    /// From when to when a business day lasts; the end belongs to the next.
    #[must_use]
    pub fn bounds(&self, day: BusinessDay) -> (Timestamp, Timestamp) {
        (self.begins_at(day), self.begins_at(BusinessDay(day.0 + 1)))
    }
}

impl BusinessDay {
    /// Days that a calendar shows: those of the years 1970 to 9998.
    const LAST: i32 = 2_932_531;

    /// The civil date.
    #[must_use]
    pub fn date(self) -> Date {
        let days = i64::from(self.0.clamp(0, Self::LAST));
        let epoch = Date::constant(1970, 1, 1);
        epoch.checked_add(jiff::Span::new().days(days)).unwrap_or(epoch)
    }
}

impl fmt::Display for BusinessDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date())
    }
}

impl FromStr for BusinessDay {
    type Err = &'static str;

    /// Parses a date such as `2026-11-22` (RFC 3339 §5.6, full-date).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a date such as 2026-11-22";
        let date: Date = text.parse().map_err(|_| EXPECTED)?;
        let days = date.since(Date::constant(1970, 1, 1)).map_err(|_| EXPECTED)?.get_days();
        let day = Self(days);
        if (0..=Self::LAST).contains(&days) && day.to_string() == text { Ok(day) } else { Err(EXPECTED) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn casablanca(cut_off: &str) -> Calendar {
        Calendar::new(TimeZone::get("Africa/Casablanca").unwrap(), cut_off.parse().unwrap())
    }

    #[test]
    fn dates_are_read_and_printed() {
        for text in ["1970-01-01", "2024-02-29", "2026-11-22", "9998-12-31"] {
            assert_eq!(text.parse::<BusinessDay>().unwrap().to_string(), text);
        }
        for bad in ["", "2026-11-31", "2026-1-2", "20261122", "2026-11-22T00:00:00", "1969-12-31", "-000001-01-01"] {
            assert!(bad.parse::<BusinessDay>().is_err(), "{bad}");
        }
        for bad in ["", "24:00", "1:00", "00:60", "0000", "+1:00", "00:00:00"] {
            assert!(bad.parse::<CutOff>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_clock_changes_around_ramadan() {
        // In 2026 Morocco goes from UTC+1 to UTC on 15 February at 03:00 and back on 22 March at 02:00.
        let calendar = casablanca("00:00");
        let lasts = |day: &str| {
            let (begin, end) = calendar.bounds(day.parse().unwrap());
            end.since_ms(begin) / 3_600_000
        };
        assert_eq!((lasts("2026-02-14"), lasts("2026-02-15"), lasts("2026-02-16")), (24, 25, 24));
        assert_eq!((lasts("2026-03-21"), lasts("2026-03-22"), lasts("2026-03-23")), (24, 23, 24));
        assert_eq!(calendar.begins_at("2026-02-15".parse().unwrap()), at("2026-02-14T23:00:00Z"));
        assert_eq!(calendar.begins_at("2026-02-16".parse().unwrap()), at("2026-02-16T00:00:00Z"));
        assert_eq!(calendar.day_of(at("2026-02-16T00:00:00Z")).to_string(), "2026-02-16");
        assert_eq!(calendar.day_of(at("2026-02-15T23:59:59.999Z")).to_string(), "2026-02-15");
    }

    #[test]
    fn days_follow_each_other_without_gap_or_overlap() {
        for cut_off in ["00:00", "02:30", "03:00", "23:45"] {
            let calendar = casablanca(cut_off);
            let first: BusinessDay = "2026-01-01".parse().unwrap();
            for number in first.0..first.0 + 400 {
                let day = BusinessDay(number);
                let (begin, end) = calendar.bounds(day);
                assert!(begin < end, "{day}");
                assert_eq!(calendar.day_of(begin), day, "{cut_off} {day}");
                assert_eq!(calendar.day_of(end.plus_ms(-1)), day, "{cut_off} {day}");
            }
        }
    }
}
