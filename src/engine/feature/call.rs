//! A call: somebody dials, somebody rings, two talk, one hangs up.
//!
//! ```text
//!   begin ─► Ringing ──a target answers──► Talking ──either leaves──► over
//!               ├─ all targets failed ─────────────────────────────────▲
//!               ├─ nobody answers in time ─────────────────────────────┤
//!               ╰─ the caller gives up ────────────────────────────────╯
//! ```
//! Once they talk, who talks to whom is the switch's knowledge; this remembers what the call was, to tell its end.
//!
//! Knows: sessions, lines, timers (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
mod end;

use super::completion::{Completions, Met};
use super::forward::Unreached;
use super::numbers::Plan;
use super::outbound::Outbounds;
use super::pickup::RingingLines;
use super::profile::Profiles;
use super::recent::Recent;
use super::takeover::{Moving, Takeover};
use super::transfer::{Returned, Transfer};
use super::verdict::{ended, weight};
use crate::base::text::Number;
use crate::base::{Arena, Handle, Table, Time, TimerId};
use crate::counters::{
    CallCounters, CallDirection, ForwardResult, HandoffKind, HandoffResult, PickupKind, PickupResult, RedirectKind,
    RedirectResult, TransferKind, TransferResult,
};
use crate::feature::refusal::Words;
use crate::leg::Cause;
use crate::session::{Diversion, Duty, News, Place, Ring, SessionEvent, SessionId, Switch, Wake, Whom};
use crate::settings::{ForwardKind, LineNo, TransferSettings};
use smallvec::SmallVec;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// Names a call.
pub(crate) type CallId = Handle<Call>;

/// One call, from dialling to hanging up.
#[derive(Debug)]
pub(crate) struct Call {
    pub(super) caller: SessionId,
    pub(super) targets: SmallVec<[SessionId; 2]>,
    pub(super) timer: TimerId,
    began: Time,
    progressed: Option<Time>,
    pub(super) answered: Option<Time>,
    direction: CallDirection,
    trunk: Option<usize>,
    /// The line that it is for, or was sent on to, if that is one.
    pub(super) called: Option<LineNo>,
    /// It rings there, and what the line has chosen for its calls holds.
    pub(super) rings: bool,
    /// The best reason that a target gave so far for not answering.
    pub(super) verdict: Cause,
    /// What is unusual about its way; boxed, because most calls go straight.
    pub(super) way: Option<Box<Way>>,
    pub(super) takeover: Option<Takeover>,
    pub(super) transfer: Option<Box<Transfer>>,
}

/// How a call came to ring where it rings.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// The lines that sent it on, the first first.
    pub(super) path: Vec<Diversion>,
    /// It is made because the line can be called now: by this line, and which it is.
    completing: Option<(LineNo, LineNo)>,
}

/// All calls.
#[derive(Debug)]
pub(crate) struct Calls {
    calls: Arena<Call>,
    pub(super) no_answer: Duration,
    /// Who may transfer where.
    pub(super) rights: TransferSettings,
    pub(crate) transfers: Table<TransferKind, TransferResult>,
    pub(super) plan: Arc<Plan>,
    pub(super) profiles: Profiles,
    pub(super) recent: Recent,
    pub(crate) forwards: Table<ForwardKind, ForwardResult>,
    pub(crate) redirects: Table<RedirectKind, RedirectResult>,
    pub(crate) handoffs: Table<HandoffKind, HandoffResult>,
    /// Calls on the way from one session to another.
    pub(super) moving: Vec<Moving>,
    pub(super) ringing: RingingLines,
    pub(crate) pickups: Table<PickupKind, PickupResult>,
    /// Who wants to be called back.
    pub(crate) completions: Completions,
    /// A call to be taken by [`Lots::recall`](super::lot::Lots::recall), as soon as whoever told us of it has finished.
    pub(super) returned: Option<Returned>,
    /// Whom calls reached over trunks that did not begin so.
    pub(super) outbounds: Outbounds,
    /// By trunk; the last entry is for calls without one.
    pub(crate) counters: Vec<CallCounters>,
}

