//! Lots and their orbits: which is free, which is next, who may see what.
//!
//! Knows: settings, sessions (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
use super::attended::Reservation;
use super::park::{Phase, Stay};
use super::refusal::Refusal;
use crate::base::Time;
use crate::base::text::{self, Number};
use crate::counters::{LotGauges, OrbitState, ParkCounters};
use crate::session::{News, Place, Station, Switch};
use crate::settings::{Fallback, LotSettings, OnOccupied, Pick, Settings};
use std::collections::VecDeque;
use std::time::Duration;

/// An orbit's number in the engine: all lots' orbits, one after the other.
pub(crate) type OrbitNo = u32;

/// The lot that no configuration has, and nobody dials: calls wait there whose transfer came to nothing when the
/// transferor had gone, until it is recalled.
pub(super) const RECALLS: usize = usize::MAX;

/// All lots.
#[derive(Debug)]
pub(crate) struct Lots {
    lots: Vec<Lot>,
    recalls: LotSettings,
    pub(crate) recall_counters: ParkCounters,
    orbits: Vec<Orbit>,
    /// By lot.
    pub(crate) counters: Vec<ParkCounters>,
    pub(crate) draining: bool,
    /// Some orbit is retired: most configurations never have one, and no call need look for it.
    any_retired: bool,
    /// Phones that a reminder rings now, and for which orbit.
    pub(super) rung: Vec<(Station, OrbitNo)>,
    /// Watched orbits in which something has changed in this turn.
    changed: Vec<OrbitNo>,
    /// Orbits whose reminder waits for a line to hang up.
    pub(super) waiting: Vec<(crate::settings::LineNo, OrbitNo)>,
}

#[derive(Debug)]
struct Lot {
    settings: LotSettings,
    /// By their places in the settings.
    orbits: Vec<OrbitNo>,
    /// The place that `pick = "next"` tries first.
    next: usize,
}

#[derive(Debug)]
struct Orbit {
    number: Number,
    lot: usize,
    generation: u64,
    /// Since when it has been free.
    emptied: Option<Time>,
    stay: Option<Box<Stay>>,
    reservation: Option<Reservation>,
    first_reminder: Duration,
    fallback: Fallback,
    /// The configuration has it no more: nobody parks here, but who waits here can be fetched.
    retired: bool,
    /// What people call it.
    name: Option<String>,
    watched: Watched,
}

/// Whether somebody is told of what an orbit does.
#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    itself: bool,
    /// With all of its lot.
    lot: bool,
    /// It has done something in this turn.
    changed: bool,
}

