//! What the receptionist believes: pairs that talk, phones that ring, calls that wait, and until when.
//!
//! Deeds take a moment, so whatever comes later by itself (nobody answered, a reminder) comes within a window of time.
//! Nothing is compared, and nothing done, while such a window is open.
mod agree;
mod callbacks;
mod come;
mod lamps;
mod lines;
mod orbits;
mod queue;
mod ways;

pub(super) use callbacks::{ATTEMPTS, BUSY_LIFE, GUARD, Kind, OTHER_LIFE, PAUSE, RECALL};
pub(super) use lamps::Watched;
pub(super) use lines::{Forward, LIMIT, Last, RINGS};
pub(super) use orbits::{FIRST, INTERVAL, ORBITS, RESERVE, RING, ROUNDS};

use super::super::office::{BOB, secs};
use super::super::phone::Stage;
use super::super::world::{End, Who, World};
use super::WORKSHOP;
use crate::base::Time;
use callbacks::Request;
pub(super) use come::Marks;
use come::Window;
use lamps::Lamp;
use lines::Line;
use orbits::{Kept, Stay};
use std::collections::BTreeSet;
use std::time::Duration;

const NO_ANSWER: Duration = secs(60);

/// The line that a telephone is one of: the telephone that it has had from the beginning.
pub(super) fn line(who: Who) -> Who {
    if who == WORKSHOP { BOB } else { who }
}

/// What holds in one play, and not in another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Who is held hears music.
    pub(super) music: bool,
    /// Some telephones have connections.
    pub(super) streams: bool,
    /// Who meets a busy line may wait.
    pub(super) camps: bool,
    /// Who is called back for a line that does not answer then is called back once more.
    pub(super) chains: bool,
}

impl Rules {
    pub(super) const fn of(byte: u8) -> Self {
        Self { music: byte & 1 != 0, streams: byte & 2 != 0, camps: byte & 4 != 0, chains: byte & 8 != 0 }
    }
}

/// Two who talk; one of them may hold the other, the how-manieth to do so.
#[derive(Debug)]
struct Talk {
    one: End,
    other: End,
    holder: Option<(End, u32)>,
}

/// A line that rings for a caller.
#[derive(Debug)]
struct Ring {
    caller: End,
    /// The line that rings, and all its telephones that do so still.
    at: Who,
    callees: Vec<End>,
    /// One of them has said that it is busy.
    busy: bool,
    /// The lines that sent the call on.
    path: Vec<Who>,
    began: Time,
    gives_up: Window,
}

/// Where a call gets to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// This line rings.
    Rings(Who),
    /// Nobody is there, or may be disturbed: at this line, and for this reason.
    Nobody(Who, Kind),
    /// It has been there.
    Circles,
}

impl Reached {
    /// The line that rings, if one does.
    pub(super) const fn rung(self) -> Option<Who> {
        match self {
            Self::Rings(line) => Some(line),
            Self::Nobody(..) | Self::Circles => None,
        }
    }
}

/// All of it.
#[derive(Debug)]
pub(super) struct Belief {
    talks: Vec<Talk>,
    rings: Vec<Ring>,
    stays: Vec<Stay>,
    kept: Vec<Kept>,
    lamps: Vec<Lamp>,
    /// Those for one line in the order of its queue.
    requests: Vec<Request>,
    orders: u32,
    suspensions: u32,
    /// Who pressed the key for a callback, and which line has a telephone now, in the deed under way.
    pressed: Option<Who>,
    signed_in: Option<Who>,
    /// By telephone.
    registered: Vec<bool>,
    lines: Vec<Line>,
    /// Who called and was not to be seen.
    hidden: Vec<End>,
    holds: u32,
    rules: Rules,
    /// When the deed under way began.
    pub(super) since: Time,
}

/// The calls that there were before something happened, phone by phone.
pub(super) struct Before(Vec<BTreeSet<u32>>);

