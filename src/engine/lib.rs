//! The pure engine: inputs in, outputs out; no clock, no socket, no task, no lock.
#![forbid(unsafe_code)]

pub mod base;
pub mod counters;
mod engine_stub;
pub mod feature;
pub mod input;
pub mod output;
pub mod session;
pub mod settings;
pub mod wire;

pub use base::Time;
pub use engine_stub::Engine;
pub use input::{Command, Flow, Input};
pub use output::{Outgoing, Output};
