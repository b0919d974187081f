//! `taabia openapi`: the description of the API and the reference of its problems, made of the code.

use std::error::Error;

use super::args::OpenapiArgs;
use crate::http;

/// # Errors
/// When the files cannot be written.
pub async fn openapi(args: OpenapiArgs) -> Result<bool, Box<dyn Error>> {
    let files = http::specification();
    match args.write {
        Some(folder) => {
            for (name, text) in files {
                tokio::fs::write(folder.join(name), text).await?;
            }
        }
        None => print!("{}", files[0].1),
    }
    Ok(true)
}
