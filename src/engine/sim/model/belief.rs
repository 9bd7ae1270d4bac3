//! What the receptionist believes: pairs that talk, phones that ring, calls that wait, and until when.
//!
//! Deeds take a moment, so whatever comes later by itself (nobody answered, a reminder) comes within a window of time.
//! Nothing is compared, and nothing done, while such a window is open.
use super::super::office::{CARRIER, secs};
use super::super::phone::Stage;
use super::super::world::{End, Who, World};
use crate::base::Time;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const ORBITS: [&str; 5] = ["701", "702", "703", "704", "705"];
pub(super) const FIRST: Duration = secs(30);
pub(super) const RING: Duration = secs(10);
pub(super) const INTERVAL: Duration = secs(20);
pub(super) const ROUNDS: u32 = 2;
const NO_ANSWER: Duration = secs(60);
/// A deed and its effects are done within this.
const DEED: Duration = secs(8);
/// Something that comes by itself has had its effect after this.
const EFFECT: Duration = secs(1);

/// From when to when something may have begun.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: Time,
    to: Time,
}

impl Window {
    fn plus(self, time: Duration) -> Self {
        Self { from: self.from + time, to: self.to + time }
    }
}

/// Two who talk; one of them may hold the other, the how-manieth to do so.
#[derive(Debug)]
struct Talk {
    one: End,
    other: End,
    holder: Option<(End, u32)>,
}

/// A phone that rings for a caller.
#[derive(Debug)]
struct Ring {
    caller: End,
    callee: End,
    /// The lines that sent the call on.
    path: Vec<Who>,
    gives_up: Window,
}

/// A call in an orbit.
#[derive(Debug)]
struct Stay {
    orbit: &'static str,
    call: End,
    parker: Who,
    /// When the parker is reminded.
    due: Option<Window>,
    /// It is due, and another reminder rings the same phone.
    queued: bool,
    /// What rings, and when that ends.
    rings: Option<(End, Window)>,
    rounds: u32,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Belief {
    talks: Vec<Talk>,
    rings: Vec<Ring>,
    stays: Vec<Stay>,
    registered: Vec<bool>,
    /// Where all calls of each go, and who is not to be disturbed.
    forwards: Vec<Option<Who>>,
    undisturbed: Vec<bool>,
    holds: u32,
    /// Who is held hears music.
    music: bool,
    /// When the deed under way began.
    pub(super) since: Time,
}

/// The calls that a phone had before something happened.
pub(super) struct Before {
    who: Who,
    known: Vec<u32>,
}

impl Before {
    /// The one call that is new, at this stage.
    pub(super) fn one_more(&self, office: &World, stage: Stage) -> End {
        let calls = office.phones[self.who.0].calls.iter();
        let new: Vec<_> = calls.filter(|(no, _)| !self.known.contains(no)).collect();
        assert_eq!(new.len(), 1, "one call has come to {:?}", self.who);
        assert_eq!(new[0].1.stage, stage, "{}", new[0].1.ended);
        End { who: self.who, no: *new[0].0 }
    }
}

impl Belief {
    pub(super) fn new(phones: usize, music: bool) -> Self {
        let (talks, rings, stays) = (Vec::new(), Vec::new(), Vec::new());
        let (registered, forwards, undisturbed) = (vec![true; phones], vec![None; phones], vec![false; phones]);
        Self { talks, rings, stays, registered, forwards, undisturbed, holds: 0, music, since: Time::ZERO }
    }

    pub(super) fn begins(&self, office: &World, who: Who) -> Before {
        Before { who, known: office.phones[who.0].calls.keys().copied().collect() }
    }

    pub(super) fn is_registered(&self, who: Who) -> bool {
        self.registered[who.0]
    }

    pub(super) fn registered(&mut self, who: Who, is: bool) {
        self.registered[who.0] = is;
    }

    /// Everything that is up or rings, and what it should be.
    fn ends(&self) -> Vec<End> {
        let talks = self.talks.iter().flat_map(|talk| [talk.one, talk.other]);
        let rings = self.rings.iter().flat_map(|ring| [ring.caller, ring.callee]);
        let stays = self.stays.iter().flat_map(|stay| stay.rings.map(|(end, _)| end).into_iter().chain([stay.call]));
        let mut all: Vec<_> = talks.chain(rings).chain(stays).collect();
        all.sort_by_key(|end| (end.who.0, end.no));
        all
    }

