use super::super::arrival::Discard;
use super::super::codec::g711::Law;
use super::super::codec::{OCTETS as FRAME, law};
use super::super::reception::Losses;
use super::super::rtp::{HEAD, PACKET};
use super::super::tune::tests::tune;
use super::*;
use socket2::SockRef;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use switchyard_engine::base::text::Number;
use switchyard_engine::settings::MusicNo;
use switchyard_engine::wire::media::{Announcement, Phrase, Sound, Ticket};

mod codecs;
mod reports;
mod speech;

/// A second of a tune whose every frame is another.
const BEATS: u32 = 50;
const PATIENCE: Duration = Duration::from_secs(10);
/// Below those that phones get from the system.
const PORT: u16 = 10_000;

/// What the worker told.
struct Notes(Sender<MediaEvent>, Sender<Played>, Sender<Quality>);

impl Listener for Notes {
    fn event(&mut self, event: MediaEvent) {
        self.0.send(event).unwrap();
    }

    fn played(&mut self, played: &Played) {
        self.1.send(*played).unwrap();
    }

    fn reported(&mut self, quality: &Quality) {
        self.2.send(*quality).unwrap();
    }
}

struct Running {
    /// An address that no other test uses.
    at: IpAddr,
    orders: Orders,
    events: Receiver<MediaEvent>,
    played: Receiver<Played>,
    reported: Receiver<Quality>,
    thread: JoinHandle<()>,
}

impl Running {
    fn start() -> Self {
        static STARTED: AtomicU8 = AtomicU8::new(64);
        let [.., high, low] = std::process::id().to_be_bytes();
        let at = IpAddr::from(Ipv4Addr::new(127, STARTED.fetch_add(1, Ordering::Relaxed), high, low));
        let ((event, events), (beat, played), (report, reported)) = (channel(), channel(), channel());
        let music = vec![tune(&samples()), tune(&[25_000; FRAME])];
        let (orders, worker) = worker(music, prompts(), Notes(event, beat, report)).unwrap();
        let thread = std::thread::spawn(move || worker.run().unwrap());
        Self { at, orders, events, played, reported, thread }
    }

    fn phone(&self) -> UdpSocket {
        let phone = UdpSocket::bind((self.at, 0)).unwrap();
        phone.set_read_timeout(Some(PATIENCE)).unwrap();
        // A phone of many listeners that has to wait for its turn on a busy machine loses nothing.
        SockRef::from(&phone).set_recv_buffer_size(1 << 20).unwrap();
        phone
    }

    /// A phone at just that port.
    fn phone_at(&self, port: u16) -> UdpSocket {
        let phone = UdpSocket::bind((self.at, port)).unwrap();
        phone.set_read_timeout(Some(PATIENCE)).unwrap();
        phone
    }

    fn opens(&self, port: u16, peer: &UdpSocket, payload_type: u8) {
        let (peer, voice) = (peer.local_addr().ok(), voice(payload_type));
        self.orders.put(MediaOrder::Open { at: self.at, port, peer, voice, events: Some(101) });
    }

    fn redirects(&self, port: u16, peer: Option<&UdpSocket>, payload_type: u8) {
        let peer = peer.and_then(|peer| peer.local_addr().ok());
        self.orders.put(MediaOrder::Redirect { port, peer, voice: voice(payload_type), events: Some(101) });
    }

    /// Awaits that many beats; tells what they were.
    fn beats(&self, count: usize) -> Vec<Played> {
        let past = self.played.try_iter().count();
        (0..past + count).skip(past).map(|_| self.played.recv_timeout(PATIENCE).unwrap()).collect()
    }

    fn stop(self) {
        drop(self.orders);
        self.thread.join().unwrap();
    }
}

/// What that number stands for; 98 is Opus.
fn voice(payload_type: u8) -> Voice {
    Voice { codec: Codec::of_payload_type(payload_type).unwrap_or(Codec::Opus), payload_type }
}

/// The law of a packet.
fn law_of(payload_type: u8) -> Law {
    law(voice(payload_type).codec).unwrap()
}

/// Each frame louder than the one before, so that it tells where in the tune it stands.
fn samples() -> Vec<i16> {
    (0..BEATS).flat_map(|beat| [loudness(beat); FRAME]).collect()
}

/// In steps of 8 %: both laws tell them apart.
fn loudness(beat: u32) -> i16 {
    (500.0 * 1.08f64.powi(beat as i32)) as i16
}

