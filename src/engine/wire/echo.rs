//! What a response repeats of its request (RFC 3261 §§8.2.6, 12.1.1, 18.2.1).

use std::net::IpAddr;

use super::{
    compose::{decimal, unfolded},
    header::{NameAddr, Via},
    message::Message,
    name::Name,
    text::{cut, trim},
};

/// Appends the header lines that a response repeats: all Vias, From, To, Call-ID, CSeq, Timestamp.
///
/// The topmost Via gets `received` and `rport` filled in where the datagram came from is given (RFC 3261 §18.2.1,
/// RFC 3581 §4). To gets `to_tag` if it has none. What is missing or malformed in the request is repeated as far as it goes.
pub fn echo(
    request: &Message<'_>,
    to_tag: Option<&[u8]>,
    received: Option<(IpAddr, u16)>,
    out: &mut Vec<u8>,
) {
    let mut topmost = received;
    for line in request.fields(Name::Via) {
        out.extend_from_slice(b"Via: ");
        match topmost.take() {
            Some(source) => topmost_via(line, source, out),
            None => unfolded(out, line),
        }
        out.extend_from_slice(b"\r\n");
    }
    repeat(request.header(Name::From), b"From: ", out);
    if let Some(to) = request.header(Name::To) {
        out.extend_from_slice(b"To: ");
        unfolded(out, to);
        if let Some(tag) = to_tag
            && NameAddr::parse(to).is_ok_and(|to| to.tag().is_none())
        {
            out.extend_from_slice(b";tag=");
            unfolded(out, tag);
        }
        out.extend_from_slice(b"\r\n");
    }
    repeat(request.header(Name::CallId), b"Call-ID: ", out);
    repeat(request.header(Name::CSeq), b"CSeq: ", out);
    repeat(request.header(Name::Timestamp), b"Timestamp: ", out);
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
fn topmost_via(line: &[u8], (ip, port): (IpAddr, u16), out: &mut Vec<u8>) {
    let (value, rest) = cut(line, b',');
    let Ok(via) = Via::parse(value) else {
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
    if rport
        || via
            .ip()
            .is_none_or(|sent_by| sent_by.to_canonical() != ip.to_canonical())
    {
        out.extend_from_slice(b";received=");
        // Writing to a Vec cannot fail.
        let _ = std::io::Write::write_fmt(out, format_args!("{}", ip.to_canonical()));
    }
    if let Some(rest) = rest {
        out.push(b',');
        unfolded(out, rest);
    }
}
