//! Conferences and codecs: nanoseconds per frame of 20 ms, and what a beat of 100 conferences of three costs.
//!
//! Fails if a beat of them takes half a core, or if any beat asks the allocator for anything. `-- budgets` does only that.
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use criterion::Criterion;
use nix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;
use switchyard::media::codec::g711::Law;
use switchyard::media::codec::g722::{Decoder, Encoder};
use switchyard::media::codec::{Live, NARROW, OCTETS, WIDE};
use switchyard::media::mixer::{Mixer, Seat};

/// Half of the 20 ms in which one core must be done with all of them.
const BUDGET: Duration = Duration::from_millis(10);
const CONFERENCES: usize = 100;
/// Beats that are measured; a voice repeats itself after so many frames.
const BEATS: usize = 500;
const FRAMES: usize = 50;
const MU: Live = Live::G711(Law::Mu);
const A: Live = Live::G711(Law::A);

fn main() -> ExitCode {
    let mut criterion = Criterion::default().configure_from_args();
    codecs(&mut criterion);
    for (what, parties) in rooms() {
        let mut room = Room::new(&parties, parties.len());
        criterion.bench_function(&format!("mixer/a beat of {what}"), |b| b.iter(|| room.beat()));
    }
    criterion.final_summary();
    if budgets() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn rooms() -> Vec<(&'static str, Vec<Live>)> {
    vec![
        ("three in G.711", vec![MU, A, MU]),
        ("three in G.722", vec![Live::G722; 3]),
        ("two in G.711 and one in G.722", vec![MU, A, Live::G722]),
        ("fifty in G.711, all speaking", vec![MU; 50]),
    ]
}

fn codecs(criterion: &mut Criterion) {
    let (samples, mut octets, mut decoded) = (voice(16_000), [0; OCTETS], [0; WIDE]);
    for law in [Law::Mu, Law::A] {
        criterion.bench_function(&format!("codec/G.711 {law:?} encode"), |b| {
            b.iter(|| law.encode(black_box(&samples[..NARROW]), black_box(&mut octets)));
        });
        criterion.bench_function(&format!("codec/G.711 {law:?} decode"), |b| {
            b.iter(|| law.decode(black_box(&octets), black_box(&mut decoded[..NARROW])));
        });
    }
    // Many frames, since an adaptive codec that hears one again and again has nothing to adapt to.
    let (mut encoder, mut frames) = (Encoder::default(), samples.chunks_exact(WIDE).cycle());
    criterion.bench_function("codec/G.722 encode", |b| {
        b.iter(|| frames.next().map(|frame| encoder.encode(frame, black_box(&mut octets))));
    });
    let coded = frames_of(Live::G722, 0);
    let (mut decoder, mut frames) = (Decoder::default(), coded.iter().cycle());
    criterion.bench_function("codec/G.722 decode", |b| {
        b.iter(|| frames.next().map(|frame| decoder.decode(frame, black_box(&mut decoded))));
    });
}

/// 100 rooms on one beat, many beats: the mean of the CPU time, which a neighbour on the machine does not lengthen by much.
fn budgets() -> bool {
    println!("{CONFERENCES} conferences: CPU time of a beat of all of them, mean of {BEATS}; allocations in all beats");
    let mut kept = true;
    for (what, parties, speaking) in [
        ("three in G.711, one speaks", vec![MU, A, MU], 1),
        ("three in G.711, all speak", vec![MU, A, MU], 3),
        ("two in G.711 and one in G.722, all speak", vec![MU, A, Live::G722], 3),
        ("three in G.722, all speak", vec![Live::G722; 3], 3),
    ] {
        let mut rooms: Vec<Room> = (0..CONFERENCES).map(|_| Room::new(&parties, speaking)).collect();
        let began = cpu_time();
        let allocations = allocation_counter::measure(|| {
            for _ in 0..BEATS {
                rooms.iter_mut().for_each(Room::beat);
            }
        });
        let beat = (cpu_time() - began) / BEATS as u32;
        // The goal is for G.711; what else there is must not be worse than a whole core.
        let budget = if parties.contains(&Live::G722) { BUDGET * 2 } else { BUDGET };
        let fits = beat < budget && allocations.count_total == 0;
        kept &= fits;
        let share = beat.as_secs_f64() / 0.02 * 100.0;
        let mark = if fits { "" } else { "  <-- OVER" };
        println!(
            "{beat:>10.1?} ({share:.1} % of a core, budget {budget:?}; {} allocations)  {what}{mark}",
            allocations.count_total
        );
    }
    kept
}

/// What this thread has had of a core so far.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// A room, and what its parties say.
struct Room {
    mixer: Mixer,
    seats: Vec<(Seat, Vec<[u8; OCTETS]>)>,
    beat: usize,
}

impl Room {
    fn new(codecs: &[Live], speaking: usize) -> Self {
        let mut mixer = Mixer::default();
        let seat = |(n, &codec): (usize, &Live)| {
            (mixer.join(codec), if n < speaking { frames_of(codec, n) } else { Vec::new() })
        };
        let seats = codecs.iter().enumerate().map(seat).collect();
        Self { mixer, seats, beat: 0 }
    }

    /// All speak, all hear.
    fn beat(&mut self) {
        self.beat = (self.beat + 1) % FRAMES;
        for (seat, frames) in &self.seats {
            if let Some(frame) = frames.get(self.beat) {
                self.mixer.hear(*seat, frame);
            }
        }
        self.mixer.beat();
        for (seat, _) in &self.seats {
            black_box(self.mixer.frame(*seat));
        }
    }
}

/// A second of something that goes up and down as speech does.
fn voice(rate: u32) -> Vec<i16> {
    let sample = |n: u32| {
        let time = f64::from(n) / f64::from(rate) * std::f64::consts::TAU;
        let harmonics: f64 = (1..20).map(f64::from).map(|k| (time * 130.0 * k + k * k).sin() / k).sum();
        (6_000.0 * harmonics * (0.55 - 0.45 * (time * 4.0).cos())) as i16
    };
    (0..rate).map(sample).collect()
}

/// The same in a codec, for each party from another point on.
fn frames_of(codec: Live, party: usize) -> Vec<[u8; OCTETS]> {
    let (rate, length) = if codec.is_wide() { (16_000, WIDE) } else { (8_000, NARROW) };
    let mut samples = voice(rate);
    samples.rotate_left(party * 17 * length % rate as usize);
    let mut encoder = Encoder::default();
    let encode = |samples: &[i16]| {
        let mut frame = [0; OCTETS];
        match codec {
            Live::G711(law) => law.encode(samples, &mut frame),
            Live::G722 => encoder.encode(samples, &mut frame),
        }
        frame
    };
    samples.chunks_exact(length).map(encode).collect()
}
