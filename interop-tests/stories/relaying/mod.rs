//! Media that goes through the server: between softphones that record what they hear, and between gateways that look at
//! every byte.
mod gateway;

use crate::peers::{Pbx, Settings, eventually};
use crate::phones::LOUDNESS;
use crate::story::{BARESIP, story_with};
use gateway::Gateway;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

/// The gateways' ports: of the usual trunk, and of another.
const PORTS: [u16; 2] = [7062, 7064];

/// Two trunks; the second one's media is relayed.
const RELAYED: Settings = Settings {
    server: "",
    lot: "",
    trunk: "",
    registrar: "",
    listen: "",
    more: "[trunks.far]\naddress = \"{ip}:7064\"\nprefix = \"9\"\nmedia = \"relay\"\n",
};

fn gateways(pbx: &Pbx) -> (Gateway, Gateway) {
    (Gateway::new(pbx, PORTS[0]), Gateway::new(pbx, PORTS[1]))
}

/// Nothing that a server would make up.
fn rtp(mark: u8) -> Vec<u8> {
    let mut packet: Vec<u8> = (0..172).map(|n| (n * 31 % 251) as u8).collect();
    packet[..4].copy_from_slice(&[0x80, 0x88, 0, mark]);
    packet
}

fn rtcp(mark: u8) -> Vec<u8> {
    [&[0x81, 200, 0, 12, mark][..], &[0xA5; 47]].concat()
}

/// What arrives, and that it came from where one sends to.
fn hears(socket: &UdpSocket, from: std::net::SocketAddr) -> Vec<u8> {
    let mut packet = [0; 2_000];
    let (length, source) = socket.recv_from(&mut packet).expect("something to hear");
    assert_eq!(source, from);
    packet[..length].to_vec()
}

/// Until the server's sockets are bound, what is sent there is lost: this is said until it is heard, and no longer.
fn until_heard(one: &Gateway, other: &Gateway) {
    let mut buffer = [0; 2_000];
    for (from, to) in [(one, other), (other, one)] {
        to.rtp.set_nonblocking(true).unwrap();
        eventually("something is heard", || {
            from.rtp.send_to(&rtp(0), from.told.unwrap()).unwrap();
            to.rtp.recv(&mut buffer).ok()
        });
        from.rtcp.send_to(&rtcp(0), from.told_rtcp()).unwrap();
        // That came last.
        hears(&to.rtcp, to.told_rtcp());
        while to.rtp.recv(&mut buffer).is_ok() {}
        to.rtp.set_nonblocking(false).unwrap();
    }
}

/// Each hears what the other says, byte for byte, from where it sends to.
fn hear_each_other(one: &Gateway, other: &Gateway) {
    for (from, to) in [(one, other), (other, one)] {
        from.rtp.send_to(&rtp(1), from.told.unwrap()).unwrap();
        assert_eq!(hears(&to.rtp, to.told.unwrap()), rtp(1));
        from.rtcp.send_to(&rtcp(1), from.told_rtcp()).unwrap();
        assert_eq!(hears(&to.rtcp, to.told_rtcp()), rtcp(1));
    }
}

#[test]
fn gateways_hear_each_other_byte_for_byte_and_nobody_else() {
    story_with(&[], &RELAYED, |pbx| {
        let (mut near, mut far) = gateways(pbx);
        near.calls("9123", &mut far);
        until_heard(&near, &far);
        hear_each_other(&near, &far);
        // A stranger at her port, and rubbish from herself: neither is heard, both are counted.
        let stranger = UdpSocket::bind((pbx.ground.ip, 0)).unwrap();
        stranger.send_to(&rtp(9), near.told.unwrap()).unwrap();
        stranger.send_to(&rtcp(9), near.told_rtcp()).unwrap();
        for rubbish in [&b""[..], b"x", &[0; 172], &rtp(9)[..11], &[0xFF; 1_400]] {
            near.rtp.send_to(rubbish, near.told.unwrap()).unwrap();
            near.rtcp.send_to(rubbish, near.told_rtcp()).unwrap();
        }
        pbx.shows("pbx_rtp_discarded_packets_total reason=strange_source", 2);
        pbx.shows("pbx_rtp_discarded_packets_total reason=malformed", 10);
        near.rtp.send_to(&rtp(2), near.told.unwrap()).unwrap();
        assert_eq!(hears(&far.rtp, far.told.unwrap()), rtp(2), "what came between is lost");
        let [received, sent] = ["in", "out"].map(|way| format!("pbx_rtp_packets_total direction={way}"));
        // What came before both had a place to go to did not go out.
        assert!(pbx.sum(&received) >= pbx.sum(&sent));
        assert_eq!(pbx.sum("pbx_rtp_ports_in_use"), 2);
        near.hangs_up(&mut far);
        pbx.shows("pbx_rtp_ports_in_use", 0);
        assert_eq!(pbx.sum("pbx_zero_rtp_calls_total"), 0);
    });
}

