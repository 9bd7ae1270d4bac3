//! Media between two parties, and between a party and the server: who is told what, and when.
//!
//! A session's media changes one step at a time. What is under way is its *errand*; what is *wanted* next waits until
//! the leg has settled, so nothing is refused only because it came a moment after something else.
use super::exchange::{Errand, Exchange, RETRY, SessionId};
use super::{Reason, SessionEvent, State, Switch as _};
use crate::base::{Alarm, Room, TimerId};
use crate::counters::LegDirection;
use crate::leg::{Cause, Describe, LegId};
use crate::wire::{Message, Status};
use std::time::Duration;

/// How often a change is tried again after both sides had changed the call at once: well over half a minute.
const TRIES: u8 = 16;

impl Exchange {
    /// The ACK for our 2xx is here.
    pub(super) fn acknowledged(&mut self, who: SessionId, described: bool) {
        let Some(session) = self.sessions.get(who) else { return };
        let (leg, other) = (session.leg, session.bridge);
        if let Some(peer) = self.sessions.get_mut(other)
            && peer.late
        {
            peer.late = false;
            let peer_leg = peer.leg;
            if described {
                // Without a port it goes past us.
                let _ = self.pave(other, who);
            }
            // An offer without an answer: nothing can be said for it (RFC 3261 §13.2.1).
            let describe = if described { Describe::Like(leg) } else { Describe::Nothing };
            self.legs.acknowledge(peer_leg, describe);
            self.resume(other);
        }
        if described {
            self.redirect(who);
            self.channel(who, other);
            self.retell(who, other);
            // Only this told whether it holds.
            self.note_hold(who, other);
            self.entertain_held(other, who);
        }
        // The 200 said who is connected; to a phone that understands it, the From says so too (RFC 4916 §4.3).
        if let Some(peer) = self.sessions.get(other)
            && self.sessions.get(who).is_some_and(|session| session.reason == Reason::Unpark)
        {
            let shown = peer.party.identity;
            self.legs.identify_by_from(leg, &shown);
        }
        self.resume(who);
    }

    /// The caller's PRACK brought the answer to what the called side offered before it answers.
    pub(super) fn pracked(&mut self, who: SessionId) {
        let Some((leg, other)) = self.sessions.get(who).map(|session| (session.leg, self.partner(who))) else { return };
        let Some(peer) = self.sessions.get_mut(other) else { return };
        let (peer_leg, late) = (peer.leg, std::mem::take(&mut peer.late));
        // Without a port it goes past us.
        let _ = self.pave(other, who);
        if late {
            // It did not wait for the PRACK, and offered again in its 2xx.
            self.legs.acknowledge(peer_leg, Describe::Like(leg));
        } else {
            self.legs.acknowledge_early(peer_leg, Describe::Like(leg));
        }
        self.channel(who, other);
        if late {
            self.resume(other);
        }
    }

    /// The party has no UPDATE, and its session must not expire: unless a change is on its way that does as much.
    pub(super) fn refresh(&mut self, who: SessionId) {
        if self.sessions.get(who).is_some_and(|session| session.wanted == Errand::None) {
            self.want(who, Errand::Refresh);
        }
    }

    /// Whom the party hears, or will hear when the call is answered.
    fn partner(&self, who: SessionId) -> SessionId {
        let Some(session) = self.sessions.get(who) else { return SessionId::NONE };
        if session.bridge == SessionId::NONE { session.early } else { session.bridge }
    }

    /// The party wants its media changed.
    pub(super) fn offered(&mut self, who: SessionId, described: bool) {
        let other = self.partner(who);
        let Some(session) = self.sessions.get(who) else { return };
        let (leg, port, is_early) = (session.leg, session.port, session.bridge == SessionId::NONE);
        if matches!(session.errand, Errand::Expect(_)) {
            // It has just been told of another party, which is still to agree.
            self.legs.disagree(leg, Cause::Glare);
            return self.resume(who);
        }
        let answered = !is_early && self.change_while_held(who, other) || described && self.hold_with_music(who, other);
        if answered {
            return self.resume(who);
        }
        if described && self.pave(other, who).is_err() {
            self.legs.disagree(leg, Cause::NotAcceptable);
            self.narrow(who, other);
        } else if let Some(peer) = self.sessions.get_mut(other) {
            let describe = if described { Describe::Like(leg) } else { Describe::Nothing };
            let idle = peer.errand == Errand::None && peer.wanted == Errand::None;
            let begun = match is_early {
                true => idle && self.legs.offer_early(peer.leg, describe),
                false => idle && self.legs.offer(peer.leg, describe, None),
            };
            if begun {
                peer.errand = Errand::Relay;
            } else {
                // Before the answer the other side may not be able to change at all.
                self.legs.disagree(leg, if is_early { Cause::NotAcceptable } else { Cause::Glare });
                self.narrow(who, other);
            }
        } else if port != 0 {
            self.legs.agree_to_ours(leg, port);
            self.redirect(who);
        } else {
            self.legs.disagree(leg, Cause::NotAcceptable);
        }
        self.resume(who);
    }

