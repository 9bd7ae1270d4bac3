//! Opus (RFC 6716), as it goes by RTP (RFC 7587): recordings are encoded, once; what comes is only measured.
//!
//! Knows: samples, octets, the first octets of a packet. Never: RTP.

/// Samples a second, and ticks of the clock.
pub(crate) const RATE: u32 = 48_000;
/// 20 ms of nothing: one frame of CELT, all of 20 kHz, that says it is silent (RFC 6716 §3.1, §4.3).
pub(crate) const SILENCE: [u8; 3] = [0xF8, 0xFF, 0xFE];
/// Parts of 2.5 ms in 20.
const BEAT: u32 = 8;

/// Whether a packet holds 20 ms (RFC 6716 §3.1): what was asked for.
pub(crate) fn is_one_beat(packet: &[u8]) -> bool {
    let Some(&first) = packet.first() else { return false };
    let length = match first >> 3 {
        config @ 0..12 => [4, 8, 16, 24][usize::from(config % 4)],
        config @ 12..16 => [4, 8][usize::from(config % 2)],
        config => 1 << (config % 4),
    };
    let count = match first & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |second| u32::from(second & 0x3F)),
    };
    length * count == BEAT
}

/// Speech and music alike sound well at this, and it is a constant: every packet is as long as every other.
#[cfg(feature = "opus")]
const BITS: u32 = 48_000;
/// Octets of 20 ms.
#[cfg(feature = "opus")]
pub(crate) const OCTETS: usize = (BITS / 8 / 50) as usize;

/// Encodes whole frames, after `before` was heard. Nothing if the library will not.
#[cfg(feature = "opus")]
pub(crate) fn encode(before: &[i16], samples: &[i16]) -> Option<Box<[u8]>> {
    use ropus::{Application, Bitrate, Channels, Encoder};
    const FRAME: usize = (RATE / 50) as usize;
    let builder = Encoder::builder(RATE, Channels::Mono, Application::Audio);
    let mut encoder = builder.bitrate(Bitrate::Bits(BITS)).vbr(false).build().ok()?;
    let (before, _) = before.as_chunks::<FRAME>();
    let (frames, _) = samples.as_chunks::<FRAME>();
    let mut octets = vec![0; frames.len() * OCTETS];
    let mut packet = [0; OCTETS];
    for frame in before {
        encoder.encode(frame, &mut packet).ok()?;
    }
    for (frame, packet) in frames.iter().zip(octets.chunks_exact_mut(OCTETS)) {
        (encoder.encode(frame, packet).ok()? == OCTETS).then_some(())?;
    }
    Some(octets.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_says_how_long_it_is() {
        for (packet, expected) in [
            (&SILENCE[..], true),
            (&[], false),
            // SILK: 10, 20, 40 ms; two of 10.
            (&[0x00, 1], false),
            (&[0x08, 1], true),
            (&[0x10, 1], false),
            (&[0x01, 1], true),
            (&[0x02, 1], true),
            // Hybrid: 10 and 20 ms. CELT: 2.5, 5, 10 and 20 ms.
            (&[0x60], false),
            (&[0x68], true),
            (&[0x80], false),
            (&[0x98], true),
            // As many as the second octet says.
            (&[0x83, 0xC8], true),
            (&[0x8B, 4], true),
            (&[0x8B, 5], false),
            (&[0x8B], false),
        ] {
            assert_eq!(is_one_beat(packet), expected, "{packet:x?}");
        }
    }
}
