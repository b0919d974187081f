//! All charging systems of an installation.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::guarded::Guarded;
use super::routing::{Candidate, order};
use super::{ChargingConfig, ConnectError, Dependencies, connect};
use crate::domain::{AskedSystems, Msisdn, NumberRange, SystemName};
use crate::exchange::breaker::{BreakerConfig, BreakerState};
use crate::ports::Charging;

/// One configured charging system.
#[derive(Clone, Debug)]
pub struct Setup {
    pub adapter: ChargingConfig,
    /// What it is known for; none means any number.
    pub numbers: Vec<NumberRange>,
    pub breaker: BreakerConfig,
}

struct Member {
    charging: Arc<Guarded>,
    numbers: Vec<NumberRange>,
}

/// The charging systems, by name.
#[derive(Default)]
pub struct ChargingSystems {
    members: BTreeMap<SystemName, Member>,
}

impl ChargingSystems {
    /// Makes all adapters. Nothing is sent yet.
    ///
    /// # Errors
    /// The system whose configuration cannot work, and why.
    pub fn connect(
        setups: impl IntoIterator<Item = (SystemName, Setup)>,
        dependencies: &Dependencies,
    ) -> Result<Self, (SystemName, ConnectError)> {
        let mut systems = Self::default();
        for (name, setup) in setups {
            let charging = connect(&setup.adapter, dependencies.clone()).map_err(|error| (name, error))?;
            systems.add(name, charging, setup.numbers, setup.breaker, dependencies);
        }
        Ok(systems)
    }

    /// One system alone, which nothing keeps refills from.
    #[must_use]
    pub fn of(charging: Arc<dyn Charging>, dependencies: &Dependencies) -> Self {
        let mut systems = Self::default();
        let never = BreakerConfig { failures: u32::MAX, ..BreakerConfig::default() };
        systems.add(SystemName::MAIN, charging, Vec::new(), never, dependencies);
        systems
    }

    /// Adds an adapter that was made elsewhere.
    pub fn add(
        &mut self,
        name: SystemName,
        charging: Arc<dyn Charging>,
        numbers: Vec<NumberRange>,
        breaker: BreakerConfig,
        dependencies: &Dependencies,
    ) {
        let charging = Arc::new(Guarded::new(name, charging, breaker, Arc::clone(&dependencies.clock)));
        self.members.insert(name, Member { charging, numbers });
    }

    /// `None` when there is no such system, or not any more.
    #[must_use]
    pub fn get(&self, name: SystemName) -> Option<Arc<dyn Charging>> {
        self.members.get(&name).map(|member| Arc::clone(&member.charging) as Arc<dyn Charging>)
    }

    /// All names, with the state of each breaker.
    #[must_use]
    pub fn states(&self) -> Vec<(SystemName, BreakerState)> {
        self.members.iter().map(|(name, member)| (*name, member.charging.state())).collect()
    }

    /// The system that is asked first for a number.
    #[must_use]
    pub fn first(&self, msisdn: Msisdn) -> SystemName {
        // Most installations have one.
        match self.members.len() {
            1 => self.members.keys().next().copied().unwrap_or(SystemName::MAIN),
            _ => self.order(msisdn).first().copied().unwrap_or(SystemName::MAIN),
        }
    }

    /// The system that is asked next, when those that were asked said that the line is not theirs.
    #[must_use]
    pub fn next(&self, msisdn: Msisdn, asked: &AskedSystems) -> Option<SystemName> {
        if self.members.len() == 1 && asked.iter().any(|name| self.members.contains_key(&name)) {
            return None;
        }
        self.order(msisdn).into_iter().find(|name| asked.iter().all(|other| other != *name))
    }

    fn order(&self, msisdn: Msisdn) -> Vec<SystemName> {
        let members = self.members.iter();
        let candidates: Vec<_> =
            members.map(|(name, member)| Candidate { name: *name, numbers: &member.numbers }).collect();
        order(&candidates, msisdn)
    }
}
