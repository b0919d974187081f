//! The network's tree, partners and API clients.

use async_trait::async_trait;

use super::state::Network;
use super::{MemoryStore, refused};
use crate::domain::{ClientId, ResellerId, Timestamp};
use crate::ledger::Registration;
use crate::ports::{Client, Registry, Secret, StoreError};

impl Network {
    /// All below `roots`, the roots included, each once, by id.
    pub(super) fn subtree(&self, roots: &[ResellerId]) -> Vec<ResellerId> {
        let mut found = std::collections::BTreeSet::new();
        let mut waiting: Vec<_> = roots.iter().filter(|root| self.registrations.contains_key(root)).copied().collect();
        while let Some(id) = waiting.pop() {
            if found.insert(id) {
                waiting.extend(self.children.get(&id).into_iter().flatten());
            }
        }
        found.into_iter().collect()
    }

    fn client_mut(&mut self, id: ClientId) -> Result<&mut Client, StoreError> {
        self.clients.get_mut(&id).ok_or_else(|| refused(format!("client {id} does not exist")))
    }
}

#[async_trait]
impl Registry for MemoryStore {
    async fn reseller(&self, id: ResellerId) -> Result<Option<Registration>, StoreError> {
        Ok(self.shared.state().network.registrations.get(&id).cloned())
    }

    async fn reseller_by_code(&self, code: &str) -> Result<Option<Registration>, StoreError> {
        let network = &self.shared.state().network;
        Ok(network.codes.get(code).and_then(|id| network.registrations.get(id)).cloned())
    }

    async fn ancestors(&self, id: ResellerId) -> Result<Vec<ResellerId>, StoreError> {
        let network = &self.shared.state().network;
        let first = network.registrations.get(&id);
        let upwards = |below: &&Registration| network.registrations.get(&below.parent?);
        Ok(std::iter::successors(first, upwards).map(|registration| registration.id).collect())
    }

    async fn subtree(
        &self,
        roots: &[ResellerId],
        after: Option<ResellerId>,
        limit: u32,
    ) -> Result<Vec<Registration>, StoreError> {
        let network = &self.shared.state().network;
        let ids = network.subtree(roots).into_iter().filter(|id| after.is_none_or(|after| *id > after));
        Ok(ids.take(limit as usize).map(|id| network.registrations[&id].clone()).collect())
    }

    async fn client(&self, id: ClientId) -> Result<Option<Client>, StoreError> {
        Ok(self.shared.state().network.clients.get(&id).cloned())
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        let mut clients: Vec<_> = self.shared.state().network.clients.values().cloned().collect();
        clients.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        Ok(clients)
    }

    async fn add_client(&self, client: &Client, partner_name: &str) -> Result<(), StoreError> {
        let network = &mut self.shared.state().network;
        let taken = |known: &Client| known.id == client.id || known.name == client.name;
        if network.clients.values().any(taken) {
            return Err(refused(format!("client {} exists", client.name)));
        }
        if network.partners.iter().any(|(id, name)| *id != client.partner && name == partner_name) {
            return Err(refused(format!("another partner is named {partner_name}")));
        }
        if let Some(root) = client.roots.iter().find(|root| !network.registrations.contains_key(root)) {
            return Err(refused(format!("reseller {root} is not registered")));
        }
        network.partners.entry(client.partner).or_insert_with(|| partner_name.into());
        network.clients.insert(client.id, client.clone());
        Ok(())
    }

    async fn rotate_secret(
        &self,
        id: ClientId,
        secret: &Secret,
        others_expire_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.shared.state();
        let client = state.network.client_mut(id)?;
        if client.secrets.iter().any(|known| known.hash == secret.hash) {
            return Err(refused(format!("client {id} has this secret")));
        }
        for known in &mut client.secrets {
            known.expires_at = Some(known.expires_at.map_or(others_expire_at, |at| at.min(others_expire_at)));
        }
        client.secrets.push(secret.clone());
        Ok(())
    }

    async fn revoke_client(&self, id: ClientId, at: Timestamp) -> Result<(), StoreError> {
        let mut state = self.shared.state();
        let client = state.network.client_mut(id)?;
        client.revoked_at.get_or_insert(at);
        Ok(())
    }
}
