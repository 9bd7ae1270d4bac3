//! Call park: a call waits in an orbit, the parker is reminded, the call comes home.
//!
//! ```text
//!   park ─► Arriving ──held──► Waiting ──first_reminder──► Reminding ──answer──► Claimed ─joined─► (orbit empty)
//!              │                 ▲ ▲ ╲                        │  ╲                 ▲   │
//!              │                 │ │  ╰──────── retrieve ─────│───┴────────────────╯   │
//!   could not  │                 │ ╰──── no answer, busy ─────╯                        │
//!   be held:   ▼                 ╰───────── the retriever left, or its media failed ───╯
//!   as before        hang-up empties the orbit from any phase; rounds spent lead to the fallback; who answers from outside
//!                    is asked first ([`super::confirm`]).
//! ```
//! One timer per orbit (and one for comfort), one exit ([`Lots::vacate`]). Late events are recognised by which session they are about.
//!
//! Knows: sessions, lines, timers (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
use super::announce;
use super::lot::{Lots, OrbitNo};
use super::parker::{Order, PARKER_LEAVES, Parker, Told, Where};
use super::refusal::Refusal;
use super::reminder::Ringing;
use super::transfer::Returned;
use crate::base::{Time, TimerId};
use crate::counters::{ParkEnd, ParkRefusal, ParkWay, ReminderResult, RetrieveResult};
use crate::leg::Cause;
use crate::session::{Device, Duty, News, Place, Reason, SessionEvent, SessionId, Sound, Switch, Wake};

/// One stay of a call in an orbit.
#[derive(Debug)]
pub(crate) struct Stay {
    pub(super) park_id: u128,
    /// Who waits.
    pub(super) call: SessionId,
    /// The call that it is part of, as [`Duty::Call`] has it.
    pub(super) of: Option<u64>,
    pub(super) parker: Parker,
    pub(super) way: ParkWay,
    pub(super) since: Time,
    pub(super) phase: Phase,
    pub(super) timer: TimerId,
    /// To the next comforting word.
    pub(super) comfort: TimerId,
    /// When the next reminder is due, whoever has claimed the call meanwhile.
    pub(super) next: Option<Time>,
    /// When the stay becomes too long.
    pub(super) limit: Option<Time>,
    pub(super) rounds: u32,
    /// Targets of the chain that declined for good, one bit each.
    pub(super) muted: u8,
    /// Phones that refused in this round: they are not rung again before the next.
    pub(super) refused: Vec<Device>,
    /// It waits for another reminder to the same phone to end.
    pub(super) queued: bool,
}

/// Where a stay stands.
#[derive(Debug)]
pub(crate) enum Phase {
    /// On its way in: its media is being moved to the server.
    Arriving,
    /// Waiting, and anybody allowed may fetch it.
    Waiting,
    /// Still waiting, and fetchable; the parker's side is being rung.
    Reminding(Ringing),
    /// Promised to one party, who is being connected.
    /// `end` is how the stay will have ended.
    Claimed { by: SessionId, at: Time, end: ParkEnd },
}

impl Lots {
    /// Parks the call of whoever talks to the parker. The parker hears of it when the call is safely there.
    pub(crate) fn park(&mut self, order: Order, pbx: &mut dyn Switch) -> Result<(), Refusal> {
        let (orbit, call) = self.place(order, pbx).map_err(|refusal| self.refuse_park(order.place, refusal))?;
        let of = match pbx.duty(call) {
            Some(Duty::Call(of)) => Some(of),
            Some(Duty::Reminder(_) | Duty::Retriever(_) | Duty::Parked(_) | Duty::Reserver(_)) => None,
            Some(Duty::Told(_) | Duty::Echo(_) | Duty::Code | Duty::Offered(..) | Duty::Completion(_)) | None => None,
        };
        let party = pbx.party(order.parker);
        let device = pbx.device(order.told.by().unwrap_or(order.parker)).unwrap_or(Device::NOWHERE);
        let named = order.place == Where::Orbit(orbit);
        let parker = Parker { party, device, leg: order.parker, told: order.told, named };
        self.occupy(orbit, Stay::new(call, of, parker, order.told.way(), pbx));
        pbx.assign(call, Duty::Parked(orbit));
        pbx.hold(call, self.music(orbit, pbx));
        Ok(())
    }

