//! Callbacks, and who waits on the line: requests in the order in which they will be served.
use super::super::super::office::{CARRIER, secs};
use super::super::super::world::{End, Who, World};
use super::come::Window;
use super::{Belief, line, pick};
use std::time::Duration;

/// How long a line must have been free.
pub(in super::super) const GUARD: Duration = secs(20);
/// How long who asked is rung; at first only where it asked from.
pub(in super::super) const RECALL: Duration = secs(50);
pub(super) const OWN_PHONE_FIRST: Duration = secs(8);
pub(in super::super) const ATTEMPTS: u8 = 2;
pub(in super::super) const PAUSE: Duration = secs(40);
pub(in super::super) const BUSY_LIFE: Duration = secs(900);
pub(in super::super) const OTHER_LIFE: Duration = secs(600);

/// Why a call failed, if that can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Busy,
    NoReply,
    Away,
}

/// A line's last call that came to nothing; nobody is called back where it was for no line, or had been sent on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    target: Option<Who>,
    kind: Kind,
    hidden: bool,
}

/// Somebody wants a line.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) by: Who,
    pub(super) device: Who,
    pub(super) target: Who,
    pub(super) kind: Kind,
    /// Of two the lower was there first.
    pub(super) order: u32,
    pub(super) until: Window,
    pub(super) attempts: u8,
    /// The line must be used first.
    pub(super) unused: bool,
    /// Who waits on the line.
    pub(super) camper: Option<End>,
    /// The line is not to see who calls.
    pub(super) hidden: bool,
    /// When it was taken up again last.
    pub(super) resumed: Option<Window>,
    pub(super) stage: Stage,
}

/// How far it is.
#[derive(Debug)]
pub(super) enum Stage {
    Waiting,
    /// Put off, the how-manieth, until who asked has no call, or a telephone, or may be disturbed.
    Suspended(u32, Why),
    Pausing(Window),
    /// Who asked is rung: at all its telephones, or not yet.
    Recalling(Vec<End>, bool, Window),
    /// The line is rung for who listens; whether one of its telephones has said that it is busy.
    Connecting(End, Vec<End>, Option<Kind>, Window),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Busy,
    Away,
    Quiet,
}

/// What a request waits for that comes by itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum Due {
    Guard(Who),
    /// By the order of its request.
    Request(u32),
}

impl Request {
    pub(super) fn is_callback(&self, by: Who, target: Who) -> bool {
        (self.by, self.target) == (by, target) && self.camper.is_none()
    }

    pub(super) const fn is_served(&self) -> bool {
        matches!(self.stage, Stage::Recalling(..) | Stage::Connecting(..))
    }

    fn ends(&self) -> Vec<End> {
        let mut ends = match &self.stage {
            Stage::Waiting | Stage::Suspended(..) | Stage::Pausing(_) => Vec::new(),
            Stage::Recalling(rung, ..) => rung.clone(),
            Stage::Connecting(caller, rung, ..) => rung.iter().copied().chain([*caller]).collect(),
        };
        ends.extend(self.camper.filter(|camper| !ends.contains(camper)));
        ends
    }

    /// When something comes of it by itself.
    pub(super) const fn due(&self) -> Window {
        match self.stage {
            Stage::Recalling(_, _, until) | Stage::Connecting(_, _, _, until) | Stage::Pausing(until) => until,
            Stage::Waiting | Stage::Suspended(..) => self.until,
        }
    }

    /// As the engine calls it.
    pub(super) const fn stage(&self) -> &'static str {
        match self.stage {
            Stage::Waiting => "waiting",
            Stage::Suspended(..) | Stage::Pausing(_) => "suspended",
            Stage::Recalling(..) => "recalling",
            Stage::Connecting(..) => "connecting",
        }
    }
}

impl Belief {
    /// Everybody who rings, listens or waits for a request.
    pub(super) fn of_requests(&self) -> impl Iterator<Item = End> {
        self.requests.iter().flat_map(Request::ends)
    }

