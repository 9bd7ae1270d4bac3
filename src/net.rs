//! The network: the loop that owns the engine, and its sockets.
//!
//! Knows: the engine's inputs and outputs. Never: HTTP, metrics, files.
mod beat;
mod clock;
mod inbox;
mod interfaces;
mod outlet;
mod reactor;
mod tcp;
#[cfg(test)]
mod tests;
mod triage;
mod udp;

pub use clock::Clock;
pub use inbox::{Ask, Full, Handle, Inbox, inbox};
pub use interfaces::spread;
pub use reactor::{Machine, Outlets, Port, Reactor};
pub use tcp::{End, Exchange, FromStream, Patience, Streams, listen, streams};
pub use triage::{Favoured, Pair};
