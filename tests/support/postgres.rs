//! A throw-away PostgreSQL cluster: one per test process, or one for all of them when `TAABIA_TEST_POSTGRES`
//! holds the URL of a running one. It ends when the process that started it ends, however that ends.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The variable that names a running cluster: the URL of a superuser, without a database.
const SHARED_CLUSTER: &str = "TAABIA_TEST_POSTGRES";

/// Starts the server and waits: it stops when the other end of standard input closes, which the kernel does for
/// a process that ends. Arguments: folder of the programs, folder of the cluster, folder of all, port.
const SERVE: &str = r#"
"$1/postgres" -D "$2" -k "$3" -h 127.0.0.1 -p "$4" >"$3/log" 2>&1 &
server=$!
read -r _
kill -INT $server
wait $server
rm -rf "$3"
"#;

/// URL of the cluster's superuser; a database is added to it by [`url_of`].
pub fn cluster() -> &'static str {
    static CLUSTER: OnceLock<(String, Option<Child>)> = OnceLock::new();
    let (url, _keeps_it_alive) = CLUSTER.get_or_init(|| match std::env::var(SHARED_CLUSTER) {
        Ok(url) if !url.is_empty() => (url, None),
        _ => {
            let (url, server) = start();
            (url, Some(server))
        }
    });
    url
}

/// URL of a database of the cluster.
pub fn url_of(database: &str) -> String {
    let (server, parameters) = cluster().split_once('?').unwrap_or((cluster(), ""));
    format!("{}/{database}?{parameters}", server.trim_end_matches('/'))
}

/// The URL, and the server, whose standard input must stay open.
fn start() -> (String, Child) {
    let programs = programs();
    let folder = tempfile::Builder::new().prefix("taabia-pg-").tempdir().expect("a temporary folder").keep();
    let account = Account::choose();
    account.give(&folder);
    let cluster = folder.join("data");
    let made = account
        .command(programs.join("initdb"))
        .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
        .arg(&cluster)
        .output()
        .expect("initdb runs");
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let port = free_port();
    let server = account
        .command("/bin/sh")
        .args(["-c", SERVE, "sh"])
        .args([programs.as_path(), &cluster, &folder])
        .arg(port.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // An interrupt of the terminal reaches the tests; the server ends after them.
        .process_group(0)
        .spawn()
        .expect("the server starts");
    wait_for(&folder.join(format!(".s.PGSQL.{port}")), &folder.join("log"));
    let url = format!("postgres://postgres@127.0.0.1:{port}/?sslmode=disable");
    (url, server)
}

/// The socket appears when the server listens; it takes connections a moment later, which connecting retries.
fn wait_for(socket: &Path, log: &Path) {
    let begun = Instant::now();
    while !socket.exists() {
        let waited = begun.elapsed();
        let log = || std::fs::read_to_string(log).unwrap_or_default();
        assert!(waited < Duration::from_secs(30), "PostgreSQL does not listen: {}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// Debian keeps the server's programs out of the path, one folder per version: the newest is taken.
fn programs() -> PathBuf {
    let version = |folder: &PathBuf| -> u32 {
        folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok()).unwrap_or(0)
    };
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = installed.filter(|folder| folder.join("bin/initdb").exists()).max_by_key(version);
    newest.expect("PostgreSQL is installed: apt-get install postgresql").join("bin")
}

/// PostgreSQL refuses to run as root: then it runs as an unprivileged account.
struct Account(Option<(u32, u32)>);

impl Account {
    fn choose() -> Self {
        if id(&["-u"]) != Some(0) {
            return Self(None);
        }
        let ids = |name| Some((id(&["-u", name])?, id(&["-g", name])?));
        Self(ids("postgres").or_else(|| ids("nobody")))
    }

    fn give(&self, folder: &Path) {
        if let Some((user, group)) = self.0 {
            chown(folder, Some(user), Some(group)).expect("root may give a folder away");
        }
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).expect("the folder is ours");
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        // The tests' folder may be closed to the account.
        command.current_dir("/");
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
