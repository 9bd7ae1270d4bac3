//! What people dial: a number of somebody's, a place where a call waits, or a code and what it is to do.
//!
//! Knows: numbers, sessions, lines. Never: SIP, SDP, sockets, the clock.
use super::call::words;
use super::choice::Choice;
use super::numbers::Target;
use super::parker::{Order, Told, Where};
use super::pickup::Unpicked;
use super::pull::Unpulled;
use super::recent::Caller;
use super::refusal::Refusal;
use super::{Features, Naming, announce, stripped, takeover};
use crate::base::Handle;
use crate::base::text::{Number, cut};
use crate::counters::{CodeResult, PickupKind};
use crate::leg::{Cause, Dialled};
use crate::session::{Duty, Place, SessionId, Switch};
use crate::settings::Operation;

impl Features {
    /// A party dialled.
    pub(crate) fn dialled(&mut self, who: SessionId, dialled: Dialled, names: Option<Naming>, pbx: &mut dyn Switch) {
        if pbx.party(who).place.line().is_some_and(|line| self.calls.profiles.hides_number(line)) {
            pbx.hide(who, true);
        }
        self.dial(who, dialled, names, pbx);
    }

    /// Goes where the number leads.
    fn dial(&mut self, who: SessionId, dialled: Dialled, names: Option<Naming>, pbx: &mut dyn Switch) {
        let number = dialled.number;
        if let Some(target) = self.callback_key(&number) {
            self.calls.completions.key(who, target, pbx);
            return;
        }
        // Who was told that it may call now.
        if let Some(target) = self.calls.completions.target_of(&number, pbx.party(who).place.line()) {
            return self.calls.ring_line(who, target, pbx);
        }
        if !self.calls.completions.is_empty()
            && let Some(line) = pbx.party(who).place.line()
        {
            self.calls.completions.used(line, pbx);
        }
        // A call that waits where the configuration has no orbit any more can still be fetched.
        if let Some(orbit) = self.lots.retiring(&number) {
            let result = self.lots.retrieve(orbit, who, dialled.park_id, pbx);
            self.refuse_on_error(who, Some(self.lots.lot_of(orbit)), result, pbx);
            return;
        }
        let target = if dialled.park { self.parking(number) } else { self.plan.resolve(&number) };
        let parks = matches!(target, Target::Lot(_) | Target::Code { operation: Operation::Park, .. });
        if let Some(Naming::Replaces(old)) = names.filter(|_| !parks) {
            return self.take_over(who, old, dialled, pbx);
        }
        match target {
            Target::Line(line) => {
                self.note_dialled(who, &number, pbx);
                self.calls.ring_line(who, line, pbx);
            }
            Target::Trunk { trunk, strip } => {
                self.note_dialled(who, &number, pbx);
                self.calls.ring_trunk(who, trunk, stripped(&number, strip), pbx);
            }
            // Who needs help is shown, whatever they have chosen.
            Target::Emergency { trunk } => {
                pbx.hide(who, false);
                if let Some(line) = pbx.party(who).place.line() {
                    self.calls.completions.undisturbed_calls.begin(line, who);
                }
                self.calls.ring_trunk(who, trunk, number, pbx);
            }
            Target::Lot(lot) if names.is_some() => {
                self.park_held(who, Where::Lot(lot), names, pbx);
            }
            Target::Lot(lot) => {
                let result = self.lots.reserve(lot, who, pbx);
                self.refuse_dialled(who, lot, result, pbx);
            }
            Target::Orbit { lot, orbit } => {
                let orbit = self.lots.orbit(lot, orbit);
                let result = self.lots.retrieve(orbit, who, dialled.park_id, pbx);
                self.refuse_dialled(who, lot, result, pbx);
            }
            Target::Code { code, operation, argument } => {
                self.code(who, code, operation, (&argument, names), dialled, pbx);
            }
            Target::Nothing => {
                self.calls.completions.note_other(&pbx.party(who), pbx.now());
                pbx.drop(who, Cause::NotFound, &words(format_args!("{number} does not exist")));
            }
        }
    }

