//! What the figures of `scripts/bench` share.

pub mod arguments;
pub mod ceiling;
pub mod engine;
pub mod hot_account;
pub mod http;
pub mod installation;
pub mod instant;
pub mod load;
pub mod reads;
pub mod server;
pub mod statements;
pub mod table;

use std::error::Error;

/// Nothing here is handled: a figure is measured or it is not.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Prints a figure.
pub fn report(name: &str, figure: f64) {
    println!("{name}\t{figure:.3}");
}
