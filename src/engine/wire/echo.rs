//! What a response repeats of its request (RFC 3261 §§8.2.6, 12.1.1, 18.2.1).

use std::net::IpAddr;

use super::{
    compose::{address_text, decimal, unfolded},
    header::NameAddr,
    message::Message,
    name::Name,
    text::{cut, trim},
};

/// Appends the header lines that a response repeats: all Vias, From, To, Call-ID, CSeq, Timestamp.
///
/// The topmost Via gets `received` and `rport` filled in where the datagram came from is given (RFC 3261 §18.2.1,
/// RFC 3581 §4). To gets `to_tag` if it has none. What is missing or malformed in the request is repeated as far as it goes.
pub fn echo(request: &Message<'_>, to_tag: Option<&[u8]>, received: Option<(IpAddr, u16)>, out: &mut Vec<u8>) {
    let mut topmost = received;
    for line in request.fields(Name::Via) {
        out.extend_from_slice(b"Via: ");
        match topmost.take() {
            Some(source) => topmost_via(request, line, source, out),
            None => unfolded(out, line),
        }
        out.extend_from_slice(b"\r\n");
    }
    repeat(request.header(Name::From), b"From: ", out);
    if let Some(to) = request.header(Name::To) {
        out.extend_from_slice(b"To: ");
        tagged(to, to_tag, out);
        out.extend_from_slice(b"\r\n");
    }
    repeat(request.header(Name::CallId), b"Call-ID: ", out);
    repeat(request.header(Name::CSeq), b"CSeq: ", out);
    repeat(request.header(Name::Timestamp), b"Timestamp: ", out);
}

/// The To of a response: with our tag where the request has none.
fn tagged(to: &[u8], tag: Option<&[u8]>, out: &mut Vec<u8>) {
    let (Some(tag), Ok(address)) = (tag, NameAddr::parse(to)) else { return unfolded(out, to) };
    match address.param("tag") {
        Some([_, ..]) => return unfolded(out, to),
        None => unfolded(out, to),
        // An empty tag before ours would be taken for it.
        Some([]) => {
            for part in [address.display, b"<", address.uri, b">"] {
                unfolded(out, part);
            }
            for (name, value) in address.params().filter(|(name, _)| !name.eq_ignore_ascii_case(b"tag")) {
                param(name, value, out);
            }
        }
    }
    param(b"tag", Some(tag), out);
}

fn param(name: &[u8], value: Option<&[u8]>, out: &mut Vec<u8>) {
    out.push(b';');
    unfolded(out, name);
    if let Some(value) = value {
        out.push(b'=');
        unfolded(out, value);
    }
}

/// Appends the request's Record-Route lines: a response that makes a dialog repeats them all (RFC 3261 §12.1.1).
pub fn echo_record_route(request: &Message<'_>, out: &mut Vec<u8>) {
    for line in request.fields(Name::RecordRoute) {
        repeat(Some(line), b"Record-Route: ", out);
    }
}

fn repeat(value: Option<&[u8]>, name: &[u8], out: &mut Vec<u8>) {
    if let Some(value) = value {
        out.extend_from_slice(name);
        unfolded(out, value);
        out.extend_from_slice(b"\r\n");
    }
}

