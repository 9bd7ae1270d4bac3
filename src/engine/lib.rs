//! The pure engine: inputs in, outputs out; no clock, no socket, no task, no lock, no global.
//!
//! [`Engine::handle`] takes one [`Input`] with the time it happened and adds to an [`Output`] what is to be done. All
//! that lives long sits in arenas, is named by handles, and is owned by one `&mut`: calls that can meet need no locks.
//!
//! ```text
//!  7  corridor  door                  carries events up the stairs; what needs no stairs is answered at the door
//!     input  output
//!  6  feature                         call, park, completion, numbers, codes     (speaks no SIP)
//!  5  session                         states, bridges, the switch's verbs, news  (TAPI's words, no SIP)
//!  4  line                            who can be reached, and where
//!  3  leg  registrar  watch           one party of a call · REGISTER · SUBSCRIBE (the last that speak SIP)
//!  2  dialog                          RFC 3261 §12, offer/answer, REFER's subscription
//!  1  transaction                     RFC 3261 §17, RFC 6026
//!     ground  counters                what all of them stand on: time, timers, outbox, counts
//!  0  wire                            bytes ⇄ messages · media orders
//!  G  base  settings  keep            handles, arenas, timers, kept bytes, limits · what must outlive the process
//! ```
//! A room uses lower floors only, and rooms of one floor do not know each other. Orders go down as plain calls; what
//! happened goes up as returned values: `TransactionEvent` → `LegEvent` → `SessionEvent` → [`session::News`].
#![forbid(unsafe_code)]

pub mod base;
mod corridor;
pub mod counters;
mod dialog;
mod door;
pub mod feature;
mod ground;
pub mod input;
pub mod keep;
mod leg;
mod line;
pub mod output;
mod registrar;
pub mod session;
pub mod settings;
#[cfg(any(test, feature = "simulator"))]
pub mod sim;
#[cfg(test)]
mod tidy;
mod transaction;
mod watch;
pub mod wire;

pub use base::Time;
pub use corridor::Engine;
pub use input::{Command, Flow, Input};
pub use output::{Outgoing, Output};
