//! Who causes a command.

use std::sync::Arc;

use crate::domain::Origin;

/// Who causes a command, and for people from where and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    name: Arc<str>,
    origin: Option<Arc<Origin>>,
}

impl Actor {
    /// Somebody whose staff actions are audited.
    #[must_use]
    pub fn person(name: impl Into<Arc<str>>, origin: Origin) -> Self {
        Self { name: name.into(), origin: Some(Arc::new(origin)) }
    }

    /// The same, who says why.
    #[must_use]
    pub fn because(self, reason: &str) -> Self {
        let origin = self.origin.map(|origin| Origin { reason: Some(reason.into()), ..Origin::clone(&origin) });
        Self { name: self.name, origin: origin.map(Arc::new) }
    }

    /// As the journal records it: `client:cli_…`, `system:charging`, `operator:seed`.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    #[must_use]
    pub fn origin(&self) -> Option<&Arc<Origin>> {
        self.origin.as_ref()
    }
}

/// The program itself.
impl From<&str> for Actor {
    fn from(name: &str) -> Self {
        Self { name: name.into(), origin: None }
    }
}

impl From<String> for Actor {
    fn from(name: String) -> Self {
        Self { name: name.into(), origin: None }
    }
}
