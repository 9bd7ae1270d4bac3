//! What comes by itself, and when.
use super::super::super::phone::{Phone, Stage};
use super::super::super::world::{Who, World};
use super::callbacks::Due;
use super::{Belief, line};
use crate::base::Time;
use std::collections::BTreeMap;
use std::time::Duration;

/// A deed and its effects are done within this.
const DEED: Duration = Duration::from_secs(16);
/// Something that comes by itself has had its effect after this, and whoever watches has been told.
const EFFECT: Duration = Duration::from_secs(3);

/// From when to when something may have begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: Time,
    pub(super) to: Time,
}

impl Window {
    pub(super) fn plus(self, time: Duration) -> Self {
        Self { from: self.from + time, to: self.to + time }
    }
}

/// What comes.
#[derive(Clone, Copy, Debug)]
enum Coming {
    /// Nobody answers a call.
    Unanswered(usize),
    /// The reminder of a stay has rung long enough.
    Unreminded(usize),
    /// The parker of a stay is to be reminded.
    Reminder(usize),
    /// The orbit that was kept is free again.
    Reservation(usize),
    /// Something about a callback.
    Callback(Due),
}

impl Belief {
    /// Lets everything happen that would come in between.
    pub(in super::super) fn wait_out(&mut self, office: &mut World) {
        while let Some((window, _)) = self.next().filter(|(window, _)| window.from <= office.now + DEED) {
            let until = (window.to + EFFECT).max(office.now);
            office.passes(until - office.now);
            self.comes(office);
        }
    }

    /// Time passes, with all that comes in it.
    pub(in super::super) fn waits_until(&mut self, office: &mut World, end: Time) {
        self.wait_out(office);
        while office.now < end {
            let next = self
                .next()
                .map_or(end, |(window, _)| Time::from_micros(window.from.micros() - DEED.as_micros() as u64));
            let next = next.min(end).max(office.now);
            office.passes(next - office.now);
            self.wait_out(office);
        }
    }

    fn next(&self) -> Option<(Window, Coming)> {
        self.coming().into_iter().min_by_key(|(window, _)| window.from)
    }

    fn coming(&self) -> Vec<(Window, Coming)> {
        let rings = self.rings.iter().enumerate().map(|(at, ring)| (ring.gives_up, Coming::Unanswered(at)));
        let stays = self.stays.iter().enumerate().filter_map(|(at, stay)| match stay.rings {
            Some((_, until)) => Some((until, Coming::Unreminded(at))),
            None => stay.due.map(|due| (due, Coming::Reminder(at))),
        });
        let kept = self.kept.iter().enumerate().map(|(at, kept)| (kept.until, Coming::Reservation(at)));
        let requests = self.dues().map(|(window, due)| (window, Coming::Callback(due)));
        rings.chain(stays).chain(kept).chain(requests).collect()
    }

    /// When something comes that touches a line, but for this request.
    pub(super) fn comings_at(&self, at: Who, order: u32) -> impl Iterator<Item = Window> {
        let rings = self.rings.iter().filter(move |ring| ring.at == at || line(ring.caller.who) == at);
        let stays = self.stays.iter().filter(move |stay| line(stay.parker) == at);
        let stays = stays.filter_map(|stay| stay.rings.map(|(_, until)| until).or(stay.due));
        let kept = self.kept.iter().filter(move |kept| line(kept.by.who) == at);
        let others = rings.map(|ring| ring.gives_up).chain(stays).chain(kept.map(|kept| kept.until));
        others.chain(self.dues_at(at, order))
    }

    /// Whatever had to come by now has come, the first first.
    fn comes(&mut self, office: &World) {
        let is_over = |(window, _): &(Window, Coming)| window.to + EFFECT <= office.now;
        while let Some((window, coming)) =
            self.coming().into_iter().filter(is_over).min_by_key(|(window, _)| window.from)
        {
            self.since = window.from;
            let before = self.ends();
            match coming {
                Coming::Unanswered(at) => self.not_answered(at, office),
                Coming::Unreminded(at) => self.reminded_in_vain(at, office),
                Coming::Reminder(at) => self.reminds(at, office),
                Coming::Reservation(at) => drop(self.kept.remove(at)),
                Coming::Callback(due) => self.comes_due(due, window, office),
            }
            let after = self.ends();
            let gone = before.iter().filter(|end| !after.contains(end));
            let come = after.iter().filter(|end| !before.contains(end));
            let (gone, come): (Vec<Who>, Vec<Who>) =
                (gone.map(|end| line(end.who)).collect(), come.map(|end| line(end.who)).collect());
            // Between one reminder and the next a line may have been free for a moment.
            for &at in gone.iter().filter(|at| come.contains(at)) {
                self.heed_all(at, window, office);
            }
            self.look_round(window, (&[gone, come].concat(), &[]), office);
        }
    }

    /// The deed under way is done: who was touched by it, and who has used a telephone.
    pub(in super::super) fn done(&mut self, before: &Marks, office: &World) {
        let (signed_in, pressed) = (self.signed_in.take(), self.pressed.take());
        let (mut touched, mut used) = (Vec::from_iter(signed_in), Vec::from_iter(signed_in));
        for (place, phone) in office.phones.iter().enumerate() {
            let who = Who(place);
            for (no, call) in &phone.calls {
                let was = before.0[place].get(no).copied();
                if was == Some(call.stage) {
                    continue;
                }
                touched.push(line(who));
                let dialled = was.is_none() && call.outgoing && pressed != Some(who);
                // Perhaps not for long.
                let was_up = call.stage == Stage::Up || call.ended.starts_with("BYE") || call.ended == "hung up";
                let answered = was_up && was != Some(Stage::Up) && !call.outgoing;
                used.extend((dialled || answered).then_some(line(who)));
            }
        }
        self.look_round(self.during(office), (&touched, &used), office);
    }
}

/// Where all calls of all phones stand.
pub(in super::super) struct Marks(Vec<BTreeMap<u32, Stage>>);

impl Marks {
    pub(in super::super) fn of(office: &World) -> Self {
        let stages = |phone: &Phone| phone.calls.iter().map(|(no, call)| (*no, call.stage)).collect();
        Self(office.phones.iter().map(stages).collect())
    }
}
