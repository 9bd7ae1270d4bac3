//! Forwarding: a call that its line does not take goes where the line's owner has said.
//!
//! ```text
//!   all ────────────────────╮
//!   not registered, gone ───┤
//!   busy, not to disturb ───┼─► whoever is next: its phones ring, or it sends the call on as well
//!   nobody answers ─────────┤        ╰─ been there, too far, not allowed: refused, with the way it took
//!   a phone says so (302) ──╯
//! ```
//! The caller stays who calls, and is told (181); whoever it reaches is shown the way.
//!
//! Knows: sessions, lines, timers (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
use super::call::{Call, CallId, Calls, words};
use super::numbers::Target;
use super::refusal::Words;
use super::stripped;
use super::transfer::{To, Transfer};
use crate::base::text::{Number, cut};
use crate::counters::{CallEnd, ForwardResult, RedirectKind, RedirectResult};
use crate::leg::{Cause, Identity};
use crate::session::switch::Phones;
use crate::session::{Diversion, DiversionReason, Party, Reason, SessionId, Switch, Whom};
use crate::settings::{Destination, ForwardKind, LineNo, Redirects};
use std::fmt::Write as _;

/// Why a call reaches nobody, and the same in words.
#[derive(Debug)]
pub(super) struct Unreached {
    pub(super) cause: Cause,
    pub(super) words: Box<Words>,
}

impl Unreached {
    pub(super) fn new(cause: Cause, text: std::fmt::Arguments<'_>) -> Self {
        Self { cause, words: Box::new(words(text)) }
    }
}

impl Calls {
    /// Rings a line; or whomever its calls go to.
    pub(super) fn reach(&mut self, id: CallId, line: LineNo, pbx: &mut dyn Switch) -> Result<(), Unreached> {
        let Some(call) = self.get_mut(id) else { return Ok(()) };
        call.called = Some(line);
        let caller = call.waits_for_answer();
        self.recent.called(line, &pbx.party(caller));
        if !self.profiles.knows(line) && self.completions.is_empty() {
            // Most lines have chosen nothing, and nobody waits for them.
            return match self.phones_of(line, pbx) {
                Ok(phones) => {
                    self.ring_phones(id, line, &phones, pbx);
                    Ok(())
                }
                Err(Cause::Busy) => Err(unreached(line, Cause::Busy, "is busy", pbx)),
                Err(cause) => Err(unreached(line, cause, "is not registered", pbx)),
            };
        }
        let caller = self.believed(caller, pbx);
        // Somebody is just being called back for it.
        let is_kept = self.completions.keeps(line, caller.place);
        let undisturbed = if self.profiles.settings.dnd_is_busy { Cause::Busy } else { Cause::Unavailable };
        let (kind, cause, what) = if self.rule(line, ForwardKind::All, &caller).is_some() {
            (ForwardKind::All, undisturbed, "is not to be disturbed")
        } else if self.profiles.is_undisturbed(line, &caller) {
            (ForwardKind::Busy, undisturbed, "is not to be disturbed")
        } else {
            match self.phones_of(line, pbx) {
                Ok(_) if is_kept => (ForwardKind::Busy, Cause::Busy, "is busy"),
                Ok(phones) => {
                    self.ring_phones(id, line, &phones, pbx);
                    return Ok(());
                }
                Err(Cause::Busy) => (ForwardKind::Busy, Cause::Busy, "is busy"),
                Err(cause) => (ForwardKind::Unregistered, cause, "is not registered"),
            }
        };
        // Who is as good as not there has nobody see that it would be busy.
        let applies = kind != ForwardKind::Busy || cause == Cause::Busy;
        match self.rule(line, kind, &caller).filter(|_| applies) {
            Some(Destination::Number(number)) => self.forward(id, line, kind, &number, pbx),
            Some(Destination::Nobody) | None => Err(unreached(line, cause, what, pbx)),
        }
    }

    /// Rings a line, whatever it has chosen for its calls.
    pub(super) fn reach_through(&mut self, id: CallId, line: LineNo, pbx: &mut dyn Switch) -> Result<(), Unreached> {
        let Some(caller) = self.get(id).map(Call::waits_for_answer) else { return Ok(()) };
        match self.completions.reach(line, pbx.party(caller).place, pbx) {
            Ok(phones) => {
                self.ring_phones(id, line, &phones, pbx);
                if let Some(call) = self.get_mut(id) {
                    call.rings = false;
                }
                Ok(())
            }
            Err(cause) => Err(Unreached::new(cause, format_args!("{} cannot be called", pbx.identity(line).number))),
        }
    }

