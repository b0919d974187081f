//! What every protocol of the simulator does with a refill once it has read it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use super::super::connections::{NoAnswer, until_stopped};
use super::books::{Books, Entry, Reference, Refill};
use super::ending::{Ending, Verdict};
use super::recorder::{NotRecorded, Recorded, Recorder};
use super::tmf654::Hub;

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Simulator {
    pub books: Arc<RwLock<Books>>,
    pub recorder: Recorder,
    pub deduplicate: bool,
    pub slow: Duration,
    pub silence: Duration,
    /// What callers of UCIP and TMF654 must send; anything when there is none.
    pub basic: Option<Arc<SecretString>>,
    pub hub: Arc<Hub>,
    pub stopped: watch::Receiver<bool>,
}

/// How a refill ends for its caller.
pub(super) enum Charged {
    /// It is never answered.
    Silence,
    /// The answer is a server error.
    Failure,
    Answered(Entry),
}

impl Simulator {
    /// Whether the caller sent what is asked for by HTTP Basic.
    pub(super) fn lets_in(&self, headers: &HeaderMap) -> bool {
        let Some(basic) = &self.basic else { return true };
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
        let given = given.and_then(|given| STANDARD.decode(given).ok());
        given.as_deref() == Some(basic.expose_secret().as_bytes())
    }

    pub(super) fn books(&self) -> RwLockReadGuard<'_, Books> {
        self.books.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the connection without an answer, then closes it.
    pub(super) async fn stay_silent(mut self) -> Response {
        // The caller's leaving ends the connection and this with it.
        let _over = tokio::time::timeout(self.silence, until_stopped(&mut self.stopped)).await;
        NoAnswer.into_response()
    }

    /// Takes effect at the end of the wait, also when the caller has gone meanwhile: hence a task of its own.
    async fn record_slowly(&self, reference: Reference, refill: Refill) -> Result<Recorded, NotRecorded> {
        let mut simulator = self.clone();
        let task = tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(simulator.slow) => {
                    simulator.recorder.record(reference, refill, Verdict::Approved).await
                }
                () = until_stopped(&mut simulator.stopped) => Err(NotRecorded::Failed),
            }
        });
        task.await.unwrap_or(Err(NotRecorded::Failed))
    }

    /// Carries a refill out, or a reversal, as the ending of its number says; recorded before this returns.
    pub(super) async fn charge(&self, reference: &Reference, refill: Refill) -> Result<Charged, NotRecorded> {
        let ending = Ending::of(refill.msisdn);
        let recorded = match ending {
            Ending::SilentLost => return Ok(Charged::Silence),
            Ending::Slow => self.record_slowly(reference.clone(), refill).await?,
            Ending::Answered(verdict) => self.recorder.record(reference.clone(), refill, verdict).await?,
            Ending::SilentApplied | Ending::AppliedThenFails => {
                self.recorder.record(reference.clone(), refill, Verdict::Approved).await?
            }
        };
        let first_result = recorded.repeated && self.deduplicate;
        Ok(match ending {
            Ending::SilentApplied if !first_result => Charged::Silence,
            Ending::AppliedThenFails if !first_result => Charged::Failure,
            _ => Charged::Answered(recorded.entry),
        })
    }
}
