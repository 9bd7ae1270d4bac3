//! Reminders: rounds through a chain of targets, then the fallback. The call stays fetchable all the while.
//!
//! Knows: sessions, lines, timers (through [`Switch`]). Never: SIP, SDP, sockets, the clock.
use super::confirm::Asked;
use super::lot::{Lots, OrbitNo, RECALLS};
use super::numbers::{Plan, Target};
use super::park::{Phase, Stay};
use super::takeover::may_take_over;
use crate::base::TimerId;
use crate::base::text::{self, Number};
use crate::counters::{ParkEnd, ReminderResult, ReminderRung};
use crate::leg::{Cause, Identity};
use crate::session::{Duty, News, Reason, Recall, Recalled, Ring, SessionId, Switch, Wake, Whom};
use crate::settings::{DeclineMeans, Fallback, LineNo, ReminderTarget, ReminderUri, ReminderWhenBusy};
use arrayvec::ArrayVec;
use std::time::Duration;

/// Phones that one reminder rings at once.
type Whoms = ArrayVec<Whom, { crate::base::limits::FORKS }>;

/// A reminder that rings, or waits for its target to hang up.
#[derive(Debug)]
pub(crate) struct Ringing {
    /// The place in the chain; past its end: the fallback.
    step: usize,
    pub(super) rung: ReminderRung,
    pub(super) sessions: ArrayVec<SessionId, { crate::base::limits::FORKS }>,
    /// Why the last of them failed.
    pub(super) result: ReminderResult,
    pub(super) asked: Asked,
}

impl Lots {
    /// The call is parked: when is its parker reminded?
    pub(super) fn start_clock(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) {
        let now = pbx.now();
        let (first, limit) = (self.first_reminder(orbit), self.settings(orbit).max_park_time);
        let Some(stay) = self.stay_mut(orbit) else { return };
        stay.next = (!first.is_zero()).then(|| now + first);
        stay.limit = (!limit.is_zero()).then(|| now + limit);
        self.set_timer(orbit, pbx);
    }

    /// The one timer of a waiting orbit: to the next reminder, or to the end of the longest stay.
    pub(super) fn set_timer(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) {
        let now = pbx.now();
        let Some(stay) = self.stay_mut(orbit) else { return };
        pbx.forget(std::mem::replace(&mut stay.timer, TimerId::NONE));
        let due = [stay.next, stay.limit].into_iter().flatten().min();
        if let Some(due) = due {
            stay.timer = pbx.wake(Wake::Orbit(orbit), due - now);
        }
    }

    /// The orbit's timer fired. A call that ended in its orbit is returned.
    pub(crate) fn woke(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch, plan: &Plan) -> Option<u64> {
        if self.stay(orbit).is_none() {
            self.reserved_in_vain(orbit, pbx);
        }
        let of = self.stay(orbit)?.of;
        let call = self.stay(orbit)?.call;
        self.clock_struck(orbit, pbx, plan);
        // Whoever left its orbit on our order is gone.
        of.filter(|_| pbx.duty(call).is_none())
    }

    fn clock_struck(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch, plan: &Plan) {
        let now = pbx.now();
        let Some(stay) = self.stay_mut(orbit) else { return };
        stay.timer = TimerId::NONE;
        match &stay.phase {
            Phase::Waiting if stay.limit.is_some_and(|limit| limit <= now) => self.too_long(orbit, pbx, plan),
            Phase::Waiting => self.begin_round(orbit, pbx, plan),
            Phase::Reminding(_) => self.ring_unanswered(orbit, pbx, plan),
            // Promised meanwhile. If that comes to nothing, the reminder is due at once.
            Phase::Claimed { .. } | Phase::Arriving => {}
        }
    }

    /// A line's last call ended: a reminder that waited for that rings now.
    pub(crate) fn line_idle(&mut self, line: LineNo, pbx: &mut dyn Switch, plan: &Plan) {
        while let Some(place) = self.waiting.iter().position(|&(waiting, _)| waiting == line) {
            let (_, orbit) = self.waiting.remove(place);
            let Some(Phase::Reminding(ringing)) = self.stay(orbit).map(|stay| &stay.phase) else { continue };
            let step = ringing.step;
            self.ring_step(orbit, step, pbx, plan);
            return;
        }
    }

    /// Those that waited for a phone which is free again.
    pub(super) fn ring_queued(&mut self, pbx: &mut dyn Switch) {
        for orbit in self.queued() {
            // At the next tick of the wheel: whoever freed the phone has not finished yet.
            if let Some(stay) = self.stay_mut(orbit) {
                stay.queued = false;
                pbx.forget(std::mem::replace(&mut stay.timer, TimerId::NONE));
                stay.timer = pbx.wake(Wake::Orbit(orbit), Duration::from_millis(1));
                return;
            }
        }
    }

