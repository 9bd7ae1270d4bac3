//! What comes by itself, and when.
use super::super::super::world::World;
use super::Belief;
use crate::base::Time;
use std::time::Duration;

/// A deed and its effects are done within this.
const DEED: Duration = Duration::from_secs(8);
/// Something that comes by itself has had its effect after this, and whoever watches has been told.
const EFFECT: Duration = Duration::from_secs(2);

/// From when to when something may have begun.
#[derive(Clone, Copy, Debug)]
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
        rings.chain(stays).chain(kept).collect()
    }

    /// Whatever had to come by now has come, the first first.
    fn comes(&mut self, office: &World) {
        let is_over = |(window, _): &(Window, Coming)| window.to + EFFECT <= office.now;
        while let Some((_, coming)) = self.coming().into_iter().filter(is_over).min_by_key(|(window, _)| window.from) {
            match coming {
                Coming::Unanswered(at) => drop(self.rings.remove(at)),
                Coming::Unreminded(at) => self.reminded_in_vain(at, office),
                Coming::Reminder(at) => self.reminds(at, office),
                Coming::Reservation(at) => drop(self.kept.remove(at)),
            }
        }
    }
}
