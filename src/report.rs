//! What the loop tells when it is asked how things stand, and the media thread on each beat.
use crate::media::{Discards, Losses};
use crate::net::End;
use std::time::Duration;
use switchyard_engine::base::Table;
use switchyard_engine::counters::Snapshot;
use switchyard_engine::labels;

labels! {
    /// Why a datagram could not be sent.
    pub enum SendError {
        /// The socket's buffer stayed full.
        Full = "full",
        /// Nobody listens there.
        Refused = "refused",
        /// There is no way there.
        Unreachable = "unreachable",
        /// It is larger than a datagram can be.
        TooLarge = "too_large",
        /// Anything else.
        Other = "other",
    }
}

/// What the loop counts by itself.
#[derive(Clone, Debug, Default)]
pub struct NetCounters {
    /// Datagrams and messages given up.
    pub send_errors: Table<SendError>,
    /// Connections that there are.
    pub connections: usize,
    /// Connections that ended, or never began.
    pub connection_ends: Table<End>,
    /// Reads from a socket that failed.
    pub receive_errors: u64,
    /// Times the loop was woken, by a datagram, a deadline or another thread.
    pub wakeups: u64,
    /// Batches of datagrams taken from sockets.
    pub batches: u64,
    /// Times that more came in than could be answered.
    pub strains: u64,
}

/// Packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many packets.
    pub packets: u64,
    /// How many bytes in all of them, RTP headers and all, UDP and IP headers not.
    pub bytes: u64,
}

impl Traffic {
    /// One more, of this many bytes.
    pub fn count(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }
}

/// One beat of the media thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// RTP sent.
    pub sent: Traffic,
    /// RTP received since the beat before.
    pub received: Traffic,
    /// What was not heard.
    pub discarded: Discards,
    /// What did not come as it should, as far as it has been reported.
    pub losses: Losses,
    /// Packets of ours that did not come there, as the peers say.
    pub remote_lost: u64,
    /// How late it began.
    pub late: Duration,
}

/// The state of the engine and of the loop around it, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The engine's.
    pub snapshot: Snapshot,
    /// The loop's.
    pub net: NetCounters,
    /// What waits in the loop's queue.
    pub queued: usize,
}