impl Before {
    /// The calls that ring these telephones now: one each.
    pub(super) fn rung(&self, office: &World, telephones: Vec<Who>) -> Vec<End> {
        let one_more = |who: Who| {
            let calls = office.phones[who.0].calls.iter();
            let new: Vec<_> = calls.filter(|(no, _)| !self.0[who.0].contains(no)).collect();
            assert_eq!(new.len(), 1, "one call has come to {who:?}");
            assert_eq!(new[0].1.stage, Stage::Ringing, "{}", new[0].1.ended);
            End { who, no: *new[0].0 }
        };
        telephones.into_iter().map(one_more).collect()
    }
}

impl Belief {
    pub(super) fn new(phones: usize, rules: Rules) -> Self {
        Self {
            talks: Vec::new(),
            rings: Vec::new(),
            stays: Vec::new(),
            kept: Vec::new(),
            lamps: Vec::new(),
            requests: Vec::new(),
            orders: 0,
            suspensions: 0,
            pressed: None,
            signed_in: None,
            registered: vec![true; phones],
            lines: vec![Line::default(); phones],
            hidden: Vec::new(),
            holds: 0,
            rules,
            since: Time::ZERO,
        }
    }

    pub(super) fn begins(&self, office: &World) -> Before {
        Before(office.phones.iter().map(|phone| phone.calls.keys().copied().collect()).collect())
    }

    /// The time that the deed under way has taken.
    fn during(&self, office: &World) -> Window {
        Window { from: self.since, to: office.now }
    }

    // What there is.

    pub(super) fn is_registered(&self, who: Who) -> bool {
        self.registered[who.0]
    }

    /// The telephones of a line that can be rung.
    pub(super) fn telephones(&self, of: Who) -> Vec<Who> {
        let all = (0..self.registered.len()).map(Who);
        all.filter(|&who| line(who) == of && self.registered[who.0]).collect()
    }

    /// Everything that is up or rings, and what it should be.
    fn ends(&self) -> Vec<End> {
        let talks = self.talks.iter().flat_map(|talk| [talk.one, talk.other]);
        let rings = self.rings.iter().flat_map(|ring| ring.callees.iter().copied().chain([ring.caller]));
        let stays = self.stays.iter().flat_map(|stay| stay.rings.map(|(end, _)| end).into_iter().chain([stay.call]));
        let kept = self.kept.iter().map(|kept| kept.by);
        let mut all: Vec<_> = talks.chain(rings).chain(stays).chain(kept).chain(self.of_requests()).collect();
        all.sort_by_key(|end| (end.who.0, end.no));
        all
    }

    /// A line whose telephone has so many calls gets no more of them.
    pub(super) fn is_crowded(&self, who: Who) -> bool {
        let ends = self.ends();
        let calls = |phone: Who| ends.iter().filter(|end| end.who == phone).count();
        (0..self.registered.len()).map(Who).any(|phone| line(phone) == line(who) && calls(phone) >= 4)
    }

    /// One of all calls.
    pub(super) fn open(&self, which: usize) -> Option<End> {
        pick(self.ends().into_iter(), which)
    }

    /// Everything that rings.
    fn all_ringing(&self) -> Vec<End> {
        let calls = self.rings.iter().flat_map(|ring| ring.callees.iter().copied());
        let reminders = self.stays.iter().filter_map(|stay| stay.rings.map(|(end, _)| end));
        calls.chain(reminders).chain(self.rung_for_requests()).collect()
    }

    /// The call of a phone that rings somewhere.
    pub(super) fn calling(&self, who: Who) -> Option<End> {
        self.rings.iter().map(|ring| ring.caller).find(|caller| caller.who == who)
    }

    /// A telephone that rings for a call.
    pub(super) fn rung_by(&self, caller: End) -> Option<End> {
        self.rings.iter().find(|ring| ring.caller == caller)?.callees.last().copied()
    }

    /// A telephone that rings for the latest call.
    pub(super) fn rung_last(&self) -> Option<End> {
        self.rings.last().and_then(|ring| ring.callees.last()).copied()
    }

    pub(super) fn ringing(&self, which: usize) -> Option<End> {
        pick(self.all_ringing().into_iter(), which)
    }

    pub(super) fn talking(&self, which: usize) -> Option<End> {
        pick(self.talks.iter().flat_map(|talk| [talk.one, talk.other]), which)
    }

