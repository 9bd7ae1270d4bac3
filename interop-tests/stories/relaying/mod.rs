//! Media that goes through the server: between softphones that record what they hear, and between gateways that look at
//! every byte.
mod gateway;

use crate::peers::{Pbx, Settings, eventually};
use crate::phones::LOUDNESS;
use crate::story::{BARESIP, story_with};
use gateway::Gateway;
use std::net::{Ipv4Addr, UdpSocket};

/// The gateways' ports: of the usual trunk, and of another.
const PORTS: [u16; 2] = [7062, 7064];

/// Two trunks; the second one's media is relayed.
const RELAYED: Settings = Settings {
    server: "",
    lot: "",
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
