//! The media threads, as the simulator has them: nothing sounds, but it is written down what would be heard, and to whom
//! it would be sent; what is said takes its time.
use crate::base::Time;
use crate::settings::MusicNo;
use crate::wire::media::{Announcement, MediaEvent, MediaOrder, Sound, Ticket, Voice};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// What is heard at a port.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Heard {
    Endless(Sound),
    Speech { what: Announcement, until: Time, ticket: Ticket, then: Sound },
}

#[derive(Clone, Copy, Debug)]
struct Port {
    peer: Option<SocketAddr>,
    /// In what, and the payload type of its keys.
    voice: (Voice, Option<u8>),
    heard: Heard,
}

/// All ports.
#[derive(Debug, Default)]
pub(super) struct Studio {
    ports: BTreeMap<u16, Port>,
    /// Everything that was ever said, and to whom.
    pub(super) said: Vec<(SocketAddr, Announcement)>,
    /// At relayed ports: by which numbers keys come, and whether they are told instead of passed on.
    pub(super) keys: BTreeMap<u16, (u8, bool)>,
    /// Everything that was ever pressed for whom a relayed port is linked with, and for how long.
    pub(super) pressed: Vec<(u16, char, u16)>,
    /// Where peers said that they receive reports.
    pub(super) reports: BTreeMap<u16, SocketAddr>,
    /// What is said never ends.
    pub(super) stands_still: bool,
}

/// How long it takes to say something: in the simulator people speak quickly.
pub(super) fn length(what: &Announcement) -> Duration {
    let once = Duration::from_millis(700 + 300 * what.number.len() as u64);
    once * u32::from(what.times) + Duration::from_secs(2) * u32::from(what.times - 1)
}

impl Studio {
    pub(super) fn obey(&mut self, now: Time, order: &MediaOrder) {
        match *order {
            MediaOrder::Open { port, peer, voice, events, .. } => {
                let (voice, heard) = ((voice, events), Heard::Endless(Sound::Music(MusicNo(0))));
                let before = self.ports.insert(port, Port { peer, voice, heard });
                assert!(before.is_none(), "port {port} is open already");
            }
            MediaOrder::Redirect { port, peer, voice, events } => {
                let open = self.open(port);
                open.voice = (voice, events);
                let (before, heard) = (std::mem::replace(&mut open.peer, peer), open.heard);
                if before != peer {
                    self.note(peer, heard);
                }
            }
            MediaOrder::Reports { port, at } => {
                self.open(port);
                _ = match at {
                    Some(at) => self.reports.insert(port, at),
                    None => self.reports.remove(&port),
                };
            }
            MediaOrder::Play { port, sound } => self.open(port).heard = Heard::Endless(sound),
            MediaOrder::Say { port, ticket, announcement: what, then } => {
                let open = self.open(port);
                open.heard = Heard::Speech { what, until: now + length(&what), ticket, then };
                let (peer, heard) = (open.peer, open.heard);
                self.note(peer, heard);
            }
            MediaOrder::Close { port } => {
                assert!(self.ports.remove(&port).is_some(), "port {port} is closed already");
            }
            // Nothing of ours is heard there.
            MediaOrder::Watch { .. } | MediaOrder::Relay { .. } | MediaOrder::Link { .. } => {}
            MediaOrder::Keys { port, events: Some(events), kept } => _ = self.keys.insert(port, (events, kept)),
            MediaOrder::Press { port, key, millis } => {
                assert!(self.keys.contains_key(&port), "nobody hears the keys of {port}");
                self.pressed.push((port, key.into(), millis));
            }
            MediaOrder::Keys { port, events: None, .. } | MediaOrder::EndRelay { port } => _ = self.keys.remove(&port),
        }
    }

    fn open(&mut self, port: u16) -> &mut Port {
        self.ports.get_mut(&port).unwrap_or_else(|| panic!("port {port} is closed"))
    }

    fn note(&mut self, peer: Option<SocketAddr>, heard: Heard) {
        if let (Some(peer), Heard::Speech { what, .. }) = (peer, heard) {
            self.said.push((peer, what));
        }
    }

    /// When something will have been said.
    pub(super) fn next(&self) -> Option<Time> {
        let until = |port: &Port| match port.heard {
            Heard::Speech { until, .. } if !self.stands_still => Some(until),
            Heard::Speech { .. } | Heard::Endless(_) => None,
        };
        self.ports.values().filter_map(until).min()
    }

    /// What was said to its end by now.
    pub(super) fn ended(&mut self, now: Time) -> Option<MediaEvent> {
        if self.stands_still {
            return None;
        }
        self.ports.iter_mut().find_map(|(&port, open)| match open.heard {
            Heard::Speech { until, ticket, then, .. } if until <= now => {
                open.heard = Heard::Endless(then);
                Some(MediaEvent::Played { port, ticket })
            }
            Heard::Speech { .. } | Heard::Endless(_) => None,
        })
    }

    /// What this phone is sent from that port.
    pub(super) fn at(&self, port: u16, phone: SocketAddr) -> Option<Heard> {
        self.ports.get(&port).filter(|open| open.peer == Some(phone)).map(|open| open.heard)
    }

    /// What goes out from that port.
    pub(super) fn voice(&self, port: u16) -> Option<(Voice, Option<u8>)> {
        self.ports.get(&port).map(|open| open.voice)
    }

    /// A port cannot be bound.
    pub(super) fn lose(&mut self, port: u16) {
        self.ports.remove(&port);
        self.keys.remove(&port);
    }
}
