//! Music and prompts: read from WAV files, encoded once for each codec, shared by all who listen.
//!
//! ```text
//! WAV ─► one channel at its own rate ─► resampled, whole frames ─► G.711      at once
//!                                                    ╰───────────► G.722, Opus   when somebody first speaks them
//! ```
//! However a recording is encoded it has the same frames, so that it has one timeline whoever listens.
//!
//! Knows: WAV, codecs. Never: who listens, since when.
#[cfg(feature = "opus")]
use super::codec::opus;
use super::codec::{self, BEATS, OCTETS, WIDEST, g722};
use super::resample::resample;
use hound::{SampleFormat, WavReader};
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use switchyard_engine::settings::Codec;

/// The slowest that is played, samples a second.
const SLOWEST: u32 = 8_000;
/// Longer recordings are refused: they would take more than 100 MB, and twice as much with Opus.
const LONGEST: u32 = 30 * 60;
/// An encoder that remembers hears so many frames of the end before the beginning, so that nobody hears a seam where the
/// music begins again.
const BEFORE: usize = 10;

/// A recording. As music it begins again when it is over.
#[derive(Clone, Debug)]
pub struct Tune(Arc<Recording>);

/// What comes after the end of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Its beginning: it is music.
    Itself,
    /// Something else: it is a prompt.
    Silence,
}

#[derive(Debug)]
struct Recording {
    /// One channel, never empty.
    samples: Box<[i16]>,
    /// So many of them a second.
    rate: u32,
    after: After,
    /// How many frames it is: never none.
    frames: usize,
    /// By codec, where that was done.
    encoded: [OnceLock<Frames>; Codec::ALL.len()],
}

/// Frames of one codec, all equally long.
#[derive(Debug)]
struct Frames {
    octets: Box<[u8]>,
    length: usize,
}

impl Tune {
    /// Nothing to be heard.
    pub fn silence() -> Self {
        let samples = [0; (SLOWEST / BEATS) as usize].into();
        let encoded = std::array::from_fn(|codec| OnceLock::from(Frames::silence(Codec::ALL[codec], 1)));
        Self(Arc::new(Recording { samples, rate: SLOWEST, after: After::Itself, frames: 1, encoded }))
    }

    /// Reads a WAV file.
    ///
    /// # Errors
    /// What is wrong with it, with its name.
    pub fn load(path: &Path, after: After) -> Result<Self, String> {
        let named = |what: String| format!("{}: {what}", path.display());
        let file = std::fs::File::open(path).map_err(|error| named(error.to_string()))?;
        Self::read(std::io::BufReader::new(file), after).map_err(named)
    }

    /// Reads WAV: one or two channels, 8 to 48 kHz, 8, 16 or 24 bits.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(wav: impl Read, after: After) -> Result<Self, String> {
        let reader = WavReader::new(wav).map_err(|error| format!("no WAV file: {error}"))?;
        let spec = reader.spec();
        if !(1..=2).contains(&spec.channels) {
            return Err(format!("{} channels: one or two are played", spec.channels));
        }
        if !(SLOWEST..=48_000).contains(&spec.sample_rate) {
            return Err(format!("{} Hz: 8000 to 48000 are played", spec.sample_rate));
        }
        if spec.sample_format != SampleFormat::Int || ![8, 16, 24].contains(&spec.bits_per_sample) {
            let kind = if spec.sample_format == SampleFormat::Int { "whole numbers" } else { "fractions" };
            return Err(format!("{kind} of {} bits: whole numbers of 8, 16 or 24 are played", spec.bits_per_sample));
        }
        if reader.duration() / spec.sample_rate >= LONGEST {
            return Err(format!("longer than {} minutes", LONGEST / 60));
        }
        let full = f32::from(spec.channels) * (1u32 << (spec.bits_per_sample - 1)) as f32;
        let samples: Result<Vec<i32>, _> = reader.into_samples::<i32>().collect();
        let samples = samples.map_err(|error| format!("cut off or damaged: {error}"))?;
        // Both channels together: a telephone has one.
        let mono = samples.chunks_exact(spec.channels.into()).map(|both| both.iter().sum::<i32>() as f32 / full);
        let rate = spec.sample_rate.min(WIDEST);
        let sound = resample(&mono.collect::<Vec<f32>>(), spec.sample_rate, rate);
        if sound.is_empty() {
            return Err("nothing in it".into());
        }
        Ok(Self::new(whole(&sound), rate, after))
    }

    /// Of at least one sample. By G.711 it can be heard at once.
    fn new(samples: Box<[i16]>, rate: u32, after: After) -> Self {
        let frames = (samples.len() * BEATS as usize).div_ceil(rate as usize);
        let tune = Self(Arc::new(Recording { samples, rate, after, frames, encoded: Default::default() }));
        [Codec::Pcmu, Codec::Pcma].into_iter().for_each(|codec| tune.encode(codec));
        tune
    }

    /// Encodes it, if that has not been done. Takes some milliseconds for each second of it.
    pub(super) fn encode(&self, codec: Codec) {
        self.0.encoded[codec as usize].get_or_init(|| self.0.encode(codec));
    }

    /// How many frames of 20 ms it has.
    pub(super) fn len(&self) -> usize {
        self.0.frames
    }

    /// One of its frames; nothing if it has not been encoded so, or is shorter.
    pub(super) fn frame(&self, codec: Codec, number: usize) -> Option<&[u8]> {
        let Frames { octets, length } = self.0.encoded[codec as usize].get()?;
        octets.get(number * length..(number + 1) * length)
    }

    /// The 20 ms of this beat: the music goes on with the beats, whoever listens, and begins again at its end. Until it has
    /// been encoded it is silent.
    pub(super) fn play(&self, codec: Codec, beat: u64) -> &[u8] {
        // The remainder is smaller than a length in memory.
        let number = (beat % self.len() as u64) as usize;
        self.frame(codec, number).unwrap_or_else(|| codec::silence(codec))
    }
}

