//! A little live traffic, so that a demonstration has something to show: a recharge now and then, most of
//! them well, some to numbers that the charging simulator misbehaves for, a few taken back; and now and then an outlet first buys stock
//! by card.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::acquiring::AcquirerName;
use crate::domain::{Channel, NumberingPlan, Operation, ResellerId};
use crate::ports::Randomness;
use crate::services::reversals::ReversalOrder;
use crate::services::topups::{TopupOrder, Topups};
use crate::services::{Caller, RechargeOrder, Recharges, Reversals};

/// Who sells what, how often.
pub struct Traffic {
    pub recharges: Arc<Recharges>,
    /// One sale in so many is taken back.
    pub reversals: Arc<Reversals>,
    pub cards: Option<CardTraffic>,
    pub randomness: Arc<dyn Randomness>,
    pub caller: Caller,
    pub outlets: Vec<ResellerId>,
    pub plan: NumberingPlan,
    pub pause: Duration,
    /// Minor units of one unit of the currency.
    pub unit_minor: i64,
}

/// How outlets buy stock by card.
pub struct CardTraffic {
    pub topups: Arc<Topups>,
    /// The acquirer simulator's name; nobody else is asked for money.
    pub acquirer: AcquirerName,
    /// A top-up comes before the first sale of so many.
    pub every: u64,
}

/// Face values of top-ups.
const STOCK: [i64; 3] = [100, 200, 500];
/// Most cards are good; one is not, one is slow, and one acquirer's answer gets lost.
const TOKENS: [&str; 8] = [
    "tok_visa",
    "tok_visa",
    "tok_visa",
    "tok_visa",
    "tok_visa",
    "tok_insufficient_funds",
    "tok_slow",
    "tok_timeout_applied",
];

const AMOUNTS: [i64; 6] = [5, 10, 20, 30, 50, 100];
const CHANNELS: [Channel; 4] = [Channel::Atm, Channel::BankApp, Channel::Pos, Channel::App];
/// One number in so many has one of the endings 00 to 07.
const ONE_FAULT_IN: u64 = 25;
/// One sale in so many was for a wrong number.
const ONE_REVERSAL_IN: u64 = 20;

impl Traffic {
    /// Sells until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let traffic = Arc::new(self);
        for sale in 0_u64.. {
            if timeout(traffic.pause, stop.wait_for(|stopped| *stopped)).await.is_ok() {
                return;
            }
            let traffic = traffic.clone();
            tokio::spawn(async move { traffic.sell(sale).await });
        }
    }

    async fn sell(&self, sale: u64) {
        let order = self.order();
        if let Some(cards) = self.cards.as_ref().filter(|cards| sale.is_multiple_of(cards.every)) {
            self.top_up(cards, order.reseller).await;
        }
        match self.recharges.create(&self.caller, order).await {
            Ok(sold) if sale % ONE_REVERSAL_IN == ONE_REVERSAL_IN - 1 => self.take_back(&sold.operation).await,
            Ok(_) => {}
            Err(error) => tracing::debug!(?error, "a recharge of the demonstration was refused"),
        }
    }

    /// A wrong number.
    async fn take_back(&self, sold: &Operation) {
        let key = format!("{}-back", sold.external_id);
        let order = ReversalOrder {
            external_id: key.parse().expect("a key of printable ASCII"),
            amount_minor: None,
            reason: "wrong number".into(),
        };
        if let Err(error) = self.reversals.of_recharge(&self.caller, sold.id, order).await {
            tracing::debug!(?error, "a reversal of the demonstration was refused");
        }
    }

    /// Buys stock for the outlet that is about to sell.
    async fn top_up(&self, cards: &CardTraffic, outlet: ResellerId) {
        let number = self.draw();
        let pick = |from: usize, shift: u32| usize::try_from((number >> shift) % from as u64).expect("it is smaller");
        let order = TopupOrder {
            external_id: format!("demo-card-{number:016x}").parse().expect("a key of printable ASCII"),
            reseller: outlet,
            stock_minor: STOCK[pick(STOCK.len(), 16)] * self.unit_minor,
            acquirer: Some(cards.acquirer.clone()),
            token: Some(TOKENS[pick(TOKENS.len(), 32)].parse().expect("a token of printable ASCII")),
            return_url: None,
            recharge: None,
        };
        if let Err(error) = cards.topups.create(&self.caller, order).await {
            tracing::debug!(?error, "a top-up of the demonstration was refused");
        }
    }

    fn draw(&self) -> u64 {
        let mut draw = [0; 8];
        self.randomness.fill(&mut draw);
        u64::from_le_bytes(draw)
    }

    fn order(&self) -> RechargeOrder {
        let number = self.draw();
        let pick = |from: usize, shift: u32| usize::try_from((number >> shift) % from as u64).expect("it is smaller");
        let ending = if (number >> 40).is_multiple_of(ONE_FAULT_IN) { number % 8 } else { 10 + number % 90 };
        let msisdn = format!("+{}6{:06}{ending:02}", self.plan.country_code, (number >> 16) % 1_000_000);
        RechargeOrder {
            external_id: format!("demo-{number:016x}").parse().expect("a key of printable ASCII"),
            reseller: self.outlets[pick(self.outlets.len(), 8)],
            msisdn: self.plan.parse(&msisdn).expect("a number of the country's plan"),
            amount_minor: AMOUNTS[pick(AMOUNTS.len(), 24)] * self.unit_minor,
            product: "airtime".into(),
            channel: CHANNELS[pick(CHANNELS.len(), 32)],
            terminal: None,
            allow_repeat: true,
        }
    }
}
