//! The ground: handles and arenas, time and timers, kept bytes, randomness, limits.
//!
//! Knows nothing of SIP; every floor stands on it.
mod time;

pub mod label;
pub mod limits;

pub use label::{Label, Table};
pub use time::Time;
