//! Paying out what a reseller earned by the sales of one shard: all that has accrued by then.
//!
//! In stock: debit commission in stock accrued, credit reseller stock; and debit operator stock, credit commission
//! granted, so that no credit comes from nowhere. In money: debit commission accrued, credit commission payable, which
//! the operator owes. What crosses shards goes through in transit, all in one transaction.

use super::books::{HoldChange, Movement, ShardBooks, Step, Subject};
use super::command::PayCommission;
use super::commission::accrued_class;
use super::rules::Moment;
use crate::domain::catalogue::PayIn;
use crate::domain::{
    Account, AccountClass, AccountNumber, Decline, Details, EntryKind, Operation, PartnerId, ResellerId, Shard,
    Standing, Status,
};

/// What a payout writes, by shard; the first is that of the sales, where the operation stands.
pub type Payout = Vec<(Shard, Step)>;

/// The shards of a payout, which may be one.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// Where it accrued.
    pub sales: &'a ShardBooks,
    /// Where the reseller lives.
    pub home: &'a ShardBooks,
    pub operator: &'a ShardBooks,
}

/// Pays or declines; when nothing is due the operation is of nothing. `None` when the reseller is unknown.
#[must_use]
pub fn pay(places: &Places<'_>, command: &PayCommission, moment: &Moment<'_>) -> Option<Payout> {
    let Places { sales, home, operator } = *places;
    let reseller = home.reseller(command.to)?;
    let at = sales.recorded_at(moment.now);
    let accrued = sales.owners().account(command.to, accrued_class(command.pay_in));
    let due_minor = accrued.and_then(|number| sales.account(number)).map_or(0, |account| account.posted.max(0));
    let mut operation = Operation {
        id: command.operation,
        partner: PartnerId::OPERATOR,
        reseller: ResellerId::OPERATOR,
        external_id: command.external_id.clone(),
        amount_minor: due_minor,
        status: Status::Completed,
        decline: None,
        balance_after: None,
        created_at: at,
        updated_at: at,
        details: Details::CommissionPayout { to: command.to, pay_in: command.pay_in },
        last_sequence: 0,
    };
    let stock = AccountClass::OperatorStock.system_account();
    let uncovered = command.pay_in == PayIn::Stock && !operator.account(stock)?.can_spare(due_minor);
    let mut legs = Legs::new(places, due_minor);
    if let Some(accrued) = accrued.filter(|_| due_minor > 0) {
        let paid = match command.pay_in {
            PayIn::Stock => reseller.stock_account,
            PayIn::Money => legs.payable(command.to),
        };
        legs.carry((sales.shard(), accrued), (home.shard(), paid), command.pay_in);
        if command.pay_in == PayIn::Stock {
            let granted = AccountClass::CommissionGranted.system_account();
            legs.carry((operator.shard(), stock), (sales.shard(), granted), command.pay_in);
        }
    }
    operation.decline = if reseller.standing != Standing::Active {
        Some(Decline::ResellerSuspended)
    } else if !legs.can_be_posted() {
        Some(Decline::LimitExceeded)
    } else if uncovered {
        Some(Decline::InsufficientStock)
    } else {
        None
    };
    if operation.decline.is_some() {
        operation.status = Status::Declined;
        let step = Step::about(EntryKind::CommissionPayoutDeclined, Subject::Operation(operation));
        return Some(vec![(sales.shard(), step)]);
    }
    Some(legs.steps(&operation))
}

/// The movements of a payout, shard by shard.
struct Legs<'a> {
    places: &'a Places<'a>,
    amount_minor: i64,
    /// The account for money that is opened at home.
    opened: Option<Account>,
    movements: Vec<(Shard, Movement)>,
}

impl<'a> Legs<'a> {
    fn new(places: &'a Places<'a>, amount_minor: i64) -> Self {
        Self { places, amount_minor, opened: None, movements: Vec::new() }
    }

    /// What the operator owes a reseller, at its home.
    fn payable(&mut self, owner: ResellerId) -> AccountNumber {
        let home = self.places.home;
        home.owners().account(owner, AccountClass::CommissionPayable).unwrap_or_else(|| {
            let number = AccountNumber(home.head().next_account);
            self.opened = Some(Account::empty(number, AccountClass::CommissionPayable, Some(owner)));
            number
        })
    }

    fn carry(&mut self, from: (Shard, AccountNumber), to: (Shard, AccountNumber), pay_in: PayIn) {
        let amount_minor = self.amount_minor;
        let mut post = |shard, debit, credit| self.movements.push((shard, Movement { debit, credit, amount_minor }));
        if from.0 == to.0 {
            return post(from.0, from.1, to.1);
        }
        let transit = match pay_in {
            PayIn::Stock => AccountClass::AirtimeInTransit,
            PayIn::Money => AccountClass::MoneyInTransit,
        };
        post(from.0, from.1, transit.system_account());
        post(to.0, transit.system_account(), to.1);
    }

    fn books(&self, shard: Shard) -> &ShardBooks {
        let Places { sales, home, operator } = *self.places;
        [sales, home, operator].into_iter().find(|books| books.shard() == shard).expect("it is one of these")
    }

    fn can_be_posted(&self) -> bool {
        self.movements.iter().all(|(shard, movement)| {
            let at_home = *shard == self.places.home.shard();
            if at_home && self.opened.is_some_and(|account| account.number == movement.credit) {
                return self.books(*shard).can_debit(movement.debit, movement.amount_minor);
            }
            self.books(*shard).can_post(movement)
        })
    }

    /// One entry per shard.
    fn steps(self, operation: &Operation) -> Payout {
        let digest = operation.digest();
        let (sales, home) = (self.places.sales.shard(), self.places.home.shard());
        let mut shards = vec![sales];
        shards.extend([home, Shard::OPERATOR].into_iter().filter(|shard| *shard != sales));
        shards.dedup();
        let steps = shards.into_iter().filter_map(|shard| {
            let mine = self.movements.iter().filter(|(of, _)| *of == shard);
            let movements: Vec<Movement> = mine.map(|(_, movement)| *movement).collect();
            let elsewhere = Subject::Elsewhere { operation: operation.id, digest };
            let (kind, subject) = match shard {
                _ if shard == sales => (EntryKind::CommissionPaid, Subject::Operation(operation.clone())),
                _ if movements.is_empty() => return None,
                _ if shard == home => (EntryKind::CommissionReceived, elsewhere),
                _ => (EntryKind::CommissionFunded, elsewhere),
            };
            let opened = self.opened.iter().filter(|_| shard == home).copied().collect();
            Some((
                shard,
                Step { kind, subject, movements, hold: HoldChange::None, usage: None, opened, evidence: None },
            ))
        });
        steps.collect()
    }
}
