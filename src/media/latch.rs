//! Whom a port talks to: where the description says, until it is known where the party really sends from.
//!
//! ```text
//!   Said ──a packet──► Latched ──a few more, or it comes from where was said──► Locked
//!    ▲                    ▲ ╰──── one that fits the description better ────╮       │
//!    │                    ╰────────────────────────────────────────────────╯       │
//!    ├─ the party says that it receives elsewhere                                  │
//!    ╰─ whoever was heard has been silent, and another sends ──────────────────────╯
//! ```
//! A party behind an address translator sends from another address than it knows of, so the first packet tells (RFC 4961, RFC 7362);
//! soon after nobody else can take the stream over. Two things open the lock: a new description, and silence. A translator
//! that forgets its mapping gives the party another port, and a phone may change from one network to another in the middle
//! of a call, long before anybody renews a description. So the same host may go on from another port after a second, and
//! another host after ten: who talks all the time, as nearly all phones do, cannot be robbed.
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// So many packets in all, and the lock closes.
const ENOUGH: u8 = 5;
/// After a silence so long the same host may go on from another port.
const SAME_HOST: Duration = Duration::from_secs(1);
/// The same for another host.
const OTHER_HOST: Duration = Duration::from_secs(10);

/// Where a party is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Latch {
    said: Option<SocketAddr>,
    heard: Option<SocketAddr>,
    /// It wants nothing now.
    mute: bool,
    /// From where it was heard, up to [`ENOUGH`].
    packets: u8,
    /// When it was heard last.
    last: Duration,
}

impl Latch {
    /// Nothing heard yet from a party that says this.
    pub(super) fn new(said: Option<SocketAddr>) -> Self {
        let mut latch = Self::default();
        latch.says(said);
        latch
    }

    /// The party says anew where it receives; nowhere, while it holds. If it is where it was before nothing changes.
    pub(super) fn says(&mut self, said: Option<SocketAddr>) {
        // 0.0.0.0 is nowhere (RFC 3264 §8.4).
        let said = said.filter(|said| !said.ip().is_unspecified());
        self.mute = said.is_none();
        if said.is_some() && said != self.said {
            *self = Self { said, ..Self::default() };
        }
    }

    /// Where to send.
    pub(super) fn target(&self) -> Option<SocketAddr> {
        if self.mute { None } else { self.heard.or(self.said) }
    }

    /// Where it was really heard, if it was.
    pub(super) const fn heard_at(&self) -> Option<SocketAddr> {
        self.heard
    }

    /// Whether the party really is at another host than it says.
    pub(super) fn elsewhere(&self) -> Option<IpAddr> {
        let heard = self.heard?.ip();
        (self.said.map(|said| said.ip()) != Some(heard)).then_some(heard)
    }

    /// A packet came from there, at this time: whether it is the party's. The clock begins anywhere.
    pub(super) fn hears(&mut self, source: SocketAddr, now: Duration) -> bool {
        match self.heard {
            Some(heard) if heard == source => self.packets = (self.packets + 1).min(ENOUGH),
            Some(heard) if !self.gives_way(heard, source, now) => return false,
            Some(_) | None => {
                self.heard = Some(source);
                self.packets = if self.rank(source) == Rank::Said { ENOUGH } else { 1 };
            }
        }
        self.last = now;
        true
    }

    fn gives_way(&self, heard: SocketAddr, source: SocketAddr, now: Duration) -> bool {
        let silent = now.saturating_sub(self.last);
        let patience = if heard.ip() == source.ip() { SAME_HOST } else { OTHER_HOST };
        silent >= patience || self.packets < ENOUGH && self.rank(source) > self.rank(heard)
    }

    fn rank(&self, source: SocketAddr) -> Rank {
        match self.said {
            Some(said) if said == source => Rank::Said,
            Some(said) if said.ip() == source.ip() => Rank::SameHost,
            Some(_) | None => Rank::Elsewhere,
        }
    }
}

