//! Contacts that are reached over a connection (RFC 5626): what becomes of them when it ends, and who it is that comes back.
use super::{Binding, Locations, instance};
use crate::base::limits;
use crate::counters::RegistrationEnd;
use crate::ground::{Ground, Hop};
use crate::settings::LineNo;
use crate::wire::uri::host_eq;
use crate::wire::{NameAddr, Uri};
use smallvec::SmallVec;

/// From here on systems give connections their ports: one of these is another each time, and nobody listens there.
pub(super) const PASSING_PORTS: u16 = 32_768;

/// A contact whose connection ended.
#[derive(Debug)]
pub(super) struct Lost {
    hop: Hop,
    uri: Box<[u8]>,
    instance: Box<[u8]>,
    call_id: u64,
}

/// A contact that was just bound over a connection.
pub(super) struct Newcomer<'m> {
    pub(super) contact: &'m NameAddr<'m>,
    pub(super) hop: Hop,
    pub(super) call_id: u64,
    /// It had no binding until now.
    pub(super) is_new: bool,
}

/// How well it is known that a contact is of the same phone as another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// It is another's.
    None,
    /// Nothing speaks against it; two phones on one host may look so.
    Looks,
    /// They say so.
    Sure,
}

impl Locations {
    /// A connection has ended. A contact that names a place where its phone listens is there still (RFC 3261 §10.2.1);
    /// one whose only way was the connection cannot be reached any more (RFC 5626 §5.3).
    pub(crate) fn connection_lost(&mut self, ground: &mut Ground, hop: Hop) {
        let all = (hop, LineNo(0))..=(hop, LineNo(u32::MAX));
        let lines: SmallVec<[LineNo; 4]> = self.over.range(all).map(|(_, line)| *line).collect();
        for line in lines {
            self.over.remove(&(hop, line));
            let Some(roll) = self.roll_mut(line) else { continue };
            let mut gone = SmallVec::<[Lost; 1]>::new();
            for binding in roll.bindings.iter_mut().filter(|binding| binding.heard_at() == hop) {
                match binding.listens_at() {
                    Some(port) => (binding.port, binding.adrift) = (port, true),
                    None => gone.push(Lost::of(binding)),
                }
            }
            if gone.is_empty() {
                continue;
            }
            let lost = self.lost.entry(line).or_default();
            lost.extend(gone);
            let excess = lost.len().saturating_sub(limits::FORKS);
            lost.drain(..excess);
            let goes = |binding: &Binding| binding.heard_at() == hop && binding.listens_at().is_none();
            self.remove(ground, line, RegistrationEnd::TransportLost, goes);
            self.settle(ground, line);
        }
    }

    /// Whether a contact was registered over this connection.
    pub(crate) fn is_over(&self, hop: Hop) -> bool {
        let mut lines = self.over.range((hop, LineNo(0))..=(hop, LineNo(u32::MAX)));
        lines.any(|(_, line)| self.bindings(*line).iter().any(|binding| binding.heard_at() == hop))
    }

    /// Calls of a phone that lost its connection go on over the one that it came back on; what it said of itself there, it
    /// may say otherwise now.
    pub(super) fn come_back(&mut self, ground: &mut Ground, line: LineNo, newcomer: &Newcomer<'_>) {
        let adrift = self.bindings(line).iter().filter(|binding| binding.adrift);
        let like = adrift.map(|binding| (binding.heard_at(), binding.heard, Lost::of(binding).likeness(newcomer)));
        let same: SmallVec<[_; 1]> = like.filter(|(.., likeness)| *likeness > Likeness::None).collect();
        for (before, heard, likeness) in same {
            // Perhaps somebody listens there still: looks alone do not take a binding away.
            if likeness == Likeness::Sure {
                self.remove(ground, line, RegistrationEnd::Evicted, |binding| binding.heard == heard);
            }
            ground.moved(before, newcomer.hop);
        }
        let Some(lost) = self.lost.get_mut(&line) else { return };
        lost.retain(|lost| {
            let back = lost.likeness(newcomer) > Likeness::None;
            if back {
                ground.moved(lost.hop, newcomer.hop);
            }
            !back
        });
        if lost.is_empty() {
            self.lost.remove(&line);
        }
    }
}

impl Lost {
    fn of(binding: &Binding) -> Self {
        let (instance, _) = binding.instance().unwrap_or_default();
        let (hop, uri) = (binding.heard_at(), binding.uri().into());
        Self { hop, uri, instance: instance.into(), call_id: binding.call_id }
    }

    /// Whether that is the same phone: by its instance if it has one; else by its name and host, and then surely by
    /// where it listens, or by its Call-ID, which stays the same until it starts anew (RFC 3261 §10.2).
    fn likeness(&self, newcomer: &Newcomer<'_>) -> Likeness {
        let (instance, _) = instance(newcomer.contact.params).unwrap_or_default();
        if !self.instance.is_empty() || !instance.is_empty() {
            return if *self.instance == *instance { Likeness::Sure } else { Likeness::None };
        }
        let (Ok(before), Ok(now)) = (Uri::parse(&self.uri), newcomer.contact.uri()) else { return Likeness::None };
        // Who had a binding all the time has not been away.
        if !newcomer.is_new || before.user != now.user || !host_eq(before.host, now.host) {
            return Likeness::None;
        }
        let ports = [before.port.unwrap_or(5060), now.port.unwrap_or(5060)];
        if self.call_id == newcomer.call_id || ports[0] == ports[1] {
            Likeness::Sure
        } else if ports.iter().all(|port| *port >= PASSING_PORTS) {
            Likeness::Looks
        } else {
            Likeness::None
        }
    }
}
