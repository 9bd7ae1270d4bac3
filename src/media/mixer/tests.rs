use super::*;
use crate::media::codec::sound::{power, snr, speech, tone};
use switchyard_engine::base::Rng;

const MU: Live = Live::G711(Law::Mu);
const A: Live = Live::G711(Law::A);
const G722: Live = Live::G722;

/// A telephone: what it says is encoded, what it hears is decoded and kept.
struct Phone {
    seat: Seat,
    codec: Live,
    ends: Wideband,
    heard: Vec<i16>,
    frames: Vec<[u8; OCTETS]>,
}

impl Phone {
    fn join(room: &mut Mixer, codec: Live) -> Self {
        Self { seat: room.join(codec), codec, ends: Wideband::default(), heard: Vec::new(), frames: Vec::new() }
    }

    fn say(&mut self, room: &mut Mixer, samples: &[i16]) {
        let mut frame = [0; OCTETS];
        match self.codec {
            Live::G711(law) => law.encode(samples, &mut frame),
            Live::G722 => self.ends.encoder.encode(samples, &mut frame),
        }
        room.hear(self.seat, &frame);
    }

    fn listen(&mut self, room: &Mixer) {
        let frame = room.frame(self.seat).unwrap();
        let mut samples = [0; WIDE];
        let length = match self.codec {
            Live::G711(law) => {
                law.decode(frame, &mut samples[..NARROW]);
                NARROW
            }
            Live::G722 => {
                self.ends.decoder.decode(frame, &mut samples);
                WIDE
            }
        };
        self.heard.extend(&samples[..length]);
        self.frames.push(*frame);
    }

    fn frame_length(&self) -> usize {
        if self.codec.is_wide() { WIDE } else { NARROW }
    }
}

/// So many beats in which each phone says its part, if it has one.
fn talk(room: &mut Mixer, phones: &mut [Phone], parts: &[&[i16]], beats: usize) -> Work {
    let mut work = Work::default();
    for beat in 0..beats {
        for (phone, part) in phones.iter_mut().zip(parts) {
            let length = phone.frame_length();
            if let Some(samples) = part.get(beat * length..(beat + 1) * length) {
                phone.say(room, samples);
            }
        }
        work = room.beat();
        for phone in phones.iter_mut() {
            phone.listen(room);
        }
    }
    work
}

/// What a sample is after a law.
fn coded(law: Law, samples: &[i16]) -> Vec<i16> {
    let (mut octets, mut values) = (vec![0; samples.len()], vec![0; samples.len()]);
    law.encode(samples, &mut octets);
    law.decode(&octets, &mut values);
    values
}

#[test]
fn each_hears_exactly_all_the_others() {
    let mut rng = Rng::new([1; 32]);
    let mut room = Mixer::default();
    let laws: Vec<Law> = (0..9).map(|n| if n % 3 == 0 { Law::A } else { Law::Mu }).collect();
    let mut phones: Vec<Phone> = laws.iter().map(|&law| Phone::join(&mut room, Live::G711(law))).collect();
    for beat in 0..80 {
        // Who says nothing on this beat: anybody, and sometimes everybody.
        let mut said = vec![vec![0_i16; NARROW]; phones.len()];
        for (phone, said) in phones.iter_mut().zip(&mut said) {
            if rng.below(4) < beat % 4 {
                let loudness = 1 << rng.below(16);
                said.fill_with(|| (rng.below(2 * loudness) as i32 - loudness as i32).clamp(-32_768, 32_767) as i16);
                phone.say(&mut room, said);
            }
        }
        room.beat();
        let voices: Vec<Vec<i16>> = said.iter().zip(&laws).map(|(said, &law)| coded(law, said)).collect();
        // What is no louder than A-law's zero is nobody's voice.
        let heard: Vec<bool> =
            voices.iter().map(|voice| voice.iter().any(|sample| sample.unsigned_abs() > 8)).collect();
        for (listener, phone) in phones.iter().enumerate() {
            let others = |at: usize| -> i32 {
                let speakers = (0..voices.len()).filter(|&n| n != listener && heard[n]);
                speakers.map(|n| i32::from(voices[n][at])).sum()
            };
            let mix: Vec<i16> = (0..NARROW).map(|at| others(at).clamp(-32_768, 32_767) as i16).collect();
            let mut expected = [0; OCTETS];
            laws[listener].encode(&mix, &mut expected);
            assert_eq!(room.frame(phone.seat), Some(&expected), "beat {beat}, party {listener}");
        }
    }
}

