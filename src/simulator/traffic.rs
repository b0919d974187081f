//! A little live traffic, so that a demonstration has something to show: a recharge now and then, most of
//! them well, some to numbers that the charging simulator misbehaves for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::domain::{Channel, NumberingPlan, ResellerId};
use crate::ports::Randomness;
use crate::services::{Caller, RechargeOrder, Recharges};

/// Who sells what, how often.
pub struct Traffic {
    pub recharges: Arc<Recharges>,
    pub randomness: Arc<dyn Randomness>,
    pub caller: Caller,
    pub outlets: Vec<ResellerId>,
    pub plan: NumberingPlan,
    pub pause: Duration,
    /// Minor units of one unit of the currency.
    pub unit_minor: i64,
}

const AMOUNTS: [i64; 6] = [5, 10, 20, 30, 50, 100];
const CHANNELS: [Channel; 4] = [Channel::Atm, Channel::BankApp, Channel::Pos, Channel::App];
/// One number in so many has one of the endings 00 to 07.
const ONE_FAULT_IN: u64 = 25;

impl Traffic {
    /// Sells until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let traffic = Arc::new(self);
        loop {
            if timeout(traffic.pause, stop.wait_for(|stopped| *stopped)).await.is_ok() {
                return;
            }
            let traffic = traffic.clone();
            tokio::spawn(async move { traffic.sell().await });
        }
    }

    async fn sell(&self) {
        let order = self.order();
        if let Err(error) = self.recharges.create(&self.caller, order).await {
            tracing::debug!(?error, "a recharge of the demonstration was refused");
        }
    }

    fn order(&self) -> RechargeOrder {
        let mut draw = [0; 8];
        self.randomness.fill(&mut draw);
        let number = u64::from_le_bytes(draw);
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
