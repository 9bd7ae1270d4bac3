//! What is said, and comes back, between music and music.
use super::*;

const MUSIC: Sound = Sound::Music(MusicNo(0));

/// What a packet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sounds {
    Tune,
    Phrase,
    Seven,
    Silence,
    /// What the phone itself said.
    Own,
    /// The second piece.
    Second,
}

/// A packet's head, and what is in it; its place is that in the tune.
fn listen(phone: &UdpSocket) -> Option<(Heard, Sounds)> {
    let mut packet = [0; 500];
    let (length, from) = phone.recv_from(&mut packet).ok()?;
    assert_eq!((length, packet[0]), (PACKET, 0x80));
    let word = |at: usize| u32::from_be_bytes(packet[at..at + 4].try_into().unwrap());
    let payload_type = packet[1] & 0x7F;
    let law = law_of(payload_type);
    let mut samples = [0; FRAME];
    law.decode(&packet[HEAD..length], &mut samples);
    assert!(samples.iter().all(|sample| *sample == samples[0]), "one sound a frame");
    let near = |loud: i16| (f64::from(samples[0]) / f64::from(loud) - 1.0).abs() < 0.035;
    let place = (0..BEATS).find(|&beat| near(loudness(beat)));
    let sounds = match samples[0] {
        _ if near(30_000) => Sounds::Phrase,
        _ if near(-30_000) => Sounds::Seven,
        _ if near(25_000) => Sounds::Second,
        -10..=10 => Sounds::Silence,
        ..-10 => Sounds::Own,
        _ => Sounds::Tune,
    };
    let marker = packet[1] & 0x80 != 0;
    let heard = Heard {
        from: from.port(),
        marker,
        payload_type,
        sequence: word(0) as u16,
        timestamp: word(4),
        source: word(8),
        place: place.unwrap_or(u32::MAX),
    };
    Some((heard, sounds))
}

/// Listens for so many packets; each follows the one before as one stream. Tells the runs of what they hold.
fn runs(packets: &[(Heard, Sounds)]) -> Vec<(Sounds, usize)> {
    let mut runs: Vec<(Sounds, usize)> = Vec::new();
    for (_, sounds) in packets {
        match runs.last_mut().filter(|(last, _)| last == sounds) {
            Some((_, count)) => *count += 1,
            None => runs.push((*sounds, 1)),
        }
    }
    packets.windows(2).for_each(|pair| {
        let (first, second) = (&pair[0].0, &pair[1].0);
        assert_eq!((second.source, second.sequence), (first.source, first.sequence.wrapping_add(1)));
        let ticks = second.timestamp.wrapping_sub(first.timestamp);
        assert!(ticks > 0 && ticks.is_multiple_of(FRAME as u32) && !second.marker, "{ticks} ticks later");
    });
    runs
}

fn say(running: &Running, port: u16, number: u32, then: Sound) -> Ticket {
    let announcement = Announcement::with(Phrase::ParkedOn, "77".parse::<Number>().unwrap());
    let ticket = Ticket { whom: 5, number };
    running.orders.put(MediaOrder::Say { port, ticket, announcement, then });
    ticket
}

/// A moment, three frames, twice two, and the tail.
const SAID: [(Sounds, usize); 4] =
    [(Sounds::Silence, 5), (Sounds::Phrase, 3), (Sounds::Seven, 4), (Sounds::Silence, 10)];

#[test]
fn music_gives_way_to_what_is_said_and_goes_on_where_it_would_be() {
    let running = Running::start();
    let (alice, other) = (running.phone(), running.phone());
    running.opens(PORT, &alice, 0);
    running.opens(PORT + 2, &other, 8);
    let mut packets: Vec<_> = (0..3).map(|_| listen(&alice).unwrap()).collect();
    let ticket = say(&running, PORT, 1, MUSIC);
    // Another codec in the middle of it.
    while packets.last().is_some_and(|(_, sounds)| *sounds != Sounds::Seven) {
        packets.push(listen(&alice).unwrap());
    }
    running.redirects(PORT, Some(&alice), 8);
    assert_eq!(running.events.recv_timeout(PATIENCE).unwrap(), MediaEvent::Played { port: PORT, ticket });
    running.beats(4);
    running.stop();
    alice.set_nonblocking(true).unwrap();
    packets.extend(std::iter::from_fn(|| listen(&alice)));
    let runs = runs(&packets);
    assert_eq!((runs[0].0, &runs[1..5], runs[5].0), (Sounds::Tune, &SAID[..], Sounds::Tune));
    let mut codecs: Vec<u8> = packets.iter().map(|(heard, _)| heard.payload_type).collect();
    codecs.dedup();
    assert_eq!(codecs, [0, 8]);
    // The music has one timeline, for her as well.
    let music: Vec<_> = packets.iter().filter(|(_, sounds)| *sounds == Sounds::Tune).map(|(heard, _)| heard).collect();
    for pair in music.windows(2) {
        let beats = pair[1].timestamp.wrapping_sub(pair[0].timestamp) / FRAME as u32;
        assert_eq!(pair[1].place, (pair[0].place + beats) % BEATS);
    }
    // Nobody else has heard a word.
    assert!(heard(&other).len() > 15);
}

