//! The callback itself: who asked is rung, and when it answers the line is; or the line is rung for who waited.
//!
//! Knows: requests, sessions, lines (through [`Switch`]). Never: SIP, SDP.
use super::{Completions, Met, RequestId, Stage, Suspended};
use crate::base::text;
use crate::counters::{CompletionEnd, CompletionKind, CompletionRecall};
use crate::feature::announce::WHY;
use crate::feature::takeover::may_take_over;
use crate::leg::{Cause, Identity};
use crate::session::switch::Phones;
use crate::session::{
    Announcement, Duty, News, Phrase, Reason, Recall, Recalled, Ring, SessionEvent, SessionId, Switch, Whom,
};
use crate::settings::LineNo;
use arrayvec::ArrayVec;
use std::time::Duration;

/// So long only the telephone rings that the callback was asked for from; then all of the line's.
const OWN_PHONE_FIRST: Duration = Duration::from_secs(8);

/// Sessions that ring.
type Rung = ArrayVec<SessionId, { crate::base::limits::FORKS }>;

/// Who asked is rung.
#[derive(Debug)]
pub(super) struct Recalling {
    pub(super) rung: Rung,
    /// All its phones are.
    all: bool,
}

/// Who asked listens to us, and the line is rung.
#[derive(Debug)]
pub(super) struct Connecting {
    pub(super) caller: SessionId,
    pub(super) rung: Rung,
    /// Who answered there, and is being joined.
    pub(super) joining: SessionId,
    /// The best reason that a phone gave for not answering.
    verdict: Cause,
}

impl Stage {
    /// Everybody who rings or listens for it is let go, but for who waited from the beginning.
    pub(super) fn let_go(self, cause: Cause, pbx: &mut dyn Switch) {
        match self {
            Self::Waiting | Self::Suspended(_) | Self::Ready | Self::Called => {}
            Self::Recalling(recalling) => recalling.rung.into_iter().for_each(|who| pbx.drop(who, cause, "")),
            Self::Connecting(connecting) => {
                connecting.rung.into_iter().for_each(|who| pbx.drop(who, cause, ""));
                if connecting.joining != SessionId::NONE {
                    pbx.drop(connecting.joining, Cause::Normal, "");
                }
                pbx.drop(connecting.caller, Cause::Normal, "");
            }
        }
    }
}

impl Completions {
    /// The line is free: the first of those that wait for it and can be called is.
    pub(super) fn serve(&mut self, target: LineNo, pbx: &mut dyn Switch) {
        for id in self.queue(target) {
            if self.is_served(target) || !self.is_free(target, pbx) {
                return;
            }
            let waits = self.requests.get(id).is_some_and(|request| request.camper != SessionId::NONE);
            if self.is_ready(id) && self.may_disturb(id, pbx) && (waits || !self.draining) {
                self.begin(id, pbx);
            }
        }
    }

    fn begin(&mut self, id: RequestId, pbx: &mut dyn Switch) {
        let Some(request) = self.requests.get(id) else { return };
        let (kind, camper, device) = (request.kind, request.camper, request.device);
        if camper != SessionId::NONE {
            return self.connect(id, camper, pbx);
        }
        let Some(by) = request.by.line() else { return };
        if pbx.calls_of(by) > 0 {
            self.counters.recalls.add(kind, CompletionRecall::CallerBusy, 1);
            return self.suspend(id, Suspended::Busy, pbx);
        }
        if self.quiet.contains_key(&by) && !self.settings.override_dnd {
            return self.suspend(id, Suspended::Quiet, pbx);
        }
        if self.lets_call(id, pbx) {
            return;
        }
        let phones = pbx.phones(by);
        if phones.is_empty() {
            return self.suspend(id, Suspended::Away, pbx);
        }
        let own = pbx.device_of(by, device);
        let mut first: Phones = phones.iter().copied().filter(|phone| phone.device == own).collect();
        if first.is_empty() {
            first = phones.clone();
        }
        let rung = self.ring_caller(id, by, &first, pbx);
        let all = first.len() == phones.len();
        if rung.is_empty() {
            return self.in_vain(id, CompletionRecall::Failed, pbx);
        }
        if let Some(request) = self.requests.get_mut(id) {
            request.stage = Stage::Recalling(Recalling { rung, all });
        }
        let ring = self.settings.recall_ring;
        self.set_timer(id, if all { ring } else { ring.min(OWN_PHONE_FIRST) }, pbx);
    }