    /// What rings for them.
    pub(super) fn rung_for_requests(&self) -> impl Iterator<Item = End> {
        self.requests.iter().flat_map(|request| match &request.stage {
            Stage::Recalling(rung, ..) | Stage::Connecting(_, rung, ..) => rung.clone(),
            Stage::Waiting | Stage::Suspended(..) | Stage::Pausing(_) => Vec::new(),
        })
    }

    pub(in super::super) fn rung_for_a_request(&self, which: usize) -> Option<End> {
        pick(self.rung_for_requests(), which)
    }

    /// Whom a party of a request's will talk to, by number.
    pub(super) fn wanted(&self, end: End, office: &World) -> Option<String> {
        let request = self.requests.iter().find(|request| request.ends().contains(&end))?;
        match &request.stage {
            Stage::Connecting(caller, rung, ..) if rung.contains(&end) => Some(self.number_of(*caller, office)),
            Stage::Connecting(..)
            | Stage::Recalling(..)
            | Stage::Waiting
            | Stage::Suspended(..)
            | Stage::Pausing(_) => Some(office.phones[request.target.0].number.clone()),
        }
    }

    /// Whether somebody waits for a line, or the line for somebody.
    pub(in super::super) fn has_requests(&self, at: Who) -> bool {
        self.requests.iter().any(|request| [request.by, request.target].contains(&at))
    }

    /// What the key for a callback shows: whether it was asked for, and whether it comes.
    pub(super) fn key(&self, by: Who, target: Who) -> Option<bool> {
        self.requests.iter().find(|request| request.is_callback(by, target)).map(Request::is_served)
    }

    /// A line whose last call failed where one can be called back.
    pub(in super::super) fn may_ask(&self, which: usize) -> Option<Who> {
        let all = self.lines.iter().enumerate();
        pick(all.filter(|(_, line)| line.failed.is_some_and(|it| it.target.is_some())).map(|(at, _)| Who(at)), which)
    }

    // What people do.

    /// A line's call to another, that came this way, came to nothing: nobody is called back where it had been sent on.
    pub(super) fn fails(&mut self, caller: End, (path, at, kind): (&[Who], Who, Kind)) -> Option<Who> {
        let target = Some(at).filter(|&at| path.is_empty() && at != CARRIER);
        let hidden = self.hidden.contains(&caller);
        self.lines[line(caller.who).0].failed = Some(Failed { target, kind, hidden });
        target
    }

    /// A line's call to something else came to nothing.
    pub(in super::super) fn fails_elsewhere(&mut self, caller: End) {
        self.fails(caller, (&[], CARRIER, Kind::NoReply));
    }

    /// A call to this line that came this way is refused; its caller may wait. `rang`: its telephones were rung.
    pub(in super::super) fn refused(
        &mut self,
        caller: End,
        (path, at, kind): (&[Who], Who, Kind),
        rang: bool,
        office: &World,
    ) {
        let target = self.fails(caller, (path, at, kind));
        let Some(target) =
            target.filter(|&target| self.rules.camps && kind == Kind::Busy && target != line(caller.who))
        else {
            return;
        };
        let unused = rang && self.calls_of(target) == 0;
        let request = self.request(caller.who, target, kind, self.during(office));
        self.requests.push(Request { camper: Some(caller), unused, ..request });
    }

    fn request(&mut self, device: Who, target: Who, kind: Kind, window: Window) -> Request {
        self.orders += 1;
        let until = window.plus(if kind == Kind::Busy { BUSY_LIFE } else { OTHER_LIFE });
        let (by, order, stage) = (line(device), self.orders, Stage::Waiting);
        Request {
            by,
            device,
            target,
            kind,
            order,
            until,
            attempts: 0,
            unused: false,
            camper: None,
            hidden: false,
            resumed: None,
            stage,
        }
    }