#[test]
fn alone_one_hears_silence_and_not_oneself() {
    for (codec, loudest) in [(MU, 0), (A, 8), (G722, 8)] {
        let mut room = Mixer::default();
        let mut phones = [Phone::join(&mut room, codec)];
        let part = speech(if codec.is_wide() { 16_000 } else { 8_000 }, 20_000.0, 32_000);
        talk(&mut room, &mut phones, &[&part], 50);
        assert!(phones[0].heard.iter().all(|sample| sample.abs() <= loudest), "{codec:?}");
    }
}

#[test]
fn a_party_is_as_loud_as_its_gain_says() {
    let part = speech(8_000, 6_000.0, 8_000);
    for (decibels, expected) in [(-20.0, 0.01), (-10.0, 0.1), (0.0, 1.0), (6.0, 3.981)] {
        let mut room = Mixer::default();
        let mut phones = [Phone::join(&mut room, A), Phone::join(&mut room, MU)];
        room.set_gain(phones[0].seat, Gain::of_decibels(decibels));
        talk(&mut room, &mut phones, &[&part], 50);
        let ratio = power(&phones[1].heard[NARROW..]) / power(&part[NARROW..]);
        // Two laws' steps on the way.
        assert!((ratio / expected - 1.0_f64).abs() < 0.05, "{decibels} dB: {ratio}");
    }
}

#[test]
fn muting_glides_for_a_frame_and_then_costs_nothing() {
    let part = tone(8_000, 200.0, 8_000.0, 8_000);
    let mut room = Mixer::default();
    let mut phones = [Phone::join(&mut room, MU), Phone::join(&mut room, MU)];
    talk(&mut room, &mut phones, &[&part], 2);
    room.set_gain(phones[0].seat, Gain::MUTE);
    let work = talk(&mut room, &mut phones, &[&part], 1);
    assert_eq!(work, Work { mixed: 1, encoded: 2 });
    let gliding = &phones[1].heard[2 * NARROW..];
    // 200 Hz at 8 000 moves by at most 1 257 a sample; μ-law adds its own steps.
    assert!(gliding.windows(2).all(|pair| pair[0].abs_diff(pair[1]) < 1_600), "{gliding:?}");
    assert!(power(&gliding[..40]) > 1e7 && power(&gliding[150..]) < 1e6);
    let work = talk(&mut room, &mut phones, &[&part], 1);
    assert_eq!(work, Work { mixed: 0, encoded: 1 });
    assert!(phones[1].heard[3 * NARROW..].iter().all(|&sample| sample == 0));
}

#[test]
fn fifty_parties_at_full_scale_are_loud_and_nothing_more() {
    for codec in Live::ALL {
        let mut room = Mixer::default();
        let mut phones: Vec<Phone> = (0..50).map(|n| Phone::join(&mut room, if n < 25 { codec } else { MU })).collect();
        for phone in &phones {
            room.set_gain(phone.seat, Gain::of_decibels(24.0));
        }
        // In step with each other, all of it: a square wave of 100 Hz, at either rate.
        let square = |rate: usize| -> Vec<i16> {
            (0..rate).map(|n| if (n * 200 / rate).is_multiple_of(2) { i16::MAX } else { i16::MIN }).collect()
        };
        let (narrow, wide) = (square(8_000), square(16_000));
        let parts: Vec<&[i16]> =
            phones.iter().map(|phone| if phone.codec.is_wide() { &*wide } else { &narrow }).collect();
        talk(&mut room, &mut phones, &parts, 20);
        for phone in &phones {
            let (settled, half) = (&phone.heard[phone.heard.len() / 2..], phone.frame_length() / 4);
            let full = settled.iter().filter(|sample| sample.unsigned_abs() > 31_000).count();
            // At full scale but for the edges, and where narrow and wide voices are not in step by a filter's delay.
            assert!(full * 10 > settled.len() * 8, "{:?}: {full} of {}", phone.codec, settled.len());
            // Nothing wrapped: where all are narrow, it crosses zero no more often than the wave does.
            let crossings = settled.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
            assert!(codec.is_wide() || crossings <= settled.len() / half, "{:?}: {crossings}", phone.codec);
        }
    }
}

