//! Callbacks, and who waits on the line: requests in the order in which they will be served.
use super::super::super::office::{CARRIER, secs};
use super::super::super::phone::Stage as Seen;
use super::super::super::world::{End, Who, World};
use super::come::Window;
use super::{Belief, NO_ANSWER, line, pick};
use crate::session::Place;
use crate::settings::LineNo;
use std::time::Duration;

/// How long a line must have been free.
pub(in super::super) const GUARD: Duration = secs(15);
/// How long who asked is rung; at first only where it asked from.
pub(in super::super) const RECALL: Duration = secs(50);
const OWN_PHONE_FIRST: Duration = secs(8);
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
}

/// Somebody wants a line.
#[derive(Debug)]
pub(super) struct Request {
    by: Who,
    device: Who,
    target: Who,
    kind: Kind,
    /// Of two the lower was there first.
    order: u32,
    until: Window,
    attempts: u8,
    /// The line must be used first.
    unused: bool,
    /// Who waits on the line.
    camper: Option<End>,
    /// When it was taken up again last.
    resumed: Option<Window>,
    stage: Stage,
}

/// How far it is.
#[derive(Debug)]
enum Stage {
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
enum Why {
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
    fn is_callback(&self, by: Who, target: Who) -> bool {
        (self.by, self.target) == (by, target) && self.camper.is_none()
    }

    const fn is_served(&self) -> bool {
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
    const fn due(&self) -> Window {
        match self.stage {
            Stage::Recalling(_, _, until) | Stage::Connecting(_, _, _, until) | Stage::Pausing(until) => until,
            Stage::Waiting | Stage::Suspended(..) => self.until,
        }
    }

    /// As the engine calls it.
    const fn stage(&self) -> &'static str {
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
        let number = |who: Who| office.phones[who.0].number.clone();
        match &request.stage {
            Stage::Connecting(caller, rung, ..) if rung.contains(&end) => Some(number(caller.who)),
            _ => Some(number(request.target)),
        }
    }

    /// What the key for a callback shows: whether it was asked for, and whether it comes.
    pub(super) fn key(&self, by: Who, target: Who) -> Option<bool> {
        self.requests.iter().find(|request| request.is_callback(by, target)).map(Request::is_served)
    }

    /// A line whose last call failed where one can be called back.
    pub(in super::super) fn may_ask(&self, which: usize) -> Option<Who> {
        let all = self.failed.iter().enumerate();
        pick(all.filter(|(_, failed)| failed.is_some_and(|it| it.target.is_some())).map(|(at, _)| Who(at)), which)
    }

    // What people do.

    /// A line's call came to nothing.
    pub(in super::super) fn fails(&mut self, by: Who, target: Option<Who>, kind: Kind) {
        self.failed[line(by).0] = Some(Failed { target, kind });
    }

    /// A call to this line that came this way is refused; its caller may wait. `rang`: its telephones were rung.
    pub(in super::super) fn refused(
        &mut self,
        caller: End,
        (path, at, kind): (&[Who], Who, Kind),
        rang: bool,
        office: &World,
    ) {
        let target = Some(at).filter(|&at| path.is_empty() && at != CARRIER);
        self.fails(caller.who, target, kind);
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
            resumed: None,
            stage,
        }
    }

    /// Somebody asks to be called back for its last call.
    pub(in super::super) fn asks(&mut self, who: Who, office: &World) {
        let Some(Failed { target: Some(target), kind }) = self.failed[line(who).0] else { return };
        self.asks_for(who, target, kind, office);
    }

