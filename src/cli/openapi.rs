//! `taabia openapi`: the description of the API and the reference of its problems, made of the code.

use std::error::Error;

use super::args::OpenapiArgs;
use crate::http;

/// # Errors
/// When the files cannot be written.
pub async fn openapi(args: OpenapiArgs) -> Result<bool, Box<dyn Error>> {
    let document = http::openapi().to_pretty_json()? + "\n";
    match args.write {
        Some(folder) => {
            tokio::fs::write(folder.join("openapi.json"), document).await?;
            tokio::fs::write(folder.join("problems.md"), http::problem::reference()).await?;
        }
        None => print!("{document}"),
    }
    Ok(true)
}
