//! Callbacks that a telephone watches for: it is told when it may call, and calls by itself (RFC 6910).
//!
//! ```text
//!   SUBSCRIBE ─► Waiting ──the line is free──► Ready ──calls in time──► Called ──answered──► over
//!                  ▲  ▲                         │                        │  ╰── nobody is there: over
//!                  │  ╰──── Suspended ◄─────────╯ does not call          │
//!                  ╰───────────────── busy again ────────────────────────╯
//! ```
//! Knows: requests, lines. Never: how telephones watch.
use super::ask::{Ask, Asked};
use super::recall::result_of;
use super::refusal::Refused;
use super::{Completions, Request, RequestId, Stage, Suspended};
use crate::base::Time;
use crate::base::text::{Number, unhex8};
use crate::counters::{CompletionEnd, CompletionKind, CompletionRecall, CompletionVia};
use crate::feature::Features;
use crate::leg::Cause;
use crate::session::{Device, Place, SessionId, Switch};
use crate::settings::LineNo;
use crate::watch::{Callback, Stage as Light};
use std::fmt::Write as _;
use std::time::Duration;

/// So long a telephone may take to call (§7.3).
const RECALL: Duration = Duration::from_secs(20);
/// What the numbers begin with that are dialled for it.
const URI: &str = "cc-";

/// A callback as its telephone names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallbackState {
    request: RequestId,
    id: u128,
    /// How long it may wait yet.
    pub(crate) left: Duration,
}

impl CallbackState {
    /// What its state is known by.
    pub(crate) fn tag(&self) -> Number {
        let mut tag = Number::new();
        // 32 digits fit.
        let _ = write!(tag, "{:032x}", self.id);
        tag
    }
}

impl Features {
    /// The callback that a line's telephone watches, by its number.
    pub(crate) fn callback_named(&self, number: &str, by: LineNo, now: Time) -> Option<CallbackState> {
        let completions = &self.calls.completions;
        let request = completions.named(number, by)?;
        let Request { id, until, .. } = completions.requests.get(request)?;
        Some(CallbackState { request, id: *id, left: until.since(now) })
    }

    /// Nobody is there to be told, for so long.
    pub(crate) fn suspend_callback(&mut self, state: CallbackState, lasts: Duration, pbx: &mut dyn Switch) {
        self.calls.completions.suspend_for(state.request, lasts, pbx);
    }

    /// Somebody is there again (§7.6).
    pub(crate) fn resume_callback(&mut self, state: CallbackState, pbx: &mut dyn Switch) {
        let completions = &mut self.calls.completions;
        let stage = completions.requests.get(state.request).map(|request| &request.stage);
        if let Some(Stage::Suspended(Suspended::Asked)) = stage {
            completions.take_up(state.request, pbx);
        }
    }
}

impl Completions {
    /// A line's phone wants to watch whether another can be called. For how long at most, or why not.
    pub(in crate::feature) fn ask_by_watching(
        &mut self,
        (by, target): (LineNo, LineNo),
        kind: CompletionKind,
        pbx: &mut dyn Switch,
    ) -> Result<Duration, Cause> {
        let asked_before = self.find(by, target).is_some();
        if !asked_before {
            let ask = Ask { by, device: Device::NOWHERE, target, kind, via: CompletionVia::Rfc6910, hidden: false };
            self.ask(ask, pbx).map_err(|refused| refused.cause())?;
        }
        let now = pbx.now();
        let found = self.find(by, target);
        let request = found.and_then(|id| self.requests.get_mut(id)).ok_or(Cause::Unavailable)?;
        // Who has dialled for it is called, and may look how it stands.
        request.watches |= !asked_before;
        Ok(request.until.since(now))
    }

    /// Nobody watches for it any more: it is taken back, unless its call is under way.
    pub(in crate::feature) fn unwatched(&mut self, by: LineNo, target: LineNo, pbx: &mut dyn Switch) {
        let Some(id) = self.find(by, target) else { return };
        let goes_on = |request: &Request| !request.watches || matches!(request.stage, Stage::Called);
        if !self.requests.get(id).is_some_and(goes_on) {
            self.end(id, CompletionEnd::Cancelled, pbx);
        }
    }

    /// How it stands, for who watches it.
    pub(in crate::feature) fn callback(&self, by: LineNo, target: LineNo) -> Option<Callback> {
        let request = self.requests.get(self.find(by, target)?)?;
        let ready = matches!(request.stage, Stage::Ready | Stage::Called);
        Some(Callback { id: request.id, ready, retains: self.settings.retain })
    }

    /// One that has changed: who asked, and whom for.
    pub(in crate::feature) fn next_changed(&mut self) -> Option<(LineNo, LineNo)> {
        self.changed.pop()
    }

    /// Whom a line calls that dials the number of its own place in a queue.
    pub(in crate::feature) fn target_of(&self, number: &str, by: Option<LineNo>) -> Option<LineNo> {
        self.requests.get(self.named(number, by?)?).map(|request| request.target)
    }

    /// The place in a queue that a line names.
    fn named(&self, number: &str, by: LineNo) -> Option<RequestId> {
        let digits = number.strip_prefix(URI).filter(|digits| digits.len() == 32)?;
        let words = digits.as_bytes().chunks(8);
        let id = words.map(unhex8).try_fold(0, |id: u128, word| Some(id << 32 | u128::from(word?)))?;
        let is_it = |request: &Request| request.id == id && request.watches && request.by == Place::Line(by);
        self.requests.iter().find(|(_, request)| is_it(request)).map(|(handle, _)| handle)
    }

