//! What limits count, as the store sums it up.

use crate::domain::Usage;
use crate::ledger::limits::Tally;
use crate::ports::TallyQuestion;

#[derive(Clone, Copy, sqlx::FromRow)]
pub(super) struct TallyRow {
    day_count: i64,
    day_minor: i64,
    month_count: i64,
    month_minor: i64,
}

impl TallyRow {
    pub(super) fn read(self, question: &TallyQuestion) -> Tally {
        Tally {
            day: Usage { day: question.day, count: self.day_count, amount_minor: self.day_minor },
            month: Usage { day: question.month, count: self.month_count, amount_minor: self.month_minor },
        }
    }
}
