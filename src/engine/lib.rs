//! The pure engine: inputs in, outputs out; no clock, no socket, no task, no lock.
#![forbid(unsafe_code)]

pub mod base;
pub mod counters;
mod dialog;
mod ground;
pub mod input;
mod leg;
mod line;
pub mod output;
mod registrar;
pub mod session;
pub mod settings;
mod transaction;
pub mod wire;
