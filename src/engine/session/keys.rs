//! Keys of a party on their way to the other one.
//!
//! ```text
//!   INFO ─────────────────► what they mean ── nothing ──► INFO         as it came, unless
//!   event, from the relay ──► the same ────────────────► the relay     the party is told them in one way only
//! ```
//! Who asks for them by INFO answers for them; of what was played nobody hears any more. Only where somebody's keys may mean
//! something, or are to be told otherwise, does the relay look for them, and then it lets none pass: we say which do.
use super::exchange::{Exchange, Session, SessionId};
use super::switch::Delivery;
use super::{Place, Whom};
use crate::leg::{Face, FaceNo, KeyWay};
use crate::settings::Dtmf;
use crate::wire::dtmf::{Form, Press};
use crate::wire::media::MediaOrder;
use crate::wire::{Status, sdp};

impl Exchange {
    /// Two are linked, or what they say has changed: whether the relay is to look for the keys of the first.
    pub(super) fn order_keys(&mut self, who: SessionId, with: SessionId) {
        let (Some(one), Some(other)) = (self.sessions.get(who), self.sessions.get(with)) else { return };
        let way = self.way_of_keys(one, other).filter(|_| one.bridge == with);
        let face = one.face;
        let Some(face) = self.legs.faces.face_mut(face).filter(|face| face.keys != way) else { return };
        let before = std::mem::replace(&mut face.keys, way);
        if let Some(KeyWay { port, .. }) = before.filter(|before| way.is_none_or(|way| way.port != before.port)) {
            self.media.push(MediaOrder::Keys { port, events: None, kept: false });
        }
        if let Some(KeyWay { port, events, kept, .. }) = way {
            self.media.push(MediaOrder::Keys { port, events: Some(events), kept });
        }
    }

    /// Whether this party's keys may mean something, or are told in one way only.
    pub(super) fn looks_for_keys(&self, place: Place) -> bool {
        self.keys_may_mean_something(place) || self.dtmf(place) != Dtmf::Auto
    }

    /// Whether this party's keys may mean something.
    pub(super) fn keys_may_mean_something(&self, place: Place) -> bool {
        place.line().is_some_and(|line| self.lines.directory.may_use_keys(line))
    }

    fn way_of_keys(&self, one: &Session, other: &Session) -> Option<KeyWay> {
        let face = self.legs.faces.face(one.face)?;
        let may = self.keys_may_mean_something(one.party.place);
        let theirs = self.dtmf(other.party.place);
        if !may && theirs == Dtmf::Auto && face.shows.is_none() {
            return None;
        }
        // A party sends by the numbers that the other one receives by (RFC 3264 §5.1), or is shown to.
        let description = self.legs.description(other.leg);
        let played = sdp::events(description, None).is_some();
        let (place, events) = sdp::events(description, face.shows)?;
        let port = |face: &Face| face.ports.get(place).copied().filter(|&port| port != 0);
        let (port, _) = (port(face)?, port(self.legs.faces.face(other.face)?)?);
        let kept = may || !played || theirs == Dtmf::Info;
        (kept || theirs == Dtmf::Rfc4733).then_some(KeyWay { port, events, kept, played })
    }

    /// Before `who` is told what `with` says: whether that is to say that it receives keys as events, though it does not. Who
    /// is told keys by INFO alone does, because we tell it; and who wants them as events must be asked whether it takes them.
    pub(super) fn show_keys(&mut self, who: SessionId, with: SessionId) {
        let (Some(one), Some(other)) = (self.sessions.get(who), self.sessions.get(with)) else { return };
        let shows = self.is_shown_keys(other.party.place, one.party.place);
        // By the number that it has for them, if it has one.
        let number = sdp::events(self.legs.description(one.leg), None).map_or(sdp::OUR_EVENTS, |(_, number)| number);
        if let Some(face) = self.legs.faces.face_mut(one.face) {
            face.shows = shows.then_some(number);
        }
    }

    /// The same for somebody who is to be rung.
    pub(super) fn show_keys_of(&mut self, behalf: SessionId, whom: Whom, face: FaceNo) {
        let place = match whom {
            Whom::Phone(line, _) => Place::Line(line),
            Whom::Trunk(trunk, _) => Place::Trunk(trunk),
        };
        let Some(behalf) = self.sessions.get(behalf) else { return };
        let shows = self.is_shown_keys(behalf.party.place, place);
        if let Some(face) = self.legs.faces.face_mut(face) {
            face.shows = shows.then_some(sdp::OUR_EVENTS);
        }
    }

    /// Whether who is `told` sees that keys are received as events by the one whose description it is.
    fn is_shown_keys(&self, whose: Place, told: Place) -> bool {
        self.dtmf(whose) == Dtmf::Info || self.dtmf(told) == Dtmf::Rfc4733
    }

    /// How a party is told keys.
    fn dtmf(&self, place: Place) -> Dtmf {
        match place {
            Place::Line(line) => self.lines.directory.line_dtmf(line),
            Place::Trunk(trunk) => self.lines.directory.trunk_dtmf(trunk),
        }
    }

    /// A key that came by INFO: whether it was played to the other party.
    pub(crate) fn plays_key(&mut self, who: SessionId, press: Press) -> bool {
        let Some(session) = self.sessions.get(who) else { return false };
        let (leg, other) = (session.leg, session.bridge);
        let is_played = self.played_at(other, press).is_some();
        if is_played {
            self.deliver(other, press);
            self.legs.pass_back(leg, Status::OK);
        }
        is_played
    }

    /// A key that came in at a relayed port means nothing to anybody but the other party.
    pub(crate) fn pass_key(&mut self, who: SessionId, port: u16, press: Press) {
        let Some(session) = self.sessions.get(who).filter(|session| session.port != port) else { return };
        let other = session.bridge;
        self.deliver(other, press);
    }

    /// Sends a party a key that the other one pressed: as it came, unless the party is told them in one way only.
    pub(super) fn deliver(&mut self, to: SessionId, press: Press) -> Delivery {
        if let Some(port) = self.played_at(to, press) {
            self.media.push(MediaOrder::Press { port, key: press.key, millis: press.millis });
            return Delivery::Done;
        }
        let Some(leg) = self.sessions.get(to).map(|session| session.leg) else { return Delivery::Nowhere };
        let form = if press.form == Form::Event { Form::Relay } else { press.form };
        if self.legs.press(leg, Press { form, ..press }) { Delivery::OnItsWay } else { Delivery::Nowhere }
    }

    /// At whose relayed port a key is to be played, if the party is to hear it as an event.
    fn played_at(&self, to: SessionId, press: Press) -> Option<u16> {
        let session = self.sessions.get(to)?;
        let as_event = match self.dtmf(session.party.place) {
            Dtmf::Auto => press.form == Form::Event,
            Dtmf::Rfc4733 => true,
            Dtmf::Info => false,
        };
        let from = session.bridge;
        let face = self.sessions.get(from)?.face;
        let way = self.legs.faces.face(face)?.keys?;
        // Who hears our music meanwhile hears nothing from there.
        (as_event && way.played && !self.is_entertained(from, to)).then_some(way.port)
    }
}