    fn note_dialled(&mut self, who: SessionId, number: &str, pbx: &dyn Switch) {
        if let Some(line) = pbx.party(who).place.line() {
            self.calls.recent.dialled(line, number, pbx.party(who).identity.private);
            self.calls.completions.undisturbed_calls.begin(line, who);
        }
    }

    /// A party wants the place of another.
    fn take_over(&mut self, by: SessionId, old: SessionId, dialled: Dialled, pbx: &mut dyn Switch) {
        match pbx.duty(old) {
            // Who may fetch parked calls is the lot's affair; where there is none, the party's.
            Some(Duty::Parked(orbit) | Duty::Reminder(orbit))
                if self.lots.is_recalled(orbit) && !takeover::may_take_over(by, old, pbx) =>
            {
                pbx.drop(by, Cause::Forbidden, "You may not take this call over");
            }
            Some(Duty::Parked(orbit) | Duty::Reminder(orbit)) => {
                let result = self.lots.retrieve(orbit, by, dialled.park_id, pbx);
                self.refuse_on_error(by, Some(self.lots.lot_of(orbit)), result, pbx);
            }
            Some(Duty::Call(call)) if takeover::may_take_over(by, old, pbx) => {
                self.calls.take_over(Handle::unpack(call), old, by, pbx);
            }
            Some(Duty::Completion(_)) if takeover::may_take_over(by, old, pbx) => {
                self.calls.picked_by_name(Err(Unpicked::Callback), by, pbx);
            }
            Some(Duty::Call(_) | Duty::Completion(_)) => {
                pbx.drop(by, Cause::Forbidden, "You may not take this call over");
            }
            Some(
                Duty::Retriever(_) | Duty::Reserver(_) | Duty::Told(_) | Duty::Echo(_) | Duty::Code | Duty::Offered(..),
            )
            | None => {
                pbx.drop(by, Cause::Unavailable, "There is nobody to talk to");
            }
        }
    }

    /// Whether what was dialled is for the sake of a call that is there: it fetches a parked one, or answers one that rings.
    pub(crate) fn is_fetching(&self, dialled: &Dialled) -> bool {
        let target = if dialled.park { self.parking(dialled.number) } else { self.plan.resolve(&dialled.number) };
        let fetches = |operation| {
            use Operation::{PickupDirected, PickupGroup, Pull, Retrieve};
            matches!(operation, Retrieve | PickupDirected | PickupGroup | Pull)
        };
        matches!(target, Target::Orbit { .. })
            || matches!(target, Target::Code { operation, .. } if fetches(operation))
            || self.lots.retiring(&dialled.number).is_some()
    }

    fn code(
        &mut self,
        who: SessionId,
        code: usize,
        operation: Operation,
        (argument, names): (&str, Option<Naming>),
        dialled: Dialled,
        pbx: &mut dyn Switch,
    ) {
        let done = if operation == Operation::Park {
            match self.place_of(argument) {
                Some(place) => self.park_held(who, place, names, pbx),
                None => self.refuse(who, None, Refusal::UnknownOrbit(cut(argument)), pbx),
            }
        } else if operation == Operation::Retrieve {
            let retiring = self.lots.retiring(argument);
            let orbit = self.plan.orbit(argument).map(|(lot, orbit)| self.lots.orbit(lot, orbit));
            let orbit = retiring.or(orbit);
            let lot = orbit.map(|orbit| self.lots.lot_of(orbit));
            let result = match orbit {
                Some(orbit) => self.lots.retrieve(orbit, who, dialled.park_id, pbx),
                None if argument.is_empty() => self.lots.retrieve_any(who, pbx),
                None => Err(Refusal::UnknownOrbit(cut(argument))),
            };
            self.refuse_on_error(who, lot, result, pbx)
        } else if operation == Operation::SayNumber {
            announce::say_number(who, pbx);
            pbx.duty(who).is_some()
        } else if operation == Operation::EchoTest {
            announce::echo_test(who, &dialled.number, pbx);
            pbx.duty(who).is_some()
        } else if let Operation::CallbackRequest | Operation::CallbackCancel = operation {
            self.calls.completions.code(who, operation, pbx)
        } else if let Operation::PickupDirected | Operation::PickupGroup = operation {
            self.pick_up(who, operation, argument, pbx)
        } else if operation == Operation::Pull {
            self.pull(who, argument, pbx)
        } else if let Some(choice) = Choice::by(operation) {
            self.choose(who, choice, argument, pbx)
        } else if let Operation::HideNumber | Operation::ShowNumber = operation {
            pbx.hide(who, operation == Operation::HideNumber);
            self.dial_again(who, cut(argument), pbx)
        } else if operation == Operation::Redial {
            self.redial(who, pbx)
        } else if operation == Operation::CallBackLast {
            self.call_back(who, pbx)
        } else {
            debug_assert!(!operation.is_built());
            let shown = self.codes.get(code).map_or("", |code| &code.code);
            let words = words(format_args!("{shown} ({}) is not built yet", operation.as_str()));
            pbx.drop(who, Cause::NotBuilt, &words);
            return self.count_code(code, CodeResult::NotBuilt);
        };
        self.count_code(code, if done { CodeResult::Ok } else { CodeResult::Refused });
    }

