//! A call has failed: its caller may ask to be called back, by a key while it hears why or by a code later, or may wait.
//!
//! Knows: sessions, lines (through [`Switch`]). Never: SIP, how a key was told.
use super::{Ask, Asked, Completions, Met, Refused, RequestId, Stage};
use crate::base::limits::FAILED_CALLS;
use crate::base::text::cut;
use crate::base::{Handle, Time};
use crate::counters::{CompletionAsked, CompletionEnd, CompletionKind, CompletionVia};
use crate::feature::announce::WHY;
use crate::leg::{Cause, Identity};
use crate::session::{Announcement, Device, Duty, Party, Phrase, SessionEvent, SessionId, Sound, Switch};
use crate::settings::{CompletionOffer, LineNo, MusicNo, Operation};

/// A line's call that came to nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    by: LineNo,
    /// Whom it was for; nothing if that was no line of ours.
    target: Option<LineNo>,
    kind: CompletionKind,
    /// It was not to see who called.
    hidden: bool,
    at: Time,
}

impl Completions {
    /// A call for this line, or for somebody else, is refused. `rang`: its phones were rung.
    pub(in crate::feature) fn refuse(
        &mut self,
        caller: SessionId,
        (called, rang): (Option<LineNo>, bool),
        (cause, words): (Cause, &str),
        pbx: &mut dyn Switch,
    ) {
        let kind = kind_of(called, cause, pbx);
        if let Some(kind) = kind {
            self.note(&pbx.party(caller), called, kind, pbx.now());
        }
        if let Some((target, kind)) = called.zip(kind).filter(|&(target, _)| self.may_have(caller, target, pbx)) {
            pbx.mark_completable(caller, Some((pbx.identity(target).number, kind)));
        }
        match called.zip(kind).filter(|_| self.settings.enabled && !self.draining) {
            Some((target, CompletionKind::Busy)) if self.camps(caller, target, rang, pbx) => {}
            Some((target, kind)) if self.may_offer(caller, target, pbx) => {
                self.offer(caller, (target, kind), (cause, words), pbx);
            }
            Some(_) | None => pbx.drop(caller, cause, words),
        }
    }

    /// Whether a caller that is told that a line rings is told, too, that it may be called back should nobody answer: at least
    /// one provisional response has to say so (RFC 6910 §7.1). None does unless that is wished: it makes every call longer, and
    /// hardly a phone reads it.
    pub(in crate::feature) const fn tells_ringing(&self) -> bool {
        self.settings.tell_ringing && self.settings.enabled && !self.draining
    }

    /// A caller is just being told that this line rings. Whether it may be called back, and is told so.
    pub(in crate::feature) fn mark_ringing(
        &self,
        caller: SessionId,
        called: Option<LineNo>,
        pbx: &mut dyn Switch,
    ) -> bool {
        let Some(target) = called.filter(|&target| self.may_have(caller, target, pbx)) else {
            return false;
        };
        pbx.mark_completable(caller, Some((pbx.identity(target).number, CompletionKind::NoReply)));
        true
    }

    /// A caller hung up while it heard the line ring: nobody answered, for all it knows.
    pub(in crate::feature) fn given_up(&mut self, caller: SessionId, called: Option<LineNo>, pbx: &dyn Switch) {
        self.note(&pbx.party(caller), called, CompletionKind::NoReply, pbx.now());
    }

    /// A line's call to something where nobody can be called back came to nothing.
    pub(in crate::feature) fn note_other(&mut self, caller: &Party, now: Time) {
        self.note(caller, None, CompletionKind::NoReply, now);
    }

    fn note(&mut self, caller: &Party, target: Option<LineNo>, kind: CompletionKind, at: Time) {
        let (Some(by), hidden) = (caller.place.line(), caller.identity.private) else { return };
        let window = self.settings.offer_window;
        while self.failed.front().is_some_and(|first| at - first.at > window) || self.failed.len() >= FAILED_CALLS {
            self.failed.pop_front();
        }
        self.failed.push_back(Failed { by, target, kind, hidden, at });
    }

    /// Whether a caller may be asked whether it wants to be called back.
    fn may_offer(&self, caller: SessionId, target: LineNo, pbx: &dyn Switch) -> bool {
        self.settings.offer != CompletionOffer::Silent && self.may_have(caller, target, pbx)
    }

    /// Whether a caller may be called back.
    fn may_have(&self, caller: SessionId, target: LineNo, pbx: &dyn Switch) -> bool {
        pbx.party(caller).place.line().is_some_and(|by| self.may_ask(by, target, pbx).is_ok())
    }

