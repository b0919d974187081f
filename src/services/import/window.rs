//! Some rows at once: what the network knows of them, what is to be opened, and what became of it.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt as _;

use super::rows::{Refused, Row};
use super::{ImportError, Importer, MAX_WAITING, Run};
use crate::domain::ids::uuid_v7;
use crate::domain::{ResellerId, Shard};
use crate::ledger::command::OpenReseller;
use crate::ledger::{Command, PlaceRefusal, Refusal, Registration, Request};
use crate::ports::{LedgerError, Member, StoreError};

/// How often a command is sent again to a ledger that is overloaded or out of reach, and how long apart.
const ATTEMPTS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);

/// Rows with those that the network has under their codes and under those of their parents.
pub(super) struct Window {
    rows: Vec<Row>,
    members: HashMap<String, Member>,
}

/// A row that is to be opened, with its command.
pub(super) struct Order {
    row: Row,
    open: OpenReseller,
}

/// What became of a row.
pub(super) enum Outcome {
    Opened,
    /// Its parent is not there yet, or somebody else was faster: it is looked at again.
    Again,
    Refused(Refused),
}

impl Window {
    pub async fn look_up(importer: &Importer, rows: Vec<Row>) -> Result<Self, StoreError> {
        let mut codes: Vec<String> = rows
            .iter()
            .flat_map(|row| [Some(&row.code), row.parent.as_ref()])
            .flatten()
            .map(|code| code.as_str().to_owned())
            .collect();
        codes.sort_unstable();
        codes.dedup();
        let found = if codes.is_empty() { Vec::new() } else { importer.reads.members_by_code(&codes).await? };
        let members = found.into_iter().map(|member| (member.registration.code.clone(), member)).collect();
        Ok(Self { rows, members })
    }
}

impl Run<'_> {
    /// What is to be opened of a window's rows, in their order. The rest is settled or waits.
    pub(super) fn plan(&mut self, window: Window) -> Vec<Order> {
        let Window { rows, members } = window;
        let mut orders = Vec::new();
        for row in rows {
            if let Some(member) = members.get(row.code.as_str()) {
                self.compare(&row, member, &members);
                continue;
            }
            let parent = row.parent.as_ref().map(|code| self.id_of(code.as_str(), &members));
            let parent = match parent {
                None => None,
                Some(Some(id)) => Some(id),
                Some(None) => {
                    self.wait(row);
                    continue;
                }
            };
            let id = self.importer.draw();
            // Its children may follow in the same breath: the ledger decides in this order.
            if let Some(known) = self.known.get_mut(row.code.as_str()) {
                known.id = Some(id);
            }
            let registration = Registration {
                id,
                code: row.code.as_str().to_owned(),
                name: row.name.as_str().to_owned(),
                level: row.level,
                parent,
                created_at: self.importer.clock.now(),
            };
            let (limits, credit_limit_minor) = (row.limits, row.credit_limit_minor);
            orders.push(Order { row, open: OpenReseller { registration, limits, credit_limit_minor } });
        }
        orders
    }

    fn id_of(&self, code: &str, members: &HashMap<String, Member>) -> Option<ResellerId> {
        let ours = self.known.get(code).and_then(|known| known.id);
        ours.or_else(|| members.get(code).map(|member| member.registration.id))
    }

    fn wait(&mut self, row: Row) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push(row);
        } else {
            let reason = format!("its parent stands behind more than {MAX_WAITING} others: put parents first");
            self.refuse(&Refused::new(row.line, "parent_code", reason));
        }
    }

    /// A row whose code somebody has: the same, or a conflict.
    fn compare(&mut self, row: &Row, member: &Member, members: &HashMap<String, Member>) {
        let place = &member.registration;
        if let Some(known) = self.known.get_mut(row.code.as_str()) {
            known.id = Some(place.id);
        }
        let parent = row.parent.as_ref().map(|code| self.id_of(code.as_str(), members));
        let same_parent = match (parent, place.parent) {
            (None, None) => true,
            (Some(Some(ours)), Some(theirs)) => ours == theirs,
            _ => false,
        };
        let limits = &member.reseller.limits;
        let columns = [
            ("name", place.name == row.name.as_str()),
            ("level", place.level == row.level),
            ("parent_code", same_parent),
            ("credit_limit", member.stock.credit_limit == row.credit_limit_minor),
            ("per_operation", limits.per_operation_minor == row.limits.per_operation_minor),
            ("per_day_count", limits.per_day_count == row.limits.per_day_count),
            ("per_day_amount", limits.per_day_minor == row.limits.per_day_minor),
        ];
        match columns.into_iter().find(|(_, same)| !same) {
            None => self.summary.unchanged += 1,
            Some((column, _)) => {
                let reason =
                    "a reseller of the network has this code with another value here; an import changes nobody";
                self.refuse(&Refused::new(row.line, column, reason));
            }
        }
    }

    pub(super) fn settle(&mut self, outcomes: Vec<(Row, Outcome)>) {
        for (row, outcome) in outcomes {
            match outcome {
                Outcome::Opened => self.summary.opened += 1,
                Outcome::Again => {
                    self.forget_id(&row);
                    self.wait(row);
                }
                Outcome::Refused(refused) => {
                    self.forget_id(&row);
                    self.refuse(&refused);
                }
            }
        }
    }

    fn forget_id(&mut self, row: &Row) {
        if let Some(known) = self.known.get_mut(row.code.as_str()) {
            known.id = None;
        }
    }
}

