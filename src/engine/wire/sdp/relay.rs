//! Descriptions of media that goes through us: only where it goes is another (RFC 3264, RFC 3605).
//!
//! Lines, order, payloads and attributes stay byte for byte. ICE goes (RFC 8839): its candidates are ways round us.

use std::net::{IpAddr, SocketAddr};

use super::{
    anchor::is_plain_rtp,
    edit::{family, write},
    scan::{Media, Sdp, connection_line, content, line_end, lines, scan},
};
use crate::wire::{
    compose::{address_text, decimal},
    media::{Far, Form},
    text::{number, split_once},
};

/// Streams of one description that can go through us; those after them go as they please.
pub const STREAMS: usize = 8;

/// Keys, as RFC 4733 §7.1.1 writes them: the clock that goes with most speech.
const EVENTS: &str = "telephone-event/8000";

/// A bit for each stream, the first the lowest.
pub type StreamSet = u8;

/// Whether everything is received at this address, as it is where nothing stands between. True of no description, and of
/// a stream that is held by 0.0.0.0: neither tells where a party is.
pub fn is_at(body: &[u8], ip: IpAddr) -> bool {
    let written = address_text(ip);
    let mut rest = body;
    while let Some(at) = memchr::memmem::find(rest, b"\nc=") {
        rest = rest.get(at + 1..).unwrap_or_default();
        // Nearly everybody writes it just so.
        let tail = rest.get(b"c=IN IP4 ".len()..).unwrap_or_default();
        let plain = tail.strip_prefix(&written[..]).is_some_and(|after| matches!(after, [] | [b'\r' | b'\n', ..]));
        let read = |address| std::str::from_utf8(address).ok()?.parse::<IpAddr>().ok();
        let is_there = |address| match read(address) {
            Some(said) => ip == said || said.is_unspecified(),
            // A name tells nothing.
            None => true,
        };
        if !plain && !lines(rest).next().and_then(connection_line).is_none_or(is_there) {
            return false;
        }
    }
    true
}

/// The streams of a description that are alive, and can go through us.
pub fn relayable(body: &[u8]) -> StreamSet {
    let Ok(sdp) = scan(body) else { return 0 };
    let alive = sdp.media().take(STREAMS).enumerate().filter(|(_, media)| media.is_live() && form(media).is_some());
    alive.fold(0, |set, (index, _)| set | 1 << index)
}

/// Where each stream is to be received, and what it consists of; nowhere for those that are refused, over, held by 0.0.0.0,
/// or at a host that is only named.
pub fn receivers(body: &[u8]) -> [(Option<Far>, Form); STREAMS] {
    let mut receivers = [(None, Form::Rtp); STREAMS];
    let Ok(sdp) = scan(body) else { return receivers };
    for (receiver, media) in receivers.iter_mut().zip(sdp.media()) {
        if let Some(form) = form(&media).filter(|_| media.is_live()) {
            *receiver = (receiver_of(&sdp, &media), form);
        }
    }
    receivers
}

/// The place of the first stream of sound that can be looked into, and the number by which keys are received there as events
/// (RFC 4733): its own, else that by which it is [shown](relay) to receive them. Nothing if all is encrypted.
pub fn events(body: &[u8], shown: Option<u8>) -> Option<(usize, u8)> {
    let sdp = scan(body).ok()?;
    let (place, media) = plain_sound(&sdp)?;
    let own = media.payload_of(EVENTS).map(|number| std::str::from_utf8(number).ok()?.parse().ok());
    let events = own.unwrap_or_else(|| free_number(&media, shown?));
    Some((place, events.filter(|number| *number < 128)?))
}

fn plain_sound<'a>(sdp: &Sdp<'a>) -> Option<(usize, Media<'a>)> {
    let audible = |media: &Media<'_>| media.is_live() && media.kind == b"audio";
    let first = sdp.media().take(STREAMS).enumerate().find(|(_, media)| audible(media));
    first.filter(|(_, media)| is_plain_rtp(media.proto))
}

