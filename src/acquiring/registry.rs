//! All acquirers of an installation.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::choice::{Candidate, choose};
use super::guarded::Guarded;
use super::{AcquirerConfig, AcquirerName, Ask, ConnectError, Dependencies, NoAcquirer, Rule, connect};
use crate::exchange::breaker::{BreakerConfig, BreakerState};
use crate::ports::Acquirer;
use crate::ports::acquirer::{Authorised, CaptureMode, NotSent, Outcome, PaymentMethod, PaymentOrder};

/// One configured acquirer.
#[derive(Clone, Debug)]
pub struct Setup {
    pub adapter: AcquirerConfig,
    pub rule: Rule,
    pub breaker: BreakerConfig,
    /// Whether payments are captured together with their authorisation.
    pub capture: CaptureMode,
}

struct Member {
    acquirer: Arc<Guarded>,
    rule: Rule,
    capture: CaptureMode,
}

/// The acquirers, by name.
pub struct Acquirers {
    members: BTreeMap<AcquirerName, Member>,
}

/// An authorisation and who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// The last that was tried; `None` when there was none to try, or the first attempt was not to begin.
    pub acquirer: Option<AcquirerName>,
    pub outcome: Outcome<Authorised>,
}

impl Acquirers {
    /// Makes all adapters. Nothing is sent yet.
    ///
    /// # Errors
    /// The acquirer whose configuration cannot work, and why.
    pub fn connect(
        setups: impl IntoIterator<Item = (AcquirerName, Setup)>,
        dependencies: &Dependencies,
    ) -> Result<Self, (AcquirerName, ConnectError)> {
        let mut acquirers = Self { members: BTreeMap::new() };
        for (name, setup) in setups {
            match connect(&setup.adapter, dependencies) {
                Ok(adapter) => acquirers.add(name, adapter, &setup, dependencies),
                Err(error) => return Err((name, error)),
            }
        }
        Ok(acquirers)
    }

    /// Adds an adapter that was made elsewhere, such as a test's; `setup.adapter` is not looked at.
    pub fn add(&mut self, name: AcquirerName, adapter: Arc<dyn Acquirer>, setup: &Setup, dependencies: &Dependencies) {
        let clock = Arc::clone(&dependencies.clock);
        let acquirer = Arc::new(Guarded::new(name.clone(), adapter, setup.breaker, clock));
        self.members.insert(name, Member { acquirer, rule: setup.rule.clone(), capture: setup.capture });
    }

    #[must_use]
    pub fn get(&self, name: &AcquirerName) -> Option<Arc<dyn Acquirer>> {
        self.members.get(name).map(|member| Arc::clone(&member.acquirer) as Arc<dyn Acquirer>)
    }

    /// How the acquirer is configured to capture.
    #[must_use]
    pub fn capture_mode(&self, name: &AcquirerName) -> Option<CaptureMode> {
        self.members.get(name).map(|member| member.capture)
    }

    /// All names, with the state of each breaker.
    #[must_use]
    pub fn states(&self) -> Vec<(AcquirerName, BreakerState)> {
        self.members.values().map(|member| (member.acquirer.name().clone(), member.acquirer.state())).collect()
    }

    /// The acquirers to try for a payment, best first.
    ///
    /// # Errors
    /// [`NoAcquirer`] when none comes into question.
    pub fn plan(&self, ask: &Ask<'_>, method: &PaymentMethod) -> Result<Vec<AcquirerName>, NoAcquirer> {
        let candidates: Vec<_> = self
            .members
            .iter()
            .map(|(name, member)| Candidate {
                name,
                rule: &member.rule,
                offers_method: member.acquirer.offers(method),
                healthy: member.acquirer.healthy(),
            })
            .collect();
        Ok(choose(&candidates, ask)?.into_iter().cloned().collect())
    }

    /// Authorises at the first acquirer of `plan` that can be reached, captured as that one is configured to.
    ///
    /// `begins` is called before each attempt, and writes down durably where the money is asked for: after a crash it is
    /// the one to ask. When it answers false, nothing more is tried. The next acquirer is tried only when the one before
    /// provably was not asked for the money. So it is for orders that were never tried: one that is in doubt goes to
    /// [`Acquirer::lookup`] of the acquirer that was written down.
    pub async fn authorise<F>(
        &self,
        order: &PaymentOrder,
        plan: &[AcquirerName],
        begins: impl Fn(AcquirerName) -> F + Send + Sync,
    ) -> Routed
    where
        F: Future<Output = bool> + Send,
    {
        let mut routed = Routed { acquirer: None, outcome: Outcome::NotSent(NotSent::NotOffered) };
        for name in plan {
            let Some(member) = self.members.get(name) else { continue };
            // Not written down for an attempt that the breaker would not let through.
            if !member.acquirer.healthy() {
                routed = Routed { acquirer: Some(name.clone()), outcome: Outcome::NotSent(NotSent::BreakerOpen) };
                continue;
            }
            if !begins(name.clone()).await {
                return routed;
            }
            let order = PaymentOrder { capture: member.capture, ..order.clone() };
            let outcome = member.acquirer.authorise(&order).await;
            routed = Routed { acquirer: Some(name.clone()), outcome };
            match &routed.outcome {
                Outcome::NotSent(why) if why.may_fail_over() => {
                    tracing::warn!(acquirer = %name, order = %order.order, ?why, "not sent: the next acquirer is tried");
                }
                _ => return routed,
            }
        }
        routed
    }
}