    /// The party agreed to our change.
    pub(super) fn agreed(&mut self, who: SessionId, offers: bool) {
        let Some(session) = self.sessions.get_mut(who) else { return };
        let (leg, errand) = (session.leg, std::mem::take(&mut session.errand));
        (session.late, session.tries) = (offers, 0);
        match errand {
            Errand::Relay => self.relayed(who),
            Errand::Hold => {
                self.part(who);
                self.lower(who);
                self.redirect(who);
                self.watch(who);
                self.events.push_back(SessionEvent::Held(who));
            }
            Errand::Join(with) => self.joined(who, with),
            Errand::Meet(other) => self.met(who, other),
            // Whom it was told of may talk to somebody else by now, and that path is not ours to move.
            Errand::Tune(with) if self.partner(who) != with => {}
            Errand::Tune(with) => {
                self.redirect(who);
                self.channel(who, with);
                self.retell(with, who);
                self.catch_up(with, who);
            }
            Errand::Entertain => {
                if let Some(session) = self.sessions.get_mut(who) {
                    session.music = session.port != 0;
                }
                self.redirect(who);
            }
            Errand::Refresh => self.channel(who, self.partner(who)),
            Errand::Expect(_) | Errand::None => {}
        }
        let unanswered = self.sessions.get(who).is_some_and(|s| s.late && s.bridge == SessionId::NONE);
        if unanswered {
            self.settle_late(who, leg);
        }
        self.resume(who);
    }

    /// The party refused our change: its media is as it was.
    pub(super) fn disagreed(&mut self, who: SessionId, cause: Cause) {
        let Some(session) = self.sessions.get_mut(who) else { return };
        let errand = std::mem::take(&mut session.errand);
        match (errand, cause) {
            (Errand::Relay, _) => {
                let other = self.partner(who);
                if let Some(peer) = self.sessions.get(other) {
                    self.legs.disagree(peer.leg, cause);
                    self.narrow(who, other);
                    self.resume(other);
                }
            }
            (
                Errand::Hold
                | Errand::Entertain
                | Errand::Join(_)
                | Errand::Meet(_)
                | Errand::Tune(_)
                | Errand::Refresh,
                Cause::Glare,
            ) if session.tries < TRIES => {
                session.tries += 1;
                if session.wanted == Errand::None || errand.moves() && !session.wanted.moves() {
                    session.wanted = errand;
                }
                return self.try_later(who);
            }
            (Errand::Hold, _) => self.hold_failed(who),
            (Errand::Entertain, _) => self.end_music(who),
            (Errand::Join(with), _) => self.join_failed(who, with),
            (Errand::Meet(other), _) => self.unmet(other, who),
            (Errand::Tune(_) | Errand::Refresh | Errand::Expect(_) | Errand::None, _) => {}
        }
        self.resume(who);
    }

    /// Goes on with what is wanted, as soon as nothing else is under way.
    pub(super) fn resume(&mut self, who: SessionId) {
        let Some(session) = self.sessions.get(who) else { return };
        if session.speech.is_some() {
            self.begin_speech(who);
        }
        let Some(session) = self.sessions.get(who) else { return };
        if session.errand != Errand::None || session.wanted == Errand::None || session.state == State::Disconnected {
            return;
        }
        let (leg, wanted) = (session.leg, session.wanted);
        if !self.legs.is_settled(leg) {
            return;
        }
        let begun = match wanted {
            Errand::Hold => self.begin_hold(who, leg),
            Errand::Entertain => self.begin_entertaining(who, leg),
            Errand::Join(with) => self.begin_join(who, leg, with),
            Errand::Meet(other) => self.begin_meeting(who, leg, other),
            Errand::Tune(with) => self.begin_tune(who, leg, with),
            Errand::Refresh => self.begin_refresh(who, leg),
            Errand::Relay | Errand::Expect(_) | Errand::None => false,
        };
        let Some(session) = self.sessions.get_mut(who) else { return };
        session.wanted = Errand::None;
        match (begun, wanted) {
            (true, _) => session.errand = wanted,
            (false, Errand::Hold) => self.hold_failed(who),
            (false, Errand::Join(with)) => self.join_failed(who, with),
            (false, Errand::Meet(other)) => self.unmet(other, who),
            (false, Errand::Entertain | Errand::Tune(_) | Errand::Refresh) => {}
            (false, Errand::Relay | Errand::Expect(_) | Errand::None) => {}
        }
    }