impl Calls {
    pub(crate) fn new(settings: &crate::settings::Settings, plan: Arc<Plan>, engine: u8) -> Self {
        let mut calls = Self {
            calls: Arena::new(engine),
            no_answer: settings.no_answer,
            rights: settings.transfers.clone(),
            transfers: Table::default(),
            plan,
            profiles: Profiles::new(settings),
            recent: Recent::default(),
            forwards: Table::default(),
            redirects: Table::default(),
            handoffs: Table::default(),
            moving: Vec::new(),
            ringing: RingingLines::default(),
            pickups: Table::default(),
            completions: Completions::new(settings, engine),
            returned: None,
            outbounds: Outbounds::default(),
            counters: vec![CallCounters::default(); settings.trunks.len() + 1],
        };
        calls.hush();
        calls
    }

    /// Other settings from now on. Trunks only come: those that go keep their place.
    pub(crate) fn reload(&mut self, settings: &crate::settings::Settings, plan: Arc<Plan>) {
        self.plan = plan;
        self.no_answer = settings.no_answer;
        self.rights.clone_from(&settings.transfers);
        self.profiles.reload(settings);
        self.recent.forget(&settings.retired.trunks);
        self.completions.reload(settings);
        self.hush();
        let without = self.counters.pop().unwrap_or_default();
        self.counters.resize(settings.trunks.len(), CallCounters::default());
        self.counters.push(without);
    }

    /// Who is not to be disturbed is not to be called back either.
    pub(super) fn hush(&mut self) {
        self.completions.hush(self.profiles.quiet());
    }

    /// Calls a line: all its phones at once.
    pub(crate) fn ring_line(&mut self, caller: SessionId, line: LineNo, pbx: &mut dyn Switch) {
        let own = pbx.party(caller).place.line().map(|own| (own, line));
        let completing = own.filter(|&(by, target)| self.completions.calls(by, target, pbx));
        let id = self.begin(caller, None, pbx);
        if let Some(call) = self.calls.get_mut(id).filter(|_| completing.is_some()) {
            call.way = Some(Box::new(Way { path: Vec::new(), completing }));
        }
        let reached = if completing.is_some() { self.reach_through(id, line, pbx) } else { self.reach(id, line, pbx) };
        self.await_whom_reached(id, reached, pbx);
    }

    /// Calls a number behind a trunk.
    pub(crate) fn ring_trunk(&mut self, caller: SessionId, trunk: usize, number: Number, pbx: &mut dyn Switch) {
        let id = self.begin(caller, Some(trunk), pbx);
        // Who sends us a call does not get it back: that would be a loop, and somebody's telephone bill.
        if pbx.party(caller).place == Place::Trunk(trunk) {
            return self.refuse(id, Cause::Forbidden, "A call does not go back to the trunk it came from", pbx);
        }
        self.ring(id, Whom::Trunk(trunk, number), true, pbx);
        self.await_answer(id, pbx);
    }

    /// Two talk who were brought together: from now on it is a call like any other.
    pub(crate) fn adopt(&mut self, met: Met, pbx: &mut dyn Switch) {
        let id = self.begin(met.caller, None, pbx);
        pbx.assign(met.target, Duty::Call(id.pack()));
        self.answered_by(id, met.target, pbx);
    }

    /// What happened to a session of this call's.
    pub(crate) fn happened(&mut self, id: CallId, event: SessionEvent, pbx: &mut dyn Switch) {
        if self.happened_in_transfer(id, event, pbx) {
            return;
        }
        match event {
            SessionEvent::Alerting { who, ringing, described } => self.alerting(id, who, ringing, described, pbx),
            SessionEvent::Answered(who) => self.answered(id, who, pbx),
            SessionEvent::Failed(who, cause) => self.failed(id, who, cause, pbx),
            SessionEvent::Redirected(who) => self.redirected(id, who, pbx),
            SessionEvent::Left(who, cause) => self.left(id, who, cause, pbx),
            SessionEvent::JoinFailed(other, by) => self.not_joined(id, other, by, pbx),
            SessionEvent::Joined(_, by) => self.taken_over(id, by, pbx),
            SessionEvent::Held(_)
            | SessionEvent::HoldFailed(_)
            | SessionEvent::Spoken(_)
            | SessionEvent::Idle(_)
            | SessionEvent::Eased(_) => {}
        }
    }

    pub(super) fn get(&self, id: CallId) -> Option<&Call> {
        self.calls.get(id)
    }

