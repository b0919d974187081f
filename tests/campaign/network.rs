//! A charging system with every fault that one can have, drawn from a seed, and a record of what it applied.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use taabia::domain::{Decline, Msisdn};
use taabia::ports::{
    Charging, ChargingOutcome, LookupOutcome, RefillRequest, ReversalOutcome, ReversalRefusal, ReversalRequest,
};
use tokio::time::{sleep, timeout};

use crate::support::SeededRandomness;

/// What became of a refill there.
#[derive(Clone, Copy)]
struct Refill {
    msisdn: Msisdn,
    amount_minor: i64,
    /// `Err`: it was received and refused.
    applied: Result<Applied, Decline>,
}

/// How often it took effect, and what of it was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    pub times: u32,
    pub reversed_minor: i64,
}

pub struct Network {
    random: SeededRandomness,
    refills: Mutex<HashMap<i64, Refill>>,
    /// By the reference of their own.
    reversals: Mutex<HashMap<i64, Result<(), ReversalRefusal>>>,
    /// What nobody may ask of it.
    wrong: Mutex<Vec<String>>,
    /// It restarts: nobody gets through.
    down: AtomicBool,
}

/// How something that is asked goes.
enum Fate<R> {
    /// Applied after so long, and answered.
    Well(u64),
    /// Applied after so long, and never answered.
    Silent(u64),
    /// Applied, and answered with what says nothing.
    AppliedGarbage,
    /// Lost on the way.
    Lost,
    /// Answered with what says nothing, and not applied.
    Garbage,
    Refused(R),
}

/// What is heard of something that was asked; `None`: nothing, ever.
type Heard<R> = Option<Result<Result<(), R>, &'static str>>;

impl Network {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            random: SeededRandomness::new(seed ^ 0xc4a6),
            refills: Mutex::default(),
            reversals: Mutex::default(),
            wrong: Mutex::default(),
            down: AtomicBool::new(false),
        })
    }

    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    /// What was applied, by reference, with its amount; and that nothing impossible was asked.
    pub fn applied(&self) -> HashMap<i64, (i64, Applied)> {
        let wrong = self.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{wrong:?}");
        let refills = self.refills.lock().unwrap();
        let applied =
            |(reference, refill): (&i64, &Refill)| Some((*reference, (refill.amount_minor, refill.applied.ok()?)));
        refills.iter().filter_map(applied).collect()
    }

    /// Its record of the day, as a file.
    pub fn daily_record(&self, date: &str) -> String {
        let mut record = "reference,msisdn,amount,time,result\n".to_owned();
        for (reference, Refill { msisdn, amount_minor, applied }) in &*self.refills.lock().unwrap() {
            let result = if applied.is_ok() { "applied" } else { "not_applied" };
            let (units, cents, msisdn) = (amount_minor / 100, amount_minor % 100, msisdn.digits());
            writeln!(record, "{reference},{msisdn},{units}.{cents:02},{date},{result}").unwrap();
        }
        record
    }

    fn refill(&self, request: &RefillRequest, refused: Option<Decline>) {
        let mut refills = self.refills.lock().unwrap();
        let new = Refill {
            msisdn: request.msisdn,
            amount_minor: request.amount.minor(),
            applied: refused.map_or(Ok(Applied::default()), Err),
        };
        let refill = refills.entry(request.reference).or_insert(new);
        if let Ok(applied) = &mut refill.applied {
            applied.times += 1;
        }
    }

    fn take_back(&self, request: &ReversalRequest, refused: Option<ReversalRefusal>) {
        let result = refused.map_or(Ok(()), Err);
        let twice = self.reversals.lock().unwrap().insert(request.reference, result).is_some();
        let mut refills = self.refills.lock().unwrap();
        let mut applied = refills.get_mut(&request.of).and_then(|refill| refill.applied.as_mut().ok());
        if twice || applied.is_none() {
            self.wrong.lock().unwrap().push(format!("{request:?}, twice: {twice}"));
        }
        if let Some(applied) = applied.as_mut().filter(|_| result.is_ok()) {
            applied.reversed_minor += request.amount.minor();
        }
    }

    /// The faults that answers and non-answers alike have, in a thousand; `refusals` share what follows.
    fn fate<R: Copy>(&self, refusals: &[R]) -> Fate<R> {
        let (fate, time) = (self.random.next() % 1_000, self.random.next());
        match fate {
            0..12 => Fate::Silent(time % 3_000),
            // It takes effect when we have long stopped waiting, and before the horizon.
            12..20 => Fate::Silent(4_000 + time % 5_900),
            // The answer comes while we still wait, or too late.
            20..30 => Fate::Well(1_000 + time % 8_000),
            30..42 => Fate::Lost,
            42..50 => Fate::AppliedGarbage,
            50..56 => Fate::Garbage,
            56..80 => Fate::Refused(refusals[usize::try_from(time).unwrap_or(0) % refusals.len()]),
            _ => Fate::Well(5 + time % 200),
        }
    }

    /// Lets it happen to something; `write` is called when it takes effect, or is refused.
    async fn happen<R: Copy>(&self, fate: Fate<R>, write: impl Fn(Option<R>)) -> Heard<R> {
        match fate {
            Fate::Well(after_ms) => {
                sleep(Duration::from_millis(after_ms)).await;
                write(None);
                Some(Ok(Ok(())))
            }
            Fate::Silent(after_ms) => {
                sleep(Duration::from_millis(after_ms)).await;
                write(None);
                None
            }
            Fate::AppliedGarbage => {
                write(None);
                Some(Err("500"))
            }
            Fate::Lost => None,
            Fate::Garbage => Some(Err("<html>")),
            Fate::Refused(refusal) => {
                write(Some(refusal));
                Some(Ok(Err(refusal)))
            }
        }
    }

    /// How an inquiry itself goes.
    async fn inquiry(&self) -> Result<(), LookupOutcome> {
        let failed = LookupOutcome::Unknown("503".into());
        match self.random.next() % 1_000 {
            0..40 => return Err(failed),
            40..60 => sleep(Duration::from_mins(1)).await,
            _ => sleep(Duration::from_millis(20)).await,
        }
        if self.is_down() { Err(failed) } else { Ok(()) }
    }
}