    /// A call whose transfer came to nothing waits for its transferor, who has hung up and is called back.
    pub(crate) fn recall(&mut self, returned: Returned, pbx: &mut dyn Switch) {
        let Returned { call, of, transferor, device, number } = returned;
        let orbit = self.recall_orbit(number);
        let parker = Parker { party: transferor, device, leg: SessionId::NONE, told: Told::HangUp, named: true };
        self.occupy(orbit, Stay::new(call, Some(of), parker, ParkWay::ReferBlind, pbx));
        pbx.assign(call, Duty::Parked(orbit));
        pbx.hold(call, self.music(orbit, pbx));
    }

    /// What who waits there hears: the lot's music, else the parker's, else the first.
    fn music(&self, orbit: OrbitNo, pbx: &dyn Switch) -> Sound {
        let parker = self.stay(orbit).and_then(|stay| stay.parker.party.place.line());
        let own = self.settings(orbit).music.or_else(|| parker.and_then(|line| pbx.music(line)));
        Sound::Music(own.unwrap_or_default())
    }

    /// Counts a park that is refused.
    pub(crate) fn refuse_park(&mut self, place: Where, refusal: Refusal) -> Refusal {
        let lot = match place {
            Where::Orbit(orbit) => self.lot_of(orbit),
            Where::Lot(lot) => lot,
        };
        self.count(lot).rejected.up(refusal.of_park());
        refusal
    }

    /// Anyone allowed may fetch the call, even while the parker is being reminded of it. The first claim wins.
    pub(crate) fn retrieve(
        &mut self,
        orbit: OrbitNo,
        by: SessionId,
        park_id: Option<u128>,
        pbx: &mut dyn Switch,
    ) -> Result<(), Refusal> {
        let lot = self.lot_of(orbit);
        self.claim(orbit, by, park_id, pbx).inspect_err(|refusal| self.count(lot).retrieves.up(refusal.of_retrieve()))
    }

    /// Fetches the call that has waited longest of those the party may fetch.
    pub(crate) fn retrieve_any(&mut self, by: SessionId, pbx: &mut dyn Switch) -> Result<(), Refusal> {
        let orbit = self.longest_for(pbx.party(by).place, pbx).ok_or(Refusal::NothingParked)?;
        self.retrieve(orbit, by, None, pbx)
    }

    fn claim(
        &mut self,
        orbit: OrbitNo,
        by: SessionId,
        park_id: Option<u128>,
        pbx: &mut dyn Switch,
    ) -> Result<(), Refusal> {
        let place = pbx.party(by).place;
        let (number, settings) = (self.number(orbit), self.settings(orbit));
        // Guests have no group; who comes in over a trunk would need a PIN.
        if matches!(place, Place::Trunk(_)) || !pbx.is_member(place, &settings.retrieve_groups) {
            return Err(Refusal::MayNotRetrieve);
        }
        let empty = Refusal::Empty(number, settings.empty_response);
        let now = pbx.now();
        let stay = self.stay_mut(orbit).ok_or(empty)?;
        match stay.phase {
            Phase::Arriving => return Err(empty),
            Phase::Claimed { .. } => return Err(Refusal::JustRetrieved(number)),
            Phase::Waiting | Phase::Reminding(_) if park_id.is_some_and(|id| id != stay.park_id) => {
                return Err(Refusal::Stale(number));
            }
            Phase::Waiting | Phase::Reminding(_) => {}
        }
        let call = stay.call;
        stay.queued = false;
        let before = std::mem::replace(&mut stay.phase, Phase::Claimed { by, at: now, end: ParkEnd::Retrieved });
        if let Phase::Reminding(ringing) = before {
            self.end_ringing(
                orbit,
                ringing,
                SessionId::NONE,
                Cause::AnsweredElsewhere,
                ReminderResult::Superseded,
                pbx,
            );
        }
        pbx.assign(by, Duty::Retriever(orbit));
        pbx.join(call, by, Reason::Unpark);
        Ok(())
    }

