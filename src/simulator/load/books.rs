//! The check at the end: balances moved by exactly what was acknowledged.

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use hyper::header::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::connection::{Connection, Target};
use super::session::Session;
use super::traffic::{Recharge, Tally};
use super::{LoadError, Verdict};
use crate::domain::{Currency, Money, ResellerId};

/// Connections that read balances and statuses.
const READERS: usize = 8;
/// Pause between two rounds of inquiries about open operations.
const POLL_PAUSE: Duration = Duration::from_millis(500);
/// Pages of an outlet's recharges that are read when its balance is not as expected.
const MAX_PAGES: usize = 500;

/// The outlets' balances before the run.
#[derive(Debug)]
pub(super) struct Books {
    reader: Reader,
    currency: Currency,
    outlets: Vec<(ResellerId, Balance)>,
}

#[derive(Clone, Debug)]
struct Balance {
    posted_minor: i64,
    held_minor: i64,
    as_of: String,
}

#[derive(Deserialize)]
struct BalanceBody {
    currency: String,
    posted: String,
    held: String,
    available: String,
    as_of: String,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    external_id: String,
}

impl Books {
    /// Reads the balances of `resellers` and keeps those that have enough to sell from.
    pub(super) async fn open(
        target: &Arc<Target>,
        session: &Session,
        resellers: &[ResellerId],
    ) -> Result<Self, LoadError> {
        let reader = Reader { target: Arc::clone(target), bearer: session.bearer() };
        let bodies = reader.balances(resellers).await?;
        let currency = match bodies.first() {
            Some(body) => body.currency.parse().map_err(unexpected)?,
            None => Currency::MAD,
        };
        // The largest amount that a run asks for.
        let enough = 20 * 10_i64.pow(currency.exponent());
        let mut outlets = Vec::with_capacity(resellers.len());
        for (&reseller, body) in resellers.iter().zip(&bodies) {
            if minor(&body.available, currency)? >= enough {
                outlets.push((reseller, Balance::parse(body, currency)?));
            }
        }
        Ok(Self { reader, currency, outlets })
    }

    pub(super) fn currency(&self) -> Currency {
        self.currency
    }

    pub(super) fn outlets(&self) -> Vec<ResellerId> {
        self.outlets.iter().map(|(reseller, _)| *reseller).collect()
    }

    /// Waits until the operations that were open when they were answered have an outcome, and counts it.
    /// The error says why the balances cannot be compared.
    pub(super) async fn settle(&self, tally: &mut Tally, within: Duration) -> Result<(), String> {
        let give_up = Instant::now() + within;
        let mut open = std::mem::take(&mut tally.open);
        let mut problem = None;
        while !open.is_empty() && problem.is_none() && Instant::now() < give_up {
            sleep(POLL_PAUSE).await;
            let paths: Vec<String> = open.iter().map(|open| format!("/v1/recharges/{}", open.id)).collect();
            let answers = match self.reader.get_all::<Recharge>(&paths).await {
                Ok(answers) => answers,
                Err(error) => {
                    problem = Some(format!("the outcome of open recharges cannot be read: {error}"));
                    break;
                }
            };
            let asked = std::mem::take(&mut open);
            for (mut waiting, answer) in asked.into_iter().zip(answers) {
                if answer.is_open() {
                    waiting.status = answer.status;
                    open.push(waiting);
                } else {
                    tally.count_final(&answer, waiting.outlet, waiting.amount_minor);
                }
            }
        }
        let still_open = open.len();
        for waiting in &open {
            tally.count_outcome(&waiting.status, 1);
        }
        match problem {
            Some(problem) => Err(problem),
            None if still_open > 0 => {
                Err(format!("{still_open} recharges still had no outcome after {} s", within.as_secs()))
            }
            None if tally.unanswered > 0 => {
                Err(format!("{} recharges that may have been stored were never answered", tally.unanswered))
            }
            None => Ok(()),
        }
    }

