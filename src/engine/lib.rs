//! The pure engine: inputs in, outputs out; no clock, no socket, no task, no lock.
#![forbid(unsafe_code)]

pub mod base;
mod corridor;
pub mod counters;
mod dialog;
mod door;
pub mod feature;
mod ground;
pub mod input;
mod leg;
mod line;
pub mod output;
mod registrar;
pub mod session;
pub mod settings;
#[cfg(test)]
mod sim;
#[cfg(test)]
mod tidy;
mod transaction;
pub mod wire;

pub use base::Time;
pub use corridor::Engine;
pub use input::{Command, Flow, Input};
pub use output::{Outgoing, Output};
