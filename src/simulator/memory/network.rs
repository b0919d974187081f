//! The network as people look at it.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use super::state::State;
use crate::domain::{LevelName, ResellerId};
use crate::ports::{Member, MemberQuery, MemberScope, NetworkReads, StoreError, SubtreeTotal};

impl State {
    fn member(&self, id: ResellerId) -> Option<Member> {
        let registration = self.network.registrations.get(&id)?.clone();
        self.books.iter().find_map(|books| {
            let reseller = *books.resellers.get(&id)?;
            let stock = *books.accounts.get(&reseller.stock_account)?;
            Some(Member { registration: registration.clone(), reseller, stock })
        })
    }
}

#[async_trait]
impl NetworkReads for MemoryStore {
    async fn member(&self, id: ResellerId) -> Result<Option<Member>, StoreError> {
        Ok(self.shared.state().member(id))
    }

    async fn members_by_code(&self, codes: &[String]) -> Result<Vec<Member>, StoreError> {
        let state = self.shared.state();
        Ok(codes.iter().filter_map(|code| state.member(*state.network.codes.get(code)?)).collect())
    }

    async fn members(&self, query: &MemberQuery) -> Result<Vec<Member>, StoreError> {
        let state = self.shared.state();
        let ids = match &query.scope {
            MemberScope::Below(roots) => state.network.subtree(roots),
            MemberScope::Children(parent) => {
                let mut children = state.network.children.get(parent).cloned().unwrap_or_default();
                children.sort_unstable();
                children
            }
        };
        let newest_first = ids.into_iter().rev().filter(|id| query.after.is_none_or(|after| *id < after));
        let members = newest_first.filter_map(|id| state.member(id)).filter(|member| {
            query.level.is_none_or(|level| member.registration.level == level)
                && query.standing.is_none_or(|standing| member.reseller.standing == standing)
        });
        Ok(members.take(query.limit as usize).collect())
    }

    async fn totals(&self, root: ResellerId) -> Result<Vec<SubtreeTotal>, StoreError> {
        let state = self.shared.state();
        let mut totals: BTreeMap<(LevelName, &str), SubtreeTotal> = BTreeMap::new();
        for member in state.network.subtree(&[root]).into_iter().filter_map(|id| state.member(id)) {
            let (level, standing) = (member.registration.level, member.reseller.standing);
            let none = SubtreeTotal { level, standing, resellers: 0, posted_minor: 0, held_minor: 0 };
            let total = totals.entry((level, standing.name())).or_insert(none);
            total.resellers += 1;
            total.posted_minor += member.stock.posted;
            total.held_minor += member.stock.held;
        }
        Ok(totals.into_values().collect())
    }
}