    pub(super) fn get_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.calls.get_mut(id)
    }

    #[cfg(any(test, feature = "simulator"))]
    pub(super) fn all(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().map(|(_, call)| call)
    }

    #[cfg(any(test, feature = "simulator"))]
    pub(super) fn live(&self) -> usize {
        self.calls.len()
    }

    #[cfg(any(test, feature = "simulator"))]
    pub(super) fn has(&self, id: CallId) -> bool {
        self.calls.get(id).is_some()
    }

    fn begin(&mut self, caller: SessionId, out: Option<usize>, pbx: &mut dyn Switch) -> CallId {
        let came = pbx.party(caller).place;
        let (direction, trunk) = match (came, out) {
            (Place::Trunk(trunk), _) => (CallDirection::Inbound, Some(trunk)),
            (Place::Line(_), Some(trunk)) => (CallDirection::Outbound, Some(trunk)),
            (Place::Line(_), None) => (CallDirection::Internal, None),
        };
        self.counted(trunk).attempts.up(direction);
        let id = self.calls.insert(Call {
            caller,
            targets: SmallVec::new(),
            timer: TimerId::NONE,
            began: pbx.now(),
            progressed: None,
            answered: None,
            direction,
            trunk,
            called: None,
            verdict: Cause::Failure,
            rings: false,
            way: None,
            takeover: None,
            transfer: None,
        });
        pbx.assign(caller, Duty::Call(id.pack()));
        id
    }

    /// Rings somebody for this call. Who that is; nothing if it cannot even begin.
    pub(super) fn ring(&mut self, id: CallId, whom: Whom, alone: bool, pbx: &mut dyn Switch) -> Option<SessionId> {
        let call = self.calls.get_mut(id)?;
        let (on_behalf, referred_by) = match call.transfer.as_deref() {
            Some(transfer) => (transfer.of, Some(transfer.transferor.identity)),
            None => (call.caller, None),
        };
        let from = pbx.party(on_behalf).identity;
        let rung = pbx.ring(Ring {
            whom,
            from,
            asserted: from,
            on_behalf,
            reason: Self::reason_of(call),
            duty: Duty::Call(id.pack()),
            alone,
            recall: None,
            referred_by,
            path: call.path(),
        });
        call.targets.extend(rung);
        if let (Some(_), Whom::Phone(line, _)) = (rung, whom) {
            self.ringing.add(line, id);
        }
        rung
    }

    pub(super) fn await_whom_reached(&mut self, id: CallId, reached: Result<(), Unreached>, pbx: &mut dyn Switch) {
        match reached {
            Ok(()) => self.await_answer(id, pbx),
            Err(Unreached { cause, words }) => self.give_up(id, cause, &words, pbx),
        }
    }

    pub(super) fn await_answer(&mut self, id: CallId, pbx: &mut dyn Switch) {
        let Some(call) = self.calls.get(id) else { return };
        if call.targets.is_empty() {
            return self.give_up(id, Cause::Overload, "", pbx);
        }
        let patience = self.patience(call, pbx);
        let Some(call) = self.calls.get_mut(id) else { return };
        call.stop_timer(pbx);
        call.timer = pbx.wake(Wake::Call(id.pack()), patience);
    }

    fn alerting(&mut self, id: CallId, who: SessionId, ringing: bool, described: bool, pbx: &mut dyn Switch) {
        let Some(call) = self.calls.get_mut(id) else { return };
        if call.answered.is_some() {
            return;
        }
        // What several send before one answers cannot all be heard.
        let described = described && call.targets.len() == 1;
        call.progress(pbx);
        let caller = call.caller;
        let tells = self.completions.tells_ringing() && self.tell_completable(id, pbx);
        pbx.alert(caller, who, ringing, described);
        if tells {
            // Whatever it is told if the call fails says why it did.
            pbx.mark_completable(caller, None);
        }
    }

    /// The caller is told as well that it may be called back, if it may.
    fn tell_completable(&self, id: CallId, pbx: &mut dyn Switch) -> bool {
        self.get(id).is_some_and(|call| self.completions.mark_ringing(call.caller, self.completes(call), pbx))
    }

    fn answered(&mut self, id: CallId, who: SessionId, pbx: &mut dyn Switch) {
        if let Some(caller) = self.answered_by(id, who, pbx) {
            pbx.connect(caller, who);
        }
    }

    /// Somebody answered: nobody else is rung any more. Who called.
    pub(super) fn answered_by(&mut self, id: CallId, who: SessionId, pbx: &mut dyn Switch) -> Option<SessionId> {
        let call = self.calls.get_mut(id)?;
        call.progress(pbx);
        let now = pbx.now();
        call.answered = Some(now);
        let (caller, direction, trunk, completing) = (call.caller, call.direction, call.trunk, call.completing());
        let ring = call.progressed.map_or(Duration::ZERO, |progressed| now - progressed);
        call.stop_timer(pbx);
        self.drop_targets(id, who, Cause::AnsweredElsewhere, pbx);
        if let Some(own) = completing {
            self.completions.answered_elsewhere(own, pbx.party(who).place.line(), pbx);
        }
        self.counted(trunk).answered.up(direction);
        self.outbound_answered(id, who);
        pbx.tell(News::CallAnswered { direction, ring });
        Some(caller)
    }

    pub(super) fn drop_targets(&mut self, id: CallId, but: SessionId, cause: Cause, pbx: &mut dyn Switch) {
        let Some(call) = self.calls.get_mut(id) else { return };
        for target in std::mem::take(&mut call.targets) {
            if let Some(line) = pbx.party(target).place.line() {
                self.ringing.remove(line, id);
            }
            if target != but {
                self.outbound_ended(id, target, ended(cause));
                pbx.drop(target, cause, "");
            }
        }
    }

    /// One phone is not rung any more.
    pub(super) fn stops_ringing(&mut self, id: CallId, target: SessionId, pbx: &dyn Switch) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let Some(place) = call.targets.iter().position(|rings| *rings == target) else { return };
        call.targets.remove(place);
        if let Some(line) = pbx.party(target).place.line() {
            self.ringing.remove(line, id);
        }
    }

    pub(super) fn counted(&mut self, trunk: Option<usize>) -> &mut CallCounters {
        let last = self.counters.len() - 1;
        &mut self.counters[trunk.unwrap_or(last).min(last)]
    }
}