/// A packet as a phone takes it.
#[derive(Clone, Debug)]
struct Heard {
    from: u16,
    marker: bool,
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    source: u32,
    /// Which frame of the tune.
    place: u32,
}

fn hear(phone: &UdpSocket) -> Heard {
    next(phone).unwrap()
}

fn next(phone: &UdpSocket) -> Option<Heard> {
    let mut packet = [0; 500];
    let (length, from) = phone.recv_from(&mut packet).ok()?;
    assert_eq!((length, packet[0]), (PACKET, 0x80));
    let payload_type = packet[1] & 0x7F;
    let word = |at: usize| u32::from_be_bytes(packet[at..at + 4].try_into().unwrap());
    let law = law_of(payload_type);
    let mut frame = [0; FRAME];
    let place = (0..BEATS).find(|&beat| {
        law.encode(&[loudness(beat); FRAME], &mut frame);
        packet[HEAD..length] == frame
    });
    Some(Heard {
        from: from.port(),
        marker: packet[1] & 0x80 != 0,
        payload_type,
        sequence: word(0) as u16,
        timestamp: word(4),
        source: word(8),
        place: place.expect("a frame of the tune"),
    })
}

/// Everything that has come to a phone.
fn heard(phone: &UdpSocket) -> Vec<Heard> {
    phone.set_nonblocking(true).unwrap();
    std::iter::from_fn(|| next(phone)).collect()
}

/// The second follows the first as one stream, and is as far on in the tune as in time; tells how many beats.
fn goes_on(first: &Heard, second: &Heard) -> u32 {
    assert_eq!(second.source, first.source);
    assert_eq!(second.sequence, first.sequence.wrapping_add(1));
    assert!(!second.marker);
    let ticks = second.timestamp.wrapping_sub(first.timestamp);
    assert!(ticks > 0 && ticks.is_multiple_of(FRAME as u32), "{ticks} ticks later");
    assert_eq!(second.place, (first.place + ticks / 160) % BEATS);
    ticks / 160
}

#[test]
fn a_phone_hears_the_tune_from_the_ordered_port() {
    let running = Running::start();
    let alice = running.phone();
    running.opens(PORT, &alice, 0);
    let mut last = hear(&alice);
    assert_eq!((last.from, last.payload_type, last.marker), (PORT, 0, true));
    // Once round and a little more.
    for _ in 0..BEATS + 5 {
        let next = hear(&alice);
        goes_on(&last, &next);
        last = next;
    }
    let at = running.at;
    running.stop();
    assert!(UdpSocket::bind((at, PORT)).is_ok());
}

#[test]
fn the_music_goes_on_through_redirects_other_codecs_and_nobody() {
    let running = Running::start();
    let (alice, elsewhere) = (running.phone(), running.phone());
    running.opens(PORT, &alice, 0);
    running.beats(3);
    for (peer, payload_type) in [(Some(&alice), 8), (Some(&elsewhere), 8), (None, 8), (Some(&alice), 0)] {
        running.redirects(PORT, peer, payload_type);
        running.beats(5);
    }
    running.stop();
    let (alice, elsewhere) = (heard(&alice), heard(&elsewhere));
    let mut all = [&alice[..], &elsewhere[..]].concat();
    let first = alice[0].clone();
    all.sort_by_key(|heard| heard.sequence.wrapping_sub(first.sequence));
    let steps: Vec<u32> = all.windows(2).map(|pair| goes_on(&pair[0], &pair[1])).collect();
    // While there was nobody to play to, the tune went on.
    assert!(steps.iter().any(|&beats| beats >= 4), "{steps:?}");
    let mut codecs: Vec<u8> = all.iter().map(|heard| heard.payload_type).collect();
    codecs.dedup();
    assert_eq!(codecs, [0, 8, 0]);
    assert!(elsewhere.len() >= 3 && elsewhere.iter().all(|heard| heard.payload_type == 8));
}

#[test]
fn all_hear_the_same_at_the_same_time() {
    let running = Running::start();
    let (alice, bob) = (running.phone(), running.phone());
    running.opens(PORT, &alice, 0);
    running.beats(7);
    running.opens(PORT + 2, &bob, 8);
    running.beats(3);
    running.stop();
    let (alice, bob) = (heard(&alice), heard(&bob));
    // The last beat that Bob heard whole was one that Alice heard as well.
    let places = |heard: &[Heard]| -> Vec<u32> { heard.iter().rev().take(2).map(|heard| heard.place).collect() };
    assert_eq!(places(&alice), places(&bob));
    assert_ne!(alice[0].source, bob[0].source);
    assert!(alice[0].marker && bob[0].marker && bob.len() < alice.len());
}

