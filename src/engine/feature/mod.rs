//! Features: what people dial and press, and what comes of it.
//!
//! Events come in by session and go to the feature that the session works for; orders leave through the [`Switch`].
//!
//! Knows: sessions, lines, numbers. Never: SIP, SDP, sockets, the clock.
mod announce;
mod attended;
pub(crate) mod call;
mod choice;
pub mod codes;
mod comfort;
mod completion;
mod confirm;
mod dialled;
mod exit;
mod forward;
pub mod keys;
mod lamp;
mod lot;
pub mod numbers;
mod outbound;
mod park;
mod parker;
#[cfg(any(test, feature = "simulator"))]
pub(crate) mod peek;
mod pickup;
mod profile;
mod pull;
mod recent;
#[cfg(test)]
mod recorder;
mod refusal;
mod reminder;
mod takeover;
mod transfer;
mod verdict;
mod waiting;

use crate::base::text::Number;
use crate::base::{Handle, Table};
use crate::counters::{CallEnd, CodeResult, Counters, Excess, Gauges};
use crate::keep::{CompletionRecord, Kept, Key, Record, Restored};
use crate::leg::{Cause, Dialled, Named};
use crate::session::{Duty, SessionEvent, SessionId, Switch, Wake};
use crate::settings::{CodeSettings, KeyOperation, LampSettings, LineNo, Operation, Settings};
use crate::wire::dtmf::Press;
use call::{Calls, words};
use keys::{Keys, Pressed};
use lot::Lots;
use numbers::{Plan, Target};
use parker::{Order, Told, Where};
use refusal::Refusal;
use std::sync::Arc;
use transfer::To;

/// A call that an INVITE names besides the number it dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// To be replaced by the new call (RFC 3891).
    Replaces(SessionId),
    /// That it is about (RFC 4538).
    Target(SessionId),
}

pub(crate) use completion::CallbackState;

/// All features.
#[derive(Debug)]
pub(crate) struct Features {
    plan: Arc<Plan>,
    calls: Calls,
    lots: Lots,
    keys: Keys,
    lamps: LampSettings,
    codes: Vec<CodeSettings>,
    code_counters: Vec<Table<CodeResult>>,
}

impl Features {
    pub(crate) fn new(settings: &Settings, engine: u8) -> Self {
        let plan = Arc::new(Plan::new(settings).0);
        Self {
            calls: Calls::new(settings, Arc::clone(&plan), engine),
            plan,
            lots: Lots::new(settings),
            keys: Keys::new(settings),
            lamps: settings.lamps.clone(),
            codes: settings.codes.clone(),
            code_counters: vec![Table::default(); settings.codes.len()],
        }
    }

    /// Other settings from now on. Calls and parked calls stay where they are.
    pub(crate) fn reload(&mut self, settings: &Settings) {
        self.plan = Arc::new(Plan::new(settings).0);
        self.calls.reload(settings, Arc::clone(&self.plan));
        self.lots.reload(settings);
        self.keys.reload(settings);
        self.lamps.clone_from(&settings.lamps);
        self.codes.clone_from(&settings.codes);
        self.code_counters.resize_with(settings.codes.len(), Table::default);
    }

    /// After other settings: what they let happen again, happens.
    pub(crate) fn rouse(&mut self, pbx: &mut dyn Switch) {
        self.calls.completions.rouse(pbx);
    }

    /// What an earlier process kept.
    pub(crate) fn restore(&mut self, records: &[Restored], pbx: &mut dyn Switch) {
        for Restored { record, age } in records {
            match record {
                // A line that the configuration has no more may come back to it.
                Record::Line(record) => {
                    if let Some(line) = self.plan.line(&record.number) {
                        self.calls.profiles.restore(line, record);
                    }
                }
                Record::Completion(record) => {
                    // Either line may come back to the configuration, as long as somebody could still be called back.
                    match self.plan.line(&record.by).zip(self.plan.line(&record.target)) {
                        Some(lines) => self.calls.completions.restore(record, lines, *age, pbx),
                        None if age.as_secs() >= record.left => forget(record, pbx),
                        None => {}
                    }
                }
            }
        }
        self.calls.hush();
    }

