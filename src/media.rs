//! The server's own media: ports that are bound and kept alive for parties that talk to the server itself.
//!
//! Beside them, pure: what speech is written in ([`codec`]), and digits ([`telephone_event`]).
//!
//! Knows: the engine's media orders, RTP. Never: SIP, SDP, the engine.
pub mod codec;
mod rtp;
pub mod telephone_event;
mod worker;

pub use worker::{Orders, Worker, worker};
