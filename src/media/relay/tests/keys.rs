//! Keys in the stream: taken out of it, played into it, and nothing of that can be told from the numbers.
use super::*;
use crate::media::telephone_event::{Generator, Report};

const EVENTS: u8 = 101;
const SOURCE: u32 = 0x0A0B_0C0D;

/// Alice, who sends a packet every 20 ms, as sound or as a key.
struct Speaker {
    number: u16,
    time: u32,
}

/// What Bob hears of a packet: number, time, payload type, and the report if it is a key's.
type Row = (u16, u32, u8, Option<(u8, bool, u16)>);

fn packet(kind: u8, number: u16, time: u32, payload: &[u8]) -> Vec<u8> {
    let head = [&[0x80, kind][..], &number.to_be_bytes(), &time.to_be_bytes(), &SOURCE.to_be_bytes()].concat();
    [&head[..], payload].concat()
}

fn row(packet: &[u8]) -> Row {
    assert_eq!(packet[8..12], SOURCE.to_be_bytes());
    let kind = packet[1] & 0x7F;
    let report = packet[12..].first_chunk().filter(|_| kind == EVENTS).map(|payload| Report::read(*payload));
    let report = report.map(|report| (report.event, report.end, report.duration));
    let (number, time) = (packet[2..].first_chunk().unwrap(), packet[4..].first_chunk().unwrap());
    (u16::from_be_bytes(*number), u32::from_be_bytes(*time), kind, report)
}

impl Speaker {
    fn new() -> Self {
        Self { number: 65_530, time: 4_000_000_000 }
    }

    fn next(&mut self) -> (u16, u32) {
        let now = (self.number, self.time);
        (self.number, self.time) = (self.number.wrapping_add(1), self.time.wrapping_add(160));
        now
    }

    fn speaks(&mut self, bench: &mut Bench, party: &Party, beats: usize) {
        for _ in 0..beats {
            let (number, time) = self.next();
            bench.says(party, Half::Rtp, &packet(0, number, time, &[0xD5; 160]));
            bench.passes(20);
        }
    }

    fn presses(&mut self, bench: &mut Bench, party: &Party, key: char, ticks: u32) {
        for key in Generator::new(Digit::of_char(key).unwrap(), self.time, ticks, 10) {
            let kind = if key.marker { 0x80 | EVENTS } else { EVENTS };
            let (number, _) = self.next();
            bench.says(party, Half::Rtp, &packet(kind, number, key.timestamp, &key.payload));
            bench.passes(20);
        }
    }
}

fn keys(kept: bool) -> MediaOrder {
    MediaOrder::Keys { port: ALICE, events: Some(EVENTS), kept }
}

fn press(key: u8, millis: u16) -> MediaOrder {
    MediaOrder::Press { port: ALICE, key, millis }
}

fn hears(party: &Party) -> Vec<Row> {
    std::iter::from_fn(|| party.hears(Half::Rtp)).map(|packet| row(&packet)).collect()
}

fn numbers(rows: &[Row]) -> Vec<u16> {
    rows.iter().map(|row| row.0).collect()
}

fn in_a_row(rows: &[Row]) -> bool {
    rows.windows(2).all(|two| two[1].0 == two[0].0.wrapping_add(1))
}

fn pressed(bench: &Bench) -> Vec<(char, u16)> {
    let told = bench.events().into_iter().filter_map(|event| {
        if let MediaEvent::Pressed { port: ALICE, key, millis } = event { Some((key.into(), millis)) } else { None }
    });
    told.collect()
}

#[test]
fn a_key_that_is_taken_out_is_told_and_leaves_no_gap() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    bench.orders([keys(true)]);
    let mut speaker = Speaker::new();
    speaker.speaks(&mut bench, &alice, 4);
    speaker.presses(&mut bench, &alice, '#', 960);
    assert_eq!(pressed(&bench), [('#', 120)]);
    speaker.speaks(&mut bench, &alice, 4);
    speaker.presses(&mut bench, &alice, '7', 800);
    assert_eq!(pressed(&bench), [('7', 100)], "once");
    speaker.speaks(&mut bench, &alice, 2);
    let heard = hears(&bob);
    assert_eq!((heard.len(), in_a_row(&heard)), (10, true), "{:?}", numbers(&heard));
    assert!(heard.iter().all(|row| row.3.is_none()));
    // What Bob says passes as it is.
    bench.says(&bob, Half::Rtp, &rtp(172));
    assert_eq!(alice.hears(Half::Rtp), Some(rtp(172)));
    assert_eq!(pressed(&bench), []);
}

