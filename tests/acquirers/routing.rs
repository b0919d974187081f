//! Several acquirers side by side: fail-over only before anything was asked for, and breakers.

use std::sync::{Arc, Mutex};

use taabia::acquiring::breaker::{BreakerConfig, BreakerState};
use taabia::acquiring::{
    AcquirerConfig, AcquirerName, Acquirers, Ask, NoAcquirer, Routed, Rule, Setup, in_process, simulator,
};
use taabia::ports::acquirer::{
    Authorised, CaptureMode, Lookup, NotSent, Outcome, PaymentMethod, PaymentStage, RefusalReason,
};
use taabia::simulator::acquirer::{Config, Server};
use tokio::net::TcpListener;

use super::{clock, dependencies, order_id, payment, payment_order, token};
use crate::support::ManualClock;

const BREAKER: BreakerConfig = BreakerConfig { failures: 2, open_ms: 1_000, max_open_ms: 8_000, probe_ms: 5_000 };

fn name(text: &str) -> AcquirerName {
    text.parse().unwrap()
}

fn at(url: &str, weight: u32) -> Setup {
    let mut config = simulator::Config::new(url);
    config.bounds.timeout = std::time::Duration::from_millis(400);
    setup(AcquirerConfig::Simulator(config), weight)
}

fn setup(adapter: AcquirerConfig, weight: u32) -> Setup {
    Setup { adapter, rule: Rule { weight, ..Rule::default() }, breaker: BREAKER, capture: CaptureMode::Manual }
}

struct World {
    clock: Arc<ManualClock>,
    acquirers: Acquirers,
    server: Server,
    attempts: Mutex<Vec<String>>,
}

impl World {
    /// `down`, which gets nearly everything, and `up`.
    async fn new() -> Self {
        let clock = clock();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::start(Config::new(clock.clone()), listener).await.unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let setups = [
            (name("down"), at(&format!("http://{closed}"), u32::MAX)),
            (name("up"), at(&format!("http://{}", server.addr()), 1)),
        ];
        let acquirers = Acquirers::connect(setups, &dependencies(&clock)).unwrap();
        Self { clock, acquirers, server, attempts: Mutex::default() }
    }

    async fn pay(&self, order: &str, method: PaymentMethod, named: Option<&str>) -> Routed {
        let asked = payment_order(order, method, CaptureMode::Automatic);
        let named = named.map(name);
        let ask = Ask { order: &asked.order, amount: asked.amount, named: named.as_ref(), line: &[] };
        let plan = self.acquirers.plan(&ask, &asked.method).unwrap();
        let begins = |acquirer: AcquirerName| {
            self.attempts.lock().unwrap().push(acquirer.to_string());
            std::future::ready(true)
        };
        self.acquirers.authorise(&asked, &plan, begins).await
    }

    fn state(&self, text: &str) -> BreakerState {
        let states = self.acquirers.states();
        states.iter().find(|(acquirer, _)| *acquirer == name(text)).unwrap().1
    }

    fn attempts(&self) -> Vec<String> {
        std::mem::take(&mut self.attempts.lock().unwrap())
    }
}

#[tokio::test]
async fn an_acquirer_that_is_down_is_passed_over_and_then_left_alone() {
    let world = World::new().await;
    for order in ["a", "b"] {
        let routed = world.pay(order, token("tok_approved"), None).await;
        assert_eq!(routed.acquirer, Some(name("up")));
        // Captured as the acquirer is configured to, whatever was asked for.
        assert!(matches!(routed.outcome, Outcome::Done(Authorised::Held { .. })), "{routed:?}");
        assert_eq!(world.attempts(), ["down", "up"], "each attempt is told before it begins");
    }
    assert_eq!((world.state("down"), world.state("up")), (BreakerState::Open, BreakerState::Closed));
    world.pay("c", token("tok_approved"), None).await;
    assert_eq!(world.attempts(), ["up"]);
    let named = world.pay("d", token("tok_approved"), Some("down")).await;
    assert_eq!(named.outcome, Outcome::NotSent(NotSent::BreakerOpen));
    assert!(world.attempts().is_empty());

    world.clock.advance_ms(1_000);
    assert_eq!(world.state("down"), BreakerState::HalfOpen);
    world.pay("e", token("tok_approved"), None).await;
    assert_eq!(world.attempts(), ["down", "up"], "the probe");
    assert_eq!(world.state("down"), BreakerState::Open);
    world.clock.advance_ms(1_999);
    assert_eq!(world.state("down"), BreakerState::Open, "for twice as long");
}

