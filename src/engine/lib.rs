//! The pure engine: inputs in, outputs out; no clock, no socket, no task, no lock.
#![forbid(unsafe_code)]

pub mod base;
pub mod counters;
pub mod input;
pub mod output;
pub mod session;
pub mod settings;
pub mod wire;
