//! The server's own media: ports that are bound for parties that talk to the server itself, and what they hear.
//!
//! ```text
//! orders ─► worker ─► port ─► rtp        on each beat: the same music to all, under each port's own head
//!              ▲ beat  ╰─ playing ─ prompt, echo             or what is said to one, or comes back to it
//!         pieces ─ tune ◄─ codec, resample  ◄─ WAV files, once a codec
//! ```
//! Media of others that goes through us has a thread of its own, [`relay()`]. Whom a port talks to is the latch's to say,
//! there and here.
//!
//! All hear the same piece at the same place, as from a radio: so nothing that happens to a call begins it anew.
//!
//! Beside them, pure: what speech is written in ([`codec`]), conferences ([`mixer`]), and digits that
//! come as events ([`telephone_event`]). They know no socket and no clock, and allocate nothing for a frame.
//!
//! Knows: the engine's media orders, RTP, WAV. Never: SIP, SDP, the engine.
mod arrival;
mod beat;
pub mod codec;
mod echo;
mod latch;
pub mod mixer;
mod orders;
mod pieces;
mod playing;
mod port;
mod prompt;
mod rate;
mod rating;
mod reception;
mod relay;
mod reports;
mod resample;
mod rtp;
pub mod telephone_event;
mod tune;
mod worker;

pub use arrival::{Discard, Discards};
pub use orders::Orders;
pub use prompt::Prompts;
pub use rating::score;
pub use reception::Losses;
pub use relay::{Passed, Relay, RelayListener, relay};
pub use reports::Quality;
pub use tune::{After, Tune};
pub use worker::{Listener, Worker, worker};