#[tokio::test]
async fn what_may_have_been_asked_for_is_asked_of_nobody_else() {
    let world = World::new().await;
    let mut setups = vec![];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let second = Server::start(Config::new(world.clock.clone()), listener).await.unwrap();
    setups.push((name("first"), at(&format!("http://{}", world.server.addr()), u32::MAX)));
    setups.push((name("second"), at(&format!("http://{}", second.addr()), 1)));
    let acquirers = Acquirers::connect(setups, &dependencies(&world.clock)).unwrap();
    let plan = [name("first"), name("second")];
    for text in ["tok_timeout_applied", "tok_declined", "tok_timeout_not_applied", "tok_error_applied"] {
        let order = payment_order(text, token(text), CaptureMode::Manual);
        let routed = acquirers.authorise(&order, &plan, |_| std::future::ready(true)).await;
        assert_eq!(routed.acquirer, Some(name("first")), "{text}: {routed:?}");
        assert!(matches!(routed.outcome, Outcome::Unknown { .. } | Outcome::Refused(_)), "{text}: {routed:?}");
        let found = acquirers.get(&name("second")).unwrap().lookup(&payment(text)).await;
        assert_eq!(found, Lookup::NotKnown, "{text}");
    }
    // Doubt opens the breaker too, and what is in doubt can still be asked for.
    assert_eq!(acquirers.states()[0].1, BreakerState::Open);
    let found = acquirers.get(&name("first")).unwrap().lookup(&payment("tok_timeout_applied")).await;
    assert!(matches!(found, Lookup::Known(state) if state.stage == PaymentStage::Authorised));

    let order = payment_order("refused", token("tok_approved"), CaptureMode::Manual);
    let stopped = acquirers.authorise(&order, &plan[1..], |_| std::future::ready(false)).await;
    assert_eq!(stopped.acquirer, None, "an attempt that could not be written down is not made");
    let found = acquirers.get(&name("second")).unwrap().lookup(&payment("refused")).await;
    assert_eq!(found, Lookup::NotKnown);
}

#[tokio::test]
async fn methods_and_names_decide_who_comes_into_question() {
    let clock = clock();
    let in_process = setup(AcquirerConfig::InProcess(in_process::Config::default()), 1);
    let acquirers = Acquirers::connect([(name("bench"), in_process)], &dependencies(&clock)).unwrap();
    let order = order_id("o");
    let ask = |named| Ask { order: &order, amount: super::mad(1), named, line: &[] };
    assert_eq!(acquirers.plan(&ask(None), &token("tok_a")), Ok(vec![name("bench")]));
    assert_eq!(acquirers.plan(&ask(None), &PaymentMethod::HostedPage), Err(NoAcquirer::Method));
    assert_eq!(acquirers.plan(&ask(Some(&name("other"))), &token("tok_a")), Err(NoAcquirer::UnknownName));
    assert_eq!(acquirers.capture_mode(&name("bench")), Some(CaptureMode::Manual));
    let bad = at("ftp://acquirer", 1);
    let Err((culprit, error)) = Acquirers::connect([(name("bad"), bad)], &dependencies(&clock)) else { panic!() };
    assert_eq!((culprit, error.setting), (name("bad"), "url"));
}

#[tokio::test]
async fn in_process_every_payment_is_taken_once() {
    let clock = clock();
    let in_process = setup(AcquirerConfig::InProcess(in_process::Config::default()), 1);
    let acquirers = Acquirers::connect([(name("bench"), in_process)], &dependencies(&clock)).unwrap();
    let bench = acquirers.get(&name("bench")).unwrap();
    let pay = async |text: &str| bench.authorise(&payment_order(text, token(text), CaptureMode::Automatic)).await;
    for _ in 0..2 {
        assert!(matches!(pay("tok_visa").await, Outcome::Done(Authorised::Captured { .. })));
    }
    let declined = pay("tok_insufficient_funds").await;
    assert!(matches!(declined, Outcome::Refused(refusal) if refusal.reason == RefusalReason::InsufficientFunds));
    assert_eq!(bench.lookup(&payment("tok_insufficient_funds")).await, Lookup::NotKnown);
    let refund = async |id: &str, minor| bench.refund(&super::refund_order(&payment("tok_visa"), id, minor)).await;
    assert!(matches!(refund("a", 106_050).await, Outcome::Done(_)));
    assert!(matches!(refund("a", 106_050).await, Outcome::Done(_)), "again, without effect");
    assert!(matches!(refund("b", 1).await, Outcome::Refused(_)));
}