    fn begin_hold(&mut self, who: SessionId, leg: LegId) -> bool {
        // We have no keys for what is encrypted, and a stream beside it would have to stay (RFC 3264 §8).
        if !self.legs.description(leg).is_empty() && self.sessions.get(who).is_some_and(|it| !self.can_come(it)) {
            return false;
        }
        let Some(port) = self.port_of(who) else { return false };
        self.legs.offer(leg, Describe::Ours(port), None)
    }

    /// It goes on talking to whom it talks to: without our media, unless it had come for music before.
    fn hold_failed(&mut self, who: SessionId) {
        if self.sessions.get(who).is_some_and(|session| session.bridge != SessionId::NONE && !session.music) {
            self.end_music(who);
        }
        self.end_speech(who);
        self.events.push_back(SessionEvent::HoldFailed(who));
    }

    /// What this party would say to somebody new: what it said while it was held was for whoever held it.
    pub(super) fn offer_of(&self, who: SessionId, leg: LegId) -> Describe {
        let Some(session) = self.sessions.get(who) else { return Describe::Nothing };
        let holds = session.state == State::OnHold;
        if self.legs.description(leg).is_empty() {
            Describe::Nothing
        } else if session.state.is_up() && !holds && self.legs.is_mute(leg) {
            Describe::Open(leg)
        } else {
            Describe::Like(leg)
        }
    }

    fn begin_tune(&mut self, who: SessionId, leg: LegId, with: SessionId) -> bool {
        if self.pave(who, with).is_err() {
            return false;
        }
        let Some(other) = self.sessions.get(with) else { return false };
        let shown = other.party.identity;
        self.legs.offer(leg, self.told_of(who, with), Some(&shown))
    }

    /// Says again what was said last: the same description has the same version (RFC 4028 §7.4).
    fn begin_refresh(&mut self, who: SessionId, leg: LegId) -> bool {
        let Some(session) = self.sessions.get(who) else { return false };
        let describe = match (self.sessions.get(session.bridge), session.port) {
            (Some(_), _) => self.told_of(who, session.bridge),
            (None, 0) => return false,
            (None, port) => Describe::Ours(port),
        };
        self.legs.offer(leg, describe, None)
    }

    /// The change that one party wanted has reached the other.
    fn relayed(&mut self, who: SessionId) {
        let other = self.partner(who);
        let Some(session) = self.sessions.get(who) else { return };
        let leg = session.leg;
        let Some(peer) = self.sessions.get(other) else { return };
        let peer_leg = peer.leg;
        if !self.legs.awaits_agreement(peer_leg) {
            // It took its change back meanwhile: so does who has agreed to it.
            if self.state(who).is_up() {
                self.want(who, Errand::Tune(other));
            }
            return;
        }
        // Without a port it goes past us.
        let _ = self.pave(other, who);
        self.end_music(who);
        self.legs.agree(peer_leg, Describe::Like(leg));
        self.end_music(other);
        self.channel(who, other);
        self.retell(who, other);
        if self.sessions.get(who).is_some_and(|session| session.bridge == other) {
            self.note_hold(other, who);
            self.entertain_held(other, who);
        }
        self.resume(other);
    }

    /// Who holds whom, now that `changer` has changed the call.
    pub(super) fn note_hold(&mut self, changer: SessionId, other: SessionId) {
        let Some((leg, peer)) = self.sessions.get(changer).zip(self.sessions.get(other)).map(|(a, b)| (a.leg, b.leg))
        else {
            return;
        };
        self.set_holding(changer, self.legs.is_holding(leg));
        let other_holds = self.legs.is_holding(peer);
        let held = self.sessions.get(changer).is_some_and(|session| session.state == State::OnHold);
        if !other_holds {
            self.stop_holding(other);
        }
        let other_on_hold = self.sessions.get(other).is_some_and(|session| session.state == State::OnHold);
        for (who, held) in [(other, held), (changer, other_on_hold)] {
            if let Some(session) = self.sessions.get_mut(who).filter(|session| session.state != State::OnHold) {
                session.state = if held { State::Held } else { State::Connected };
            }
        }
    }

    /// Both hear each other from now on.
    pub(super) fn bridge(&mut self, one: SessionId, other: SessionId) {
        for (who, peer) in [(one, other), (other, one)] {
            // Whom it talked to so far is replaced.
            if let Some(before) = self.sessions.get(who).map(|session| session.bridge).filter(|before| *before != peer)
            {
                if before != SessionId::NONE {
                    self.unlisten(who);
                    self.listen(who);
                }
                self.alone(before, Cause::Glare);
            }
            self.set_holding(who, false);
            if let Some(session) = self.sessions.get_mut(who) {
                (session.bridge, session.early) = (peer, SessionId::NONE);
                session.state = State::Connected;
            }
        }
    }