    /// Two calls of one phone.
    pub(super) fn talking_to_both(&self, which: usize) -> Option<(End, End)> {
        let all: Vec<End> = self.talks.iter().flat_map(|talk| [talk.one, talk.other]).collect();
        let pairs = all.iter().flat_map(|&one| all.iter().map(move |&other| (one, other)));
        pick(pairs.filter(|(one, other)| one.who == other.who && one.no != other.no), which)
    }

    /// A phone that holds a call.
    pub(super) fn holder(&self, which: usize) -> Option<Who> {
        pick(self.talks.iter().filter_map(|talk| talk.holder.map(|(end, _)| end.who)), which)
    }

    fn talk(&self, end: End) -> Option<&Talk> {
        self.talks.iter().find(|talk| talk.one == end || talk.other == end)
    }

    /// Whom this party talks to.
    pub(super) fn partner(&self, end: End) -> Option<End> {
        self.talk(end).map(|talk| if talk.one == end { talk.other } else { talk.one })
    }

    pub(super) fn holds(&self, end: End) -> bool {
        self.talk(end).and_then(|talk| talk.holder).is_some_and(|(holder, _)| holder == end)
    }

    pub(super) fn is_held(&self, end: End) -> bool {
        self.talk(end).and_then(|talk| talk.holder).is_some_and(|(holder, _)| holder != end)
    }

    /// What a phone holds, the last first.
    fn held_at(&self, who: Who) -> Vec<End> {
        let holders = self.talks.iter().filter_map(|talk| talk.holder).filter(|(end, _)| end.who == who);
        let mut held: Vec<_> = holders.collect();
        held.sort_by_key(|&(_, when)| std::cmp::Reverse(when));
        held.into_iter().map(|(end, _)| end).collect()
    }

    pub(super) fn last_held(&self, who: Who) -> Option<End> {
        self.held_at(who).first().copied()
    }

    /// Whether one may answer for the other: Dave, the fourth, is nobody's colleague.
    pub(super) fn are_colleagues(one: Who, other: Who) -> bool {
        const STAFF: usize = 3;
        line(one).0 < STAFF && line(other).0 < STAFF
    }

    /// The caller of the one call that rings this line, if there is one, and nothing else does.
    pub(super) fn rung_alone(&self, at: Who) -> Option<End> {
        let reminded = self.stays.iter().any(|stay| stay.rings.is_some_and(|(end, _)| line(end.who) == at));
        let called = self.rung_for_requests().any(|end| line(end.who) == at);
        let mut rings = self.rings.iter().filter(|ring| ring.at == at);
        let first = rings.next().filter(|_| !reminded && !called);
        if rings.next().is_some() { None } else { first.map(|ring| ring.caller) }
    }

    /// What comes to this telephone when its user pulls: a call of the line's other telephone, if there is one; nothing can be
    /// said where there are several.
    pub(super) fn pulled_to(&self, who: Who) -> Result<Option<End>, ()> {
        self.taken_from(line(who), who)
    }

    /// The same of any line's call.
    pub(super) fn taken_from(&self, of: Who, who: Who) -> Result<Option<End>, ()> {
        let elsewhere = |end: &End| line(end.who) == of && end.who != who;
        let all = self.talks.iter().flat_map(|talk| [talk.one, talk.other]).filter(elsewhere);
        let (held, talking): (Vec<_>, Vec<_>) = all.partition(|&end| self.holds(end));
        let first = if talking.is_empty() { held } else { talking };
        let own = |end: &End| self.partner(*end).is_some_and(|with| [of, line(who)].contains(&line(with.who)));
        match first[..] {
            [] => Ok(None),
            [end] if !self.is_held(end) && !own(&end) => Ok(Some(end)),
            [..] => Err(()),
        }
    }

    // What people did.

    /// A telephone has registered, or gone. A line that had none is used by that.
    pub(super) fn registered(&mut self, who: Who, is: bool) {
        let had_some = !self.telephones(line(who)).is_empty();
        self.registered[who.0] = is;
        self.signed_in = Some(line(who)).filter(|_| is && !had_some);
    }

    /// A call rings nobody any more, or somebody else.
    fn stops_ringing(&mut self, caller: End) {
        self.rings.retain(|ring| ring.caller != caller);
    }

