//! Messages built once, by rsip, and patched for every call.
use rsip::{Header, Headers, Method, Request, SipMessage, Uri, Version};
use std::error::Error;
use std::net::SocketAddr;

/// What stands where the call's number goes: eight hexadecimal digits.
const NUMBER: &str = "0xxCALL0";
/// What stands where the answer's To tag goes: sixteen.
const TAG: &str = "0xxxxxTO_TAGxxx0";

const DESCRIPTION: &str = "v=0\r\no=load 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 16384 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";

/// A message with places to be filled in.
#[derive(Debug)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    numbers: Vec<usize>,
    tags: Vec<usize>,
}

impl Template {
    fn new(bytes: Vec<u8>) -> Self {
        let find = |mark: &str| {
            let mark = mark.as_bytes();
            (0..bytes.len()).filter(|&at| bytes[at..].starts_with(mark)).collect()
        };
        let (numbers, tags) = (find(NUMBER), find(TAG));
        Self { bytes, numbers, tags }
    }

    /// The message of this call.
    pub(crate) fn fill(&mut self, call: u32, tag: &[u8; 16]) -> &[u8] {
        let digits: [u8; 8] = std::array::from_fn(|i| b"0123456789abcdef"[(call >> (28 - 4 * i)) as usize & 15]);
        for &at in &self.numbers {
            self.bytes[at..at + 8].copy_from_slice(&digits);
        }
        for &at in &self.tags {
            self.bytes[at..at + 16].copy_from_slice(tag);
        }
        &self.bytes
    }
}

/// The messages of the calling end.
#[derive(Debug)]
pub(crate) struct Templates {
    pub(crate) invite: Template,
    pub(crate) ack: Template,
    pub(crate) bye: Template,
}

impl Templates {
    pub(crate) fn new(server: SocketAddr, caller: SocketAddr) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            invite: request(Method::Invite, server, caller)?,
            ack: request(Method::Ack, server, caller)?,
            bye: request(Method::Bye, server, caller)?,
        })
    }
}

fn request(method: Method, server: SocketAddr, caller: SocketAddr) -> Result<Template, Box<dyn Error>> {
    let invite = method == Method::Invite;
    // Inside the dialog the target is the server's Contact; rsip has no dotted users, so the number is plain.
    let uri = if invite { format!("sip:u{NUMBER}@{server}") } else { format!("sip:{server}") };
    let to_tag = if invite { String::new() } else { format!(";tag={TAG}") };
    let number = if method == Method::Bye { 2 } else { 1 };
    let body = if invite { DESCRIPTION } else { "" };
    let mut headers: Headers = Headers::default();
    headers.push(Header::Via(format!("SIP/2.0/UDP {caller};branch=z9hG4bK{method}{NUMBER}").into()));
    headers.push(Header::From(format!("<sip:caller@{server}>;tag={NUMBER}").into()));
    headers.push(Header::To(format!("<sip:u{NUMBER}@{server}>{to_tag}").into()));
    headers.push(Header::CallId(format!("{NUMBER}@load").into()));
    headers.push(Header::CSeq(format!("{number} {method}").into()));
    headers.push(Header::MaxForwards(70.into()));
    if invite {
        headers.push(Header::Contact(format!("<sip:caller@{caller}>").into()));
        headers.push(Header::Allow("INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE".into()));
        headers.push(Header::ContentType("application/sdp".into()));
    }
    headers.push(Header::ContentLength((body.len() as u32).into()));
    let uri = Uri::try_from(uri.as_str())?;
    let request = Request { method, uri, version: Version::V2, headers, body: body.as_bytes().to_vec() };
    Ok(Template::new(Vec::from(SipMessage::from(request))))
}

/// The called end's answer, from the lines of the request that it repeats.
pub(crate) fn answer(request: &[u8], status: &str, caller_offers: bool, callee: SocketAddr, out: &mut Vec<u8>) {
    use std::io::Write as _;
    out.clear();
    let described = caller_offers && status.starts_with("200");
    let body = if described { DESCRIPTION } else { "" };
    out.extend_from_slice(b"SIP/2.0 ");
    out.extend_from_slice(status.as_bytes());
    out.extend_from_slice(b"\r\n");
    for line in request.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
        if line.is_empty() {
            break;
        }
        let repeated = [&b"Via:"[..], b"From:", b"To:", b"Call-ID:", b"CSeq:"];
        if repeated.iter().any(|name| line.starts_with(name)) {
            out.extend_from_slice(line);
            if line.starts_with(b"To:") && !line.windows(5).any(|five| five == b";tag=") {
                out.extend_from_slice(b";tag=callee");
            }
            out.extend_from_slice(b"\r\n");
        }
    }
    // Writing to a Vec cannot fail.
    let _ = write!(out, "Contact: <sip:callee@{callee}>\r\n");
    if described {
        out.extend_from_slice(b"Content-Type: application/sdp\r\n");
    }
    let _ = write!(out, "Content-Length: {}\r\n\r\n{body}", body.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_template_is_the_call_s_own() {
        let (server, caller) = ("127.0.0.1:5060".parse().unwrap(), "127.0.0.1:5070".parse().unwrap());
        let mut templates = Templates::new(server, caller).unwrap();
        let bye = String::from_utf8(templates.bye.fill(0xbeef, b"0123456789abcdef").to_vec()).unwrap();
        assert!(bye.starts_with("BYE sip:127.0.0.1:5060 SIP/2.0\r\n"), "{bye}");
        for part in
            ["branch=z9hG4bKBYE0000beef", "To: <sip:u0000beef@127.0.0.1:5060>;tag=0123456789abcdef", "CSeq: 2 BYE"]
        {
            assert!(bye.contains(part), "{part} in {bye}");
        }
        assert!(!bye.contains("xx"), "nothing is left to fill in: {bye}");
    }
}
