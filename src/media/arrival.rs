//! What arrives at a port, judged by its first bytes: is it what belongs there?
use switchyard_engine::labels;
use switchyard_engine::wire::media::Form;

labels! {
    /// Why a packet was not heard.
    pub enum Discard {
        /// It came from somebody else than the party.
        Stranger = "strange_source",
        /// It is no RTP, or no RTCP where that belongs.
        Malformed = "malformed",
        /// Of a payload type that was not agreed on.
        PayloadType = "payload_type",
        /// More came in a second than any stream has.
        Flood = "flood",
    }
}

/// Packets that were not heard, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Discards([u64; Discard::ALL.len()]);

impl Discards {
    /// One more.
    pub fn count(&mut self, why: Discard) {
        self.0[why as usize] += 1;
    }

    /// How many.
    pub const fn of(&self, why: Discard) -> u64 {
        self.0[why as usize]
    }
}

/// Which socket of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Rtp,
    Rtcp,
}

/// Whether a packet may pass where streams of this form go. RTCP may come to either port (RFC 5761), handshakes as well.
pub(super) fn belongs(half: Half, form: Form, packet: &[u8]) -> bool {
    match (form, half, packet.first()) {
        (_, _, None) => false,
        (Form::Other, _, Some(_)) => true,
        // RFC 7983 §7.
        (Form::Dtls, _, Some(20..=63)) => packet.len() >= 13,
        (Form::Rtp | Form::Dtls, Half::Rtp, Some(_)) => is_rtcp(packet) || is_rtp(packet),
        (Form::Rtp | Form::Dtls, Half::Rtcp, Some(_)) => is_rtcp(packet),
    }
}

/// Whether this is an RTP packet: its version, and room for all that its header says is in it (RFC 3550 §5.1, A.1).
pub(super) fn is_rtp(packet: &[u8]) -> bool {
    payload_of(packet).is_some()
}

/// What an RTP packet carries, without its padding; nothing of one that is none.
pub(super) fn payload(packet: &[u8]) -> &[u8] {
    payload_of(packet).unwrap_or_default()
}

fn payload_of(packet: &[u8]) -> Option<&[u8]> {
    let &[first, _, ..] = packet.first_chunk::<12>()?;
    let mut head = 12 + 4 * usize::from(first & 0x0F);
    if first & 0x10 != 0 {
        let &[_, _, high, low] = packet.get(head..).and_then(<[u8]>::first_chunk::<4>)?;
        head += 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
    }
    let padding = if first & 0x20 != 0 { packet.last().copied().unwrap_or(0).max(1) } else { 0 };
    packet.get(head..packet.len().checked_sub(padding.into())?).filter(|_| first >> 6 == 2)
}

/// Whether this begins as RTCP does (RFC 3550 §6.4, RFC 5761 §4). What is encrypted cannot be looked into further.
pub(super) fn is_rtcp(packet: &[u8]) -> bool {
    packet.len() >= 8 && packet[0] >> 6 == 2 && (192..=223).contains(&packet[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(head: &[u8], length: usize) -> Vec<u8> {
        let mut packet = head.to_vec();
        packet.resize(length, 0);
        packet
    }

    #[test]
    fn what_is_no_rtp_does_not_belong_there() {
        for (head, length, expected) in [
            (&[0x80, 0][..], 172, true),
            (&[0x80, 0], 12, true),
            (&[0x80, 0], 11, false),
            (&[], 0, false),
            (&[0x40, 0], 172, false),
            (&[0x00, 1], 20, false),
            // Fifteen contributing sources, with and without room.
            (&[0x8F, 0], 72, true),
            (&[0x8F, 0], 71, false),
            // An extension of one word; of more words than there are.
            (&[0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 20, true),
            (&[0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 172, false),
            (&[0x90, 0], 15, false),
            // Padding, of which the last byte counts at least itself.
            (&[0xA0, 0], 13, true),
            (&[0xA0, 0], 12, false),
        ] {
            assert_eq!(is_rtp(&packet(head, length)), expected, "{head:?} {length}");
        }
        let mut all_padding = packet(&[0xA0, 0], 30);
        all_padding[29] = 200;
        assert!(!is_rtp(&all_padding));
    }

    #[test]
    fn each_form_has_its_own() {
        let (rtp, rtcp, stun) = (packet(&[0x80, 8], 172), packet(&[0x81, 201], 32), packet(&[0, 1], 20));
        let (handshake, fax) = (packet(&[22, 254], 100), packet(&[0xFF], 3));
        let table = [
            (Form::Rtp, Half::Rtp, [true, true, false, false, false]),
            (Form::Rtp, Half::Rtcp, [false, true, false, false, false]),
            (Form::Dtls, Half::Rtp, [true, true, false, true, false]),
            (Form::Dtls, Half::Rtcp, [false, true, false, true, false]),
            (Form::Other, Half::Rtp, [true; 5]),
        ];
        for (form, half, expected) in table {
            let found = [&rtp, &rtcp, &stun, &handshake, &fax].map(|packet| belongs(half, form, packet));
            assert_eq!(found, expected, "{form:?} {half:?}");
        }
        assert!(!belongs(Half::Rtp, Form::Other, &[]));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let mut state = 1u32;
        for length in 0..200 {
            for _ in 0..50 {
                let bytes: Vec<u8> = std::iter::repeat_with(|| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .take(length)
                .collect();
                for form in [Form::Rtp, Form::Dtls, Form::Other] {
                    belongs(Half::Rtp, form, &bytes);
                    belongs(Half::Rtcp, form, &bytes);
                }
            }
        }
    }
}
