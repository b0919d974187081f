//! A recharge from end to end: the real server and the real load generator, tokens on every request, the
//! charging system inside the process.

use super::arguments::Arguments;
use super::server::{self, Credentials, Server};
use super::{Result, installation, report};

pub async fn measure(arguments: &Arguments) -> Result<()> {
    let store = arguments.text("store")?;
    let folder = arguments.folder()?.join(format!("http-{store}"));
    std::fs::create_dir_all(&folder)?;
    let database_url = match store {
        "postgres" => installation::postgres_database(arguments.postgres()?, "bench_http").await?,
        "sqlite" => installation::sqlite_file(&arguments.folder()?, "http-sqlite")?,
        _ => return Err("--store: expected postgres or sqlite".into()),
    };
    let during = arguments.duration()?;
    let server = Server::start(&["demo", "--no-traffic", "--charging", "in-process"], &folder, &database_url)?;
    let client = Credentials::of_demo(&folder)?;
    for connections in [64, 256] {
        server::load(&format!("http_{store}_{connections}"), &server.url, &client, connections, during)?;
    }
    report(&format!("http_{store}.memory_mb"), server.peak_memory_mb()?);
    drop(server);
    if store == "postgres" {
        installation::drop_postgres_database(arguments.postgres()?, "bench_http").await?;
    }
    Ok(())
}