    /// A session and whoever it talks to hear each other no more.
    pub(super) fn part(&mut self, who: SessionId) {
        self.unlisten(who);
        let Some(session) = self.sessions.get_mut(who) else { return };
        let other = std::mem::replace(&mut session.bridge, SessionId::NONE);
        session.state = if session.state == State::Held { State::Connected } else { session.state };
        session.music = false;
        let leg = session.leg;
        self.stop_holding(who);
        self.legs.pass_back(leg, Status::OK);
        self.alone(other, Cause::Glare);
    }

    /// The other side of a bridge is gone: what this one still waits for from there will not come.
    pub(super) fn alone(&mut self, who: SessionId, cause: Cause) {
        self.stop_holding(who);
        let Some(session) = self.sessions.get_mut(who) else { return };
        session.bridge = SessionId::NONE;
        let leg = session.leg;
        self.legs.pass_back(leg, Status::OK);
        if self.legs.awaits_agreement(leg) {
            self.legs.disagree(leg, cause);
            self.resume(who);
        }
    }

    /// Who was to hear this party before the answer will not: what it wanted changed is as it was.
    pub(super) fn unheard(&mut self, who: SessionId) {
        let Some(session) = self.sessions.get_mut(who).filter(|session| session.bridge == SessionId::NONE) else {
            return;
        };
        session.early = SessionId::NONE;
        let leg = session.leg;
        if self.legs.awaits_agreement(leg) {
            self.legs.disagree(leg, Cause::NotAcceptable);
        }
    }

    pub(super) fn want(&mut self, who: SessionId, errand: Errand) {
        let Some(session) = self.sessions.get_mut(who) else { return };
        // Where a feature waits for the party nothing less comes in between: it would wait for ever.
        if errand.moves() || !session.wanted.moves() {
            session.tries = 0;
            let before = std::mem::replace(&mut session.wanted, errand);
            if let Errand::Meet(other) = before
                && before != errand
            {
                // It goes elsewhere before it could be told.
                self.unmet(other, who);
            }
        }
        self.resume(who);
    }

    /// The 2xx had an offer, and who should have answered it is gone: the server answers.
    fn settle_late(&mut self, who: SessionId, leg: LegId) {
        let port = self.port_of(who);
        self.legs.acknowledge(leg, port.map_or(Describe::Nothing, Describe::Ours));
        if let Some(session) = self.sessions.get_mut(who) {
            session.late = false;
        }
    }

    /// Both sides changed the call at once: again, after the pause that RFC 3261 §14.1 sets.
    fn try_later(&mut self, who: SessionId) {
        let Some(leg) = self.sessions.get(who).map(|session| session.leg) else { return };
        let ours = self.legs.direction(leg) == Some(LegDirection::Out);
        let ground = self.legs.ground();
        let pause = if ours { 2100 + ground.rng.below(191) * 10 } else { ground.rng.below(201) * 10 };
        let alarm = Alarm { room: Room::Session, reason: RETRY, whom: who.pack() };
        let pause = Duration::from_millis(pause.into());
        let timer = ground.timers.start(ground.now, pause, alarm);
        if let Some(session) = self.sessions.get_mut(who) {
            let before = std::mem::replace(&mut session.retry, timer);
            self.legs.ground().timers.stop(before);
        }
        debug_assert_ne!(timer, TimerId::NONE);
    }

    /// Something for the other party, digits most of the time.
    pub(super) fn passed(&mut self, who: SessionId, message: Option<&Message<'_>>) {
        let Some(session) = self.sessions.get(who) else { return };
        let (leg, other) = (session.leg, session.bridge);
        let peer = self.sessions.get(other).map(|peer| peer.leg);
        let passed = match (peer, message) {
            (Some(peer), Some(message)) => self.legs.pass_on(peer, message),
            (None, _) | (_, None) => false,
        };
        if !passed {
            // Nobody there to hear it, as while the call is parked: taken, and dropped.
            self.legs.pass_back(leg, Status::OK);
        }
    }

    pub(super) fn pass_settled(&mut self, who: SessionId, status: u16) {
        let other = self.sessions.get(who).and_then(|session| self.sessions.get(session.bridge));
        if let (Some(other), Some(status)) = (other.map(|other| other.leg), Status::new(status)) {
            self.legs.pass_back(other, status);
        }
    }
}
