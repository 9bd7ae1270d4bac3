mod keys;
mod quality;

use super::*;
use crate::media::arrival::Discard;
use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::rc::Rc;
use std::sync::atomic::{AtomicU8, Ordering};

const ALICE: u16 = 10_000;
const BOB: u16 = 10_002;

/// What the relay told.
#[derive(Clone, Default)]
struct Notes {
    events: Rc<RefCell<Vec<MediaEvent>>>,
    passed: Rc<RefCell<Passed>>,
    qualities: Rc<RefCell<Vec<Quality>>>,
}

impl RelayListener for Notes {
    fn event(&mut self, event: MediaEvent) {
        self.events.borrow_mut().push(event);
    }

    fn passed(&mut self, passed: &Passed) {
        *self.passed.borrow_mut() = *passed;
    }

    fn reported(&mut self, quality: &Quality) {
        self.qualities.borrow_mut().push(*quality);
    }
}

/// A relay without a thread, at a virtual time; its sockets are real, and what is sent on this machine has arrived.
struct Bench {
    at: IpAddr,
    orders: Orders,
    relay: Relay<Notes>,
    notes: Notes,
    now: Duration,
}

impl Bench {
    fn new() -> Self {
        static STARTED: AtomicU8 = AtomicU8::new(64);
        let [.., high, low] = std::process::id().to_be_bytes();
        // Apart from the worker's tests.
        let at = IpAddr::from(Ipv4Addr::new(127, STARTED.fetch_add(1, Ordering::Relaxed), low, high));
        let notes = Notes::default();
        let (orders, relay) = relay(notes.clone()).unwrap();
        Self { at, orders, relay, notes, now: Duration::ZERO }
    }

    /// Everything that waits is done.
    fn settles(&mut self) {
        let mut events = [EpollEvent::empty(); EVENTS];
        loop {
            let count = self.relay.wait(&mut events, EpollTimeout::ZERO).unwrap();
            assert!(self.relay.turn(&events[..count], self.now));
            if count == 0 {
                break;
            }
        }
    }

    fn passes(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        self.settles();
    }

    fn orders(&mut self, orders: impl IntoIterator<Item = MediaOrder>) {
        orders.into_iter().for_each(|order| self.orders.put(order));
        self.settles();
    }

    /// A party whose media is relayed by `port`.
    fn party(&mut self, port: u16) -> Party {
        let party = Party::at(self.at, self.at, port);
        let order = party.order(self.at, Form::Rtp);
        self.orders([order]);
        party
    }

    fn two(&mut self) -> (Party, Party) {
        let two = (self.party(ALICE), self.party(BOB));
        self.orders([MediaOrder::Link { one: ALICE, other: BOB }]);
        two
    }

    fn says(&mut self, party: &Party, half: Half, packet: &[u8]) {
        party.socket(half).send_to(packet, party.to(half)).unwrap();
        self.settles();
    }

    /// The figures until now.
    fn passed(&mut self) -> Passed {
        self.passes(1_000);
        *self.notes.passed.borrow()
    }

    fn events(&self) -> Vec<MediaEvent> {
        std::mem::take(&mut self.notes.events.borrow_mut())
    }
}

/// A party's own sockets.
struct Party {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    relay: SocketAddr,
    port: u16,
}

impl Party {
    fn at(own: IpAddr, relay: IpAddr, port: u16) -> Self {
        let bind = || {
            let socket = UdpSocket::bind((own, 0)).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        };
        Self { rtp: bind(), rtcp: bind(), relay: (relay, port).into(), port }
    }

    fn order(&self, at: IpAddr, form: Form) -> MediaOrder {
        let far = Far { rtp: self.rtp.local_addr().unwrap(), rtcp: self.rtcp.local_addr().unwrap() };
        MediaOrder::Relay { at, port: self.port, peer: Some(far), form }
    }

    fn socket(&self, half: Half) -> &UdpSocket {
        match half {
            Half::Rtp => &self.rtp,
            Half::Rtcp => &self.rtcp,
        }
    }

    fn to(&self, half: Half) -> SocketAddr {
        SocketAddr::new(self.relay.ip(), self.relay.port() + half as u16)
    }

    /// What it has heard, and that it came from where it sends to.
    fn hears(&self, half: Half) -> Option<Vec<u8>> {
        let mut packet = [0; 65_536];
        let (length, from) = self.socket(half).recv_from(&mut packet).ok()?;
        assert_eq!(from, self.to(half));
        Some(packet[..length].to_vec())
    }
}