    /// A phone with so many calls gets no more of them.
    pub(super) fn is_crowded(&self, who: Who) -> bool {
        self.ends().iter().filter(|end| end.who == who).count() >= 4
    }

    /// One of the calls of a phone.
    pub(super) fn at(&self, who: Who, which: usize) -> Option<End> {
        pick(self.ends().into_iter().filter(|end| end.who == who), which)
    }

    pub(super) fn ringing_at(&self, who: Who, which: usize) -> Option<End> {
        let calls = self.rings.iter().map(|ring| ring.callee);
        let reminders = self.stays.iter().filter_map(|stay| stay.rings.map(|(end, _)| end));
        pick(calls.chain(reminders).filter(|end| end.who == who), which)
    }

    pub(super) fn talking(&self, who: Who, which: usize) -> Option<End> {
        pick(self.talks.iter().flat_map(|talk| [talk.one, talk.other]).filter(|end| end.who == who), which)
    }

    fn talk(&self, end: End) -> Option<&Talk> {
        self.talks.iter().find(|talk| talk.one == end || talk.other == end)
    }

    pub(super) fn holds(&self, end: End) -> bool {
        self.talk(end).and_then(|talk| talk.holder).is_some_and(|(holder, _)| holder == end)
    }

    pub(super) fn is_held(&self, end: End) -> bool {
        self.talk(end).and_then(|talk| talk.holder).is_some_and(|(holder, _)| holder != end)
    }

    pub(super) fn last_held(&self, who: Who) -> Option<End> {
        let holders = self.talks.iter().filter_map(|talk| talk.holder).filter(|(end, _)| end.who == who);
        holders.max_by_key(|(_, when)| *when).map(|(end, _)| end)
    }

    pub(super) fn is_occupied(&self, orbit: &str) -> bool {
        self.stays.iter().any(|stay| stay.orbit == orbit)
    }

    /// A number to park at, and the orbit that this leads to, if it is free.
    pub(super) fn place(&self, which: usize) -> (&'static str, Option<&'static str>) {
        let free = |orbit: &&&str| !self.is_occupied(orbit);
        match ORBITS.get(which % 8) {
            Some(orbit) => (orbit, Some(orbit).filter(free).copied()),
            None => ("700", ORBITS.iter().find(free).copied()),
        }
    }

    // What people did.

    pub(super) fn rings(&mut self, caller: End, callee: End, path: Vec<Who>, now: Time) {
        let gives_up = Window { from: self.since, to: now }.plus(NO_ANSWER);
        self.rings.push(Ring { caller, callee, path, gives_up });
    }

    pub(super) fn forwards(&mut self, who: Who, to: Option<Who>) {
        self.forwards[who.0] = to;
    }

    /// Whether others may disturb; nothing: the other of the two.
    pub(super) fn disturbs(&mut self, who: Who, may: Option<bool>) {
        self.undisturbed[who.0] = may.map_or(!self.undisturbed[who.0], |may| !may);
    }

    /// Whose phone rings for a call to somebody that has come this way, and the way it took; nobody's, if it is refused.
    pub(super) fn reached(&self, mut to: Who, mut path: Vec<Who>) -> (Option<Who>, Vec<Who>) {
        while to != CARRIER {
            if let Some(next) = self.forwards[to.0] {
                path.push(to);
                if path.contains(&next) {
                    return (None, path);
                }
                to = next;
                continue;
            }
            let there = self.registered[to.0] && !self.undisturbed[to.0];
            return (there.then_some(to), path);
        }
        (Some(to), path)
    }

    /// The same for a call that a phone sends on.
    pub(super) fn sent_on(&self, ring: End, to: Who) -> (Option<Who>, Vec<Who>) {
        let path = self.rings.iter().find(|known| known.callee == ring).map(|known| known.path.clone());
        let mut path = path.unwrap_or_default();
        path.push(ring.who);
        if path.contains(&to) { (None, path) } else { self.reached(to, path) }
    }

    /// The one call that rings this phone, if there is one, and nothing else does.
    pub(super) fn rung_alone(&self, who: Who) -> Option<End> {
        let reminded = self.stays.iter().any(|stay| stay.rings.is_some_and(|(end, _)| end.who == who));
        let mut rings = self.rings.iter().map(|ring| ring.callee).filter(|end| end.who == who);
        let first = rings.next().filter(|_| !reminded);
        if rings.next().is_some() { None } else { first }
    }

    pub(super) fn caller_of(&self, ring: End) -> Option<End> {
        self.rings.iter().find(|known| known.callee == ring).map(|known| known.caller)
    }

