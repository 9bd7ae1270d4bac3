//! Calls that nobody else is to break into: the line is busy while such a call lasts, whatever its limit.
//!
//! ```text
//!   *70 ─► the line's next call ─► while it lasts the line is busy ─► it is over, and all is as before
//! ```
//! Knows: sessions, lines. Never: SIP, SDP, sockets, the clock.
use crate::session::{SessionId, State, Switch};
use crate::settings::LineNo;

/// The lines that have wished so, each with the call; nobody's yet, if it is still to come.
#[derive(Debug, Default)]
pub(super) struct UndisturbedCalls(Vec<(LineNo, SessionId)>);

impl UndisturbedCalls {
    /// The line's next call is to be one.
    pub(super) fn arm(&mut self, line: LineNo) {
        // What it has wished for the call under way holds on.
        self.0.retain(|entry| *entry != (line, SessionId::NONE));
        self.0.push((line, SessionId::NONE));
    }

    /// Such a call goes on with another session.
    pub(super) fn moved(&mut self, from: SessionId, to: SessionId) {
        if let Some((_, call)) = self.0.iter_mut().find(|(_, call)| *call == from && from != SessionId::NONE) {
            *call = to;
        }
    }

    /// A line calls somebody.
    pub(super) fn begin(&mut self, line: LineNo, call: SessionId) {
        if let Some((_, armed)) = self.0.iter_mut().find(|entry| **entry == (line, SessionId::NONE)) {
            *armed = call;
        }
    }

    /// Whether the line has such a call.
    pub(super) fn is_on(&self, line: LineNo, pbx: &dyn Switch) -> bool {
        let lasts = |call| call != SessionId::NONE && pbx.state(call) != State::Disconnected;
        self.0.iter().any(|&(of, call)| of == line && lasts(call))
    }

    /// The line has no call any more.
    pub(super) fn line_idle(&mut self, line: LineNo) {
        self.0.retain(|&(of, call)| of != line || call == SessionId::NONE);
    }
}