    /// Something happened to a session that works for an orbit. A call that ended in its orbit is returned.
    pub(crate) fn happened(&mut self, orbit: OrbitNo, event: SessionEvent, pbx: &mut dyn Switch) -> Option<u64> {
        match event {
            SessionEvent::Held(who) => {
                self.on_held(orbit, who, pbx);
                self.agreed(orbit, who, pbx);
            }
            SessionEvent::HoldFailed(who) => {
                self.on_hold_failed(orbit, who, pbx);
                self.agreed(orbit, who, pbx);
            }
            SessionEvent::Joined(call, by) => self.on_joined(orbit, call, by, pbx),
            SessionEvent::JoinFailed(_, by) => self.on_join_failed(orbit, by, pbx),
            SessionEvent::Left(who, _) => return self.on_left(orbit, who, pbx),
            SessionEvent::Failed(who, cause) => self.on_ring_failed(orbit, who, cause, pbx),
            // Whose call waits is asked for itself: a reminder goes nowhere else.
            SessionEvent::Redirected(who) => self.on_ring_failed(orbit, who, Cause::Unavailable, pbx),
            SessionEvent::Answered(who) => self.on_ring_answered(orbit, who, pbx),
            SessionEvent::Alerting { .. }
            | SessionEvent::Idle(_)
            | SessionEvent::Eased(_)
            | SessionEvent::Spoken(_) => {}
        }
        None
    }

    /// The call hears the server: it is parked.
    fn on_held(&mut self, orbit: OrbitNo, who: SessionId, pbx: &mut dyn Switch) {
        let number = self.number(orbit);
        let Some(stay) = self.stay_mut(orbit).filter(|stay| stay.call == who) else { return };
        if !matches!(stay.phase, Phase::Arriving) {
            return;
        }
        stay.phase = Phase::Waiting;
        stay.since = pbx.now();
        let (parker, way) = (stay.parker, stay.way);
        self.start_clock(orbit, pbx);
        self.start_comfort(orbit, pbx);
        let lot = self.lot_of(orbit);
        self.count(lot).parked.up(way);
        self.tell_parked(orbit, pbx);
        let (said, at_most) = (self.place_said(orbit, parker.named), self.settings(orbit).announce_hold_max);
        match (parker.told, said) {
            (Told::Code(code), said) => {
                pbx.drop(parker.leg, Cause::Normal, "");
                pbx.assign(code, Duty::Code);
                if self.settings(orbit).feature_early_media {
                    announce::tell_early(code, &number, said, at_most, pbx);
                } else {
                    announce::tell_caller(code, &number, said, at_most, pbx);
                }
            }
            // Its phone hangs up when it learns that all went well: not before it has heard where.
            (Told::Transfer(by), Some(said)) => {
                pbx.assign(by, Duty::Told(orbit));
                pbx.say(by, said, at_most);
            }
            (Told::Transfer(by) | Told::AttendedTransfer(by), _) => {
                pbx.assign(parker.leg, Duty::Code);
                pbx.report_transfer(by, Ok(number), "OK");
                pbx.wake(Wake::HangUp(parker.leg), PARKER_LEAVES);
            }
            (Told::Keys, Some(said)) => {
                pbx.assign(parker.leg, Duty::Code);
                pbx.say(parker.leg, said, at_most);
            }
            (Told::HangUp | Told::Keys, _) => pbx.drop(parker.leg, Cause::Normal, ""),
        }
        self.tell_waiting(orbit, who, pbx);
    }

