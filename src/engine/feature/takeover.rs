//! Taking over: a party steps into the place of another (an INVITE that replaces a call; RFC 3891).
//!
//! ```text
//!   of a call that is up:    the other side is joined with the new party; then the old one is let go
//!   of one that rings:       nobody is rung any more; the caller is answered, and joined with the new party
//!   of one that is parked:   that is a retrieval
//! ```
//! Knows: sessions (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
use super::call::{CallId, Calls};
use super::pickup::Unpicked;
use crate::counters::{CallEnd, HandoffKind, HandoffResult, PickupKind};
use crate::leg::Cause;
use crate::session::{Duty, Reason, SessionId, Sound, Switch};
use crate::settings::MusicNo;

/// Who steps in for whom, until the media has followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Takeover {
    pub(super) old: SessionId,
    pub(super) by: SessionId,
    /// Who is to talk to it.
    pub(super) other: SessionId,
}

/// Whether a party may step in for another: at the same line, or among colleagues.
pub(super) fn may_take_over(by: SessionId, old: SessionId, pbx: &dyn Switch) -> bool {
    match (pbx.party(by).place.line(), pbx.party(old).place.line()) {
        (Some(by), Some(old)) => by == old || pbx.are_colleagues(by, old),
        // A trunk's party is nobody's colleague, and has none here.
        (None, _) | (_, None) => false,
    }
}

/// A call that is up, on the way to another session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moving {
    /// The one of the same line that it is moved from, if it stays with that line.
    own: SessionId,
    by: SessionId,
    /// As what that is counted, if it is.
    kind: Option<HandoffKind>,
}

impl Calls {
    /// `by` steps in for `old`, a party of this call.
    pub(super) fn take_over(&mut self, id: CallId, old: SessionId, by: SessionId, pbx: &mut dyn Switch) {
        let Some(call) = self.get_mut(id) else { return pbx.drop(by, Cause::Unavailable, "") };
        if call.takeover.is_some() {
            return pbx.drop(by, Cause::Busy, "Somebody else is taking this call over");
        }
        if call.transfer.is_some() {
            if call.targets.contains(&old) {
                self.pick_up_transferred(id, by, pbx);
                return self.picked_by_name(Ok(()), by, pbx);
            }
            return pbx.drop(by, Cause::Busy, "This call is just being transferred");
        }
        if call.is_ringing(old) {
            let picked = self.pick_up(id, by, pbx);
            return self.picked_by_name(picked, by, pbx);
        }
        let Some(other) = pbx.other(old) else {
            return pbx.drop(by, Cause::Unavailable, "There is nobody to talk to");
        };
        // On its way into an orbit, or out of one.
        if pbx.duty(other) != Some(Duty::Call(id.pack())) || pbx.is_moving(other) {
            return pbx.drop(by, Cause::Busy, "This call is just being moved");
        }
        call.takeover = Some(Takeover { old, by, other });
        let own = if pbx.party(old).place == pbx.party(by).place { old } else { SessionId::NONE };
        self.moving.push(Moving { own, by, kind: None });
        pbx.assign(by, Duty::Call(id.pack()));
        pbx.join(other, by, Reason::Direct);
    }

    /// The same, and what comes of it is counted.
    pub(super) fn hand_over(
        &mut self,
        kind: HandoffKind,
        (id, old): (CallId, SessionId),
        by: SessionId,
        pbx: &mut dyn Switch,
    ) {
        self.take_over(id, old, by, pbx);
        match self.moving.iter_mut().find(|moving| moving.by == by) {
            Some(moving) => moving.kind = Some(kind),
            None => self.handoffs.add(kind, HandoffResult::Nothing, 1),
        }
    }

    /// What came of such a move. What holds for the call holds on, where it goes on.
    fn handed_over(&mut self, by: SessionId, result: HandoffResult) {
        let Some(at) = self.moving.iter().position(|moving| moving.by == by) else { return };
        let Moving { own, kind, .. } = self.moving.swap_remove(at);
        if result == HandoffResult::Ok {
            self.completions.undisturbed_calls.moved(own, by);
        }
        if let Some(kind) = kind {
            self.handoffs.add(kind, result, 1);
        }
    }

