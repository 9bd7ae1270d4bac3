//! The ground: handles, arenas and indexes, time and timers, kept bytes, randomness, the outbox, limits.
//!
//! Knows nothing of SIP; every floor stands on it.
mod arena;
mod handle;
mod index;
mod outbox;
mod rng;
mod shelf;
mod time;

pub mod label;
pub mod limits;
pub mod text;
pub mod timers;

pub use arena::Arena;
pub use handle::Handle;
pub use index::Index;
pub use label::{Label, Table};
pub(crate) use outbox::Outbox;
pub use outbox::{Flow, Outgoing};
pub use rng::Rng;
pub use shelf::{Kept, Parts, Shelf};
pub use time::Time;
pub use timers::{Alarm, Room, TimerId, Timers};