/// A payload number that nothing has yet, this one if it is free.
fn free_number(media: &Media<'_>, wanted: u8) -> Option<u8> {
    let is_taken = |wanted: u8| media.payloads().any(|taken| number(taken) == Some(wanted.into()));
    std::iter::once(wanted).chain(96..=127).find(|&wanted| !is_taken(wanted))
}

/// Where reports of the first live stream of sound are to be received, if that is said (RFC 3605).
pub fn reports(body: &[u8]) -> Option<SocketAddr> {
    // Hardly anybody says so.
    memchr::memmem::find(body, b"a=rtcp:")?;
    let sdp = scan(body).ok()?;
    let media = super::live_audio(&sdp)?;
    media.attributes(b"rtcp").next()?;
    receiver_of(&sdp, &media).map(|far| far.rtcp)
}

/// Whether the stream at this place is sound.
pub fn is_audio(body: &[u8], place: usize) -> bool {
    scan(body).is_ok_and(|sdp| sdp.media().nth(place).is_some_and(|media| media.kind == b"audio"))
}

/// Appends the description with `ip` as where everything is received: each stream at its own of `ports`, RTCP at the next
/// one. Streams whose port is 0 stay as they are. Where keys are to be received as events, and the description says nothing of
/// them, it says so now: by the number `shows`, if that is free.
pub fn relay(body: &[u8], ip: IpAddr, ports: &[u16; STREAMS], shows: Option<u8>, out: &mut Vec<u8>) {
    let Ok(sdp) = scan(body) else {
        return out.extend_from_slice(body);
    };
    for line in lines(sdp.session) {
        copy(line, ip, None, out);
    }
    let added = shows.and_then(|shows| {
        let (place, media) = plain_sound(&sdp).filter(|(_, media)| media.payload_of(EVENTS).is_none())?;
        Some((place, free_number(&media, shows)?))
    });
    for (index, media) in sdp.media().enumerate() {
        let ours = ports.get(index).copied().filter(|&port| port != 0 && media.is_live());
        match (ours, media.connection, sdp.connection) {
            (Some(port), _, _) => {
                let mut lines = lines(media.lines);
                let end = lines.next().map(line_end).unwrap_or_default();
                let added = added.filter(|(place, _)| *place == index).map(|(_, number)| number);
                write_media_line(&media, port, added, end, out);
                if let Some(number) = added {
                    write(out, format_args!("a=rtpmap:{number} {EVENTS}\r\na=fmtp:{number} 0-15\r\n"));
                }
                for line in lines {
                    copy(line, ip, Some(port), out);
                }
            }
            // It stays where it was, but the session's address says so no more.
            (None, None, Some(address)) if media.is_live() => keep_address(&media, address, out),
            (None, _, _) => out.extend_from_slice(media.lines),
        }
    }
}

/// What a stream consists of; nothing for one that needs a connection.
fn form(media: &Media<'_>) -> Option<Form> {
    match media.proto {
        proto if proto.starts_with(b"TCP/") => None,
        proto if proto.starts_with(b"RTP/") => Some(Form::Rtp),
        proto if proto.starts_with(b"UDP/TLS/") => Some(Form::Dtls),
        _ => Some(Form::Other),
    }
}

fn receiver_of(sdp: &Sdp<'_>, media: &Media<'_>) -> Option<Far> {
    let ip = sdp.address_of(media).filter(|ip| !ip.is_unspecified())?;
    let said = media.attributes(b"rtcp").next();
    let (port, elsewhere) = match said.map(|said| split_once(said, b' ').unwrap_or((said, b""))) {
        Some((port, elsewhere)) => (number(port), elsewhere),
        None => (None, &b""[..]),
    };
    // `IN IP4 192.0.2.1` after the port.
    let elsewhere = elsewhere.rsplit(|&byte| byte == b' ').next().and_then(|word| std::str::from_utf8(word).ok());
    let rtcp_ip = elsewhere.and_then(|word| word.parse().ok()).unwrap_or(ip);
    let rtcp_port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(media.port.saturating_add(1));
    Some(Far { rtp: SocketAddr::new(ip, media.port), rtcp: SocketAddr::new(rtcp_ip, rtcp_port) })
}