    pub(super) fn picked_up(&mut self, caller: End, by: End, office: &World) {
        self.stops_ringing(caller);
        self.meet(caller, by, office);
    }

    /// Two talk from now on.
    fn meet(&mut self, one: End, other: End, office: &World) {
        self.talks.push(Talk { one, other, holder: None });
        self.met(one, other, self.during(office), office);
    }

    pub(super) fn answered(&mut self, end: End, office: &World) {
        if let Some(ring) = self.rings.iter().find(|ring| ring.callees.contains(&end)) {
            let caller = ring.caller;
            return self.picked_up(caller, end, office);
        }
        let stay = self.stays.iter().find(|stay| stay.rings.is_some_and(|(ringing, _)| ringing == end));
        match stay.map(|stay| stay.orbit) {
            Some(orbit) => self.retrieved(orbit, end, office),
            None => assert!(self.answered_request(end, office), "{end:?} rings for something"),
        }
    }

    /// Somebody hung up, gave up, or refused: busy, or not to be reached.
    pub(super) fn left(&mut self, end: End, busy: bool, office: &World) {
        self.talks.retain(|talk| talk.one != end && talk.other != end);
        if let Some(at) = self.rings.iter().position(|ring| ring.caller == end) {
            let Ring { caller, at, path, .. } = self.rings.remove(at);
            self.fails(caller, (&path, at, Kind::NoReply));
        }
        if let Some(at) = self.rings.iter().position(|ring| ring.callees.contains(&end)) {
            let ring = &mut self.rings[at];
            ring.callees.retain(|&callee| callee != end);
            ring.busy |= busy;
            if ring.callees.is_empty() {
                let ring = self.rings.remove(at);
                let then = if ring.busy { &[Forward::Busy][..] } else { &[Forward::Away, Forward::NoAnswer] };
                let kind = if ring.busy { Kind::Busy } else { Kind::NoReply };
                self.goes_on(ring, then, kind, office);
            }
        }
        self.left_orbits(end, office);
        self.left_request(end, busy, office);
    }

    /// Nobody has answered a call for as long as its caller would wait.
    fn not_answered(&mut self, at: usize, office: &World) {
        let ring = self.rings.remove(at);
        self.goes_on(ring, &[Forward::NoAnswer], Kind::NoReply, office);
    }

    pub(super) fn held(&mut self, end: End, holds: bool) {
        self.holds += 1;
        let number = self.holds;
        if let Some(talk) = self.talks.iter_mut().find(|talk| talk.one == end || talk.other == end) {
            talk.holder = holds.then_some((end, number));
        }
    }

    /// The party of this end talks to somebody else; the end itself is gone.
    pub(super) fn handed_over(&mut self, by: End, to: End, office: &World) {
        let Some(of) = self.partner(by) else { return };
        self.talks.retain(|talk| talk.one != by && talk.other != by);
        self.meet(of, to, office);
    }

    /// A call goes on at another telephone of the line.
    pub(super) fn pulled(&mut self, old: End, by: End, office: &World) {
        if line(old.who) == line(by.who) {
            self.moves(old, by);
        }
        self.handed_over(old, by, office);
    }

    /// Somebody was sent to a line by who it talked to.
    pub(super) fn is_sent(&mut self, of: End, to: Who) {
        self.reach(to, &mut Vec::new(), of);
    }

    /// A party was sent into a call that rang still, and that this one has answered since.
    pub(super) fn introduced_early(&mut self, one: End, ringing: End, target: End, office: &World) {
        self.stops_ringing(ringing);
        self.handed_over(one, target, office);
    }

    /// The parties of these two talk to each other; the two are gone.
    pub(super) fn introduced(&mut self, one: End, other: End, office: &World) {
        let Some(target) = self.partner(other) else { return };
        self.talks.retain(|talk| talk.one != other && talk.other != other);
        self.handed_over(one, target, office);
    }
}

/// One of these.
fn pick<T: Copy>(from: impl Iterator<Item = T>, which: usize) -> Option<T> {
    let all: Vec<T> = from.collect();
    all.get(which % all.len().max(1)).copied()
}
