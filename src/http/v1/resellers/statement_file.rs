//! A statement as a file, for who asks for it by `Accept`: streamed, and bounded in how many at once.

use std::io::Read as _;
use std::path::PathBuf;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures::{TryStreamExt as _, stream};

use super::statement::period;
use crate::domain::ResellerId;
use crate::http::problem::{Code, Problem};
use crate::http::query::Query;
use crate::http::state::Api;
use crate::services::export::Format;
use crate::services::export::statement::StatementExport;
use crate::services::{Caller, Scope};

/// Bytes of one piece of a file.
const PIECE: usize = 64 * 1_024;
/// How soon one may come back who found all places taken.
const RETRY_AFTER_S: u32 = 5;

/// The file that the caller asks for, if it does (RFC 9110 §12.5.1). Nobody who takes JSON gets a file by accident:
/// the type must be named.
pub fn wanted(headers: &HeaderMap) -> Option<Format> {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = accepts.flat_map(|accept| accept.split(',')).map(|range| range.split(';').next().unwrap_or(range));
    types.find_map(|name| {
        let name = name.trim();
        Format::ALL.into_iter().find(|format| name.eq_ignore_ascii_case(format.media_type()))
    })
}

pub async fn answer(
    state: &Api,
    caller: &Caller,
    reseller: ResellerId,
    mut query: Query,
    format: Format,
) -> Result<Response, Problem> {
    let period = period(&mut query);
    for name in ["limit", "cursor"] {
        if query.has(name) {
            query.refuse(name, "invalid", "a file is not paged");
        }
    }
    query.finish()?;
    let statement = state.statements.begin(caller, reseller, period).await?;
    let permit = state.exports.places.clone().try_acquire_owned();
    let permit = permit.map_err(|_| Problem::retry_after(Code::Overloaded, RETRY_AFTER_S))?;
    let export = StatementExport {
        statements: state.statements.clone(),
        statement,
        currency: state.currency,
        shows_numbers: caller.may(Scope::RechargesRead),
        permit: Some(permit),
    };
    let name = format!("attachment; filename=\"{}.{}\"", export.name(), format.extension());
    let headers = [(header::CONTENT_TYPE, format.media_type().to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok(match format {
        Format::Csv => {
            let pieces = export.csv().map_err(|_| std::io::Error::other("the store could not be read to the end"));
            (headers, Body::from_stream(pieces)).into_response()
        }
        Format::Xlsx => {
            let (file, length) = written(export, state.exports.folder.clone()).await?;
            let length = [(header::CONTENT_LENGTH, length.to_string())];
            (headers, length, body_of(file)).into_response()
        }
    })
}

async fn written(export: StatementExport, folder: PathBuf) -> Result<(std::fs::File, u64), Problem> {
    Ok(export.xlsx(&folder).await?)
}

fn body_of(file: std::fs::File) -> Body {
    Body::from_stream(stream::try_unfold(file, |mut file| async move {
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; PIECE];
            let length = file.read(&mut piece)?;
            piece.truncate(length);
            Ok::<_, std::io::Error>((piece, file))
        });
        let (piece, file) = read.await.map_err(std::io::Error::other)??;
        Ok::<_, std::io::Error>((!piece.is_empty()).then_some((piece, file)))
    }))
}