    fn begin_round(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch, plan: &Plan) {
        if let Some(stay) = self.stay_mut(orbit) {
            stay.refused.clear();
        }
        self.ring_step(orbit, 0, pbx, plan);
    }

    /// Rings the target at this place of the chain, or the first after it that can be rung.
    fn ring_step(&mut self, orbit: OrbitNo, from: usize, pbx: &mut dyn Switch, plan: &Plan) {
        for step in from.. {
            let Some(&target) = self.settings(orbit).reminder_chain.get(step) else {
                return self.end_round(orbit, pbx, plan);
            };
            let Some(stay) = self.stay(orbit) else { return };
            let rung = named(target);
            let mut whoms = self.targets(stay, orbit, target, pbx, plan);
            let found = !whoms.is_empty();
            whoms.retain(|whom| !matches!(whom, Whom::Phone(_, phone) if stay.refused.contains(&phone.device)));
            if found && whoms.is_empty() {
                continue;
            }
            if stay.muted >> step & 1 == 1 {
                continue;
            }
            if whoms.is_empty() {
                self.reminded(orbit, rung, ReminderResult::Unregistered);
                continue;
            }
            if self.is_rung_elsewhere(orbit, &whoms, pbx) {
                return self.queue(orbit, pbx);
            }
            if let Some(line) = busy_line(&whoms, pbx) {
                match self.settings(orbit).reminder_when_busy {
                    ReminderWhenBusy::CallWaiting => {}
                    ReminderWhenBusy::Skip => {
                        self.reminded(orbit, rung, ReminderResult::Busy);
                        continue;
                    }
                    ReminderWhenBusy::WaitIdle => return self.wait_idle(orbit, step, rung, line, pbx),
                }
            }
            if self.ring_all(orbit, step, rung, &whoms, pbx) {
                return;
            }
            self.reminded(orbit, rung, ReminderResult::Failed);
        }
    }

    /// Whom a target of the chain means now.
    fn targets(&self, stay: &Stay, orbit: OrbitNo, target: ReminderTarget, pbx: &dyn Switch, plan: &Plan) -> Whoms {
        let parker = stay.parker.party.place.line();
        match (target, parker) {
            (ReminderTarget::ParkerDevice, Some(line)) => {
                let device = pbx.device_of(line, stay.parker.device);
                let here = pbx.phones(line).into_iter().filter(|phone| phone.device == device);
                here.map(|phone| Whom::Phone(line, phone)).collect()
            }
            (ReminderTarget::ParkerUser, Some(line)) => phones(line, pbx),
            // An outside party is not reminded: the chain begins with the alternate.
            (ReminderTarget::ParkerDevice | ReminderTarget::ParkerUser, None) => Whoms::new(),
            (ReminderTarget::Alternate, _) => match &self.settings(orbit).alternate {
                Some(number) => reach(number, pbx, plan),
                None => Whoms::new(),
            },
        }
    }

    pub(super) fn ring_all(
        &mut self,
        orbit: OrbitNo,
        step: usize,
        rung: ReminderRung,
        whoms: &Whoms,
        pbx: &mut dyn Switch,
    ) -> bool {
        let settings = self.settings(orbit);
        let (number, ring_time, lot) = (self.number(orbit), settings.reminder_ring, self.lot_of(orbit));
        let Some(stay) = self.stay(orbit) else { return false };
        let (call, waited, park_id) = (stay.call, pbx.now() - stay.since, stay.park_id);
        let who = pbx.party(call).identity;
        let shown = display(&settings.reminder_display, &number, &who);
        let from = match settings.reminder_uri {
            ReminderUri::Party => Identity { name: text::cut(&shown), ..who },
            ReminderUri::Orbit => Identity { name: text::cut(&shown), number, private: false },
        };
        let asks = self.would_ask(orbit, rung);
        let of = if lot == RECALLS { Recalled::Transferred } else { Recalled::Parked };
        let recall = Some(Recall { orbit: number, waited, lot, of, asks });
        let mut sessions = ArrayVec::new();
        for &whom in whoms {
            let (duty, reason) = (Duty::Reminder(orbit), Reason::Reminder);
            let ring = Ring {
                whom,
                from,
                asserted: who,
                on_behalf: call,
                reason,
                duty,
                alone: false,
                recall,
                referred_by: None,
                path: &[],
            };
            sessions.extend(pbx.ring(ring));
            if let Whom::Phone(line, phone) = whom {
                self.rung.push((pbx.station(line, phone), orbit));
            }
        }
        if sessions.is_empty() {
            self.rung.retain(|&(_, ringing)| ringing != orbit);
            return false;
        }
        let (result, asked) = (ReminderResult::NoAnswer, Asked::No);
        let ringing = Ringing { step, rung, sessions, result, asked };
        let Some(stay) = self.stay_mut(orbit) else { return false };
        stay.phase = Phase::Reminding(ringing);
        pbx.forget(stay.timer);
        stay.timer = pbx.wake(Wake::Orbit(orbit), ring_time);
        self.tell(orbit, News::ReminderStarted { lot, orbit: number.to_string(), park_id, target: rung }, pbx);
        true
    }