    /// Its media could not be moved. If its parker is still there, they go on talking; if not, the call stays parked:
    /// silent, but not lost.
    fn on_hold_failed(&mut self, orbit: OrbitNo, who: SessionId, pbx: &mut dyn Switch) {
        let Some(stay) = self.stay_mut(orbit).filter(|stay| stay.call == who) else { return };
        if !matches!(stay.phase, Phase::Arriving) {
            return;
        }
        let (parker, of) = (stay.parker, stay.of);
        if pbx.other(who) != Some(parker.leg) {
            return self.on_held(orbit, who, pbx);
        }
        self.empty(orbit, pbx);
        let lot = self.lot_of(orbit);
        self.count(lot).rejected.up(ParkRefusal::Media);
        if let Some(of) = of {
            pbx.assign(who, Duty::Call(of));
        }
        let words = "The call could not be parked";
        parker.told.refuse(Cause::Failure, words, self.says_why(Some(lot)), pbx);
    }

    /// Both hear each other: only now is the orbit empty.
    fn on_joined(&mut self, orbit: OrbitNo, call: SessionId, with: SessionId, pbx: &mut dyn Switch) {
        let Some(stay) = self.stay_mut(orbit).filter(|stay| stay.call == call) else { return };
        let Phase::Claimed { by, at, end } = stay.phase else { return };
        if by != with {
            return;
        }
        if let Some(of) = stay.of {
            pbx.assign(call, Duty::Call(of));
            pbx.assign(by, Duty::Call(of));
        }
        let lot = self.lot_of(orbit);
        pbx.tell(News::RetrieveConnected { after: pbx.now() - at });
        if end == ParkEnd::Retrieved {
            self.count(lot).retrieves.up(RetrieveResult::Ok);
        }
        self.vacate(orbit, end, pbx);
    }

    /// The media of the call or of the retriever failed: parked again, same orbit, and its clock never stopped.
    fn on_join_failed(&mut self, orbit: OrbitNo, with: SessionId, pbx: &mut dyn Switch) {
        let Some(stay) = self.stay_mut(orbit) else { return };
        let Phase::Claimed { by, end, .. } = stay.phase else { return };
        if by == with {
            pbx.drop(by, Cause::Failure, "The parked call could not be connected");
            self.park_again(orbit, end, pbx);
        }
    }

    /// Somebody who works for this orbit hung up.
    fn on_left(&mut self, orbit: OrbitNo, who: SessionId, pbx: &mut dyn Switch) -> Option<u64> {
        let stay = self.stay_mut(orbit)?;
        if stay.call == who {
            return self.abandoned(orbit, pbx);
        }
        match stay.phase {
            Phase::Claimed { by, end, .. } if by == who => {
                self.park_again(orbit, end, pbx);
                let number = self.number(orbit).to_string();
                let (lot, park_id) = (self.lot_of(orbit), self.stay_mut(orbit)?.park_id);
                self.tell(orbit, News::ParkReturned { lot, orbit: number, park_id }, pbx);
            }
            Phase::Reminding(_) => self.on_ring_failed(orbit, who, Cause::NoAnswer, pbx),
            Phase::Claimed { .. } | Phase::Arriving | Phase::Waiting => {}
        }
        None
    }

    /// The parked party hung up. A missed call on the reminder's phones is right here.
    fn abandoned(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) -> Option<u64> {
        let missed = self.settings(orbit).missed_call_on_abandon;
        let stay = self.stay_mut(orbit)?;
        let (of, parker) = (stay.of, stay.parker);
        match std::mem::replace(&mut stay.phase, Phase::Waiting) {
            Phase::Arriving => {
                // It left before it was there: the parker's call is over as any other.
                parker.told.refuse(Cause::Unavailable, "The caller hung up", false, pbx);
                pbx.drop(parker.leg, Cause::Normal, "");
                self.empty(orbit, pbx);
                return of;
            }
            Phase::Reminding(ringing) => {
                let cause = if missed { Cause::Cancelled } else { Cause::AnsweredElsewhere };
                self.end_ringing(orbit, ringing, SessionId::NONE, cause, ReminderResult::Superseded, pbx);
            }
            Phase::Claimed { by, end, .. } => {
                let lot = self.lot_of(orbit);
                if end == ParkEnd::Retrieved {
                    self.count(lot).retrieves.up(RetrieveResult::Empty);
                }
                pbx.drop(by, Cause::Unavailable, "The caller hung up");
            }
            Phase::Waiting => {}
        }
        self.vacate(orbit, ParkEnd::Abandoned, pbx);
        of
    }