/// As adapters do: two seconds after the deadline nobody listens any more.
const LISTENS_FOR: Duration = Duration::from_secs(6);

/// What is on its way takes effect even when nobody waits for the answer.
async fn on_its_way<R: Send + 'static>(
    under_way: impl Future<Output = Heard<R>> + Send + 'static,
) -> Result<Result<(), R>, &'static str> {
    let under_way = tokio::spawn(under_way);
    let heard = async {
        match under_way.await.expect("the charging system does not panic") {
            Some(heard) => heard,
            None => std::future::pending().await,
        }
    };
    timeout(LISTENS_FOR, heard).await.unwrap_or(Err("no answer"))
}

/// The way there.
pub struct Line(pub Arc<Network>);

#[async_trait]
impl Charging for Line {
    fn name(&self) -> &'static str {
        "campaign"
    }

    async fn refill(&self, request: &RefillRequest) -> ChargingOutcome {
        const REFUSALS: [Decline; 3] =
            [Decline::SubscriberUnknown, Decline::SubscriberBarred, Decline::ChargingDeclined];
        if self.0.is_down() {
            return ChargingOutcome::NotSent;
        }
        let (network, request) = (self.0.clone(), request.clone());
        let heard = on_its_way(async move {
            network.happen(network.fate(&REFUSALS), |refused| network.refill(&request, refused)).await
        });
        match heard.await {
            Ok(Ok(())) => ChargingOutcome::Approved,
            Ok(Err(decline)) => ChargingOutcome::Declined(decline),
            Err(garbage) => ChargingOutcome::Unknown(garbage.into()),
        }
    }

    async fn lookup(&self, reference: i64) -> LookupOutcome {
        if let Err(failed) = self.0.inquiry().await {
            return failed;
        }
        match self.0.refills.lock().unwrap().get(&reference) {
            Some(Refill { applied: Ok(_), .. }) => LookupOutcome::Applied,
            Some(Refill { applied: Err(decline), .. }) => LookupOutcome::NotApplied(*decline),
            None => LookupOutcome::NotKnown,
        }
    }

    async fn reverse(&self, request: &ReversalRequest) -> ReversalOutcome {
        const REFUSALS: [ReversalRefusal; 2] = [ReversalRefusal::CreditSpent, ReversalRefusal::Other];
        if self.0.is_down() {
            return ReversalOutcome::NotSent;
        }
        let (network, request) = (self.0.clone(), request.clone());
        let heard = on_its_way(async move {
            network.happen(network.fate(&REFUSALS), |refused| network.take_back(&request, refused)).await
        });
        match heard.await {
            Ok(Ok(())) => ReversalOutcome::Reversed,
            Ok(Err(refusal)) => ReversalOutcome::Refused(refusal),
            Err(garbage) => ReversalOutcome::Unknown(garbage.into()),
        }
    }

    async fn lookup_reversal(&self, reference: i64) -> LookupOutcome {
        if let Err(failed) = self.0.inquiry().await {
            return failed;
        }
        match self.0.reversals.lock().unwrap().get(&reference) {
            Some(Ok(())) => LookupOutcome::Applied,
            Some(Err(ReversalRefusal::CreditSpent)) => LookupOutcome::NotApplied(Decline::CreditSpent),
            Some(Err(_)) => LookupOutcome::NotApplied(Decline::ChargingDeclined),
            None => LookupOutcome::NotKnown,
        }
    }
}
