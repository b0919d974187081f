//! The naive model's transfers: keys of their own, so that they meet no recharge.

use std::collections::HashMap;

use taabia::domain::{Decline, Status, TransferKind};
use taabia::ledger::Refusal;
use taabia::ledger::command::Settlement;

use super::{Model, Seen, parent_of, reused};

const ACCEPT_WITHIN_MS: i64 = 3_600_000;

/// What a transfer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    pub kind: TransferKind,
    pub from: usize,
    pub to: Option<usize>,
    pub amount: i64,
    pub acceptance: bool,
}

#[derive(Clone, Debug)]
struct Made {
    content: Content,
    status: Status,
    decline: Option<Decline>,
    balance_after: Option<i64>,
    /// When it expires, if it ever waited.
    accept_by_ms: Option<i64>,
}

impl Made {
    fn is(&self) -> (Status, Option<Decline>, Option<i64>) {
        (self.status, self.decline, self.balance_after)
    }
}

#[derive(Default)]
pub struct Transfers {
    made: Vec<Made>,
    keys: HashMap<(usize, u8), usize>,
}

impl Transfers {
    pub fn held(&self, reseller: usize) -> i64 {
        let waiting = self.made.iter().filter(|made| made.status == Status::PendingAcceptance);
        waiting.filter(|made| made.content.from == reseller).map(|made| made.content.amount).sum()
    }

    pub fn count(&self) -> usize {
        self.made.len()
    }
}

fn above(index: usize) -> Vec<usize> {
    std::iter::successors(parent_of(index), |above| parent_of(*above)).collect()
}

impl Model {
    pub(super) fn transfer(&mut self, key: u8, content: Content) -> Seen {
        if let Some(index) = self.transfers.keys.get(&(content.from, key)) {
            let made = &self.transfers.made[*index];
            let was = made.content;
            let field = if was.to != content.to {
                Some("to_reseller_id")
            } else if was.amount != content.amount {
                Some("amount")
            } else if was.kind != content.kind {
                Some("kind")
            } else if was.acceptance != content.acceptance {
                Some("acceptance")
            } else {
                None
            };
            let (status, decline, balance) = made.is();
            return field.map_or(Seen::Replayed(status, decline, balance), reused);
        }
        let available = self.outlets[&content.from].stock - self.held(content.from);
        let mut made =
            Made { content, status: Status::Declined, decline: None, balance_after: None, accept_by_ms: None };
        made.decline = self.refuses(&content).or_else(|| {
            (available - content.amount < -self.credit(content.from)).then_some(Decline::InsufficientStock)
        });
        if made.decline.is_none() {
            made.balance_after = Some(available - content.amount);
            let siblings = content.to.is_some_and(|to| parent_of(to) == parent_of(content.from));
            if content.to.is_some() && (content.acceptance || siblings) {
                made.status = Status::PendingAcceptance;
                made.accept_by_ms = Some(self.now_ms + ACCEPT_WITHIN_MS);
            } else {
                made.status = Status::Completed;
                self.carry(&content);
            }
        }
        let (status, decline, balance) = made.is();
        self.transfers.keys.insert((content.from, key), self.transfers.made.len());
        self.transfers.made.push(made);
        Seen::Decided(status, decline, balance)
    }

    fn carry(&mut self, content: &Content) {
        self.outlets.get_mut(&content.from).unwrap().stock -= content.amount;
        match content.to {
            Some(to) => self.outlets.get_mut(&to).unwrap().stock += content.amount,
            None => self.operator_stock += content.amount,
        }
    }

    /// Why the stock cannot go this way, however much there is.
    fn refuses(&self, content: &Content) -> Option<Decline> {
        let Content { kind, from, to, .. } = *content;
        let permitted = match (kind, to) {
            (TransferKind::Return, None) => true,
            (TransferKind::Transfer, None) => false,
            (TransferKind::Return, Some(to)) => above(from).contains(&to),
            (TransferKind::Transfer, Some(to)) => {
                above(to).contains(&from) || (parent_of(to).is_some() && parent_of(to) == parent_of(from))
            }
        };
        if to == Some(from) {
            Some(Decline::SelfTransfer)
        } else if !permitted {
            Some(Decline::TransferNotPermitted)
        } else if kind == TransferKind::Transfer && self.outlets[&from].suspended {
            Some(Decline::ResellerSuspended)
        } else if to.is_some_and(|to| self.outlets[&to].suspended) {
            Some(Decline::ReceiverSuspended)
        } else {
            None
        }
    }

    pub(super) fn settle(&mut self, pick: usize, settlement: Settlement) -> Seen {
        let Some(made) = self.transfers.made.get(pick).cloned() else { return Seen::Skipped };
        if made.content.to.is_none() {
            return Seen::Skipped;
        }
        let (status, decline, balance) = made.is();
        let unchanged = Seen::Unchanged(status, decline, balance);
        let late = made.accept_by_ms.is_some_and(|by| self.now_ms >= by);
        if status != Status::PendingAcceptance {
            let same = match settlement {
                Settlement::Expire => true,
                Settlement::Accept => status == Status::Completed && made.accept_by_ms.is_some(),
                Settlement::Refuse => decline == Some(Decline::TransferRefused),
                Settlement::Cancel => decline == Some(Decline::TransferCancelled),
            };
            return if same { unchanged } else { Seen::Refused(Refusal::DecidedAlready { status }) };
        }
        let decline = match settlement {
            Settlement::Expire if !late => return unchanged,
            Settlement::Cancel => Some(Decline::TransferCancelled),
            _ if late => Some(Decline::AcceptanceExpired),
            Settlement::Refuse => Some(Decline::TransferRefused),
            _ => self.refuses(&made.content),
        };
        if decline.is_none() {
            self.carry(&made.content);
        }
        let status = if decline.is_none() { Status::Completed } else { Status::Declined };
        let now = &mut self.transfers.made[pick];
        (now.status, now.decline) = (status, decline);
        Seen::Decided(status, decline, balance)
    }
}