    /// Rings these phones of who asked: they show whom for.
    fn ring_caller(&self, id: RequestId, by: LineNo, phones: &Phones, pbx: &mut dyn Switch) -> Rung {
        let Some(request) = self.requests.get(id) else { return Rung::new() };
        let shown = pbx.identity(request.target);
        let name = self.settings.display.replace("{name|number}", shown.shown());
        let name = name.replace("{name}", &shown.name).replace("{number}", &shown.number);
        let from = Identity { name: text::cut(&name), ..shown };
        let waited = pbx.now() - request.asked;
        let (lot, of, asks) = (0, Recalled::Completion, false);
        let ring = |whom| Ring {
            whom,
            from,
            asserted: shown,
            on_behalf: SessionId::NONE,
            reason: Reason::CallCompletion,
            duty: Duty::Completion(id.pack()),
            alone: false,
            recall: Some(Recall { orbit: shown.number, waited, lot, of, asks }),
            referred_by: None,
            path: &[],
        };
        phones.iter().filter_map(|&phone| pbx.ring(ring(Whom::Phone(by, phone)))).collect()
    }

    /// Whether callbacks ring at this line, or at any colleague's, where this party may answer calls.
    pub(in crate::feature) fn rings_at(&self, line: Option<LineNo>, by: SessionId, pbx: &dyn Switch) -> bool {
        let rings_there =
            |&who: &SessionId| (line.is_none() || pbx.party(who).place.line() == line) && may_take_over(by, who, pbx);
        self.requests.iter().any(|(_, request)| match &request.stage {
            Stage::Recalling(Recalling { rung, .. }) | Stage::Connecting(Connecting { rung, .. }) => {
                rung.iter().any(rings_there)
            }
            Stage::Waiting | Stage::Suspended(_) | Stage::Ready | Stage::Called => false,
        })
    }

    pub(super) fn happened_in_recall(&mut self, id: RequestId, event: SessionEvent, pbx: &mut dyn Switch) {
        match event {
            SessionEvent::Answered(who) => self.caller_answered(id, who, pbx),
            SessionEvent::Failed(who, _) | SessionEvent::Left(who, _) | SessionEvent::Redirected(who) => {
                self.caller_failed(id, who, pbx);
            }
            SessionEvent::Alerting { .. } | SessionEvent::Spoken(_) | SessionEvent::Held(_) => {}
            SessionEvent::HoldFailed(_) | SessionEvent::Joined(..) | SessionEvent::JoinFailed(..) => {}
            SessionEvent::Idle(_) | SessionEvent::Eased(_) => {}
        }
    }

    /// Who asked is there: now the line.
    fn caller_answered(&mut self, id: RequestId, who: SessionId, pbx: &mut dyn Switch) {
        let Some(request) = self.requests.get_mut(id) else { return };
        let Stage::Recalling(Recalling { rung, .. }) = std::mem::replace(&mut request.stage, Stage::Waiting) else {
            return;
        };
        for other in rung {
            if other != who {
                pbx.drop(other, Cause::AnsweredElsewhere, "");
            }
        }
        if self.requests.get(id).is_some_and(|request| request.hidden) {
            pbx.hide(who, true);
        }
        self.connect(id, who, pbx);
    }

    /// One of its phones will not, or cannot.
    fn caller_failed(&mut self, id: RequestId, who: SessionId, pbx: &mut dyn Switch) {
        let Some(request) = self.requests.get_mut(id) else { return };
        let target = request.target;
        let Stage::Recalling(Recalling { rung, all }) = &mut request.stage else { return };
        rung.retain(|session| *session != who);
        if !rung.is_empty() {
            return;
        }
        if *all {
            self.in_vain(id, CompletionRecall::CallerNoAnswer, pbx);
            self.serve(target, pbx);
        } else {
            self.recall_unanswered(id, pbx);
        }
    }

