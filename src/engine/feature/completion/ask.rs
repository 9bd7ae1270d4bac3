//! Asking to be called back, and taking that back: who may, for whom, and how often.
//!
//! Knows: requests, lines (through [`Switch`]). Never: how it was asked.
use super::refusal::Refused;
use super::{Completions, Request, RequestId, Stage};
use crate::base::limits::CALLBACKS_WITHIN_THE_HOUR;
use crate::base::{Time, TimerId};
use crate::counters::{CompletionAsked, CompletionEnd, CompletionKind, CompletionVia};
use crate::session::{Device, News, Place, SessionId, Switch};
use crate::settings::LineNo;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// A wish.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) by: LineNo,
    pub(super) device: Device,
    pub(super) target: LineNo,
    pub(super) kind: CompletionKind,
    pub(super) via: CompletionVia,
    /// The one that is called is not to see by whom.
    pub(super) hidden: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It has this place in the queue.
    Placed(usize),
    /// It was there already, and is no more.
    Cancelled,
}

impl Completions {
    /// Somebody wants to be called back.
    pub(super) fn ask(&mut self, ask: Ask, pbx: &mut dyn Switch) -> Result<Asked, Refused> {
        let Ask { by, target, kind, via, .. } = ask;
        if let Some(id) = self.find(by, target) {
            self.counters.asked(via, kind, CompletionAsked::Duplicate);
            if self.settings.toggle {
                self.end(id, CompletionEnd::Cancelled, pbx);
                return Ok(Asked::Cancelled);
            }
            return Ok(Asked::Placed(self.place(target, id)));
        }
        let may = self.may_ask(by, target, pbx).and_then(|()| self.has_room(by, target, pbx.now()));
        if let Err(refused) = may {
            self.counters.asked(via, kind, refused.counted());
            return Err(refused);
        }
        self.counters.asked(via, kind, CompletionAsked::Accepted);
        self.remember(by, pbx.now());
        // Who does not answer may be there and free for hours: not before its phone was used is it called again.
        let unused = kind == CompletionKind::NoReply && !self.is_taken(target, pbx);
        let id = self.add(Place::Line(by), ask.device, (target, kind), (via, unused), pbx);
        if let Some(request) = self.requests.get_mut(id) {
            request.hidden = ask.hidden;
        }
        self.keep(id, pbx);
        self.look(target, pbx);
        Ok(Asked::Placed(self.place(target, id)))
    }

    /// Puts a request at the end of its queue.
    pub(super) fn add(
        &mut self,
        by: Place,
        device: Device,
        (target, kind): (LineNo, CompletionKind),
        (via, unused): (CompletionVia, bool),
        pbx: &mut dyn Switch,
    ) -> RequestId {
        let (now, id) = (pbx.now(), pbx.token());
        let until = now + self.lifetime(kind);
        self.orders += 1;
        let request = Request {
            id,
            order: self.orders,
            by,
            device,
            target,
            kind,
            asked: now,
            until,
            attempts: 0,
            unused,
            restored: false,
            camper: SessionId::NONE,
            watches: false,
            hidden: false,
            stage: Stage::Waiting,
            timer: TimerId::NONE,
        };
        let handle = self.requests.insert(request);
        self.queues.entry(target).or_default().requests.push(handle);
        self.wait(handle, pbx);
        let by = by.line().map(|line| pbx.identity(line).number.to_string()).unwrap_or_default();
        let target = pbx.identity(target).number.to_string();
        pbx.tell(News::CompletionRequested { id, by, target, kind, via });
        handle
    }

    /// Takes back what a line has asked for: all of it, or the last. Whether there was anything.
    pub(super) fn cancel(&mut self, by: LineNo, pbx: &mut dyn Switch) -> bool {
        let own = self.requests.iter().filter(|(_, request)| request.is_callback_of(by));
        let mut found: Vec<_> = own.map(|(id, request)| (request.asked, id)).collect();
        found.sort_by_key(|&(asked, _)| asked);
        let from = if self.settings.cancel_last { found.len().saturating_sub(1) } else { 0 };
        for &(_, id) in &found[from..] {
            self.end(id, CompletionEnd::Cancelled, pbx);
        }
        !found.is_empty()
    }

    /// Whether a line may be called back for another.
    pub(super) fn may_ask(&self, by: LineNo, target: LineNo, pbx: &dyn Switch) -> Result<(), Refused> {
        if !self.settings.enabled || !pbx.callbacks(by).ask {
            return Err(Refused::NotAllowed);
        }
        if by == target || !pbx.callbacks(target).give { Err(Refused::NotPossible) } else { Ok(()) }
    }

    /// Whether there is room for one more.
    fn has_room(&self, by: LineNo, target: LineNo, now: Time) -> Result<(), Refused> {
        let settings = &self.settings;
        let own = self.requests.iter().filter(|(_, request)| request.by == Place::Line(by)).count();
        let recent = self.within_the_hour.iter().rev().take_while(|&&(at, _)| now - at < HOUR);
        let often = recent.filter(|&&(_, line)| line == by).count();
        let too_many = own >= settings.max_per_requester || often >= settings.max_per_hour;
        if too_many || !self.has_place(target) { Err(Refused::TooMany) } else { Ok(()) }
    }

    /// Whether the queue of a line has a place left.
    pub(super) fn has_place(&self, target: LineNo) -> bool {
        self.requests.len() < self.settings.max_total
            && self.queues.get(&target).map_or(0, |queue| queue.requests.len()) < self.settings.max_per_target
    }

    pub(super) fn remember(&mut self, by: LineNo, now: Time) {
        while self.within_the_hour.front().is_some_and(|&(at, _)| now - at >= HOUR)
            || self.within_the_hour.len() >= CALLBACKS_WITHIN_THE_HOUR
        {
            self.within_the_hour.pop_front();
        }
        self.within_the_hour.push_back((now, by));
    }

    pub(super) const fn lifetime(&self, kind: CompletionKind) -> Duration {
        match kind {
            CompletionKind::Busy => self.settings.busy_lifetime,
            CompletionKind::NoReply => self.settings.no_reply_lifetime,
            CompletionKind::NotRegistered => self.settings.not_registered_lifetime,
        }
    }
}
