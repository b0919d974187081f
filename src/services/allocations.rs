//! Stock from the operator to its network: to one reseller, or in a run over many.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use super::recharges::Answer;
use crate::domain::encoding::{Encoder, Hash};
use crate::domain::{
    Asked, Decline, ExternalId, Line, Operation, OperationId, OperationKind, PartnerId, Reason, ResellerId, RunTotals,
    Shard, Status, Terms,
};
use crate::ledger::allocation::judge;
use crate::ledger::command::{Actor, AllocateStock, Command, Request, StartRun};
use crate::ports::{Clock, Ledger, LineState, Randomness, Reads, Registry, StockReads, draw_operation};

/// Lines of one run at most.
pub const MAX_LINES: usize = 100_000;
/// Rows that are asked for at once.
const PAGE: usize = 2_000;

/// A validated order for one reseller.
#[derive(Clone, Debug)]
pub struct AllocationOrder {
    pub external_id: ExternalId,
    pub reseller: ResellerId,
    pub amount_minor: i64,
    pub terms: Terms,
    pub reason: Reason,
}

/// Who a line is for, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    Id(ResellerId),
    Code(Box<str>),
}

/// Whom a run is for.
#[derive(Clone, Debug)]
pub enum RunSource {
    Lines(Vec<(Receiver, i64)>),
    /// Every reseller of a level of a subtree.
    Rule {
        /// `None`: of all that the caller sees.
        under: Option<ResellerId>,
        level: Box<str>,
        asked: Asked,
    },
}

/// A validated run.
#[derive(Clone, Debug)]
pub struct RunOrder {
    pub external_id: ExternalId,
    pub terms: Terms,
    pub reason: Reason,
    pub source: RunSource,
}

/// What a run would do.
#[derive(Clone, Debug)]
pub struct Preview {
    pub lines: i64,
    pub totals: RunTotals,
    /// The lines that would be refused, with the code of the reason.
    pub refusals: Vec<(Line, &'static str)>,
    /// By how much the operator's stock is too small for all lines that would otherwise be done, in minor units.
    pub missing_minor: i64,
}

/// A run with what it has come to by now.
#[derive(Clone, Debug)]
pub struct RunState {
    pub operation: Arc<Operation>,
    pub totals: RunTotals,
    pub replayed: bool,
}

/// Runs that this node began: it carries them out at once, without waiting for the store to tell.
#[derive(Debug, Default)]
pub struct OwnRuns {
    runs: Mutex<HashSet<OperationId>>,
    pub wake: Notify,
}

impl OwnRuns {
    fn add(&self, run: OperationId) {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).insert(run);
        self.wake.notify_one();
    }

    #[must_use]
    pub fn has(&self, run: OperationId) -> bool {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).contains(&run)
    }

    pub fn remove(&self, run: OperationId) {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
    }
}

/// The use cases of allocations.
pub struct Allocations {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub stock: Arc<dyn StockReads>,
    pub registry: Arc<dyn Registry>,
    pub directory: Arc<Directory>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    pub own: Arc<OwnRuns>,
}