    /// Back to waiting, on the server's sound; the next reminder comes when it would have come.
    fn park_again(&mut self, orbit: OrbitNo, promised: ParkEnd, pbx: &mut dyn Switch) {
        let lot = self.lot_of(orbit);
        if promised == ParkEnd::Retrieved {
            self.count(lot).retrieves.up(RetrieveResult::Cancelled);
        }
        let Some(stay) = self.stay_mut(orbit) else { return };
        stay.phase = Phase::Waiting;
        let call = stay.call;
        pbx.hold(call, self.music(orbit, pbx));
        self.set_timer(orbit, pbx);
    }

    /// The one exit of a stay that had begun.
    pub(super) fn vacate(&mut self, orbit: OrbitNo, result: ParkEnd, pbx: &mut dyn Switch) {
        let Some(stay) = self.empty(orbit, pbx) else { return };
        let lot = self.lot_of(orbit);
        self.count(lot).ended.up(result);
        let (number, park_id) = (self.number(orbit).to_string(), stay.park_id);
        self.tell(orbit, News::ParkEnded { lot, orbit: number, park_id, result, stayed: pbx.now() - stay.since }, pbx);
        self.ring_queued(pbx);
    }

    /// Which call is meant, and whether it may go there.
    pub(super) fn place(&mut self, order: Order, pbx: &mut dyn Switch) -> Result<(OrbitNo, SessionId), Refusal> {
        if self.draining {
            return Err(Refusal::Draining);
        }
        let call = pbx.other(order.parker).ok_or(Refusal::NothingToPark)?;
        // Or each parks the other at the same moment: the first comes through.
        let is_parked = |who| matches!(pbx.duty(who), Some(Duty::Parked(_)));
        if is_parked(call) || is_parked(order.parker) {
            return Err(Refusal::AlreadyParked);
        }
        if pbx.is_moving(call) || pbx.is_moving(order.parker) {
            return Err(Refusal::Moving);
        }
        let lot = match order.place {
            Where::Lot(lot) => lot,
            Where::Orbit(orbit) => self.lot_of(orbit),
        };
        let settings = self.lot(lot);
        if !pbx.is_member(pbx.party(order.parker).place, &settings.park_groups) {
            return Err(Refusal::MayNotPark);
        }
        if settings.park_external_only && pbx.party(call).place.line().is_some() {
            return Err(Refusal::MayNotBeParked);
        }
        let orbit = match order.place {
            Where::Lot(lot) => self.pick(lot, pbx),
            Where::Orbit(orbit) => self.direct(orbit, pbx),
        }?;
        Ok((orbit, call))
    }

    fn tell_parked(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) {
        let (lot, number, generation) = (self.lot_of(orbit), self.number(orbit).to_string(), self.generation(orbit));
        let Some(stay) = self.stay_mut(orbit) else { return };
        let (park_id, who, by) = (stay.park_id, pbx.party(stay.call).identity, stay.parker.party.identity);
        let (party, parker) = (who.shown().to_owned(), by.number.to_string());
        self.tell(orbit, News::Parked { lot, orbit: number, park_id, generation, party, parker }, pbx);
    }
}

impl Stay {
    /// A call on its way in.
    fn new(call: SessionId, of: Option<u64>, parker: Parker, way: ParkWay, pbx: &mut dyn Switch) -> Self {
        Self {
            park_id: pbx.token(),
            call,
            of,
            parker,
            way,
            since: pbx.now(),
            phase: Phase::Arriving,
            timer: TimerId::NONE,
            comfort: TimerId::NONE,
            next: None,
            limit: None,
            rounds: 0,
            muted: 0,
            refused: Vec::new(),
            queued: false,
        }
    }
}

#[cfg(test)]
mod tests;