impl Call {
    /// Whether this target is being rung.
    pub(super) fn is_ringing(&self, target: SessionId) -> bool {
        self.answered.is_none() && self.targets.contains(&target)
    }

    /// Whether a party is just being replaced, or sent elsewhere.
    pub(super) const fn changes_hands(&self) -> bool {
        self.takeover.is_some() || self.transfer.is_some()
    }

    /// Who is to talk to whoever answers.
    pub(super) fn waits_for_answer(&self) -> SessionId {
        self.transfer.as_deref().map_or(self.caller, |transfer| transfer.of)
    }

    /// The line that rings.
    pub(super) fn rung(&self) -> Option<LineNo> {
        self.called.filter(|_| self.rings)
    }

    /// The lines that sent it on, the first first.
    pub(super) fn path(&self) -> &[Diversion] {
        self.way.as_ref().map_or(&[], |way| &way.path)
    }

    pub(super) fn completing(&self) -> Option<(LineNo, LineNo)> {
        self.way.as_ref()?.completing
    }

    /// Whether there was a sign of life from the called side.
    pub(super) const fn has_progressed(&self) -> bool {
        self.progressed.is_some()
    }

    /// Since when it has rung.
    pub(super) fn rings_since(&self) -> Time {
        self.transfer.as_deref().map_or(self.began, |transfer| transfer.began)
    }

    /// Nothing is awaited any more.
    pub(super) fn stop_timer(&mut self, pbx: &mut dyn Switch) {
        pbx.forget(std::mem::replace(&mut self.timer, TimerId::NONE));
    }

    /// A target gave this reason for not answering. The best of them so far.
    pub(super) const fn note_verdict(&mut self, cause: Cause) -> Cause {
        if weight(cause) > weight(self.verdict) {
            self.verdict = cause;
        }
        self.verdict
    }

    /// The first sign of life from the called side.
    fn progress(&mut self, pbx: &mut dyn Switch) {
        if self.progressed.is_none() {
            let now = pbx.now();
            self.progressed = Some(now);
            let (direction, trunk) = (self.direction, self.trunk);
            pbx.tell(News::CallProgressed { direction, trunk, setup: now - self.began });
        }
    }
}

/// Words for a refusal; cut if they are too long.
pub(crate) fn words(text: std::fmt::Arguments<'_>) -> Words {
    let mut words = Words::new();
    let _ = words.write_fmt(text);
    words
}