/// It says where nobody can reach it. That is found when it answers; it is told so, and answered where it sends from.
#[test]
fn a_gateway_behind_a_translator_is_found_and_heard() {
    let more = "[trunks.far]\naddress = \"{ip}:7064\"\nprefix = \"9\"\nmedia = \"auto\"\n";
    story_with(&[], &Settings { more, ..RELAYED }, |pbx| {
        let (mut near, mut far) = gateways(pbx);
        far.said = Ipv4Addr::new(192, 0, 2, 55).into();
        near.calls("9123", &mut far);
        assert_eq!(far.told, near.rtp.local_addr().ok(), "nothing was known yet");
        far.takes("INVITE");
        far.takes("ACK");
        assert_ne!(far.told, near.rtp.local_addr().ok());
        until_heard(&far, &near);
        hear_each_other(&near, &far);
        near.hangs_up(&mut far);
    });
}

/// The far one knows INFO alone, and the near one sends events: it was told that they are received.
#[test]
fn a_key_in_the_media_becomes_an_info() {
    let more = "[trunks.far]\naddress = \"{ip}:7064\"\nprefix = \"9\"\nmedia = \"relay\"\ndtmf = \"info\"\n";
    story_with(&[], &Settings { more, ..RELAYED }, |pbx| {
        let (mut near, mut far) = gateways(pbx);
        near.calls("9123", &mut far);
        until_heard(&near, &far);
        // Its source is that of the sound.
        let mut key = rtp(1)[..16].to_vec();
        for (number, duration, end) in [(1, 160_u16, 0), (2, 320, 0), (3, 480, 0x80), (4, 480, 0x80), (5, 480, 0x80)] {
            (key[1], key[3]) = (101, number);
            key[12..].copy_from_slice(&[7, end | 10, (duration >> 8) as u8, duration as u8]);
            near.rtp.send_to(&key, near.told.unwrap()).unwrap();
        }
        let info = far.takes("INFO");
        assert!(info.ends_with("Signal=7\r\nDuration=60\r\n"), "{info}");
        // No packet of it has come, and what follows it follows what came before it.
        near.rtp.send_to(&rtp(6), near.told.unwrap()).unwrap();
        assert_eq!(hears(&far.rtp, far.told.unwrap()), rtp(1));
        assert_eq!(pbx.sum("pbx_dtmf_events_total method=rfc4733"), 1);
        near.hangs_up(&mut far);
    });
}

/// The far one is to have events, and the near one sends INFO.
#[test]
fn an_info_becomes_a_key_in_the_media() {
    let more = "[trunks.far]\naddress = \"{ip}:7064\"\nprefix = \"9\"\nmedia = \"relay\"\ndtmf = \"rfc4733\"\n";
    story_with(&[], &Settings { more, ..RELAYED }, |pbx| {
        let (mut near, mut far) = gateways(pbx);
        far.events = true;
        near.calls("9123", &mut far);
        until_heard(&near, &far);
        near.presses('#');
        let packets: Vec<_> = (0..7).map(|_| hears(&far.rtp, far.told.unwrap())).collect();
        for (number, packet) in (1..).zip(&packets) {
            assert_eq!((packet.len(), packet[1] & 0x7F, packet[3]), (16, 101, number), "behind what was said before");
            assert_eq!((&packet[8..12], packet[12]), (&rtp(0)[8..12], 11), "from the same source");
        }
        assert_eq!(packets[6][13..], [0x8A, 0x03, 0x20], "over after a tenth of a second");
        // And the sound goes on behind it, when the last packet has had its time.
        far.rtp.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut packet = [0; 2_000];
        let next = (1..=100).find_map(|number| {
            near.rtp.send_to(&rtp(number), near.told.unwrap()).unwrap();
            far.rtp.recv(&mut packet).ok()
        });
        assert_eq!((next, packet[3]), (Some(172), 8));
        assert_eq!(pbx.sum("pbx_dtmf_events_total method=info"), 1);
        near.hangs_up(&mut far);
    });
}

#[test]
fn a_call_without_a_sound_is_counted() {
    story_with(&[], &RELAYED, |pbx| {
        let (mut near, mut far) = gateways(pbx);
        near.calls("9123", &mut far);
        near.hangs_up(&mut far);
        pbx.shows("pbx_zero_rtp_calls_total direction=inbound", 1);
    });
}

#[test]
fn softphones_hear_each_other_through_the_server() {
    let more = "[media]\nlines = \"relay\"\n";
    story_with(&[BARESIP], &Settings { more, ..RELAYED }, |pbx| {
        let (alice, bob) = (pbx.baresip("1001"), pbx.baresip("1002"));
        bob.dials("1001");
        alice.rings();
        assert_eq!(pbx.sum("pbx_rtp_ports_in_use"), 2);
        alice.answers();
        alice.talks();
        bob.talks();
        // A second of both voices.
        eventually("by way of the server", || (pbx.sum("pbx_rtp_packets_total direction=out") >= 100).then_some(()));
        alice.hangs_up();
        bob.is_hung_up();
        for heard in [alice.has_heard(), bob.has_heard()] {
            let is_voice = |sample: &&i16| sample.unsigned_abs().abs_diff(LOUDNESS.unsigned_abs()) < 64;
            let voice = heard.iter().filter(is_voice).count();
            assert!(voice * 10 >= heard.len() * 9 && voice >= 4_000, "{voice} of {}: the other's voice", heard.len());
        }
    });
}