    /// Compares the balances with what was acknowledged; `prefix` begins every key of this run.
    pub(super) async fn compare(&self, tally: &Tally, prefix: &str) -> Result<Verdict, LoadError> {
        let after = self.reader.balances(&self.outlets()).await?;
        let (mut agreeing, mut moved_minor, mut set_aside) = (0, 0, 0);
        for (index, ((outlet, before), after)) in self.outlets.iter().zip(&after).enumerate() {
            let after = Balance::parse(after, self.currency)?;
            let (moved, acknowledged) = (before.posted_minor - after.posted_minor, tally.completed_minor[index]);
            if before.held_minor != 0 {
                // Earlier operations may have found their outcome meanwhile.
                set_aside += 1;
            } else if moved == acknowledged && after.held_minor == 0 {
                agreeing += 1;
                moved_minor += moved;
            } else if self.others_sold(*outlet, &before.as_of, prefix).await? {
                set_aside += 1;
            } else {
                let money = |minor| Money::from_minor(minor, self.currency);
                return Ok(Verdict::Differs {
                    outlet: *outlet,
                    moved: money(moved),
                    acknowledged: money(acknowledged),
                    held: money(after.held_minor),
                });
            }
        }
        if agreeing == 0 {
            return Ok(Verdict::Skipped("other traffic moved the balance of every outlet".to_owned()));
        }
        Ok(Verdict::Agree { outlets: agreeing, moved: Money::from_minor(moved_minor, self.currency), set_aside })
    }

    /// Whether an outlet's list shows a recharge since `from` that is not of this run.
    async fn others_sold(&self, outlet: ResellerId, from: &str, prefix: &str) -> Result<bool, LoadError> {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let first = format!("/v1/recharges?reseller_id={outlet}&from={}&limit=200", encode(from));
        let mut connection = Connection::new(&self.reader.target);
        let mut path = first.clone();
        for _ in 0..MAX_PAGES {
            let page: Page = connection.get(&path, &self.reader.bearer()).await?;
            if page.items.iter().any(|item| !item.external_id.starts_with(prefix)) {
                return Ok(true);
            }
            let Some(cursor) = page.next_cursor else { break };
            path = format!("{first}&cursor={}", encode(&cursor));
        }
        Ok(false)
    }
}

impl Balance {
    fn parse(body: &BalanceBody, currency: Currency) -> Result<Self, LoadError> {
        let (posted_minor, held_minor) = (minor(&body.posted, currency)?, minor(&body.held, currency)?);
        Ok(Self { posted_minor, held_minor, as_of: body.as_of.clone() })
    }
}

/// A balance may be zero or negative, which an amount may not.
fn minor(text: &str, currency: Currency) -> Result<i64, LoadError> {
    let mut amount = Decimal::from_str_exact(text).map_err(unexpected)?;
    amount.rescale(currency.exponent());
    i64::try_from(amount.mantissa()).map_err(unexpected)
}

fn unexpected(error: impl ToString) -> LoadError {
    LoadError::Unexpected { call: "GET /v1/resellers/{id}/balance".to_owned(), detail: error.to_string() }
}

/// Reads over a few connections at once.
#[derive(Debug)]
struct Reader {
    target: Arc<Target>,
    bearer: watch::Receiver<HeaderValue>,
}

impl Reader {
    fn bearer(&self) -> HeaderValue {
        self.bearer.borrow().clone()
    }

    async fn balances(&self, resellers: &[ResellerId]) -> Result<Vec<BalanceBody>, LoadError> {
        let paths: Vec<String> = resellers.iter().map(|id| format!("/v1/resellers/{id}/balance")).collect();
        self.get_all(&paths).await
    }

    /// The answers in the order of `paths`.
    async fn get_all<T: DeserializeOwned>(&self, paths: &[String]) -> Result<Vec<T>, LoadError> {
        let shares = paths.chunks(paths.len().div_ceil(READERS).max(1)).map(async |share| {
            let mut connection = Connection::new(&self.target);
            let mut answers = Vec::with_capacity(share.len());
            for path in share {
                answers.push(connection.get(path, &self.bearer()).await?);
            }
            Ok::<_, LoadError>(answers)
        });
        Ok(try_join_all(shares).await?.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balances_are_read_in_minor_units() {
        for (text, currency, expected) in [
            ("1980.00", Currency::MAD, 198_000),
            ("0.00", Currency::MAD, 0),
            ("-12.05", Currency::MAD, -1_205),
            ("500", Currency::XOF, 500),
        ] {
            assert_eq!(minor(text, currency).unwrap(), expected, "{text}");
        }
        assert!(minor("many", Currency::MAD).is_err());
    }
}
