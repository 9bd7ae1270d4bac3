//! Ending a leg: refusing, giving up, hanging up, being hung up on (RFC 3261 §§9, 15).
use super::identity::write_number;
use super::{ALLOW, Cause, Leg, LegEvent, LegId, Legs, State, completable};
use crate::transaction::{Arrival, ClientId, Owner};
use crate::wire::{Compose, Message, Method, Name, Status, bare};

impl Legs {
    /// Ends a leg, whatever it is doing. `words` tell people why; a refusal says them in its reason phrase and in a
    /// Warning (RFC 3261 §20.43).
    pub(crate) fn end(&mut self, id: LegId, cause: Cause, words: &str) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        leg.owner = Owner::NOBODY;
        match leg.state {
            State::Arrived(server) => {
                let told = self.transactions.ground.told_copy(leg.dialog.hop.flow);
                let reason = (!words.is_empty()).then_some(words);
                let (completable, domain) = (completable::of(id, &self.completables), self.domain.as_str());
                self.transactions.respond(server, cause.status(), reason, |mut refusal| {
                    if !words.is_empty() {
                        refusal.open(Name::Warning).text(b"399 ").text(&told).text(b" ").quoted(words.as_bytes());
                        refusal.close();
                    }
                    if let Some(completable) = completable {
                        completable.write(&mut refusal, domain);
                    }
                    if cause == Cause::Overload {
                        refusal.number(Name::RetryAfter, crate::base::limits::RETRY_AFTER_SECONDS.into());
                    }
                    refusal.end()
                });
                self.close(id);
            }
            State::Calling { invite, heard, ending: None } => {
                leg.state = State::Calling { invite, heard, ending: Some(cause) };
                // Not before a provisional response: then it is sent (§9.1).
                if heard {
                    self.transactions.cancel(invite, cause.reason());
                }
            }
            State::Up if leg.unacknowledged.is_some() => leg.state = State::Ending(cause),
            State::Up => self.send_bye(id, cause),
            State::Calling { .. } | State::Ending(_) => {}
        }
    }

    /// Has a caller call another number instead (RFC 3261 §21.3.3).
    pub(crate) fn redirect(&mut self, id: LegId, number: &str) {
        let Some(State::Arrived(server)) = self.legs.get(id).map(|leg| leg.state) else { return };
        let domain = self.domain.as_str();
        self.transactions.respond(server, Status::MOVED_TEMPORARILY, None, |mut response| {
            write_number(number, domain, response.open(Name::Contact).lines_buffer());
            response.close();
            response.end()
        });
        self.close(id);
    }

    /// The peer hangs up.
    pub(super) fn bye(&mut self, id: LegId, request: &Message<'_>, arrival: Arrival) -> Option<LegEvent> {
        self.transactions.reply(arrival, request, Status::OK, None, bare);
        let leg = self.legs.get(id)?;
        let owned = leg.owner != Owner::NOBODY;
        if let State::Arrived(server) = leg.state {
            self.transactions.respond(server, Status::REQUEST_TERMINATED, None, bare);
        }
        // One of several that rang for it: the others go on.
        if matches!(leg.state, State::Calling { .. }) && self.close_fork(id) {
            return None;
        }
        let leg = self.legs.get(id)?;
        // A leg we called that hangs up before it answered: whatever its INVITE still gets, nobody waits for it.
        if let State::Calling { invite, .. } = leg.state {
            self.transactions.disown(invite);
        }
        self.close(id);
        owned.then_some(LegEvent::HungUp(Cause::Normal))
    }

    /// Hangs up; the leg is gone.
    pub(super) fn send_bye(&mut self, id: LegId, cause: Cause) {
        if self.legs.get(id).is_some_and(|leg| leg.ack_due != 0) {
            // The peer's 2xx with an offer must be acknowledged first, if only with nothing.
            let number = self.legs.get(id).map_or(0, |leg| leg.ack_due);
            self.send_plain_ack(id, number);
        }
        let Some(leg) = self.legs.get_mut(id) else { return };
        let number = leg.dialog.next_number();
        let dialog = &leg.dialog;
        self.transactions.request(
            dialog.next_hop(&self.transactions.ground),
            Owner::NOBODY,
            Method::Bye,
            dialog.request_uri(),
            70,
            |mut bye| {
                dialog.write(&mut bye, Method::Bye, number);
                if !cause.reason().is_empty() {
                    bye.field(Name::Reason, cause.reason());
                }
                bye.end()
            },
        );
        self.close(id);
    }

    /// Handling an input of this leg's panicked: it is given up, as politely as still possible.
    pub(crate) fn abandon(&mut self, id: LegId) {
        self.end(id, Cause::Failure, "");
    }

    /// After a panic: legs and requests that were only half begun, or half ended. Nobody will ever come back to them.
    pub(crate) fn close_orphans(&mut self) {
        let orphan = |leg: &Leg| {
            let ends_by_itself = match leg.state {
                State::Calling { invite, ending, .. } => ending.is_some() && invite != ClientId::NONE,
                State::Ending(_) => leg.unacknowledged.is_some(),
                State::Arrived(_) | State::Up => false,
            };
            leg.owner == Owner::NOBODY && !ends_by_itself
        };
        let orphans: Vec<LegId> = self.legs.iter().filter(|(_, leg)| orphan(leg)).map(|(id, _)| id).collect();
        for id in orphans {
            self.close(id);
        }
        let legs = &self.legs;
        self.transactions.close_orphans(|owner| legs.get(LegId::unpack(owner.0)).is_some());
    }

    /// Header lines for the other side are of no use any more.
    pub(crate) fn unpack(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        let luggage = std::mem::take(&mut leg.luggage);
        self.transactions.ground.shelf.put_back(luggage);
    }
}

/// The refusal of a method that we know, but not here.
pub(crate) fn not_allowed(mut response: Compose<'_>) -> std::ops::Range<usize> {
    response.fixed(Name::Allow, ALLOW);
    response.end()
}
