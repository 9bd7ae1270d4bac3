//! What a caller's phone is told of call completion (RFC 6910): whom to ask, and why its call failed.
use super::identity::write_number;
use super::{LegId, Legs};
use crate::base::text::Number;
use crate::counters::CompletionKind;
use crate::wire::{Compose, Name};

/// A call that may be completed later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Completable {
    /// Whom it was for: whose queue that is (§5).
    number: Number,
    kind: CompletionKind,
}

impl Legs {
    /// From now on what the caller is told says that its call may be completed (§7.1); or says nothing of it any more.
    pub(crate) fn mark_completable(&mut self, id: LegId, may: Option<(Number, CompletionKind)>) {
        self.completables.retain(|(other, _)| *other != id);
        if self.legs.get(id).is_some() {
            self.completables.extend(may.map(|(number, kind)| (id, Completable { number, kind })));
        }
    }
}

/// What this leg's caller is told, if anything.
pub(super) fn of(id: LegId, all: &[(LegId, Completable)]) -> Option<&Completable> {
    all.iter().find(|(leg, _)| *leg == id).map(|(_, completable)| completable)
}

impl Completable {
    pub(super) fn write(&self, response: &mut Compose<'_>, domain: &str) {
        write_number(&self.number, domain, response.open(Name::CallInfo).lines_buffer());
        response.text(b";purpose=call-completion;m=").text(self.mode()).close();
    }

    /// As the parameter says it (§6.2).
    const fn mode(&self) -> &'static [u8] {
        match self.kind {
            CompletionKind::Busy => b"BS",
            CompletionKind::NoReply => b"NR",
            CompletionKind::NotRegistered => b"NL",
        }
    }
}