#[test]
fn a_newer_order_ends_an_older_one_without_a_report() {
    let running = Running::start();
    let alice = running.phone();
    running.opens(PORT, &alice, 8);
    say(&running, PORT, 1, MUSIC);
    while listen(&alice).unwrap().1 != Sounds::Phrase {}
    let ticket = say(&running, PORT, 2, Sound::Silence);
    assert_eq!(running.events.recv_timeout(PATIENCE).unwrap(), MediaEvent::Played { port: PORT, ticket });
    running.beats(3);
    alice.set_nonblocking(true).unwrap();
    let rest: Vec<_> = std::iter::from_fn(|| listen(&alice)).collect();
    assert_eq!(rest.last().unwrap().1, Sounds::Silence);
    running.orders.put(MediaOrder::Play { port: PORT, sound: MUSIC });
    running.beats(3);
    assert_eq!(std::iter::from_fn(|| listen(&alice)).last().unwrap().1, Sounds::Tune);
    // What is ordered of a port that is not open concerns nobody.
    say(&running, PORT + 8, 3, Sound::Echo);
    running.orders.put(MediaOrder::Play { port: PORT + 8, sound: Sound::Echo });
    say(&running, PORT, 4, Sound::Echo);
    running.orders.put(MediaOrder::Close { port: PORT });
    running.opens(PORT, &alice, 8);
    running.beats(20);
    assert!(running.events.try_recv().is_err());
    assert_eq!(
        std::iter::from_fn(|| listen(&alice)).last().unwrap().1,
        Sounds::Tune,
        "a port opened again plays music"
    );
    running.stop();
}

/// It is said whether or not anybody hears it, so that nobody waits for a phone that has said nothing of itself.
#[test]
fn what_nobody_hears_is_over_in_its_time() {
    let running = Running::start();
    running.orders.put(MediaOrder::Open { at: running.at, port: PORT, peer: None, voice: voice(0), events: Some(101) });
    let ticket = say(&running, PORT, 9, MUSIC);
    assert_eq!(running.events.recv_timeout(PATIENCE).unwrap(), MediaEvent::Played { port: PORT, ticket });
    let sent: u64 = running.played.try_iter().map(|played| played.sent.packets).sum();
    assert_eq!(sent, 0);
    running.stop();
}

#[test]
fn an_echo_is_what_the_phone_said_in_our_own_stream() {
    let running = Running::start();
    let alice = running.phone();
    running.opens(PORT, &alice, 0);
    say(&running, PORT, 1, Sound::Echo);
    let mut packet = [0; PACKET];
    packet[0] = 0x80;
    packet[8..12].copy_from_slice(b"Hers");
    Law::Mu.encode(&[-2_000; FRAME], &mut packet[HEAD..]);
    let mut packets = Vec::new();
    // She answers each packet with one.
    for n in 0..60u16 {
        packets.push(listen(&alice).unwrap());
        packet[2..4].copy_from_slice(&n.to_be_bytes());
        alice.send_to(&packet, (running.at, PORT)).unwrap();
    }
    let ticket = Ticket { whom: 5, number: 1 };
    assert_eq!(running.events.recv_timeout(PATIENCE).unwrap(), MediaEvent::Played { port: PORT, ticket });
    running.stop();
    let runs = runs(&packets);
    let own: usize = runs.iter().filter(|(sounds, _)| *sounds == Sounds::Own).map(|(_, count)| count).sum();
    assert!(own >= 20, "{runs:?}");
    // While something was said, nothing came back; and it is not the tune that is heard after it.
    let first = runs.iter().position(|(sounds, _)| *sounds == Sounds::Own).unwrap();
    assert!(runs[..first].contains(&SAID[2]) && !runs[first..].iter().any(|(sounds, _)| *sounds == Sounds::Tune));
    assert_ne!(packets[0].0.source.to_be_bytes(), *b"Hers");
}

#[test]
fn a_port_may_have_a_music_of_its_own() {
    let running = Running::start();
    let (alice, bob) = (running.phone(), running.phone());
    running.opens(PORT, &alice, 0);
    running.opens(PORT + 2, &bob, 0);
    let second = Sound::Music(MusicNo(1));
    running.orders.put(MediaOrder::Play { port: PORT, sound: second });
    while listen(&alice).unwrap().1 != Sounds::Second {}
    let ticket = say(&running, PORT, 1, second);
    assert_eq!(running.events.recv_timeout(PATIENCE).unwrap(), MediaEvent::Played { port: PORT, ticket });
    running.beats(3);
    running.stop();
    for phone in [&alice, &bob] {
        phone.set_nonblocking(true).unwrap();
    }
    let rest: Vec<_> = std::iter::from_fn(|| listen(&alice)).collect();
    assert_eq!(rest.last().unwrap().1, Sounds::Second);
    assert!(std::iter::from_fn(|| listen(&bob)).all(|(_, sounds)| sounds == Sounds::Tune));
}
