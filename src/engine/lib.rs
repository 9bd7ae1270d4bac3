//! The pure engine: inputs in, outputs out; no clock, no socket, no task, no lock.
#![forbid(unsafe_code)]
// A message's index and the floors' records are built where they are used.
pub mod wire;
