//! The acquirer simulator: a server that charges no card but authorises, captures, refunds, fails, stays silent and
//! notifies as an acquirer does, and keeps books of its own to compare ours with.
//!
//! | call | answer |
//! | --- | --- |
//! | `POST /payments` | `200` with the payment: `{order, amount_minor, currency, token, capture, return_url, language}` |
//! | `POST /payments/{order}/capture`, `…/void`, `…/refunds` | `200` with the payment; `422` when refused |
//! | `GET /payments/{order}` | the payment; `404` when not known |
//! | `GET /payments?after=&limit=` | all payments, by order: `{items, next}` |
//! | `GET /summary` | per currency, what was captured, refunded and charged back |
//! | `GET /settlements/{day}.csv` | the settlement file of a day (UTC) |
//! | `GET /pay/{reference}` | the payment page for the customer |
//!
//! The token chooses how a payment goes: [`token`]. An order that is posted again gets the payment that it stands for.
//! The record is durable before anything is answered: [`books`].

mod books;
mod messages;
mod page;
mod payment;
mod routes;
mod settlement;
mod token;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::connections;
use super::record::RecordError;
use crate::ports::Clock;
use books::Books;

pub use messages::Notify;

/// How the simulator behaves.
#[derive(Clone)]
pub struct Config {
    /// Where the record is kept; in memory only when there is none.
    pub data_dir: Option<PathBuf>,
    /// What callers must send as a bearer token; empty: nothing.
    pub key: SecretString,
    /// Where customers reach its page; by default where it listens.
    pub public_url: Option<String>,
    /// Who is notified; nobody by default.
    pub notify: Option<Notify>,
    /// How long a slow authorisation takes.
    pub slow: Duration,
    /// How long a step that is never answered keeps its connection.
    pub silence: Duration,
    /// How long late notifications take.
    pub late: Duration,
    /// Time before a notification that was not taken is sent again; doubled each time.
    pub first_retry: Duration,
    pub max_connections: usize,
    pub clock: Arc<dyn Clock>,
}

impl Config {
    /// In memory, without key and notifications.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            data_dir: None,
            key: SecretString::default(),
            public_url: None,
            notify: None,
            slow: Duration::from_secs(3),
            silence: Duration::from_mins(2),
            late: Duration::from_secs(5),
            first_retry: Duration::from_secs(1),
            max_connections: 4_096,
            clock,
        }
    }
}

/// Why the simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the acquirer's record in {path} cannot be used: {source}")]
    Record {
        path: PathBuf,
        #[source]
        source: RecordError,
    },
    #[error("the acquirer simulator cannot start: {0}")]
    Io(#[from] io::Error),
}

/// A running simulator. Dropped, it stops as if the power had gone.
pub struct Server {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    connections: JoinHandle<()>,
    messages: JoinHandle<()>,
}

impl Server {
    /// Reads the record, if there is one, and serves on `listener`.
    ///
    /// # Errors
    /// When the record cannot be read, is damaged before its last line or is in use by another process.
    pub async fn start(config: Config, listener: TcpListener) -> Result<Self, StartError> {
        let addr = listener.local_addr()?;
        let books = match config.data_dir {
            None => Books::in_memory(),
            Some(path) => {
                let directory = path.clone();
                let opened = tokio::task::spawn_blocking(move || Books::open(&directory)).await;
                opened.map_err(io::Error::other)?.map_err(|source| StartError::Record { path, source })?
            }
        };
        let client = messages::client().map_err(io::Error::other)?;
        let (stop, stopped) = watch::channel(false);
        let public_url = config.public_url.unwrap_or_else(|| format!("http://{addr}"));
        let simulator = routes::Simulator {
            books,
            clock: config.clock,
            key: config.key,
            public_url: public_url.trim_end_matches('/').into(),
            notify: config.notify,
            slow: config.slow,
            silence: config.silence,
            late_ms: millis(config.late),
            first_retry_ms: millis(config.first_retry),
            stopped: stopped.clone(),
        };
        let messages = tokio::spawn(messages::run(simulator.clone(), client, stopped.clone()));
        let router = routes::router(simulator);
        let connections = tokio::spawn(connections::serve(listener, router, config.max_connections, stopped));
        Ok(Self { addr, stop, connections, messages })
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers what can be answered at once and closes the rest.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        for task in [&mut self.connections, &mut self.messages] {
            if let Err(error) = task.await {
                tracing::error!(%error, "the acquirer simulator did not stop in order");
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.connections.abort();
        self.messages.abort();
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