/// The line's first value with the source written into it; what else the line lists follows as it is.
fn topmost_via(request: &Message<'_>, line: &[u8], (ip, port): (IpAddr, u16), out: &mut Vec<u8>) {
    let (value, rest) = cut(line, b',');
    let Ok(via) = request.via() else {
        return unfolded(out, line);
    };
    unfolded(out, trim(cut(value, b';').0));
    let mut rport = false;
    for (name, value) in via.params() {
        // What the sender claims about itself does not count.
        if name.eq_ignore_ascii_case(b"received") {
            continue;
        }
        out.push(b';');
        unfolded(out, name);
        if name.eq_ignore_ascii_case(b"rport") {
            rport = true;
            out.push(b'=');
            decimal(out, u64::from(port));
        } else if let Some(value) = value {
            out.push(b'=');
            unfolded(out, value);
        }
    }
    // With rport also where the address is the same (RFC 3581 §4).
    if rport || via.ip().is_none_or(|sent_by| sent_by.to_canonical() != ip.to_canonical()) {
        out.extend_from_slice(b";received=");
        out.extend_from_slice(&address_text(ip.to_canonical()));
    }
    if let Some(rest) = rest {
        out.push(b',');
        unfolded(out, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The echo of a request with this Via, To and more, sent from 192.0.2.9:7777.
    fn echoed(via: &str, more: &str) -> String {
        let text = format!("BYE sip:a@b SIP/2.0\r\nVia: {via}\r\n{more}\r\n");
        let request = Message::parse(text.as_bytes()).unwrap();
        let mut out = Vec::new();
        echo(&request, Some(b"ours"), Some(("192.0.2.9".parse().unwrap(), 7777)), &mut out);
        echo_record_route(&request, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_topmost_via_tells_the_source() {
        for (via, expected) in [
            ("SIP/2.0/UDP 192.0.2.9;branch=x", "SIP/2.0/UDP 192.0.2.9;branch=x"),
            (
                "SIP/2.0/UDP 192.0.2.9:5062;rport;branch=x",
                "SIP/2.0/UDP 192.0.2.9:5062;rport=7777;branch=x;received=192.0.2.9",
            ),
            ("SIP/2.0/UDP host;branch=x", "SIP/2.0/UDP host;branch=x;received=192.0.2.9"),
            ("SIP/2.0/UDP 10.0.0.1", "SIP/2.0/UDP 10.0.0.1;received=192.0.2.9"),
            ("SIP/2.0/UDP [::ffff:192.0.2.9]", "SIP/2.0/UDP [::ffff:192.0.2.9]"),
            (
                "SIP/2.0/UDP h;received=6.6.6.6;rport=66;x=\"a;b\"",
                "SIP/2.0/UDP h;rport=7777;x=\"a;b\";received=192.0.2.9",
            ),
            (
                "SIP/2.0/UDP h ; branch = x,SIP/2.0/UDP i;rport",
                "SIP/2.0/UDP h;branch=x;received=192.0.2.9,SIP/2.0/UDP i;rport",
            ),
            ("SIP / 2.0 /UDP\r\n  h", "SIP / 2.0 /UDP h;received=192.0.2.9"),
            ("SIP/2.0/UDP h\r\nv: SIP/2.0/UDP i;rport", "SIP/2.0/UDP h;received=192.0.2.9\r\nVia: SIP/2.0/UDP i;rport"),
            ("nonsense;rport", "nonsense;rport"),
        ] {
            assert_eq!(echoed(via, ""), format!("Via: {expected}\r\n"), "{via}");
        }
    }

    #[test]
    fn the_rest_goes_back_as_it_came() {
        let more = "r: x\r\nf: \"\\\0\" <sip:a@b>\r\n ;tag=1\r\nt: sip:c@d\r\ni: id\r\nCSeq: 1\r\n BYE\r\nTimestamp: 54\r\n\
            Record-Route: <sip:p;lr>,\r\n <sip:q;lr>\r\nRecord-Route: <sip:r;lr>\r\n";
        assert_eq!(
            echoed("SIP/2.0/UDP 192.0.2.9", more),
            "Via: SIP/2.0/UDP 192.0.2.9\r\nFrom: \"\\\0\" <sip:a@b> ;tag=1\r\nTo: sip:c@d;tag=ours\r\nCall-ID: id\r\n\
             CSeq: 1 BYE\r\nTimestamp: 54\r\nRecord-Route: <sip:p;lr>, <sip:q;lr>\r\nRecord-Route: <sip:r;lr>\r\n"
        );
        assert!(
            echoed("SIP/2.0/UDP 192.0.2.9", "To: <sip:c@d;tag=uri>;tag=theirs\r\n")
                .ends_with("To: <sip:c@d;tag=uri>;tag=theirs\r\n")
        );
        for empty in ["To: \"J\" <sip:c@d>;tag;x=y\r\n", "To: \"J\" <sip:c@d> ; tag= ;x=y\r\n"] {
            assert!(echoed("SIP/2.0/UDP h", empty).ends_with("To: \"J\"<sip:c@d>;x=y;tag=ours\r\n"), "{empty}");
        }
    }
}