    /// Nobody took it where it rang. Nothing, if it does not go on from there either.
    pub(super) fn forward_on(
        &mut self,
        id: CallId,
        cause: Cause,
        pbx: &mut dyn Switch,
    ) -> Option<Result<(), Unreached>> {
        let call = self.get(id)?;
        let (line, caller) = (call.rung()?, self.believed(call.waits_for_answer(), pbx));
        let kinds: &[ForwardKind] = match cause {
            Cause::Busy => &[ForwardKind::Busy],
            Cause::NoAnswer => &[ForwardKind::NoAnswer],
            Cause::Timeout | Cause::Gone => &[ForwardKind::Unregistered],
            // The phone is there, or it is not: it does not say.
            Cause::Unavailable => &[ForwardKind::Unregistered, ForwardKind::NoAnswer],
            Cause::Normal | Cause::Rejected | Cause::Cancelled | Cause::AnsweredElsewhere | Cause::NotFound => &[],
            Cause::Forbidden | Cause::Incomplete | Cause::NotAcceptable | Cause::Glare | Cause::NotBuilt => &[],
            Cause::Overload | Cause::Loop | Cause::MediaTimeout | Cause::Failure => &[],
        };
        kinds.iter().find_map(|&kind| match self.rule(line, kind, &caller)? {
            Destination::Number(number) => Some(self.forward(id, line, kind, &number, pbx)),
            Destination::Nobody => None,
        })
    }

    /// How long a call may ring where it rings now.
    pub(super) fn patience(&self, call: &Call, pbx: &dyn Switch) -> std::time::Duration {
        let goes_on = |line: &LineNo| {
            let caller = self.believed(call.waits_for_answer(), pbx);
            let to = self.rule(*line, ForwardKind::NoAnswer, &caller);
            matches!(to, Some(Destination::Number(_)))
        };
        let line = call.rung().filter(|line| self.profiles.knows(*line)).filter(goes_on);
        line.map_or(self.no_answer, |line| self.profiles.rings_for(line).min(self.no_answer))
    }

    /// Where a line sends its calls in this case. A number that cannot be called any more is no reason to lose a call.
    fn rule(&self, line: LineNo, kind: ForwardKind, caller: &Party) -> Option<Destination> {
        self.profiles.forward(line, kind, caller).filter(|to| match to {
            Destination::Number(number) => self.callable(number).is_some(),
            Destination::Nobody => true,
        })
    }

    /// Where a number leads that calls may be sent to.
    fn callable(&self, number: &str) -> Option<To> {
        match self.plan.resolve(number) {
            Target::Line(next) => Some(To::Line(next)),
            Target::Trunk { trunk, strip } if self.profiles.settings.external => {
                Some(To::Trunk(trunk, stripped(&cut(number), strip)))
            }
            Target::Trunk { .. } | Target::Emergency { .. } | Target::Nothing => None,
            Target::Lot(_) | Target::Orbit { .. } | Target::Code { .. } => None,
        }
    }

    /// A party as far as it is believed: who comes over a trunk can say any number, but is none of our lines.
    fn believed(&self, who: SessionId, pbx: &dyn Switch) -> Party {
        let mut party = pbx.party(who);
        if party.place.line().is_none() && self.plan.line(&party.identity.number).is_some() {
            party.identity.number = Number::new();
        }
        party
    }

    /// How a line is shown to whoever has not called it.
    fn shown(&self, line: LineNo, pbx: &dyn Switch) -> Identity {
        Identity { private: self.profiles.hides_number(line), ..pbx.identity(line) }
    }

    /// A phone sends the call on by itself.
    pub(super) fn redirected(&mut self, id: CallId, who: SessionId, pbx: &mut dyn Switch) {
        let Some(number) = pbx.elsewhere(who) else { return };
        let Some(call) = self.get(id).filter(|call| call.is_ringing(who) || call.transfer.is_some()) else { return };
        let line = pbx.party(who).place.line();
        let (rang, transfers) = (call.has_progressed(), call.transfer.is_some());
        let kind = if rang { RedirectKind::Ringing } else { RedirectKind::Immediate };
        // A callback goes to that line, or nowhere.
        let is_fixed = call.completing().is_some();
        let Some(line) = line else { return self.failed(id, who, Cause::Unavailable, pbx) };
        let redirects = if is_fixed { Redirects::Block } else { self.profiles.settings.redirects };
        let onward = match redirects {
            Redirects::Block => None,
            // Whoever is transferred is with us: there is nobody who could call elsewhere.
            Redirects::Pass if !transfers => {
                self.redirects.add(kind, RedirectResult::Passed, 1);
                self.drop_targets(id, who, Cause::Cancelled, pbx);
                if let Some(call) = self.get(id) {
                    pbx.redirect(call.caller, &number);
                }
                return self.over(id, CallEnd::Rejected, pbx);
            }
            Redirects::Pass | Redirects::Follow => {
                self.onward(id, line, DiversionReason::Deflection, &number, pbx).ok()
            }
        };
        let Some(to) = onward else {
            // This one has declined; the others ring on.
            self.redirects.add(kind, RedirectResult::Blocked, 1);
            return self.failed(id, who, Cause::Unavailable, pbx);
        };
        self.redirects.add(kind, RedirectResult::Followed, 1);
        // What one phone wishes its line wishes.
        self.drop_targets(id, who, Cause::Cancelled, pbx);
        let reached = self.go_on(id, to, pbx);
        self.await_whom_reached(id, reached, pbx);
    }

