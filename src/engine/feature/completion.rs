//! Call completion: who met a line that was busy, did not answer or was not there is called back when it can be reached; or
//! waits for that on the line.
//!
//! ```text
//!   a call fails ─ 5, *66 ─► Waiting ──free for the guard──► Recalling ──answers──► Connecting ──answers──► an ordinary call
//!                             ▲  ▲                              │                       │   ╰─ nobody does: over
//!                             │  ╰────────── busy again ────────│───────────────────────╯
//!                             ╰─ Suspended ◄────────────────────╯ did not answer; is on the telephone; has no phone registered
//!   a call fails ─ stays ───► Waiting ──free────────────────────────────────────► Connecting
//! ```
//! Requests for a line stand in a queue: the first that can be served is, and no other meanwhile. Whether a line is free is
//! known from its own calls on all its phones; one that did not answer must have been used first. Who is called back learns
//! that the line is free now, and nothing else of it.
//!
//! Knows: sessions, lines, timers (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
mod ask;
mod free;
mod kept;
mod offer;
#[cfg(any(test, feature = "simulator"))]
pub(super) mod peek;
mod recall;
mod refusal;
#[cfg(test)]
mod tests;
mod watched;

use super::waiting::UndisturbedCalls;
use crate::base::{Arena, Handle, Time, TimerId};
use crate::counters::{CompletionCounters, CompletionEnd, CompletionKind, CompletionRecall, CompletionState, Gauges};
use crate::keep::{Kept, Key};
use crate::leg::{Cause, Identity};
use crate::session::{Device, News, Place, SessionId, Switch, Wake};
use crate::settings::{CompletionForwarded, CompletionSettings, LineNo, Settings};
use ask::{Ask, Asked};
use offer::Failed;
use recall::{Connecting, Recalling};
use refusal::Refused;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
pub(crate) use watched::CallbackState;

/// Names a request.
pub(super) type RequestId = Handle<Request>;

/// Somebody is to be connected with a line as soon as that can be.
#[derive(Debug)]
pub(crate) struct Request {
    id: u128,
    /// Of two for one line the lower was there first.
    order: u64,
    /// Who asked.
    by: Place,
    /// The telephone it asked from.
    device: Device,
    /// Whom for.
    target: LineNo,
    kind: CompletionKind,
    asked: Time,
    until: Time,
    /// How often who asked was rung in vain.
    attempts: u8,
    /// The line must be used before it is rung again: that it is free says nothing.
    unused: bool,
    /// It is from before a restart: that a phone registers again says nothing.
    restored: bool,
    /// Who waits on the line; nobody where a callback was asked for.
    camper: SessionId,
    /// The telephone that asked watches, and calls by itself when it is told that it may (RFC 6910).
    watches: bool,
    /// The line is not to see who calls.
    hidden: bool,
    stage: Stage,
    timer: TimerId,
}

impl Request {
    /// Whether the next process could go on with it.
    fn is_kept(&self) -> bool {
        self.camper == SessionId::NONE && !self.watches
    }

    /// Whether this line is to be called back for it.
    fn is_callback_of(&self, line: LineNo) -> bool {
        self.by == Place::Line(line) && self.camper == SessionId::NONE
    }
}

/// How far a request is.
#[derive(Debug)]
enum Stage {
    /// In the queue.
    Waiting,
    /// In the queue, and passed over.
    Suspended(Suspended),
    /// Who asked was told that it may call, and has not done so yet.
    Ready,
    /// It has called, and the line is rung.
    Called,
    /// Who asked is rung.
    Recalling(Recalling),
    /// Who asked listens to us, and the line is rung.
    Connecting(Connecting),
}

/// What who asked is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Suspended {
    /// Its calls are to end.
    Busy,
    /// A phone is to be registered.
    Away,
    /// It is not to be disturbed.
    Quiet,
    /// Its telephone says that it is not there.
    Asked,
    /// It did not answer, and is left alone for a while.
    Pausing,
}

/// Who waits for a line.
#[derive(Debug)]
struct Queue {
    requests: Vec<RequestId>,
    /// Armed while the line is free, but has not been for long.
    guard: TimerId,
}

