//! What a port plays when it is not music for all: silence, an echo, something said; and what comes after that.
//!
//! ```text
//!   Music ◄──── play ────► Silence, Echo
//!     ╰───── say ──► Speech ──said──► what was ordered for after it
//! ```
//! Knows: what is ordered, what arrived. Never: packets' heads, sockets, the clock.
use super::codec;
use super::echo::Echo;
use super::prompt::Speech;
use switchyard_engine::settings::{Codec, MusicNo};
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

    /// This beat's sound, at the beginning of `room`: how long it is; not of music, which is there already. With the last of
    /// what is said, its ticket.
    pub(super) fn write(&mut self, codec: Codec, room: &mut [u8]) -> (usize, Option<Ticket>) {
        match self {
            Self::Music(_) | Self::Silence => (copy(codec::silence(codec), room), None),
            Self::Echo(echo) => (echo.write(codec, room), None),
            Self::Speech(said) => {
                let length = copy(said.speech.next(codec), room);
                let (over, ticket, then) = (said.speech.is_over(), said.ticket, said.then);
                if over {
                    *self = Self::endless(then);
                }
                (length, over.then_some(ticket))
            }
        }
    }

    /// A packet arrived, in this codec.
    pub(super) fn hear(&mut self, codec: Codec, packet: &[u8]) {
        match self {
            Self::Echo(echo) => echo.hear(codec, packet),
            Self::Music(_) | Self::Silence | Self::Speech(_) => {}
        }
    }
}

fn copy(frame: &[u8], room: &mut [u8]) -> usize {
    room[..frame.len()].copy_from_slice(frame);
    frame.len()
}