#[test]
fn a_peer_is_played_to_where_it_is() {
    let running = Running::start();
    let (told, real, moved) = (running.phone(), running.phone(), running.phone());
    running.opens(PORT, &told, 0);
    let first = hear(&told);
    // The peer shows itself elsewhere: it is answered there; something that is no RTP changes nothing.
    let mut rtp = [0; 172];
    rtp[0] = 0x80;
    real.send_to(&rtp, (running.at, PORT)).unwrap();
    let there = hear(&real);
    assert_eq!((there.from, there.source, there.marker), (PORT, first.source, false));
    told.send_to(b"hello", (running.at, PORT)).unwrap();
    told.send_to(b"", (running.at, PORT)).unwrap();
    told.send_to(&rtp, (running.at, PORT + 1)).unwrap();
    // Nor does a codec that nobody agreed on, or somebody else when the peer has been heard for a while.
    let mut other_codec = rtp;
    other_codec[1] = 18;
    real.send_to(&other_codec, (running.at, PORT)).unwrap();
    (0..5).for_each(|_| assert!(real.send_to(&rtp, (running.at, PORT)).is_ok()));
    moved.send_to(&rtp, (running.at, PORT)).unwrap();
    let beats = running.beats(2);
    heard(&told);
    let why = |why| beats.iter().map(|played| played.discarded.of(why)).sum::<u64>();
    assert_eq!([Discard::Malformed, Discard::PayloadType, Discard::Stranger].map(why), [3, 1, 1]);
    let received: u64 = running.beats(3).iter().map(|played| played.received.packets).sum();
    assert_eq!(received, 0);
    assert!(heard(&told).is_empty() && heard(&moved).is_empty());
    // The same place again says nothing new; another one does.
    heard(&real);
    running.redirects(PORT, Some(&told), 8);
    running.beats(2);
    assert_eq!(heard(&real).last().unwrap().payload_type, 8);
    running.redirects(PORT, Some(&moved), 0);
    running.beats(2);
    assert_eq!(heard(&moved)[0].payload_type, 0);
    running.stop();
}

#[test]
fn a_port_that_is_taken_is_reported_and_a_closed_one_is_free() {
    let running = Running::start();
    let (taken, phone) = (running.phone(), running.phone());
    let port = taken.local_addr().unwrap().port();
    running.opens(port, &phone, 0);
    assert_eq!(running.events.recv_timeout(PATIENCE).unwrap(), MediaEvent::Failed { port });
    running.opens(PORT, &phone, 0);
    let before = hear(&phone);
    running.orders.put(MediaOrder::Close { port: PORT });
    running.opens(PORT, &phone, 8);
    let after = std::iter::from_fn(|| next(&phone)).find(|heard| heard.payload_type == 8).unwrap();
    assert!(after.marker && after.source != before.source);
    running.stop();
}

#[test]
fn nobody_who_cannot_be_reached_silences_the_others() {
    let running = Running::start();
    let alice = running.phone();
    // IPv6 from an IPv4 socket fails at once; a port where nobody listens is told of later.
    for (port, peer) in [(PORT, "[::1]:9"), (PORT + 2, "127.0.0.1:9")] {
        running.orders.put(MediaOrder::Open {
            at: running.at,
            port,
            peer: peer.parse().ok(),
            voice: voice(0),
            events: Some(101),
        });
    }
    running.opens(PORT + 4, &alice, 0);
    hear(&alice);
    let played = running.beats(5);
    assert!(played.iter().all(|played| played.sent.packets == 2 && played.sent.bytes == 2 * PACKET as u64));
    // What could not be reached is played to as soon as it can be.
    running.redirects(PORT, Some(&running.phone()), 0);
    running.beats(1);
    assert_eq!(running.beats(1)[0].sent.packets, 3);
    running.stop();
}

#[test]
fn two_hundred_listeners_hear_fifty_packets_a_second_each() {
    const PHONES: u16 = 8;
    const LISTENERS: u16 = 25;
    let running = Running::start();
    let phones: Vec<UdpSocket> = (0..PHONES).map(|_| running.phone()).collect();
    for n in 0..PHONES * LISTENERS {
        running.opens(PORT + 2 * n, &phones[usize::from(n / LISTENERS)], 8 * (n % 2) as u8);
    }
    std::thread::scope(|scope| {
        for phone in &phones {
            scope.spawn(|| {
                let mut by_port: BTreeMap<u16, Vec<Heard>> = BTreeMap::new();
                for _ in 0..LISTENERS as u32 * BEATS {
                    let heard = hear(phone);
                    by_port.entry(heard.from).or_default().push(heard);
                }
                assert_eq!(by_port.len(), usize::from(LISTENERS));
                for heard in by_port.values() {
                    // Those who came first heard a few beats more.
                    assert!(heard.len().abs_diff(BEATS as usize) <= 10, "{}", heard.len());
                    heard.windows(2).for_each(|pair| assert!(goes_on(&pair[0], &pair[1]) > 0));
                }
            });
        }
    });
    running.stop();
}

