//! What comes of requests: who is called back when, and who is passed over.
use super::super::super::office::CARRIER;
use super::super::super::phone::Stage as Seen;
use super::super::super::world::{End, Who, World};
use super::callbacks::{Due, OWN_PHONE_FIRST, Request, Stage, Why};
use super::come::Window;
use super::{ATTEMPTS, Belief, GUARD, Kind, NO_ANSWER, OTHER_LIFE, PAUSE, RECALL, line};
use crate::session::Place;
use crate::settings::LineNo;

impl Belief {
    pub(super) fn find(&mut self, order: u32) -> Option<&mut Request> {
        self.requests.iter_mut().find(|request| request.order == order)
    }

    fn set(&mut self, order: u32, stage: Stage) {
        if let Some(request) = self.find(order) {
            request.stage = stage;
        }
    }

    pub(super) fn end_of(&mut self, order: u32, window: Window, office: &World) {
        if let Some(at) = self.requests.iter().position(|request| request.order == order) {
            self.end(at, window, office);
        }
    }

    pub(super) fn end(&mut self, at: usize, window: Window, office: &World) {
        let Request { stage, target, .. } = self.requests.remove(at);
        if let Stage::Recalling(..) = stage {
            self.serve(target, window, office);
        }
    }

    /// Calls that a line has.
    pub(super) fn calls_of(&self, at: Who) -> usize {
        self.ends().iter().filter(|end| line(end.who) == at).count()
    }

    fn is_free(&self, at: Who) -> bool {
        self.calls_of(at) == 0 && !self.telephones(at).is_empty() && !self.lines[at.0].undisturbed
    }

    /// Whether it could be this one's turn: of two who want each other the older wish counts.
    fn is_ready(&self, request: &Request) -> bool {
        let older = |other: &Request| other.is_callback(request.target, request.by) && other.order < request.order;
        matches!(request.stage, Stage::Waiting) && !request.unused && !self.requests.iter().any(older)
    }

    /// A line is free: the first of those that wait for it and can be called is.
    fn serve(&mut self, target: Who, window: Window, office: &World) {
        let waits = |request: &Request| matches!(request.stage, Stage::Waiting);
        let queue = self.requests.iter().filter(|request| request.target == target);
        let queue: Vec<(u32, bool)> = queue.map(|request| (request.order, waits(request))).collect();
        for &(order, _) in &queue {
            let is_served = self.requests.iter().any(|request| request.target == target && request.is_served());
            if is_served || !self.is_free(target) {
                break;
            }
            let Some(request) = self.requests.iter().find(|request| request.order == order) else { continue };
            if self.is_ready(request) {
                self.begin(order, window, office);
            }
        }
        for (order, waited) in queue {
            let request = self.requests.iter().find(|request| request.order == order);
            if request.is_some_and(|it| [it.by, it.target].iter().any(|&at| self.is_contested(at, order, window))) {
                self.heed(order, waited, window, office);
            }
        }
    }

    /// Whether somebody was served or not, the engine knows.
    pub(super) fn heed_all(&mut self, at: Who, window: Window, office: &World) {
        let its = self.requests.iter().filter(|request| [request.by, request.target].contains(&at));
        let its: Vec<u32> = its.map(|request| request.order).collect();
        its.into_iter().for_each(|order| self.heed(order, false, window, office));
    }

