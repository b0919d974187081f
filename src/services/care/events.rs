//! What happened to a recharge, read out of its entries: each says what was asked of a charging system and what that
//! answered. Pure.

use crate::domain::{
    Account, AccountClass, Decline, Effect, Entry, EntryKind, EvidenceItem, EvidenceKind, Operation, OperationId,
    Posting, ResellerId, Reversal, SystemName, Timestamp, WebhookId,
};
use crate::ledger::recharge::charging_reference;
use crate::ports::Attempt;

/// What a charging system was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Refill,
    /// What became of it.
    Inquiry,
    /// To take the credit back.
    Reversal,
}

impl Asked {
    pub const NAMES: [&'static str; 3] = ["refill", "inquiry", "reversal"];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refill => Self::NAMES[0],
            Self::Inquiry => Self::NAMES[1],
            Self::Reversal => Self::NAMES[2],
        }
    }
}

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// `answer` for one that came in time, else the kind of the evidence.
    pub by: &'static str,
    pub says: &'static str,
    pub decline: Option<Decline>,
    /// Of evidence.
    pub effect: Option<Effect>,
    pub excerpt: Option<Box<str>>,
}

/// What an event is.
#[derive(Clone, Debug)]
pub enum Happening {
    Entry(Box<ShownEntry>),
    Call { asked: Asked, system: SystemName, reference: i64 },
    Answer { asked: Asked, system: SystemName, reference: i64, said: Said },
    Attempt { endpoint: WebhookId, attempt: Box<Attempt> },
}

/// Something that happened to an operation.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: Timestamp,
    pub operation: OperationId,
    pub what: Happening,
}

/// A posting with its accounts.
#[derive(Clone, Copy, Debug)]
pub struct ShownPosting {
    pub posting: Posting,
    pub debit: (AccountClass, Option<ResellerId>),
    pub credit: (AccountClass, Option<ResellerId>),
}

impl ShownPosting {
    #[must_use]
    pub fn new(posting: Posting, debit: &Account, credit: &Account) -> Self {
        let side = |account: &Account| {
            // The owner of what an acquirer owes is the acquirer.
            let owner = account.owner.filter(|_| account.class != AccountClass::AcquirerReceivable);
            (account.class, owner)
        };
        Self { posting, debit: side(debit), credit: side(credit) }
    }

    /// The resellers whose accounts it moves.
    pub fn owners(&self) -> impl Iterator<Item = ResellerId> {
        [self.debit.1, self.credit.1].into_iter().flatten()
    }

    /// Whether it tells what the parts of a commission left over.
    #[must_use]
    pub fn is_rounding(&self) -> bool {
        let rounds = |class| matches!(class, AccountClass::MoneyRounding | AccountClass::AirtimeRounding);
        rounds(self.debit.0) || rounds(self.credit.0)
    }
}

/// An entry of the journal as its reader may see it.
#[derive(Clone, Debug)]
pub struct ShownEntry {
    pub entry: Entry,
    pub postings: Vec<ShownPosting>,
    /// Postings of resellers that the reader does not see.
    pub hidden: usize,
}

/// A charging system that was asked, and by which reference.
type Peer = (SystemName, i64);

/// Tells the entries of one operation in the journal's order.
pub struct Teller<'a> {
    operation: &'a Operation,
    /// Who is asked next, of a recharge.
    systems: Vec<SystemName>,
    asked: Option<Peer>,
    /// Whether the answer in time did not come.
    in_doubt: bool,
}

impl<'a> Teller<'a> {
    pub fn new(operation: &'a Operation) -> Self {
        let systems = operation.recharge().map(|recharge| recharge.asked.iter().collect()).unwrap_or_default();
        Self { operation, systems, asked: None, in_doubt: false }
    }

    /// What an entry tells: what had been heard, the entry itself, and what was asked then.
    pub fn tell(&mut self, shown: ShownEntry, events: &mut Vec<Event>) {
        let (kind, at) = (shown.entry.kind, shown.entry.recorded_at);
        let reference = charging_reference(shown.entry.shard, shown.entry.sequence, at);
        let evidence = shown.entry.evidence.clone();
        let operation = self.operation.id;
        let mut push = |at, what| events.push(Event { at, operation, what });
        match &evidence {
            Some(item) => self.tell_evidence(item, at, &mut push),
            None => {
                if let Some((peer, said)) = self.asked.zip(self.heard(kind)) {
                    let asked = if self.in_doubt { Asked::Inquiry } else { self.first_question() };
                    push(at, Happening::Answer { asked, system: peer.0, reference: peer.1, said });
                }
            }
        }
        push(at, Happening::Entry(Box::new(shown)));
        match kind {
            EntryKind::RechargeReserved | EntryKind::RechargeSentOn if !self.systems.is_empty() => {
                self.asked = Some((self.systems.remove(0), reference));
            }
            EntryKind::ReversalSubmitted => {
                let system = self.operation.reversal().and_then(Reversal::system);
                (self.asked, self.in_doubt) = (system.map(|system| (system, reference)), false);
            }
            EntryKind::RechargeInDoubt | EntryKind::ReversalInDoubt => {
                self.in_doubt = true;
                return;
            }
            _ => return,
        }
        if let Some((system, reference)) = self.asked {
            push(at, Happening::Call { asked: self.first_question(), system, reference });
        }
    }

    fn first_question(&self) -> Asked {
        if self.operation.reversal().is_some() { Asked::Reversal } else { Asked::Refill }
    }

    /// What an entry without evidence says was heard of whoever was asked.
    fn heard(&self, kind: EntryKind) -> Option<Said> {
        let declined = || self.operation.decline;
        let (says, decline) = match kind {
            EntryKind::RechargeSentOn => ("not_ours", None),
            EntryKind::RechargeInDoubt | EntryKind::ReversalInDoubt => ("no_answer", None),
            EntryKind::RechargeCompleted | EntryKind::ReversalCompleted => ("applied", None),
            EntryKind::RechargeReleased | EntryKind::ReversalDeclined => ("not_applied", declined()),
            // Asked, and provably never received.
            EntryKind::ReversalAwaited => ("not_received", None),
            _ => return None,
        };
        let by = if self.in_doubt { EvidenceKind::Inquiry.name() } else { "answer" };
        Some(Said { by, says, decline, effect: None, excerpt: None })
    }

    fn tell_evidence(&self, item: &EvidenceItem, at: Timestamp, push: &mut impl FnMut(Timestamp, Happening)) {
        let (system, reference) = (item.system, item.reference);
        let is_inquiry = item.kind == EvidenceKind::Inquiry;
        let asked = if is_inquiry { Asked::Inquiry } else { self.first_question() };
        if is_inquiry {
            push(item.observed_at, Happening::Call { asked, system, reference });
        }
        let said = Said {
            by: item.kind.name(),
            says: item.says.name(),
            decline: item.says.decline(),
            effect: Some(item.effect),
            excerpt: Some(item.excerpt.clone()),
        };
        // Of an inquiry it is known when it was sent.
        let heard_at = if is_inquiry { at } else { item.observed_at };
        push(heard_at, Happening::Answer { asked, system, reference, said });
    }
}
