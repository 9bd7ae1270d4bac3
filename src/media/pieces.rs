//! All music that there is: on each beat, whoever listens first by a codec has a piece's packet written, and all others share
//! it.
use super::rtp::{HEAD, PACKET};
use super::tune::Tune;
use switchyard_engine::settings::{Codec, MusicNo};

#[derive(Debug)]
pub(super) struct Pieces {
    /// Never empty.
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    tune: Tune,
    /// By codec.
    packets: [Packet; Codec::ALL.len()],
}

#[derive(Clone, Copy, Debug)]
struct Packet {
    /// The beat that it is of.
    beat: Option<u64>,
    length: usize,
    /// Each port only writes its own head before the sound.
    octets: [u8; PACKET],
}

impl Pieces {
    /// Without any, all is silence.
    pub(super) fn new(tunes: Vec<Tune>) -> Self {
        let tunes = if tunes.is_empty() { vec![Tune::silence()] } else { tunes };
        let none = Packet { beat: None, length: HEAD, octets: [0; PACKET] };
        let piece = |tune| Piece { tune, packets: [none; Codec::ALL.len()] };
        Self { pieces: tunes.into_iter().map(piece).collect() }
    }

    /// All of them.
    pub(super) fn tunes(&self) -> impl Iterator<Item = &Tune> {
        self.pieces.iter().map(|piece| &piece.tune)
    }

    /// This beat's packet of a piece, but for its head. One that there is not is the first.
    pub(super) fn packet(&mut self, music: MusicNo, codec: Codec, beat: u64) -> &mut [u8] {
        let place = Some(usize::from(music.0)).filter(|place| *place < self.pieces.len()).unwrap_or_default();
        let piece = &mut self.pieces[place];
        let packet = &mut piece.packets[codec as usize];
        if packet.beat != Some(beat) {
            let frame = piece.tune.play(codec, beat);
            (packet.beat, packet.length) = (Some(beat), HEAD + frame.len());
            packet.octets[HEAD..packet.length].copy_from_slice(frame);
        }
        &mut packet.octets[..packet.length]
    }
}

#[cfg(test)]
mod tests {
    use super::super::codec::{OCTETS, law, silence};
    use super::super::tune::tests::tune;
    use super::*;

    /// How loud a piece is on that beat.
    fn loudness(pieces: &mut Pieces, music: u16, codec: Codec, beat: u64) -> i32 {
        let mut samples = [0; OCTETS];
        law(codec).unwrap().decode(&pieces.packet(MusicNo(music), codec, beat)[HEAD..], &mut samples);
        (f64::from(samples[0]) / 1_000.0).round() as i32
    }

    #[test]
    fn every_piece_has_its_own_timeline_whoever_listens() {
        let two_beats = |one: i16, other: i16| tune(&[[one; OCTETS], [other; OCTETS]].concat());
        let mut pieces = Pieces::new(vec![two_beats(1_000, 2_000), two_beats(5_000, 7_000)]);
        for (music, beat, expected) in
            [(0, 0, 1), (1, 0, 5), (0, 0, 1), (0, 1, 2), (0, 3, 2), (1, 3, 7), (1, 4, 5), (9, 5, 2)]
        {
            for codec in [Codec::Pcmu, Codec::Pcma] {
                assert_eq!(loudness(&mut pieces, music, codec, beat), expected, "{music} on {beat}, {codec:?}");
            }
        }
        assert_eq!(loudness(&mut Pieces::new(Vec::new()), 0, Codec::Pcma, 7), 0);
    }

    #[test]
    fn a_codec_has_its_own_packets_and_has_them_when_it_was_encoded() {
        let mut pieces = Pieces::new(vec![tune(&[9_000; 2 * OCTETS])]);
        for codec in [Codec::G722, Codec::Opus] {
            assert_eq!(&pieces.packet(MusicNo(0), codec, 4)[HEAD..], silence(codec));
            pieces.tunes().for_each(|tune| tune.encode(codec));
            let frame = pieces.tunes().next().unwrap().play(codec, 5).to_vec();
            assert_eq!(pieces.packet(MusicNo(0), codec, 5)[HEAD..], frame);
        }
        assert_eq!(loudness(&mut pieces, 0, Codec::Pcma, 5), 9);
    }
}
