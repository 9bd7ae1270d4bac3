//! Prompts: what is said to people, put together from short recordings.
//!
//! Knows: recordings by their names, what an announcement is made of. Never: who hears it, when, by which packets.
use super::codec::g711::Law;
use super::resample::RATE;
use super::tune::Tune;
use std::collections::HashMap;
use switchyard_engine::wire::media::{Announcement, Phrase};

/// Between a thing said and the same thing said again.
const AGAIN: usize = 2 * RATE as usize;
/// Before the first word: a phone that was just told where to listen may miss a packet or two.
const LEAD: usize = RATE as usize / 10;
/// After the last word: what a phone keeps back against jitter is heard as well before anybody is told that it was.
const TAIL: usize = RATE as usize / 5;
/// What can be spelt, and the names of the recordings.
const SIGNS: [(char, &str); 3] = [('+', "plus"), ('*', "star"), ('#', "hash")];

/// All recordings of one language; shared by all who hear them.
#[derive(Clone, Debug, Default)]
pub struct Prompts {
    phrases: HashMap<&'static str, Tune>,
    signs: HashMap<char, Tune>,
}

impl Prompts {
    /// What recordings there are, each fetched by the name of its file, without the ending. Where there is none, nothing
    /// is said.
    pub fn gather(mut fetch: impl FnMut(&str) -> Option<Tune>) -> Self {
        let phrases = Phrase::ALL.iter().map(|phrase| phrase.as_str());
        let phrases = phrases.filter_map(|name| Some((name, fetch(name)?))).collect();
        let plain = ('0'..='9').chain('a'..='z').map(|sign| (sign, sign.to_string()));
        let named = SIGNS.map(|(sign, name)| (sign, name.to_owned()));
        let signs = plain.chain(named).filter_map(|(sign, name)| Some((sign, fetch(&name)?))).collect();
        Self { phrases, signs }
    }

    /// How long a number is, spelt, in samples; nothing if none of it can be said.
    #[cfg(test)]
    pub(crate) fn samples(&self, number: &str) -> Option<usize> {
        number.chars().filter_map(|sign| self.signs.get(&sign)).map(Tune::len).reduce(|one, other| one + other)
    }

    /// Puts an announcement together.
    pub(super) fn speech(&self, announcement: &Announcement) -> Speech {
        let phrase = self.phrases.get(announcement.phrase.as_str());
        let spelt = announcement.number.chars().filter_map(|sign| self.signs.get(&sign.to_ascii_lowercase()));
        let once: Vec<Part> = phrase.into_iter().chain(spelt).map(|clip| Part::Clip(clip.clone())).collect();
        let mut parts = vec![Part::Pause(LEAD)];
        for time in 0..announcement.times {
            if time > 0 {
                parts.push(Part::Pause(AGAIN));
            }
            parts.extend(once.iter().cloned());
        }
        parts.push(Part::Pause(TAIL));
        Speech { parts, part: 0, place: 0 }
    }
}

#[derive(Clone, Debug)]
enum Part {
    Clip(Tune),
    /// So many samples.
    Pause(usize),
}

impl Part {
    fn len(&self) -> usize {
        match self {
            Self::Clip(tune) => tune.len(),
            Self::Pause(samples) => *samples,
        }
    }
}

/// Something that is being said. It waits for nobody: a beat that was missed makes it longer, and takes no word out.
#[derive(Clone, Debug)]
pub(super) struct Speech {
    parts: Vec<Part>,
    /// Which of them comes next, and from which sample on.
    part: usize,
    place: usize,
}

impl Speech {
    /// Writes what comes next, and silence after the end.
    pub(super) fn write(&mut self, law: Law, frame: &mut [u8]) {
        let mut rest = frame;
        while let Some(part) = self.parts.get(self.part).filter(|_| !rest.is_empty()) {
            let count = (part.len() - self.place).min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            match part {
                Part::Clip(tune) => tune.copy(law, self.place, now),
                Part::Pause(_) => now.fill(law.silence()),
            }
            rest = later;
            self.place += count;
            if self.place == part.len() {
                (self.part, self.place) = (self.part + 1, 0);
            }
        }
        rest.fill(law.silence());
    }