    /// A phone answered the reminder.
    pub(super) fn on_ring_answered(&mut self, orbit: OrbitNo, who: SessionId, pbx: &mut dyn Switch) {
        if !self.asks(orbit, who, pbx) {
            self.takes(orbit, who, pbx);
        }
    }

    /// It has the call, if nobody else claimed it first.
    pub(super) fn takes(&mut self, orbit: OrbitNo, who: SessionId, pbx: &mut dyn Switch) {
        let now = pbx.now();
        let Some(stay) = self.stay_mut(orbit) else { return };
        let end = match &stay.phase {
            Phase::Reminding(ringing) if matches!(ringing.rung, ReminderRung::Fallback | ReminderRung::Exit) => {
                ParkEnd::Fallback
            }
            Phase::Reminding(_) | Phase::Claimed { .. } | Phase::Waiting | Phase::Arriving => ParkEnd::Reclaimed,
        };
        let before = std::mem::replace(&mut stay.phase, Phase::Claimed { by: who, at: now, end });
        let call = stay.call;
        match before {
            Phase::Reminding(ringing) if ringing.sessions.contains(&who) => {
                self.end_ringing(orbit, ringing, who, Cause::AnsweredElsewhere, ReminderResult::Answered, pbx);
                pbx.join(call, who, Reason::Reminder);
            }
            // Its answer crossed our CANCEL: it never hears the parked party.
            Phase::Reminding(_) | Phase::Claimed { .. } | Phase::Waiting | Phase::Arriving => {
                if let Some(stay) = self.stay_mut(orbit) {
                    stay.phase = before;
                }
                pbx.drop(who, Cause::AnsweredElsewhere, "");
            }
        }
    }

    /// A phone that the reminder rang will not, or cannot.
    pub(super) fn on_ring_failed(&mut self, orbit: OrbitNo, who: SessionId, cause: Cause, pbx: &mut dyn Switch) {
        let Some(stay) = self.stay_mut(orbit) else { return };
        let Phase::Reminding(ringing) = &mut stay.phase else { return };
        let rings = ringing.sessions.len();
        ringing.sessions.retain(|session| *session != who);
        if ringing.sessions.len() == rings {
            return;
        }
        // Who was asked whether it wants the call did not.
        let declined = ringing.asked != Asked::No;
        ringing.result = if declined { ReminderResult::Declined } else { result_of(cause) };
        stay.refused.extend(pbx.device(who));
        if ringing.sessions.is_empty() {
            // The next target at once: not before whoever told us has finished.
            pbx.forget(stay.timer);
            stay.timer = pbx.wake(Wake::Orbit(orbit), Duration::from_millis(1));
        }
    }

    /// Nobody answered in time, or all have refused: the next target.
    fn ring_unanswered(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch, plan: &Plan) {
        let decline = self.settings(orbit).decline_means;
        let Some(stay) = self.stay_mut(orbit) else { return };
        let Phase::Reminding(ringing) = std::mem::replace(&mut stay.phase, Phase::Waiting) else { return };
        let (step, result) = (ringing.step, ringing.result);
        let declined = result == ReminderResult::Declined;
        if declined && decline == DeclineMeans::RetrieveNoMore && step < 8 {
            stay.muted |= 1 << step;
        }
        let rung = ringing.rung;
        self.end_ringing(orbit, ringing, SessionId::NONE, Cause::NoAnswer, result, pbx);
        match rung {
            // It could not be reached: the call is kept, and nobody is dropped.
            ReminderRung::Fallback => return self.keep(orbit, pbx),
            ReminderRung::Exit => return self.exit_failed(orbit, pbx),
            ReminderRung::Device | ReminderRung::User | ReminderRung::Alternate => {}
        }
        if declined && decline == DeclineMeans::Snooze {
            return self.end_round(orbit, pbx, plan);
        }
        self.ring_step(orbit, step + 1, pbx, plan);
    }