    /// Says why, and which key to press.
    fn offer(
        &self,
        caller: SessionId,
        (target, kind): (LineNo, CompletionKind),
        why: (Cause, &str),
        pbx: &mut dyn Switch,
    ) {
        let (duty, window) = (Duty::Offered(target, kind), self.settings.prompt_window);
        let said = Announcement::of(match kind {
            CompletionKind::Busy => Phrase::BusyPressFive,
            CompletionKind::NoReply => Phrase::NoReplyPressFive,
            CompletionKind::NotRegistered => Phrase::AwayPressFive,
        });
        if self.settings.offer == CompletionOffer::Answered && pbx.can_accept(caller) {
            pbx.accept(caller, Sound::Silence, pbx.identity(target));
            pbx.assign(caller, duty);
            pbx.say(caller, said.twice(), window);
        } else {
            pbx.dismiss(caller, said.twice(), window, why);
            pbx.assign(caller, duty);
        }
    }

    /// The caller may stay on the line until the other one is free. Whether it does.
    fn camps(&mut self, caller: SessionId, target: LineNo, rang: bool, pbx: &mut dyn Switch) -> bool {
        let may = self.settings.camp_on && pbx.callbacks(target).give && self.has_place(target);
        let by = pbx.party(caller).place;
        if !may || by.line() == Some(target) || !pbx.can_accept(caller) {
            return false;
        }
        pbx.accept(caller, Sound::Music(MusicNo::default()), pbx.identity(target));
        let unused = rang && self.is_busy_by_itself(target, pbx);
        let device = pbx.device(caller).unwrap_or(Device::NOWHERE);
        let kind = CompletionKind::Busy;
        let id = self.add(by, device, (target, kind), (CompletionVia::Digit, unused), pbx);
        if let Some(request) = self.requests.get_mut(id) {
            (request.camper, request.hidden) = (caller, pbx.party(caller).identity.private);
        }
        pbx.assign(caller, Duty::Completion(id.pack()));
        let may_leave = self.may_have(caller, target, pbx);
        pbx.say(caller, Announcement::of(if may_leave { Phrase::BusyStay } else { Phrase::Comfort }), WHY);
        true
    }

    /// A party pressed a key: one that hears why its call failed, or one that waits.
    pub(in crate::feature) fn pressed(&mut self, who: SessionId, key: u8, pbx: &mut dyn Switch) {
        if char::from(key) != self.settings.key {
            return;
        }
        match pbx.duty(who) {
            Some(Duty::Offered(target, kind)) => {
                let Some(by) = pbx.party(who).place.line() else { return };
                let device = pbx.device(who).unwrap_or(Device::NOWHERE);
                let hidden = pbx.party(who).identity.private;
                let asked = self.ask(Ask { by, device, target, kind, via: CompletionVia::Digit, hidden }, pbx);
                tell_early(who, asked, kind, pbx);
            }
            Some(Duty::Completion(id)) => self.leaves(Handle::unpack(id), who, pbx),
            Some(Duty::Call(_) | Duty::Reminder(_) | Duty::Retriever(_) | Duty::Parked(_) | Duty::Reserver(_)) => {}
            Some(Duty::Told(_) | Duty::Echo(_) | Duty::Code) | None => {}
        }
    }

    /// Who waited on the line is called back instead, and keeps its place.
    fn leaves(&mut self, id: RequestId, who: SessionId, pbx: &mut dyn Switch) {
        let Some(request) = self.requests.get(id) else { return };
        let (target, kind) = (request.target, request.kind);
        let waits = matches!(request.stage, Stage::Waiting) && request.camper == who;
        let Some(by) = request.by.line().filter(|_| waits) else { return };
        if let Err(refused) = self.may_ask(by, target, pbx) {
            self.counters.asked(CompletionVia::Digit, kind, refused.counted());
            return;
        }
        self.counters.asked(CompletionVia::Digit, kind, CompletionAsked::Accepted);
        let before = self.find(by, target);
        if let Some(request) = self.requests.get_mut(id) {
            request.camper = SessionId::NONE;
        }
        let place = self.place(target, before.unwrap_or(id));
        if before.is_some() {
            // One is enough.
            self.end(id, CompletionEnd::Cancelled, pbx);
        } else {
            self.keep(id, pbx);
        }
        tell_early(who, Ok(Asked::Placed(place)), kind, pbx);
    }

    /// Something happened to a party of a request's. Who talks to whom, if that was all there is to it.
    pub(in crate::feature) fn happened(
        &mut self,
        id: RequestId,
        event: SessionEvent,
        pbx: &mut dyn Switch,
    ) -> Option<Met> {
        match &self.requests.get(id)?.stage {
            Stage::Recalling(_) => self.happened_in_recall(id, event, pbx),
            Stage::Connecting(_) => return self.happened_in_connection(id, event, pbx),
            // They have no party: the call has.
            Stage::Ready | Stage::Called => {}
            // Who waits hung up.
            Stage::Waiting | Stage::Suspended(_) => {
                if let SessionEvent::Left(..) = event {
                    self.end(id, CompletionEnd::Cancelled, pbx);
                }
            }
        }
        None
    }

