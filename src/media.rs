//! The server's own media: ports that are bound and kept alive for parties that talk to the server itself.
//!
//! Beside them, pure: what speech is written in ([`codec`]), conferences ([`mixer`]), and digits that
//! come as events ([`telephone_event`]). They know no socket and no clock, and allocate nothing for a frame.
//!
//! Knows: the engine's media orders, RTP. Never: SIP, SDP, the engine.
pub mod codec;
pub mod mixer;
mod rtp;
pub mod telephone_event;
mod worker;

pub use worker::{Orders, Worker, worker};