    fn asks_for(&mut self, who: Who, target: Who, kind: Kind, office: &World) {
        if self.key(line(who), target).is_none() {
            let unused = kind == Kind::NoReply && self.calls_of(target) == 0;
            let request = self.request(who, target, kind, self.during(office));
            self.requests.push(Request { unused, ..request });
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
                self.asks_for(who, target, kind, office);
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
            _ => self.connect(self.requests[at].order, end, window, office),
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

    // What comes of it.

    fn find(&mut self, order: u32) -> Option<&mut Request> {
        self.requests.iter_mut().find(|request| request.order == order)
    }

    fn set(&mut self, order: u32, stage: Stage) {
        if let Some(request) = self.find(order) {
            request.stage = stage;
        }
    }

    fn end_of(&mut self, order: u32, window: Window, office: &World) {
        if let Some(at) = self.requests.iter().position(|request| request.order == order) {
            self.end(at, window, office);
        }
    }

    fn end(&mut self, at: usize, window: Window, office: &World) {
        let Request { stage, target, .. } = self.requests.remove(at);
        if let Stage::Recalling(..) = stage {
            self.serve(target, window, office);
        }
    }

    /// Calls that a line has.
    fn calls_of(&self, at: Who) -> usize {
        self.ends().iter().filter(|end| line(end.who) == at).count()
    }

    fn is_free(&self, at: Who) -> bool {
        self.calls_of(at) == 0 && !self.telephones(at).is_empty() && !self.undisturbed[at.0]
    }

    /// Whether it could be this one's turn: of two who want each other the older wish counts.
    fn is_ready(&self, request: &Request) -> bool {
        let older = |other: &Request| other.is_callback(request.target, request.by) && other.order < request.order;
        matches!(request.stage, Stage::Waiting) && !request.unused && !self.requests.iter().any(older)
    }

    /// A line is free: the first of those that wait for it and can be called is.
    fn serve(&mut self, target: Who, window: Window, office: &World) {
        let queue: Vec<u32> =
            self.requests.iter().filter(|request| request.target == target).map(|request| request.order).collect();
        for &order in &queue {
            let is_served = self.requests.iter().any(|request| request.target == target && request.is_served());
            if is_served || !self.is_free(target) {
                break;
            }
            let Some(request) = self.requests.iter().find(|request| request.order == order) else { continue };
            if self.is_ready(request) {
                self.begin(order, window, office);
            }
        }
        for order in queue {
            let request = self.requests.iter().find(|request| request.order == order);
            if request.is_some_and(|it| [it.by, it.target].iter().any(|&at| self.is_contested(at, order, window))) {
                self.heed(order, window, office);
            }
        }
    }

    /// Whether somebody was served or not, the engine knows.
    pub(super) fn heed_all(&mut self, at: Who, window: Window, office: &World) {
        let its = self.requests.iter().filter(|request| [request.by, request.target].contains(&at));
        its.map(|request| request.order)
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|order| self.heed(order, window, office));
    }

    /// Where something else came about when a line was to be served, the engine says which was first.
    fn heed(&mut self, order: u32, window: Window, office: &World) {
        let Some(at) = self.requests.iter().position(|request| request.order == order) else { return };
        let Request { by, device, target, camper, .. } = self.requests[at];
        let place = if by == CARRIER { Place::Trunk(0) } else { Place::Line(LineNo(by.0 as u32)) };
        let its = (place, target.0 as u32, camper.is_some());
        let seen = office.engine.features.completions().seen();
        let mut stages: Vec<_> =
            seen.iter().filter(|it| (it.by, it.target.0, it.camps) == its).map(|it| it.stage).collect();
        // Several calls of one line may wait for the same.
        let alike = |it: &&Request| it.order != order && (it.by, it.target) == (by, target);
        for other in self.requests.iter().filter(alike).filter(|it| it.camper.is_some() == camper.is_some()) {
            stages.iter().position(|&stage| stage == other.stage()).map(|at| stages.remove(at));
        }
        let [stage] = stages[..] else { return };
        if stage == self.requests[at].stage() {
            return;
        }
        self.requests[at].stage = Stage::Waiting;
        match (stage, camper) {
            ("suspended", _) => {
                self.suspensions += 1;
                self.requests[at].stage = Stage::Suspended(self.suspensions, Why::Busy);
            }
            ("recalling", _) => {
                let telephones = self.telephones(by);
                let all = telephones.len() == 1 || !telephones.contains(&device);
                let first = if all { telephones } else { vec![device] };
                let until = window.plus(if all { RECALL } else { OWN_PHONE_FIRST });
                let rung = self.recalled(first, target, office).expect("it rings");
                self.requests[at].stage = Stage::Recalling(rung, all, until);
            }
            ("connecting", Some(camper)) => {
                let rung = self.called(target, office).expect("it rings");
                self.requests[at].stage = Stage::Connecting(camper, rung, None, window.plus(NO_ANSWER));
            }
            ("waiting", _) => self.take_up(order, window),
            (stage, _) => panic!("{stage} is not for {:?}", self.requests[at]),
        }
    }

    /// Whether something else than this request touched a line in this window, or may have: then nobody knows what was first.
    fn is_contested(&self, at: Who, order: u32, window: Window) -> bool {
        let touched = self.touches[at.0].is_some_and(|when| when.to > window.from);
        let overlaps = |when: Window| when.from <= window.to && when.to >= window.from;
        touched || self.comings_at(at, order).any(overlaps)
    }

    /// What comes of other requests, and touches a line.
    pub(super) fn dues_at(&self, at: Who, order: u32) -> impl Iterator<Item = Window> {
        let guards =
            self.guards.iter().enumerate().filter_map(|(target, guard)| guard.map(|window| (Who(target), window)));
        let wants = move |target: Who| self.requests.iter().any(|request| request.target == target && request.by == at);
        let guards = guards.filter(move |&(target, _)| wants(target)).map(|(_, window)| window);
        let others = self.requests.iter().filter(move |it| it.order != order && [it.by, it.target].contains(&at));
        guards.chain(others.map(Request::due))
    }

    fn begin(&mut self, order: u32, window: Window, office: &World) {
        let Some(&mut Request { by, device, camper, target, .. }) = self.find(order) else { return };
        if let Some(camper) = camper {
            return self.connect(order, camper, window, office);
        }
        let telephones = self.telephones(by);
        let why = if self.calls_of(by) > 0 {
            Some(Why::Busy)
        } else if self.undisturbed[by.0] {
            Some(Why::Quiet)
        } else {
            telephones.is_empty().then_some(Why::Away)
        };
        if let Some(why) = why {
            self.suspensions += 1;
            let stage = Stage::Suspended(self.suspensions, why);
            return self.set(order, stage);
        }
        let all = telephones.len() == 1 || !telephones.contains(&device);
        let first = if all { telephones } else { vec![device] };
        let until = window.plus(if all { RECALL } else { OWN_PHONE_FIRST });
        match self.recalled(first, target, office) {
            Some(rung) => self.set(order, Stage::Recalling(rung, all, until)),
            // Two whose calls ended at once are both the first, and the engine has taken the other one.
            None if self.is_tied(order) => {}
            None => self.was_prevented(order, window),
        }
    }

    /// Whether another request for the same line was taken up again at the same time.
    fn is_tied(&self, order: u32) -> bool {
        let mine = self.requests.iter().find(|request| request.order == order);
        mine.is_some_and(|mine| {
            let alike = |other: &&Request| other.order != order && other.target == mine.target;
            mine.resumed.is_some() && self.requests.iter().filter(alike).any(|other| other.resumed == mine.resumed)
        })
    }

    /// What was to come has not: something else came first.
    fn was_prevented(&self, order: u32, window: Window) {
        let request = self.requests.iter().find(|request| request.order == order);
        let contested =
            request.is_some_and(|it| [it.by, it.target].iter().any(|&at| self.is_contested(at, order, window)));
        assert!(contested, "nobody is rung for {request:?} in {window:?}; {self:#?}");
    }

    /// These telephones ring, and show whom for.
    fn recalled(&self, telephones: Vec<Who>, target: Who, office: &World) -> Option<Vec<End>> {
        let name = format!("\"Callback: {}\"", office.phones[target.0].name);
        telephones.into_iter().map(|who| self.newly_rung(who, office, |shown| shown.starts_with(&name))).collect()
    }

    /// The telephones of a line ring for somebody who wanted that.
    fn called(&self, target: Who, office: &World) -> Option<Vec<End>> {
        let is_call = |shown: &str| !shown.contains("Callback: ") && !shown.contains("Park ");
        self.telephones(target).into_iter().map(|who| self.newly_rung(who, office, is_call)).collect()
    }

    /// The call that rings a telephone, and that nobody knew of yet.
    fn newly_rung(&self, who: Who, office: &World, shows: impl Fn(&str) -> bool) -> Option<End> {
        let known = self.ends();
        let calls =
            office.phones[who.0].calls.iter().filter(|(_, call)| call.stage == Seen::Ringing && shows(&call.shown));
        let mut new = calls.map(|(&no, _)| End { who, no }).filter(|end| !known.contains(end));
        let first = new.next();
        assert_eq!(new.next(), None, "{who:?} is rung twice");
        first
    }

    /// Who asked is there, or waits: the line is rung for it.
    fn connect(&mut self, order: u32, caller: End, window: Window, office: &World) {
        let Some(&mut Request { target, .. }) = self.find(order) else { return };
        let telephones = self.telephones(target);
        let verdict = if self.calls_of(target) > 0 || self.undisturbed[target.0] {
            Some(Kind::Busy)
        } else {
            telephones.is_empty().then_some(Kind::NoReply)
        };
        // It is one of the ends, whatever becomes of it.
        let stage = Stage::Connecting(caller, Vec::new(), None, window.plus(NO_ANSWER));
        self.set(order, stage);
        if let Some(verdict) = verdict {
            return self.not_connected(order, verdict, false, window);
        }
        match self.called(target, office) {
            Some(new) => {
                if let Some(Request { stage: Stage::Connecting(_, rung, ..), .. }) = self.find(order) {
                    *rung = new;
                }
            }
            None => {
                self.was_prevented(order, window);
                self.not_connected(order, Kind::Busy, false, window);
            }
        }
    }

    /// The line could not be reached after all.
    fn not_connected(&mut self, order: u32, verdict: Kind, is_idle: bool, window: Window) {
        let chains = self.rules.chains;
        let Some(request) = self.find(order) else { return };
        let (target, camps) = (request.target, request.camper.is_some());
        request.stage = Stage::Waiting;
        let retains = verdict == Kind::Busy;
        let chains = chains && !camps && !retains;
        if !(retains && camps) {
            request.camper = None;
        }
        if chains {
            (request.kind, request.unused, request.until) = (Kind::NoReply, true, window.plus(OTHER_LIFE));
        }
        if retains && is_idle {
            let queue = self.requests.iter_mut().filter(|request| request.target == target);
            queue.for_each(|request| request.unused = true);
        }
        if !retains && !chains {
            self.requests.retain(|request| request.order != order);
        }
    }

    /// Who asked was rung in vain: once more after a pause, or never again.
    fn in_vain(&mut self, order: u32, window: Window, office: &World) {
        let Some(request) = self.find(order) else { return };
        let target = request.target;
        request.attempts += 1;
        request.stage = Stage::Pausing(window.plus(PAUSE));
        if request.attempts >= ATTEMPTS {
            self.requests.retain(|request| request.order != order);
        }
        self.serve(target, window, office);
    }

    /// Nobody has answered where it was asked: the line's other telephones ring as well.
    fn rings_elsewhere(&mut self, order: u32, window: Window, office: &World) {
        let Some(&mut Request { by, device, target, .. }) = self.find(order) else { return };
        let others = self.telephones(by).into_iter().filter(|&who| who != device).collect();
        let more = self.recalled(others, target, office).expect("its other telephones ring");
        if let Some(Request { stage: Stage::Recalling(rung, all, until), .. }) = self.find(order) {
            rung.extend(more);
            (*all, *until) = (true, window.plus(RECALL - OWN_PHONE_FIRST));
        }
    }

    /// It is first in its queue again.
    fn take_up(&mut self, order: u32, window: Window) {
        let Some(at) = self.requests.iter().position(|request| request.order == order) else { return };
        let request = self.requests.remove(at);
        self.requests.insert(0, Request { stage: Stage::Waiting, resumed: Some(window), ..request });
    }

    pub(super) fn dues(&self) -> impl Iterator<Item = (Window, Due)> {
        let guards = self.guards.iter().enumerate();
        let guards = guards.filter_map(|(at, guard)| guard.map(|window| (window, Due::Guard(Who(at)))));
        guards.chain(self.requests.iter().map(|request| (request.due(), Due::Request(request.order))))
    }

    pub(super) fn comes_due(&mut self, due: Due, window: Window, office: &World) {
        let order = match due {
            Due::Guard(target) => {
                self.guards[target.0] = None;
                return self.serve(target, window, office);
            }
            Due::Request(order) => order,
        };
        let Some(request) = self.find(order) else { return };
        match request.stage {
            Stage::Waiting | Stage::Suspended(..) => self.end_of(order, window, office),
            Stage::Pausing(_) => self.take_up(order, window),
            Stage::Recalling(_, true, _) => self.in_vain(order, window, office),
            Stage::Recalling(..) => self.rings_elsewhere(order, window, office),
            Stage::Connecting(..) => self.not_connected(order, Kind::NoReply, false, window),
        }
    }

    /// After each step: who is free now, and who need not be put off any more. `touched`: lines that had a call that is over, or
    /// has begun; `used`: those where somebody dialled or answered.
    pub(super) fn look_round(&mut self, window: Window, (touched, used): (&[Who], &[Who]), office: &World) {
        for request in self.requests.iter_mut().filter(|request| used.contains(&request.target)) {
            request.unused = false;
        }
        let is_over = |request: &Request| match request.stage {
            Stage::Suspended(place, Why::Busy) if touched.contains(&request.by) && self.calls_of(request.by) == 0 => {
                Some(place)
            }
            Stage::Suspended(place, Why::Away) if !self.telephones(request.by).is_empty() => Some(place),
            Stage::Suspended(place, Why::Quiet) if !self.undisturbed[request.by.0] => Some(place),
            _ => None,
        };
        let over = self.requests.iter().filter_map(|request| is_over(request).map(|place| (place, request.order)));
        let mut over: Vec<(u32, u32)> = over.collect();
        over.sort_unstable();
        over.into_iter().for_each(|(_, order)| self.take_up(order, window));
        for target in (0..self.guards.len()).map(Who) {
            let mut queue = self.requests.iter().filter(|request| request.target == target);
            let is_served = self.requests.iter().any(|request| request.target == target && request.is_served());
            match queue.find(|request| self.is_ready(request)).filter(|_| !is_served && self.is_free(target)) {
                // Who waits on the line waits no longer than it must.
                Some(Request { camper: Some(_), .. }) => self.serve(target, window, office),
                Some(_) if self.guards[target.0].is_none() || touched.contains(&target) => {
                    self.guards[target.0] = Some(window.plus(GUARD));
                }
                Some(_) | None => {}
            }
        }
        for at in touched {
            self.touches[at.0] = Some(window);
        }
    }

    pub(super) fn requests_agree(&self, office: &World, deed: usize) {
        let mut seen: Vec<_> =
            office.engine.features.completions().seen().into_iter().map(|it| (it.target.0, it.stage)).collect();
        let mut known: Vec<_> =
            self.requests.iter().map(|request| (request.target.0 as u32, request.stage())).collect();
        seen.sort_unstable();
        known.sort_unstable();
        assert_eq!(seen, known, "deed {deed}: requests; {self:#?}");
        for request in &self.requests {
            if let Stage::Connecting(caller, ..) = request.stage {
                office.hears_music(caller);
            }
            request.camper.into_iter().for_each(|camper| office.hears_music(camper));
        }
    }
}
