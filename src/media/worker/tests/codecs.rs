//! Whoever listens by a codec that is not G.711.
use super::super::super::codec::{rate, silence};
use super::super::super::tune::tests::Ear;
use super::*;

/// A packet of any codec, and what is in it.
fn next_of(phone: &UdpSocket) -> (Heard, Vec<u8>) {
    let mut packet = [0; 1_500];
    let (length, from) = phone.recv_from(&mut packet).unwrap();
    let word = |at: usize| u32::from_be_bytes(packet[at..at + 4].try_into().unwrap());
    let (marker, payload_type) = (packet[1] & 0x80 != 0, packet[1] & 0x7F);
    let (sequence, timestamp, source) = (word(0) as u16, word(4), word(8));
    let heard = Heard { from: from.port(), marker, payload_type, sequence, timestamp, source, place: u32::MAX };
    (heard, packet[HEAD..length].to_vec())
}

/// Where in the tune a frame stands, whatever it was written in: by its loudness, once the ear is used to it.
fn place(samples: &[i16]) -> u32 {
    let quarter = samples.len() / 4;
    let middle = &samples[2 * quarter..3 * quarter];
    let mean = middle.iter().map(|sample| f64::from(*sample)).sum::<f64>() / middle.len() as f64;
    let distance = |beat: &u32| (f64::from(loudness(*beat)) / mean).ln().abs();
    (0..BEATS).min_by(|one, other| distance(one).total_cmp(&distance(other))).unwrap()
}

/// The music is the same at the same time in either codec, and one stream: only its payload type changes.
#[test]
fn a_listener_hears_the_tune_in_g722_and_where_it_would_be_when_the_codec_changes() {
    let running = Running::start();
    let (alice, bob) = (running.phone(), running.phone());
    running.opens(PORT, &alice, 9);
    // Nobody spoke it before: until all is encoded there is silence.
    while next_of(&alice).1 == silence(Codec::G722) {}
    let (mut last, _) = next_of(&alice);
    assert_eq!((last.payload_type, last.from), (9, PORT));
    let (mut ear, mut used, mut begin, mut codecs) = (Ear::new(Codec::G722), 0, None, Vec::new());
    for beat in 0..3 * BEATS {
        let (heard, payload) = next_of(&alice);
        let ticks = heard.timestamp.wrapping_sub(last.timestamp);
        assert_eq!((heard.source, heard.sequence), (last.source, last.sequence.wrapping_add(1)));
        assert!(ticks > 0 && ticks.is_multiple_of(160) && !heard.marker && payload.len() == FRAME);
        let codec = voice(heard.payload_type).codec;
        if codecs.last() != Some(&codec) {
            codecs.push(codec);
            (ear, used) = (Ear::new(codec), 0);
        }
        let found = place(&ear.hear(&payload));
        used += 1;
        // An ear gets used to it, and wavers a little where the loudness jumps from the tune's end to its beginning.
        if used > 10 && (6..BEATS - 6).contains(&found) {
            let origin = heard.timestamp.wrapping_sub(found * 160);
            let (was, round) = (*begin.get_or_insert(origin), 160 * BEATS);
            let off = origin.wrapping_sub(was) % round / 160;
            assert!(off <= 1 || off >= BEATS - 1, "{off} beats off in {codec:?} on beat {beat}");
        }
        match beat {
            50 => running.redirects(PORT, Some(&alice), 8),
            100 => running.redirects(PORT, Some(&alice), 9),
            _ => {}
        }
        last = heard;
    }
    assert_eq!(codecs, [Codec::G722, Codec::Pcma, Codec::G722]);
    // Whoever comes now hears it at once.
    running.opens(PORT + 2, &bob, 9);
    assert_ne!(next_of(&bob).1, silence(Codec::G722));
    running.stop();
}

/// Opus has another clock: another stream begins (RFC 7160), and the one before says good-bye.
#[test]
fn a_codec_of_another_clock_is_another_stream() {
    let running = Running::start();
    let (rtp, rtcp) = (running.phone_at(20_000), running.phone_at(20_001));
    running.opens(PORT, &rtp, 9);
    let (first, _) = next_of(&rtp);
    running.redirects(PORT, Some(&rtp), 98);
    let mut report = [0; 500];
    let (length, sources) = (rtcp.recv(&mut report).unwrap(), |report: &[u8]| report[4..8].to_vec());
    assert_eq!((report[1], sources(&report)), (200, first.source.to_be_bytes().to_vec()));
    assert_eq!(report[length - 12..length - 4], [&[0x81, 203, 0, 2][..], &first.source.to_be_bytes()].concat());
    let mut opus = loop {
        let (heard, payload) = next_of(&rtp);
        if heard.payload_type == 98 {
            assert!(heard.marker && heard.source != first.source && !payload.is_empty());
            break heard;
        }
    };
    for _ in 0..5 {
        let (heard, _) = next_of(&rtp);
        let ticks = heard.timestamp.wrapping_sub(opus.timestamp);
        assert_eq!((heard.source, heard.sequence), (opus.source, opus.sequence.wrapping_add(1)));
        assert!(ticks > 0 && ticks.is_multiple_of(rate(Codec::Opus) / 50), "{ticks}");
        opus = heard;
    }
    running.stop();
}

/// What comes in comes out, octet for octet.
#[test]
fn an_echo_in_g722_is_what_was_said() {
    let running = Running::start();
    let alice = running.phone();
    running.opens(PORT, &alice, 9);
    running.orders.put(MediaOrder::Play { port: PORT, sound: Sound::Echo });
    let mut back = Vec::new();
    for n in 0..30u8 {
        let packet = [&[0x80, 9, 0, n, 0, 0, 0, 0, 0, 0, 0, 9][..], &[n ^ 0x2A; FRAME]].concat();
        alice.send_to(&packet, (running.at, PORT)).unwrap();
        back.push(next_of(&alice).1);
    }
    running.stop();
    let echoed = back.iter().filter(|frame| frame.len() == FRAME && (0..30).any(|n| frame[..] == [n ^ 0x2A; FRAME]));
    assert!(echoed.count() >= 15);
}