impl Lots {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut lots = Self {
            lots: Vec::new(),
            recalls: settings.transfers.recalls(),
            recall_counters: ParkCounters::default(),
            orbits: Vec::new(),
            counters: Vec::new(),
            draining: false,
            any_retired: false,
            rung: Vec::new(),
            changed: Vec::new(),
            waiting: Vec::new(),
        };
        lots.reload(settings);
        lots
    }

    /// Other settings from now on. Nobody who waits is moved; their clocks go on.
    pub(crate) fn reload(&mut self, settings: &Settings) {
        self.recalls = settings.transfers.recalls();
        self.any_retired = !settings.retired.orbits.is_empty();
        for (place, lot) in settings.lots.iter().enumerate() {
            if place == self.lots.len() {
                self.lots.push(Lot { settings: lot.clone(), orbits: Vec::new(), next: 0 });
                self.counters.push(ParkCounters::default());
            }
            self.lots[place].settings = lot.clone();
            for (at, orbit) in lot.orbits.iter().enumerate() {
                let retired = settings.retired.orbits.contains(&(place, at));
                let first_reminder = orbit.first_reminder.unwrap_or(lot.first_reminder);
                let fallback = orbit.fallback.clone().unwrap_or_else(|| lot.fallback.clone());
                if let Some(known) = self.lots[place].orbits.get(at).and_then(|&no| self.orbits.get_mut(no as usize)) {
                    (known.retired, known.first_reminder, known.fallback) = (retired, first_reminder, fallback);
                    known.name.clone_from(&orbit.name);
                    continue;
                }
                self.lots[place].orbits.push(self.orbits.len() as OrbitNo);
                let number = text::cut(&orbit.number);
                let (generation, emptied, stay, reservation) = (0, None, None, None);
                let lot = place;
                self.orbits.push(Orbit {
                    number,
                    lot,
                    generation,
                    emptied,
                    stay,
                    reservation,
                    first_reminder,
                    fallback,
                    retired,
                    name: orbit.name.clone(),
                    watched: Watched::default(),
                });
            }
        }
    }

    /// The engine's number of an orbit that the plan knows by its lot and its place there.
    pub(crate) fn orbit(&self, lot: usize, place: usize) -> OrbitNo {
        self.lots.get(lot).and_then(|lot| lot.orbits.get(place)).copied().unwrap_or(OrbitNo::MAX)
    }

    /// The orbit with this number that the configuration has no more, but where somebody still waits.
    pub(crate) fn retiring(&self, number: &str) -> Option<OrbitNo> {
        if !self.any_retired {
            return None;
        }
        let place =
            self.orbits.iter().position(|orbit| orbit.retired && orbit.stay.is_some() && *orbit.number == *number)?;
        OrbitNo::try_from(place).ok()
    }

    /// Whether there is no lot at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.lots.is_empty()
    }

    /// The orbits that the configuration has, or had, in a lot.
    pub(super) fn orbits_of(&self, lot: usize) -> &[OrbitNo] {
        self.lots.get(lot).map_or(&[], |lot| &lot.orbits)
    }

    /// What people call an orbit.
    pub(super) fn name(&self, orbit: OrbitNo) -> Option<&str> {
        self.orbits.get(orbit as usize)?.name.as_deref()
    }

    /// Whether the configuration has an orbit no more.
    pub(super) fn is_retired(&self, orbit: OrbitNo) -> bool {
        self.orbits.get(orbit as usize).is_none_or(|orbit| orbit.retired)
    }

    /// From now on somebody is told of what an orbit does, or nobody any more.
    pub(super) fn watch_orbit(&mut self, orbit: OrbitNo, watched: bool) {
        if let Some(orbit) = self.orbits.get_mut(orbit as usize) {
            orbit.watched.itself = watched;
        }
    }

    /// The same of all orbits of a lot.
    pub(super) fn watch_lot(&mut self, lot: usize, watched: bool) {
        for orbit in self.orbits.iter_mut().filter(|orbit| orbit.lot == lot) {
            orbit.watched.lot = watched;
        }
    }

    /// A watched orbit that has changed.
    pub(super) fn next_changed(&mut self) -> Option<OrbitNo> {
        let orbit = self.changed.pop()?;
        if let Some(orbit) = self.orbits.get_mut(orbit as usize) {
            orbit.watched.changed = false;
        }
        Some(orbit)
    }

    fn touch(&mut self, orbit: OrbitNo) {
        let Some(place) = self.orbits.get_mut(orbit as usize) else { return };
        let Watched { itself, lot, changed } = place.watched;
        if (itself || lot) && !changed {
            place.watched.changed = true;
            self.changed.push(orbit);
        }
    }

    #[cfg(any(test, feature = "simulator"))]
    pub(super) fn orbit_count(&self) -> OrbitNo {
        self.orbits.len() as OrbitNo
    }

    pub(super) fn lot(&self, lot: usize) -> &LotSettings {
        self.lots.get(lot).map_or(&self.recalls, |lot| &lot.settings)
    }

    pub(super) fn lot_of(&self, orbit: OrbitNo) -> usize {
        self.orbits[orbit as usize].lot
    }

    pub(super) fn settings(&self, orbit: OrbitNo) -> &LotSettings {
        self.lot(self.lot_of(orbit))
    }

    pub(super) fn number(&self, orbit: OrbitNo) -> Number {
        self.orbits[orbit as usize].number
    }

    pub(super) fn generation(&self, orbit: OrbitNo) -> u64 {
        self.orbits[orbit as usize].generation
    }

    pub(super) fn first_reminder(&self, orbit: OrbitNo) -> Duration {
        self.orbits[orbit as usize].first_reminder
    }

    pub(super) fn fallback(&self, orbit: OrbitNo) -> &Fallback {
        &self.orbits[orbit as usize].fallback
    }

    pub(super) fn count(&mut self, lot: usize) -> &mut ParkCounters {
        self.counters.get_mut(lot).unwrap_or(&mut self.recall_counters)
    }

    pub(super) fn stay(&self, orbit: OrbitNo) -> Option<&Stay> {
        self.orbits.get(orbit as usize)?.stay.as_deref()
    }

    /// To be changed: whoever watches the orbit will be told.
    pub(super) fn stay_mut(&mut self, orbit: OrbitNo) -> Option<&mut Stay> {
        self.touch(orbit);
        self.orbits.get_mut(orbit as usize)?.stay.as_deref_mut()
    }

    #[cfg(any(test, feature = "simulator"))]
    pub(super) fn reservation(&self, orbit: OrbitNo) -> Option<&Reservation> {
        self.orbits.get(orbit as usize)?.reservation.as_ref()
    }

    pub(super) fn reservation_mut(&mut self, orbit: OrbitNo) -> Option<&mut Option<Reservation>> {
        self.orbits.get_mut(orbit as usize).map(|orbit| &mut orbit.reservation)
    }

    /// An orbit for a call that is to be recalled, known by the number that it was to be transferred to.
    pub(super) fn recall_orbit(&mut self, number: Number) -> OrbitNo {
        let is_free = |orbit: &Orbit| orbit.lot == RECALLS && orbit.stay.is_none();
        let place = self.orbits.iter().position(is_free).unwrap_or(self.orbits.len());
        if place == self.orbits.len() {
            self.orbits.push(Orbit {
                number,
                lot: RECALLS,
                generation: 0,
                emptied: None,
                stay: None,
                reservation: None,
                first_reminder: self.recalls.first_reminder,
                fallback: self.recalls.fallback.clone(),
                retired: false,
                name: None,
                watched: Watched::default(),
            });
        }
        self.orbits[place].number = number;
        place as OrbitNo
    }

    /// Whether who waits there came back from a transfer.
    pub(super) fn is_recalled(&self, orbit: OrbitNo) -> bool {
        self.lot_of(orbit) == RECALLS
    }

    /// Tells of what happens in a lot that people know.
    pub(super) fn tell(&self, orbit: OrbitNo, news: News, pbx: &mut dyn Switch) {
        if self.lot_of(orbit) != RECALLS {
            pbx.tell(news);
        }
    }

    pub(super) fn occupy(&mut self, orbit: OrbitNo, stay: Stay) {
        self.touch(orbit);
        let place = &mut self.orbits[orbit as usize];
        place.generation += 1;
        place.stay = Some(Box::new(stay));
    }

    /// The orbit is empty: its clock stops.
    pub(super) fn empty(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) -> Option<Stay> {
        self.waiting.retain(|&(_, waiting)| waiting != orbit);
        self.rung.retain(|&(_, rung)| rung != orbit);
        self.touch(orbit);
        let place = self.orbits.get_mut(orbit as usize)?;
        let stay = place.stay.take()?;
        place.emptied = Some(pbx.now());
        pbx.forget(stay.timer);
        pbx.forget(stay.comfort);
        Some(*stay)
    }

    /// A free orbit of this lot, or of the one it overflows to.
    pub(super) fn pick(&mut self, lot: usize, pbx: &mut dyn Switch) -> Result<OrbitNo, Refusal> {
        let mut tried = Vec::new();
        let mut next = Some(lot);
        while let Some(lot) = next.filter(|lot| !tried.contains(lot)) {
            if let Some(orbit) = self.pick_here(lot, pbx) {
                return Ok(orbit);
            }
            tried.push(lot);
            next = self.lot(lot).overflow;
        }
        Err(Refusal::LotFull)
    }

    fn pick_here(&mut self, lot: usize, pbx: &mut dyn Switch) -> Option<OrbitNo> {
        let now = pbx.now();
        let Lot { settings, orbits, next } = self.lots.get(lot)?;
        let is_free = |&place: &usize| {
            let orbit = &self.orbits[orbits[place] as usize];
            let rested = orbit.emptied.is_none_or(|emptied| now - emptied >= settings.cooldown);
            orbit.stay.is_none() && orbit.reservation.is_none() && rested && !orbit.retired
        };
        let (all, next) = (0..orbits.len(), *next);
        let place = match settings.pick {
            Pick::Lowest => all.clone().find(is_free),
            Pick::Next => (next..all.end).chain(0..next).find(is_free),
            Pick::Random => {
                let free: Vec<_> = all.clone().filter(is_free).collect();
                free.get(pbx.chance(free.len() as u32) as usize).copied()
            }
            Pick::LongestFree => {
                all.clone().filter(is_free).min_by_key(|&place| self.orbits[orbits[place] as usize].emptied)
            }
        }?;
        let orbit = orbits[place];
        self.lots[lot].next = if place + 1 < all.end { place + 1 } else { 0 };
        Some(orbit)
    }

    /// This orbit, if it is empty; resting after a stay does not matter to who names it.
    pub(super) fn direct(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) -> Result<OrbitNo, Refusal> {
        let place = self.orbits.get(orbit as usize).ok_or(Refusal::UnknownOrbit(Number::new()))?;
        let (number, lot) = (place.number, place.lot);
        if place.retired {
            return Err(Refusal::UnknownOrbit(number));
        }
        if place.stay.is_none() && place.reservation.is_none() {
            return Ok(orbit);
        }
        match self.lot(lot).on_occupied {
            OnOccupied::Reject => Err(Refusal::Occupied(number)),
            OnOccupied::NextFree => self.pick(lot, pbx),
        }
    }

    /// The orbit whose call has waited longest, of those that this party may fetch from.
    pub(super) fn longest_for(&self, place: Place, pbx: &dyn Switch) -> Option<OrbitNo> {
        let fetchable = |stay: &Stay| matches!(stay.phase, Phase::Waiting | Phase::Reminding(_));
        (0..self.orbits.len() as OrbitNo)
            .filter(|&orbit| self.lot_of(orbit) != RECALLS)
            .filter(|&orbit| pbx.is_member(place, &self.settings(orbit).retrieve_groups))
            .filter_map(|orbit| self.stay(orbit).filter(|stay| fetchable(stay)).map(|stay| (stay.since, orbit)))
            .min()
            .map(|(_, orbit)| orbit)
    }

    /// Orbits whose reminder waits until another reminder to the same phone has ended; the longest waiting call first.
    pub(super) fn queued(&self) -> VecDeque<OrbitNo> {
        let mut queued: Vec<_> = (0..self.orbits.len() as OrbitNo)
            .filter_map(|orbit| self.stay(orbit).filter(|stay| stay.queued).map(|stay| (stay.since, orbit)))
            .collect();
        queued.sort_unstable();
        queued.into_iter().map(|(_, orbit)| orbit).collect()
    }

    /// What there is now, lot by lot.
    pub(crate) fn gauge(&self, now: Time) -> Vec<LotGauges> {
        let mut gauges = vec![LotGauges::default(); self.lots.len()];
        for orbit in &self.orbits {
            let Some(gauge) = gauges.get_mut(orbit.lot) else { continue };
            let cooldown = self.lot(orbit.lot).cooldown;
            let state = match &orbit.stay {
                Some(stay) if matches!(stay.phase, Phase::Arriving) => OrbitState::Reserved,
                Some(stay) => {
                    match stay.phase {
                        Phase::Reminding(_) => gauge.reminding += 1,
                        Phase::Arriving | Phase::Waiting | Phase::Claimed { .. } => gauge.parked += 1,
                    }
                    gauge.oldest_seconds = gauge.oldest_seconds.max((now - stay.since).as_secs_f64());
                    if orbit.retired { OrbitState::Retiring } else { OrbitState::Occupied }
                }
                None if orbit.reservation.is_some() => OrbitState::Reserved,
                None if orbit.retired => continue,
                None if orbit.emptied.is_some_and(|emptied| now - emptied < cooldown) => OrbitState::Cooldown,
                None => OrbitState::Free,
            };
            gauge.orbits.up(state);
        }
        gauges
    }
}
