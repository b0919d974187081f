//! Acquirers: adapters against fakes that speak their own protocols, the choice between them, and the simulator.

mod cmi;
mod configuration;
mod conformance;
mod faults;
mod process;
mod routing;
mod simulator;
mod stripe;
mod stripe_shapes;

use std::sync::Arc;

use taabia::acquiring::Dependencies;
use taabia::domain::{Currency, Money, Timestamp};
use taabia::ports::acquirer::{CaptureMode, OrderId, PageLanguage, Payment, PaymentMethod, PaymentOrder, RefundOrder};

use crate::support::{ManualClock, SeededRandomness};

const NOW: &str = "2026-11-22T08:00:00Z";

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(NOW))
}

fn dependencies(clock: &Arc<ManualClock>) -> Dependencies {
    Dependencies { clock: clock.clone(), randomness: Arc::new(SeededRandomness::new(4)) }
}

fn mad(minor: i64) -> Money {
    Money::from_minor(minor, Currency::MAD)
}

fn order_id(text: &str) -> OrderId {
    text.parse().unwrap()
}

/// A minute after [`NOW`].
fn submit_by() -> Timestamp {
    Timestamp::parse(NOW).unwrap().plus_ms(60_000)
}

fn token(text: &str) -> PaymentMethod {
    PaymentMethod::Token(text.parse().unwrap())
}

/// An order of 1,060.50 dirhams.
fn payment_order(order: &str, method: PaymentMethod, capture: CaptureMode) -> PaymentOrder {
    PaymentOrder {
        order: order_id(order),
        amount: mad(106_050),
        method,
        capture,
        return_url: None,
        language: PageLanguage::French,
        submit_by: submit_by(),
    }
}

fn payment(order: &str) -> Payment {
    Payment { order: order_id(order), reference: None, amount: mad(106_050) }
}

fn refund_order(payment: &Payment, refund: &str, minor: i64) -> RefundOrder {
    RefundOrder { payment: payment.clone(), refund: order_id(refund), amount: mad(minor), submit_by: submit_by() }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([])
        .build()
        .unwrap()
}
