//! Music and prompts: read from WAV files, encoded once for each codec, shared by all who listen.
//!
//! Knows: WAV, G.711. Never: who listens, since when.
use super::codec::g711::Law;
use super::resample::{RATE, resample};
use hound::{SampleFormat, WavReader};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Samples of 20 ms, the length of a packet (RFC 3551 §4.5).
pub(super) const FRAME: usize = 160;
/// Longer recordings are refused: they would take more than 29 MB.
const LONGEST: u32 = 30 * 60;

/// A recording. As music it begins again when it is over.
#[derive(Clone, Debug)]
pub struct Tune {
    /// By law; never empty.
    codes: [Arc<[u8]>; Law::ALL.len()],
}

impl Tune {
    /// Nothing to be heard.
    pub fn silence() -> Self {
        Self::encode(&[0; FRAME])
    }

    /// Reads a WAV file.
    ///
    /// # Errors
    /// What is wrong with it, with its name.
    pub fn load(path: &Path) -> Result<Self, String> {
        let named = |what: String| format!("{}: {what}", path.display());
        let file = std::fs::File::open(path).map_err(|error| named(error.to_string()))?;
        Self::read(std::io::BufReader::new(file)).map_err(named)
    }

    /// Reads WAV: one or two channels, 8 to 48 kHz, 8, 16 or 24 bits.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(wav: impl Read) -> Result<Self, String> {
        let reader = WavReader::new(wav).map_err(|error| format!("no WAV file: {error}"))?;
        let spec = reader.spec();
        if !(1..=2).contains(&spec.channels) {
            return Err(format!("{} channels: one or two are played", spec.channels));
        }
        if !(RATE..=48_000).contains(&spec.sample_rate) {
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
        let sound = resample(&mono.collect::<Vec<f32>>(), spec.sample_rate);
        if sound.is_empty() {
            return Err("nothing in it".into());
        }
        // A low-pass may swing a little over the loudest that went in; the cast takes that off.
        let samples: Vec<i16> = sound.iter().map(|sample| (sample * 32_768.0).round() as i16).collect();
        Ok(Self::encode(&samples))
    }

    fn encode(samples: &[i16]) -> Self {
        let encoded = |law: Law| {
            let mut codes = vec![law.silence(); samples.len()];
            law.encode(samples, &mut codes);
            codes.into()
        };
        Self { codes: Law::ALL.map(encoded) }
    }

    /// How many samples it has.
    pub(super) fn len(&self) -> usize {
        self.codes[0].len()
    }

    /// Copies what stands from this sample on; there must be as much.
    pub(super) fn copy(&self, law: Law, from: usize, frame: &mut [u8]) {
        frame.copy_from_slice(&self.codes[law as usize][from..from + frame.len()]);
    }

    /// Writes the 20 ms of this beat: the music goes on with the beats, whoever listens, and begins again at its end.
    pub(super) fn play(&self, law: Law, beat: u64, frame: &mut [u8]) {
        let codes = &self.codes[law as usize];
        // The remainder is smaller than a length in memory.
        let begin = (beat % codes.len() as u64 * FRAME as u64 % codes.len() as u64) as usize;
        let endless = codes[begin..].iter().chain(codes.iter().cycle());
        for (place, code) in frame.iter_mut().zip(endless) {
            *place = *code;
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
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

    /// A tune of these samples.
    pub(in crate::media) fn tune(samples: &[i16]) -> Tune {
        Tune::encode(samples)
    }

    /// What is heard on that many beats from this one on.
    fn heard(tune: &Tune, law: Law, beats: std::ops::Range<u64>) -> Vec<f32> {
        let mut frame = [0; FRAME];
        let mut sound = Vec::new();
        for beat in beats {
            tune.play(law, beat, &mut frame);
            let mut samples = [0; FRAME];
            law.decode(&frame, &mut samples);
            sound.extend(samples.map(|sample| f32::from(sample) / 32_768.0));
        }
        sound
    }

    #[test]
    fn every_kind_of_wav_is_heard_as_it_was_recorded() {
        for (rate, bits) in [(8_000, 8), (8_000, 16), (16_000, 16), (44_100, 24), (48_000, 16), (48_000, 24)] {
            for (channels, expected) in [(1, 0.5), (2, 0.25)] {
                let tune = Tune::read(&wav(channels, rate, bits, SampleFormat::Int)[..]).unwrap();
                for law in Law::ALL {
                    let loudness = loudness(&heard(&tune, law, 0..50), 440.0);
                    assert!((loudness - expected).abs() < 0.02, "{rate} Hz, {bits} bits, {law:?}: {loudness}");
                }
            }
        }
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
            let why = Tune::read(&wav[..]).unwrap_err();
            assert!(why.starts_with(expected), "{why}, not {expected}");
        }
        let why = Tune::load(Path::new("nowhere/none.wav")).unwrap_err();
        assert!(why.starts_with("nowhere/none.wav: "), "{why}");
    }

    #[test]
    fn a_tune_goes_on_from_beat_to_beat_and_round_its_end() {
        // Not a whole number of frames, and shorter than one.
        for length in [7, 160, 1_000] {
            let samples: Vec<i16> = (0..length).map(|n| n * 32).collect();
            let tune = tune(&samples);
            for law in Law::ALL {
                let (mut codes, mut there_and_back) = (vec![0; samples.len()], vec![0; samples.len()]);
                law.encode(&samples, &mut codes);
                law.decode(&codes, &mut there_and_back);
                let expected = there_and_back.iter().cycle().skip(12_345 * FRAME % samples.len());
                let expected = expected.map(|&sample| f32::from(sample) / 32_768.0);
                assert_eq!(heard(&tune, law, 12_345..12_365), expected.take(20 * FRAME).collect::<Vec<_>>());
            }
            // After more years than anything has stood.
            heard(&tune, Law::A, u64::MAX - 2..u64::MAX);
        }
    }

    #[test]
    fn silence_is_the_smallest_code() {
        let mut frame = [0; FRAME];
        for (law, code) in [(Law::Mu, 0xFF), (Law::A, 0xD5)] {
            Tune::silence().play(law, 99, &mut frame);
            assert_eq!(frame, [code; FRAME]);
        }
    }
}
