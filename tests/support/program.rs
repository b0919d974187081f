//! The program as a process of its own, and its API as a partner calls it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::time::Instant;

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// Between two looks at something that is waited for.
const PAUSE: Duration = Duration::from_millis(50);

/// Registers a scenario of processes, `async fn name(data_dir: &Path, database: &str)`, for both databases, each with a
/// folder of its own: the tests `name::on_sqlite` and `name::on_postgres`.
macro_rules! processes_on_both {
    ($scenario:ident) => {
        mod $scenario {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                let folder = tempfile::tempdir().unwrap();
                let database = format!("sqlite://{}", folder.path().join("taabia.db").display());
                super::$scenario(folder.path(), &database).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                let folder = tempfile::tempdir().unwrap();
                super::$scenario(folder.path(), &$crate::support::database::empty_postgres().await).await;
            }
        }
    };
}
pub(crate) use processes_on_both;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taabia"));
    // The settings of a test are its arguments and no variables.
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// Starts a command that is not waited for.
pub fn spawn(arguments: &[&str]) -> Child {
    command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Runs a command to its end.
pub async fn taabia(arguments: &[&str]) -> Output {
    let mut command = command(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Runs a command that must succeed; what it printed.
pub async fn taabia_must(arguments: &[&str]) -> String {
    let output = taabia(arguments).await;
    assert!(output.status.success(), "taabia {arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Looks again and again until there is something to see.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "still waiting for {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// A running server; killed when it is dropped.
pub struct Server {
    child: Child,
    pub url: String,
    log: NamedTempFile,
}

impl Server {
    pub async fn start(arguments: &[&str]) -> Self {
        match Self::try_start(arguments).await {
            Ok(server) => server,
            Err((_, log)) => panic!("taabia {arguments:?} did not start: {log}"),
        }
    }

    /// Waits for the line that says it is ready; its status and its log when it ended instead.
    pub async fn try_start(arguments: &[&str]) -> Result<Self, (ExitStatus, String)> {
        let log = NamedTempFile::new().unwrap();
        let mut command = command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(log.reopen().unwrap()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (say, ready) = tokio::sync::oneshot::channel();
        // Reads on until the end, so that the server never waits for a reader.
        std::thread::spawn(move || {
            let mut say = Some(say);
            for line in lines.map_while(Result::ok) {
                if let (Some(url), Some(say)) = (line.strip_prefix("ready "), say.take()) {
                    let _ = say.send(url.to_owned());
                }
            }
        });
        let mut server = Self { child, url: String::new(), log };
        match tokio::time::timeout(PATIENCE, ready).await.expect("a server starts or ends") {
            Ok(url) => {
                server.url = url;
                Ok(server)
            }
            Err(_) => Err((server.child.wait().unwrap(), server.log())),
        }
    }

    /// `SIGKILL`: nothing of it runs any more when this returns.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `SIGTERM`.
    pub fn terminate(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        until("the server to end", async || self.child.try_wait().unwrap()).await
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it wrote to standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("log of {}:\n{}", self.url, self.log());
        }
    }
}

/// A client of the demonstration as `demo.json` shows it.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub client_id: String,
    pub client_secret: String,
    pub resellers: Vec<String>,
}

pub fn demo_json(data_dir: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(data_dir.join("demo.json")).unwrap()).unwrap()
}

pub fn credentials(data_dir: &Path, name: &str) -> Credentials {
    let demo = demo_json(data_dir);
    let client = demo["clients"].as_array().unwrap().iter().find(|client| client["name"] == name).unwrap();
    let field = |name: &str| client[name].as_str().unwrap().to_owned();
    let resellers = client["reseller_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned());
    Credentials { client_id: field("client_id"), client_secret: field("client_secret"), resellers: resellers.collect() }
}

/// An answer of the API.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub content_type: String,
    pub retry_after: Option<String>,
    pub body: Value,
}

/// The API with a token.
#[derive(Clone)]
pub struct Api {
    client: reqwest::Client,
    pub url: String,
    token: String,
}

pub fn http_client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).retry(reqwest::retry::never());
    client.timeout(Duration::from_mins(1)).build().unwrap()
}

impl Api {
    /// Gets a token.
    pub async fn enter(url: &str, client_id: &str, client_secret: &str) -> Result<Self, Reply> {
        let api = Self { client: http_client(), url: url.to_owned(), token: String::new() };
        let request = api
            .client
            .post(format!("{url}/oauth/token"))
            .basic_auth(client_id, Some(client_secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let reply = read(request).await.unwrap();
        match reply.body["access_token"].as_str() {
            Some(token) => Ok(Self { token: token.to_owned(), ..api }),
            None => Err(reply),
        }
    }

    pub async fn enter_as(url: &str, credentials: &Credentials) -> Self {
        let entered = Self::enter(url, &credentials.client_id, &credentials.client_secret).await;
        entered.unwrap_or_else(|reply| panic!("no token: {reply:?}"))
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub async fn get(&self, path: &str) -> Result<Reply, reqwest::Error> {
        read(self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Reply, reqwest::Error> {
        let request = self.client.post(format!("{}{path}", self.url)).bearer_auth(&self.token);
        read(request.header("content-type", "application/json").body(body.to_string())).await
    }

    /// All recharges that the client may see.
    pub async fn recharges(&self) -> Vec<Value> {
        let mut all = Vec::new();
        let mut query = "limit=200".to_owned();
        loop {
            let page = self.get(&format!("/v1/recharges?{query}")).await.unwrap();
            assert_eq!(page.status, 200, "{page:?}");
            all.extend(page.body["items"].as_array().unwrap().clone());
            match page.body["next_cursor"].as_str() {
                Some(cursor) => query = format!("limit=200&cursor={cursor}"),
                None => return all,
            }
        }
    }
}

async fn read(request: reqwest::RequestBuilder) -> Result<Reply, reqwest::Error> {
    let response = request.send().await?;
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, retry_after) = (response.status().as_u16(), header("retry-after"));
    let content_type = header("content-type").unwrap_or_default();
    let body = response.bytes().await?;
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| Value::String(text(&body)));
    Ok(Reply { status, content_type, retry_after, body })
}

/// A recharge as it is ordered.
pub fn order(external_id: &str, reseller: &str, msisdn: &str, amount: &str) -> Value {
    serde_json::json!({
        "external_id": external_id, "reseller_id": reseller, "msisdn": msisdn,
        "amount": amount, "currency": "MAD", "channel": "atm",
    })
}
