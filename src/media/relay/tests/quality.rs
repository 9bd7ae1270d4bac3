//! How well streams come in, and that the way to who is sent nothing stays open.
use super::*;

fn packet(kind: u8, number: u16, time: u32) -> Vec<u8> {
    let mut packet = [&[0x80, kind][..], &number.to_be_bytes(), &time.to_be_bytes(), &[7; 4]].concat();
    packet.resize(172, 0xD5);
    packet
}

/// Alice sends these, one every 20 ms; what is told of it when she is gone.
fn told(packets: impl IntoIterator<Item = Vec<u8>>) -> (Losses, Vec<Quality>) {
    let mut bench = Bench::new();
    let (alice, _bob) = bench.two();
    for packet in packets {
        bench.says(&alice, Half::Rtp, &packet);
        bench.passes(20);
    }
    bench.orders([ALICE, BOB].map(|port| MediaOrder::EndRelay { port }));
    let losses = bench.notes.passed.borrow().losses;
    (losses, bench.notes.qualities.take())
}

#[test]
fn what_is_lost_late_or_doubled_is_told_when_the_stream_ends() {
    let numbers = [1, 2, 4, 5, 5, 8, 7];
    let (losses, told) = told(numbers.map(|number| packet(8, number, u32::from(number) * 160)));
    assert_eq!((losses.lost, losses.late, losses.duplicate), (1, 1, 1));
    assert_eq!((told.len(), told[0].loss), (1, Some(32)), "one of eight, by what came: of 256");
    assert!(told[0].jitter.unwrap() > Duration::ZERO);
}

/// A second between looks here; the clock is 8 kHz, and nothing is late.
#[test]
fn what_comes_evenly_has_no_jitter() {
    let (losses, told) = told((0..40).map(|n| packet(0, n, u32::from(n) * 160)));
    assert_eq!((losses, told.len()), (Losses::default(), 1));
    assert_eq!((told[0].loss, told[0].jitter), (Some(0), Some(Duration::ZERO)));
}

#[test]
fn of_another_clock_only_losses_are_known() {
    let (losses, told) = told([1, 2, 4].map(|n| packet(111, n, u32::from(n) * 960)));
    assert_eq!((losses.lost, told.len()), (1, 1));
    assert_eq!((told[0].loss, told[0].jitter), (None, None));
}

#[test]
fn it_is_told_every_half_minute() {
    let mut bench = Bench::new();
    let (alice, _bob) = bench.two();
    let mut told = Vec::new();
    for second in 0..70_u16 {
        bench.says(&alice, Half::Rtp, &packet(8, second, u32::from(second) * 8_000));
        bench.passes(1_000);
        told.extend(std::mem::take(&mut *bench.notes.qualities.borrow_mut()).iter().map(|_| second));
    }
    assert_eq!(told, [29, 59]);
}

/// RTCP on the same port is no part of the stream, nor is anything of a fax.
#[test]
fn what_is_no_stream_is_not_judged() {
    assert!(told([rtcp(), rtcp()]).1.is_empty());
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    bench.orders([alice.order(bench.at, Form::Other), bob.order(bench.at, Form::Other)]);
    bench.says(&alice, Half::Rtp, &packet(8, 1, 1));
    bench.orders([ALICE, BOB].map(|port| MediaOrder::EndRelay { port }));
    assert!(bench.notes.qualities.borrow().is_empty());
}

/// Bob is muted: Alice's translator must not forget her.
#[test]
fn who_is_sent_nothing_is_sent_nothing_now_and_then() {
    let mut bench = Bench::new();
    let (alice, bob) = bench.two();
    let mut kept = Vec::new();
    for second in 1..=40_u16 {
        bench.says(&alice, Half::Rtp, &packet(8, second, u32::from(second) * 8_000));
        bench.passes(1_000);
        assert_eq!(bob.hears(Half::Rtp).map(|packet| packet.len()), Some(172));
        assert_eq!(bob.hears(Half::Rtp), None, "he is sent what she says");
        if let Some(packet) = alice.hears(Half::Rtp) {
            assert!(packet.is_empty());
            kept.push(second);
        }
    }
    assert_eq!(kept, [15, 30]);
    assert_eq!(bench.events(), [MediaEvent::Heard { port: ALICE }, MediaEvent::OneWay { port: BOB }][..1]);
    // Who is not to be sent anything, or talks to nobody, is not.
    bench.orders([MediaOrder::Relay { at: bench.at, port: ALICE, peer: None, form: Form::Rtp }]);
    bench.orders([MediaOrder::EndRelay { port: BOB }]);
    for _ in 0..40 {
        bench.passes(1_000);
    }
    assert_eq!(alice.hears(Half::Rtp), None);
}
