//! What lamps show.
use super::super::super::world::{End, Who, World};
use super::super::super::xml::Light;
use super::{Belief, line, pick};
use crate::base::Time;
use std::time::Duration;

/// After so long a phone asks to go on watching.
const RENEWS: Duration = Duration::from_secs(1800);

/// What a lamp is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Watched {
    /// The calls of a line.
    Line(Who),
    /// Whether a line can be reached, and whether somebody talks there.
    Presence(Who),
    /// Who waits in an orbit.
    Orbit(&'static str),
    /// Who waits anywhere.
    Lot,
    /// Whether one is called back for a line.
    Key(Who),
}

/// A lamp on somebody's phone.
#[derive(Debug)]
pub(super) struct Lamp {
    end: End,
    watched: Watched,
    renewed: Time,
}

/// A call as a lamp shows it: its direction and state, who is at the other end, and whether this one holds.
type Shown = (String, String, String, bool);

impl Belief {
    pub(in super::super) const fn lamps(&self) -> usize {
        self.lamps.len()
    }

    pub(in super::super) fn lamp(&self, which: usize) -> Option<End> {
        pick(self.lamps.iter().map(|lamp| lamp.end), which)
    }

    /// A lamp that is lit.
    pub(in super::super) fn lit(&self, which: usize) -> Option<(End, Watched)> {
        let is_lit = |watched| match watched {
            Watched::Line(at) => self.rung_alone(at).is_some(),
            Watched::Orbit(orbit) => self.is_occupied(orbit),
            Watched::Presence(_) | Watched::Lot | Watched::Key(_) => false,
        };
        pick(self.lamps.iter().map(|lamp| (lamp.end, lamp.watched)).filter(|&(_, watched)| is_lit(watched)), which)
    }

    pub(in super::super) fn looks(&mut self, end: End, watched: Watched, now: Time) {
        self.lamps.push(Lamp { end, watched, renewed: now });
    }

    pub(in super::super) fn looks_away(&mut self, end: End) {
        self.lamps.retain(|lamp| lamp.end != end);
    }

    /// Phones go on watching before their subscriptions end.
    pub(in super::super) fn looks_on(&mut self, office: &mut World) {
        for lamp in &mut self.lamps {
            if office.now - lamp.renewed > RENEWS {
                office.watches_on(lamp.end, 3600);
                lamp.renewed = office.now;
            }
        }
    }

    pub(super) fn lamps_agree(&self, office: &World, deed: usize) {
        for Lamp { end, watched, .. } in &self.lamps {
            let lamp = office.lamp(*end);
            assert_eq!(lamp.over, None, "deed {deed}: {watched:?} is watched still");
            if let Watched::Presence(at) = watched {
                let body = &lamp.told.last().expect("a NOTIFY").body;
                let shown = (body.contains("<basic>open</basic>"), body.contains("<note>On the phone</note>"));
                assert_eq!(shown, (!self.telephones(*at).is_empty(), self.is_used(*at)), "deed {deed}: {watched:?}");
                continue;
            }
            let mut expected = match watched {
                Watched::Line(at) => self.shown_of_line(*at, office),
                Watched::Orbit(orbit) => self.shown_of_orbits(office, |at| at == *orbit),
                Watched::Key(at) => self.shown_of_key(line(end.who), *at, office),
                Watched::Presence(_) | Watched::Lot => self.shown_of_orbits(office, |_| true),
            };
            expected.sort();
            let mut shown: Vec<Shown> = lamp.shows().lights.iter().filter_map(shown).collect();
            shown.sort();
            assert_eq!(shown, expected, "deed {deed}: what {:?} sees of {watched:?}; {self:#?}", end.who);
        }
    }

    /// Whether somebody talks at a line, or calls.
    fn is_used(&self, at: Who) -> bool {
        let ringing = self.all_ringing();
        self.ends().into_iter().any(|end| line(end.who) == at && !ringing.contains(&end))
    }

    fn shown_of_line(&self, at: Who, office: &World) -> Vec<Shown> {
        let ringing = self.all_ringing();
        let own = self.ends().into_iter().filter(|end| line(end.who) == at);
        let shown = |end: End| {
            let direction = if office.call(end).outgoing { "initiator" } else { "recipient" };
            let calls = self.rings.iter().any(|ring| ring.caller == end);
            let state = if calls || ringing.contains(&end) { "early" } else { "confirmed" };
            (direction.to_owned(), state.to_owned(), self.other_end(end, office), self.holds(end))
        };
        own.map(shown).collect()
    }

    fn shown_of_orbits(&self, office: &World, which: impl Fn(&str) -> bool) -> Vec<Shown> {
        let stays = self.stays.iter().filter(|stay| which(stay.orbit));
        let shown = |call| ("recipient".to_owned(), "confirmed".to_owned(), self.number_of(call, office), false);
        stays.map(|stay| shown(stay.call)).collect()
    }

    fn shown_of_key(&self, by: Who, target: Who, office: &World) -> Vec<Shown> {
        let state = |comes| if comes { "confirmed" } else { "early" };
        let number = office.phones[target.0].number.clone();
        let key = self.key(by, target).map(|comes| ("recipient".to_owned(), state(comes).to_owned(), number, false));
        key.into_iter().collect()
    }

    /// The number that others see of a party.
    pub(super) fn number_of(&self, end: End, office: &World) -> String {
        if self.hidden.contains(&end) { "anonymous".to_owned() } else { office.phones[end.who.0].number.clone() }
    }

    /// The number of whom a party talks to, or will.
    fn other_end(&self, end: End, office: &World) -> String {
        if let Some(with) = self.partner(end) {
            return self.number_of(with, office);
        }
        let rings = self.rings.iter().find_map(|ring| {
            let called = ring.callees.first().filter(|_| ring.caller == end).copied();
            called.or_else(|| ring.callees.contains(&end).then_some(ring.caller))
        });
        let reminds = || {
            let stay = self.stays.iter().find(|stay| stay.rings.is_some_and(|(ringing, _)| ringing == end));
            stay.map(|stay| stay.call)
        };
        match rings.or_else(reminds) {
            Some(other) => self.number_of(other, office),
            None => self.wanted(end, office).or(self.orbit_of(end).map(str::to_owned)).unwrap_or_default(),
        }
    }
}

/// A light, unless it says that there is nothing.
fn shown(light: &Light) -> Option<Shown> {
    if light.state == "terminated" {
        return None;
    }
    let remote = light.remote.as_ref().map(|remote| remote.identity.as_str()).unwrap_or_default();
    let number = remote.strip_prefix("sip:").and_then(|rest| rest.split_once('@')).map_or("", |(number, _)| number);
    let holds = light.local.as_ref().is_some_and(|local| local.rendering.as_deref() == Some("no"));
    Some((light.direction.clone(), light.state.clone(), number.to_owned(), holds))
}
