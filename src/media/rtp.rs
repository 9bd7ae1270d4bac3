//! What makes a row of packets one stream: source, sequence, time.
use super::codec::g711::Law;
use super::tune::FRAME;
use ::rtp::header::Header;
use webrtc_util::marshal::Marshal;

/// The fixed header (RFC 3550 §5.1); there are no contributing sources and no extension.
pub(super) const HEAD: usize = 12;
/// A packet's length: the header and 20 ms of G.711.
pub(super) const PACKET: usize = HEAD + FRAME;

/// What one port sends, whoever hears it by whatever codec.
#[derive(Debug)]
pub(super) struct Stream {
    header: Header,
    /// The timestamp of the worker's first beat.
    origin: u32,
}

impl Stream {
    /// A new stream with a random source, sequence and time (RFC 3550 §5.1).
    pub(super) fn new(payload_type: u8, random: [u8; 10]) -> Self {
        let [s0, s1, s2, s3, t0, t1, t2, t3, q0, q1] = random;
        let header = Header {
            version: 2,
            // The first packet begins the only talkspurt there is (RFC 3551 §4.1).
            marker: true,
            payload_type,
            sequence_number: u16::from_be_bytes([q0, q1]),
            ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
            ..Header::default()
        };
        Self { header, origin: u32::from_be_bytes([t0, t1, t2, t3]) }
    }

    /// From now on with this payload type; all else goes on (both laws have one clock, RFC 3551 §4.5.14).
    pub(super) fn change(&mut self, payload_type: u8) {
        self.header.payload_type = payload_type;
    }

    /// Its synchronisation source.
    pub(super) const fn source(&self) -> u32 {
        self.header.ssrc
    }

    /// The time of the last packet.
    pub(super) const fn timestamp(&self) -> u32 {
        self.header.timestamp
    }

    pub(super) fn law(&self) -> Law {
        Law::of(self.header.payload_type)
    }

    /// Writes the head of the packet of this beat. Its timestamp tells the beat, so that it stays true when beats were
    /// missed; its sequence number follows the last one, since nothing was lost on the way.
    pub(super) fn write(&mut self, beat: u64, packet: &mut [u8; PACKET]) -> bool {
        // RFC 3550 §5.1: the timestamp wraps around.
        self.header.timestamp = self.origin.wrapping_add((beat as u32).wrapping_mul(FRAME as u32));
        let written = self.header.marshal_to(&mut packet[..HEAD]).is_ok();
        self.header.marker = false;
        self.header.sequence_number = self.header.sequence_number.wrapping_add(1);
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use webrtc_util::marshal::Unmarshal;

    fn next(stream: &mut Stream, beat: u64) -> Header {
        let mut packet = [0; PACKET];
        assert!(stream.write(beat, &mut packet));
        Header::unmarshal(&mut &packet[..]).unwrap()
    }

    #[test]
    fn sequence_and_timestamp_go_on_and_wrap() {
        let mut stream = Stream::new(0, [1, 2, 3, 4, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
        let heads = [(0, 0), (1, 0), (7, 0), (8, 8)].map(|(beat, payload_type)| {
            stream.change(payload_type);
            assert_eq!(stream.law(), if payload_type == 8 { Law::A } else { Law::Mu });
            next(&mut stream, beat)
        });
        assert!(heads.iter().all(|head| head.ssrc == 0x0102_0304));
        assert_eq!(heads.each_ref().map(|head| head.marker), [true, false, false, false]);
        assert_eq!(heads.each_ref().map(|head| head.sequence_number), [0xFFFF, 0, 1, 2]);
        // Five beats were missed in between.
        assert_eq!(heads.each_ref().map(|head| head.timestamp), [u32::MAX, 159, 7 * 160 - 1, 8 * 160 - 1]);
        assert_eq!(heads.each_ref().map(|head| head.payload_type), [0, 0, 0, 8]);
    }
}
