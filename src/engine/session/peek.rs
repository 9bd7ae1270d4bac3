//! What the simulator may see of sessions.
use super::exchange::{Errand, Exchange, SessionId};
use super::{Duty, State};
use crate::leg::LegId;
use crate::settings::LineNo;
use crate::wire::sdp::STREAMS;

/// A session, as it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) who: SessionId,
    pub(crate) leg: LegId,
    pub(crate) duty: Duty,
    pub(crate) state: State,
    pub(crate) bridge: SessionId,
    pub(crate) port: u16,
    /// The ports that it sends to when its media goes through us.
    pub(crate) face: [u16; STREAMS],
    pub(crate) line: Option<LineNo>,
    /// A change of its media is under way.
    pub(crate) busy: bool,
    /// It has a port of ours without listening to us, and is not on its way either.
    pub(crate) wasteful: bool,
    /// One is wanted, and nothing will ever begin it.
    pub(crate) stuck: bool,
    /// It is up, and hears nobody, nor is on its way to anybody.
    pub(crate) alone: bool,
    /// It stands in the list of those that hold.
    pub(crate) listed: bool,
}

impl Exchange {
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let timers = &self.legs.transactions.ground.timers;
        let seen = self.sessions.iter().map(|(who, session)| Seen {
            who,
            leg: session.leg,
            duty: session.duty,
            state: session.state,
            bridge: session.bridge,
            port: session.port,
            face: self.legs.faces.face(session.face).map_or([0; STREAMS], |face| face.ports),
            line: session.party.place.line(),
            busy: !matches!(session.errand, Errand::Expect(_) | Errand::None),
            wasteful: session.port != 0
                && session.bridge != SessionId::NONE
                // Who holds need not be sent back before it resumes.
                && session.state != State::OnHold
                && !matches!(session.errand, Errand::Hold | Errand::Entertain | Errand::Relay)
                && !matches!(session.wanted, Errand::Hold | Errand::Entertain)
                && self.sessions.get(session.bridge).is_none_or(|other| other.state != State::OnHold),
            stuck: session.wanted != Errand::None
                && session.errand == Errand::None
                && self.legs.is_settled(session.leg)
                && !timers.is_armed(session.retry)
                || matches!(session.errand, Errand::Expect(with) if !self.meets(with, who)),
            alone: session.state.is_up()
                && session.bridge == SessionId::NONE
                && session.port == 0
                && (session.errand, session.wanted) == (Errand::None, Errand::None),
            listed: self.holding.contains(&who),
        });
        seen.collect()
    }

    /// Whether a party is told, or will be, that the other has come to it.
    fn meets(&self, who: SessionId, other: SessionId) -> bool {
        self.sessions.get(who).is_some_and(|session| [session.errand, session.wanted].contains(&Errand::Meet(other)))
    }

    pub(crate) fn ports_used(&self) -> usize {
        self.ports.used()
    }

    /// Faces that there are.
    pub(crate) fn faces(&self) -> usize {
        self.legs.faces.numbers().count()
    }

    /// Sessions that have one.
    pub(crate) fn faced(&self) -> usize {
        self.sessions.iter().filter(|(_, session)| session.face != crate::leg::FaceNo::NONE).count()
    }

    pub(crate) fn calls_counted(&self, line: LineNo) -> usize {
        self.sessions.count(line)
    }

    pub(crate) fn holders(&self) -> usize {
        self.holding.len()
    }
}
