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

/// How much of what was heard is the music, from 0 to 1, where it was written in a codec that keeps no sample as it was: the
/// best that its first second is like, anywhere in a tune that is given twice. So many of its samples, of all channels, are one of the tune's.
pub(super) fn likeness(tune: &[i16], heard: &[i16], step: usize) -> f64 {
    let heard: Vec<f64> = heard.chunks_exact(step).map(|samples| samples.iter().map(|s| f64::from(*s)).sum()).collect();
    let second = &heard[..8_000];
    // First by how loud each hundredth of it is, then sample by sample.
    let loud =
        |samples: &[f64]| samples.chunks(80).map(|part| part.iter().map(|s| s.abs()).sum()).collect::<Vec<f64>>();
    let tune: Vec<f64> = tune.iter().map(|sample| f64::from(*sample)).collect();
    let near =
        (0..tune.len() / 2).step_by(40).map(|place| (place, alike(&loud(second), &loud(&tune[place..place + 8_000]))));
    let mut near: Vec<(usize, f64)> = near.collect();
    near.sort_by(|one, other| other.1.total_cmp(&one.1));
    let around = |place: usize| place.saturating_sub(60)..place + 60;
    near.iter()
        .take(5)
        .flat_map(|(place, _)| around(*place))
        .map(|place| alike(second, &tune[place..place + 8_000]))
        .fold(0.0, f64::max)
}

/// Whether one rises where the other does: their correlation.
fn alike(one: &[f64], other: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (first, second) = (mean(one), mean(other));
    let product = |one: &[f64], first: f64, other: &[f64], second: f64| -> f64 {
        one.iter().zip(other).map(|(one, other)| (one - first) * (other - second)).sum()
    };
    let both = (product(one, first, one, first) * product(other, second, other, second)).sqrt();
    product(one, first, other, second) / both.max(1.0)
}