    /// A party wants whom it talks to sent elsewhere.
    pub(crate) fn transferred(
        &mut self,
        who: SessionId,
        dialled: Dialled,
        replaces: Named<SessionId>,
        pbx: &mut dyn Switch,
    ) {
        let number = dialled.number;
        match replaces {
            Named::This(named) => return self.transferred_into(who, named, pbx),
            Named::Unknown => return pbx.refuse_transfer(who, Cause::NotFound, "There is no such call to replace"),
            Named::Nothing => {}
        }
        let target = if dialled.park { self.parking(number) } else { self.plan.resolve(&number) };
        let place = match target {
            Target::Lot(lot) => Some(Where::Lot(lot)),
            Target::Orbit { lot, orbit } => Some(Where::Orbit(self.lots.orbit(lot, orbit))),
            Target::Code { operation: Operation::Park, argument, .. } => self.place_of(&argument),
            Target::Nothing => {
                let words = words(format_args!("{number} does not exist"));
                return pbx.refuse_transfer(who, Cause::NotFound, &words);
            }
            Target::Line(line) => return self.transfer(who, To::Line(line), number, pbx),
            // Who transfers to the code that pulls pushes.
            Target::Code { operation: Operation::Pull, argument, .. } if argument.is_empty() => {
                let own = pbx.party(who).place.line().map(|line| (line, pbx.identity(line).number));
                match own {
                    Some((line, number)) => return self.transfer(who, To::Line(line), number, pbx),
                    None => None,
                }
            }
            Target::Trunk { trunk, strip } => {
                return self.transfer(who, To::Trunk(trunk, stripped(&number, strip)), number, pbx);
            }
            Target::Code { .. } | Target::Emergency { .. } => None,
        };
        let Some(place) = place else {
            return self.transferred_abroad(who, dialled, pbx);
        };
        // The orbit is reserved before the phone hears that we try.
        let result = self.park(Order { parker: who, told: Told::Transfer(who), place }, pbx);
        self.answer_transfer(who, result, pbx);
    }

    fn transfer(&mut self, who: SessionId, to: To, number: Number, pbx: &mut dyn Switch) {
        if let Err((cause, words)) = self.calls.transfer(who, to, number, pbx) {
            pbx.refuse_transfer(who, cause, words);
        }
    }

    /// A party wants whom it talks to in the place of its other call.
    fn transferred_into(&mut self, who: SessionId, named: SessionId, pbx: &mut dyn Switch) {
        // Either call can be named in the other: what is parked is the one that is not with us.
        let (orbit, held) = match (pbx.duty(who), pbx.duty(named)) {
            (_, Some(Duty::Reserver(orbit))) => (orbit, who),
            (Some(Duty::Reserver(orbit)), _) => (orbit, named),
            (_, _) => {
                if let Err((cause, words)) = self.calls.transfer_into(who, named, pbx) {
                    pbx.refuse_transfer(who, cause, words);
                }
                return;
            }
        };
        let result = if self.calls.is_transferring(held, pbx) {
            Err(self.lots.refuse_park(Where::Orbit(orbit), Refusal::Moving))
        } else {
            self.lots.park_reserved(orbit, held, who, pbx)
        };
        self.answer_transfer(who, result, pbx);
    }

    fn answer_transfer(&self, who: SessionId, result: Result<(), Refusal>, pbx: &mut dyn Switch) {
        match result {
            Ok(()) => pbx.accept_transfer(who),
            Err(refusal) => pbx.refuse_transfer(who, refusal.cause(), &refusal.words()),
        }
    }

    /// Somebody wants the other party to be sent where we send nobody.
    pub(crate) fn transferred_abroad(&self, who: SessionId, dialled: Dialled, pbx: &mut dyn Switch) {
        let words = words(format_args!("Transfer to {} is not allowed", dialled.number));
        pbx.refuse_transfer(who, Cause::Forbidden, &words);
    }

    /// Something happened to a session.
    pub(crate) fn happened(&mut self, event: SessionEvent, pbx: &mut dyn Switch) {
        if self.calls.completions.is_empty() {
            return self.hand_on(event, pbx);
        }
        self.hand_on(event, pbx);
        self.notice(event, pbx);
    }

    /// Those who wait for somebody want to know who is used, and who talks to whom.
    fn notice(&mut self, event: SessionEvent, pbx: &mut dyn Switch) {
        let line = |who| pbx.party(who).place.line();
        match event {
            SessionEvent::Answered(who) => {
                line(who).into_iter().for_each(|line| self.calls.completions.used(line, pbx))
            }
            SessionEvent::Joined(one, other) => {
                let (one, other) = (line(one), line(other));
                self.calls.completions.met(one, other, pbx);
            }
            SessionEvent::Alerting { .. } | SessionEvent::Spoken(_) | SessionEvent::Failed(..) => {}
            SessionEvent::Left(..) | SessionEvent::Held(_) | SessionEvent::HoldFailed(_) => {}
            SessionEvent::JoinFailed(..)
            | SessionEvent::Redirected(..)
            | SessionEvent::Idle(_)
            | SessionEvent::Eased(_) => {}
        }
    }

