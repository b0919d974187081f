//! What the figures of `scripts/bench` share.

pub mod arguments;
pub mod ceiling;
pub mod engine;
pub mod hot_account;
pub mod http;
pub mod installation;
pub mod instant;
pub mod load;
pub mod network;
pub mod reads;
pub mod runs;
pub mod server;
pub mod settlement;
pub mod statements;
pub mod table;
pub mod topups;

use std::error::Error;

/// Nothing here is handled: a figure is measured or it is not.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The most memory that was resident in a process so far, in megabytes; `process` is its number, or `self`.
pub fn peak_memory_mb(process: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1_024.0 / 1_000_000.0)
}

/// Prints a figure.
pub fn report(name: &str, figure: f64) {
    println!("{name}\t{figure:.3}");
}
