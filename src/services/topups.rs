//! Card-funded top-ups: stock is set aside, an acquirer is asked for the money, and the stock moves when it was taken.
//!
//! Whatever an acquirer says goes through [`Cashier`]: the task that asked it, the job that asks how it stands, and its
//! notifications move a top-up by the same commands, so that the second one to know changes nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::caller::{Caller, ServiceError};
use super::cashier::{Cashier, order_id};
use super::directory::Directory;
use super::operation_list::{self, OperationFilter, OperationPage};
use super::recharges::Answer;
use crate::acquiring::{AcquirerName, Acquirers, Ask};
use crate::domain::topup::method_digest;
use crate::domain::{
    CardRecharge, Channel, Decline, ExternalId, Msisdn, Operation, OperationId, ResellerCode, ResellerId,
};
use crate::ledger::command::{Command, Request, StartTopup, TopupEvidence};
use crate::ports::acquirer::{CardToken, CustomerAction, Outcome, PageLanguage, PaymentMethod};
use crate::ports::{Clock, Ledger, NotificationLog, Randomness, Reads, Registry, TopupReads, draw_operation};

/// A validated order.
#[derive(Clone, Debug)]
pub struct TopupOrder {
    pub external_id: ExternalId,
    pub reseller: ResellerId,
    /// Face value.
    pub stock_minor: i64,
    /// `None` leaves the choice to the rules.
    pub acquirer: Option<AcquirerName>,
    /// `None` is the acquirer's own page.
    pub token: Option<CardToken>,
    pub return_url: Option<Box<str>>,
    /// What a subscriber buys for itself.
    pub recharge: Option<OwnRecharge>,
}

/// A recharge that a subscriber pays for with its own card.
#[derive(Clone, Debug)]
pub struct OwnRecharge {
    pub msisdn: Msisdn,
    pub product: Box<str>,
    pub channel: Channel,
    pub allow_repeat: bool,
}

/// Times of top-ups.
#[derive(Clone, Debug)]
pub struct TopupConfig {
    /// How long a request waits for the outcome before it is answered with the state as it is.
    pub answer_within_ms: u64,
    /// The reseller whose stock subscribers buy from; without it none can.
    pub house: Option<ResellerCode>,
}

/// A top-up as its page shows it.
#[derive(Clone, Debug)]
pub struct PaymentView {
    pub operation: Operation,
    /// What the customer must do.
    pub action: Option<CustomerAction>,
    /// The time to pay is over.
    pub expired: bool,
}

/// Pages that are read at once; those beyond give way to the sales.
const PAGES_AT_ONCE: usize = 32;

/// What top-ups need of the world.
pub struct TopupDeps {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub lists: Arc<dyn TopupReads>,
    pub notifications: Arc<dyn NotificationLog>,
    pub directory: Arc<Directory>,
    pub registry: Arc<dyn Registry>,
    pub acquirers: Arc<Acquirers>,
    pub cashier: Arc<Cashier>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
}

/// The use cases of top-ups.
pub struct Topups {
    pub(super) deps: Arc<TopupDeps>,
    config: TopupConfig,
    pages: Semaphore,
}

/// What the detached task has reached so far; the flag tells that it has come to a halt.
type Progress = Option<(Result<Answer, ServiceError>, bool)>;

impl Topups {
    #[must_use]
    pub fn new(deps: TopupDeps, config: TopupConfig) -> Self {
        Self { deps: Arc::new(deps), config, pages: Semaphore::new(PAGES_AT_ONCE) }
    }

