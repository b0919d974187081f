//! A recharge from end to end: the real server and the real load generator, tokens on every request, the
//! charging system inside the process.

use super::arguments::Arguments;
use super::server::{self, Credentials, Server};
use super::{Result, installation, report};

/// What a recharge costs without limits and commissions: the demonstration keeps a catalogue that is there already.
const PLAIN: &str = r#"
[[product]]
code = "airtime"
name = "Recharge libre"
kind = "open_range"
[[product.offer]]
amount = "5.00"
amount_to = "500.00"
"#;

pub async fn measure(arguments: &Arguments) -> Result<()> {
    let store = arguments.text("store")?;
    match store {
        "postgres" => {
            demo(arguments, "http_postgres", &postgres(arguments, "bench_http").await?, &[])?;
            installation::drop_postgres_database(arguments.postgres()?, "bench_http").await?;
            plain(arguments).await
        }
        "sqlite" => {
            demo(arguments, "http_sqlite", &installation::sqlite_file(&arguments.folder()?, "http-sqlite")?, &[])
        }
        _ => Err("--store: expected postgres or sqlite".into()),
    }
}

async fn postgres(arguments: &Arguments, name: &str) -> Result<String> {
    installation::postgres_database(arguments.postgres()?, name).await
}

/// The same server, but nobody earns anything.
async fn plain(arguments: &Arguments) -> Result<()> {
    let database_url = postgres(arguments, "bench_plain").await?;
    let file = arguments.folder()?.join("plain.toml");
    std::fs::write(&file, PLAIN)?;
    let file = file.to_string_lossy().into_owned();
    demo(arguments, "plain_postgres", &database_url, &[&["migrate"], &["catalogue", "import", &file]])?;
    installation::drop_postgres_database(arguments.postgres()?, "bench_plain").await
}

/// The demonstration under load, after some commands were run.
fn demo(arguments: &Arguments, name: &str, database_url: &str, before: &[&[&str]]) -> Result<()> {
    let folder = arguments.folder()?.join(name);
    std::fs::create_dir_all(&folder)?;
    for command in before {
        server::taabia(command, database_url, &folder)?;
    }
    let during = arguments.duration()?;
    let server = Server::start(&["demo", "--no-traffic", "--charging", "in-process"], &folder, database_url)?;
    let client = Credentials::of_demo(&folder)?;
    for connections in [64, 256] {
        server::load(&format!("{name}_{connections}"), &server.url, &client, connections, during)?;
    }
    report(&format!("{name}.memory_mb"), server.peak_memory_mb()?);
    Ok(())
}