fn rtp(length: usize) -> Vec<u8> {
    let mut packet: Vec<u8> = (0..length).map(|n| (n * 7 % 256) as u8).collect();
    packet[..2].copy_from_slice(&[0x80, 0xE0]);
    packet
}

fn rtcp() -> Vec<u8> {
    let mut packet = rtp(60);
    packet[..4].copy_from_slice(&[0x81, 200, 0, 14]);
    packet
}

#[test]
fn what_one_says_the_other_hears_byte_for_byte() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    for length in [12, 13, 172, 1_400, 9_000, 65_000] {
        for (from, to) in [(&alice, &bob), (&bob, &alice)] {
            bench.says(from, Half::Rtp, &rtp(length));
            assert_eq!(to.hears(Half::Rtp), Some(rtp(length)), "{length}");
        }
    }
    for (from, to) in [(&alice, &bob), (&bob, &alice)] {
        bench.says(from, Half::Rtcp, &rtcp());
        assert_eq!(to.hears(Half::Rtcp), Some(rtcp()));
        // Both on one port (RFC 5761).
        bench.says(from, Half::Rtp, &rtcp());
        assert_eq!(to.hears(Half::Rtp), Some(rtcp()));
    }
    let passed = bench.passed();
    assert_eq!((passed.received, passed.sent), (passed.sent, passed.received));
    assert_eq!((passed.sent.packets, passed.discarded), (16, Discards::default()));
    assert_eq!(passed.sent.bytes, 2 * (12 + 13 + 172 + 1_400 + 9_000 + 65_000 + 60 + 60));
    assert_eq!(bench.events(), [ALICE, BOB].map(|port| MediaEvent::Heard { port }));
}

#[test]
fn many_at_once_lose_nothing_and_stay_in_order() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    for length in 12..112 {
        alice.rtp.send_to(&rtp(length), alice.to(Half::Rtp)).unwrap();
    }
    bench.settles();
    for length in 12..112 {
        assert_eq!(bob.hears(Half::Rtp).map(|packet| packet.len()), Some(length));
    }
}

/// His phone said 192.0.2.1, which nobody can reach: he is answered where he sends from, RTCP as well.
#[test]
fn a_party_behind_a_translator_is_answered_where_it_sends_from() {
    let mut bench = Bench::new();
    let alice = bench.party(ALICE);
    let bob = Party::at(bench.at, bench.at, BOB);
    let inside = |port: u16| SocketAddr::from(([127, 0, 0, 99], port));
    let far = Far { rtp: inside(4_000), rtcp: inside(4_001) };
    let order = MediaOrder::Relay { at: bench.at, port: BOB, peer: Some(far), form: Form::Rtp };
    bench.orders([order.clone(), MediaOrder::Link { one: ALICE, other: BOB }]);
    bench.says(&alice, Half::Rtp, &rtp(50));
    assert_eq!(bob.hears(Half::Rtp), None, "nobody knows where he is");
    bench.says(&bob, Half::Rtp, &rtp(60));
    bench.says(&bob, Half::Rtcp, &rtcp());
    for half in [Half::Rtp, Half::Rtcp] {
        bench.says(&alice, half, &rtcp());
        assert_eq!(bob.hears(half), Some(rtcp()));
    }
    // The same description again says nothing new.
    bench.orders([order]);
    bench.says(&alice, Half::Rtp, &rtp(70));
    assert_eq!(bob.hears(Half::Rtp), Some(rtp(70)));
}

#[test]
fn strangers_and_rubbish_are_counted_and_never_heard() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    bench.says(&alice, Half::Rtp, &rtp(172));
    assert!(bob.hears(Half::Rtp).is_some());
    let stranger = Party::at(bench.at, bench.at, ALICE);
    for half in [Half::Rtp, Half::Rtcp] {
        bench.says(&alice, half, &rtcp());
        bob.hears(half);
        bench.says(&stranger, half, &rtcp());
        bench.says(&alice, half, b"");
        bench.says(&alice, half, &[0x80]);
        bench.says(&alice, half, &[0; 500]);
        bench.says(&alice, half, &rtp(11));
    }
    // RTP where RTCP belongs.
    bench.says(&alice, Half::Rtcp, &rtp(172));
    assert_eq!((bob.hears(Half::Rtp), bob.hears(Half::Rtcp)), (None, None));
    bench.says(&bob, Half::Rtp, &rtp(90));
    assert_eq!((alice.hears(Half::Rtp), stranger.hears(Half::Rtp)), (Some(rtp(90)), None), "she is where she was");
    let discarded = bench.passed().discarded;
    assert_eq!([Discard::Stranger, Discard::Malformed].map(|why| discarded.of(why)), [2, 9]);
}

