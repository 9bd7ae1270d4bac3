//! The ladder: every message that was sent, to be looked up by tests and printed when one fails.
use super::sip::Sip;
use crate::base::Time;
use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;

/// One message on its way.
#[derive(Clone, Debug)]
pub(super) struct Rung {
    pub(super) at: Time,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) lost: bool,
    bytes: Vec<u8>,
}

impl Rung {
    /// The message; empty if it is none.
    pub(super) fn message(&self) -> Option<Sip> {
        Sip::read(&self.bytes).ok()
    }

    /// As it was sent.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The first line and CSeq, cheaply: `180 Ringing (INVITE)`.
    fn title(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let start = text.lines().next().unwrap_or_default();
        let cseq = text.lines().find_map(|line| line.strip_prefix("CSeq: ")).unwrap_or_default();
        let sdp = if text.contains("\r\nm=audio") { " +SDP" } else { "" };
        match start.strip_prefix("SIP/2.0 ") {
            Some(status) => format!("{status} ({cseq}){sdp}"),
            None => format!("{} [{cseq}]{sdp}", start.trim_end_matches(" SIP/2.0")),
        }
    }
}

/// All of them, or the latest so many.
#[derive(Debug)]
pub(super) struct Ladder {
    rungs: VecDeque<Rung>,
    limit: usize,
    /// Whose address is whose.
    names: Vec<(SocketAddr, String)>,
}

impl Ladder {
    pub(super) const fn new(limit: usize) -> Self {
        Self { rungs: VecDeque::new(), limit, names: Vec::new() }
    }

    /// Remembers only so many from now on.
    pub(super) const fn limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub(super) fn name(&mut self, address: SocketAddr, name: &str) {
        self.names.push((address, name.to_owned()));
    }

    pub(super) fn add(&mut self, at: Time, from: SocketAddr, to: SocketAddr, bytes: &[u8], lost: bool) {
        if self.rungs.len() >= self.limit {
            self.rungs.pop_front();
        }
        self.rungs.push_back(Rung { at, from, to, lost, bytes: bytes.to_vec() });
    }

    /// Forgets what was so far: a test looks only at what comes.
    pub(super) fn clear(&mut self) {
        self.rungs.clear();
    }

    /// What went to this address, the oldest first.
    pub(super) fn to(&self, address: SocketAddr) -> impl Iterator<Item = &Rung> {
        self.rungs.iter().filter(move |rung| rung.to == address)
    }

    /// Everything, the oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Rung> {
        self.rungs.iter()
    }

    /// What came from this address, the oldest first.
    pub(super) fn from(&self, address: SocketAddr) -> impl Iterator<Item = &Rung> {
        self.rungs.iter().filter(move |rung| rung.from == address)
    }

    fn name_of(&self, address: SocketAddr) -> String {
        let known = self.names.iter().find(|(known, _)| *known == address);
        known.map_or_else(|| address.to_string(), |(_, name)| name.clone())
    }
}

impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipped = self.rungs.len().saturating_sub(150);
        if skipped > 0 {
            writeln!(f, "… {skipped} messages before")?;
        }
        for rung in self.rungs.iter().skip(skipped) {
            let (at, lost) = (rung.at.millis(), if rung.lost { "✗" } else { "─" });
            let mut way = String::new();
            write!(way, "{} ─{lost}► {}", self.name_of(rung.from), self.name_of(rung.to))?;
            writeln!(f, "{:>8}.{:03}  {way:<22}  {}", at / 1000, at % 1000, rung.title())?;
        }
        Ok(())
    }
}
