//! Prompts: what is said to people, put together from short recordings.
//!
//! Knows: recordings by their names, what an announcement is made of. Never: who hears it, when, by which packets.
use super::codec;
use super::tune::Tune;
use std::collections::HashMap;
use switchyard_engine::settings::Codec;
use switchyard_engine::wire::media::{Announcement, Phrase};

/// Between a thing said and the same thing said again, in frames.
const AGAIN: usize = 100;
/// Before the first word: a phone that was just told where to listen may miss a packet or two.
const LEAD: usize = 5;
/// After the last word: what a phone keeps back against jitter is heard as well before anybody is told that it was.
const TAIL: usize = 10;
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

    /// All recordings.
    pub(super) fn tunes(&self) -> impl Iterator<Item = &Tune> {
        self.phrases.values().chain(self.signs.values())
    }

    /// How long a number is, spelt, in frames; nothing if none of it can be said.
    #[cfg(test)]
    pub(crate) fn frames(&self, number: &str) -> Option<usize> {
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
        Speech { parts, part: 0, frame: 0 }
    }
}

#[derive(Clone, Debug)]
enum Part {
    Clip(Tune),
    /// So many frames.
    Pause(usize),
}

/// Something that is being said. It waits for nobody: a beat that was missed makes it longer, and takes no word out. Nor
/// does a codec that nobody has spoken yet: what is not encoded now is said a moment later.
#[derive(Clone, Debug)]
pub(super) struct Speech {
    parts: Vec<Part>,
    /// Which of them comes next, and from which frame on.
    part: usize,
    frame: usize,
}

impl Speech {
    /// The frame that comes next, and silence after the end.
    pub(super) fn next(&mut self, codec: Codec) -> &[u8] {
        let length = match self.parts.get(self.part) {
            Some(Part::Clip(tune)) if tune.frame(codec, self.frame).is_none() => return codec::silence(codec),
            Some(Part::Clip(tune)) => tune.len(),
            Some(Part::Pause(frames)) => *frames,
            None => return codec::silence(codec),
        };
        let (part, frame) = (self.part, self.frame);
        self.frame += 1;
        if self.frame >= length {
            (self.part, self.frame) = (self.part + 1, 0);
        }
        match &self.parts[part] {
            Part::Clip(tune) => tune.frame(codec, frame),
            Part::Pause(_) => None,
        }
        .unwrap_or_else(|| codec::silence(codec))
    }

    /// Whether all of it was written.
    pub(super) fn is_over(&self) -> bool {
        self.part == self.parts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::codec::OCTETS;
    use super::super::codec::law;
    use super::super::tune::tests::tune;
    use super::*;
    use switchyard_engine::base::text;

    const LAWS: [Codec; 2] = [Codec::Pcmu, Codec::Pcma];

    /// So many frames, this loud.
    fn clip(loudness: i16, frames: usize) -> Tune {
        tune(&vec![loudness; frames * OCTETS])
    }

    /// Every recording is a sound of its own, so that what is heard can be read.
    fn prompts() -> Prompts {
        Prompts::gather(|name| match name {
            "parked-on" => Some(clip(20_000, 3)),
            "7" => Some(clip(7_000, 2)),
            "1" => Some(clip(1_000, 1)),
            "a" => Some(clip(3_000, 1)),
            "star" => Some(clip(5_000, 1)),
            _ => None,
        })
    }

    /// What is heard, as (about which sample, how many frames of them).
    fn heard(announcement: &Announcement, codecs: impl Iterator<Item = Codec>) -> Vec<(i32, usize)> {
        let mut speech = prompts().speech(announcement);
        let mut runs: Vec<(i32, usize)> = Vec::new();
        for codec in codecs {
            if speech.is_over() {
                return runs;
            }
            let mut samples = [0; OCTETS];
            law(codec).unwrap().decode(speech.next(codec), &mut samples);
            assert!(samples.iter().all(|sample| *sample == samples[0]), "one sound a frame");
            let about = (f64::from(samples[0]) / 1_000.0).round() as i32;
            match runs.last_mut().filter(|(last, _)| *last == about) {
                Some((_, count)) => *count += 1,
                None => runs.push((about, 1)),
            }
        }
        panic!("it never ends: {runs:?}");
    }

    fn always(codec: Codec) -> impl Iterator<Item = Codec> {
        std::iter::repeat_n(codec, 1_000)
    }

    #[test]
    fn word_follows_word_without_a_gap() {
        let parked = Announcement::with(Phrase::ParkedOn, text::cut("7-17"));
        for codec in LAWS {
            let runs = heard(&parked, always(codec));
            let words = [(0, LEAD), (20, 3), (7, 2), (1, 1), (7, 2), (0, TAIL)];
            assert_eq!(runs, words, "a hyphen has no sound");
        }
        let spelt = Announcement::with(Phrase::YourNumberIs, text::cut("*A"));
        let runs = heard(&spelt, always(Codec::Pcma));
        assert_eq!(runs[1..3], [(5, 1), (3, 1)], "no recording of the phrase: only the number");
    }

    #[test]
    fn twice_is_two_seconds_apart() {
        let twice = Announcement::with(Phrase::ParkedOn, text::cut("7")).twice();
        let runs = heard(&twice, always(Codec::Pcmu));
        assert_eq!(runs[1..6], [(20, 3), (7, 2), (0, AGAIN), (20, 3), (7, 2)]);
    }

    #[test]
    fn another_codec_in_the_middle_of_a_word_takes_nothing_away() {
        let parked = Announcement::with(Phrase::ParkedOn, text::cut("71"));
        let changing = (0..1_000).map(|n| LAWS[n % 2]);
        assert_eq!(heard(&parked, changing)[1..4], [(20, 3), (7, 2), (1, 1)]);
    }

    /// In a codec that nobody has spoken before, the first word comes when it can, and none is lost.
    #[test]
    fn what_is_not_encoded_yet_is_waited_for() {
        let prompts = prompts();
        let mut speech = prompts.speech(&Announcement::with(Phrase::ParkedOn, text::cut("7")));
        let silence = codec::silence(Codec::G722);
        assert!((0..100).all(|_| speech.next(Codec::G722) == silence) && !speech.is_over());
        prompts.tunes().for_each(|tune| tune.encode(Codec::G722));
        let words = [prompts.phrases["parked-on"].clone(), prompts.signs[&'7'].clone()];
        for tune in &words {
            for n in 0..tune.len() {
                assert_eq!(Some(speech.next(Codec::G722)), tune.frame(Codec::G722, n));
            }
        }
        assert!((0..TAIL).all(|_| speech.next(Codec::G722) == silence) && speech.is_over());
    }

    #[test]
    fn what_has_no_recording_is_over_after_a_moment() {
        let nothing = Announcement::of(Phrase::EchoTest).twice();
        let runs = heard(&nothing, always(Codec::Pcma));
        assert_eq!(runs, [(0, LEAD + AGAIN + TAIL)]);
        let never = Announcement { times: 0, ..nothing };
        assert_eq!(heard(&never, always(Codec::Pcma)), [(0, LEAD + TAIL)]);
    }
}