    /// Moves the line's own call, or that of the line named, to this telephone.
    fn pull(&mut self, who: SessionId, argument: &str, pbx: &mut dyn Switch) -> bool {
        let from = self.plan.line(argument);
        if from.is_none() && !argument.is_empty() {
            pbx.drop(who, Cause::NotFound, &words(format_args!("{argument} does not exist")));
            return false;
        }
        let pulled = self.calls.pull(from, who, pbx).map_err(Unpulled::told);
        pulled.inspect_err(|(cause, words)| pbx.drop(who, *cause, words)).is_ok()
    }

    /// Dials another number for the party: one that somebody can be called by.
    fn dial_again(&mut self, who: SessionId, number: Number, pbx: &mut dyn Switch) -> bool {
        let callable = match self.plan.resolve(&number) {
            Target::Line(_) | Target::Trunk { .. } | Target::Emergency { .. } => true,
            Target::Lot(_) | Target::Orbit { .. } | Target::Code { .. } | Target::Nothing => false,
        };
        if callable {
            self.dial(who, Dialled { number, ..Dialled::default() }, None, pbx);
        } else {
            pbx.drop(who, Cause::NotFound, &words(format_args!("{number} does not exist")));
        }
        callable
    }

    /// Calls whom the line called last.
    fn redial(&mut self, who: SessionId, pbx: &mut dyn Switch) -> bool {
        let last = pbx.party(who).place.line().and_then(|line| self.calls.recent.last_dialled(line));
        let Some((number, hidden)) = last else {
            pbx.drop(who, Cause::Unavailable, "No number was dialled before");
            return false;
        };
        pbx.hide(who, hidden);
        self.dial_again(who, cut(&number), pbx)
    }

    /// Calls who called the line last.
    fn call_back(&mut self, who: SessionId, pbx: &mut dyn Switch) -> bool {
        let why = match pbx.party(who).place.line().and_then(|line| self.calls.recent.caller(line)) {
            Some(Caller::Known(Place::Line(_), number)) => return self.dial_again(who, cut(&number), pbx),
            Some(Caller::Known(Place::Trunk(trunk), number)) => {
                self.calls.ring_trunk(who, trunk, cut(&number), pbx);
                return true;
            }
            Some(Caller::Hidden) => "The last caller's number is not known",
            None => "Nobody has called",
        };
        pbx.drop(who, Cause::Unavailable, why);
        false
    }

