//! Finds what was said in what a phone has heard.
use super::music::{FRAME, is_alike};
use std::path::Path;

/// These recordings of the program's, one after the other: each is filled up to whole packets.
pub(super) fn spoken(names: &[&str]) -> Vec<i16> {
    let samples = |name: &&str| -> Vec<i16> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("config/sounds/en/{name}.wav"));
        let recorded = hound::WavReader::open(path).unwrap().into_samples().map(Result::unwrap);
        let mut samples: Vec<i16> = recorded.collect();
        samples.resize(samples.len().next_multiple_of(FRAME), 0);
        samples
    };
    names.iter().flat_map(samples).collect()
}

/// Where it begins: from its first sample to its last, without a gap or a word left out, however the phone was scheduled.
pub(super) fn place_of(said: &[i16], heard: &[i16]) -> Option<usize> {
    (0..heard.len()).step_by(FRAME).find(|&begin| {
        let as_long = heard.get(begin..begin + said.len());
        as_long.is_some_and(|heard| is_alike(heard, said))
    })
}