/// A line as it is, unless it says where media goes. `port` is ours for the line's stream.
fn copy(line: &[u8], ip: IpAddr, port: Option<u16>, out: &mut Vec<u8>) {
    let (text, end) = (content(line), line_end(line));
    match (text, port) {
        ([b'c', b'=', ..], _) => write(out, format_args!("c=IN {} {ip}", family(ip))),
        ([b'a', b'=', attribute @ ..], _) if is_ice(attribute) => return,
        ([b'a', b'=', attribute @ ..], Some(port)) if attribute.starts_with(b"rtcp:") => {
            out.extend_from_slice(b"a=rtcp:");
            decimal(out, u64::from(port) + 1);
        }
        _ => out.extend_from_slice(text),
    }
    out.extend_from_slice(end);
}

fn write_media_line(media: &Media<'_>, port: u16, added: Option<u8>, end: &[u8], out: &mut Vec<u8>) {
    for part in [b"m=", media.kind, b" "] {
        out.extend_from_slice(part);
    }
    decimal(out, port.into());
    for part in [b" ", media.proto, b" ", media.formats] {
        out.extend_from_slice(part);
    }
    if let Some(number) = added {
        out.push(b' ');
        decimal(out, number.into());
    }
    out.extend_from_slice(end);
}

/// The section with the address that it had from the session: after the m-line and its title (RFC 8866 §5).
fn keep_address(media: &Media<'_>, address: &[u8], out: &mut Vec<u8>) {
    let mut written = false;
    let kind: &[u8] = if address.contains(&b':') { b"IP6" } else { b"IP4" };
    let mut first = true;
    for line in lines(media.lines) {
        if !written && !std::mem::take(&mut first) && !line.starts_with(b"i=") {
            written = true;
            write_address(kind, address, line_end(line), out);
        }
        out.extend_from_slice(line);
    }
    if !written {
        write_address(kind, address, b"\r\n", out);
    }
}

fn write_address(kind: &[u8], address: &[u8], end: &[u8], out: &mut Vec<u8>) {
    for part in [b"c=IN ", kind, b" ", address, end] {
        out.extend_from_slice(part);
    }
}