/// The ends of the key were lost, and nothing follows it.
#[test]
fn a_key_that_nobody_hears_the_end_of_is_over_all_the_same() {
    let mut bench = Bench::new();
    let (alice, _bob) = bench.two();
    bench.orders([keys(true)]);
    for duration in [160, 320, 480] {
        let report = Report { event: 5, end: false, volume: 10, duration };
        bench.says(&alice, Half::Rtp, &packet(EVENTS, duration / 160, 1_000, &report.write()));
    }
    assert_eq!(pressed(&bench), []);
    bench.passes(1_000);
    assert_eq!(pressed(&bench), [('5', 60)]);
}

#[test]
fn a_key_is_played_in_the_place_of_the_sound() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    bench.orders([keys(false)]);
    let mut speaker = Speaker::new();
    speaker.speaks(&mut bench, &alice, 4);
    bench.orders([press(b'5', 100), press(b'*', 60)]);
    speaker.speaks(&mut bench, &alice, 24);
    let heard = hears(&bob);
    assert!(in_a_row(&heard), "{:?}", numbers(&heard));
    let played: Vec<_> = heard.iter().filter_map(|row| row.3).collect();
    let five = [(5, false, 160), (5, false, 320), (5, false, 480), (5, false, 640), (5, true, 800)];
    let star = [(10, false, 160), (10, false, 320), (10, true, 480)];
    let ended = |row| [row; 2];
    assert_eq!(played, [&five[..], &ended(five[4]), &star[..], &ended(star[2])].concat());
    // Each at one time of its own, which is the stream's.
    let times = |event| heard.iter().filter(move |row| row.3.is_some_and(|key| key.0 == event)).map(|row| row.1);
    let begun = [5, 10].map(|event| times(event).next().unwrap());
    assert!(times(5).all(|time| time == begun[0]) && times(10).all(|time| time == begun[1]));
    let first = 4_000_000_000_u32;
    let after = begun.map(|begun| begun.wrapping_sub(first) / 160);
    assert_eq!(after[0], 4);
    assert!((11..16).contains(&after[1]), "{after:?}");
    // Between them she is heard.
    let place = |event| heard.iter().position(|row| row.3.is_some_and(|key| key.0 == event)).unwrap();
    assert!(heard[place(5)..place(10)].iter().any(|row| row.2 == 0));
    assert_eq!(heard.last().unwrap().2, 0);
    // Her own pass as well, for none are kept.
    speaker.presses(&mut bench, &alice, '9', 480);
    let heard = hears(&bob);
    assert_eq!((heard.len(), heard[0].3, pressed(&bench)), (5, Some((9, false, 160)), vec![]));
}

/// What was taken out is let go: all of it together is one stream.
#[test]
fn keys_that_are_let_go_are_heard_once() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    bench.orders([keys(true)]);
    let mut speaker = Speaker::new();
    for key in "#1".chars() {
        speaker.speaks(&mut bench, &alice, 3);
        speaker.presses(&mut bench, &alice, key, 800);
    }
    for (key, millis) in pressed(&bench) {
        bench.orders([press(key as u8, millis)]);
    }
    speaker.speaks(&mut bench, &alice, 30);
    let heard = hears(&bob);
    assert!(in_a_row(&heard), "{:?}", numbers(&heard));
    let ends: Vec<_> = heard.iter().filter_map(|row| row.3).filter(|key| key.1).collect();
    assert_eq!(ends, [[(11, true, 800); 3], [(1, true, 800); 3]].concat());
}

