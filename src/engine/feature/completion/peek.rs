//! What the simulator may see of call completion.
#![cfg_attr(not(test), allow(dead_code, reason = "the stories ask for more of it than the model does"))]
use super::recall::Connecting;
use super::{Completions, Stage};
use crate::base::{Handle, TimerId};
use crate::session::{Place, SessionId};
use crate::settings::LineNo;

/// A request, as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) request: u64,
    pub(crate) by: Place,
    pub(crate) target: LineNo,
    /// Who asked waits on the line.
    pub(crate) camps: bool,
    pub(crate) stage: &'static str,
    /// Who rings, listens or waits for it.
    pub(crate) sessions: Vec<SessionId>,
    pub(crate) timer: TimerId,
}

impl Completions {
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let seen = self.requests.iter().map(|(id, request)| {
            let (stage, mut sessions) = request.stage.seen();
            let camps = request.camper != SessionId::NONE;
            sessions.extend(Some(request.camper).filter(|_| camps));
            let (by, target) = (request.by, request.target);
            Seen { request: id.pack(), by, target, camps, stage, sessions, timer: request.timer }
        });
        seen.collect()
    }

    pub(crate) fn has(&self, request: u64) -> bool {
        self.requests.get(Handle::unpack(request)).is_some()
    }

    /// Requests that stand in queues, and those that are listed as put off.
    pub(crate) fn listed(&self) -> (usize, usize) {
        (self.queues.values().map(|queue| queue.requests.len()).sum(), self.suspended.len())
    }

    pub(crate) fn has_queue(&self, line: LineNo) -> bool {
        self.queues.contains_key(&line)
    }
}

impl Stage {
    fn seen(&self) -> (&'static str, Vec<SessionId>) {
        match self {
            Self::Waiting => ("waiting", Vec::new()),
            Self::Suspended(_) => ("suspended", Vec::new()),
            Self::Ready => ("ready", Vec::new()),
            Self::Called => ("called", Vec::new()),
            Self::Recalling(recalling) => ("recalling", recalling.rung.to_vec()),
            Self::Connecting(Connecting { caller, rung, joining, .. }) => {
                let others = [*caller, *joining].into_iter().filter(|&who| who != SessionId::NONE);
                ("connecting", rung.iter().copied().chain(others).collect())
            }
        }
    }
}
