//! Music for who is held: the party that holds is answered by us, and the other one hears what the server plays.
//!
//! ```text
//!   holder ── re-INVITE, sendonly ──► 200, inactive         held ◄── re-INVITE: the server's own media
//!   holder ── re-INVITE, sendrecv ──► ( to the held party, as any change ) ──► 200: they talk
//! ```
//! The two stay connected all the while: whoever hangs up, is transferred or parked, is so as without music, and who is
//! parked goes on hearing it. Where the held party will not come to us it stays where it is, and hears nothing, as without.
use super::exchange::{Errand, Exchange, Session, SessionId};
use super::{Duty, SessionEvent, State};
use crate::leg::{Cause, Describe, LegId};
use crate::wire::media::{MediaOrder, Sound};
use crate::wire::sdp;

impl Exchange {
    /// Whether the party's offer is a hold, and nothing but that, of somebody who can hear music meanwhile.
    fn is_plain_hold(&self, who: SessionId, other: SessionId) -> bool {
        let Some((holder, held)) = self.sessions.get(who).zip(self.sessions.get(other)) else { return false };
        let streams = |leg| sdp::scan(self.legs.description(leg)).map_or(0, |sdp| sdp.media().count());
        self.hold_music
            && holder.bridge == other
            && held.bridge == who
            && !held.late
            && self.legs.is_holding(holder.leg)
            && self.can_come(held)
            && streams(holder.leg) == streams(held.leg)
    }

    /// Whether we have sound that the party can hear: what is encrypted we have no keys for.
    pub(super) fn can_come(&self, held: &Session) -> bool {
        sdp::is_anchorable(self.legs.description(held.leg))
    }

    /// The party made an offer: if it is a hold, it is answered, and the other one hears music. Whether that was so.
    pub(super) fn hold_with_music(&mut self, who: SessionId, other: SessionId) -> bool {
        let (Some(leg), true) = (self.sessions.get(who).map(|session| session.leg), self.is_plain_hold(who, other))
        else {
            return false;
        };
        let held_leg = self.leg_of(other);
        self.legs.agree(leg, Describe::Silent(held_leg));
        self.note_hold(who, other);
        if self.sessions.get(other).is_some_and(|held| held.port == 0) {
            self.want(other, Errand::Entertain);
        }
        true
    }

    /// The party finds itself held, and has no music yet.
    pub(super) fn entertain_held(&mut self, who: SessionId, holder: SessionId) {
        let state = |who| self.sessions.get(who).map(|session| session.state);
        let held = (state(holder), state(who)) == (Some(State::OnHold), Some(State::Held));
        if self.hold_music && held && self.sessions.get(who).is_some_and(|held| held.port == 0 && self.can_come(held)) {
            self.want(who, Errand::Entertain);
        }
    }

    /// Who hears our music changed something: that concerns us alone. Whether it does hear music.
    pub(super) fn change_while_held(&mut self, who: SessionId, other: SessionId) -> bool {
        // One that is on its way into an orbit has a port of ours already, and does not listen there yet; one whose holder has
        // resumed meanwhile goes back to it.
        let is_held = self.sessions.get(other).is_some_and(|other| other.state == State::OnHold);
        let listens = |session: &&Session| session.music && session.bridge != SessionId::NONE && is_held;
        let Some(session) = self.sessions.get(who).filter(listens) else { return false };
        let (leg, port) = (session.leg, session.port);
        self.legs.agree_to_ours(leg, port);
        self.redirect(who);
        self.note_hold(who, other);
        true
    }

    /// Offers the holder's music, if the party is still held.
    pub(super) fn begin_entertaining(&mut self, who: SessionId, leg: LegId) -> bool {
        let holder = self.sessions.get(who).and_then(|session| self.sessions.get(session.bridge));
        let Some(holder) = holder.filter(|holder| holder.state == State::OnHold) else {
            // Resumed before it could come; the port was for a try that did not come through.
            if self.sessions.get(who).is_some_and(|session| !session.music) {
                self.end_music(who);
            }
            return false;
        };
        let music = holder.party.place.line().and_then(|line| self.lines.directory.music(line));
        self.set_sound(who, Sound::Music(music.unwrap_or_default()));
        let Some(port) = self.port_of(who) else { return false };
        let begun = self.legs.offer(leg, Describe::Ours(port), None);
        if !begun {
            self.end_music(who);
        }
        begun
    }

    /// What the party hears while it listens to us.
    pub(super) fn set_sound(&mut self, who: SessionId, sound: Sound) {
        let Some(session) = self.sessions.get_mut(who) else { return };
        let before = std::mem::replace(&mut session.sound, sound);
        if session.port != 0 && before != sound {
            let port = session.port;
            self.media.push(MediaOrder::Play { port, sound });
        }
    }

    /// Who is parked may vanish without a word: it is noticed when nothing has come from it for long.
    pub(super) fn watch(&mut self, who: SessionId) {
        let silence = self.rtp_timeout;
        let Some(session) = self.sessions.get(who) else { return };
        if matches!(session.duty, Duty::Parked(_)) && session.port != 0 && !silence.is_zero() {
            let port = session.port;
            self.media.push(MediaOrder::Watch { port, silence });
        }
    }

    /// Nothing has come to this port for long: who should have sent is gone. One that has said it would send nothing is not
    /// missed.
    pub(super) fn fell_silent(&mut self, port: u16) {
        let Some(who) = self.at_port(port) else { return };
        let Some(session) = self.sessions.get(who) else { return };
        let (leg, is_parked) = (session.leg, matches!(session.duty, Duty::Parked(_)));
        if is_parked && !self.legs.is_mute(leg) {
            self.legs.end(leg, Cause::MediaTimeout, "");
            self.over(who, SessionEvent::Left(who, Cause::MediaTimeout));
        }
    }

    /// The party hears our music no more, or never did.
    pub(super) fn end_music(&mut self, who: SessionId) {
        let Some(session) = self.sessions.get_mut(who) else { return };
        let port = std::mem::take(&mut session.port);
        session.music = false;
        self.release(port);
    }

    /// What a party of a call was told last of the other one.
    pub(super) fn told_of(&self, who: SessionId, other: SessionId) -> Describe {
        let (Some(session), Some(other)) = (self.sessions.get(who), self.sessions.get(other)) else {
            return Describe::Nothing;
        };
        match (session.port, other.port) {
            (0, 0) => Describe::Like(other.leg),
            (0, _) => Describe::Silent(other.leg),
            (port, _) => Describe::Ours(port),
        }
    }

    /// Whether one of these two hears our music instead of the other.
    pub(super) fn is_entertained(&self, one: SessionId, other: SessionId) -> bool {
        [one, other].into_iter().any(|who| self.sessions.get(who).is_some_and(|session| session.port != 0))
    }
}
