//! RTCP: what is told to a peer, and learnt from it.
use super::*;

/// The peer said where it receives reports (RFC 3605); then it says so no more, and the port after its sound's is meant.
#[test]
fn reports_go_where_they_are_said_to_be_received() {
    let running = Running::start();
    let (alice, reports) = (running.phone(), running.phone());
    // Two ports in a row; another try if somebody has the second one.
    let beside = |phone: &UdpSocket| {
        let own = phone.local_addr().unwrap();
        UdpSocket::bind((own.ip(), own.port().wrapping_add(1))).ok()
    };
    let (alice, next) = std::iter::successors(Some(alice), |_| Some(running.phone()))
        .find_map(|phone| beside(&phone).map(|next| (phone, next)))
        .unwrap();
    next.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut packet = [0; 200];
    for at in [reports.local_addr().ok(), None] {
        running.opens(PORT, &alice, 0);
        running.orders.put(MediaOrder::Reports { port: PORT, at });
        running.redirects(PORT, Some(&alice), 8);
        running.orders.put(MediaOrder::Close { port: PORT });
        let hears = if at.is_some() { &reports } else { &next };
        hears.recv_from(&mut packet).unwrap();
        assert!((200..=201).contains(&packet[1]), "a report");
        next.set_nonblocking(at.is_some()).unwrap();
        assert!(at.is_none() || next.recv_from(&mut packet).is_err(), "not there as well");
        next.set_nonblocking(false).unwrap();
    }
    // Of a port that is not open it concerns nobody.
    running.orders.put(MediaOrder::Reports { port: PORT, at: None });
    running.stop();
}

/// A phone whose reports go to the port after that of its sound. It has heard all but one of the last three packets.
#[test]
fn a_port_reports_learns_from_reports_and_says_good_bye() {
    let running = Running::start();
    let (rtp, rtcp) = (running.phone_at(20_000), running.phone_at(20_001));
    running.opens(PORT, &rtp, 0);
    let source = hear(&rtp).source.to_be_bytes();
    // What it says itself: one packet missing, one twice.
    for number in [1, 2, 4, 4] {
        let packet = [&[0x80, 0, 0, number, 0, 0, 0, 0, 0, 0, 0, 9][..], &[0xFF; FRAME]].concat();
        rtp.send_to(&packet, (running.at, PORT)).unwrap();
    }
    let mut report = [0; 500];
    let (length, from) = rtcp.recv_from(&mut report).unwrap();
    assert_eq!(from, (running.at, PORT + 1).into());
    // A sender's report about one source, and a name.
    assert_eq!((report[0], report[1], &report[4..8], report[52], report[53]), (0x81, 200, &source[..], 0x81, 202));
    assert_eq!((&report[28..32], &report[36..40]), (&[0, 0, 0, 9][..], &[0, 0, 0, 4][..]));
    assert!(length > 60);
    // Its receiver's report: two lost in all, jitter of 80 units, and the report above answered at once.
    let middle = &report[10..14];
    let answer =
        [&[0x81, 201, 0, 7, 0, 0, 0, 9][..], &source, &[0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 80], middle, &[0; 4]].concat();
    rtcp.send_to(&answer, (running.at, PORT + 1)).unwrap();
    let heard = |quality: &Quality| quality.round_trip.is_some();
    let quality = running.reported.iter().find(heard).unwrap();
    assert_eq!((quality.remote_lost, quality.remote_jitter), (2, Some(Duration::from_millis(10))));
    assert!(quality.round_trip.unwrap() < PATIENCE);
    running.orders.put(MediaOrder::Close { port: PORT });
    let length = rtcp.recv(&mut report).unwrap();
    let bye = [&[0x81, 203, 0, 2][..], &source, b"\x03bye"].concat();
    assert_eq!(report[length - 12..length], bye);
    let (mut losses, mut remote_lost) = (Losses::default(), 0);
    for played in running.played.try_iter() {
        losses.add(played.losses);
        remote_lost += played.remote_lost;
    }
    assert_eq!((losses, remote_lost), (Losses { lost: 0, late: 0, duplicate: 1 }, 2), "what came twice hides the loss");
    running.stop();
}
