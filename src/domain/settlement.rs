//! Settlement: what an acquirer's file says of the payments it took, line by line (`domain.md` \[13\]).

use super::coded::coded;
use super::encoding::{Encoder, Hash};
use super::ids::{OperationId, SettlementId};
use super::record::{RecordKey, RecordKind};
use super::records::SettlementFile;
use super::time::BusinessDay;

coded! {
    /// What a line is about.
    SettledKind {
        Payment = 1, "payment";
        Refund = 2, "refund";
        Chargeback = 3, "chargeback";
        /// A charge-back that was won: the money comes back.
        ChargebackReversal = 4, "chargeback_reversal";
        /// The charging system credited a subscriber.
        Refill = 5, "refill";
        /// The charging system did not carry out a refill.
        NotRefilled = 6, "not_refilled";
    }
}

coded! {
    /// How a line compares with our books.
    LineState {
        Matched = 1, "matched";
        /// We know of no such payment, refund or charge-back.
        MissingHere = 2, "missing_here";
        AmountDiffers = 3, "amount_differs";
        /// A line of this reference was booked before, or the same payment by another one.
        Duplicate = 4, "duplicate";
        /// It says the contrary of a final outcome of ours, or names another subscriber.
        Contradicts = 5, "contradicts";
    }
}

/// Whose file the daily record of the charging system is: no acquirer bears this name.
pub const CHARGING_SYSTEM: &str = "charging system";

impl SettledKind {
    /// Of an acquirer's file; else of the charging system's record.
    #[must_use]
    pub fn is_money(self) -> bool {
        !matches!(self, Self::Refill | Self::NotRefilled)
    }
}

/// A line as it was compared and booked. Amounts have the sign that the file gives them, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettledLine {
    /// Of the line among those of its file that are no heading, from 1.
    pub number: i64,
    /// The acquirer's own id.
    pub reference: Box<str>,
    pub kind: SettledKind,
    pub state: LineState,
    /// The top-up that it is about, as far as one was found.
    pub operation: Option<OperationId>,
    pub gross_minor: i64,
    /// What the acquirer keeps of it. Of the charging system: what our books have of it already, so that the net amount
    /// is the difference.
    pub fee_minor: i64,
    pub settled_on: BusinessDay,
    /// Whether it was posted: all but those whose reference was booked before.
    pub posted: bool,
}

impl SettledLine {
    /// By what a line is posted once, whichever file it comes in.
    ///
    /// # Panics
    /// Never: a digest is long enough.
    #[must_use]
    pub fn key(&self, acquirer: &str) -> [u8; 16] {
        let mut encoder = Encoder::new("taabia/settlement-key/1");
        encoder.text(acquirer).int(self.kind.code().into()).text(&self.reference);
        *encoder.sha256().first_chunk().expect("a SHA-256 has 32 bytes")
    }

    #[must_use]
    pub fn net_minor(&self) -> i64 {
        self.gross_minor - self.fee_minor
    }

    /// The top-up whose payment this line settles, or the recharge that it tells of: no other line may.
    #[must_use]
    pub fn pays(&self) -> Option<OperationId> {
        let pays = match self.kind {
            SettledKind::Payment => self.state == LineState::Matched,
            SettledKind::Refill => self.state != LineState::Duplicate,
            _ => false,
        };
        self.operation.filter(|_| pays)
    }

    /// The digest over a file's lines up to this one.
    #[must_use]
    pub fn chain(&self, before: &Hash) -> Hash {
        let mut encoder = Encoder::new("taabia/settlement-line/1");
        encoder.bytes(before).int(self.number).text(&self.reference);
        encoder.int(self.kind.code().into()).int(self.state.code().into());
        encoder.optional(self.operation, |e, operation| {
            e.bytes(operation.uuid().as_bytes());
        });
        encoder.int(self.gross_minor).int(self.fee_minor).int(self.settled_on.0.into()).flag(self.posted).sha256()
    }
}

