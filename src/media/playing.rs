//! What a port plays when it is not music for all: silence, an echo, something said; and what comes after that.
//!
//! ```text
//!   Music ◄──── play ────► Silence, Echo
//!     ╰───── say ──► Speech ──said──► what was ordered for after it
//! ```
//! Knows: what is ordered, what arrived. Never: packets' heads, sockets, the clock.
use super::codec::g711::Law;
use super::echo::Echo;
use super::prompt::Speech;
use switchyard_engine::settings::MusicNo;
use switchyard_engine::wire::media::{Sound, Ticket};

#[derive(Clone, Debug)]
pub(super) enum Playing {
    /// The same for all who hear that one: written once, elsewhere.
    Music(MusicNo),
    Silence,
    Echo(Box<Echo>),
    Speech(Box<Said>),
}

/// What is being said, for whom, and what follows.
#[derive(Clone, Debug)]
pub(super) struct Said {
    speech: Speech,
    ticket: Ticket,
    then: Sound,
}

impl Playing {
    pub(super) fn endless(sound: Sound) -> Self {
        match sound {
            Sound::Music(music) => Self::Music(music),
            Sound::Silence => Self::Silence,
            Sound::Echo => Self::Echo(Box::default()),
        }
    }

    pub(super) fn speech(speech: Speech, ticket: Ticket, then: Sound) -> Self {
        Self::Speech(Box::new(Said { speech, ticket, then }))
    }

    pub(super) const fn music(&self) -> Option<MusicNo> {
        match self {
            Self::Music(music) => Some(*music),
            Self::Silence | Self::Echo(_) | Self::Speech(_) => None,
        }
    }

    /// Writes this beat's sound; not of music, which is there already. With the last of what is said, its ticket.
    pub(super) fn write(&mut self, law: Law, frame: &mut [u8]) -> Option<Ticket> {
        match self {
            Self::Music(_) => None,
            Self::Silence => {
                frame.fill(law.silence());
                None
            }
            Self::Echo(echo) => {
                echo.write(law, frame);
                None
            }
            Self::Speech(said) => {
                said.speech.write(law, frame);
                let (over, ticket, then) = (said.speech.is_over(), said.ticket, said.then);
                if over {
                    *self = Self::endless(then);
                }
                over.then_some(ticket)
            }
        }
    }

    /// A packet arrived.
    pub(super) fn hear(&mut self, packet: &[u8]) {
        match self {
            Self::Echo(echo) => echo.hear(packet),
            Self::Music(_) | Self::Silence | Self::Speech(_) => {}
        }
    }
}