    /// The call has ended, and whoever was about to take it over gets nothing.
    pub(super) fn end_takeover(&mut self, takeover: Option<Takeover>, pbx: &mut dyn Switch) {
        if let Some(Takeover { by, .. }) = takeover {
            self.handed_over(by, HandoffResult::Nothing);
            pbx.drop(by, Cause::Unavailable, "The call has ended");
        }
    }

    /// `by` answers for a phone that rings.
    pub(super) fn pick_up(&mut self, id: CallId, by: SessionId, pbx: &mut dyn Switch) -> Result<(), Unpicked> {
        // Before anybody is told that the call is answered: the phones that ring may yet answer what we cannot.
        if self.get(id).is_some_and(|call| !pbx.can_accept(call.caller)) {
            return Err(Unpicked::Unanswerable);
        }
        let caller = self.answered_by(id, by, pbx).ok_or(Unpicked::Nothing)?;
        let shown = pbx.party(by).identity;
        pbx.assign(by, Duty::Call(id.pack()));
        if let Some(call) = self.get_mut(id) {
            call.takeover = Some(Takeover { old: SessionId::NONE, by, other: caller });
        }
        pbx.accept(caller, Sound::Music(MusicNo::default()), shown);
        if pbx.duty(caller).is_none() {
            // There was no port left for what the caller would have heard meanwhile.
            self.over(id, CallEnd::Failure, pbx);
            return Ok(());
        }
        pbx.join(caller, by, Reason::Direct);
        Ok(())
    }

    /// What came of a pickup by a call's ids. Where nothing did, it rings on.
    pub(super) fn picked_by_name(&mut self, picked: Result<(), Unpicked>, by: SessionId, pbx: &mut dyn Switch) {
        self.count_pickup(PickupKind::Replaces, picked);
        if let Err((cause, words)) = picked.map_err(Unpicked::told) {
            pbx.drop(by, cause, words);
        }
    }

    /// The other side hears the new party: the old one may go.
    pub(super) fn taken_over(&mut self, id: CallId, by: SessionId, pbx: &mut dyn Switch) {
        let Some(takeover) = self.takeover_by(id, by) else { return };
        self.handed_over(by, HandoffResult::Ok);
        if takeover.old != SessionId::NONE {
            pbx.drop(takeover.old, Cause::Normal, "");
        }
    }

    /// It could not be done, or the new party did not wait: the call is as it was, if anybody is left of it.
    pub(super) fn not_joined(&mut self, id: CallId, other: SessionId, by: SessionId, pbx: &mut dyn Switch) {
        self.takeover_by(id, by);
        self.handed_over(by, HandoffResult::Nothing);
        pbx.drop(by, Cause::Failure, "The call could not be connected");
        if pbx.other(other).is_none() {
            pbx.drop(other, Cause::Failure, "");
            self.over(id, CallEnd::Failure, pbx);
        }
    }

    /// Somebody left meanwhile. Whether that was all there is to it.
    pub(super) fn left_in_takeover(&mut self, id: CallId, who: SessionId, pbx: &mut dyn Switch) -> bool {
        let Some(call) = self.get_mut(id) else { return false };
        let Some(takeover) = call.takeover else { return false };
        if who == takeover.old {
            // It does not wait to be let go.
            call.takeover = Some(Takeover { old: SessionId::NONE, ..takeover });
            return true;
        }
        if who != takeover.by {
            return false;
        }
        call.takeover = None;
        self.handed_over(who, HandoffResult::Nothing);
        // Nobody else is there to talk to.
        if takeover.old == SessionId::NONE {
            pbx.drop(takeover.other, Cause::Normal, "");
            self.over(id, CallEnd::Normal, pbx);
        }
        true
    }

    fn takeover_by(&mut self, id: CallId, by: SessionId) -> Option<Takeover> {
        let call = self.get_mut(id)?;
        call.takeover.take_if(|takeover| takeover.by == by)
    }
}
