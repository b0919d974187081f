//! A line to PostgreSQL that breaks on demand. It reads just enough of what the client says (PostgreSQL
//! documentation, "Message Formats") to know the end of a transaction when it passes.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What happens to a COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFault {
    /// It never reaches the server.
    CutBefore,
    /// The server carries it out; the line is cut when it answers.
    CutAnswer,
    /// The line is cut the moment it was sent: whether the server still reads it is open.
    CutAtOnce,
    /// The server carries it out; nothing passes any more and nobody is told.
    Silence,
}

/// The state of the line. Connections are numbered.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    down: bool,
    /// Connections up to this number are cut.
    cut: u64,
    /// Connections up to this number carry nothing any more, in neither direction.
    silent: u64,
}

struct Shared {
    upstream: SocketAddr,
    line: watch::Sender<Line>,
    opened: AtomicU64,
    armed: Mutex<VecDeque<CommitFault>>,
}

/// Ends when it is dropped, with all its connections.
pub struct Proxy {
    /// The database through this line.
    pub url: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A line to the database at `url`.
    pub async fn to(url: &str) -> Self {
        let mut url = Url::parse(url).unwrap();
        let upstream = (url.host_str().unwrap().to_owned(), url.port().unwrap());
        let upstream = tokio::net::lookup_host(upstream).await.unwrap().next().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        url.query_pairs_mut().append_pair("sslmode", "disable");
        let (opened, armed) = (AtomicU64::new(0), Mutex::default());
        let shared = Arc::new(Shared { upstream, line: watch::Sender::new(Line::default()), opened, armed });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self { url: url.into(), shared, accepting }
    }

    /// What happens to the next COMMITs, one after the other.
    pub fn arm(&self, faults: impl IntoIterator<Item = CommitFault>) {
        self.shared.armed.lock().unwrap().extend(faults);
    }

    /// Nothing happens to COMMITs any more.
    pub fn disarm(&self) {
        self.shared.armed.lock().unwrap().clear();
    }

    /// How many faults have not struck yet.
    pub fn armed(&self) -> usize {
        self.shared.armed.lock().unwrap().len()
    }

    /// Cuts every connection; new ones are closed at once until [`Self::up`].
    pub fn down(&self) {
        let opened = self.shared.opened.load(Ordering::SeqCst);
        self.shared.line.send_modify(|line| (line.down, line.cut) = (true, opened));
    }

    pub fn up(&self) {
        self.shared.line.send_modify(|line| line.down = false);
    }

    /// Cuts every connection; new ones work.
    pub fn cut(&self) {
        let opened = self.shared.opened.load(Ordering::SeqCst);
        self.shared.line.send_modify(|line| line.cut = opened);
    }

    /// Every connection goes silent and stays open; new ones work.
    pub fn silence(&self) {
        let opened = self.shared.opened.load(Ordering::SeqCst);
        self.shared.line.send_modify(|line| line.silent = opened);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.line.send_modify(|line| line.cut = u64::MAX);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let number = shared.opened.fetch_add(1, Ordering::SeqCst) + 1;
        if shared.line.borrow().down {
            continue;
        }
        let shared = shared.clone();
        tokio::spawn(async move {
            if let Ok(server) = TcpStream::connect(shared.upstream).await {
                let _ = relay(client, server, number, &shared).await;
            }
        });
    }
}

async fn relay(mut client: TcpStream, mut server: TcpStream, number: u64, shared: &Shared) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let mut line = shared.line.subscribe();
    let (mut said, mut answered, mut ends) = (Said::default(), BytesMut::new(), Ends::default());
    loop {
        let now = *line.borrow_and_update();
        if now.cut >= number {
            return Ok(());
        }
        if now.silent >= number {
            return until_cut(&mut line, number).await;
        }
        tokio::select! {
            _ = line.changed() => {}
            read = client.read_buf(&mut said.buffer) => {
                if read? == 0 {
                    return Ok(());
                }
                while let Some(message) = said.next() {
                    let fault = if ends.is_commit(&message) { shared.armed.lock().unwrap().pop_front() } else { None };
                    let Some(fault) = fault else {
                        server.write_all(&message).await?;
                        continue;
                    };
                    if fault != CommitFault::CutBefore {
                        server.write_all(&message).await?;
                    }
                    if matches!(fault, CommitFault::CutAnswer | CommitFault::Silence) {
                        server.read_buf(&mut answered).await?;
                    }
                    return if fault == CommitFault::Silence { until_cut(&mut line, number).await } else { Ok(()) };
                }
            }
            read = server.read_buf(&mut answered) => {
                if read? == 0 {
                    return Ok(());
                }
                client.write_all_buf(&mut answered).await?;
            }
        }
    }
}

/// Both ends stay open and hear nothing.
async fn until_cut(line: &mut watch::Receiver<Line>, number: u64) -> std::io::Result<()> {
    line.wait_for(|line| line.cut >= number).await.map(|_| ()).map_err(std::io::Error::other)
}

/// What the client said and was not passed on yet.
#[derive(Default)]
struct Said {
    buffer: BytesMut,
    /// Messages begin with their kind once the connection has begun.
    begun: bool,
}

impl Said {
    /// The next whole message.
    fn next(&mut self) -> Option<Bytes> {
        const VERSION_3: u16 = 3;
        let kind = usize::from(self.begun);
        let length = u32::from_be_bytes(self.buffer.get(kind..kind + 4)?.try_into().unwrap()) as usize;
        if self.buffer.len() < kind + length {
            return None;
        }
        let message = self.buffer.split_to(kind + length).freeze();
        // Before it there may be a request for encryption, which has a number of its own there.
        self.begun = self.begun || message.get(4..6)? == VERSION_3.to_be_bytes();
        Some(message)
    }
}

/// Where transactions end.
#[derive(Default)]
struct Ends {
    /// Between BEGIN and COMMIT or ROLLBACK.
    in_transaction: bool,
    /// The name under which the batches' statement was prepared.
    batches: Option<Bytes>,
    /// It was bound since the last Sync.
    bound: bool,
}

impl Ends {
    /// A query that is COMMIT and nothing else, or the Sync after a batch that is a transaction by itself.
    fn is_commit(&mut self, message: &Bytes) -> bool {
        match message.first() {
            Some(b'Q') => {
                let text = message.get(5..).unwrap_or_default();
                let begins = text.starts_with(b"BEGIN");
                let commits = text == b"COMMIT\0";
                self.in_transaction = (self.in_transaction || begins) && !commits && text != b"ROLLBACK\0";
                commits
            }
            Some(b'P') => {
                let mut texts = message[5..].split(|byte| *byte == 0);
                let (name, query) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
                if query.windows(12).any(|part| part == b"refuse_batch") {
                    self.batches = Some(Bytes::copy_from_slice(name));
                }
                false
            }
            Some(b'B') => {
                let name = message[5..].split(|byte| *byte == 0).nth(1);
                self.bound = name.is_some() && name == self.batches.as_deref();
                false
            }
            Some(b'S') => std::mem::take(&mut self.bound) && !self.in_transaction,
            _ => false,
        }
    }
}
