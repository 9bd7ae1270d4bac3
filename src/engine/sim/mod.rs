//! The simulator: the whole engine among phones that have minds of their own, on a network that may be bad, in a time
//! that passes as fast as it can.
//!
//! ```text
//!   phones ◄──► network (loss, delay, doubles, overtaking) ◄──► Engine::handle
//!      ╰─────────────── world: one virtual clock ──────────────────╯
//!                         │ after every step: invariants
//!                         ╰ every message: ladder, printed when a test fails
//! ```
//! The stories stand one theme a file. `SWITCHYARD_SOAK_STEPS=1000000 cargo test -p switchyard-engine soak` walks far.
#![cfg_attr(not(test), allow(dead_code, reason = "the stories use more of it than the model does"))]
#![cfg_attr(not(test), allow(clippy::unwrap_used, reason = "it is test code also where others drive it"))]
#[cfg_attr(test, allow(dead_code, reason = "only real sockets drive it"))]
mod crowd;
mod invariants;
mod ladder;
mod network;
#[cfg(test)]
mod networks;
mod office;
mod phone;
mod sip;
mod world;

mod model;

#[cfg(test)]
mod attended;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod corners;
#[cfg(test)]
mod early;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod expiry;
#[cfg(test)]
mod forks;
#[cfg(test)]
mod hot_path;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod lossy;
#[cfg(test)]
mod panics;
#[cfg(test)]
mod park;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod remind;
#[cfg(test)]
mod replaces;
#[cfg(test)]
mod retrieve;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod streams;

pub use crowd::{Crowd, Desk, Tally};
pub use model::play;
