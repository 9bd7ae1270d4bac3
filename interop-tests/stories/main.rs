//! Stories: real peers and phones against the built server.
//!
//! `story` frames each of them; `peers` and `phones` drive the programs; one directory a feature holds the stories
//! and the SIPp scenarios they play. The README beside this says more.
#![allow(clippy::unwrap_used, reason = "clippy takes helpers of an integration test for ordinary code")]

#[path = "../peers/mod.rs"]
mod peers;
#[path = "../phones/mod.rs"]
mod phones;
mod story;

mod calling;
mod calling_back;
mod colliding;
mod early;
mod forwarding;
mod handing_over;
mod holding;
mod keys;
mod linphone;
mod networks;
mod parking;
mod picking_up;
mod registering;
mod relaying;
mod reloading;
mod reminding;
mod replacing;
mod requests;
mod retrieving;
mod siege;
mod softphones;
mod streams;
mod timers;
mod transferring;
mod watching;