    /// The chain is through: a pause and another round, or the fallback.
    fn end_round(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch, plan: &Plan) {
        let settings = self.settings(orbit);
        let (rounds, interval) = (settings.reminder_rounds, settings.reminder_interval);
        let now = pbx.now();
        let Some(stay) = self.stay_mut(orbit) else { return };
        stay.phase = Phase::Waiting;
        stay.rounds += 1;
        if stay.rounds >= rounds || interval.is_zero() {
            return self.fall_back(orbit, pbx, plan);
        }
        stay.next = Some(now + interval);
        self.set_timer(orbit, pbx);
        self.ring_queued(pbx);
    }

    fn fall_back(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch, plan: &Plan) {
        match self.fallback(orbit).clone() {
            Fallback::Keep => self.keep(orbit, pbx),
            Fallback::Number(number) => {
                let whoms = reach(&number, pbx, plan);
                let chain = self.settings(orbit).reminder_chain.len();
                if whoms.is_empty() || !self.ring_all(orbit, chain, ReminderRung::Fallback, &whoms, pbx) {
                    self.reminded(orbit, ReminderRung::Fallback, ReminderResult::Failed);
                    self.keep(orbit, pbx);
                }
            }
            Fallback::AnnounceDrop => {
                let Some(call) = self.stay(orbit).map(|stay| stay.call) else { return };
                self.vacate(orbit, ParkEnd::Dropped, pbx);
                pbx.drop(call, Cause::NoAnswer, "");
            }
        }
    }

    /// No more reminders; the call waits until somebody fetches it.
    fn keep(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) {
        let Some(stay) = self.stay_mut(orbit) else { return };
        stay.phase = Phase::Waiting;
        stay.next = None;
        self.set_timer(orbit, pbx);
        self.ring_queued(pbx);
    }

    /// The longest stay is over: the fallback at once; where that is to keep the call, one more round.
    fn too_long(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch, plan: &Plan) {
        let keep = *self.fallback(orbit) == Fallback::Keep;
        let rounds = self.settings(orbit).reminder_rounds;
        let Some(stay) = self.stay_mut(orbit) else { return };
        stay.limit = None;
        stay.next = None;
        if keep {
            stay.rounds = rounds.saturating_sub(1);
            self.begin_round(orbit, pbx, plan);
        } else {
            self.fall_back(orbit, pbx, plan);
        }
    }

    /// A reminder stops ringing; all its phones but one are let go.
    pub(super) fn end_ringing(
        &mut self,
        orbit: OrbitNo,
        ringing: Ringing,
        but: SessionId,
        cause: Cause,
        result: ReminderResult,
        pbx: &mut dyn Switch,
    ) {
        self.rung.retain(|&(_, rung)| rung != orbit);
        self.waiting.retain(|&(_, waiting)| waiting != orbit);
        for session in ringing.sessions {
            if session != but {
                pbx.drop(session, cause, "");
            }
        }
        self.reminded(orbit, ringing.rung, result);
        let (lot, number) = (self.lot_of(orbit), self.number(orbit).to_string());
        let Some(park_id) = self.stay(orbit).map(|stay| stay.park_id) else { return };
        self.tell(orbit, News::ReminderEnded { lot, orbit: number, park_id, target: ringing.rung, result }, pbx);
        self.ring_queued(pbx);
    }

    fn reminded(&mut self, orbit: OrbitNo, rung: ReminderRung, result: ReminderResult) {
        let lot = self.lot_of(orbit);
        self.count(lot).reminders.add(rung, result, 1);
    }

    /// The orbit whose reminder rings this line; any that rings a colleague of this party's, if none is given.
    pub(super) fn reminding(&self, line: Option<LineNo>, by: SessionId, pbx: &dyn Switch) -> Option<OrbitNo> {
        // Who may fetch from a lot may do so thus; a call that comes back from a transfer is in nobody's lot.
        let may = |orbit: OrbitNo, who| self.lot_of(orbit) != RECALLS || may_take_over(by, who, pbx);
        let is_meant = |orbit, who: SessionId| match line {
            Some(_) => pbx.party(who).place.line() == line && may(orbit, who),
            None => may_take_over(by, who, pbx),
        };
        let rings = |orbit: &OrbitNo| match self.stay(*orbit).map(|stay| &stay.phase) {
            Some(Phase::Reminding(ringing)) => ringing.sessions.iter().any(|&who| is_meant(*orbit, who)),
            Some(Phase::Arriving | Phase::Waiting | Phase::Claimed { .. }) | None => false,
        };
        self.rung.iter().map(|&(_, orbit)| orbit).find(rings)
    }