impl Importer {
    /// Sends all orders in their order, many at once.
    pub(super) async fn open_all(&self, orders: Vec<Order>) -> Result<Vec<(Row, Outcome)>, ImportError> {
        let mut answers = futures::stream::iter(orders)
            .map(|Order { row, open }| async move {
                let outcome = self.open(&row, open).await;
                outcome.map(|outcome| (row, outcome))
            })
            .buffered(self.in_flight.max(1));
        let mut outcomes = Vec::new();
        while let Some(answer) = answers.next().await {
            outcomes.push(answer?);
        }
        Ok(outcomes)
    }

    /// Opens one; the same command is sent until the ledger has an answer, which it carries out once.
    async fn open(&self, row: &Row, open: OpenReseller) -> Result<Outcome, LedgerError> {
        for _ in 0..ATTEMPTS {
            let command = Command { actor: self.actor.clone(), request: Request::OpenReseller(open.clone()) };
            match self.ledger.execute(command).await {
                Ok(_) | Err(LedgerError::Refused(Refusal::ResellerExists)) => return Ok(Outcome::Opened),
                Err(
                    LedgerError::Overloaded { .. } | LedgerError::Unavailable { .. } | LedgerError::Recovering { .. },
                ) => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(LedgerError::Refused(Refusal::Place(PlaceRefusal::UnknownParent | PlaceRefusal::CodeTaken))) => {
                    return Ok(Outcome::Again);
                }
                Err(LedgerError::Refused(refusal)) => {
                    return Ok(Outcome::Refused(Refused::new(row.line, column_of(refusal), refusal.to_string())));
                }
                Err(LedgerError::Internal) => {
                    return Ok(Outcome::Refused(Refused::new(
                        row.line,
                        "",
                        "the ledger could not write it; see its log",
                    )));
                }
            }
        }
        Err(LedgerError::Unavailable { retry_after_s: 1 })
    }

    fn draw(&self) -> ResellerId {
        let mut random = [0; 10];
        self.randomness.fill(&mut random);
        ResellerId::from_uuid(uuid_v7(self.clock.now(), random, Shard::new(random[9])))
    }
}

fn column_of(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Place(PlaceRefusal::UnknownLevel | PlaceRefusal::LevelAboveParent) => "level",
        Refusal::Place(PlaceRefusal::ParentClosed | PlaceRefusal::TooDeep | PlaceRefusal::Cycle) => "parent_code",
        _ => "",
    }
}
