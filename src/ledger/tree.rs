//! The network's tree, as far as the commands of one batch read it.
//!
//! The tree belongs to no shard. Whatever changes it (opening, placing, closing) locks the operator's shard beside
//! the reseller's own, reads it anew under that lock, and forgets it with the batch: no memory of it can be stale.

use std::collections::HashMap;

use super::changes::{Move, Registration};
use super::rules::Rules;
use crate::domain::{LevelName, ResellerId, Standing};

/// Resellers that stand in one line at most, from the top of the network to an outlet.
pub const MAX_DEPTH: usize = 32;

/// Why the tree does not change. The order is the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceRefusal {
    #[error("the reseller is closed")]
    Closed,
    #[error("another reseller has this code")]
    CodeTaken,
    #[error("the network has no level of this name")]
    UnknownLevel,
    #[error("the parent does not exist")]
    UnknownParent,
    #[error("the parent is closed")]
    ParentClosed,
    #[error("the parent is the reseller itself or stands below it")]
    Cycle,
    #[error("the level stands above the parent's")]
    LevelAboveParent,
    #[error("the level stands below that of a reseller beneath")]
    LevelBelowChild,
    #[error("more than 32 resellers would stand in one line")]
    TooDeep,
    #[error("the reseller has stock or owes money")]
    HasBalance,
    #[error("the reseller has operations without an outcome")]
    HasHolds,
    #[error("the reseller has others below it that are not closed")]
    HasChildren,
}

/// A reseller's place and whether it may trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub registration: Registration,
    pub standing: Standing,
}

/// What stands below a reseller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Below {
    /// Direct children that are not closed.
    pub open_children: i64,
    /// Their levels, each at least once.
    pub child_levels: Vec<LevelName>,
    /// Length of the longest line downwards; 0 without children.
    pub height: usize,
}

/// What a command wants to know of the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeWants {
    /// Whoever has these codes, if anybody.
    pub codes: Vec<String>,
    /// These, each with all above it.
    pub lines: Vec<ResellerId>,
    /// What stands below these.
    pub below: Vec<ResellerId>,
}

impl TreeWants {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty() && self.lines.is_empty() && self.below.is_empty()
    }
}

/// What was found of it; what does not exist is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeFound {
    pub codes: Vec<(String, ResellerId)>,
    /// In any order, perhaps more than once.
    pub nodes: Vec<Node>,
    pub below: Vec<(ResellerId, Below)>,
}

/// The tree in memory.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    nodes: HashMap<ResellerId, Node>,
    codes: HashMap<String, ResellerId>,
    below: HashMap<ResellerId, Below>,
    moves: u32,
}

impl Tree {
    /// Takes in what the store found.
    pub fn admit(&mut self, found: TreeFound) {
        self.codes.extend(found.codes);
        self.nodes.extend(found.nodes.into_iter().map(|node| (node.registration.id, node)));
        self.below.extend(found.below);
    }

    /// Forgets all of it: the next batch reads it anew.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    #[must_use]
    pub fn node(&self, id: ResellerId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    /// Who has the code.
    #[must_use]
    pub fn holder(&self, code: &str) -> Option<ResellerId> {
        self.codes.get(code).copied()
    }

    /// What stands below the reseller; nothing when it was not asked for.
    #[must_use]
    pub fn below(&self, id: ResellerId) -> Below {
        self.below.get(&id).cloned().unwrap_or_default()
    }

    /// A reseller and all above it, from the bottom up.
    pub fn line(&self, id: ResellerId) -> impl Iterator<Item = &Node> {
        let above = |node: &&Node| self.nodes.get(&node.registration.parent?);
        // No line is longer; the bound ends a circle that somebody wrote behind the program's back.
        std::iter::successors(self.nodes.get(&id), above).take(MAX_DEPTH + 1)
    }

    /// Checks that a reseller of `level`, with `height` below it, may stand below `parent`.
    ///
    /// # Errors
    /// [`PlaceRefusal`], the first that applies.
    pub fn check_place(
        &self,
        id: ResellerId,
        parent: Option<ResellerId>,
        level: LevelName,
        height: usize,
        rules: &Rules,
    ) -> Result<(), PlaceRefusal> {
        let rank = rules.level_rank(level).ok_or(PlaceRefusal::UnknownLevel)?;
        let Some(parent) = parent else {
            return if height < MAX_DEPTH { Ok(()) } else { Err(PlaceRefusal::TooDeep) };
        };
        let node = self.node(parent).ok_or(PlaceRefusal::UnknownParent)?;
        if node.standing == Standing::Closed {
            return Err(PlaceRefusal::ParentClosed);
        }
        if self.line(parent).any(|above| above.registration.id == id) {
            return Err(PlaceRefusal::Cycle);
        }
        if rules.level_rank(node.registration.level).is_some_and(|above| rank < above) {
            return Err(PlaceRefusal::LevelAboveParent);
        }
        if self.line(parent).count() + 1 + height > MAX_DEPTH {
            return Err(PlaceRefusal::TooDeep);
        }
        Ok(())
    }

    /// A reseller was opened.
    pub fn open(&mut self, registration: Registration) {
        self.codes.insert(registration.code.clone(), registration.id);
        self.gain_child(&registration);
        self.nodes.insert(registration.id, Node { registration, standing: Standing::Active });
    }

    /// A reseller got another place; when it has another parent, the movement of its subtree, numbered in the
    /// order of the batch.
    pub fn replace(&mut self, registration: Registration) -> Option<Move> {
        let node = self.nodes.get_mut(&registration.id).expect("the decision read it");
        let before = std::mem::replace(&mut node.registration, registration.clone());
        let open = node.standing != Standing::Closed;
        if before.code != registration.code {
            self.codes.remove(&before.code);
            self.codes.insert(registration.code.clone(), registration.id);
        }
        if before.parent == registration.parent {
            if before.level != registration.level {
                self.gain_child(&registration);
                self.lose_child(&before, open);
            }
            return None;
        }
        self.lose_child(&before, open);
        self.gain_child(&registration);
        self.moves += 1;
        Some(Move { order: self.moves, reseller: registration.id, to: registration.parent })
    }

    /// A reseller was closed.
    pub fn close(&mut self, id: ResellerId) {
        let Some(node) = self.nodes.get_mut(&id).filter(|node| node.standing != Standing::Closed) else { return };
        node.standing = Standing::Closed;
        let registration = node.registration.clone();
        self.lose_child(&registration, true);
    }

    fn gain_child(&mut self, child: &Registration) {
        let height = self.below(child.id).height + 1;
        if let Some(below) = child.parent.and_then(|parent| self.below.get_mut(&parent)) {
            below.open_children += 1;
            below.child_levels.push(child.level);
        }
        // What was counted of those further up may have grown; that something moved away never makes it less, which
        // errs on the safe side and for one batch only.
        let line: Vec<ResellerId> =
            child.parent.into_iter().flat_map(|parent| self.line(parent)).map(|node| node.registration.id).collect();
        for (distance, id) in line.into_iter().enumerate() {
            if let Some(below) = self.below.get_mut(&id) {
                below.height = below.height.max(distance + height);
            }
        }
    }

    fn lose_child(&mut self, child: &Registration, was_open: bool) {
        if let Some(below) = child.parent.and_then(|parent| self.below.get_mut(&parent))
            && was_open
        {
            below.open_children -= 1;
        }
    }
}
