//! Partners who behave as the contract asks, and what they were told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use taabia::domain::{Channel, ExternalId, Msisdn, OperationId, ResellerId, Status};
use taabia::services::recharges::Answer;
use taabia::services::reversals::ReversalOrder;
use taabia::services::{Caller, RechargeOrder, ServiceError};
use tokio::time::sleep;

use super::nodes::Node;

/// What partners were told, and what went on meanwhile.
#[derive(Default)]
pub struct Day {
    pub told: Mutex<HashMap<OperationId, Status>>,
    /// Answers that said nothing, and the same id was sent again.
    pub again: AtomicU64,
    pub replayed: AtomicU64,
    /// Answers that nobody should ever get.
    pub wrong: Mutex<Vec<String>>,
    under_way: AtomicU64,
}

/// What somebody wants of a recharge that was sold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Regret {
    /// Back, by its id.
    ById,
    /// By its key, once it is known.
    ByKey,
    /// By its key, whatever became of it: the advice may come before the request.
    AtOnce,
}

impl Regret {
    fn of(random: u64) -> Option<Self> {
        match (random >> 33) % 1_000 {
            0..12 => Some(Self::ById),
            12..18 => Some(Self::ByKey),
            18..22 => Some(Self::AtOnce),
            _ => None,
        }
    }
}

/// What is asked of a node, again and again until the answer says something.
#[derive(Clone)]
enum Ask {
    Sale(RechargeOrder),
    BackById(OperationId, ReversalOrder),
    BackByKey((ResellerId, ExternalId), ReversalOrder),
}

impl Ask {
    async fn of(self, node: &Node, caller: &Caller) -> Result<Answer, ServiceError> {
        match self {
            Self::Sale(order) => node.recharges.create(caller, order).await,
            Self::BackById(id, order) => node.reversals.of_recharge(caller, id, order).await,
            Self::BackByKey(key, order) => node.reversals.of_key(caller, key, order).await,
        }
    }
}

pub struct Shop {
    pub nodes: Vec<Node>,
    pub caller: Caller,
    pub outlets: Vec<ResellerId>,
    pub day: Day,
}

fn key(text: String) -> ExternalId {
    text.parse().unwrap()
}

impl Shop {
    /// A customer comes; some partners send twice at once.
    pub fn comes(self: &Arc<Self>, number: u64, random: u64) {
        self.begin(self.clone().sell(number, random));
        if random.is_multiple_of(20) {
            self.begin(self.clone().sell(number, random));
        }
        if Regret::of(random) == Some(Regret::AtOnce) {
            self.begin(self.clone().take_back(number, random, None));
        }
    }

    fn begin(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        self.day.under_way.fetch_add(1, Ordering::Relaxed);
        let shop = self.clone();
        tokio::spawn(async move {
            task.await;
            shop.day.under_way.fetch_sub(1, Ordering::Relaxed);
        });
    }

    pub async fn all_are_told(&self) {
        while self.day.under_way.load(Ordering::Relaxed) > 0 {
            sleep(Duration::from_secs(1)).await;
        }
    }

    fn outlet(&self, random: u64) -> ResellerId {
        self.outlets[usize::try_from(random).unwrap() % self.outlets.len()]
    }

    fn order(&self, number: u64, random: u64) -> RechargeOrder {
        RechargeOrder {
            external_id: key(format!("c-{number}")),
            reseller: self.outlet(random),
            msisdn: Msisdn::from_digits(212_600_000_000 + number % 100_000_000).unwrap(),
            amount_minor: amount_minor(random),
            product: "airtime".into(),
            channel: Channel::Atm,
            terminal: None,
            allow_repeat: true,
        }
    }

    /// One customer of one partner, until the partner knows that the order is in the books.
    async fn sell(self: Arc<Self>, number: u64, random: u64) {
        let sold = self.insist(random, Ask::Sale(self.order(number, random))).await;
        match Regret::of(random) {
            Some(Regret::ById) => self.begin(self.clone().take_back(number, random, sold)),
            Some(Regret::ByKey) => self.begin(self.clone().take_back(number, random, None)),
            Some(Regret::AtOnce) | None => {}
        }
    }

    /// All of it or a part, until the partner knows that the advice is in the books. Some send another advice at once.
    async fn take_back(self: Arc<Self>, number: u64, random: u64, by_id: Option<OperationId>) {
        if by_id.is_some() {
            sleep(Duration::from_millis((random >> 44) % 60_000)).await;
        }
        let part = (!(random >> 45).is_multiple_of(3)).then(|| 1 + amount_minor(random) / 3);
        let asks = (0..=u64::from((random >> 47).is_multiple_of(4))).map(|advice| {
            let order = ReversalOrder {
                external_id: key(format!("b-{number}-{advice}")),
                amount_minor: part,
                reason: "wrong number".into(),
            };
            let ask = match by_id {
                Some(id) => Ask::BackById(id, order),
                None => Ask::BackByKey((self.outlet(random), key(format!("c-{number}"))), order),
            };
            self.insist(random ^ advice << 5, ask)
        });
        futures::future::join_all(asks).await;
    }

    /// Sends until the answer says something; gives what is in the books then.
    async fn insist(&self, random: u64, ask: Ask) -> Option<OperationId> {
        for attempt in 0_u64.. {
            let node = &self.nodes[usize::try_from(random.wrapping_add(attempt << 5) >> 5).unwrap() % self.nodes.len()];
            match ask.clone().of(node, &self.caller).await {
                Ok(answer) => {
                    if answer.replayed {
                        self.day.replayed.fetch_add(1, Ordering::Relaxed);
                    }
                    let (id, status) = (answer.operation.id, answer.operation.status);
                    self.day.told.lock().unwrap().insert(id, status);
                    return Some(id);
                }
                Err(ServiceError::Overloaded { .. } | ServiceError::Unavailable { .. } | ServiceError::Internal) => {
                    self.day.again.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_millis(500 + (random >> 8) % 3_000)).await;
                }
                Err(other) => {
                    self.day.wrong.lock().unwrap().push(format!("{other:?}"));
                    return None;
                }
            }
        }
        unreachable!("it insists for ever")
    }
}

fn amount_minor(random: u64) -> i64 {
    500 + i64::try_from(random >> 20 & 0x1fff).unwrap()
}