impl Allocations {
    /// Hands stock to one reseller.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn allocate(&self, caller: &Caller, order: AllocationOrder) -> Result<Answer, ServiceError> {
        self.directory.authorise(caller, order.reseller).await?;
        let allocate = AllocateStock {
            operation: self.draw(),
            external_id: order.external_id,
            to: order.reseller,
            asked: Asked::Exactly(order.amount_minor),
            terms: order.terms,
            reason: order.reason,
            run: None,
        };
        let actor = caller.actor().because(allocate.reason.as_str());
        let command = Command { actor, request: Request::AllocateStock(allocate) };
        Answer::of(self.ledger.execute(command).await?)
    }

    /// # Errors
    /// [`ServiceError::NotFound`] when it is unknown or for a reseller outside the caller's subtrees.
    pub async fn get(&self, caller: &Caller, id: OperationId) -> Result<Operation, ServiceError> {
        let operation = self.reads.operation(id).await?.ok_or(ServiceError::NotFound)?;
        let to = operation.allocation().ok_or(ServiceError::NotFound)?.to;
        self.directory.authorise(caller, to).await?;
        Ok(operation)
    }

    /// Begins a run: its lines are stored with it, and carried out afterwards.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn start(&self, caller: &Caller, order: RunOrder) -> Result<RunState, ServiceError> {
        self.start_as(caller.actor(), caller, order).await
    }

    /// The same for a caller who does not come by the API.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn start_as(&self, actor: Actor, caller: &Caller, order: RunOrder) -> Result<RunState, ServiceError> {
        let request = digest_of(&order);
        if let Some(known) = self.run_by_key(&order.external_id).await? {
            // Before its lines are looked up once more; the ledger decides for those who come at the same moment.
            let same = known.run().is_some_and(|run| run.request == request);
            let field = if known.run().is_some() { "lines" } else { "external_id" };
            return if same { self.state(Arc::new(known), true).await } else { Err(reused(field)) };
        }
        let lines = self.lines(caller, order.source).await?;
        let start = StartRun {
            operation: self.draw(),
            external_id: order.external_id,
            terms: order.terms,
            reason: order.reason,
            started_by: caller.client,
            request,
            lines: lines.into(),
        };
        let actor = actor.because(start.reason.as_str());
        let command = Command { actor, request: Request::StartRun(start) };
        let answer = Answer::of(self.ledger.execute(command).await?)?;
        if !answer.replayed {
            self.own.add(answer.operation.id);
        }
        self.state(answer.operation, answer.replayed).await
    }

    /// The operation of the operator that has this key, whatever it is.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn run_by_key(&self, external_id: &ExternalId) -> Result<Option<Operation>, ServiceError> {
        let (partner, reseller) = (PartnerId::OPERATOR, ResellerId::OPERATOR);
        Ok(self.reads.operation_by_key(Shard::OPERATOR, partner, reseller, external_id).await?)
    }

    /// What a run would do as things stand, in the order of its lines. Writes nothing.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn preview(&self, caller: &Caller, order: RunOrder) -> Result<Preview, ServiceError> {
        let lines = self.lines(caller, order.source).await?;
        let mut left = self.stock.operator_stock().await?;
        let mut preview = Preview {
            lines: i64::try_from(lines.len()).expect("lines fit memory"),
            totals: RunTotals::default(),
            refusals: Vec::new(),
            missing_minor: 0,
        };
        let has = left;
        let mut short = 0_i64;
        // What earlier lines of the same run would hand to a reseller counts for later ones.
        let mut given: HashMap<ResellerId, i64> = HashMap::new();
        for page in lines.chunks(PAGE) {
            let wanted: Vec<_> =
                page.iter().filter_map(|line| line.reseller).map(|id| (self.directory.shard_of(id), id)).collect();
            let found = self.stock.stocks(&wanted).await?;
            let stocks: HashMap<_, _> = found.into_iter().map(|stock| (stock.reseller, stock)).collect();
            for line in page {
                let known = line.reseller.and_then(|id| stocks.get(&id));
                let judged = match known {
                    None => Err("unknown_reseller"),
                    Some(stock) => {
                        let before = given.get(&stock.reseller).copied().unwrap_or(0);
                        let has = stock.available_minor.saturating_add(before);
                        judge(stock.standing, has, line.asked, left).map_err(|(decline, amount)| {
                            if decline == Decline::InsufficientStock {
                                short = short.saturating_add(amount);
                            }
                            decline.code()
                        })
                    }
                };
                match judged {
                    Ok(amount) => {
                        left -= amount;
                        preview.totals.done += 1;
                        preview.totals.amount_minor = preview.totals.amount_minor.saturating_add(amount);
                        if let Some(id) = line.reseller {
                            *given.entry(id).or_default() += amount;
                        }
                    }
                    Err(code) => {
                        preview.totals.refused += 1;
                        preview.refusals.push((line.clone(), code));
                    }
                }
            }
        }
        if short > 0 {
            preview.missing_minor = preview.totals.amount_minor.saturating_add(short).saturating_sub(has);
        }
        Ok(preview)
    }

    /// # Errors
    /// [`ServiceError::NotFound`] when it is unknown.
    pub async fn run(&self, id: OperationId) -> Result<RunState, ServiceError> {
        let found = self.reads.operation(id).await?.filter(|operation| operation.run().is_some());
        self.state(Arc::new(found.ok_or(ServiceError::NotFound)?), false).await
    }

    /// Lines of a run by their number.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when it is unknown.
    pub async fn run_lines(
        &self,
        id: OperationId,
        after: i64,
        limit: u32,
    ) -> Result<(Vec<LineState>, Option<i64>, Status), ServiceError> {
        let run = self.run(id).await?;
        let mut lines = self.stock.run_lines(id, after, limit + 1, false).await?;
        let more = lines.len() > limit as usize;
        lines.truncate(limit as usize);
        let next = lines.last().map(|state| state.line.number).filter(|_| more);
        Ok((lines, next, run.operation.status))
    }

    async fn state(&self, operation: Arc<Operation>, replayed: bool) -> Result<RunState, ServiceError> {
        let run = operation.run().ok_or(ServiceError::NotFound)?;
        let totals = match run.totals {
            Some(totals) => totals,
            None => self.stock.run_progress(operation.id).await?,
        };
        Ok(RunState { operation, totals, replayed })
    }

    async fn lines(&self, caller: &Caller, source: RunSource) -> Result<Vec<Line>, ServiceError> {
        match source {
            RunSource::Lines(lines) => self.lines_of_list(caller, lines).await,
            RunSource::Rule { under: Some(under), level, asked } => {
                self.directory.authorise(caller, under).await?;
                self.lines_of_rule(&[under], &level, asked).await
            }
            RunSource::Rule { under: None, level, asked } => self.lines_of_rule(&caller.roots, &level, asked).await,
        }
    }

    /// What lies outside of the caller's subtrees is as unknown as what does not exist.
    async fn lines_of_list(&self, caller: &Caller, lines: Vec<(Receiver, i64)>) -> Result<Vec<Line>, ServiceError> {
        let mut resolved = Vec::with_capacity(lines.len());
        for page in lines.chunks(PAGE) {
            let codes: Vec<&str> = page.iter().filter_map(|(to, _)| to.code()).collect();
            let ids: Vec<ResellerId> = page.iter().filter_map(|(to, _)| to.id()).collect();
            let found = self.stock.receivers(&codes, &ids, &caller.roots).await?;
            let by_code: HashMap<&str, ResellerId> = found.iter().map(|(id, code)| (code.as_str(), *id)).collect();
            let known: HashSet<ResellerId> = found.iter().map(|(id, _)| *id).collect();
            for (receiver, amount_minor) in page {
                let (reseller, code) = match receiver {
                    Receiver::Id(id) => (Some(*id).filter(|id| known.contains(id)), None),
                    Receiver::Code(code) => (by_code.get(&**code).copied(), Some(code.clone())),
                };
                let number = i64::try_from(resolved.len()).expect("lines fit memory") + 1;
                resolved.push(Line { number, reseller, code, asked: Asked::Exactly(*amount_minor) });
            }
        }
        Ok(resolved)
    }

    async fn lines_of_rule(&self, roots: &[ResellerId], level: &str, asked: Asked) -> Result<Vec<Line>, ServiceError> {
        let mut lines = Vec::new();
        let mut after = None;
        loop {
            let limit = u32::try_from(PAGE).expect("a page is short");
            let page = self.registry.subtree(roots, after, limit).await?;
            after = page.last().map(|place| place.id);
            for place in page.iter().filter(|place| place.level.as_str() == level) {
                let number = i64::try_from(lines.len()).expect("lines fit memory") + 1;
                lines.push(Line { number, reseller: Some(place.id), code: Some(place.code.as_str().into()), asked });
            }
            if lines.len() > MAX_LINES {
                return Err(ServiceError::TooManyLines);
            }
            if page.len() < PAGE {
                return Ok(lines);
            }
        }
    }

    fn draw(&self) -> OperationId {
        draw_operation(&*self.clock, &*self.randomness, Shard::OPERATOR)
    }
}