    /// Answers for a phone that rings: at the line that was named, or at any colleague's.
    fn pick_up(&mut self, who: SessionId, operation: Operation, argument: &str, pbx: &mut dyn Switch) -> bool {
        let line = self.plan.line(argument);
        if operation == Operation::PickupDirected && line.is_none() {
            pbx.drop(who, Cause::NotFound, &words(format_args!("{argument} does not exist")));
            return false;
        }
        let mut result = self.calls.pick_up_at(line, who, pbx);
        if result.is_err()
            && let Some(orbit) = self.lots.reminding(line, who, pbx)
        {
            // Whose reminder it is does not matter to who may fetch the call.
            let fetched = self.lots.retrieve(orbit, who, None, pbx);
            result = fetched.map_err(|_| Unpicked::MayNot);
        }
        if result == Err(Unpicked::Nothing) && self.calls.completions.rings_at(line, who, pbx) {
            result = Err(Unpicked::Callback);
        }
        let kind = if line.is_some() { PickupKind::Directed } else { PickupKind::Group };
        self.calls.count_pickup(kind, result);
        result.map_err(Unpicked::told).inspect_err(|(cause, words)| pbx.drop(who, *cause, words)).is_ok()
    }

    /// Parks the call that this party names; else the one that it holds on the phone it dials from (whatever else it
    /// may hold on others), and of several the most recently held.
    pub(super) fn park_held(
        &mut self,
        who: SessionId,
        place: Where,
        names: Option<Naming>,
        pbx: &mut dyn Switch,
    ) -> bool {
        let from = pbx.party(who).place;
        let held = match names {
            Some(Naming::Replaces(named) | Naming::Target(named)) => {
                Some(named).filter(|&one| pbx.party(one).place == from)
            }
            None => from.line().and_then(|line| pbx.held_by(line, pbx.device(who))),
        };
        let result = match held {
            Some(parker) => self.park(Order { parker, told: Told::Code(who), place }, pbx),
            None => Err(self.lots.refuse_park(place, Refusal::NothingToPark)),
        };
        let lot = match place {
            Where::Orbit(orbit) => self.lots.lot_of(orbit),
            Where::Lot(lot) => lot,
        };
        self.refuse_on_error(who, Some(lot), result, pbx)
    }

    /// What a word that means parking leads to: nothing but lots and orbits. Without a number, the first lot.
    pub(super) fn parking(&self, number: Number) -> Target {
        if number.is_empty() {
            return if self.lots.is_empty() { Target::Nothing } else { Target::Lot(0) };
        }
        match (self.plan.orbit(&number), self.plan.lot(&number)) {
            (Some((lot, orbit)), _) => Target::Orbit { lot, orbit },
            (None, Some(lot)) => Target::Lot(lot),
            (None, None) => Target::Nothing,
        }
    }

    pub(super) fn place_of(&self, argument: &str) -> Option<Where> {
        match self.parking(cut(argument)) {
            Target::Orbit { lot, orbit } => Some(Where::Orbit(self.lots.orbit(lot, orbit))),
            Target::Lot(lot) => Some(Where::Lot(lot)),
            Target::Line(_) | Target::Trunk { .. } | Target::Code { .. } | Target::Emergency { .. } => None,
            Target::Nothing => None,
        }
    }

    pub(super) fn refuse_on_error(
        &self,
        who: SessionId,
        lot: Option<usize>,
        result: Result<(), Refusal>,
        pbx: &mut dyn Switch,
    ) -> bool {
        match result {
            Ok(()) => true,
            Err(refusal) => self.refuse(who, lot, refusal, pbx),
        }
    }

    /// What was dialled is refused: nobody can be called back for it.
    fn refuse_dialled(&mut self, who: SessionId, lot: usize, result: Result<(), Refusal>, pbx: &mut dyn Switch) {
        if result.is_err() {
            self.calls.completions.note_other(&pbx.party(who), pbx.now());
        }
        self.refuse_on_error(who, Some(lot), result, pbx);
    }

    /// Always false.
    pub(super) fn refuse(&self, who: SessionId, lot: Option<usize>, refusal: Refusal, pbx: &mut dyn Switch) -> bool {
        announce::refuse(who, refusal, self.lots.says_why(lot), pbx);
        false
    }

    pub(super) fn count_code(&mut self, code: usize, result: CodeResult) {
        if let Some(counter) = self.code_counters.get_mut(code) {
            counter.up(result);
        }
    }
}