    /// A code for callbacks was dialled. Whether it could be done.
    pub(in crate::feature) fn code(&mut self, who: SessionId, operation: Operation, pbx: &mut dyn Switch) -> bool {
        let done = match pbx.party(who).place.line() {
            None => Err(Refused::NotAllowed),
            Some(by) if operation == Operation::CallbackCancel => {
                if self.cancel(by, pbx) {
                    Ok((Asked::Cancelled, None))
                } else {
                    Err(Refused::NothingAsked)
                }
            }
            Some(by) => self.ask_for_last(by, who, pbx),
        };
        tell_of(who, done, pbx)
    }

    fn ask_for_last(
        &mut self,
        by: LineNo,
        who: SessionId,
        pbx: &mut dyn Switch,
    ) -> Result<(Asked, Option<LineNo>), Refused> {
        let (now, window) = (pbx.now(), self.settings.offer_window);
        let last =
            self.failed.iter().rev().take_while(|failed| now - failed.at <= window).find(|failed| failed.by == by);
        let Failed { target, kind, hidden, .. } = *last.ok_or(Refused::NothingFailed)?;
        let via = CompletionVia::Code;
        let Some(target) = target else {
            self.counters.asked(via, kind, CompletionAsked::NotAllowed);
            return Err(Refused::NotPossible);
        };
        let device = pbx.device(who).unwrap_or(Device::NOWHERE);
        Ok((self.ask(Ask { by, device, target, kind, via, hidden }, pbx)?, Some(target)))
    }
}

/// What is said of it.
fn said(asked: Asked) -> Announcement {
    match asked {
        Asked::Placed(place) => Announcement::with(Phrase::WillCallBack, cut(&place.to_string())),
        Asked::Cancelled => Announcement::of(Phrase::CallbackCancelled),
    }
}

const fn words(asked: Asked) -> &'static str {
    match asked {
        Asked::Placed(_) => "You will be called back",
        Asked::Cancelled => "The callback is cancelled",
    }
}

/// Who dialled for it hears what came of it. Whether it could be done.
pub(super) fn tell_of(who: SessionId, done: Result<(Asked, Option<LineNo>), Refused>, pbx: &mut dyn Switch) -> bool {
    match done {
        Ok((asked, target)) => tell(who, asked, target, pbx),
        Err(refused) => {
            let why = (refused.cause(), refused.words());
            pbx.dismiss(who, Announcement::of(refused.phrase()), WHY, why);
        }
    }
    done.is_ok()
}

/// Who dialled a code is answered, hears what came of it, and is hung up on.
fn tell(who: SessionId, asked: Asked, target: Option<LineNo>, pbx: &mut dyn Switch) {
    if !pbx.can_accept(who) {
        return pbx.drop(who, Cause::Unavailable, words(asked));
    }
    let number = target.map(|target| pbx.identity(target).number).unwrap_or_default();
    pbx.accept(who, Sound::Silence, Identity::new(&number, words(asked)));
    pbx.say(who, said(asked), WHY);
}

/// The same for who is being told why its call failed, or waited.
fn tell_early(who: SessionId, asked: Result<Asked, Refused>, kind: CompletionKind, pbx: &mut dyn Switch) {
    let said = asked.map_or_else(|refused| Announcement::of(refused.phrase()), said);
    if pbx.state(who).is_up() {
        pbx.assign(who, Duty::Code);
        return pbx.say(who, said, WHY);
    }
    let cause = match kind {
        CompletionKind::Busy => Cause::Busy,
        CompletionKind::NoReply => Cause::NoAnswer,
        CompletionKind::NotRegistered => Cause::Unavailable,
    };
    pbx.dismiss(who, said, WHY, (cause, asked.map_or_else(Refused::words, words)));
}

/// Why a call failed, if that can change.
fn kind_of(called: Option<LineNo>, cause: Cause, pbx: &dyn Switch) -> Option<CompletionKind> {
    match cause {
        Cause::Busy => Some(CompletionKind::Busy),
        Cause::NoAnswer => Some(CompletionKind::NoReply),
        Cause::Unavailable | Cause::Timeout | Cause::Gone => {
            let is_away = called.is_some_and(|line| pbx.phones(line).is_empty());
            Some(if is_away { CompletionKind::NotRegistered } else { CompletionKind::NoReply })
        }
        Cause::Normal | Cause::Rejected | Cause::Cancelled | Cause::AnsweredElsewhere | Cause::NotFound => None,
        Cause::Forbidden | Cause::Incomplete | Cause::NotAcceptable | Cause::Glare | Cause::NotBuilt => None,
        Cause::Overload | Cause::Loop | Cause::MediaTimeout | Cause::Failure => None,
    }
}
