//! All music that there is: on each beat, whoever listens first has a piece's packets written, and all others share them.
use super::codec::g711::Law;
use super::rtp::{HEAD, PACKET};
use super::tune::Tune;
use switchyard_engine::settings::MusicNo;

#[derive(Debug)]
pub(super) struct Pieces {
    /// Never empty.
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    tune: Tune,
    /// The beat that these are of.
    beat: Option<u64>,
    /// By law; each port only writes its own head before the sound.
    packets: [[u8; PACKET]; Law::ALL.len()],
}

impl Pieces {
    /// Without any, all is silence.
    pub(super) fn new(tunes: Vec<Tune>) -> Self {
        let tunes = if tunes.is_empty() { vec![Tune::silence()] } else { tunes };
        let piece = |tune| Piece { tune, beat: None, packets: [[0; PACKET]; Law::ALL.len()] };
        Self { pieces: tunes.into_iter().map(piece).collect() }
    }

    /// This beat's packet of a piece, but for its head. One that there is not is the first.
    pub(super) fn packet(&mut self, music: MusicNo, law: Law, beat: u64) -> &mut [u8; PACKET] {
        let place = Some(usize::from(music.0)).filter(|place| *place < self.pieces.len()).unwrap_or_default();
        let piece = &mut self.pieces[place];
        if piece.beat != Some(beat) {
            piece.beat = Some(beat);
            for (law, packet) in Law::ALL.into_iter().zip(&mut piece.packets) {
                piece.tune.play(law, beat, &mut packet[HEAD..]);
            }
        }
        &mut piece.packets[law as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::super::tune::FRAME;
    use super::super::tune::tests::tune;
    use super::*;

    /// How loud a piece is on that beat.
    fn loudness(pieces: &mut Pieces, music: u16, law: Law, beat: u64) -> i32 {
        let mut samples = [0; FRAME];
        law.decode(&pieces.packet(MusicNo(music), law, beat)[HEAD..], &mut samples);
        (f64::from(samples[0]) / 1_000.0).round() as i32
    }

    #[test]
    fn every_piece_has_its_own_timeline_whoever_listens() {
        let two_beats = |one: i16, other: i16| tune(&[[one; FRAME], [other; FRAME]].concat());
        let mut pieces = Pieces::new(vec![two_beats(1_000, 2_000), two_beats(5_000, 7_000)]);
        for (music, beat, expected) in
            [(0, 0, 1), (1, 0, 5), (0, 0, 1), (0, 1, 2), (0, 3, 2), (1, 3, 7), (1, 4, 5), (9, 5, 2)]
        {
            for law in Law::ALL {
                assert_eq!(loudness(&mut pieces, music, law, beat), expected, "{music} on {beat}, {law:?}");
            }
        }
        assert_eq!(loudness(&mut Pieces::new(Vec::new()), 0, Law::A, 7), 0);
    }
}