/// A prompt whose every frame is another, and none is one of the tune's: louder than all of them.
fn prompts() -> Prompts {
    Prompts::gather(|name| match name {
        "parked-on" => Some(tune(&[[30_000; FRAME]; 3].concat())),
        "7" => Some(tune(&[[-30_000; FRAME]; 2].concat())),
        _ => None,
    })
}

/// A port that is watched tells once that nothing comes any more; sound and reports are signs of life.
#[test]
fn a_port_that_falls_silent_is_told_once() {
    let running = Running::start();
    let [silent, speaking, reporting] = [0, 2, 4].map(|place| (running.phone(), PORT + place));
    for (phone, port) in [&silent, &speaking, &reporting] {
        running.opens(*port, phone, 0);
        let silence = Duration::from_millis(if *port == PORT { 200 } else { 1_000 });
        running.orders.put(MediaOrder::Watch { port: *port, silence });
    }
    let sound = [&[0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9][..], &[0xFF; FRAME]].concat();
    let report = [0x80, 201, 0, 1, 0, 0, 0, 9];
    for _ in 0..60 {
        speaking.0.send_to(&sound, (running.at, speaking.1)).unwrap();
        reporting.0.send_to(&report, (running.at, reporting.1 + 1)).unwrap();
        running.beats(1);
    }
    let told: Vec<_> = running.events.try_iter().collect();
    assert_eq!(told, [MediaEvent::Silent { port: PORT }]);
    running.stop();
}

/// Keys come as events, each in several packets, some of which are lost; each is told once.
#[test]
fn keys_are_told_once_each() {
    let running = Running::start();
    let phone = running.phone();
    running.opens(PORT, &phone, 0);
    hear(&phone);
    let event = |key: u8, sequence: u16, timestamp: u32, end: u8, payload_type: u8| {
        let mut packet = vec![0x80, payload_type, 0, 0, 0, 0, 0, 0, 7, 7, 7, 7, key, end << 7 | 10, 0, 160];
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
        phone.send_to(&packet, (running.at, PORT)).unwrap();
    };
    for (sequence, end) in [(1, 0), (2, 0), (4, 1), (4, 1)] {
        event(5, sequence, 1_000, end, 101);
    }
    event(11, 7, 3_000, 1, 101);
    // Another payload type was agreed on.
    event(9, 8, 5_000, 0, 102);
    let mut pressed = Vec::new();
    while pressed.len() < 2 {
        if let MediaEvent::Pressed { port, key, .. } = running.events.recv_timeout(PATIENCE).unwrap() {
            pressed.push((port, char::from(key)));
        }
    }
    running.beats(2);
    pressed.extend(running.events.try_iter().map(|_| (0, ' ')));
    assert_eq!(pressed, [(PORT, '5'), (PORT, '#')]);
    running.stop();
}

/// Sixteen keys in a packet, as fast as it can: whoever works for all calls hears of no more than anybody presses.
#[test]
fn a_flood_of_keys_is_cut_off() {
    let running = Running::start();
    let phone = running.phone();
    running.opens(PORT, &phone, 0);
    hear(&phone);
    for n in 0..20u16 {
        let mut packet = vec![0x80, 101, 0, 0, 0, 0, 0, 0, 7, 7, 7, 7];
        packet[2..4].copy_from_slice(&n.to_be_bytes());
        packet[4..8].copy_from_slice(&(u32::from(n) * 2_560).to_be_bytes());
        packet.extend((0..16).flat_map(|key| [key, 0x8A, 0, 160]));
        phone.send_to(&packet, (running.at, PORT)).unwrap();
    }
    let beats = (0..12).map(|_| running.played.recv_timeout(PATIENCE).unwrap());
    let discarded: u64 = beats.map(|played| played.discarded.of(Discard::Flood)).sum();
    // The second may have changed in between.
    assert!((18..=19).contains(&discarded), "{discarded}");
    assert!([25, 50].contains(&running.events.try_iter().count()));
    running.stop();
}
