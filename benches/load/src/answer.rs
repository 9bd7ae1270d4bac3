//! Responses: made of the lines of the request that they repeat.
use crate::digits::write_decimal;
use crate::glance::Glance;

/// What our end says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Voice<'v> {
    /// Goes behind a To that has no tag.
    pub(crate) tag: &'v [u8],
    /// The whole field, with its line end; may be empty.
    pub(crate) contact: &'v [u8],
    /// A description; may be empty.
    pub(crate) body: &'v [u8],
}

/// The status line of a 200.
pub(crate) const OK: &[u8] = b"SIP/2.0 200 OK\r\n";
pub(crate) const TRYING: &[u8] = b"SIP/2.0 100 Trying\r\n";
pub(crate) const RINGING: &[u8] = b"SIP/2.0 180 Ringing\r\n";
pub(crate) const NOT_FOUND: &[u8] = b"SIP/2.0 404 Not Found\r\n";
pub(crate) const TERMINATED: &[u8] = b"SIP/2.0 487 Request Terminated\r\n";
pub(crate) const NO_CALL: &[u8] = b"SIP/2.0 481 Call/Transaction Does Not Exist\r\n";

/// Adds a response.
pub(crate) fn write(request: &Glance<'_>, status_line: &[u8], voice: Voice<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(status_line);
    request.write_repeated(voice.tag, out);
    out.extend_from_slice(voice.contact);
    if !voice.body.is_empty() {
        out.extend_from_slice(b"Content-Type: application/sdp\r\n");
    }
    out.extend_from_slice(b"Content-Length: ");
    write_decimal(voice.body.len() as u32, out);
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(voice.body);
}

/// Adds another final response to the INVITE that this 200 was written for: the same but for its first line.
pub(crate) fn write_instead(accepted: &[u8], status_line: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(status_line);
    out.extend_from_slice(accepted.strip_prefix(OK).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_repeats_what_it_must() {
        let request = b"INVITE sip:u1@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nf: <sip:a@h>;tag=1\r\n\
            To: <sip:b@h>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nRecord-Route: <sip:p;lr>\r\n\r\n";
        let glance = Glance::read(request).unwrap();
        let mut out = Vec::new();
        let voice = Voice { tag: b"mine", contact: b"Contact: <sip:me@h>\r\n", body: b"v=0\r\n" };
        write(&glance, OK, voice, &mut out);
        let expected = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nf: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=mine\r\n\
            Call-ID: x\r\nCSeq: 1 INVITE\r\nRecord-Route: <sip:p;lr>\r\nContact: <sip:me@h>\r\n\
            Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";
        assert_eq!(String::from_utf8(out.clone()).unwrap(), expected);
        let mut other = Vec::new();
        write_instead(&out, TERMINATED, &mut other);
        assert_eq!(String::from_utf8(other).unwrap(), expected.replace("200 OK", "487 Request Terminated"));
    }
}