    pub(super) fn picked_up(&mut self, ring: End, by: End) {
        if let Some(at) = self.rings.iter().position(|known| known.callee == ring) {
            let Ring { caller, .. } = self.rings.remove(at);
            self.talks.push(Talk { one: caller, other: by, holder: None });
        }
    }

    pub(super) fn answered(&mut self, end: End, office: &World) {
        if let Some(at) = self.rings.iter().position(|ring| ring.callee == end) {
            let Ring { caller, callee, .. } = self.rings.remove(at);
            return self.talks.push(Talk { one: caller, other: callee, holder: None });
        }
        let stay = self.stays.iter().find(|stay| stay.rings.is_some_and(|(ringing, _)| ringing == end));
        if let Some(orbit) = stay.map(|stay| stay.orbit) {
            self.retrieved(orbit, end, office);
        }
    }

    /// Somebody hung up, gave up, or refused.
    pub(super) fn left(&mut self, end: End, office: &World) {
        self.talks.retain(|talk| talk.one != end && talk.other != end);
        self.rings.retain(|ring| ring.caller != end && ring.callee != end);
        if let Some(at) = self.stays.iter().position(|stay| stay.call == end) {
            let stay = self.stays.remove(at);
            self.next_in_line(stay.parker, Window { from: self.since, to: office.now }, office);
        }
        let window = Window { from: self.since, to: office.now };
        let refused = self.stays.iter_mut().find(|stay| stay.rings.is_some_and(|(ringing, _)| ringing == end));
        if let Some(stay) = refused {
            let parker = stay.parker;
            stay.is_not_answered(window);
            self.next_in_line(parker, window, office);
        }
    }

    pub(super) fn held(&mut self, end: End, holds: bool) {
        self.holds += 1;
        let number = self.holds;
        if let Some(talk) = self.talks.iter_mut().find(|talk| talk.one == end || talk.other == end) {
            talk.holder = holds.then_some((end, number));
        }
    }

    /// The party of this end waits in an orbit; the end itself is gone.
    pub(super) fn parked(&mut self, parker: End, orbit: &'static str, now: Time) {
        let Some(at) = self.talks.iter().position(|talk| talk.one == parker || talk.other == parker) else { return };
        let Talk { one, other, .. } = self.talks.remove(at);
        let due = Some(Window { from: self.since, to: now }.plus(FIRST));
        let call = if one == parker { other } else { one };
        self.stays.push(Stay { orbit, call, parker: parker.who, due, queued: false, rings: None, rounds: 0 });
    }

    /// Whom this party talks to.
    pub(super) fn partner(&self, end: End) -> Option<End> {
        self.talk(end).map(|talk| if talk.one == end { talk.other } else { talk.one })
    }

    /// The party of this end talks to somebody else; the end itself is gone.
    pub(super) fn transferred(&mut self, by: End, to: End) {
        let Some(of) = self.partner(by) else { return };
        self.talks.retain(|talk| talk.one != by && talk.other != by);
        self.talks.push(Talk { one: of, other: to, holder: None });
    }

    /// The parties of these two talk to each other; the two are gone.
    pub(super) fn introduced(&mut self, one: End, other: End) {
        let Some(target) = self.partner(other) else { return };
        self.talks.retain(|talk| talk.one != other && talk.other != other);
        self.transferred(one, target);
    }

    pub(super) fn retrieved(&mut self, orbit: &str, by: End, office: &World) {
        let Some(at) = self.stays.iter().position(|stay| stay.orbit == orbit) else { return };
        let stay = self.stays.remove(at);
        self.talks.push(Talk { one: stay.call, other: by, holder: None });
        self.next_in_line(stay.parker, Window { from: self.since, to: office.now }, office);
    }

    // What comes by itself.

    /// Lets everything happen that would come in between.
    pub(super) fn wait_out(&mut self, office: &mut World) {
        while let Some(window) = self.next_window().filter(|window| window.from <= office.now + DEED) {
            let until = (window.to + EFFECT).max(office.now);
            office.passes(until - office.now);
            self.comes(office);
        }
    }

    /// Time passes, with all that comes in it.
    pub(super) fn waits_until(&mut self, office: &mut World, end: Time) {
        self.wait_out(office);
        while office.now < end {
            let next = self
                .next_window()
                .map_or(end, |window| Time::from_micros(window.from.micros() - DEED.as_micros() as u64));
            let next = next.min(end).max(office.now);
            office.passes(next - office.now);
            self.wait_out(office);
        }
    }

