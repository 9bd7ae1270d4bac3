//! The server's own media: ports that are bound for parties that talk to the server itself, and the music they hear.
//!
//! ```text
//! orders ─► worker ─► port ─► rtp        on each beat: the same sound to all, under each port's own head
//!              ▲ beat
//!              └─ tune ◄─ g711, resample  ◄─ a WAV file, once
//! ```
//! All hear the same piece at the same place, as from a radio: so nothing that happens to a call begins it anew.
//!
//! Knows: the engine's media orders, RTP, WAV. Never: SIP, SDP, the engine.
mod beat;
mod g711;
mod port;
mod resample;
mod rtp;
mod tune;
mod worker;

pub use tune::Tune;
pub use worker::{Listener, Orders, Worker, worker};
