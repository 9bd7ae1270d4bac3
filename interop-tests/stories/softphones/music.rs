//! Finds the music in what a phone has heard.
use std::ops::Range;

/// A packet's samples. What a phone records are whole packets.
pub(super) const FRAME: usize = 160;
/// In a row, these tell where in the tune they are.
const GLIMPSE: usize = 3;
/// A machine that stands still for a moment leaves out what should have been heard meanwhile: half a second at most.
const STALL: usize = 25;

/// The tune that the server brings along, and again, so that it goes on round its end.
fn tune() -> Vec<i16> {
    let wav = include_bytes!("../../../config/sounds/music/default.wav");
    let once: Vec<i16> = hound::WavReader::new(&wav[..]).unwrap().into_samples().map(Result::unwrap).collect();
    once.repeat(2)
}

/// Whether this may be that after A-law, whose steps are a sixteenth of where their segment begins.
pub(super) fn is_alike(heard: &[i16], played: &[i16]) -> bool {
    let near = |(&heard, &played): (&i16, &i16)| {
        (i32::from(heard) - i32::from(played)).abs() <= 8 + i32::from(played).abs() / 32
    };
    heard.len() <= played.len() && heard.iter().zip(played).all(near)
}

/// Where the music is, from its first packet to its last: one timeline, on which nothing is heard twice and nothing begins anew.
pub(super) fn in_what_was(heard: &[i16]) -> Range<usize> {
    of(&tune(), heard)
}

/// The same of this recording, played again and again.
pub(super) fn of_recording(once: &[i16], heard: &[i16]) -> Range<usize> {
    of(&once.repeat(2), heard)
}

fn of(tune: &[i16], heard: &[i16]) -> Range<usize> {
    let starts = (0..heard.len()).step_by(FRAME).filter(|&begin| {
        // Silence is no music.
        heard[begin..].iter().take(GLIMPSE * FRAME).any(|sample| sample.abs() > 500)
    });
    let stretch = |begin: usize| {
        let glimpse = heard.get(begin..begin + GLIMPSE * FRAME)?;
        let places = (0..tune.len() / 2).filter(|&place| is_alike(glimpse, &tune[place..]));
        places.map(|place| begin..follow(heard, begin, tune, place)).max_by_key(Range::len)
    };
    starts.filter_map(stretch).next().unwrap_or_default()
}

/// Where that timeline ends.
fn follow(heard: &[i16], begin: usize, tune: &[i16], mut place: usize) -> usize {
    for (frame, at) in heard[begin..].chunks_exact(FRAME).zip((begin..).step_by(FRAME)) {
        let on = (0..=STALL).map(|missed| (place + missed * FRAME) % (tune.len() / 2));
        match on.into_iter().find(|&place| is_alike(frame, &tune[place..])) {
            Some(found) => place = found + FRAME,
            None => return at,
        }
    }
    heard.len()
}
