//! What the engine can be told.
pub use crate::base::Flow;
use crate::keep::Restored;
use crate::settings::Settings;
use crate::wire::Malformed;
use crate::wire::media::MediaEvent;
use std::net::SocketAddr;

/// One thing that happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram arrived, or a message that was cut from a stream.
    Datagram {
        /// The listener it arrived at.
        flow: Flow,
        /// Who sent it.
        source: SocketAddr,
        /// What it holds.
        bytes: &'a [u8],
    },
    /// A datagram for which there is no time: if it is a new call, and not for somebody who waits, it is refused; else it is
    /// as any other.
    Excess {
        /// The listener it arrived at.
        flow: Flow,
        /// Who sent it.
        source: SocketAddr,
        /// What it holds.
        bytes: &'a [u8],
    },
    /// At this place of a stream nobody can say any more where a message ends: floor 8 closes the connection when the
    /// answer, if there is one, has gone out.
    Garbled {
        /// The listener.
        flow: Flow,
        /// Who sent it.
        source: SocketAddr,
        /// What there is of it.
        bytes: &'a [u8],
        /// What is wrong.
        mistake: Malformed,
    },
    /// A connection has ended, or could not be made.
    Closed {
        /// The listener that it came to, or would have gone from.
        flow: Flow,
        /// The far side.
        peer: SocketAddr,
    },
    /// The deadline that the engine asked for has come (harmless if it has not).
    Expired,
    /// Media on floor 8 reports.
    Media(MediaEvent),
    /// Somebody wants something.
    Command(Command),
    /// Other settings, [aligned](Settings::aligned) with those in force.
    Reload(Box<Settings>),
    /// What an earlier process kept: the first input, if there is any.
    Restored(Vec<Restored>),
    /// Handling the input before this one panicked; what it was working on must be ended.
    Panicked,
}

/// What operators ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Refuse new work; what is up goes on.
    Drain,
    /// End every call now, with BYE or a final response.
    Stop,
}