    /// A line that had no phone has one now.
    pub(crate) fn signed_in(&mut self, line: LineNo, pbx: &mut dyn Switch) {
        self.calls.completions.signed_in(line, pbx);
    }

    fn hand_on(&mut self, event: SessionEvent, pbx: &mut dyn Switch) {
        let who = match event {
            SessionEvent::Alerting { who, .. }
            | SessionEvent::Answered(who)
            | SessionEvent::Spoken(who)
            | SessionEvent::Failed(who, _)
            | SessionEvent::Redirected(who)
            | SessionEvent::Left(who, _)
            | SessionEvent::Held(who)
            | SessionEvent::HoldFailed(who)
            | SessionEvent::Joined(who, _)
            | SessionEvent::JoinFailed(who, _) => who,
            SessionEvent::Eased(line) => return self.calls.completions.line_eased(line, pbx),
            SessionEvent::Idle(line) => {
                self.calls.completions.undisturbed_calls.line_idle(line);
                self.lots.line_idle(line, pbx, &self.plan);
                return self.calls.completions.line_idle(line, pbx);
            }
        };
        match pbx.duty(who) {
            Some(Duty::Call(call)) => {
                self.calls.happened(Handle::unpack(call), event, pbx);
                self.take_returned(pbx);
            }
            Some(Duty::Parked(orbit) | Duty::Reminder(orbit) | Duty::Retriever(orbit)) => {
                let silent = matches!(event, SessionEvent::Left(_, Cause::MediaTimeout));
                let end = if silent { CallEnd::MediaTimeout } else { CallEnd::Normal };
                if let Some(call) = self.lots.happened(orbit, event, pbx) {
                    self.calls.over(Handle::unpack(call), end, pbx);
                }
            }
            Some(Duty::Reserver(orbit)) => {
                if let SessionEvent::Left(..) = event {
                    let (line, device) = (pbx.party(who).place.line(), pbx.device(who));
                    let held = line.zip(device).and_then(|(line, device)| pbx.held_by(line, Some(device)));
                    let parks = held.is_some_and(|held| !self.calls.is_transferring(held, pbx));
                    self.lots.on_reserver_left(orbit, who, held.filter(|_| parks), pbx);
                }
            }
            Some(Duty::Told(orbit)) => {
                if let SessionEvent::Spoken(_) = event {
                    self.lots.transferor_told(orbit, who, pbx);
                }
            }
            Some(Duty::Echo(timer)) => {
                if let SessionEvent::Left(..) = event {
                    pbx.forget(timer);
                }
            }
            Some(Duty::Completion(request)) => {
                if let Some(met) = self.calls.completions.happened(Handle::unpack(request), event, pbx) {
                    self.calls.adopt(met, pbx);
                }
            }
            // It has heard what came of its code, or why its call failed. If that is only shown to it, a deadline ends it.
            Some(Duty::Code | Duty::Offered(..)) => {
                if let SessionEvent::Spoken(_) = event {
                    pbx.drop(who, Cause::Normal, "");
                }
            }
            None => {}
        }
    }

    /// A deadline of a feature's.
    pub(crate) fn woke(&mut self, wake: Wake, pbx: &mut dyn Switch) {
        match wake {
            Wake::Call(call) => {
                self.calls.woke(Handle::unpack(call), pbx);
                self.take_returned(pbx);
            }
            Wake::Orbit(orbit) => {
                if let Some(call) = self.lots.woke(orbit, pbx, &self.plan) {
                    self.calls.over(Handle::unpack(call), CallEnd::Normal, pbx);
                }
            }
            Wake::Completion(request) => self.calls.completions.woke(Handle::unpack(request), pbx),
            Wake::Guard(line) => self.calls.completions.guarded(line, pbx),
            Wake::Comfort(orbit) => self.lots.comfort(orbit, pbx),
            Wake::HangUp(who) => pbx.drop(who, Cause::Normal, ""),
            Wake::Keys(who) => {
                if let Some(operation) = self.keys.woke(who, pbx) {
                    self.operate(who, operation, pbx);
                }
            }
        }
    }

