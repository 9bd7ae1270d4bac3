//! What makes a row of packets one stream: source, sequence, time.
use super::codec::{BEATS, OCTETS};
use ::rtp::header::Header;
use switchyard_engine::settings::Codec;
use switchyard_engine::wire::media::Voice;
use webrtc_util::marshal::Marshal;

/// The fixed header (RFC 3550 §5.1); there are no contributing sources and no extension.
pub(super) const HEAD: usize = 12;
/// The longest packet of our own: the header and 20 ms of G.711.
pub(super) const PACKET: usize = HEAD + OCTETS;

/// What one port sends, whoever hears it by whatever codec.
#[derive(Debug)]
pub(super) struct Stream {
    header: Header,
    /// The timestamp of the worker's first beat.
    origin: u32,
    codec: Codec,
}

impl Stream {
    /// A new stream with a random source, sequence and time (RFC 3550 §5.1).
    pub(super) fn new(voice: Voice, random: [u8; 10]) -> Self {
        let [s0, s1, s2, s3, t0, t1, t2, t3, q0, q1] = random;
        let header = Header {
            version: 2,
            // The first packet begins the only talkspurt there is (RFC 3551 §4.1).
            marker: true,
            payload_type: voice.payload_type,
            sequence_number: u16::from_be_bytes([q0, q1]),
            ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
            ..Header::default()
        };
        Self { header, origin: u32::from_be_bytes([t0, t1, t2, t3]), codec: voice.codec }
    }

    /// Whether it can go on as it is when the codec changes. Of another clock it is another stream, or whoever hears it
    /// could tell no time by it (RFC 7160 §4.1).
    pub(super) const fn goes_on(&self, voice: Voice) -> bool {
        self.codec.clock() == voice.codec.clock()
    }

    /// From now on with this codec; all else goes on.
    pub(super) const fn change(&mut self, voice: Voice) {
        (self.header.payload_type, self.codec) = (voice.payload_type, voice.codec);
    }

    /// Its synchronisation source.
    pub(super) const fn source(&self) -> u32 {
        self.header.ssrc
    }

    /// The time of the last packet.
    pub(super) const fn timestamp(&self) -> u32 {
        self.header.timestamp
    }

    pub(super) const fn codec(&self) -> Codec {
        self.codec
    }

    /// Writes the head of the packet of this beat. Its timestamp tells the beat, so that it stays true when beats were
    /// missed; its sequence number follows the last one, since nothing was lost on the way.
    pub(super) fn write(&mut self, beat: u64, packet: &mut [u8]) -> bool {
        // RFC 3550 §5.1: the timestamp wraps around.
        let ticks = (beat as u32).wrapping_mul(self.codec.clock() / BEATS);
        self.header.timestamp = self.origin.wrapping_add(ticks);
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
        let random = [1, 2, 3, 4, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
        let mut stream = Stream::new(Voice::of(Codec::Pcmu), random);
        let changes = [(0, Codec::Pcmu), (1, Codec::Pcmu), (7, Codec::G722), (8, Codec::Pcma)];
        let heads = changes.map(|(beat, codec)| {
            let voice = Voice::of(codec);
            assert!(stream.goes_on(voice) && !stream.goes_on(Voice::of(Codec::Opus)));
            stream.change(voice);
            assert_eq!(stream.codec(), codec);
            next(&mut stream, beat)
        });
        assert!(heads.iter().all(|head| head.ssrc == 0x0102_0304));
        assert_eq!(heads.each_ref().map(|head| head.marker), [true, false, false, false]);
        assert_eq!(heads.each_ref().map(|head| head.sequence_number), [0xFFFF, 0, 1, 2]);
        // Five beats were missed in between. G.722 counts like the rest.
        assert_eq!(heads.each_ref().map(|head| head.timestamp), [u32::MAX, 159, 7 * 160 - 1, 8 * 160 - 1]);
        assert_eq!(heads.each_ref().map(|head| head.payload_type), [0, 0, 9, 8]);
    }

    #[test]
    fn opus_has_a_clock_of_its_own() {
        let mut stream = Stream::new(Voice { codec: Codec::Opus, payload_type: 98 }, [0; 10]);
        let heads = [0, 1, 50].map(|beat| next(&mut stream, beat));
        assert_eq!(heads.each_ref().map(|head| head.timestamp), [0, 960, 48_000]);
        assert!(heads.iter().all(|head| head.payload_type == 98));
    }
}
