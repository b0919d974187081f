//! Which charging system is asked for a number, and which one next. Pure.
//!
//! Prefixes only hint (`domain.md` \[22\]): the network decides. So all systems come into question for each number, those
//! that are known for it first.

use crate::domain::{Msisdn, NumberRange, SystemName};

/// A system and the numbers that it is known for; none of them means any.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub name: SystemName,
    pub numbers: &'a [NumberRange],
}

/// All systems in the order in which they are asked: the one with the narrowest range around the number, those that are
/// for any number, the others; and of equal ones the main one, then by name.
#[must_use]
pub fn order(candidates: &[Candidate<'_>], msisdn: Msisdn) -> Vec<SystemName> {
    let rank = |candidate: &Candidate<'_>| {
        let narrowest = candidate.numbers.iter().filter_map(|range| range.size_around(msisdn)).min();
        match narrowest {
            Some(size) => (0, size),
            None if candidate.numbers.is_empty() => (1, 0),
            None => (2, 0),
        }
    };
    let mut ranked: Vec<_> = candidates
        .iter()
        .map(|candidate| (rank(candidate), candidate.name != SystemName::MAIN, candidate.name))
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, _, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_range_is_asked_first_and_everybody_at_last() {
        let systems: [(&str, &[&str]); 5] = [
            ("main", &[]),
            ("ported", &["+212661234500-+212661234599", "+212661230000-+212661239999"]),
            ("north", &["+212661"]),
            ("south", &["+2127"]),
            ("backup", &[]),
        ];
        let ranges: Vec<(SystemName, Vec<NumberRange>)> = systems
            .iter()
            .map(|(name, ranges)| (name.parse().unwrap(), ranges.iter().map(|range| range.parse().unwrap()).collect()))
            .collect();
        let candidates: Vec<_> = ranges.iter().map(|(name, numbers)| Candidate { name: *name, numbers }).collect();
        for (digits, expected) in [
            (212_661_234_567, "ported north main backup south"),
            (212_661_239_999, "ported north main backup south"),
            (212_661_999_999, "north main backup ported south"),
            (212_712_345_678, "south main backup north ported"),
            (212_612_345_678, "main backup north ported south"),
        ] {
            let found = order(&candidates, Msisdn::from_digits(digits).unwrap());
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), expected, "{digits}");
        }
    }
}