#[test]
fn a_flood_is_cut_off() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    bench.passes(7_000);
    for _ in 0..60 {
        for _ in 0..100 {
            alice.rtp.send_to(&rtp(20), alice.to(Half::Rtp)).unwrap();
        }
        bench.settles();
        while bob.hears(Half::Rtp).is_some() {}
    }
    let passed = bench.passed();
    assert_eq!((passed.received.packets, passed.discarded.of(Discard::Flood)), (5_000, 1_000));
    bench.says(&alice, Half::Rtp, &rtp(172));
    assert_eq!(bob.hears(Half::Rtp), Some(rtp(172)));
}

#[test]
fn keys_are_agreed_on_and_faxes_sent_where_the_description_has_them() {
    let mut bench = Bench::new();
    let handshake = [&[22, 254, 253][..], &[0; 40]].concat();
    for (form, passes) in [(Form::Rtp, [false, false]), (Form::Dtls, [true, false]), (Form::Other, [true, true])] {
        let (alice, bob) = bench.two();
        bench.orders([alice.order(bench.at, form), bob.order(bench.at, form)]);
        for (packet, passes) in [&handshake[..], &[0xFF, 0, 1]].into_iter().zip(passes) {
            bench.says(&alice, Half::Rtp, packet);
            assert_eq!(bob.hears(Half::Rtp), passes.then(|| packet.to_vec()), "{form:?}");
        }
        bench.orders([ALICE, BOB].map(|port| MediaOrder::EndRelay { port }));
    }
}

#[test]
fn whoever_is_linked_with_another_is_linked_with_nobody_else() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    let carol = bench.party(10_004);
    bench.orders([MediaOrder::Link { one: 10_004, other: ALICE }]);
    for (from, heard) in [(&alice, [false, false, true]), (&bob, [false; 3]), (&carol, [true, false, false])] {
        bench.says(from, Half::Rtp, &rtp(40));
        assert_eq!([&alice, &bob, &carol].map(|party| party.hears(Half::Rtp).is_some()), heard);
    }
    // Who takes a port that was closed hears nothing of what went there.
    bench.orders([MediaOrder::EndRelay { port: ALICE }]);
    let dave = bench.party(ALICE);
    bench.says(&carol, Half::Rtp, &rtp(40));
    bench.says(&dave, Half::Rtp, &rtp(40));
    assert_eq!([&alice, &carol, &dave].map(|party| party.hears(Half::Rtp)), [None, None, None]);
    // Nor does anything come of orders that are too late.
    bench.orders([MediaOrder::Link { one: 9_998, other: ALICE }, MediaOrder::EndRelay { port: 9_998 }]);
    assert_eq!(bench.relay.by_port.len(), 3);
}

#[test]
fn who_is_held_by_its_address_is_sent_nothing_until_it_resumes() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    let order = |peer| MediaOrder::Relay { at: bench.at, port: BOB, peer, form: Form::Rtp };
    let (held, resumed) = (order(None), bob.order(bench.at, Form::Rtp));
    bench.orders([held]);
    bench.says(&alice, Half::Rtp, &rtp(40));
    bench.orders([resumed]);
    assert_eq!(bob.hears(Half::Rtp), None);
    bench.says(&alice, Half::Rtp, &rtp(40));
    assert_eq!(bob.hears(Half::Rtp), Some(rtp(40)));
}

#[test]
fn who_is_not_heard_while_the_other_speaks_is_missed_once() {
    let mut bench = Bench::new();
    let (alice, _bob) = bench.two();
    for second in 0..25 {
        for _ in 0..5 {
            bench.says(&alice, Half::Rtp, &rtp(172));
        }
        bench.passes(1_000);
        let expected = match second {
            0 => vec![MediaEvent::Heard { port: ALICE }],
            9 => vec![MediaEvent::OneWay { port: BOB }],
            _ => Vec::new(),
        };
        assert_eq!(bench.events(), expected, "{second}");
    }
}

