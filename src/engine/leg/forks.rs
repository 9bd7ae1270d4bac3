//! Forks: behind a proxy several may ring for one INVITE of ours, each in an early dialog of its own (RFC 3261 §12.1.2).
//!
//! While no response is reliable nothing is sent in an early dialog, and the last one heard is as good as any. From the
//! first reliable response on each fork keeps what is its own: tag, route and target, sequence numbers, RSeq, what was
//! agreed on. The leg has the one at hand; the others wait beside it until somebody answers.
use super::{LegId, Legs};
use crate::base::limits;
use crate::counters::Excess;
use crate::dialog::offer_answer::Due;
use crate::dialog::{Descriptions, Dialog};
use crate::wire::{Message, Status};
use std::mem::swap;

/// An early dialog that is not at hand.
#[derive(Debug)]
pub(super) struct Fork {
    pub(super) dialog: Dialog,
    pub(super) descriptions: Descriptions,
    pub(super) rseq: u32,
    pub(super) agreed: bool,
}

impl Legs {
    /// A response to our INVITE: its fork is at hand from now on. False if there are too many; who answers is never one
    /// too many, for another makes room.
    pub(super) fn take_fork(&mut self, id: LegId, response: &Message<'_>) -> bool {
        if !self.may_fork(id) {
            return true;
        }
        let Some(tag) = response.to_tag() else { return true };
        let answers = response.status().is_some_and(Status::is_success);
        let taken =
            self.select_fork(id, tag) || self.open_fork(id) || answers && self.close_fork(id) && self.open_fork(id);
        if !taken {
            self.transactions.ground.counters.excess.up(Excess::Forks);
        }
        taken
    }

    /// Whether a leg may have more than one dialog: hardly any has, so this is asked before a tag is looked for.
    pub(super) fn may_fork(&self, id: LegId) -> bool {
        self.legs.get(id).is_some_and(|leg| leg.early.is_some())
    }

    /// Takes the fork with this tag in hand; false if it is not known.
    pub(super) fn select_fork(&mut self, id: LegId, tag: &[u8]) -> bool {
        let Some(leg) = self.legs.get_mut(id) else { return false };
        let at_hand = leg.dialog.remote_tag();
        if at_hand == tag || at_hand.is_empty() {
            return true;
        }
        self.select(id, |fork| fork.dialog.remote_tag() == tag)
    }

    /// Takes the fork in hand whose offer waits for our answer.
    pub(super) fn select_offering(&mut self, id: LegId) {
        if self.legs.get(id).is_some_and(|leg| leg.descriptions.due != Due::Ours) {
            self.select(id, |fork| fork.descriptions.due == Due::Ours);
        }
    }

    /// Takes a fork in hand with which media was agreed on.
    pub(super) fn select_agreed(&mut self, id: LegId) {
        if !self.is_agreed_early(id) {
            self.select(id, |fork| fork.agreed);
        }
    }

    /// A fork has ended; whether others are left, one of which is at hand now.
    pub(super) fn close_fork(&mut self, id: LegId) -> bool {
        let Some(early) = self.legs.get_mut(id).and_then(|leg| leg.early.as_mut()) else { return false };
        if early.forks.is_empty() {
            return false;
        }
        self.select(id, |_| true);
        let gone = self.legs.get_mut(id).and_then(|leg| leg.early.as_mut()).map(|early| early.forks.swap_remove(0));
        if let Some(fork) = gone {
            fork.put_back(&mut self.transactions.ground.shelf);
        }
        true
    }

    fn select(&mut self, id: LegId, is: impl Fn(&Fork) -> bool) -> bool {
        let Some(leg) = self.legs.get_mut(id) else { return false };
        let Some(early) = leg.early.as_mut() else { return false };
        let Some(at) = early.forks.iter().position(is) else { return false };
        let fork = &mut early.forks[at];
        swap(&mut leg.dialog, &mut fork.dialog);
        swap(&mut leg.descriptions, &mut fork.descriptions);
        swap(&mut early.rseq, &mut fork.rseq);
        swap(&mut early.agreed, &mut fork.agreed);
        // Whichever ends next is the first.
        early.forks.swap(0, at);
        true
    }

    fn open_fork(&mut self, id: LegId) -> bool {
        let Some(leg) = self.legs.get_mut(id) else { return false };
        let Some(early) = leg.early.as_mut() else { return true };
        if early.forks.len() + 1 >= limits::FORKS {
            return false;
        }
        let Some(dialog) = leg.dialog.fork(&mut self.transactions.ground.shelf, early.cseq) else { return false };
        early.forks.push(Fork { dialog, descriptions: early.offered.fork(), rseq: 0, agreed: false });
        let last = early.forks.len() - 1;
        early.forks.swap(0, last);
        self.select(id, |fork| fork.dialog.remote_tag().is_empty())
    }
}

impl Fork {
    pub(super) fn put_back(self, shelf: &mut crate::base::Shelf) {
        self.dialog.put_back(shelf);
        self.descriptions.put_back(shelf);
    }
}
