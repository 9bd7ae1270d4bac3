//! Session descriptions inside one dialog (RFC 3264): what the peer said last, and how ours are numbered.
//!
//! What one party says is shown to the other byte for byte, but for the origin line: towards each peer the session
//! is ours, with an id of its own and a version that rises by one whenever anything else changed (§8).
use crate::base::{Kept, Shelf};
use crate::wire::sdp;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::net::IpAddr;

/// The descriptions of one dialog.
#[derive(Debug, Default)]
pub(crate) struct Descriptions {
    /// The peer's last.
    remote: Kept,
    /// What it said before its offer that is not answered.
    before: Option<Kept>,
    /// Ours: how many times it changed, and what it was without its origin line.
    version: u32,
    fingerprint: u64,
    /// The peer has refused it.
    refused: bool,
    /// Who owes an answer.
    pub(crate) due: Due,
}

/// Who owes an answer to an offer (RFC 3264 §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nobody.
    #[default]
    Nothing,
    /// We do: the peer offered.
    Ours,
    /// The peer does: we offered.
    Theirs,
}

impl Descriptions {
    /// The same towards another who heard what we said: nothing came from there yet.
    pub(crate) fn fork(&self) -> Self {
        Self { version: self.version, fingerprint: self.fingerprint, due: self.due, ..Self::default() }
    }

    /// What the peer said last.
    pub(crate) fn remote(&self) -> &[u8] {
        &self.remote
    }

    /// The peer said this: an answer if it owed one, else an offer.
    pub(crate) fn heard(&mut self, shelf: &mut Shelf, body: &[u8]) {
        self.due = match self.due {
            Due::Theirs => Due::Nothing,
            Due::Nothing | Due::Ours => {
                let settled = std::mem::take(&mut self.remote);
                self.forget(shelf);
                self.before = Some(settled);
                Due::Ours
            }
        };
        self.keep(shelf, body);
    }

    /// The peer's early answer to our INVITE; the final one is still to come (RFC 3261 §13.2.1).
    pub(crate) fn heard_early(&mut self, shelf: &mut Shelf, body: &[u8]) {
        self.keep(shelf, body);
    }

    /// Numbers what we are going to say, and writes it. `body` has any origin line.
    pub(crate) fn say(
        &mut self,
        body: &[u8],
        session: u64,
        at: IpAddr,
        hasher: &ahash::RandomState,
        out: &mut Vec<u8>,
    ) {
        self.due = match self.due {
            Due::Ours => Due::Nothing,
            Due::Nothing | Due::Theirs => Due::Theirs,
        };
        self.say_early(body, session, at, hasher, out);
    }

    /// The same for a description in a provisional response, which settles nothing yet.
    pub(crate) fn say_early(
        &mut self,
        body: &[u8],
        session: u64,
        at: IpAddr,
        hasher: &ahash::RandomState,
        out: &mut Vec<u8>,
    ) {
        let cut = sdp::Cut::at_origin(body);
        let fingerprint = fingerprint(&cut, hasher);
        self.refused = false;
        if fingerprint != self.fingerprint {
            self.fingerprint = fingerprint;
            self.version += 1;
        }
        cut.rewrite(session, self.version.into(), at, out);
    }

    /// Whether the peer has been told just this already, and has not refused it.
    pub(crate) fn has_said(&self, body: &[u8], hasher: &ahash::RandomState) -> bool {
        !self.refused && self.fingerprint == fingerprint(&sdp::Cut::at_origin(body), hasher)
    }

    /// The offer that was open has failed: what was agreed before still holds (RFC 3261 §14.1).
    pub(crate) fn withdraw(&mut self, shelf: &mut Shelf) {
        let due = std::mem::take(&mut self.due);
        self.refused |= due == Due::Theirs;
        if due == Due::Ours
            && let Some(before) = self.before.take()
        {
            shelf.put_back(std::mem::replace(&mut self.remote, before));
        }
    }

    /// Gives its memory back.
    pub(crate) fn put_back(mut self, shelf: &mut Shelf) {
        self.forget(shelf);
        shelf.put_back(self.remote);
    }

    /// What was said before cannot come back any more.
    fn forget(&mut self, shelf: &mut Shelf) {
        if let Some(before) = self.before.take() {
            shelf.put_back(before);
        }
    }

    fn keep(&mut self, shelf: &mut Shelf, body: &[u8]) {
        if *self.remote != *body {
            let before = std::mem::replace(&mut self.remote, shelf.keep(body));
            shelf.put_back(before);
        }
    }
}

fn fingerprint(cut: &sdp::Cut<'_>, hasher: &ahash::RandomState) -> u64 {
    let (before, after) = cut.rest();
    let mut state = hasher.build_hasher();
    before.hash(&mut state);
    after.hash(&mut state);
    state.finish().max(1)
}