/// He is heard for a while, then only that he is there, and then nothing, in a call where she goes on speaking.
#[test]
fn who_is_heard_no_more_is_missed_once() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    for second in 0..120 {
        for _ in 0..5 {
            bench.says(&alice, Half::Rtp, &rtp(172));
        }
        match second {
            0..20 => bench.says(&bob, Half::Rtp, &rtp(172)),
            20..60 if second % 5 == 0 => bench.says(&bob, Half::Rtcp, &rtcp()),
            _ => {}
        }
        bench.passes(1_000);
        let expected = match second {
            0 => vec![MediaEvent::Heard { port: ALICE }, MediaEvent::Heard { port: BOB }],
            84 => vec![MediaEvent::OneWay { port: BOB }],
            _ => Vec::new(),
        };
        assert_eq!(bench.events(), expected, "{second}");
    }
}

#[test]
fn two_who_are_both_silent_are_not_missed() {
    let mut bench = Bench::new();
    let (alice, _bob) = bench.two();
    bench.says(&alice, Half::Rtp, &rtp(172));
    for _ in 0..30 {
        bench.passes(1_000);
    }
    assert_eq!(bench.events(), [MediaEvent::Heard { port: ALICE }]);
}

#[test]
fn a_port_that_somebody_has_is_told() {
    let mut bench = Bench::new();
    for taken in [ALICE, ALICE + 1] {
        let _held = UdpSocket::bind((bench.at, taken)).unwrap();
        let order = MediaOrder::Relay { at: bench.at, port: ALICE, peer: None, form: Form::Rtp };
        bench.orders([order]);
        assert_eq!(bench.events(), [MediaEvent::Failed { port: ALICE }]);
    }
    assert!(bench.relay.by_port.is_empty());
    bench.party(ALICE);
    assert!(bench.events().is_empty());
}

#[test]
fn the_thread_is_woken_by_what_arrives_and_ends_with_its_orders() {
    struct Nobody;
    impl RelayListener for Nobody {
        fn event(&mut self, _: MediaEvent) {}
        fn passed(&mut self, _: &Passed) {}
    }
    let (orders, relay) = relay(Nobody).unwrap();
    let thread = thread::spawn(move || relay.run().unwrap());
    let [.., high, low] = std::process::id().to_be_bytes();
    let at = IpAddr::from(Ipv4Addr::new(127, 63, low, high));
    let (alice, bob) = (Party::at(at, at, ALICE), Party::at(at, at, BOB));
    for party in [&alice, &bob] {
        party.rtp.set_nonblocking(false).unwrap();
        party.rtp.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        orders.put(party.order(at, Form::Rtp));
    }
    orders.put(MediaOrder::Link { one: ALICE, other: BOB });
    // Until the ports are bound what is sent there is lost, and the sender told so.
    while alice.rtp.send_to(&rtp(20), alice.to(Half::Rtp)).is_err() || bob.rtp.peek(&mut [0]).is_err() {}
    while bob.hears(Half::Rtp).is_some_and(|packet| packet.len() != 30) {
        alice.rtp.send_to(&rtp(30), alice.to(Half::Rtp)).unwrap();
    }
    bob.rtp.send_to(&rtp(40), bob.to(Half::Rtp)).unwrap();
    assert_eq!(alice.hears(Half::Rtp), Some(rtp(40)));
    drop(orders);
    thread.join().unwrap();
}

/// A flood from elsewhere takes nothing from what the party may send, nor its place.
#[test]
fn a_strangers_flood_harms_nobody() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    let stranger = Party::at(IpAddr::from([127, 9, 9, 9]), bench.at, ALICE);
    for _ in 0..6 {
        bench.says(&alice, Half::Rtp, &rtp(172));
    }
    while bob.hears(Half::Rtp).is_some() {}
    let mut heard = 0;
    for _ in 0..3 {
        bench.passes(1_000);
        for _ in 0..5_001 {
            stranger.rtp.send_to(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], alice.to(Half::Rtp)).unwrap();
            bench.settles();
        }
        bench.says(&alice, Half::Rtp, &rtp(172));
        heard += usize::from(bob.hears(Half::Rtp) == Some(rtp(172)));
    }
    bench.passes(1_000);
    bench.says(&stranger, Half::Rtp, &rtp(99));
    let robbed = std::iter::from_fn(|| bob.hears(Half::Rtp)).any(|packet| packet == rtp(99));
    assert_eq!((heard, robbed), (3, false));
}