    /// Nobody has answered at the phone that asked: at the others, perhaps; or not at all.
    pub(super) fn recall_unanswered(&mut self, id: RequestId, pbx: &mut dyn Switch) {
        let Some(request) = self.requests.get(id) else { return };
        let (target, by, device) = (request.target, request.by.line(), request.device);
        let Stage::Recalling(Recalling { all: false, .. }) = request.stage else {
            self.in_vain(id, CompletionRecall::CallerNoAnswer, pbx);
            return self.serve(target, pbx);
        };
        let Some(by) = by else { return };
        let own = pbx.device_of(by, device);
        let others: Phones = pbx.phones(by).into_iter().filter(|phone| phone.device != own).collect();
        let more = self.ring_caller(id, by, &others, pbx);
        let Some(request) = self.requests.get_mut(id) else { return };
        let Stage::Recalling(Recalling { rung, all }) = &mut request.stage else { return };
        rung.extend(more.into_iter().take(rung.remaining_capacity()));
        *all = true;
        let left = self.settings.recall_ring.saturating_sub(OWN_PHONE_FIRST);
        self.set_timer(id, left, pbx);
    }

    /// Who asked was rung in vain: once more after a pause, or never again.
    pub(super) fn in_vain(&mut self, id: RequestId, result: CompletionRecall, pbx: &mut dyn Switch) {
        let most = self.settings.recall_attempts;
        let Some(request) = self.requests.get_mut(id) else { return };
        let stage = std::mem::replace(&mut request.stage, Stage::Waiting);
        request.attempts = request.attempts.saturating_add(1);
        let (kind, is_last) = (request.kind, request.attempts >= most);
        stage.let_go(Cause::NoAnswer, pbx);
        self.recalled(id, kind, result, pbx);
        if is_last {
            self.end(id, CompletionEnd::Failed, pbx);
        } else {
            self.keep(id, pbx);
            self.suspend(id, Suspended::Pausing, pbx);
        }
    }

    /// Rings the line, for who answered or waited.
    fn connect(&mut self, id: RequestId, caller: SessionId, pbx: &mut dyn Switch) {
        let Some(request) = self.requests.get_mut(id) else { return };
        let (target, camps) = (request.target, request.camper != SessionId::NONE);
        let (rung, joining, verdict) = (Rung::new(), SessionId::NONE, Cause::Failure);
        request.stage = Stage::Connecting(Connecting { caller, rung, joining, verdict });
        let phones = match self.reach(target, pbx.party(caller).place, pbx) {
            Ok(phones) => phones,
            Err(cause) => return self.not_connected(id, cause, false, pbx),
        };
        let (from, alone) = (pbx.party(caller).identity, phones.len() == 1);
        let ring = |phone| Ring {
            whom: Whom::Phone(target, phone),
            from,
            asserted: from,
            on_behalf: caller,
            reason: Reason::CallCompletion,
            duty: Duty::Completion(id.pack()),
            alone,
            recall: None,
            referred_by: None,
            path: &[],
        };
        let sessions: Rung = phones.into_iter().filter_map(|phone| pbx.ring(ring(phone))).collect();
        if sessions.is_empty() {
            return self.not_connected(id, Cause::Overload, false, pbx);
        }
        if let Some(Stage::Connecting(connecting)) = self.requests.get_mut(id).map(|request| &mut request.stage) {
            connecting.rung = sessions;
        }
        self.set_timer(id, self.no_answer, pbx);
        if self.settings.announce && !camps {
            pbx.say(caller, Announcement::with(Phrase::Calling, pbx.identity(target).number), WHY);
        }
    }