impl Default for Queue {
    fn default() -> Self {
        Self { requests: Vec::new(), guard: TimerId::NONE }
    }
}

/// The two talk: from now on it is an ordinary call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Met {
    pub(super) caller: SessionId,
    pub(super) target: SessionId,
}

/// All requests.
#[derive(Debug)]
pub(crate) struct Completions {
    settings: CompletionSettings,
    /// How long a line is rung.
    no_answer: Duration,
    requests: Arena<Request>,
    queues: BTreeMap<LineNo, Queue>,
    /// Requests that wait for these lines to be free, or to be there.
    suspended: Vec<(LineNo, RequestId)>,
    /// Callbacks that have changed: who asked, and whom for.
    changed: Vec<(LineNo, LineNo)>,
    /// Lines that are not to be disturbed, and by which numbers they are all the same.
    quiet: BTreeMap<LineNo, Vec<String>>,
    /// Those that may be again.
    roused: Vec<LineNo>,
    /// Calls that nobody else is to break into.
    pub(super) undisturbed_calls: UndisturbedCalls,
    /// Calls that failed a short while ago, the latest last.
    failed: VecDeque<Failed>,
    /// Who asked within the hour, the latest last.
    within_the_hour: VecDeque<(Time, LineNo)>,
    /// How many there ever were.
    orders: u64,
    /// Nobody new is called.
    pub(super) draining: bool,
    pub(crate) counters: CompletionCounters,
}

impl Completions {
    pub(super) fn new(settings: &Settings, engine: u8) -> Self {
        Self {
            settings: settings.completion.clone(),
            no_answer: settings.no_answer,
            requests: Arena::new(engine),
            queues: BTreeMap::new(),
            suspended: Vec::new(),
            changed: Vec::new(),
            quiet: BTreeMap::new(),
            roused: Vec::new(),
            undisturbed_calls: UndisturbedCalls::default(),
            failed: VecDeque::new(),
            within_the_hour: VecDeque::new(),
            orders: 0,
            draining: false,
            counters: CompletionCounters::default(),
        }
    }

    /// Other settings from now on. What was asked for keeps its deadline.
    pub(super) fn reload(&mut self, settings: &Settings) {
        self.settings.clone_from(&settings.completion);
        self.no_answer = settings.no_answer;
    }

    /// Where a call that failed had been sent on: for whom a callback may be asked for.
    pub(super) const fn forwarded(&self) -> CompletionForwarded {
        self.settings.forwarded
    }

    /// Whether nobody waits for anybody.
    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Somebody used a phone of this line: it answered, or dialled.
    pub(super) fn used(&mut self, line: LineNo, pbx: &mut dyn Switch) {
        for id in self.queue(line) {
            self.set_used(id, pbx);
        }
    }

    fn set_used(&mut self, id: RequestId, pbx: &mut dyn Switch) {
        let Some(request) = self.requests.get_mut(id) else { return };
        request.restored = false;
        if std::mem::take(&mut request.unused) {
            self.keep(id, pbx);
        }
    }

    /// Two talk: whatever they wanted of each other, they have.
    pub(super) fn met(&mut self, one: Option<LineNo>, other: Option<LineNo>, pbx: &mut dyn Switch) {
        let Some((one, other)) = one.zip(other) else { return };
        for (by, target) in [(one, other), (other, one)] {
            if let Some(id) = self.find(by, target)
                && !self.called_through(id, pbx)
            {
                self.end(id, CompletionEnd::Superseded, pbx);
            }
        }
    }

    /// Whom a party of a request's talks to, or will.
    pub(super) fn other(&self, id: RequestId, own: Option<LineNo>, pbx: &dyn Switch) -> Option<Identity> {
        let request = self.requests.get(id)?;
        if own != Some(request.target) {
            return Some(pbx.identity(request.target));
        }
        match &request.stage {
            Stage::Connecting(connecting) => Some(pbx.party(connecting.caller).identity),
            Stage::Waiting | Stage::Suspended(_) | Stage::Ready | Stage::Called | Stage::Recalling(_) => None,
        }
    }

    /// The requests for a line, in their order.
    fn queue(&self, target: LineNo) -> Vec<RequestId> {
        self.queues.get(&target).map(|queue| queue.requests.clone()).unwrap_or_default()
    }

