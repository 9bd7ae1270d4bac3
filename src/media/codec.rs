//! What speech is written in: G.711 in both laws, and G.722.
//!
//! Knows: samples and octets. Never: RTP, sockets, parties.
pub mod g711;
pub mod g722;
#[cfg(test)]
pub(crate) mod sound;

use g711::Law;

/// The octets of a frame of 20 ms: each of these codecs has 64 kbit/s.
pub const OCTETS: usize = 160;
/// What a frame adds to the RTP timestamp. G.722's clock is 8 000 although it samples at 16 000 (RFC 3551 §4.5.2).
pub const TICKS: u32 = 160;
/// The samples of a frame at 8 kHz.
pub const NARROW: usize = 160;
/// The samples of a frame at 16 kHz.
pub const WIDE: usize = 320;

/// A codec that parties may speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    /// G.711, in one of its laws.
    G711(Law),
    /// G.722 at 64 kbit/s.
    G722,
}

impl Codec {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::G711(Law::Mu), Self::G711(Law::A), Self::G722];

    /// The static payload type (RFC 3551 §6).
    #[must_use]
    pub fn payload_type(self) -> u8 {
        match self {
            Self::G711(Law::Mu) => 0,
            Self::G711(Law::A) => 8,
            Self::G722 => 9,
        }
    }

    /// The codec of a static payload type.
    #[must_use]
    pub fn of_payload_type(payload_type: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.payload_type() == payload_type)
    }

    /// Whether it carries 7 kHz of sound rather than 3.4.
    #[must_use]
    pub fn is_wide(self) -> bool {
        match self {
            Self::G711(_) => false,
            Self::G722 => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_types_name_their_codecs() {
        for codec in Codec::ALL {
            assert_eq!(Codec::of_payload_type(codec.payload_type()), Some(codec));
        }
        // GSM, G.729, and the first that is dynamic.
        for other in [3, 18, 96] {
            assert_eq!(Codec::of_payload_type(other), None);
        }
    }
}