    /// Whether all of it was written.
    pub(super) fn is_over(&self) -> bool {
        self.part == self.parts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tune::FRAME;
    use super::super::tune::tests::tune;
    use super::*;
    use switchyard_engine::base::text;

    /// Every recording is a sound of its own, so that what is heard can be read.
    fn prompts() -> Prompts {
        Prompts::gather(|name| match name {
            "parked-on" => Some(tune(&[20_000; 250])),
            "7" => Some(tune(&[7_000; 100])),
            "1" => Some(tune(&[1_000; 90])),
            "a" => Some(tune(&[3_000; 10])),
            "star" => Some(tune(&[5_000; 10])),
            _ => None,
        })
    }

    /// What is heard, as (about which sample, how many of them).
    fn heard(announcement: &Announcement, laws: impl Iterator<Item = Law>) -> Vec<(i32, usize)> {
        let mut speech = prompts().speech(announcement);
        let mut runs: Vec<(i32, usize)> = Vec::new();
        for law in laws {
            if speech.is_over() {
                return runs;
            }
            let (mut frame, mut samples) = ([0; FRAME], [0; FRAME]);
            speech.write(law, &mut frame);
            law.decode(&frame, &mut samples);
            for sample in samples {
                let about = (f64::from(sample) / 1_000.0).round() as i32;
                match runs.last_mut().filter(|(last, _)| *last == about) {
                    Some((_, count)) => *count += 1,
                    None => runs.push((about, 1)),
                }
            }
        }
        panic!("it never ends: {runs:?}");
    }

    fn always(law: Law) -> impl Iterator<Item = Law> {
        std::iter::repeat_n(law, 1_000)
    }

    #[test]
    fn word_follows_word_without_a_gap() {
        let parked = Announcement::with(Phrase::ParkedOn, text::cut("7-17"));
        for law in Law::ALL {
            let runs = heard(&parked, always(law));
            assert_eq!(runs[..5], [(0, LEAD), (20, 250), (7, 100), (1, 90), (7, 100)], "a hyphen has no sound");
            // 540 samples and the tail, up to a whole frame.
            assert_eq!(runs[5..], [(0, 14 * FRAME - 540)]);
        }
        let spelt = Announcement::with(Phrase::YourNumberIs, text::cut("*A"));
        assert_eq!(
            heard(&spelt, always(Law::A))[1..3],
            [(5, 10), (3, 10)],
            "no recording of the phrase: only the number"
        );
    }

    #[test]
    fn twice_is_two_seconds_apart() {
        let twice = Announcement::with(Phrase::ParkedOn, text::cut("7")).twice();
        let runs = heard(&twice, always(Law::Mu));
        assert_eq!(runs[1..6], [(20, 250), (7, 100), (0, AGAIN), (20, 250), (7, 100)]);
    }

    #[test]
    fn another_codec_in_the_middle_of_a_word_takes_nothing_away() {
        let parked = Announcement::with(Phrase::ParkedOn, text::cut("71"));
        let changing = (0..1_000).map(|n| Law::ALL[n % 2]);
        assert_eq!(heard(&parked, changing)[1..4], [(20, 250), (7, 100), (1, 90)]);
    }

    #[test]
    fn what_has_no_recording_is_over_after_a_moment() {
        let nothing = Announcement::of(Phrase::EchoTest).twice();
        let runs = heard(&nothing, always(Law::A));
        assert_eq!(runs, [(0, LEAD + AGAIN + TAIL)]);
        let never = Announcement { times: 0, ..nothing };
        assert_eq!(heard(&never, always(Law::A)), [(0, LEAD + TAIL)]);
    }
}
