//! What the simulator does by itself: it delivers notifications, again until they are taken, and begins and ends
//! charge-backs. What is due is part of the record, so a restart goes on with it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use secrecy::SecretString;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::super::connections::until_stopped;
use super::payment::Payment;
use super::routes::Simulator;
use crate::acquiring::{signature, simulator};
use crate::domain::Timestamp;

const TICK: Duration = Duration::from_millis(20);
/// A receiver has this long to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const MAX_RETRY_MS: i64 = 60_000;
const MAX_ATTEMPTS: u32 = 30;
const AT_ONCE: usize = 64;

/// Who is told, and how it is signed.
#[derive(Clone, Debug)]
pub struct Notify {
    /// Such as `http://127.0.0.1:8080/v1/acquirers/simulator/notifications`.
    pub url: String,
    pub secret: SecretString,
}

/// The client that delivers.
pub(super) fn client() -> reqwest::Result<Client> {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([])
        .connect_timeout(ANSWER_WITHIN)
        .timeout(ANSWER_WITHIN)
        .build()
}

/// Does what is due until the simulator stops.
pub(super) async fn run(simulator: Simulator, client: Client, mut stopped: watch::Receiver<bool>) {
    let under_way: Arc<Mutex<HashSet<String>>> = Arc::default();
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            () = until_stopped(&mut stopped) => break,
            () = tokio::time::sleep(TICK) => {}
        }
        while tasks.try_join_next().is_some() {}
        for order in simulator.books.due(simulator.moment().now_ms) {
            let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else { break };
            // One after the other for each payment: out of order only where its token says so.
            if !under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(order.clone()) {
                continue;
            }
            let (simulator, client, under_way) = (simulator.clone(), client.clone(), Arc::clone(&under_way));
            tasks.spawn(async move {
                attend_to(&simulator, &client, &order).await;
                under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&order);
                drop(permit);
            });
        }
    }
    // They end by themselves; until then they hold the record open.
    while tasks.join_next().await.is_some() {}
}

/// Does the first thing that is due of this payment.
async fn attend_to(simulator: &Simulator, client: &Client, order: &str) {
    let Some(payment) = simulator.books.get(order) else { return };
    let moment = simulator.moment();
    if payment.dispute_due_ms.is_some_and(|due| due <= moment.now_ms) {
        // A record that failed is logged where it failed.
        let change = simulator.books.change(order, |payment| {
            payment.advance_dispute(moment);
            Ok(())
        });
        let _failed = change.await;
        return;
    }
    let due = |payment: &Payment| {
        payment.messages.iter().position(|message| !message.delivered && message.due_ms <= moment.now_ms)
    };
    let (Some(index), Some(notify)) = (due(&payment), &simulator.notify) else { return };
    let message = &payment.messages[index];
    let mut stopped = simulator.stopped.clone();
    let taken = tokio::select! {
        taken = deliver(client, notify, &message.body, Timestamp::from_unix_ms(moment.now_ms)) => taken,
        () = until_stopped(&mut stopped) => return,
    };
    let attempts = message.attempts + 1;
    let first_retry_ms = simulator.first_retry_ms;
    let again_ms = simulator.moment().now_ms + (first_retry_ms << attempts.min(16)).min(MAX_RETRY_MS);
    let _failed = simulator
        .books
        .change(order, |payment| {
            let message = &mut payment.messages[index];
            message.attempts = attempts;
            message.delivered = taken || attempts >= MAX_ATTEMPTS;
            message.due_ms = if taken { message.due_ms } else { again_ms };
            Ok(())
        })
        .await;
}

async fn deliver(client: &Client, notify: &Notify, body: &str, at: Timestamp) -> bool {
    let sent = client
        .post(&notify.url)
        .header(CONTENT_TYPE, "application/json")
        .header(simulator::SIGNATURE, signature::sign(&notify.secret, at, body.as_bytes()))
        .body(body.to_owned())
        .send();
    match sent.await {
        Ok(answer) if answer.status().is_success() => true,
        Ok(answer) => {
            tracing::debug!(status = answer.status().as_u16(), "a notification was not taken");
            false
        }
        Err(error) => {
            tracing::debug!(error = %error.without_url(), "a notification was not delivered");
            false
        }
    }
}
