//! Calls that wait in orbits, orbits kept for calls that are about to come, and reminders.
use super::super::super::office::secs;
use super::super::super::phone::Stage;
use super::super::super::world::{End, Who, World};
use super::come::Window;
use super::{Belief, pick};
use crate::base::Time;
use std::collections::BTreeMap;
use std::time::Duration;

pub(in super::super) const ORBITS: [&str; 5] = ["701", "702", "703", "704", "705"];
pub(in super::super) const FIRST: Duration = secs(40);
pub(in super::super) const RING: Duration = secs(40);
pub(in super::super) const INTERVAL: Duration = secs(30);
pub(in super::super) const ROUNDS: u32 = 2;
pub(in super::super) const RESERVE: Duration = secs(45);

/// A call in an orbit.
#[derive(Debug)]
pub(super) struct Stay {
    pub(super) orbit: &'static str,
    pub(super) call: End,
    pub(super) parker: Who,
    /// When the parker is reminded.
    pub(super) due: Option<Window>,
    /// It is due, and another reminder rings the same phone.
    queued: bool,
    /// What rings, and when that ends.
    pub(super) rings: Option<(End, Window)>,
    rounds: u32,
}

/// An orbit that somebody was told, for a call that it holds.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) by: End,
    orbit: &'static str,
    pub(super) until: Window,
}

impl Stay {
    /// A round is over, and nobody has fetched the call.
    fn is_not_answered(&mut self, window: Window) {
        self.rings = None;
        self.rounds += 1;
        self.due = (self.rounds < ROUNDS).then(|| window.plus(INTERVAL));
    }
}

impl Belief {
    pub(in super::super) fn is_occupied(&self, orbit: &str) -> bool {
        self.stays.iter().any(|stay| stay.orbit == orbit)
    }

    /// A number to park at, and the orbit that this leads to, if it is free.
    pub(in super::super) fn place(&self, which: usize) -> (&'static str, Option<&'static str>) {
        let free = |orbit: &&&str| !self.is_occupied(orbit) && self.kept.iter().all(|kept| kept.orbit != **orbit);
        match ORBITS.get(which % 8) {
            Some(orbit) => (orbit, Some(orbit).filter(free).copied()),
            None => ("700", ORBITS.iter().find(free).copied()),
        }
    }

    /// Whether somebody waits whom this telephone has parked.
    pub(in super::super) fn is_reminded(&self, who: Who) -> bool {
        self.stays.iter().any(|stay| stay.parker == who)
    }

    /// Where a party waits, or which orbit it was told.
    pub(super) fn orbit_of(&self, end: End) -> Option<&'static str> {
        let stays = self.stays.iter().map(|stay| (stay.call, stay.orbit));
        stays.chain(self.kept.iter().map(|kept| (kept.by, kept.orbit))).find(|(who, _)| *who == end).map(|(_, at)| at)
    }

    /// A call in which a phone was told an orbit.
    pub(in super::super) fn told(&self, which: usize) -> Option<End> {
        pick(self.kept.iter().map(|kept| kept.by), which)
    }

    /// The party of this end waits in an orbit; the end itself is gone.
    pub(in super::super) fn parked(&mut self, parker: End, orbit: &'static str, now: Time) {
        let Some(call) = self.partner(parker) else { return };
        self.talks.retain(|talk| talk.one != parker && talk.other != parker);
        let due = Some(Window { from: self.since, to: now }.plus(FIRST));
        self.stays.push(Stay { orbit, call, parker: parker.who, due, queued: false, rings: None, rounds: 0 });
    }

    pub(in super::super) fn reserved(&mut self, by: End, orbit: &'static str, now: Time) {
        self.kept.push(Kept { by, orbit, until: Window { from: self.since, to: now }.plus(RESERVE) });
    }

    /// The call that was held waits in the orbit that was kept for it.
    pub(in super::super) fn filled(&mut self, by: End, held: End, now: Time) {
        let Some(at) = self.kept.iter().position(|kept| kept.by == by) else { return };
        let orbit = self.kept.remove(at).orbit;
        self.parked(held, orbit, now);
    }

    pub(in super::super) fn retrieved(&mut self, orbit: &str, by: End, office: &World) {
        let Some(at) = self.stays.iter().position(|stay| stay.orbit == orbit) else { return };
        let stay = self.stays.remove(at);
        self.meet(stay.call, by, office);
        self.next_in_line(stay.parker, self.during(office), office);
    }

    /// Somebody hung up: who waited, who was reminded, or who was told an orbit.
    pub(super) fn left_orbits(&mut self, end: End, office: &World) {
        let window = self.during(office);
        if let Some(at) = self.stays.iter().position(|stay| stay.call == end) {
            let stay = self.stays.remove(at);
            self.next_in_line(stay.parker, window, office);
        }
        let refused = self.stays.iter_mut().find(|stay| stay.rings.is_some_and(|(ringing, _)| ringing == end));
        if let Some(stay) = refused {
            let parker = stay.parker;
            stay.is_not_answered(window);
            self.next_in_line(parker, window, office);
        }
        if let Some(at) = self.kept.iter().position(|kept| kept.by == end) {
            // The one call that it holds is meant, if it is the only one.
            match self.held_at(end.who)[..] {
                [held] => self.filled(end, held, office.now),
                [..] => drop(self.kept.remove(at)),
            }
        }
    }

    /// A reminder has rung long enough.
    pub(super) fn reminded_in_vain(&mut self, at: usize, office: &World) {
        let stay = &mut self.stays[at];
        let Some((_, window)) = stay.rings else { return };
        let parker = stay.parker;
        stay.is_not_answered(window);
        self.next_in_line(parker, window, office);
    }

    /// The parker of a call is to be reminded.
    pub(super) fn reminds(&mut self, at: usize, office: &World) {
        let stay = &mut self.stays[at];
        let Some(window) = stay.due.take() else { return };
        stay.queued = true;
        let parker = stay.parker;
        self.next_in_line(parker, window, office);
    }

    /// One reminder at a time rings a phone; the engine says which of several, the model that it is one of them.
    fn next_in_line(&mut self, parker: Who, window: Window, office: &World) {
        let registered = self.registered[parker.0];
        if self.stays.iter().any(|stay| stay.parker == parker && stay.rings.is_some()) {
            return;
        }
        let known = self.ends();
        let calls = office.phones[parker.0].calls.iter();
        let ringing = calls.filter(|(_, call)| call.stage == Stage::Ringing);
        let new: BTreeMap<String, End> = ringing
            .map(|(no, call)| (call.shown.clone(), End { who: parker, no: *no }))
            .filter(|(_, end)| !known.contains(end))
            .collect();
        let queued = self.stays.iter_mut().filter(|stay| stay.parker == parker && stay.queued);
        let mut rung = false;
        let mut waits = false;
        for stay in queued {
            waits = true;
            if !registered {
                stay.queued = false;
                stay.is_not_answered(window);
                continue;
            }
            let shown = format!("\"Park {}:", stay.orbit);
            if let Some((_, end)) = new.iter().find(|(name, _)| name.starts_with(&shown)) {
                assert!(!rung, "one reminder at a time rings {parker:?}");
                stay.queued = false;
                stay.rings = Some((*end, window.plus(RING)));
                rung = true;
            }
        }
        assert!(!waits || rung || !registered, "nobody reminds {parker:?}: {self:?}");
    }
}