    /// Somebody asks to be called back for its last call.
    pub(in super::super) fn asks(&mut self, who: Who, office: &World) {
        if let Some(Failed { target: Some(target), kind, hidden }) = self.lines[line(who).0].failed {
            self.asks_for(who, target, (kind, hidden), office);
        }
    }

    fn asks_for(&mut self, who: Who, target: Who, (kind, hidden): (Kind, bool), office: &World) {
        if self.key(line(who), target).is_none() {
            let unused = kind == Kind::NoReply && self.calls_of(target) == 0;
            let request = self.request(who, target, kind, self.during(office));
            self.requests.push(Request { unused, hidden, ..request });
        }
    }

    /// The key for a callback is pressed.
    pub(in super::super) fn presses(&mut self, who: Who, target: Who, office: &World) {
        // Nobody has used the telephone for anything else.
        self.pressed = Some(who);
        match self.requests.iter().position(|request| request.is_callback(line(who), target)) {
            Some(at) => self.end(at, self.during(office), office),
            None => {
                let kind = if self.telephones(target).is_empty() { Kind::Away } else { Kind::Busy };
                self.asks_for(who, target, (kind, false), office);
            }
        }
    }

    /// A line takes back what it has asked for.
    pub(in super::super) fn cancels(&mut self, by: Who, office: &World) {
        let is_its = |request: &&Request| request.by == by && request.camper.is_none();
        let mut own: Vec<u32> = self.requests.iter().filter(is_its).map(|request| request.order).collect();
        own.sort_unstable();
        for order in own {
            self.end_of(order, self.during(office), office);
        }
    }

    /// Two talk: whatever they wanted of each other, they have.
    pub(super) fn met(&mut self, one: End, other: End, window: Window, office: &World) {
        for (by, target) in [(one, other), (other, one)].map(|(by, target)| (line(by.who), line(target.who))) {
            if let Some(at) = self.requests.iter().position(|request| request.is_callback(by, target)) {
                self.end(at, window, office);
            }
        }
    }

    /// One that rang for a request answers. Whether it did.
    pub(super) fn answered_request(&mut self, end: End, office: &World) -> bool {
        let Some(at) = self.requests.iter().position(|request| request.ends().contains(&end)) else { return false };
        let window = self.during(office);
        match std::mem::replace(&mut self.requests[at].stage, Stage::Waiting) {
            Stage::Connecting(caller, ..) => {
                self.requests.remove(at);
                self.meet(caller, end, office);
            }
            Stage::Recalling(..) | Stage::Waiting | Stage::Suspended(..) | Stage::Pausing(_) => {
                self.connect(self.requests[at].order, end, window, office);
            }
        }
        true
    }

    /// Somebody hung up, or refused: one that rang, listened or waited for a request.
    pub(super) fn left_request(&mut self, end: End, busy: bool, office: &World) {
        let Some(at) = self.requests.iter().position(|request| request.ends().contains(&end)) else { return };
        let window = self.during(office);
        let (order, target) = (self.requests[at].order, self.requests[at].target);
        match &mut self.requests[at].stage {
            Stage::Recalling(rung, all, _) => {
                rung.retain(|&rings| rings != end);
                match (rung.is_empty(), *all) {
                    (false, _) => {}
                    (true, true) => self.in_vain(order, window, office),
                    (true, false) => self.rings_elsewhere(order, window, office),
                }
            }
            Stage::Connecting(_, rung, verdict, _) if rung.contains(&end) => {
                rung.retain(|&rings| rings != end);
                if busy || verdict.is_none() {
                    *verdict = Some(if busy { Kind::Busy } else { Kind::NoReply });
                }
                let verdict = verdict.filter(|_| rung.is_empty());
                if let Some(verdict) = verdict {
                    let is_idle = self.calls_of(target) == 0;
                    self.not_connected(order, verdict, is_idle, window);
                }
            }
            Stage::Connecting(..) | Stage::Waiting | Stage::Suspended(..) | Stage::Pausing(_) => {
                self.end(at, window, office);
            }
        }
    }
}