    /// Where something else came about when a line was to be served, the engine says which was first. `waited`: until just now.
    fn heed(&mut self, order: u32, waited: bool, window: Window, office: &World) {
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
                let rung = self.called(target, camper, office).expect("it rings");
                self.requests[at].stage = Stage::Connecting(camper, rung, None, window.plus(NO_ANSWER));
            }
            ("waiting", _) if waited => {}
            ("waiting", _) => self.take_up(order, window),
            (stage, _) => panic!("{stage} is not for {:?}", self.requests[at]),
        }
    }

    /// Whether something else than this request touched a line in this window, or may have: then nobody knows what was first.
    fn is_contested(&self, at: Who, order: u32, window: Window) -> bool {
        let touched = self.lines[at.0].touched.is_some_and(|when| when.to > window.from);
        let overlaps = |when: Window| when.from <= window.to && when.to >= window.from;
        touched || self.comings_at(at, order).any(overlaps)
    }

    /// What comes of other requests, and touches a line.
    pub(super) fn dues_at(&self, at: Who, order: u32) -> impl Iterator<Item = Window> {
        let guards =
            self.lines.iter().enumerate().filter_map(|(target, line)| line.guard.map(|window| (Who(target), window)));
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
        } else if self.lines[by.0].undisturbed {
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

    /// What was to come has not: something else came first, for this request or for another that wants the same line.
    fn was_prevented(&self, order: u32, window: Window) {
        let request = self.requests.iter().find(|request| request.order == order);
        let queue = self.requests.iter().filter(|other| request.is_some_and(|request| request.target == other.target));
        let contested = |it: &Request| [it.by, it.target].iter().any(|&at| self.is_contested(at, it.order, window));
        assert!(queue.into_iter().any(contested), "nobody is rung for {request:?} in {window:?}; {self:#?}");
    }

    /// These telephones ring, and show whom for.
    fn recalled(&self, telephones: Vec<Who>, target: Who, office: &World) -> Option<Vec<End>> {
        let name = format!("\"Callback: {}\"", office.phones[target.0].name);
        telephones.into_iter().map(|who| self.newly_rung(who, office, |shown| shown.starts_with(&name))).collect()
    }

    /// The telephones of a line ring for this caller.
    pub(super) fn called(&self, target: Who, caller: End, office: &World) -> Option<Vec<End>> {
        let number = format!("<sip:{}@", self.number_of(caller, office));
        let is_call =
            |shown: &str| shown.contains(&number) && !shown.contains("Callback: ") && !shown.contains("Park ");
        self.telephones(target).into_iter().map(|who| self.newly_rung(who, office, is_call)).collect()
    }

    /// The call that rings a telephone, and that nobody knew of yet: the first of several.
    fn newly_rung(&self, who: Who, office: &World, shows: impl Fn(&str) -> bool) -> Option<End> {
        let known = self.ends();
        let calls =
            office.phones[who.0].calls.iter().filter(|(_, call)| call.stage == Seen::Ringing && shows(&call.shown));
        calls.map(|(&no, _)| End { who, no }).find(|end| !known.contains(end))
    }

    /// Who asked is there, or waits: the line is rung for it.
    pub(super) fn connect(&mut self, order: u32, caller: End, window: Window, office: &World) {
        let Some(&mut Request { target, .. }) = self.find(order) else { return };
        let telephones = self.telephones(target);
        let verdict = if self.calls_of(target) > 0 || self.lines[target.0].undisturbed {
            Some(Kind::Busy)
        } else {
            telephones.is_empty().then_some(Kind::NoReply)
        };
        if self.find(order).is_some_and(|request| request.hidden) {
            self.hidden.push(caller);
        }
        // It is one of the ends, whatever becomes of it.
        let stage = Stage::Connecting(caller, Vec::new(), None, window.plus(NO_ANSWER));
        self.set(order, stage);
        if let Some(verdict) = verdict {
            return self.not_connected(order, verdict, false, window);
        }
        match self.called(target, caller, office) {
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
    pub(super) fn not_connected(&mut self, order: u32, verdict: Kind, is_idle: bool, window: Window) {
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
    pub(super) fn in_vain(&mut self, order: u32, window: Window, office: &World) {
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
    pub(super) fn rings_elsewhere(&mut self, order: u32, window: Window, office: &World) {
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
        let guards = self.lines.iter().enumerate();
        let guards = guards.filter_map(|(at, line)| line.guard.map(|window| (window, Due::Guard(Who(at)))));
        guards.chain(self.requests.iter().map(|request| (request.due(), Due::Request(request.order))))
    }

    pub(super) fn comes_due(&mut self, due: Due, window: Window, office: &World) {
        let order = match due {
            Due::Guard(target) => {
                self.lines[target.0].guard = None;
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
            Stage::Suspended(place, Why::Quiet) if !self.lines[request.by.0].undisturbed => Some(place),
            Stage::Suspended(..)
            | Stage::Waiting
            | Stage::Pausing(_)
            | Stage::Recalling(..)
            | Stage::Connecting(..) => None,
        };
        let over = self.requests.iter().filter_map(|request| is_over(request).map(|place| (place, request.order)));
        let mut over: Vec<(u32, u32)> = over.collect();
        over.sort_unstable();
        over.into_iter().for_each(|(_, order)| self.take_up(order, window));
        for target in (0..self.lines.len()).map(Who) {
            let mut queue = self.requests.iter().filter(|request| request.target == target);
            let is_served = self.requests.iter().any(|request| request.target == target && request.is_served());
            match queue.find(|request| self.is_ready(request)).filter(|_| !is_served && self.is_free(target)) {
                // Who waits on the line waits no longer than it must.
                Some(Request { camper: Some(_), .. }) => self.serve(target, window, office),
                Some(first) if self.lines[target.0].guard.is_none() || touched.contains(&target) => {
                    // What made the line free and what made the request ready may have come in either order.
                    let others = [first.resumed, self.lines[target.0].touched].into_iter().flatten();
                    let to = others.fold(window.to, |latest, other| latest.max(other.to));
                    self.lines[target.0].guard = Some(Window { to, ..window }.plus(GUARD));
                }
                Some(_) | None => {}
            }
        }
        for at in touched {
            self.lines[at.0].touched = Some(window);
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
