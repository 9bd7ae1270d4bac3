//! The simulator: the whole engine among phones that have minds of their own, on a network that may be bad, in a time
//! that passes as fast as it can.
//!
//! ```text
//!   phones ◄──► network (loss, delay, doubles, overtaking) ◄──► Engine::handle
//!      ╰─────────────── world: one virtual clock ──────────────────╯
//!                         │ after every step: invariants
//!                         ╰ every message: ladder, printed when a test fails
//! ```
//! `stories/` has one theme a file. `SWITCHYARD_SOAK_STEPS=1000000 cargo test -p switchyard-engine soak` walks far.
#![cfg_attr(not(test), allow(dead_code, reason = "the stories use more of it than the model does"))]
#![cfg_attr(not(test), allow(clippy::unwrap_used, reason = "it is test code also where others drive it"))]
#[cfg_attr(test, allow(dead_code, reason = "only real sockets drive it"))]
mod crowd;
mod invariants;
mod ladder;
mod model;
mod network;
mod office;
mod phone;
mod sip;
#[cfg(test)]
mod stories;
mod studio;
mod world;
mod xml;

pub use crowd::{Crowd, Desk, Tally};
pub use model::play;
