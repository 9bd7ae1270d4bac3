//! What speech and music are written in: G.711 in both laws, G.722, and Opus if it was built in.
//!
//! Knows: samples and octets. Never: RTP, sockets, parties.
pub mod g711;
pub mod g722;
pub(super) mod opus;
#[cfg(test)]
pub(crate) mod sound;

use g711::Law;
use switchyard_engine::settings::Codec;

/// The octets of a frame of 20 ms: G.711 and G.722 have 64 kbit/s.
pub const OCTETS: usize = 160;
/// What a frame adds to the timestamp of an RTP clock of 8 000.
pub const TICKS: u32 = 160;
/// The samples of a frame at 8 kHz.
pub const NARROW: usize = 160;
/// The samples of a frame at 16 kHz.
pub const WIDE: usize = 320;
/// Frames in a second.
pub(super) const BEATS: u32 = 50;
/// What there are more samples a second than, nobody can hear.
pub(super) const WIDEST: u32 = if cfg!(feature = "opus") { opus::RATE } else { 16_000 };

/// The smallest steps of both bands: a decoder that has heard nothing hears nothing, and any other soon no more.
const G722_SILENCE: u8 = 0xFC;

/// A codec of conferences: what each party says is decoded live, and what it hears encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Live {
    /// G.711, in one of its laws.
    G711(Law),
    /// G.722 at 64 kbit/s.
    G722,
}

impl Live {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::G711(Law::Mu), Self::G711(Law::A), Self::G722];

    /// Whether it carries 7 kHz of sound rather than 3.4.
    #[must_use]
    pub fn is_wide(self) -> bool {
        match self {
            Self::G711(_) => false,
            Self::G722 => true,
        }
    }
}

/// All that the server's own ports speak, the best first.
#[must_use]
pub fn spoken() -> Vec<Codec> {
    let opus = cfg!(feature = "opus").then_some(Codec::Opus);
    opus.into_iter().chain(Codec::USUAL).collect()
}

/// The law of a codec that is G.711.
pub(super) const fn law(codec: Codec) -> Option<Law> {
    match codec {
        Codec::Pcmu => Some(Law::Mu),
        Codec::Pcma => Some(Law::A),
        Codec::G722 | Codec::Opus => None,
    }
}

/// What a codec samples, a second.
pub(super) const fn rate(codec: Codec) -> u32 {
    match codec {
        Codec::Pcmu | Codec::Pcma => 8_000,
        Codec::G722 => 16_000,
        Codec::Opus => opus::RATE,
    }
}

/// 20 ms of silence.
pub(super) fn silence(codec: Codec) -> &'static [u8] {
    match codec {
        Codec::Pcmu => &const { [Law::Mu.silence(); OCTETS] },
        Codec::Pcma => &const { [Law::A.silence(); OCTETS] },
        Codec::G722 => &[G722_SILENCE; OCTETS],
        Codec::Opus => &opus::SILENCE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_silent_after_whatever_was_heard() {
        for (law, codec) in [(Law::Mu, Codec::Pcmu), (Law::A, Codec::Pcma)] {
            let mut samples = [1; NARROW];
            law.decode(silence(codec), &mut samples);
            assert!(samples.iter().all(|sample| sample.abs() <= 8));
        }
        let (mut encoder, mut decoder) = (g722::Encoder::default(), g722::Decoder::default());
        let (mut frame, mut samples) = ([0; OCTETS], [0; WIDE]);
        for loud in [false, true] {
            for said in sound::noise(7, 20_000.0, 20 * WIDE).chunks(WIDE).filter(|_| loud) {
                encoder.encode(said, &mut frame);
                decoder.decode(&frame, &mut samples);
            }
            for beat in 0..100 {
                decoder.decode(silence(Codec::G722), &mut samples);
                let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or_default();
                // It takes a moment to forget.
                assert!(loudest <= if loud { 60 } else { 0 } || loud && beat < 5, "{loudest} on beat {beat}");
            }
        }
    }
}
