//! Joining: a party that is with us, or with another, is brought to one that has called, has answered, or talks elsewhere.
//!
//! ```text
//!   Join(with): it is told what `with` says ──agrees──┬── `with` knows of it, or learns of it with its answer ──► joined
//!                  │                                  ╰── `with` is up, and has to be told: Expect(with) ⇄ Meet(it)
//!                  │                                                        │               ╰──agrees──────────► joined
//!               refuses: it stays where it was                              ╰── refuses: it goes back to where it was
//! ```
//! Nobody counts as joined before both have agreed, so that whoever is told so may leave.
use super::exchange::{Errand, Exchange, Session, SessionId};
use super::{SessionEvent, State};
use crate::leg::{Describe, LegId};

/// How often a party is told anew of one that moves whenever it is asked.
const RETOLD: u8 = 3;

impl Exchange {
    pub(super) fn begin_join(&mut self, who: SessionId, leg: LegId, with: SessionId) -> bool {
        // Either may need it; neither has been asked about the other.
        if self.pave(with, who).and_then(|()| self.pave(who, with)).is_err() {
            return false;
        }
        let Some(other) = self.sessions.get(with).filter(|other| other.state != State::Disconnected) else {
            return false;
        };
        let (other_leg, shown) = (other.leg, other.party.identity);
        let describe = self.offer_of(with, other_leg);
        self.legs.offer(leg, describe, Some(&shown))
    }

    /// It is where it was, and so is what it hears.
    pub(super) fn join_failed(&mut self, who: SessionId, with: SessionId) {
        self.lower_unless_heard(who);
        self.events.push_back(SessionEvent::JoinFailed(who, with));
    }

    /// The held party has the other's media: now the other.
    pub(super) fn joined(&mut self, who: SessionId, with: SessionId) {
        let Some(session) = self.sessions.get(who) else { return };
        let (leg, shown, late) = (session.leg, session.party.identity, session.late);
        let Some(other) = self.sessions.get(with).filter(|other| other.state != State::Disconnected) else {
            return self.come_in_vain(who);
        };
        let (other_leg, is_up) = (other.leg, other.state.is_up());
        debug_assert!(!(late && is_up), "an answered party's media is known");
        // Without a port it goes past us.
        let _ = self.pave(with, who);
        let offered = self.sessions.get_mut(with).is_some_and(|other| std::mem::take(&mut other.late));
        if offered {
            // Its own 2xx had the offer.
            self.legs.acknowledge(other_leg, Describe::Like(leg));
        } else if !is_up {
            self.legs.answer(other_leg, Describe::Like(leg), &shown);
        } else if self.legs.has_told(other_leg, leg) {
            self.legs.identify(other_leg, &shown);
        } else {
            if let Some(session) = self.sessions.get_mut(who) {
                session.errand = Errand::Expect(with);
            }
            return self.want(with, Errand::Meet(who));
        }
        self.bring_together(who, with);
        self.catch_up(who, with);
    }

    /// Whom it was to talk to has gone meanwhile. Its feature knows, and wants a held party held again; or it still talks
    /// to whoever was to be replaced.
    fn come_in_vain(&mut self, who: SessionId) {
        let Some(session) = self.sessions.get_mut(who) else { return };
        let (leg, bridge) = (session.leg, session.bridge);
        let late = bridge != SessionId::NONE && std::mem::take(&mut session.late);
        if let (Some(peer), true) = (self.sessions.get(bridge).map(|peer| peer.leg), late) {
            // Its 2xx had an offer, and waits for an answer still.
            self.legs.acknowledge(leg, Describe::Like(peer));
        }
        self.go_back(who);
    }

    /// Tells a party that talks to somebody else, or to us, who is there for it now.
    pub(super) fn begin_meeting(&mut self, who: SessionId, leg: LegId, other: SessionId) -> bool {
        if !self.is_expected(other, who) || self.pave(who, other).is_err() {
            return false;
        }
        let Some(session) = self.sessions.get(other) else { return false };
        let (other_leg, shown) = (session.leg, session.party.identity);
        self.legs.offer(leg, Describe::Like(other_leg), Some(&shown))
    }

    /// The party has agreed to talk to who has come to it.
    pub(super) fn met(&mut self, who: SessionId, other: SessionId) {
        if !self.is_expected(other, who) {
            // Gone meanwhile.
            return self.go_back(who);
        }
        if let Some(session) = self.sessions.get_mut(other) {
            session.errand = Errand::None;
        }
        self.bring_together(other, who);
        self.catch_up(other, who);
        self.resume(other);
    }

    /// Tells a party anew where the other is, if that has moved since it was told: while it waited for the other to agree, or by
    /// the very answer. Two that move at every offer would do so for ever.
    pub(super) fn catch_up(&mut self, who: SessionId, with: SessionId) {
        if !self.is_outdated(who, with) {
            return;
        }
        if let Some(session) = self.sessions.get_mut(who).filter(|session| session.retold < RETOLD) {
            session.retold += 1;
            self.want(who, Errand::Tune(with));
        }
    }

    /// The party will not talk to who has come to it, and is where it was.
    pub(super) fn unmet(&mut self, other: SessionId, who: SessionId) {
        if self.deserted(other, who) {
            self.join_failed(other, who);
        }
    }

    /// Nothing comes of the meeting that `who` waits for, if it does: it goes back.
    pub(super) fn deserted(&mut self, who: SessionId, with: SessionId) -> bool {
        if !self.is_expected(who, with) {
            return false;
        }
        if let Some(session) = self.sessions.get_mut(who) {
            session.errand = Errand::None;
        }
        self.go_back(who);
        true
    }

    /// Whether `who` has been told of `with`, and waits for it.
    fn is_expected(&self, who: SessionId, with: SessionId) -> bool {
        let waits = |session: &Session| session.errand == Errand::Expect(with) && session.state != State::Disconnected;
        self.sessions.get(who).is_some_and(waits)
    }

    /// It was told of somebody it will not talk to: back to whom it talks to, or to what it heard.
    fn go_back(&mut self, who: SessionId) {
        let Some(session) = self.sessions.get(who) else { return };
        let (bridge, port) = (session.bridge, session.port);
        if session.wanted.moves() || (bridge, port) == (SessionId::NONE, 0) {
            self.resume(who);
        } else if bridge == SessionId::NONE {
            self.want(who, Errand::Hold);
        } else {
            self.want(who, Errand::Tune(bridge));
        }
    }

    /// Both know of each other, and talk.
    fn bring_together(&mut self, who: SessionId, with: SessionId) {
        // What they heard from us meanwhile, or while they were held, they hear no more.
        for party in [with, who] {
            self.forget_speech(party);
            self.end_music(party);
            if let Some(session) = self.sessions.get_mut(party) {
                session.retold = 0;
            }
        }
        self.bridge(who, with);
        self.channel(who, with);
        self.events.push_back(SessionEvent::Joined(who, with));
    }
}