    /// A deadline whose handling panicked. Of most their sessions are ended; a request for a callback may have none.
    pub(crate) fn rearm(&mut self, wake: Wake, pbx: &mut dyn Switch) {
        match wake {
            Wake::Completion(request) => self.calls.completions.rearm(Handle::unpack(request), pbx),
            Wake::Guard(line) => self.calls.completions.guard_again(line, pbx),
            Wake::Call(_) | Wake::Orbit(_) | Wake::Comfort(_) | Wake::HangUp(_) | Wake::Keys(_) => {}
        }
    }

    /// A transfer came to nothing, and the transferor has gone: it is recalled.
    fn take_returned(&mut self, pbx: &mut dyn Switch) {
        if let Some(returned) = self.calls.returned.take() {
            self.lots.recall(returned, pbx);
        }
    }

    /// A party pressed a key. Whether it is kept from the other party.
    pub(crate) fn pressed(&mut self, who: SessionId, press: Press, pbx: &mut dyn Switch) -> bool {
        if let Some(Duty::Parked(orbit)) = pbx.duty(who) {
            take_key(who, press, pbx);
            self.lots.pressed(orbit, press.key, pbx, &self.plan);
            return true;
        }
        if let Some(Duty::Reminder(orbit)) = pbx.duty(who) {
            take_key(who, press, pbx);
            self.lots.replied(orbit, who, press.key, pbx);
            return true;
        }
        if let Some(Duty::Offered(..) | Duty::Completion(_)) = pbx.duty(who) {
            take_key(who, press, pbx);
            self.calls.completions.pressed(who, press.key, pbx);
            return true;
        }
        let pressed = self.keys.pressed(who, press, pbx);
        if pressed == Pressed::Passes {
            return false;
        }
        take_key(who, press, pbx);
        if let Pressed::Means(operation) = pressed {
            self.operate(who, operation, pbx);
        }
        true
    }

    /// The other party has had the key that was sent to it.
    pub(crate) fn key_taken(&mut self, by: SessionId, pbx: &mut dyn Switch) {
        self.keys.taken(by, pbx);
    }

    /// What a party's keys mean.
    fn operate(&mut self, who: SessionId, operation: KeyOperation, pbx: &mut dyn Switch) {
        match operation {
            KeyOperation::HangUp => pbx.hang_up(who),
            KeyOperation::Park if self.lots.is_empty() => {}
            KeyOperation::Park => {
                // Refused, all is as it was; the lot has counted it.
                let order = Order { parker: who, told: Told::Keys, place: Where::Lot(0) };
                let _: Result<(), Refusal> = self.park(order, pbx);
            }
        }
    }

    /// New work is refused from now on.
    pub(crate) const fn drain(&mut self) {
        self.lots.draining = true;
        self.calls.completions.draining = true;
    }

    pub(crate) fn count(&self, counters: &mut Counters) {
        counters.calls.clone_from(&self.calls.counters);
        counters.transfers.clone_from(&self.calls.transfers);
        counters.pickups.clone_from(&self.calls.pickups);
        counters.forwards.clone_from(&self.calls.forwards);
        counters.redirects.clone_from(&self.calls.redirects);
        counters.handoffs.clone_from(&self.calls.handoffs);
        counters.completion.clone_from(&self.calls.completions.counters);
        counters.recalls.clone_from(&self.lots.recall_counters.ended);
        counters.park.clone_from(&self.lots.counters);
        counters.codes.clone_from(&self.code_counters);
        counters.excess.add(Excess::Keys, (), self.keys.lost);
    }

    pub(crate) fn gauge(&self, now: crate::base::Time, gauges: &mut Gauges) {
        gauges.lots = self.lots.gauge(now);
        gauges.draining = self.lots.draining;
        self.calls.completions.gauge(gauges);
    }

    /// Parks a call that is not on its way to somebody else.
    fn park(&mut self, order: Order, pbx: &mut dyn Switch) -> Result<(), Refusal> {
        if self.calls.is_transferring(order.parker, pbx) {
            return Err(self.lots.refuse_park(order.place, Refusal::Moving));
        }
        self.lots.park(order, pbx)
    }
}

/// Nobody else hears the key, or not yet: whoever asked for that is answered.
fn take_key(who: SessionId, press: Press, pbx: &mut dyn Switch) {
    if press.wants_answer() {
        pbx.take_key(who);
    }
}

/// The number without its first characters.
fn stripped(number: &Number, strip: usize) -> Number {
    crate::base::text::cut(number.get(strip..).unwrap_or(""))
}

/// Nobody will be called back for it any more.
fn forget(record: &CompletionRecord, pbx: &mut dyn Switch) {
    if let Ok(id) = u128::from_str_radix(&record.id, 16) {
        pbx.keep(Kept { key: Key::Completion(id), record: None });
    }
}
