//! Lots and their orbits: which is free, which is next, who may see what.
//!
//! Knows: settings, sessions (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
use super::park::{Phase, Stay};
use super::refusal::Refusal;
use crate::base::Time;
use crate::base::text::{self, Number};
use crate::counters::{LotGauges, OrbitState, ParkCounters};
use crate::session::{Device, Place, Switch};
use crate::settings::{Fallback, LotSettings, OnOccupied, Pick, Settings};
use std::collections::VecDeque;
use std::time::Duration;

/// An orbit's number in the engine: all lots' orbits, one after the other.
pub(crate) type OrbitNo = u32;

/// All lots.
#[derive(Debug)]
pub(crate) struct Lots {
    lots: Vec<Lot>,
    orbits: Vec<Orbit>,
    /// By lot.
    pub(crate) counters: Vec<ParkCounters>,
    pub(crate) draining: bool,
    /// Phones that a reminder rings now, and for which orbit.
    pub(super) rung: Vec<(Device, OrbitNo)>,
    /// Orbits whose reminder waits for a line to hang up.
    pub(super) waiting: Vec<(crate::settings::LineNo, OrbitNo)>,
}

#[derive(Debug)]
struct Lot {
    settings: LotSettings,
    first: OrbitNo,
    end: OrbitNo,
    /// The orbit that `pick = "next"` tries first.
    next: OrbitNo,
}

#[derive(Debug)]
struct Orbit {
    number: Number,
    lot: usize,
    generation: u64,
    /// Since when it has been free.
    emptied: Option<Time>,
    stay: Option<Box<Stay>>,
    first_reminder: Duration,
    fallback: Fallback,
}

impl Lots {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut orbits = Vec::new();
        let mut lots = Vec::new();
        for (place, lot) in settings.lots.iter().enumerate() {
            let first = orbits.len() as OrbitNo;
            orbits.extend(lot.orbits.iter().map(|orbit| Orbit {
                number: text::cut(&orbit.number),
                lot: place,
                generation: 0,
                emptied: None,
                stay: None,
                first_reminder: orbit.first_reminder.unwrap_or(lot.first_reminder),
                fallback: orbit.fallback.clone().unwrap_or_else(|| lot.fallback.clone()),
            }));
            lots.push(Lot { settings: lot.clone(), first, end: orbits.len() as OrbitNo, next: first });
        }
        let counters = vec![ParkCounters::default(); lots.len()];
        Self { lots, orbits, counters, draining: false, rung: Vec::new(), waiting: Vec::new() }
    }

    /// The engine's number of an orbit that the plan knows by its lot and its place there.
    pub(crate) fn orbit(&self, lot: usize, place: usize) -> OrbitNo {
        self.lots.get(lot).map_or(0, |lot| lot.first) + place as OrbitNo
    }

    /// Whether there is no lot at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.lots.is_empty()
    }

    #[cfg(test)]
    pub(super) fn orbit_count(&self) -> OrbitNo {
        self.orbits.len() as OrbitNo
    }

    pub(super) fn lot(&self, lot: usize) -> &LotSettings {
        &self.lots[lot].settings
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
        &mut self.counters[lot]
    }

    pub(super) fn stay(&self, orbit: OrbitNo) -> Option<&Stay> {
        self.orbits.get(orbit as usize)?.stay.as_deref()
    }

    pub(super) fn stay_mut(&mut self, orbit: OrbitNo) -> Option<&mut Stay> {
        self.orbits.get_mut(orbit as usize)?.stay.as_deref_mut()
    }

    pub(super) fn occupy(&mut self, orbit: OrbitNo, stay: Stay) {
        let place = &mut self.orbits[orbit as usize];
        place.generation += 1;
        place.stay = Some(Box::new(stay));
    }

    /// The orbit is empty: its clock stops.
    pub(super) fn empty(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) -> Option<Stay> {
        self.waiting.retain(|&(_, waiting)| waiting != orbit);
        self.rung.retain(|&(_, rung)| rung != orbit);
        let place = self.orbits.get_mut(orbit as usize)?;
        let stay = place.stay.take()?;
        place.emptied = Some(pbx.now());
        pbx.forget(stay.timer);
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
        let Lot { ref settings, first, end, next } = *self.lots.get(lot)?;
        let is_free = |orbit: OrbitNo| {
            let place = &self.orbits[orbit as usize];
            place.stay.is_none() && place.emptied.is_none_or(|emptied| now - emptied >= settings.cooldown)
        };
        let orbit = match settings.pick {
            Pick::Lowest => (first..end).find(|&orbit| is_free(orbit)),
            Pick::Next => (next..end).chain(first..next).find(|&orbit| is_free(orbit)),
            Pick::Random => {
                let free: Vec<_> = (first..end).filter(|&orbit| is_free(orbit)).collect();
                free.get(pbx.chance(free.len() as u32) as usize).copied()
            }
            Pick::LongestFree => {
                (first..end).filter(|&orbit| is_free(orbit)).min_by_key(|&orbit| self.orbits[orbit as usize].emptied)
            }
        }?;
        self.lots[lot].next = if orbit + 1 < end { orbit + 1 } else { first };
        Some(orbit)
    }

    /// This orbit, if it is empty; resting after a stay does not matter to who names it.
    pub(super) fn direct(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) -> Result<OrbitNo, Refusal> {
        let place = self.orbits.get(orbit as usize).ok_or(Refusal::UnknownOrbit(Number::new()))?;
        if place.stay.is_none() {
            return Ok(orbit);
        }
        let (number, lot) = (place.number, place.lot);
        match self.lot(lot).on_occupied {
            OnOccupied::Reject => Err(Refusal::Occupied(number)),
            OnOccupied::NextFree => self.pick(lot, pbx),
        }
    }

    /// The orbit whose call has waited longest, of those that this party may fetch from.
    pub(super) fn longest_for(&self, place: Place, pbx: &dyn Switch) -> Option<OrbitNo> {
        let fetchable = |stay: &Stay| matches!(stay.phase, Phase::Waiting | Phase::Reminding(_));
        (0..self.orbits.len() as OrbitNo)
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
            let gauge = &mut gauges[orbit.lot];
            let cooldown = self.lot(orbit.lot).cooldown;
            let state = match &orbit.stay {
                Some(stay) if matches!(stay.phase, Phase::Arriving) => OrbitState::Reserved,
                Some(stay) => {
                    match stay.phase {
                        Phase::Reminding(_) => gauge.reminding += 1,
                        Phase::Arriving | Phase::Waiting | Phase::Claimed { .. } => gauge.parked += 1,
                    }
                    gauge.oldest_seconds = gauge.oldest_seconds.max((now - stay.since).as_secs_f64());
                    OrbitState::Occupied
                }
                None if orbit.emptied.is_some_and(|emptied| now - emptied < cooldown) => OrbitState::Cooldown,
                None => OrbitState::Free,
            };
            gauge.orbits.up(state);
        }
        gauges
    }
}