#[test]
fn who_comes_and_goes_is_heard_while_here_and_changes_nothing_before_or_after() {
    for guest_codec in Live::ALL {
        let (part, guests) = (speech(8_000, 8_000.0, 16_000), tone(16_000, 440.0, 8_000.0, 16_000));
        let play = |visit: bool| {
            let mut room = Mixer::default();
            let mut phones = vec![Phone::join(&mut room, MU), Phone::join(&mut room, A)];
            talk(&mut room, &mut phones, &[&part], 5);
            let guest = Phone::join(&mut room, guest_codec);
            phones.push(guest);
            talk(&mut room, &mut phones, &[&part, &[], if visit { &guests } else { &[] }], 10);
            room.leave(phones.pop().unwrap().seat);
            talk(&mut room, &mut phones, &[&part], 10);
            phones
        };
        let (with, without) = (play(true), play(false));
        for (with, without) in with.iter().zip(&without) {
            assert_eq!(with.frames[..5], without.frames[..5]);
            assert!(with.frames[5..15].iter().zip(&without.frames[5..15]).all(|(with, without)| with != without));
            // The last of a wide guest is still in the filter when it goes: 1.4 ms of the next frame.
            let tail = usize::from(guest_codec.is_wide());
            assert_eq!(with.frames[15][24 * tail..], without.frames[15][24 * tail..], "{guest_codec:?}");
            assert_eq!(with.frames[16..], without.frames[16..], "{guest_codec:?}");
        }
    }
}

#[test]
fn a_seat_is_never_somebody_elses() {
    let mut room = Mixer::default();
    let gone = room.join(MU);
    room.leave(gone);
    let here = room.join(A);
    room.leave(gone);
    room.hear(gone, &[0; OCTETS]);
    room.set_gain(gone, Gain::MUTE);
    assert_eq!((room.beat(), room.len(), room.is_empty()), (Work { mixed: 0, encoded: 1 }, 1, false));
    assert_eq!((room.frame(gone), room.frame(here)), (None, Some(&[0xD5; OCTETS])));
}

#[test]
fn listeners_share_one_frame_a_codec_and_the_silent_cost_nothing() {
    let mut room = Mixer::default();
    let mut phones: Vec<Phone> = (0..30).map(|n| Phone::join(&mut room, Live::ALL[n % 3])).collect();
    // The wide ones have just come: each is encoded for by itself until its decoder is where the others' are.
    assert_eq!(talk(&mut room, &mut phones, &[], 1), Work { mixed: 0, encoded: 12 });
    assert_eq!(talk(&mut room, &mut phones, &[], 30), Work { mixed: 0, encoded: 3 });
    let part = speech(8_000, 8_000.0, 8_000);
    assert_eq!(talk(&mut room, &mut phones, &[&part], 10), Work { mixed: 1, encoded: 4 });
    // Whoever sends digital silence is silent, in either law.
    let hush = vec![0; 8_000];
    assert_eq!(talk(&mut room, &mut phones, &[&hush, &hush], 10), Work { mixed: 0, encoded: 3 });
}

