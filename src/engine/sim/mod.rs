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
mod invariants;
mod ladder;
mod network;
mod networks;
mod office;
mod phone;
mod sip;
mod world;

mod attended;
mod calls;
mod changes;
mod early;
mod errors;
mod expiry;
mod hot_path;
mod lossy;
mod park;
mod reload;
mod remind;
mod replaces;
mod retrieve;
mod soak;
mod streams;
