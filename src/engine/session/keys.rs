//! Keys of a party on their way to the other one.
//!
//! ```text
//!   INFO ────────► what they mean ── nothing ──► INFO          as it came
//!   event, from the relay ──► the same ────────► the relay     plays it
//! ```
//! Who asks for them by INFO answers for them; of what was played nobody hears any more. Only where somebody's keys may mean
//! something does the relay look for them, and then it lets none pass: we say which do.
use super::exchange::{Exchange, Session, SessionId};
use super::switch::Delivery;
use crate::leg::{FaceNo, KeyWay};
use crate::wire::dtmf::{Form, Press};
use crate::wire::media::MediaOrder;
use crate::wire::sdp;

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
        if let Some(KeyWay { port, events, kept }) = way {
            self.media.push(MediaOrder::Keys { port, events: Some(events), kept });
        }
    }

    fn way_of_keys(&self, one: &Session, other: &Session) -> Option<KeyWay> {
        let line = one.party.place.line()?;
        if one.face == FaceNo::NONE || !self.lines.directory.may_use_keys(line) {
            return None;
        }
        // A party sends by the numbers that the other one receives by (RFC 3264 §5.1).
        let (place, events) = sdp::events(self.legs.description(other.leg))?;
        let ports = |face| self.legs.faces.face(face)?.ports.get(place).copied().filter(|&port| port != 0);
        let (port, _) = (ports(one.face)?, ports(other.face)?);
        Some(KeyWay { port, events, kept: true })
    }

    /// A key that came in at a relayed port means nothing to anybody but the other party.
    pub(crate) fn pass_key(&mut self, who: SessionId, port: u16, press: Press) {
        let Some(session) = self.sessions.get(who).filter(|session| session.port != port) else { return };
        let other = session.bridge;
        self.deliver(other, press);
    }

    /// Sends a party a key that the other one pressed: as it came, if that can be.
    pub(super) fn deliver(&mut self, to: SessionId, press: Press) -> Delivery {
        let Some(session) = self.sessions.get(to) else { return Delivery::Nowhere };
        let (leg, from) = (session.leg, session.bridge);
        let port = self.key_port(from, to).filter(|_| press.form == Form::Event);
        if let Some(port) = port {
            self.media.push(MediaOrder::Press { port, key: press.key, millis: press.millis });
            return Delivery::Done;
        }
        let form = if press.form == Form::Event { Form::Relay } else { press.form };
        if self.legs.press(leg, Press { form, ..press }) { Delivery::OnItsWay } else { Delivery::Nowhere }
    }

    /// The relayed port of the one, whose keys the other one can be played.
    fn key_port(&self, from: SessionId, to: SessionId) -> Option<u16> {
        let face = self.sessions.get(from)?.face;
        // Who hears our music meanwhile hears nothing from there.
        let way = self.legs.faces.face(face)?.keys.filter(|_| !self.is_entertained(from, to))?;
        Some(way.port)
    }
}