    /// The callback that a line has asked for on this account.
    fn find(&self, by: LineNo, target: LineNo) -> Option<RequestId> {
        let is_it = |id: &RequestId| self.requests.get(*id).is_some_and(|request| request.is_callback_of(by));
        self.queues.get(&target)?.requests.iter().copied().find(is_it)
    }

    /// Which in the queue it is; the first is 1.
    fn place(&self, target: LineNo, id: RequestId) -> usize {
        let queue = self.queues.get(&target);
        queue.and_then(|queue| queue.requests.iter().position(|&one| one == id)).map_or(1, |place| place + 1)
    }

    /// Whether somebody is just being connected with the line.
    fn is_served(&self, target: LineNo) -> bool {
        let is_at_it = |id: &RequestId| {
            let stage = self.requests.get(*id).map(|request| &request.stage);
            let is_its_turn = |stage: &Stage| !matches!(stage, Stage::Waiting | Stage::Suspended(_));
            stage.is_some_and(is_its_turn)
        };
        self.queues.get(&target).is_some_and(|queue| queue.requests.iter().any(is_at_it))
    }

    /// Whether it could be this one's turn.
    fn is_ready(&self, id: RequestId) -> bool {
        let Some(request) = self.requests.get(id) else { return false };
        // Two who want each other: the older wish counts.
        let reverse = request.by.line().and_then(|by| self.find(request.target, by));
        let yields = reverse.and_then(|id| self.requests.get(id)).is_some_and(|other| other.order < request.order);
        matches!(request.stage, Stage::Waiting) && !request.unused && !yields
    }

    /// Whether a line is kept for somebody who is being called back, and not for this party.
    pub(super) fn keeps(&self, line: LineNo, caller: Place) -> bool {
        let keeps = |id: &RequestId| {
            let request = self.requests.get(*id);
            request.is_some_and(|it| matches!(it.stage, Stage::Recalling(_) | Stage::Ready) && it.by != caller)
        };
        self.settings.reserve_target && self.queues.get(&line).is_some_and(|queue| queue.requests.iter().any(keeps))
    }

    /// Passed over until who asked is there again.
    fn suspend(&mut self, id: RequestId, why: Suspended, pbx: &mut dyn Switch) {
        let Some(request) = self.requests.get_mut(id) else { return };
        request.stage = Stage::Suspended(why);
        let by = request.by.line();
        self.suspended.extend(by.map(|by| (by, id)));
        self.wait(id, pbx);
    }

    /// It was put off for this reason, and need not be any more: it comes first now.
    fn resume(&mut self, by: LineNo, why: Suspended, pbx: &mut dyn Switch) {
        let is_meant = |id: &RequestId| {
            let stage = self.requests.get(*id).map(|request| &request.stage);
            matches!(stage, Some(Stage::Suspended(for_that)) if *for_that == why)
        };
        let own = self.suspended.iter().filter(|(line, id)| *line == by && is_meant(id));
        let own: Vec<_> = own.map(|&(_, id)| id).collect();
        for id in own {
            self.take_up(id, pbx);
        }
    }

    fn take_up(&mut self, id: RequestId, pbx: &mut dyn Switch) {
        self.suspended.retain(|&(_, suspended)| suspended != id);
        let Some(request) = self.requests.get_mut(id) else { return };
        request.stage = Stage::Waiting;
        let target = request.target;
        if let Some(queue) = self.queues.get_mut(&target) {
            queue.requests.retain(|&one| one != id);
            queue.requests.insert(0, id);
        }
        self.wait(id, pbx);
        self.look(target, pbx);
    }

    /// Sets the one clock of a request that waits: to its end, or to the next attempt.
    fn wait(&mut self, id: RequestId, pbx: &mut dyn Switch) {
        let pause = self.settings.recall_pause;
        let now = pbx.now();
        let Some(request) = self.requests.get_mut(id) else { return };
        let left = request.until.since(now);
        let after = match request.stage {
            Stage::Suspended(Suspended::Pausing) => left.min(pause),
            Stage::Suspended(Suspended::Busy | Suspended::Away | Suspended::Quiet | Suspended::Asked)
            | Stage::Waiting => left,
            Stage::Ready | Stage::Called | Stage::Recalling(_) | Stage::Connecting(_) => return,
        };
        self.set_timer(id, after, pbx);
    }