    pub(super) fn happened_in_connection(
        &mut self,
        id: RequestId,
        event: SessionEvent,
        pbx: &mut dyn Switch,
    ) -> Option<Met> {
        match event {
            SessionEvent::Answered(who) => self.target_answered(id, who, pbx),
            SessionEvent::Joined(caller, target) => return self.connected(id, Met { caller, target }, pbx),
            SessionEvent::JoinFailed(..) => self.lost(id, CompletionEnd::Failed, pbx),
            SessionEvent::Failed(who, cause) | SessionEvent::Left(who, cause) => self.left(id, who, cause, pbx),
            // It is sent on nowhere.
            SessionEvent::Redirected(who) => self.left(id, who, Cause::Unavailable, pbx),
            SessionEvent::Alerting { .. } | SessionEvent::Spoken(_) | SessionEvent::Held(_) => {}
            SessionEvent::HoldFailed(_) | SessionEvent::Idle(_) | SessionEvent::Eased(_) => {}
        }
        None
    }

    fn target_answered(&mut self, id: RequestId, who: SessionId, pbx: &mut dyn Switch) {
        let Some(Stage::Connecting(connecting)) = self.requests.get_mut(id).map(|request| &mut request.stage) else {
            return;
        };
        if connecting.joining != SessionId::NONE {
            return;
        }
        connecting.joining = who;
        let caller = connecting.caller;
        for other in std::mem::take(&mut connecting.rung) {
            if other != who {
                pbx.drop(other, Cause::AnsweredElsewhere, "");
            }
        }
        // Whatever its phones do: this has an end.
        self.set_timer(id, self.no_answer, pbx);
        pbx.join(caller, who, Reason::CallCompletion);
    }

    /// Nobody has answered in time; or somebody has, and could not be joined in time.
    pub(super) fn target_unanswered(&mut self, id: RequestId, pbx: &mut dyn Switch) {
        match self.requests.get(id).map(|request| &request.stage) {
            Some(Stage::Connecting(connecting)) if connecting.joining != SessionId::NONE => {
                self.lost(id, CompletionEnd::Failed, pbx);
            }
            Some(_) => self.not_connected(id, Cause::NoAnswer, false, pbx),
            None => {}
        }
    }

    /// Both hear each other.
    fn connected(&mut self, id: RequestId, met: Met, pbx: &mut dyn Switch) -> Option<Met> {
        let request = self.requests.get_mut(id)?;
        // Nobody is let go for this end.
        (request.stage, request.camper) = (Stage::Waiting, SessionId::NONE);
        let kind = request.kind;
        self.recalled(id, kind, CompletionRecall::Connected, pbx);
        self.end(id, CompletionEnd::Done, pbx);
        Some(met)
    }

    fn left(&mut self, id: RequestId, who: SessionId, cause: Cause, pbx: &mut dyn Switch) {
        let Some(request) = self.requests.get_mut(id) else { return };
        let target = request.target;
        let Stage::Connecting(connecting) = &mut request.stage else { return };
        if who == connecting.caller {
            // It has changed its mind.
            return self.lost(id, CompletionEnd::Cancelled, pbx);
        }
        if who == connecting.joining {
            return self.lost(id, CompletionEnd::Failed, pbx);
        }
        connecting.rung.retain(|session| *session != who);
        if cause == Cause::Busy || connecting.verdict == Cause::Failure {
            connecting.verdict = cause;
        }
        if connecting.rung.is_empty() && connecting.joining == SessionId::NONE {
            let verdict = connecting.verdict;
            let by_itself = self.is_busy_by_itself(target, pbx);
            self.not_connected(id, verdict, by_itself, pbx);
        }
    }

    /// One of the two has gone, or they could not be joined: over.
    fn lost(&mut self, id: RequestId, end: CompletionEnd, pbx: &mut dyn Switch) {
        let Some(kind) = self.requests.get(id).map(|request| request.kind) else { return };
        self.recalled(id, kind, CompletionRecall::Failed, pbx);
        self.end(id, end, pbx);
    }