    /// Why the session that a call rings is there.
    pub(super) fn reason_of(call: &Call) -> Reason {
        match call.path().last().map(|diversion| diversion.reason) {
            None if call.transfer.is_some() => Reason::Transfer,
            None => Reason::Direct,
            Some(DiversionReason::Unconditional) => Reason::ForwardAll,
            Some(DiversionReason::UserBusy) => Reason::ForwardBusy,
            Some(DiversionReason::NoAnswer | DiversionReason::Unavailable) => Reason::ForwardNoAnswer,
            Some(DiversionReason::Deflection) => Reason::Redirect,
        }
    }

    /// The phones of a line that can be rung for one more call; or why there are none.
    fn phones_of(&self, line: LineNo, pbx: &dyn Switch) -> Result<Phones, Cause> {
        let full = pbx.busy_limit(line).is_some_and(|limit| pbx.calls_of(line) >= limit);
        if full || self.completions.undisturbed_calls.is_on(line, pbx) {
            return Err(Cause::Busy);
        }
        let phones = pbx.phones(line);
        if phones.is_empty() { Err(Cause::Unavailable) } else { Ok(phones) }
    }

    fn ring_phones(&mut self, id: CallId, line: LineNo, phones: &Phones, pbx: &mut dyn Switch) {
        if let Some(call) = self.get_mut(id) {
            (call.called, call.rings) = (Some(line), true);
        }
        let alone = phones.len() == 1;
        for &phone in phones {
            self.ring(id, Whom::Phone(line, phone), alone, pbx);
        }
    }

    fn forward(
        &mut self,
        id: CallId,
        line: LineNo,
        kind: ForwardKind,
        number: &str,
        pbx: &mut dyn Switch,
    ) -> Result<(), Unreached> {
        let reason = match kind {
            ForwardKind::All => DiversionReason::Unconditional,
            ForwardKind::Busy => DiversionReason::UserBusy,
            ForwardKind::NoAnswer => DiversionReason::NoAnswer,
            ForwardKind::Unregistered => DiversionReason::Unavailable,
        };
        let onward = self.onward(id, line, reason, number, pbx);
        let result = match &onward {
            Ok(_) => ForwardResult::Ok,
            Err(Unreached { cause: Cause::Loop, .. }) => ForwardResult::Loop,
            Err(_) => ForwardResult::Refused,
        };
        self.forwards.add(kind, result, 1);
        self.go_on(id, onward?, pbx)
    }

    /// Rings there.
    pub(super) fn go_on(&mut self, id: CallId, to: To, pbx: &mut dyn Switch) -> Result<(), Unreached> {
        match to {
            To::Line(next) => self.reach(id, next, pbx),
            To::Trunk(trunk, number) => {
                if let Some(call) = self.get_mut(id) {
                    call.called = None;
                }
                let rung = self.ring(id, Whom::Trunk(trunk, number), true, pbx);
                self.went_out(id, trunk, rung.unwrap_or(SessionId::NONE));
                Ok(())
            }
        }
    }

    /// Where a call goes that a line sends to a number, if it may.
    fn onward(
        &mut self,
        id: CallId,
        line: LineNo,
        reason: DiversionReason,
        number: &str,
        pbx: &mut dyn Switch,
    ) -> Result<To, Unreached> {
        let by = self.shown(line, pbx);
        let Some(to) = self.callable(number) else {
            let what = format_args!("{} forwards to {number}, which cannot be called", by.number);
            return Err(Unreached::new(Cause::NotFound, what));
        };
        let shown = match to {
            To::Line(next) => self.shown(next, pbx),
            To::Trunk(..) => Identity::new(number, ""),
        };
        let (hops, next) = (self.profiles.settings.hops, to.line());
        let Some(call) = self.get_mut(id) else { return Err(Unreached::new(Cause::Failure, format_args!(""))) };
        let itself = |transfer: &Transfer| next.is_some() && pbx.party(transfer.of).place.line() == next;
        if call.transfer.as_deref().is_some_and(itself) {
            return Err(Unreached::new(Cause::Forbidden, format_args!("A call is not transferred to its own parties")));
        }
        let path = &mut call.way.get_or_insert_default().path;
        path.push(Diversion { by, reason });
        let been = path.iter().any(|diversion| diversion.by.number == shown.number);
        if been || path.len() > hops {
            let words = Box::new(way(path, &shown));
            path.pop();
            return Err(Unreached { cause: Cause::Loop, words });
        }
        (call.verdict, call.rings) = (Cause::Failure, false);
        if call.transfer.is_none() {
            // Who hides is nobody's to name.
            pbx.forwarding(call.caller, if shown.private { Identity::default() } else { shown });
        }
        Ok(to)
    }
}

fn unreached(line: LineNo, cause: Cause, what: &str, pbx: &dyn Switch) -> Unreached {
    Unreached::new(cause, format_args!("{} {what}", pbx.identity(line).number))
}

/// `1001→1002→1001`
fn way(path: &[Diversion], last: &Identity) -> Words {
    let shown = |who: &Identity| if who.private { cut("…") } else { who.number };
    let mut way = words(format_args!("Forwarded in circles: "));
    for diversion in path {
        // What does not fit is the end of a long story.
        let _ = write!(way, "{}→", shown(&diversion.by));
    }
    let _ = way.write_str(&shown(last));
    way
}