    /// Passed over as long as its telephone says that nobody is there, and never longer than this (§7.5).
    fn suspend_for(&mut self, id: RequestId, lasts: Duration, pbx: &mut dyn Switch) {
        let Some(request) = self.requests.get(id).filter(|request| !matches!(request.stage, Stage::Called)) else {
            return;
        };
        let target = request.target;
        self.suspended.retain(|&(_, suspended)| suspended != id);
        self.touch_by_id(id);
        self.suspend(id, Suspended::Asked, pbx);
        self.set_timer(id, lasts, pbx);
        self.serve(target, pbx);
    }

    /// Its telephone calls by itself: it is told, and has some time.
    pub(super) fn lets_call(&mut self, id: RequestId, pbx: &mut dyn Switch) -> bool {
        let Some(request) = self.requests.get_mut(id).filter(|request| request.watches) else { return false };
        request.stage = Stage::Ready;
        self.touch_by_id(id);
        self.set_timer(id, RECALL, pbx);
        true
    }

    /// It has not called in time: somebody else may.
    pub(super) fn not_called(&mut self, id: RequestId, pbx: &mut dyn Switch) {
        let Some(target) = self.requests.get(id).map(|request| request.target) else { return };
        self.touch_by_id(id);
        self.in_vain(id, CompletionRecall::CallerNoAnswer, pbx);
        self.serve(target, pbx);
    }

    /// A line calls another. Whether that is what it was told to do.
    pub(in crate::feature) fn calls(&mut self, by: LineNo, target: LineNo, pbx: &mut dyn Switch) -> bool {
        let Some(id) = self.find(by, target) else { return false };
        let Some(request) = self.requests.get_mut(id) else { return false };
        if !matches!(request.stage, Stage::Ready) {
            return false;
        }
        request.stage = Stage::Called;
        // The call ends it; whatever becomes of that, this has an end.
        self.set_timer(id, 2 * self.no_answer, pbx);
        true
    }

    /// The two talk. Whether that was such a call.
    pub(super) fn called_through(&mut self, id: RequestId, pbx: &mut dyn Switch) -> bool {
        let Some(request) = self.requests.get(id).filter(|request| matches!(request.stage, Stage::Called)) else {
            return false;
        };
        let kind = request.kind;
        self.recalled(id, kind, CompletionRecall::Connected, pbx);
        self.end(id, CompletionEnd::Done, pbx);
        true
    }

    /// Such a call came to nothing.
    pub(in crate::feature) fn called_in_vain(
        &mut self,
        (by, target): (LineNo, LineNo),
        cause: Cause,
        pbx: &mut dyn Switch,
    ) {
        let Some(id) = self.find(by, target) else { return };
        let Some(request) = self.requests.get_mut(id) else { return };
        if !matches!(request.stage, Stage::Called) {
            return;
        }
        request.stage = Stage::Waiting;
        let (kind, result) = (request.kind, result_of(cause));
        self.recalled(id, kind, result, pbx);
        if result == CompletionRecall::TargetBusy && self.settings.retain {
            self.touch_by_id(id);
            self.wait(id, pbx);
            self.look(target, pbx);
        } else {
            self.end(id, CompletionEnd::Failed, pbx);
        }
    }

    /// It has come further, or has been put off.
    pub(super) fn touch_by_id(&mut self, id: RequestId) {
        if let Some(request) = self.requests.get(id) {
            let own = request.by.line().map(|by| (by, request.target));
            self.changed.extend(own);
        }
    }

    /// It is over: whoever watches it is to be told.
    pub(super) fn touch(&mut self, request: &Request) {
        let own = request.by.line().map(|by| (by, request.target));
        self.changed.extend(own);
    }

    /// Nobody watches anything: nobody is to be told.
    pub(in crate::feature) fn forget_changed(&mut self) {
        self.changed.clear();
    }

    /// Somebody else than the line has answered such a call: it is over.
    pub(in crate::feature) fn answered_elsewhere(
        &mut self,
        (by, target): (LineNo, LineNo),
        who: Option<LineNo>,
        pbx: &mut dyn Switch,
    ) {
        let called =
            |id: &RequestId| self.requests.get(*id).is_some_and(|request| matches!(request.stage, Stage::Called));
        if let Some(id) = self.find(by, target).filter(called).filter(|_| who != Some(target)) {
            self.end(id, CompletionEnd::Superseded, pbx);
        }
    }

    /// What its lamp shows: it blinks while it was asked for, and is lit while it comes about.
    pub(in crate::feature) fn lit(&self, by: LineNo, target: LineNo) -> Option<(u128, Light)> {
        let request = self.requests.get(self.find(by, target)?)?;
        let comes = !matches!(request.stage, Stage::Waiting | Stage::Suspended(_));
        Some((request.id, if comes { Light::Confirmed } else { Light::Early }))
    }

    /// The key was pressed: what was asked for is taken back; else it is asked for. Whether that could be done.
    pub(in crate::feature) fn key(&mut self, who: SessionId, target: LineNo, pbx: &mut dyn Switch) -> bool {
        let asked = match pbx.party(who).place.line() {
            None => Err(Refused::NotAllowed),
            Some(by) => match self.find(by, target) {
                Some(id) => {
                    self.end(id, CompletionEnd::Cancelled, pbx);
                    Ok(Asked::Cancelled)
                }
                None => {
                    let device = pbx.device(who).unwrap_or(Device::NOWHERE);
                    let (is_away, hidden) = (pbx.phones(target).is_empty(), pbx.party(who).identity.private);
                    let kind = if is_away { CompletionKind::NotRegistered } else { CompletionKind::Busy };
                    self.ask(Ask { by, device, target, kind, via: CompletionVia::Key, hidden }, pbx)
                }
            },
        };
        super::offer::tell_of(who, asked.map(|asked| (asked, Some(target))), pbx)
    }
}