impl Receiver {
    fn code(&self) -> Option<&str> {
        match self {
            Self::Code(code) => Some(code),
            Self::Id(_) => None,
        }
    }

    fn id(&self) -> Option<ResellerId> {
        match self {
            Self::Id(id) => Some(*id),
            Self::Code(_) => None,
        }
    }
}

fn reused(field: &'static str) -> ServiceError {
    ServiceError::ExternalIdReused { field }
}

/// Digest of what was asked: of the rule rather than of the resellers it meets, which change.
fn digest_of(order: &RunOrder) -> Hash {
    let mut encoder = Encoder::new("taabia/run request/1");
    encoder.text(order.terms.name()).text(order.reason.as_str());
    match &order.source {
        RunSource::Lines(lines) => {
            for (receiver, amount_minor) in lines {
                match receiver {
                    Receiver::Id(id) => encoder.text("id").bytes(id.uuid().as_bytes()),
                    Receiver::Code(code) => encoder.text("code").text(code),
                };
                encoder.int(*amount_minor);
            }
        }
        RunSource::Rule { under, level, asked } => {
            let under = under.map(ResellerId::uuid);
            encoder.text("rule").bytes(under.as_ref().map_or(&[][..], |under| under.as_bytes())).text(level);
            encoder.flag(asked.is_top_up()).int(asked.minor());
        }
    }
    encoder.sha256()
}

/// What an id of a run looks like.
#[must_use]
pub fn parse_run_id(text: &str) -> Option<OperationId> {
    OperationId::parse(text, OperationKind::AllocationRun.prefix())
}