    /// Sets the stock aside, asks an acquirer, and answers with the outcome or, when it takes longer, with the top-up
    /// as it stands.
    ///
    /// # Errors
    /// [`ServiceError::UnknownAcquirer`] when there is none of the name; [`ServiceError`].
    pub async fn create(&self, caller: &Caller, order: TopupOrder) -> Result<Answer, ServiceError> {
        self.deps.directory.authorise(caller, order.reseller).await?;
        if order.acquirer.as_ref().is_some_and(|name| self.deps.acquirers.get(name).is_none()) {
            return Err(ServiceError::UnknownAcquirer);
        }
        if order.recharge.is_some() && !self.is_house(order.reseller).await? {
            return Err(ServiceError::NotTheHouse);
        }
        let line = self.deps.directory.line(order.reseller).await?;
        let (progress, mut watching) = watch::channel::<Progress>(None);
        let task = Task { deps: self.deps.clone(), progress, line };
        let id = task.draw(order.reseller);
        let plan = task.plan(id, &order);
        let command = task.start(caller, &order, id, plan.first());
        tokio::spawn(task.run(command, order, plan));
        let within = Duration::from_millis(self.config.answer_within_ms);
        let _ = timeout(within, watching.wait_for(|reached| reached.as_ref().is_some_and(|(_, done)| *done))).await;
        let reached = watching.borrow().clone();
        // Not set aside yet, or not known to be: the same id finds out.
        reached.map_or(Err(ServiceError::Unavailable { retry_after_s: 1 }), |(answer, _)| answer)
    }

    async fn is_house(&self, reseller: ResellerId) -> Result<bool, ServiceError> {
        let Some(code) = &self.config.house else { return Ok(false) };
        let house = self.deps.registry.reseller_by_code(code.as_str()).await?;
        Ok(house.is_some_and(|house| house.id == reseller))
    }

    pub(super) fn answer_within_ms(&self) -> u64 {
        self.config.answer_within_ms
    }

    /// # Errors
    /// [`ServiceError::NotFound`] when unknown or outside the caller's subtrees.
    pub async fn get(&self, caller: &Caller, id: OperationId) -> Result<Operation, ServiceError> {
        let operation = self.deps.reads.operation(id).await?.filter(|operation| operation.topup().is_some());
        let operation = operation.ok_or(ServiceError::NotFound)?;
        self.deps.directory.authorise(caller, operation.reseller).await?;
        Ok(operation)
    }

    /// For whoever has the link.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]; [`ServiceError::Overloaded`] when too many are read at once.
    pub async fn page(&self, id: OperationId, language: PageLanguage) -> Result<PaymentView, ServiceError> {
        let _place = self.pages.try_acquire().map_err(|_| ServiceError::Overloaded { retry_after_s: 1 })?;
        let operation = self.deps.reads.operation(id).await?.ok_or(ServiceError::NotFound)?;
        let expired = self.deps.cashier.is_expired(operation.topup().ok_or(ServiceError::NotFound)?);
        let action = self.deps.cashier.action(&operation, language).await;
        Ok(PaymentView { operation, action, expired })
    }

    /// # Errors
    /// [`ServiceError`].
    pub async fn list(&self, caller: &Caller, filter: OperationFilter) -> Result<OperationPage, ServiceError> {
        let is_of_kind = |operation: &Operation| operation.topup().is_some();
        let fetch = |query| async move { self.deps.lists.topups(&query).await };
        operation_list::page(&self.deps.directory, &*self.deps.reads, caller, filter, is_of_kind, fetch).await
    }
}

fn method(order: &TopupOrder) -> PaymentMethod {
    order.token.clone().map_or(PaymentMethod::HostedPage, PaymentMethod::Token)
}

/// One top-up on its way, detached from the request that asked for it.
struct Task {
    deps: Arc<TopupDeps>,
    progress: watch::Sender<Progress>,
    /// The reseller and who stands above it.
    line: Vec<ResellerId>,
}

impl Task {
    fn draw(&self, reseller: ResellerId) -> OperationId {
        draw_operation(&*self.deps.clock, &*self.deps.randomness, self.deps.directory.shard_of(reseller))
    }

    /// The acquirers to ask, best first; none when nobody is for it. They are chosen before the price is known, by what
    /// is bought.
    fn plan(&self, id: OperationId, order: &TopupOrder) -> Vec<AcquirerName> {
        let amount = self.deps.cashier.money(order.stock_minor);
        let ask = Ask { order: &order_id(id), amount, named: order.acquirer.as_ref(), line: &self.line };
        self.deps.acquirers.plan(&ask, &method(order)).unwrap_or_default()
    }