#[test]
fn wide_parties_hear_each_other_wide_and_all_hear_all() {
    let mut room = Mixer::default();
    let codecs = [MU, A, G722, G722];
    let mut phones: Vec<Phone> = codecs.iter().map(|&codec| Phone::join(&mut room, codec)).collect();
    let (low, high) = (tone(16_000, 1_000.0, 6_000.0, 32_000), tone(16_000, 5_500.0, 4_000.0, 32_000));
    let wide: Vec<i16> = low.iter().zip(&high).map(|(low, high)| low + high).collect();
    talk(&mut room, &mut phones, &[&[], &[], &wide], 100);
    let settled = |phone: &Phone| phone.heard[phone.heard.len() / 2..].to_vec();
    // The other wide one hears both tones.
    let heard = settled(&phones[3]);
    assert!((power(&heard) / power(&wide) - 1.0).abs() < 0.1, "{}", power(&heard) / power(&wide));
    // The narrow ones hear the low one only, not the high one folded down to 2.5 kHz.
    for phone in &phones[..2] {
        let heard = settled(phone);
        assert!((power(&heard) / power(&low) - 1.0).abs() < 0.05);
        let noise = left_of(&heard, 8_000.0, 1_000.0);
        assert!(noise < power(&heard) / 1_000.0, "{} dB", 10.0 * (power(&heard) / noise).log10());
    }
    // And who speaks hears nothing of it.
    assert!(settled(&phones[2]).iter().all(|sample| sample.abs() <= 8));
    // Narrow to wide: the tone, and no image of it at 7 kHz.
    let narrow = tone(8_000, 1_000.0, 6_000.0, 16_000);
    talk(&mut room, &mut phones, &[&narrow], 100);
    for phone in &phones[2..] {
        let heard = &phone.heard[phone.heard.len() - 16_000..];
        assert!((power(heard) / power(&narrow) - 1.0).abs() < 0.05);
        let noise = left_of(heard, 16_000.0, 1_000.0);
        assert!(noise < power(heard) / 1_000.0, "{} dB", 10.0 * (power(heard) / noise).log10());
    }
}

/// The power that is left when a tone is taken out.
fn left_of(samples: &[i16], rate: f64, hertz: f64) -> f64 {
    let (mut cosine, mut sine) = (0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        let angle = std::f64::consts::TAU * hertz * n as f64 / rate;
        cosine += f64::from(sample) * angle.cos();
        sine += f64::from(sample) * angle.sin();
    }
    power(samples) - 2.0 * (cosine * cosine + sine * sine) / (samples.len() as f64).powi(2)
}

/// Whoever begins to speak, and whoever falls silent, hears on without noise although another encoder speaks to it now.
#[test]
fn a_wide_listener_changes_from_shared_to_own_frames_unheard() {
    let mut room = Mixer::default();
    let mut phones: Vec<Phone> = (0..4).map(|_| Phone::join(&mut room, G722)).collect();
    let (voice, short) = (speech(16_000, 10_000.0, 5 * 16_000), tone(16_000, 700.0, 5_000.0, 16_000));
    // The first speaks all the time. The second says something in the third second, and listens again.
    for second in 0..5 {
        let part = &voice[second * 16_000..(second + 1) * 16_000];
        let parts: [&[i16]; 2] = [part, if second == 2 { &short } else { &[] }];
        talk(&mut room, &mut phones, &parts, 50);
    }
    // Band filters: of the speaker's phone, of the room's ears, of the room's mouth, of the listener's phone.
    let delay = 2 * 22;
    let mut worst = f64::MAX;
    for at in (8_000..5 * 16_000 - 1_600).step_by(1_600) {
        worst = worst.min(snr(&voice[at..at + 1_600], &phones[1].heard[at + delay..at + delay + 1_600]));
    }
    assert!(worst > 25.0, "{worst} dB");
    // The third only listened; from when both had settled, it heard the first, and the second on top.
    assert!(phones[2].frames[150..] == phones[3].frames[150..]);
    assert!(phones[1].frames[200..] == phones[3].frames[200..]);
}
