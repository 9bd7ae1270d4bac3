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
        self.legs.hop(session.leg)?;
        let port = self.take_port()?;
        self.open_port(who, port)
    }

    /// A port that nobody has; what is refused for want of one is counted.
    pub(super) fn take_port(&mut self) -> Option<u16> {
        let port = self.ports.take();
        if port.is_none() {
            self.legs.ground().counters.shed.up(Shed::Ports);
        }
        port
    }

    /// From now on this port is the session's.
    pub(super) fn open_port(&mut self, who: SessionId, port: u16) -> Option<u16> {
        let leg = self.sessions.get(who)?.leg;
        let flow = self.legs.hop(leg)?.flow;
        let (peer, (voice, events)) = (self.legs.media_address(leg), self.legs.voice(leg));
        let at = self.legs.ground().media_bound(flow);
        let sound = self.plays_quietly(who);
        let peer = peer.filter(|_| sound.is_none());
        self.media.push(MediaOrder::Open { at, port, peer, voice, events });
        if let at @ Some(_) = sdp::reports(self.legs.description(leg)) {
            self.media.push(MediaOrder::Reports { port, at });
        }
        if let Some(sound) = sound {
            self.media.push(MediaOrder::Play { port, sound });
        }
        let session = self.sessions.get_mut(who)?;
        (session.port, session.codec) = (port, voice.codec);
        Some(port)
    }

    /// The party said anew where it receives.
    pub(super) fn redirect(&mut self, who: SessionId) {
        let Some(session) = self.sessions.get_mut(who).filter(|session| session.port != 0) else { return };
        let (port, leg) = (session.port, session.leg);
        let (peer, (voice, events)) = (self.legs.media_address(leg), self.legs.voice(leg));
        session.codec = voice.codec;
        let at = sdp::reports(self.legs.description(leg));
        self.media.push(MediaOrder::Reports { port, at });
        self.media.push(MediaOrder::Redirect { port, peer, voice, events });
    }
}