    fn own(&self, house: ResellerId, order: &OwnRecharge) -> CardRecharge {
        let mut salt = [0; 16];
        self.deps.randomness.fill(&mut salt);
        let OwnRecharge { msisdn, product, channel, allow_repeat } = order;
        CardRecharge::new(self.draw(house), (*msisdn, salt), product, *channel, *allow_repeat)
    }

    fn start(
        &self,
        caller: &Caller,
        order: &TopupOrder,
        operation: OperationId,
        asked: Option<&AcquirerName>,
    ) -> Command {
        let start = StartTopup {
            operation,
            partner: caller.partner,
            external_id: order.external_id.clone(),
            reseller: order.reseller,
            face_minor: order.stock_minor,
            named: order.acquirer.as_ref().map(|name| name.as_str().into()),
            method: order.token.as_ref().map(|token| method_digest(token.as_str())),
            return_url: order.return_url.clone(),
            asked: asked.map(|name| name.as_str().into()),
            recharge: order.recharge.as_ref().map(|recharge| self.own(order.reseller, recharge)),
        };
        Command { actor: caller.seller(), request: Request::StartTopup(start) }
    }

    /// Runs to the end whether anybody waits or not.
    async fn run(self, command: Command, order: TopupOrder, plan: Vec<AcquirerName>) {
        let started = match self.deps.ledger.execute(command).await {
            Ok(outcome) => Answer::of(outcome),
            Err(error) => Err(error.into()),
        };
        let begun = |answer: &&Answer| !answer.replayed && answer.operation.waits_for_payment();
        let ours = started.as_ref().ok().filter(begun);
        let Some(operation) = ours.map(|answer| answer.operation.clone()) else {
            self.report(started, true);
            return;
        };
        self.report(started, false);
        let mut reached = self.pay(&operation, &order, &plan).await;
        if let Ok(paid) = &reached
            && paid.waits_for_recharge()
        {
            self.report(Ok(Answer { operation: paid.clone(), replayed: false }), false);
            reached = self.deps.cashier.recharge(paid.clone()).await;
        }
        self.report(reached.map(|operation| Answer { operation, replayed: false }), true);
    }

    /// Asks acquirers until one was, and moves the top-up by what it says.
    async fn pay(
        &self,
        operation: &Arc<Operation>,
        order: &TopupOrder,
        plan: &[AcquirerName],
    ) -> Result<Arc<Operation>, ServiceError> {
        let topup = operation.topup().ok_or(ServiceError::Internal)?;
        let cashier = &self.deps.cashier;
        if plan.is_empty() {
            return cashier.advance(operation, None, TopupEvidence::NotTaken(Decline::PaymentNotOffered)).await;
        }
        let payment = cashier.order(operation, topup, method(order));
        let begins = |acquirer: AcquirerName| async move {
            // The first was written down with the top-up.
            topup.payment.acquirer.as_deref() == Some(acquirer.as_str())
                || cashier.asks(operation, acquirer.as_str()).await
        };
        let routed = self.deps.acquirers.authorise(&payment, plan, begins).await;
        match (routed.acquirer, routed.outcome) {
            (Some(acquirer), outcome) => cashier.authorised(operation, &acquirer, outcome).await,
            // Nobody was to be asked: somebody else has ended it.
            (None, Outcome::NotSent(_)) => {
                cashier.advance(operation, None, TopupEvidence::NotTaken(Decline::PaymentNotMade)).await
            }
            (None, _) => Err(ServiceError::Internal),
        }
    }

    fn report(&self, reached: Result<Answer, ServiceError>, done: bool) {
        // What was set aside is told, even where the acquirer's answer could not be written down.
        let reached = match (&reached, &*self.progress.borrow()) {
            (Err(_), Some((Ok(before), _))) => Ok(before.clone()),
            _ => reached,
        };
        self.progress.send_replace(Some((reached, done)));
    }
}
