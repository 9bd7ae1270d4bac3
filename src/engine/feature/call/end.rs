//! How a call ends: nobody takes it, somebody gives up or hangs up, or it is refused.
//!
//! Knows: sessions, lines, timers (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
use super::{Call, CallId, Calls};
use crate::counters::CallEnd;
use crate::feature::verdict::ended;
use crate::leg::Cause;
use crate::session::{Duty, News, SessionId, Switch};
use crate::settings::{CompletionForwarded, LineNo};

impl Calls {
    /// Nobody answered in time.
    pub(crate) fn woke(&mut self, id: CallId, pbx: &mut dyn Switch) {
        self.drop_targets(id, SessionId::NONE, Cause::NoAnswer, pbx);
        self.unanswered(id, Cause::NoAnswer, "Nobody answered", pbx);
    }

    /// The call is over, wherever it ended.
    pub(crate) fn over(&mut self, id: CallId, cause: CallEnd, pbx: &mut dyn Switch) {
        self.end_transfer(id, pbx);
        let Some(call) = self.calls.remove(id) else { return };
        pbx.forget(call.timer);
        self.end_takeover(call.takeover, pbx);
        if let Some(own) = call.completing() {
            self.completions.called_in_vain(own, Cause::Cancelled, pbx);
        }
        let talked = call.answered.map(|answered| pbx.now() - answered);
        let (direction, trunk) = (call.direction, call.trunk);
        self.counted(trunk).ended.add(direction, cause, 1);
        self.outbound_over(id, cause);
        pbx.tell(News::CallEnded { direction, trunk, cause, talked });
    }

    /// Nobody took it where it rang.
    pub(in crate::feature) fn unanswered(&mut self, id: CallId, cause: Cause, words: &str, pbx: &mut dyn Switch) {
        match self.forward_on(id, cause, pbx) {
            Some(reached) => self.await_whom_reached(id, reached, pbx),
            None => self.give_up(id, cause, words, pbx),
        }
    }

    /// There is nobody left to ring.
    pub(super) fn give_up(&mut self, id: CallId, cause: Cause, words: &str, pbx: &mut dyn Switch) {
        if self.get(id).is_some_and(|call| call.transfer.is_some()) {
            self.transfer_failed(id, cause, words, pbx);
        } else {
            self.refuse(id, cause, words, pbx);
        }
    }

    pub(in crate::feature) fn failed(&mut self, id: CallId, who: SessionId, cause: Cause, pbx: &mut dyn Switch) {
        self.stops_ringing(id, who, pbx);
        self.outbound_ended(id, who, ended(cause));
        let Some(call) = self.calls.get_mut(id) else { return };
        let verdict = call.note_verdict(cause);
        if call.targets.is_empty() && (call.answered.is_none() || call.transfer.is_some()) {
            self.unanswered(id, verdict, "", pbx);
        }
    }

    pub(super) fn left(&mut self, id: CallId, who: SessionId, cause: Cause, pbx: &mut dyn Switch) {
        if self.left_in_takeover(id, who, pbx) {
            return;
        }
        let Some(call) = self.calls.get(id) else { return };
        let caller = call.caller;
        if call.answered.is_none() {
            if who == caller {
                if call.progressed.is_some() {
                    self.completions.given_up(caller, self.completes(call), pbx);
                }
                self.drop_targets(id, SessionId::NONE, Cause::Cancelled, pbx);
                self.over(id, CallEnd::Cancelled, pbx);
            } else {
                self.failed(id, who, cause, pbx);
            }
            return;
        }
        // Whoever it talked to may be on the way into an orbit by now: then the call goes on.
        match pbx.other(who) {
            Some(other) if pbx.duty(other) == Some(Duty::Call(id.pack())) => pbx.drop(other, Cause::Normal, ""),
            Some(_) => return,
            // Nobody yet: a failure came between the answer and the bridge.
            None if caller != who && pbx.duty(caller) == Some(Duty::Call(id.pack())) => {
                pbx.drop(caller, Cause::Failure, "");
            }
            None => {}
        }
        let end = match cause {
            Cause::MediaTimeout => CallEnd::MediaTimeout,
            Cause::Timeout | Cause::Failure => CallEnd::Failure,
            Cause::Normal | Cause::Busy | Cause::NoAnswer | Cause::Rejected | Cause::Cancelled => CallEnd::Normal,
            Cause::AnsweredElsewhere | Cause::NotFound | Cause::Unavailable | Cause::Forbidden => CallEnd::Normal,
            Cause::Incomplete | Cause::Gone | Cause::NotAcceptable | Cause::Glare => CallEnd::Normal,
            Cause::NotBuilt | Cause::Overload | Cause::Loop => CallEnd::Normal,
        };
        self.over(id, end, pbx);
    }

    pub(super) fn refuse(&mut self, id: CallId, cause: Cause, words: &str, pbx: &mut dyn Switch) {
        let Some(call) = self.calls.get(id) else { return };
        let (caller, called) = (call.caller, (self.completes(call), call.rings));
        match call.completing() {
            Some(own) => {
                self.completions.called_in_vain(own, cause, pbx);
                pbx.drop(caller, cause, words);
            }
            None => self.completions.refuse(caller, called, (cause, words), pbx),
        }
        self.over(id, ended(cause), pbx);
    }

    /// For which line a callback may be asked for where this call fails: one that sends all its calls on is somewhere else.
    pub(super) fn completes(&self, call: &Call) -> Option<LineNo> {
        let Some(first) = call.path().first() else { return call.called };
        match self.completions.forwarded() {
            CompletionForwarded::Reject => None,
            CompletionForwarded::Follow => call.called,
            CompletionForwarded::Wait => self.plan.line(&first.by.number),
        }
    }
}
