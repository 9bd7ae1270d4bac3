//! What is done to the server.
pub(crate) mod call;
pub(crate) mod mixed;
pub(crate) mod overload;
pub(crate) mod park;
pub(crate) mod register;

use crate::agenda::Micros;
use crate::digits;
use crate::ends::{Ends, Peer, Side, Transport};
use crate::glance::Glance;
use crate::tally::Tally;
use std::net::SocketAddr;

/// What a profile works with.
pub(crate) struct Room<'r> {
    pub(crate) now: Micros,
    /// Of the ramp; what begins now belongs to it.
    pub(crate) step: u8,
    pub(crate) ends: &'r mut Ends,
    pub(crate) tally: &'r mut Tally,
}

/// A kind of load.
pub(crate) trait Profile {
    /// One more begins.
    fn begin(&mut self, room: &mut Room<'_>);
    /// A message came in.
    fn hear(&mut self, room: &mut Room<'_>, side: Side, peer: Peer, message: &Glance<'_>);
    /// Time has passed.
    fn tick(&mut self, room: &mut Room<'_>);
    /// How many have begun, are to be over, and are not.
    fn pending(&self) -> usize;
    /// How many calls are up, those that are held included.
    fn up(&self) -> usize;
    /// What is not over now counts as failed.
    fn abandon(&mut self, room: &mut Room<'_>);
}

/// What all messages of a run have in common.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub(crate) server: SocketAddr,
    pub(crate) transport: Transport,
    /// The host of addresses.
    pub(crate) domain: String,
    /// Tells this run's calls from those of another one, for a server that outlives us.
    pub(crate) run: String,
    /// Where the ends are, by [`Side::place`].
    pub(crate) addresses: Vec<SocketAddr>,
    /// Of all lines.
    pub(crate) password: String,
    pub(crate) lines: u32,
    /// The description that all ends offer, and answer an offer with.
    pub(crate) media: String,
    /// The answer to somebody who only sends, and to somebody who does neither.
    pub(crate) listening: String,
    pub(crate) silent: String,
}

impl Ground {
    /// The kind and number of a call, from a Call-ID or tag of ours.
    pub(crate) fn key(&self, text: &[u8]) -> Option<(u8, u32)> {
        let (&kind, rest) = text.split_first()?;
        let (number, rest) = rest.split_at_checked(8)?;
        let run = rest.strip_prefix(b"-")?.get(..self.run.len())?;
        (run == self.run.as_bytes()).then_some(())?;
        Some((kind, digits::from_hexadecimal(number)?))
    }

    /// A Call-ID or tag of this kind, with the mark of the number.
    pub(crate) fn name(&self, kind: char) -> String {
        format!("{kind}{}-{}", crate::template::NUMBER, self.run)
    }

    /// The answer to this offer (RFC 3264 §6.1); our own offer if there is none.
    pub(crate) fn answer_to(&self, offer: &[u8]) -> &[u8] {
        let says = |direction: &[u8]| memchr::memmem::find(offer, direction).is_some();
        let answer = if says(b"a=sendonly") {
            &self.listening
        } else if says(b"a=inactive") {
            &self.silent
        } else {
            &self.media
        };
        answer.as_bytes()
    }

    pub(crate) fn address(&self, side: Side) -> SocketAddr {
        self.addresses[side.place()]
    }

    /// How many ends there are for phones.
    pub(crate) fn desks(&self) -> u8 {
        u8::try_from(self.addresses.len() - 2).unwrap_or(u8::MAX)
    }

    /// Where a line's phone is; two in a row are at one desk.
    pub(crate) fn desk(&self, line: u32) -> u8 {
        (line / 2 % u32::from(self.desks().max(1))) as u8
    }

    /// The Contact of an end, for this user.
    pub(crate) fn contact(&self, side: Side, user: &str) -> String {
        format!("<sip:{user}@{}{}>", self.address(side), self.transport.parameter())
    }
}

impl Transport {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }

    /// As it stands in a URI.
    const fn parameter(self) -> &'static str {
        match self {
            Self::Udp => "",
            Self::Tcp => ";transport=tcp",
        }
    }
}
