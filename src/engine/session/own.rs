//! Ports of the server's own: where a party comes to hear music, a prompt, or itself.
use super::exchange::{Exchange, SessionId};
use crate::counters::Shed;
use crate::wire::media::MediaOrder;
use crate::wire::sdp;

impl Exchange {
    /// The server's port for this session: its own, or a new one.
    pub(super) fn port_of(&mut self, who: SessionId) -> Option<u16> {
        let session = self.sessions.get(who)?;
        if session.port != 0 {
            return Some(session.port);
        }
        let leg = session.leg;
        let flow = self.legs.hop(leg)?.flow;
        let Some(port) = self.ports.take() else {
            self.legs.ground().counters.shed.up(Shed::Ports);
            return None;
        };
        let (peer, (payload_type, events)) = (self.legs.media_address(leg), formats(self.legs.description(leg)));
        let at = self.legs.ground().media_bound(flow);
        let sound = self.plays_quietly(who);
        let peer = peer.filter(|_| sound.is_none());
        self.media.push(MediaOrder::Open { at, port, peer, payload_type, events });
        if let at @ Some(_) = sdp::reports(self.legs.description(leg)) {
            self.media.push(MediaOrder::Reports { port, at });
        }
        if let Some(sound) = sound {
            self.media.push(MediaOrder::Play { port, sound });
        }
        self.sessions.get_mut(who)?.port = port;
        Some(port)
    }

    /// The party said anew where it receives.
    pub(super) fn redirect(&mut self, who: SessionId) {
        let Some(session) = self.sessions.get(who).filter(|session| session.port != 0) else { return };
        let (port, leg) = (session.port, session.leg);
        let (peer, (payload_type, events)) = (self.legs.media_address(leg), formats(self.legs.description(leg)));
        let at = sdp::reports(self.legs.description(leg));
        self.media.push(MediaOrder::Reports { port, at });
        self.media.push(MediaOrder::Redirect { port, peer, payload_type, events });
    }
}

/// The G.711 payload type that a description lists first (µ-law is 0, A-law 8), and that of keys as events.
fn formats(description: &[u8]) -> (u8, Option<u8>) {
    let Ok(sdp) = sdp::scan(description) else { return (0, None) };
    let Some(media) = sdp::live_audio(&sdp) else { return (0, None) };
    let first = media.payloads().find(|&p| p == b"0" || p == b"8");
    let events = media.payload_of("telephone-event/8000");
    let events = events.and_then(|events| std::str::from_utf8(events).ok()?.parse().ok());
    (if first == Some(b"8") { 8 } else { 0 }, events)
}