/// The attributes of RFC 8839 §5.
fn is_ice(attribute: &[u8]) -> bool {
    attribute.starts_with(b"ice-")
        || attribute.starts_with(b"candidate:")
        || attribute.starts_with(b"remote-candidates:")
        || attribute == b"end-of-candidates"
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEHIND: &str = "v=0\r\no=phone 7 3 IN IP4 192.168.1.5\r\ns=a call\r\nc=IN IP4 192.168.1.5\r\nt=0 0\r\n\
        a=ice-lite\r\na=tool:baresip\r\n\
        m=audio 40000 RTP/AVP 111 0 101\r\ni=voice\r\na=rtpmap:111 opus/48000/2\r\na=rtcp:40007\r\na=rtcp-mux\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:0123456789\r\na=candidate:1 1 UDP 1 192.168.1.5 40000 typ host\r\n\
        a=end-of-candidates\r\na=sendrecv\r\n\
        m=video 40002/2 RTP/SAVP 97\r\nc=IN IP4 192.168.1.6/127\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n\
        m=image 0 udptl t38\r\n\
        m=message 2855 TCP/MSRP *\r\ni=words\r\na=path:msrp://192.168.1.5:2855/x;tcp\r\n";

    fn relayed(body: &str, ports: [u16; 4]) -> String {
        let mut all = [0; STREAMS];
        all[..4].copy_from_slice(&ports);
        let mut out = Vec::new();
        relay(body.as_bytes(), IpAddr::from([203, 0, 113, 7]), &all, None, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_where_media_goes_is_another() {
        assert_eq!(
            relayed(BEHIND, [10_000, 10_002, 0, 0]),
            "v=0\r\no=phone 7 3 IN IP4 192.168.1.5\r\ns=a call\r\nc=IN IP4 203.0.113.7\r\nt=0 0\r\n\
             a=tool:baresip\r\n\
             m=audio 10000 RTP/AVP 111 0 101\r\ni=voice\r\na=rtpmap:111 opus/48000/2\r\na=rtcp:10001\r\na=rtcp-mux\r\n\
             a=sendrecv\r\n\
             m=video 10002 RTP/SAVP 97\r\nc=IN IP4 203.0.113.7\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n\
             m=image 0 udptl t38\r\n\
             m=message 2855 TCP/MSRP *\r\ni=words\r\nc=IN IP4 192.168.1.5\r\na=path:msrp://192.168.1.5:2855/x;tcp\r\n"
        );
        assert_eq!(relayable(BEHIND.as_bytes()), 0b0011, "no connection, nothing that is over");
    }

    #[test]
    fn bare_line_feeds_stay_and_other_families_are_told_so() {
        let mut out = Vec::new();
        let body = b"v=0\no=- 1 1 IN IP6 ::1\ns=-\nc=IN IP6 2001:db8::9\nt=0 0\nm=audio 4 RTP/AVP 0";
        relay(body, IpAddr::from([10, 0, 0, 1]), &[6; STREAMS], None, &mut out);
        let expected = b"v=0\no=- 1 1 IN IP6 ::1\ns=-\nc=IN IP4 10.0.0.1\nt=0 0\nm=audio 6 RTP/AVP 0";
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(expected));
    }

    /// Attributes of one stream may stand in any order (RFC 8866 §5): these come first, since the last line may have no end.
    #[test]
    fn keys_are_shown_where_they_are_said_to_be_received() {
        let body = |formats: &str, more: &str| {
            format!("v=0\r\nt=0 0\r\nm=video 2 RTP/AVP 97\r\nm=audio 4 {formats}\r\n{more}")
        };
        let shown = |body: &str, shows| {
            let mut out = Vec::new();
            relay(body.as_bytes(), IpAddr::from([10, 0, 0, 1]), &[6; STREAMS], shows, &mut out);
            String::from_utf8(out).unwrap()
        };
        let events = |number: u8| format!("a=rtpmap:{number} telephone-event/8000\r\na=fmtp:{number} 0-15\r\n");
        let expected =
            |formats: &str, more: &str| body(formats, more).replace("video 2", "video 6").replace("audio 4", "audio 6");
        for (formats, more, shows, number) in [
            ("RTP/AVP 0 8", "a=sendrecv", Some(101), Some(101)),
            ("RTP/AVP 0 101", "a=sendrecv\r\n", Some(101), Some(96)),
            ("RTP/AVP 0 8", "", None, None),
            ("RTP/SAVP 0 8", "", Some(101), None),
        ] {
            let written = number.map_or_else(|| formats.to_owned(), |number| format!("{formats} {number}"));
            let added = number.map(events).unwrap_or_default();
            assert_eq!(shown(&body(formats, more), shows), expected(&written, &(added + more)), "{formats}");
            let place = number.map(|number| (1, number));
            assert_eq!(super::events(body(formats, more).as_bytes(), shows), place, "{formats}");
        }
        let own = body("RTP/AVP 0 99", "a=rtpmap:99 Telephone-Event/8000\r\n");
        assert_eq!(shown(&own, Some(101)), expected("RTP/AVP 0 99", "a=rtpmap:99 Telephone-Event/8000\r\n"));
        assert_eq!(super::events(own.as_bytes(), Some(101)), Some((1, 99)));
    }

    #[test]
    fn a_stream_is_received_where_its_own_lines_say_before_the_sessions() {
        let far = |rtp: &str, rtcp: &str| Some(Far { rtp: rtp.parse().unwrap(), rtcp: rtcp.parse().unwrap() });
        let found = receivers(BEHIND.as_bytes());
        assert_eq!(found[0], (far("192.168.1.5:40000", "192.168.1.5:40007"), Form::Rtp));
        assert_eq!(found[1], (far("192.168.1.6:40002", "192.168.1.6:40003"), Form::Rtp));
        assert_eq!([found[2].0, found[3].0, found[4].0], [None; 3]);
        assert_eq!([0, 1, 9].map(|place| is_audio(BEHIND.as_bytes(), place)), [true, false, false]);
        let body = |lines: &str| format!("v=0\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n{lines}\r\n");
        for (lines, expected) in [
            ("m=audio 4 RTP/AVP 0\r\na=rtcp:9 IN IP4 10.0.0.8", (far("10.0.0.9:4", "10.0.0.8:9"), Form::Rtp)),
            ("m=audio 4 RTP/AVP 0\r\na=rtcp:none", (far("10.0.0.9:4", "10.0.0.9:5"), Form::Rtp)),
            ("m=audio 65535 RTP/AVP 0", (far("10.0.0.9:65535", "10.0.0.9:65535"), Form::Rtp)),
            ("m=audio 4 UDP/TLS/RTP/SAVPF 0", (far("10.0.0.9:4", "10.0.0.9:5"), Form::Dtls)),
            ("m=image 4 udptl t38", (far("10.0.0.9:4", "10.0.0.9:5"), Form::Other)),
            ("m=audio 4 RTP/AVP 0\r\nc=IN IP4 0.0.0.0", (None, Form::Rtp)),
            ("m=audio 4 RTP/AVP 0\r\nc=IN IP4 phone.example", (None, Form::Rtp)),
        ] {
            assert_eq!(receivers(body(lines).as_bytes())[0], expected, "{lines}");
        }
        assert_eq!(receivers(b"garbage"), [(None, Form::Rtp); STREAMS]);
        assert_eq!(reports(BEHIND.as_bytes()), "192.168.1.5:40007".parse().ok());
        let elsewhere = body("m=audio 0 RTP/AVP 0\r\na=rtcp:1\r\nm=audio 4 RTP/AVP 0\r\na=rtcp:9 IN IP4 10.0.0.8");
        assert_eq!(reports(elsewhere.as_bytes()), "10.0.0.8:9".parse().ok(), "of a stream that lives");
        assert_eq!(reports(body("m=audio 4 RTP/AVP 0\r\nm=video 6 RTP/AVP 97\r\na=rtcp:9").as_bytes()), None);
    }

    #[test]
    fn who_receives_elsewhere_than_it_is_heard_from_is_noticed() {
        let at = IpAddr::from([10, 0, 0, 9]);
        for (lines, expected) in [
            ("c=IN IP4 10.0.0.9\r\nt=0 0", true),
            ("c=IN IP4 10.0.0.9\nt=0 0", true),
            ("c=IN  IP4  10.0.0.9/127\r\nt=0 0", true),
            ("c=IN IP4 0.0.0.0\r\nt=0 0", true),
            ("c=IN IP4 phone.example\r\nt=0 0", true),
            ("t=0 0\r\nm=audio 0 RTP/AVP 0", true),
            ("c=IN IP4 10.0.0.90\r\nt=0 0", false),
            ("c=IN IP4 192.168.1.5\r\nt=0 0", false),
            ("c=IN IP6 2001:db8::1\r\nt=0 0", false),
            ("c=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 4 RTP/AVP 0\r\nc=IN IP4 10.0.0.8", false),
        ] {
            assert_eq!(is_at(format!("v=0\r\n{lines}\r\n").as_bytes(), at), expected, "{lines}");
        }
        assert!(is_at(b"v=0\r\nc=IN IP6 2001:db8::9\r\n", "2001:db8::9".parse().unwrap()));
        assert!(is_at(b"", at));
    }
}