    fn next_window(&self) -> Option<Window> {
        self.windows().into_iter().min_by_key(|window| window.from)
    }

    fn windows(&self) -> Vec<Window> {
        let stays = self.stays.iter().filter_map(|stay| stay.rings.map(|(_, until)| until).or(stay.due));
        self.rings.iter().map(|ring| ring.gives_up).chain(stays).collect()
    }

    /// Whatever had to come by now has come.
    fn comes(&mut self, office: &World) {
        let over = |window: Window| window.to + EFFECT <= office.now;
        self.rings.retain(|ring| !over(ring.gives_up));
        let ended = self.stays.iter().position(|stay| stay.rings.is_some_and(|(_, until)| over(until)));
        if let Some(stay) = ended.map(|at| &mut self.stays[at]) {
            let (window, parker) =
                (stay.rings.map_or(Window { from: office.now, to: office.now }, |(_, until)| until), stay.parker);
            stay.is_not_answered(window);
            self.next_in_line(parker, window, office);
        }
        let due = self.stays.iter().position(|stay| stay.rings.is_none() && stay.due.is_some_and(over));
        if let Some(at) = due {
            let (window, parker) = (self.stays[at].due, self.stays[at].parker);
            self.stays[at].due = None;
            self.stays[at].queued = true;
            self.next_in_line(parker, window.unwrap_or(Window { from: office.now, to: office.now }), office);
        }
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

    // Whether it is so.

    pub(super) fn agrees(&self, office: &World, deed: usize) {
        let mut known = self.ends();
        let mut there = Vec::new();
        for (place, phone) in office.phones.iter().enumerate() {
            let open = phone.calls.iter().filter(|(_, call)| !call.is_over());
            there.extend(open.map(|(no, _)| End { who: Who(place), no: *no }));
        }
        known.dedup();
        assert_eq!(there, known, "deed {deed}: the calls on all phones; {self:#?}");
        assert_eq!(office.engine.exchange.seen().len(), known.len(), "deed {deed}: and the engine's sessions");
        for Talk { one, other, holder } in &self.talks {
            match holder {
                None => office.talk(*one, *other),
                Some((holder, _)) => {
                    let held_end = if holder == one { *other } else { *one };
                    let (held, holding) = (office.call(held_end), office.call(*holder));
                    assert_eq!((held.stage, holding.stage), (Stage::Up, Stage::Up));
                    if self.music {
                        office.hears_music(held_end);
                        assert_eq!(holding.media.heard, "inactive", "deed {deed}");
                        continue;
                    }
                    assert!(["sendonly", "inactive"].contains(&&*held.media.heard), "deed {deed}: {:?}", held.media);
                    // Held by 0.0.0.0, and by way of the server: then nowhere.
                    let to_holder = office.sends_to(held_end).or(Some(holding.media.at));
                    let ways = (to_holder, office.sends_to(*holder));
                    assert_eq!(ways, (Some(holding.media.at), Some(held.media.at)), "deed {deed}");
                }
            }
        }
        for ring in &self.rings {
            let stages = (office.call(ring.caller).stage, office.call(ring.callee).stage);
            assert_eq!(stages, (Stage::Calling, Stage::Ringing), "deed {deed}");
        }
        let mut waiting: Vec<_> = self.stays.iter().map(|stay| (stay.orbit.to_owned(), stay.rings.is_some())).collect();
        waiting.sort();
        let stays = office.engine.features.stays();
        let occupied: Vec<_> = stays.iter().map(|stay| (stay.number.clone(), stay.reminding)).collect();
        assert_eq!(occupied, waiting, "deed {deed}: orbits, and whether they remind");
        for stay in &self.stays {
            office.hears_music(stay.call);
            if let Some((end, _)) = stay.rings {
                assert_eq!(office.call(end).stage, Stage::Ringing, "deed {deed}");
                assert!(end.who == stay.parker && end.who != CARRIER);
            }
        }
    }
}

impl Stay {
    /// A round is over, and nobody has fetched the call.
    fn is_not_answered(&mut self, window: Window) {
        self.rings = None;
        self.rounds += 1;
        self.due = (self.rounds < ROUNDS).then(|| window.plus(INTERVAL));
    }
}

fn pick(ends: impl Iterator<Item = End>, which: usize) -> Option<End> {
    let all: Vec<End> = ends.collect();
    all.get(which % all.len().max(1)).copied()
}
