//! The charging simulator: a server that credits no line but answers, refuses, fails and stays silent as a
//! charging system does, and keeps books of its own to compare ours with.
//!
//! | call | answer |
//! | --- | --- |
//! | `POST /refills` | `200` with the refill, its `result` and `code`, and how often it was `applied` |
//! | `GET /refills/{reference}` | the same; `404` when not known |
//! | `POST /reversals` | the same for credit that is taken back, under a reference of its own |
//! | `GET /balances/{msisdn}` | `{balance_minor}`; `404` and `subscriber_unknown` when there is no such line |
//! | `GET /applied/summary` | `{count, total_minor}` of what took effect, less what was taken back |
//! | `GET /applied?after=&limit=` | what took effect, by reference: `{items, next}` |
//! | `POST /Air` | the same books over UCIP: [`ucip`] |
//! | `/tmf-api/prepayBalanceManagement/v4/…` | the same books over TMF654: [`tmf654`] |
//!
//! The last two digits of the MSISDN choose how a refill ends: [`ending::Ending`]. The record is durable before
//! anything is answered: [`recorder`].

mod books;
mod charge;
mod ending;
mod record;
mod recorder;
mod routes;
mod tmf654;
mod ucip;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::connections;
use super::record::RecordError;
use books::Books;
use recorder::Recorder;

/// How the simulator behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the record is kept; in memory only when there is none.
    pub data_dir: Option<PathBuf>,
    /// A repeated reference gets the first result instead of taking effect again.
    pub deduplicate: bool,
    /// How long a slow refill takes.
    pub slow: Duration,
    /// How long a refill that is never answered keeps its connection.
    pub silence: Duration,
    pub max_connections: usize,
    /// `USER:PASSWORD` that callers of UCIP and TMF654 must send; without it none is asked for.
    pub basic: Option<SecretString>,
    /// Who is told of top-ups, beside those who register at the hub of TMF654.
    pub listener: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: None,
            deduplicate: false,
            slow: Duration::from_secs(3),
            silence: Duration::from_mins(2),
            max_connections: 4_096,
            basic: None,
            listener: None,
        }
    }
}

/// Why the simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the charging record in {path} cannot be used")]
    Record {
        path: PathBuf,
        #[source]
        source: RecordError,
    },
    #[error("the charging simulator cannot start")]
    Io(#[from] io::Error),
}

/// Where TMF654 is spoken, below the simulator's address.
pub const TMF654_BASE: &str = tmf654::BASE;

/// A running simulator. Dropped, it stops as if the power had gone.
pub struct Server {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    connections: JoinHandle<()>,
    recorder: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Reads the record, if there is one, and serves on `listener`.
    ///
    /// # Errors
    /// When the record cannot be read, is damaged before its last line or is in use by another process.
    pub async fn start(config: Config, listener: TcpListener) -> Result<Self, StartError> {
        let addr = listener.local_addr()?;
        let (books, file) = match config.data_dir.clone() {
            Some(directory) => {
                let opened = tokio::task::spawn_blocking({
                    let directory = directory.clone();
                    move || record::open(&directory)
                });
                let opened = opened.await.map_err(io::Error::other)?;
                let (file, books) = opened.map_err(|source| StartError::Record { path: directory, source })?;
                (books, Some(file))
            }
            None => (Books::default(), None),
        };
        let books = Arc::new(RwLock::new(books));
        let (recorder, thread) = Recorder::spawn(Arc::clone(&books), file, config.deduplicate)?;
        let (stop, stopped) = watch::channel(false);
        let router = routes::router(charge::Simulator {
            books,
            recorder,
            deduplicate: config.deduplicate,
            slow: config.slow,
            silence: config.silence,
            basic: config.basic.map(Arc::new),
            hub: Arc::new(tmf654::Hub::new(config.listener)?),
            stopped: stopped.clone(),
        });
        let connections = tokio::spawn(connections::serve(listener, router, config.max_connections, stopped));
        Ok(Self { addr, stop, connections, recorder: Some(thread) })
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers what can be answered at once, closes the rest, and returns when the record is closed.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.connections).await {
            tracing::error!(%error, "the charging simulator did not stop in order");
        }
        if let Some(thread) = self.recorder.take() {
            let ended = tokio::task::spawn_blocking(move || thread.join().is_ok()).await;
            if !ended.unwrap_or(false) {
                tracing::error!("the charging simulator's recorder did not stop in order");
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.connections.abort();
    }
}