    fn set_timer(&mut self, id: RequestId, after: Duration, pbx: &mut dyn Switch) {
        self.touch_by_id(id);
        let Some(request) = self.requests.get_mut(id) else { return };
        pbx.forget(std::mem::replace(&mut request.timer, TimerId::NONE));
        request.timer = pbx.wake(Wake::Completion(id.pack()), after.max(Duration::from_millis(1)));
    }

    /// A request's clock was lost.
    pub(super) fn rearm(&mut self, id: RequestId, pbx: &mut dyn Switch) {
        // Whoever rang or listened for it is let go, and it goes on from there.
        self.set_timer(id, Duration::from_secs(1), pbx);
        self.wait(id, pbx);
    }

    /// A request's clock has struck.
    pub(super) fn woke(&mut self, id: RequestId, pbx: &mut dyn Switch) {
        let now = pbx.now();
        let Some(request) = self.requests.get_mut(id) else { return };
        request.timer = TimerId::NONE;
        match &request.stage {
            Stage::Waiting | Stage::Suspended(_) if request.until <= now => {
                self.end(id, CompletionEnd::Expired, pbx);
            }
            Stage::Suspended(Suspended::Pausing | Suspended::Asked) => self.take_up(id, pbx),
            Stage::Waiting | Stage::Suspended(Suspended::Busy | Suspended::Away | Suspended::Quiet) => {
                self.wait(id, pbx)
            }
            Stage::Ready => self.not_called(id, pbx),
            Stage::Called => self.in_vain(id, CompletionRecall::Failed, pbx),
            Stage::Recalling(_) => self.recall_unanswered(id, pbx),
            Stage::Connecting(_) => self.target_unanswered(id, pbx),
        }
    }

    /// A request is over; whoever still rings or listens for it is let go.
    fn end(&mut self, id: RequestId, result: CompletionEnd, pbx: &mut dyn Switch) {
        let Some(request) = self.requests.remove(id) else { return };
        pbx.forget(request.timer);
        self.suspended.retain(|&(_, suspended)| suspended != id);
        self.touch(&request);
        let was_free = matches!(request.stage, Stage::Recalling(_) | Stage::Ready);
        if let Some(queue) = self.queues.get_mut(&request.target) {
            queue.requests.retain(|&one| one != id);
            if queue.requests.is_empty() {
                pbx.forget(queue.guard);
                self.queues.remove(&request.target);
            }
        }
        // It stands there as no missed call.
        request.stage.let_go(Cause::AnsweredElsewhere, pbx);
        if request.camper != SessionId::NONE {
            pbx.drop(request.camper, Cause::NoAnswer, "");
        }
        self.counters.ended.add(request.kind, result, 1);
        pbx.keep(Kept { key: Key::Completion(request.id), record: None });
        let (id, kind, waited, attempts) = (request.id, request.kind, pbx.now() - request.asked, request.attempts);
        pbx.tell(News::CompletionEnded { id, kind, result, waited, attempts });
        if was_free {
            self.serve(request.target, pbx);
        } else {
            self.look(request.target, pbx);
        }
        // Its own wish was put off for this one.
        if let Some(by) = request.by.line() {
            self.look(by, pbx);
        }
    }

    /// Fills in what there is now.
    pub(super) fn gauge(&self, gauges: &mut Gauges) {
        for (_, request) in self.requests.iter() {
            let is_ready = self.queues.get(&request.target).is_some_and(|queue| queue.guard != TimerId::NONE);
            let state = match request.stage {
                Stage::Waiting if is_ready => CompletionState::Ready,
                Stage::Waiting => CompletionState::Queued,
                Stage::Suspended(_) => CompletionState::Suspended,
                Stage::Ready | Stage::Recalling(_) => CompletionState::Recalling,
                Stage::Called | Stage::Connecting(_) => CompletionState::Connecting,
            };
            gauges.completions.add(request.kind, state, 1);
        }
    }
}