    fn is_rung_elsewhere(&self, orbit: OrbitNo, whoms: &Whoms, pbx: &dyn Switch) -> bool {
        whoms.iter().any(|whom| match *whom {
            Whom::Phone(line, phone) => {
                let station = pbx.station(line, phone);
                self.rung.iter().any(|(rung, by)| *rung == station && *by != orbit)
            }
            Whom::Trunk(..) => false,
        })
    }

    /// One reminder rings a phone at a time; this one is next.
    fn queue(&mut self, orbit: OrbitNo, pbx: &mut dyn Switch) {
        let Some(stay) = self.stay_mut(orbit) else { return };
        stay.phase = Phase::Waiting;
        stay.queued = true;
        // Should whoever rings it be forgotten, this one is not.
        pbx.forget(stay.timer);
        stay.timer = pbx.wake(Wake::Orbit(orbit), Duration::from_secs(5));
    }

    fn wait_idle(&mut self, orbit: OrbitNo, step: usize, rung: ReminderRung, line: LineNo, pbx: &mut dyn Switch) {
        let patience = self.settings(orbit).reminder_ring;
        self.waiting.push((line, orbit));
        let Some(stay) = self.stay_mut(orbit) else { return };
        let sessions = ArrayVec::new();
        let (result, asked) = (ReminderResult::Busy, Asked::No);
        stay.phase = Phase::Reminding(Ringing { step, rung, sessions, result, asked });
        pbx.forget(stay.timer);
        stay.timer = pbx.wake(Wake::Orbit(orbit), patience);
    }
}

const fn named(target: ReminderTarget) -> ReminderRung {
    match target {
        ReminderTarget::ParkerDevice => ReminderRung::Device,
        ReminderTarget::ParkerUser => ReminderRung::User,
        ReminderTarget::Alternate => ReminderRung::Alternate,
    }
}

const fn result_of(cause: Cause) -> ReminderResult {
    match cause {
        Cause::Busy => ReminderResult::Busy,
        Cause::Rejected => ReminderResult::Declined,
        // 480 by key is a decline on many phones; on others it means "not there". Either way: the next one.
        Cause::NotFound | Cause::Unavailable | Cause::Timeout | Cause::Overload | Cause::Gone => {
            ReminderResult::Unregistered
        }
        Cause::NoAnswer | Cause::Cancelled | Cause::Normal | Cause::AnsweredElsewhere => ReminderResult::NoAnswer,
        Cause::Forbidden | Cause::Incomplete | Cause::NotAcceptable | Cause::Glare | Cause::NotBuilt => {
            ReminderResult::Failed
        }
        Cause::Loop | Cause::MediaTimeout | Cause::Failure => ReminderResult::Failed,
    }
}

/// The phones of a line.
fn phones(line: LineNo, pbx: &dyn Switch) -> Whoms {
    pbx.phones(line).into_iter().map(|phone| Whom::Phone(line, phone)).collect()
}

/// The phones behind a number of ours, or a number behind a trunk.
pub(super) fn reach(number: &str, pbx: &dyn Switch, plan: &Plan) -> Whoms {
    match plan.resolve(number) {
        Target::Line(line) => phones(line, pbx),
        Target::Trunk { trunk, strip } => {
            let number = text::cut(number.get(strip..).unwrap_or(number));
            [Whom::Trunk(trunk, number)].into_iter().collect()
        }
        Target::Lot(_) | Target::Orbit { .. } | Target::Code { .. } | Target::Emergency { .. } | Target::Nothing => {
            Whoms::new()
        }
    }
}

/// The line among these that is on a call.
fn busy_line(whoms: &Whoms, pbx: &dyn Switch) -> Option<LineNo> {
    whoms.iter().find_map(|whom| match *whom {
        Whom::Phone(line, _) if pbx.calls_of(line) > 0 => Some(line),
        Whom::Phone(..) | Whom::Trunk(..) => None,
    })
}

/// What the number of an orbit is called in a reminder's display: `Park 701: Alice`.
fn display(template: &str, orbit: &Number, who: &Identity) -> String {
    let shown = template.replace("{orbit}", orbit).replace("{name|number}", who.shown());
    let name = if who.private { "Anonymous" } else { &who.name };
    let number = if who.private { "Anonymous" } else { who.number.as_str() };
    // Phones show about so much; the orbit comes first, so it is never what is cut.
    text::cut::<32>(&shown.replace("{name}", name).replace("{number}", number)).to_string()
}