impl SettlementId {
    /// The id of a file: of its acquirer and its content, so that the same file has the same id.
    ///
    /// # Panics
    /// Never: a digest is long enough.
    #[must_use]
    pub fn of(acquirer: &str, content: &Hash) -> Self {
        let digest = Encoder::new("taabia/settlement-file/1").text(acquirer).bytes(content).sha256();
        let first = digest.first_chunk().expect("a SHA-256 has 32 bytes");
        Self::from_uuid(uuid::Builder::from_custom_bytes(*first).into_uuid())
    }

    /// The record of the file.
    ///
    /// # Panics
    /// Never: an id is short and plain.
    #[must_use]
    pub fn key(self) -> RecordKey {
        RecordKey::of_operator(RecordKind::SettlementFile, self.to_string().parse().expect("an id is short and plain"))
    }
}

impl SettlementFile {
    /// Gross amount of the lines that are nobody's yet.
    #[must_use]
    pub fn difference_minor(&self) -> i64 {
        if &*self.acquirer == CHARGING_SYSTEM {
            return self.net_minor;
        }
        self.missing_here.gross_minor.saturating_add(self.amount_differs.gross_minor)
    }

    /// Counts a line that follows those before it.
    pub fn add(&mut self, line: &SettledLine) {
        self.booked = line.number;
        self.chain = line.chain(&self.chain);
        let sum = match line.state {
            LineState::Matched => &mut self.matched,
            LineState::MissingHere => &mut self.missing_here,
            LineState::AmountDiffers => &mut self.amount_differs,
            LineState::Duplicate => &mut self.duplicate,
            LineState::Contradicts => &mut self.contradicts,
        };
        sum.count += 1;
        sum.gross_minor = sum.gross_minor.saturating_add(line.gross_minor);
        sum.fee_minor = sum.fee_minor.saturating_add(line.fee_minor);
        if line.posted {
            self.net_minor = self.net_minor.saturating_add(line.net_minor());
            self.fees_minor = self.fees_minor.saturating_add(line.fee_minor);
        }
        let day = Some(line.settled_on.0);
        self.first_day = self.first_day.min(day).or(day);
        self.last_day = self.last_day.max(day);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(reference: &str, kind: SettledKind) -> SettledLine {
        SettledLine {
            number: 1,
            reference: reference.into(),
            kind,
            state: LineState::Matched,
            operation: None,
            gross_minor: 10_000,
            fee_minor: 150,
            settled_on: BusinessDay(20_000),
            posted: true,
        }
    }

    #[test]
    fn a_line_is_told_by_acquirer_kind_and_reference() {
        let key = line("p1", SettledKind::Payment).key("bank");
        assert_eq!(key, SettledLine { number: 9, gross_minor: 1, ..line("p1", SettledKind::Payment) }.key("bank"));
        assert_ne!(key, line("p1", SettledKind::Refund).key("bank"));
        assert_ne!(key, line("p1", SettledKind::Payment).key("other"));
        assert_ne!(key, line("p2", SettledKind::Payment).key("bank"));
    }

    #[test]
    fn the_chain_covers_every_field() {
        let plain = line("p1", SettledKind::Payment);
        let first = plain.chain(&[0; 32]);
        let others = [
            SettledLine { number: 2, ..plain.clone() },
            SettledLine { reference: "p2".into(), ..plain.clone() },
            SettledLine { kind: SettledKind::Refund, ..plain.clone() },
            SettledLine { state: LineState::Duplicate, ..plain.clone() },
            SettledLine { operation: Some(OperationId::from_uuid(uuid::Uuid::nil())), ..plain.clone() },
            SettledLine { gross_minor: 1, ..plain.clone() },
            SettledLine { fee_minor: 1, ..plain.clone() },
            SettledLine { settled_on: BusinessDay(1), ..plain.clone() },
            SettledLine { posted: false, ..plain.clone() },
        ];
        for other in others {
            assert_ne!(other.chain(&[0; 32]), first, "{other:?}");
        }
        assert_ne!(plain.chain(&[1; 32]), first);
    }
}