impl Recording {
    fn encode(&self, codec: Codec) -> Frames {
        let samples = self.fit(codec::rate(codec));
        let frame = samples.len() / self.frames;
        let before: Vec<i16> = {
            // Of a short one the end is heard more than once.
            let begin = (self.frames - BEFORE % self.frames) % self.frames * frame;
            samples.iter().cycle().skip(begin).take(BEFORE * frame).copied().collect()
        };
        let mut octets = vec![0; self.frames * OCTETS];
        match codec {
            Codec::Pcmu | Codec::Pcma => {
                if let Some(law) = codec::law(codec) {
                    law.encode(&samples, &mut octets);
                }
            }
            Codec::G722 => {
                let mut encoder = g722::Encoder::default();
                encoder.encode(&before, &mut [0; BEFORE * OCTETS]);
                encoder.encode(&samples, &mut octets);
            }
            #[cfg(feature = "opus")]
            Codec::Opus => {
                if let Some(octets) = opus::encode(&before, &samples) {
                    return Frames { octets, length: opus::OCTETS };
                }
                tracing::error!("Opus cannot be encoded: what should be heard in it is silent");
                return Frames::silence(codec, self.frames);
            }
            #[cfg(not(feature = "opus"))]
            Codec::Opus => return Frames::silence(codec, self.frames),
        }
        Frames { octets: octets.into(), length: OCTETS }
    }

    /// At another rate, and filled up to whole frames: with silence, or else on the last few milliseconds its beginning is
    /// heard already, and fades into what leads to it.
    fn fit(&self, rate: u32) -> Box<[i16]> {
        let sound: Vec<f32> = self.samples.iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
        let mut sound = resample(&sound, self.rate, rate);
        let (count, wanted) = (sound.len(), self.frames * (rate / BEATS) as usize);
        let missing = wanted.saturating_sub(count);
        for n in 0..missing {
            let fill = match self.after {
                After::Itself if count > 0 => {
                    let share = (n + 1) as f32 / (missing + 1) as f32;
                    let lead = (count * (missing / count + 1) + n - missing) % count;
                    sound[n % count] * (1.0 - share) + sound[lead] * share
                }
                After::Itself | After::Silence => 0.0,
            };
            sound.push(fill);
        }
        sound.truncate(wanted);
        whole(&sound)
    }
}

impl Frames {
    fn silence(codec: Codec, count: usize) -> Self {
        let silence = codec::silence(codec);
        Self { octets: silence.repeat(count).into(), length: silence.len() }
    }
}

