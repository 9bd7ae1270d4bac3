//! Attended park: who calls a lot while holding is told an orbit first; then the held call follows.
//!
//! ```text
//!   the lot's number, while holding ─► an orbit is kept, shown, said ──transfer (REFER with Replaces)──► parked there
//!                                           │                 ╰─ hang-up: the one call held is parked there
//!                                           ╰─ nothing for `reserve_timeout`: the orbit is free, the held call as it was
//! ```
//! The party that is told the orbit is never itself parked, and no lamp shows it.
//!
//! Knows: sessions, timers (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
use super::announce;
use super::lot::{Lots, OrbitNo};
use super::parker::{Order, PARKER_LEAVES, Told, Where};
use super::refusal::Refusal;
use crate::base::TimerId;
use crate::leg::Cause;
use crate::session::{Duty, SessionId, Sound, Switch, Wake};
use crate::settings::MusicNo;

/// An orbit kept for a call that is about to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reservation {
    /// Who was told.
    pub(super) by: SessionId,
    timer: TimerId,
}

impl Lots {
    /// Keeps an orbit of this lot for the call that the party holds, and tells it which.
    pub(crate) fn reserve(&mut self, lot: usize, by: SessionId, pbx: &mut dyn Switch) -> Result<(), Refusal> {
        let place = Where::Lot(lot);
        let line = pbx.party(by).place.line();
        let held = line.and_then(|line| pbx.held_by(line, pbx.device(by))).ok_or(Refusal::NothingToPark);
        let orbit = held
            .and_then(|parker| self.place(Order { parker, told: Told::HangUp, place }, pbx))
            .map_err(|refusal| self.refuse_park(place, refusal))?
            .0;
        let timer = pbx.wake(Wake::Orbit(orbit), self.settings(orbit).reserve_timeout);
        if let Some(reservation) = self.reservation_mut(orbit) {
            *reservation = Some(Reservation { by, timer });
        }
        pbx.assign(by, Duty::Reserver(orbit));
        let shown = announce::shown(&self.number(orbit));
        if let Some(said) = self.reservation_said(orbit) {
            pbx.accept(by, Sound::Silence, shown);
            pbx.say(by, said, self.settings(orbit).reserve_timeout);
        } else {
            pbx.accept(by, Sound::Music(MusicNo::default()), shown);
        }
        if pbx.duty(by).is_none() {
            self.release(orbit, pbx);
        }
        Ok(())
    }

    /// The held call is transferred to the orbit that was told: `asked` by the holder, or by the party that was told.
    pub(crate) fn park_reserved(
        &mut self,
        orbit: OrbitNo,
        held: SessionId,
        asked: SessionId,
        pbx: &mut dyn Switch,
    ) -> Result<(), Refusal> {
        let place = Where::Orbit(orbit);
        let by = self.reservation_mut(orbit).and_then(|kept| kept.map(|kept| kept.by));
        // Only the telephone that was told may use it.
        let same = by.is_some_and(|by| pbx.party(by).place == pbx.party(held).place);
        let by =
            by.filter(|_| same).ok_or(Refusal::NothingToPark).map_err(|refusal| self.refuse_park(place, refusal))?;
        let kept = self.reservation_mut(orbit).and_then(Option::take);
        if let Err(refusal) = self.park(Order { parker: held, told: Told::AttendedTransfer(asked), place }, pbx) {
            // It is kept for as long as it was promised.
            if let Some(reservation) = self.reservation_mut(orbit) {
                *reservation = kept;
            }
            return Err(refusal);
        }
        if let Some(Reservation { timer, .. }) = kept {
            pbx.forget(timer);
        }
        pbx.assign(by, Duty::Code);
        pbx.wake(Wake::HangUp(by), PARKER_LEAVES);
        Ok(())
    }

    /// Who was told hung up: if there is just one call it can have meant, that is parked; `held` is what it held last, unless
    /// that is on its way elsewhere.
    pub(super) fn on_reserver_left(
        &mut self,
        orbit: OrbitNo,
        who: SessionId,
        held: Option<SessionId>,
        pbx: &mut dyn Switch,
    ) {
        if !self.reservation_mut(orbit).is_some_and(|kept| kept.is_some_and(|kept| kept.by == who)) {
            return;
        }
        self.release(orbit, pbx);
        let Some((line, device)) = pbx.party(who).place.line().zip(pbx.device(who)) else { return };
        if !self.settings(orbit).park_on_hangup || pbx.calls_held(line, device) != 1 {
            return;
        }
        if let Some(parker) = held {
            // A refusal is counted; nobody is there any more to hear it, and the call is held as before.
            let _ = self.park(Order { parker, told: Told::HangUp, place: Where::Orbit(orbit) }, pbx);
        }
    }

    /// Neither transferred nor hung up: the orbit is free again.
    pub(super) fn reserved_in_vain(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) {
        if let Some(Reservation { by, .. }) = self.release(orbit, pbx) {
            pbx.drop(by, Cause::Normal, "");
        }
    }

    fn release(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) -> Option<Reservation> {
        let reservation = self.reservation_mut(orbit)?.take()?;
        pbx.forget(reservation.timer);
        Some(reservation)
    }
}
