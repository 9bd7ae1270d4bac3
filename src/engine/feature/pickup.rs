//! Pickup: somebody answers for a phone that rings elsewhere.
//!
//! ```text
//!   **1002 ─► of the calls that ring there, the longest ─╮
//!   *8     ─► of those that ring colleagues, the longest ┴─► its caller is joined with the new party; nobody is rung any more
//! ```
//! Who rings for a reminder is helped as well: that is a retrieval. The first to answer, here or there, has the call.
//!
//! Knows: sessions, lines (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
use super::call::{CallId, Calls};
use super::takeover::may_take_over;
use crate::counters::{PickupKind, PickupResult};
use crate::leg::Cause;
use crate::session::{SessionId, Switch};
use crate::settings::LineNo;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// Calls by the lines that they ring; one entry for each phone.
#[derive(Debug, Default)]
pub(super) struct RingingLines(BTreeMap<LineNo, SmallVec<[CallId; 2]>>);

impl RingingLines {
    /// A phone of that line is rung.
    pub(super) fn add(&mut self, line: LineNo, call: CallId) {
        self.0.entry(line).or_default().push(call);
    }

    /// It is not rung any more.
    pub(super) fn remove(&mut self, line: LineNo, call: CallId) {
        let Some(calls) = self.0.get_mut(&line) else { return };
        if let Some(place) = calls.iter().position(|&rings| rings == call) {
            calls.remove(place);
        }
        if calls.is_empty() {
            self.0.remove(&line);
        }
    }

    /// The calls that ring a line; of any line, if none is given.
    fn at(&self, line: Option<LineNo>) -> impl Iterator<Item = CallId> {
        let named = line.map(|line| self.0.get(&line).map(SmallVec::as_slice).unwrap_or_default());
        let any = named.is_none().then(|| self.0.values().flatten());
        named.into_iter().flatten().chain(any.into_iter().flatten()).copied()
    }

    #[cfg(any(test, feature = "simulator"))]
    pub(super) fn count(&self) -> usize {
        self.0.values().map(SmallVec::len).sum()
    }
}

/// Why nothing is picked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unpicked {
    /// Nothing rings there.
    Nothing,
    /// It does, but it is not this party's affair.
    MayNot,
    /// What its caller offers (encrypted sound alone, say) only the phones that ring can answer: the caller would have to be
    /// with us before it is with whoever picks it up.
    Unanswerable,
    /// It is a callback: that is for whoever has asked, and for the line that was asked for.
    Callback,
}

impl Unpicked {
    /// What the phone is told, and people read.
    pub(crate) const fn told(self) -> (Cause, &'static str) {
        match self {
            Self::Nothing => (Cause::Unavailable, "There is no ringing call to pick up"),
            Self::MayNot => (Cause::Forbidden, "You may not pick up there"),
            Self::Unanswerable => (Cause::NotAcceptable, "This call can be answered at the phone that rings only"),
            Self::Callback => (Cause::Forbidden, "A callback is answered at the phone that it rings"),
        }
    }

    const fn result(self) -> PickupResult {
        match self {
            Self::Nothing => PickupResult::Nothing,
            Self::MayNot => PickupResult::Forbidden,
            Self::Unanswerable => PickupResult::NotAnswerable,
            Self::Callback => PickupResult::Callback,
        }
    }
}

impl Calls {
    /// Answers the call that has rung longest: at this line, or at those of all colleagues.
    pub(crate) fn pick_up_at(
        &mut self,
        line: Option<LineNo>,
        by: SessionId,
        pbx: &mut dyn Switch,
    ) -> Result<(), Unpicked> {
        let id = self.longest_ringing(line, by, pbx)?;
        if self.get(id).is_some_and(|call| call.transfer.is_some()) {
            self.pick_up_transferred(id, by, pbx);
            return Ok(());
        }
        self.pick_up(id, by, pbx)
    }

    /// Counts what came of it.
    pub(crate) fn count_pickup(&mut self, kind: PickupKind, result: Result<(), Unpicked>) {
        self.pickups.add(kind, result.map_or_else(Unpicked::result, |()| PickupResult::Ok), 1);
    }

    fn longest_ringing(&self, line: Option<LineNo>, by: SessionId, pbx: &dyn Switch) -> Result<CallId, Unpicked> {
        let mut longest = None;
        let mut found = false;
        for id in self.ringing.at(line) {
            let Some(call) = self.get(id) else { continue };
            // Nobody talks to oneself.
            if pbx.party(call.waits_for_answer()).place == pbx.party(by).place {
                continue;
            }
            let rings = |target: SessionId| pbx.party(target).place.line();
            let mut targets = call.targets.iter().filter(|&&target| line.is_none() || rings(target) == line);
            found |= line.is_some();
            let since = (call.rings_since(), id.pack());
            if targets.any(|&target| may_take_over(by, target, pbx)) && longest.is_none_or(|other| since < other) {
                longest = Some(since);
            }
        }
        longest.map(|(_, id)| CallId::unpack(id)).ok_or(if found { Unpicked::MayNot } else { Unpicked::Nothing })
    }
}