/// In 16 bits. A low-pass may swing a little over the loudest that went in; the cast takes that off.
fn whole(sound: &[f32]) -> Box<[i16]> {
    sound.iter().map(|sample| (sample * 32_768.0).round() as i16).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::codec::sound::{power, tone};
    use super::super::resample::tests::{loudness, sine};
    use super::*;
    use hound::{WavSpec, WavWriter};
    use std::io::Cursor;

    /// A second of 440 Hz, as a WAV file; on two channels it is on one of them.
    fn wav(channels: u16, sample_rate: u32, bits_per_sample: u16, sample_format: SampleFormat) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let spec = WavSpec { channels, sample_rate, bits_per_sample, sample_format };
        let mut writer = WavWriter::new(&mut file, spec).unwrap();
        for sample in sine(440.0, sample_rate) {
            for channel in 0..channels {
                let sample = if channel == 0 { sample } else { 0.0 };
                match sample_format {
                    SampleFormat::Int => {
                        writer.write_sample((sample * ((1u32 << (bits_per_sample - 1)) - 1) as f32) as i32).unwrap()
                    }
                    SampleFormat::Float => writer.write_sample(sample).unwrap(),
                }
            }
        }
        writer.finalize().unwrap();
        file.into_inner()
    }

    /// A tune of these samples, at 8 kHz.
    pub(in crate::media) fn tune(samples: &[i16]) -> Tune {
        Tune::new(samples.into(), 8_000, After::Silence)
    }

    /// Decodes one frame after the other, as a phone does.
    pub(in crate::media) struct Ear {
        codec: Codec,
        g722: g722::Decoder,
        #[cfg(feature = "opus")]
        opus: ropus::Decoder,
    }

    impl Ear {
        pub(in crate::media) fn new(codec: Codec) -> Self {
            Self {
                codec,
                g722: g722::Decoder::default(),
                #[cfg(feature = "opus")]
                opus: ropus::Decoder::new(opus::RATE, ropus::Channels::Mono).unwrap(),
            }
        }

        pub(in crate::media) fn hear(&mut self, frame: &[u8]) -> Vec<i16> {
            let mut samples = vec![0; (codec::rate(self.codec) / BEATS) as usize];
            match self.codec {
                Codec::Pcmu | Codec::Pcma => codec::law(self.codec).unwrap().decode(frame, &mut samples),
                Codec::G722 => self.g722.decode(frame, &mut samples),
                #[cfg(feature = "opus")]
                Codec::Opus => {
                    let count = self.opus.decode(frame, &mut samples, ropus::DecodeMode::Normal).unwrap();
                    assert_eq!(count, samples.len());
                }
                #[cfg(not(feature = "opus"))]
                Codec::Opus => panic!("not spoken"),
            }
            samples
        }
    }

    /// What is heard on that many beats from this one on.
    fn heard(tune: &Tune, codec: Codec, beats: std::ops::Range<u64>) -> Vec<f32> {
        tune.encode(codec);
        let mut ear = Ear::new(codec);
        let samples = beats.flat_map(|beat| ear.hear(tune.play(codec, beat)));
        samples.map(|sample| f32::from(sample) / 32_768.0).collect()
    }

    #[test]
    fn every_kind_of_wav_is_heard_as_it_was_recorded_by_every_codec() {
        for (rate, bits) in [(8_000, 8), (8_000, 16), (16_000, 16), (44_100, 24), (48_000, 16), (48_000, 24)] {
            for (channels, expected) in [(1, 0.5), (2, 0.25)] {
                let tune = Tune::read(&wav(channels, rate, bits, SampleFormat::Int)[..], After::Itself).unwrap();
                assert_eq!(tune.len(), 50);
                for codec in codec::spoken() {
                    // From the middle on: who comes has heard nothing before, and after a moment all is well.
                    let sound = heard(&tune, codec, 27..77);
                    let sound = &sound[sound.len() / 10..];
                    let loudness = loudness(sound, 440.0, codec::rate(codec));
                    assert!((loudness - expected).abs() < 0.02, "{rate} Hz, {bits} bits, {codec:?}: {loudness}");
                }
            }
        }
    }

    /// What only a wide codec carries is there, and there only.
    #[test]
    fn wide_codecs_are_encoded_from_the_recordings_own_rate() {
        let samples: Vec<i16> = sine(5_500.0, 44_100).iter().map(|sample| (sample * 32_768.0) as i16).collect();
        let tune = Tune::new(samples.into(), 44_100, After::Itself);
        for codec in codec::spoken() {
            let loudness = loudness(&heard(&tune, codec, 0..50), 5_500.0, codec::rate(codec));
            let expected = if codec::law(codec).is_some() { 0.0 } else { 0.5 };
            assert!((loudness - expected).abs() < 0.05, "{codec:?}: {loudness}");
        }
    }

    /// A sine that is whole in a second goes on where the music begins again: what is left without it is as quiet there as
    /// everywhere.
    #[test]
    fn nobody_hears_where_the_music_begins_again() {
        let tune = Tune::new(tone(8_000, 440.0, 12_000.0, 8_000).into(), 8_000, After::Itself);
        for codec in codec::spoken() {
            let sound = heard(&tune, codec, 0..150);
            let frame = sound.len() / 150;
            // Five frames are 44 periods: what is heard then is the same.
            let differs = |from: usize| {
                let pairs = sound[from..from + frame].iter().zip(&sound[from + 5 * frame..]);
                let differences: Vec<i16> = pairs.map(|(one, other)| ((one - other) * 32_768.0) as i16).collect();
                power(&differences).sqrt()
            };
            for beat in 20..90 {
                assert!(differs(beat * frame) < 500.0, "{codec:?} on beat {beat}: {}", differs(beat * frame));
            }
        }
    }

    #[test]
    fn what_is_no_whole_number_of_frames_is_filled_up() {
        let level = |samples: usize, after| Tune::new(vec![8_000; samples].into(), 8_000, after);
        for (samples, frames) in [(1, 1), (7, 1), (160, 1), (161, 2), (1_000, 7)] {
            for codec in codec::spoken() {
                let about = |sound: &[f32]| -> Vec<i32> {
                    let rate = codec::rate(codec) as usize / 8_000;
                    sound.iter().step_by(rate).map(|sample| (sample * 4.096).round() as i32).collect()
                };
                let prompt = level(samples, After::Silence);
                assert_eq!(prompt.len(), frames);
                if codec::law(codec).is_some() {
                    let sound = about(&heard(&prompt, codec, 0..frames as u64));
                    assert!(sound[..samples].iter().all(|sample| *sample == 1), "{samples} {codec:?}");
                    assert!(sound[samples..].iter().all(|sample| *sample == 0), "{samples} {codec:?}");
                }
                // What is always the same stays so, again and again.
                let sound = about(&heard(&level(samples, After::Itself), codec, 0..100)[..]);
                let later = &sound[sound.len() / 2..];
                assert!(
                    codec == Codec::Opus || later.iter().all(|sample| *sample == 1),
                    "{samples} {codec:?}: {later:?}"
                );
            }
        }
    }

    #[test]
    fn a_tune_is_silent_until_it_is_encoded_and_a_frame_after_the_last_is_none() {
        let tune = tune(&[8_000; 1_600]);
        for codec in [Codec::G722, Codec::Opus] {
            assert_eq!((tune.frame(codec, 0), tune.play(codec, 3)), (None, codec::silence(codec)));
        }
        tune.encode(Codec::G722);
        assert_ne!(tune.play(Codec::G722, 3), codec::silence(Codec::G722));
        assert!(tune.frame(Codec::G722, 9).is_some() && tune.frame(Codec::G722, 10).is_none());
        // After more years than anything has stood.
        assert_eq!(tune.play(Codec::G722, u64::MAX), tune.play(Codec::G722, u64::MAX % 10));
    }

    #[test]
    fn what_cannot_be_played_says_why() {
        let good = wav(1, 8_000, 16, SampleFormat::Int);
        let table = [
            (b"ID3 and so on".to_vec(), "no WAV file: "),
            (Vec::new(), "no WAV file: "),
            (good[..1_001].to_vec(), "cut off or damaged: "),
            (good[..44].iter().enumerate().map(|(i, &b)| if i >= 40 { 0 } else { b }).collect(), "nothing in it"),
            (wav(3, 8_000, 16, SampleFormat::Int), "3 channels: one or two are played"),
            (wav(1, 7_999, 16, SampleFormat::Int), "7999 Hz: 8000 to 48000 are played"),
            (wav(1, 96_000, 16, SampleFormat::Int), "96000 Hz: 8000 to 48000 are played"),
            (wav(1, 8_000, 32, SampleFormat::Float), "fractions of 32 bits: whole numbers of 8, 16 or 24 are played"),
            (wav(1, 8_000, 32, SampleFormat::Int), "whole numbers of 32 bits: whole numbers of 8, 16 or 24 are played"),
        ];
        for (wav, expected) in table {
            let why = Tune::read(&wav[..], After::Itself).unwrap_err();
            assert!(why.starts_with(expected), "{why}, not {expected}");
        }
        let why = Tune::load(Path::new("nowhere/none.wav"), After::Itself).unwrap_err();
        assert!(why.starts_with("nowhere/none.wav: "), "{why}");
    }

    #[test]
    fn silence_is_the_smallest_code() {
        for (codec, code) in [(Codec::Pcmu, 0xFF), (Codec::Pcma, 0xD5)] {
            assert_eq!(Tune::silence().play(codec, 99), [code; OCTETS]);
        }
        for codec in codec::spoken() {
            assert!(heard(&Tune::silence(), codec, 0..50).iter().all(|sample| sample.abs() < 0.001), "{codec:?}");
        }
    }
}