    /// The line could not be reached after all. `is_idle`: it says that it is busy, but has no call that we know of.
    pub(super) fn not_connected(&mut self, id: RequestId, cause: Cause, is_idle: bool, pbx: &mut dyn Switch) {
        let Some(request) = self.requests.get_mut(id) else { return };
        let (kind, target, camps) = (request.kind, request.target, request.camper != SessionId::NONE);
        let Stage::Connecting(Connecting { caller, rung, .. }) = std::mem::replace(&mut request.stage, Stage::Waiting)
        else {
            return;
        };
        for who in rung {
            pbx.drop(who, cause, "");
        }
        let result = result_of(cause);
        self.recalled(id, kind, result, pbx);
        let chains = self.settings.chain_no_reply && !camps && result == CompletionRecall::TargetNoAnswer;
        let retains = result == CompletionRecall::TargetBusy && (camps || self.settings.retain);
        if retains && is_idle {
            self.shut(target, pbx);
        }
        if !(retains && camps) {
            if let Some(request) = self.requests.get_mut(id) {
                request.camper = SessionId::NONE;
            }
            let said = match result {
                CompletionRecall::TargetBusy if retains => Some(Phrase::BusyAgain),
                CompletionRecall::TargetBusy => None,
                CompletionRecall::TargetNoAnswer | CompletionRecall::Failed => Some(Phrase::NobodyAnswers),
                CompletionRecall::Connected | CompletionRecall::CallerNoAnswer | CompletionRecall::CallerBusy => None,
            };
            dismiss(caller, said, cause, pbx);
        }
        if chains {
            self.chain(id, pbx.now());
        }
        if retains || chains {
            self.keep(id, pbx);
            self.wait(id, pbx);
        } else {
            self.end(id, CompletionEnd::Failed, pbx);
        }
    }

    /// Nobody answered who had been busy, or away: now its phone must be used first.
    fn chain(&mut self, id: RequestId, now: crate::base::Time) {
        let lifetime = self.settings.no_reply_lifetime;
        if let Some(request) = self.requests.get_mut(id) {
            (request.kind, request.unused, request.until) = (CompletionKind::NoReply, true, now + lifetime);
        }
    }

    /// The line is busy without a call of ours: nobody asks it again before it was used.
    fn shut(&mut self, target: LineNo, pbx: &mut dyn Switch) {
        for id in self.queue(target) {
            if let Some(request) = self.requests.get_mut(id) {
                request.unused = true;
                self.keep(id, pbx);
            }
        }
    }

    pub(super) fn recalled(
        &mut self,
        id: RequestId,
        kind: CompletionKind,
        result: CompletionRecall,
        pbx: &mut dyn Switch,
    ) {
        self.counters.recalls.add(kind, result, 1);
        if let Some(request) = self.requests.get(id) {
            pbx.tell(News::CompletionRecalled { id: request.id, kind, result });
        }
    }
}

/// Who was called back, or waited, hears why it is hung up on.
fn dismiss(caller: SessionId, said: Option<Phrase>, cause: Cause, pbx: &mut dyn Switch) {
    match said {
        Some(phrase) => {
            pbx.assign(caller, Duty::Code);
            pbx.say(caller, Announcement::of(phrase), WHY);
        }
        None => pbx.drop(caller, cause, ""),
    }
}

pub(super) const fn result_of(cause: Cause) -> CompletionRecall {
    match cause {
        Cause::Busy => CompletionRecall::TargetBusy,
        Cause::NoAnswer | Cause::Unavailable | Cause::Timeout => CompletionRecall::TargetNoAnswer,
        Cause::Normal | Cause::Rejected | Cause::Cancelled | Cause::AnsweredElsewhere | Cause::NotFound => {
            CompletionRecall::Failed
        }
        Cause::Forbidden | Cause::Incomplete | Cause::Gone | Cause::NotAcceptable | Cause::Glare => {
            CompletionRecall::Failed
        }
        Cause::NotBuilt | Cause::Overload | Cause::Loop | Cause::MediaTimeout | Cause::Failure => {
            CompletionRecall::Failed
        }
    }
}
