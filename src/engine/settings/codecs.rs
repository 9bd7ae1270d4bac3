//! What ports of our own speak.

crate::labels! {
    /// What speech and music are written in, at ports of our own.
    pub enum Codec {
        /// G.711 in μ-law.
        Pcmu = "pcmu",
        /// G.711 in A-law.
        Pcma = "pcma",
        /// G.722: 7 kHz of sound.
        G722 = "g722",
        /// Opus, one channel of it.
        Opus = "opus",
    }
}

impl Codec {
    /// What is spoken unless more is said, the best first.
    pub const USUAL: [Self; 3] = [Self::G722, Self::Pcmu, Self::Pcma];

    /// How a description writes it (RFC 3551 §6, RFC 7587 §7).
    pub const fn encoding(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU/8000",
            Self::Pcma => "PCMA/8000",
            Self::G722 => "G722/8000",
            Self::Opus => "opus/48000/2",
        }
    }

    /// The payload type where nobody has chosen another: the static one (RFC 3551 §6); Opus has none, and gets one of ours.
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
            Self::G722 => 9,
            Self::Opus => 111,
        }
    }

    /// The codec of a static payload type (RFC 3551 §6).
    pub const fn of_payload_type(payload_type: u8) -> Option<Self> {
        match payload_type {
            0 => Some(Self::Pcmu),
            8 => Some(Self::Pcma),
            9 => Some(Self::G722),
            _ => None,
        }
    }

    /// Ticks of the RTP clock a second. G.722 has 8 000 although it samples at 16 000 (RFC 3551 §4.5.2).
    pub const fn clock(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma | Self::G722 => 8_000,
            Self::Opus => 48_000,
        }
    }
}
