//! How calls get from one line to another: dialled, forwarded, sent on.
use super::super::super::world::{End, Who, World};
use super::{Belief, Forward, Kind, Reached, Ring, line};
use crate::base::Time;

impl Belief {
    /// A call rings somewhere; it began at this time.
    fn rings(&mut self, caller: End, (at, callees): (Who, Vec<End>), path: Vec<Who>, began: Time, office: &World) {
        let gives_up = self.during(office).plus(self.patience(at));
        self.rings.push(Ring { caller, at, callees, busy: false, path, began, gives_up });
    }

    /// Somebody calls a line, or somebody outside.
    pub(in super::super) fn calls(&mut self, caller: End, to: Who, office: &World) {
        let mut path = Vec::new();
        let reached = self.reach(to, &mut path, caller);
        self.arrives(caller, reached, path, self.since, office);
    }

    /// A call has got somewhere.
    fn arrives(&mut self, caller: End, reached: Reached, path: Vec<Who>, began: Time, office: &World) {
        match reached {
            Reached::Rings(at) => {
                let callees =
                    self.called(at, caller, office).unwrap_or_else(|| panic!("{at:?} is not rung; {self:#?}"));
                self.rings(caller, (at, callees), path, began, office);
            }
            Reached::Nobody(at, kind) => self.refused(caller, (&path, at, kind), false, office),
            Reached::Circles => {}
        }
    }

    /// A line has not taken a call: it goes where the line has said, if it has.
    pub(super) fn goes_on(&mut self, ring: Ring, then: &[Forward], kind: Kind, office: &World) {
        match then.iter().find_map(|&forward| self.forward(ring.at, forward)) {
            Some(next) => self.takes_to(next, ring, office),
            None => self.refused(ring.caller, (&ring.path, ring.at, kind), true, office),
        }
    }

    /// A call goes from the line that it has rung to another.
    fn takes_to(&mut self, next: Who, ring: Ring, office: &World) {
        let (caller, began) = (ring.caller, ring.began);
        let mut path: Vec<Who> = ring.path.iter().copied().chain([ring.at]).collect();
        // Its caller has a call all the while.
        self.rings.push(Ring { callees: Vec::new(), ..ring });
        let reached = if path.contains(&next) { Reached::Circles } else { self.reach(next, &mut path, caller) };
        self.rings.pop();
        self.arrives(caller, reached, path, began, office);
    }

    /// A phone sends the call that it rings for somewhere else: where it has been already that only declines it.
    pub(in super::super) fn redirects(&mut self, callee: End, to: Who, office: &World) {
        let Some(at) = self.rings.iter().position(|ring| ring.callees.contains(&callee)) else { return };
        if self.way_of(at).contains(&to) {
            return self.left(callee, false, office);
        }
        let ring = self.rings.remove(at);
        self.takes_to(to, ring, office);
    }

    /// The lines that a call has come by, the one that rings included.
    fn way_of(&self, at: usize) -> Vec<Who> {
        self.rings[at].path.iter().copied().chain([self.rings[at].at]).collect()
    }

    /// Which line would ring if a phone sent its call there.
    pub(in super::super) fn redirected(&self, callee: End, to: Who) -> Option<Who> {
        let at = self.rings.iter().position(|ring| ring.callees.contains(&callee))?;
        let mut path = self.way_of(at);
        if path.contains(&to) { None } else { self.reached(to, &mut path).rung() }
    }

    /// The caller of the call that has rung longest of those that this party may answer.
    pub(in super::super) fn longest_ringing(&self, who: Who) -> Option<End> {
        let may = |at: Who| at == line(who) || Self::are_colleagues(who, at);
        let others = self.rings.iter().filter(|ring| may(ring.at) && line(ring.caller.who) != line(who));
        others.min_by_key(|ring| ring.began).map(|ring| ring.caller)
    }
}