/// How well a source fits the description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Elsewhere,
    SameHost,
    Said,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "192.168.1.5:4000";
    const NAT: &str = "203.0.113.9:61234";
    const STRANGER: &str = "198.51.100.66:4000";

    /// Packets from these places at these milliseconds: which are heard, and where an answer goes then.
    fn story(latch: &mut Latch, packets: &[(&str, u64, bool)]) {
        for (source, at, expected) in packets {
            let heard = latch.hears(source.parse().unwrap(), Duration::from_millis(*at));
            assert_eq!(heard, *expected, "{source} at {at}");
        }
    }

    fn latch() -> Latch {
        Latch::new(SAID.parse().ok())
    }

    fn target(latch: &Latch) -> String {
        latch.target().map_or("nowhere".into(), |to| to.to_string())
    }

    #[test]
    fn until_somebody_is_heard_the_description_is_believed() {
        assert_eq!((target(&latch()), latch().elsewhere()), (SAID.into(), None));
        assert_eq!(target(&Latch::new(None)), "nowhere");
        assert_eq!(target(&Latch::new("0.0.0.0:4000".parse().ok())), "nowhere");
    }

    #[test]
    fn the_first_source_is_followed_and_soon_no_other() {
        let mut latch = latch();
        story(&mut latch, &[(NAT, 0, true), (STRANGER, 5, false), (NAT, 20, true), (NAT, 40, true), (NAT, 60, true)]);
        assert_eq!((target(&latch), latch.elsewhere()), (NAT.into(), "203.0.113.9".parse().ok()));
        // Neither who is where the description said, nor another port of the same host.
        story(&mut latch, &[(NAT, 80, true), (SAID, 85, false), ("203.0.113.9:1", 90, false), (NAT, 100, true)]);
        assert_eq!(target(&latch), NAT);
    }

    #[test]
    fn who_fits_the_description_better_comes_before_who_was_first() {
        let mut latch = latch();
        let same_host = "192.168.1.5:7000";
        story(&mut latch, &[(STRANGER, 0, true), (same_host, 5, true), (STRANGER, 20, false), (SAID, 25, true)]);
        // It is where it said: at once nobody else is heard.
        story(&mut latch, &[(same_host, 30, false), (STRANGER, 35, false), (SAID, 45, true)]);
        assert_eq!((target(&latch), latch.elsewhere()), (SAID.into(), None));
    }

    #[test]
    fn silence_opens_the_lock_sooner_for_the_same_host() {
        let moved = "203.0.113.9:61235";
        let mut latch = latch();
        story(&mut latch, &[(NAT, 0, true), (NAT, 20, true), (NAT, 40, true), (NAT, 60, true), (NAT, 80, true)]);
        story(
            &mut latch,
            &[(moved, 1_079, false), (STRANGER, 1_080, false), (moved, 1_080, true), (NAT, 1_090, false)],
        );
        assert_eq!(target(&latch), moved);
        story(&mut latch, &[(STRANGER, 11_079, false), (STRANGER, 11_080, true), (moved, 11_090, false)]);
    }

    #[test]
    fn a_new_description_opens_the_lock_and_the_same_one_does_not() {
        let mut latch = latch();
        story(&mut latch, &[(NAT, 0, true), (NAT, 1, true), (NAT, 2, true), (NAT, 3, true), (NAT, 4, true)]);
        latch.says(SAID.parse().ok());
        story(&mut latch, &[(STRANGER, 5, false)]);
        // Held, and resumed: where it was.
        latch.says(None);
        assert_eq!(target(&latch), "nowhere");
        story(&mut latch, &[(STRANGER, 6, false), (NAT, 7, true)]);
        latch.says(SAID.parse().ok());
        assert_eq!(target(&latch), NAT);
        latch.says("192.168.1.5:4002".parse().ok());
        assert_eq!(target(&latch), "192.168.1.5:4002");
        story(&mut latch, &[(STRANGER, 8, true)]);
    }
}