/// Nothing was heard from her yet, or nothing is any more.
#[test]
fn who_is_silent_can_press_keys() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    bench.orders([keys(false), press(b'1', 100)]);
    for _ in 0..20 {
        bench.passes(20);
    }
    let heard: Vec<_> = std::iter::from_fn(|| bob.hears(Half::Rtp)).collect();
    assert_eq!(heard.len(), 7);
    assert!(heard.iter().all(|packet| packet[8..12] == heard[0][8..12] && packet[1] & 0x7F == EVENTS));
    let mut speaker = Speaker::new();
    speaker.speaks(&mut bench, &alice, 2);
    assert_eq!(numbers(&hears(&bob)), [65_530, 65_531], "her own numbers");
    bench.passes(500);
    bench.orders([press(b'2', 100)]);
    for _ in 0..20 {
        bench.passes(20);
    }
    let heard = hears(&bob);
    assert_eq!((heard.len(), heard[0].1.wrapping_sub(4_000_000_000)), (7, 160 + 520 * 8));
}

#[test]
fn keys_for_somebody_else_are_not_played_to_whoever_comes() {
    let mut bench = Bench::new();
    let (_alice, bob) = bench.two();
    let carol = bench.party(10_004);
    bench.orders([keys(true), press(b'1', 100), press(b'2', 100)]);
    bench.orders([MediaOrder::Link { one: ALICE, other: 10_004 }]);
    for _ in 0..30 {
        bench.passes(20);
    }
    assert_eq!((std::iter::from_fn(|| bob.hears(Half::Rtp)).count(), carol.hears(Half::Rtp)), (1, None));
    assert!(bench.relay.playing.is_empty());
    // Nor those of a port that is closed, or whose keys are nobody's affair any more.
    bench.orders([press(b'1', 100), MediaOrder::Keys { port: ALICE, events: None, kept: false }, press(b'1', 100)]);
    bench.orders([MediaOrder::EndRelay { port: ALICE }, press(b'1', 100)]);
    bench.passes(100);
    assert_eq!(carol.hears(Half::Rtp), None);
}

#[test]
fn more_keys_than_anybody_presses_are_counted() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    bench.orders([keys(true)]);
    for number in 0..40_u16 {
        let report = Report { event: 3, end: true, volume: 10, duration: 400 };
        bench.says(&alice, Half::Rtp, &packet(EVENTS, number, u32::from(number) * 1_000, &report.write()));
    }
    assert_eq!((pressed(&bench).len(), hears(&bob).len()), (25, 0));
    bench.orders((0..40).map(|_| press(b'1', 100)));
    assert_eq!(bench.passed().discarded.of(Discard::Flood), 15 + 40 - 32);
}

/// A packet that was overtaken keeps the place that it had.
#[test]
fn what_comes_late_is_numbered_as_it_would_have_been() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    bench.orders([keys(true)]);
    let sound = |number| packet(0, number, u32::from(number) * 160, &[0xD5; 160]);
    let report = Report { event: 3, end: true, volume: 10, duration: 400 };
    let key = |number| packet(EVENTS, number, 160, &report.write());
    for packet in [sound(1), key(3), key(4), sound(2), key(4), sound(6), sound(5), sound(7)] {
        bench.says(&alice, Half::Rtp, &packet);
    }
    assert_eq!(numbers(&hears(&bob)), [1, 2, 4, 3, 5]);
}

/// The numbers have gone round once since a key was taken out, and are in a row all the while.
#[test]
fn long_after_a_key_the_numbers_are_in_a_row() {
    use crate::media::relay::keys::{Keys, Verdict};
    let mut keys = Keys::new();
    keys.are(Some(EVENTS), true);
    let (mut number, mut time, mut last) = (100u16, 0u32, None::<u16>);
    let mut broken = Vec::new();
    let mut now = Duration::ZERO;
    for n in 0..70_000u32 {
        let kind = if (10..20).contains(&n) { EVENTS } else { 0 };
        let payload = Report { event: 5, end: n == 19, volume: 10, duration: (n * 160).min(2_000) as u16 }.write();
        let at = if kind == EVENTS { 1_600 } else { time };
        let mut bytes = packet(kind, number, at, &payload);
        if keys.hears(&mut bytes, now, |_, _| {}) == Verdict::Passes {
            let out = u16::from_be_bytes([bytes[2], bytes[3]]);
            if let Some(last) = last
                && out != last.wrapping_add(1)
            {
                broken.push((n, last, out));
            }
            last = Some(out);
        }
        number = number.wrapping_add(1);
        time = time.wrapping_add(160);
        now += Duration::from_millis(20);
    }
    assert_eq!(broken, []);
}
