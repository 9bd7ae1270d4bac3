//! What a message says, read in one pass and without a copy.
//!
//! Only what a load generator acts on. Compact names, any case and folded lines are read; what cannot be read is nobody's.
use memchr::{memchr, memchr2, memrchr};

/// Stretches of a request that its responses repeat; more than any sane request has.
const STRETCHES: usize = 48;
/// Record-Route fields kept.
const ROUTES: usize = 16;

/// The methods that a load generator hears of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Notify,
    Refer,
    Register,
    Update,
    Other,
}

/// A message as far as it concerns us.
#[derive(Debug)]
pub(crate) struct Glance<'m> {
    bytes: &'m [u8],
    /// 0 for a request.
    pub(crate) status: u16,
    /// The request's method, or the one that CSeq names in a response.
    pub(crate) method: Method,
    /// The Request-URI.
    pub(crate) uri: &'m [u8],
    pub(crate) call_id: &'m [u8],
    /// The number of CSeq.
    pub(crate) sequence: u32,
    pub(crate) from: &'m [u8],
    pub(crate) to: &'m [u8],
    pub(crate) contact: &'m [u8],
    /// The first challenge for a digest.
    pub(crate) challenge: &'m [u8],
    /// It stands in Proxy-Authenticate.
    pub(crate) by_proxy: bool,
    pub(crate) has_retry_after: bool,
    pub(crate) subscription_state: &'m [u8],
    pub(crate) body: &'m [u8],
    routes: [&'m [u8]; ROUTES],
    route_count: usize,
    stretches: [(u32, u32); STRETCHES],
    stretch_count: usize,
}

/// Fields that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Via,
    From,
    To,
    CallId,
    CSeq,
    Contact,
    RecordRoute,
    RetryAfter,
    Challenge,
    ProxyChallenge,
    SubscriptionState,
    Other,
}

impl<'m> Glance<'m> {
    /// Reads a datagram, or one message of a stream. None: it is no SIP message that could concern us.
    pub(crate) fn read(bytes: &'m [u8]) -> Option<Self> {
        let (start, mut at) = line(bytes, 0)?;
        let mut glance = Self {
            bytes,
            status: 0,
            method: Method::Other,
            uri: b"",
            call_id: b"",
            sequence: 0,
            from: b"",
            to: b"",
            contact: b"",
            challenge: b"",
            by_proxy: false,
            has_retry_after: false,
            subscription_state: b"",
            body: b"",
            routes: [b""; ROUTES],
            route_count: 0,
            stretches: [(0, 0); STRETCHES],
            stretch_count: 0,
        };
        glance.start(start)?;
        loop {
            let begin = at;
            let (mut field, mut next) = line(bytes, at)?;
            if field.is_empty() {
                glance.body = bytes.get(next..).unwrap_or_default();
                break;
            }
            // A folded line belongs to the one before (RFC 3261 §7.3.1).
            while matches!(bytes.get(next), Some(b' ' | b'\t')) {
                let (_, behind) = line(bytes, next)?;
                field = trim_end(bytes.get(begin..behind)?);
                next = behind;
            }
            glance.field(begin, field)?;
            at = next;
        }
        (!glance.call_id.is_empty() && !glance.from.is_empty() && !glance.to.is_empty()).then_some(glance)
    }

    fn start(&mut self, start: &'m [u8]) -> Option<()> {
        if let Some(rest) = start.strip_prefix(b"SIP/2.0 ") {
            self.status = u16::try_from(decimal(rest.get(..3)?)?).ok()?;
            return (100..700).contains(&self.status).then_some(());
        }
        let (method, rest) = start.split_at_checked(memchr(b' ', start)?)?;
        self.method = method_of(method);
        let rest = rest.get(1..)?;
        self.uri = rest.get(..memchr(b' ', rest)?)?;
        Some(())
    }

    fn field(&mut self, begin: usize, field: &'m [u8]) -> Option<()> {
        let colon = memchr(b':', field)?;
        let name = name_of(trim(field.get(..colon)?));
        let value = trim(field.get(colon + 1..)?);
        match name {
            Name::From => self.from = value,
            Name::To => self.to = value,
            Name::CallId => self.call_id = value,
            Name::CSeq => {
                let end = value.iter().position(u8::is_ascii_whitespace)?;
                self.sequence = decimal(value.get(..end)?)?;
                if self.status != 0 {
                    self.method = method_of(trim(value.get(end..)?));
                }
            }
            Name::Contact if self.contact.is_empty() => self.contact = value,
            Name::RecordRoute => {
                *self.routes.get_mut(self.route_count)? = value;
                self.route_count += 1;
            }
            Name::RetryAfter => self.has_retry_after = true,
            Name::Challenge | Name::ProxyChallenge if self.challenge.is_empty() && is_usable(value) => {
                self.challenge = value;
                self.by_proxy = name == Name::ProxyChallenge;
            }
            Name::SubscriptionState => self.subscription_state = value,
            Name::Via | Name::Contact | Name::Challenge | Name::ProxyChallenge | Name::Other => {}
        }
        if self.status == 0
            && matches!(name, Name::Via | Name::From | Name::To | Name::CallId | Name::CSeq | Name::RecordRoute)
        {
            self.repeat(begin, field.len())?;
        }
        Some(())
    }

    /// Notes a field that the responses repeat; neighbours become one stretch.
    fn repeat(&mut self, begin: usize, length: usize) -> Option<()> {
        let (begin, end) = (u32::try_from(begin).ok()?, u32::try_from(begin + length).ok()?);
        if let Some(last) = self.stretch_count.checked_sub(1).and_then(|last| self.stretches.get_mut(last))
            && begin - last.1 == 2
            && self.bytes.get(last.1 as usize) == Some(&b'\r')
        {
            last.1 = end;
            return Some(());
        }
        *self.stretches.get_mut(self.stretch_count)? = (begin, end);
        self.stretch_count += 1;
        Some(())
    }

    /// Writes the fields that a response repeats (RFC 3261 §8.2.6.2), with this tag behind a To that has none.
    pub(crate) fn write_repeated(&self, tag: &[u8], out: &mut Vec<u8>) {
        let base = self.bytes.as_ptr().addr();
        let to_end = self.to.as_ptr().addr() - base + self.to.len();
        let untagged = self.to_tag().is_empty();
        for &(begin, end) in self.stretches.get(..self.stretch_count).unwrap_or_default() {
            let (begin, end) = (begin as usize, end as usize);
            if untagged && !tag.is_empty() && (begin..=end).contains(&to_end) {
                out.extend_from_slice(self.bytes.get(begin..to_end).unwrap_or_default());
                out.extend_from_slice(b";tag=");
                out.extend_from_slice(tag);
                out.extend_from_slice(self.bytes.get(to_end..end).unwrap_or_default());
            } else {
                out.extend_from_slice(self.bytes.get(begin..end).unwrap_or_default());
            }
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Record-Route, top first.
    pub(crate) fn routes(&self) -> &[&'m [u8]] {
        self.routes.get(..self.route_count).unwrap_or_default()
    }

    pub(crate) fn to_tag(&self) -> &'m [u8] {
        tag(self.to)
    }

    pub(crate) fn senders_tag(&self) -> &'m [u8] {
        tag(self.from)
    }
}

/// One line and where the next one begins.
fn line(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let end = memchr(b'\n', rest)?;
    let text = rest.get(..end)?;
    Some((text.strip_suffix(b"\r").unwrap_or(text), at + end + 1))
}

/// A challenge that we can answer: Digest with MD5, which goes without saying (RFC 7616 §3.3).
fn is_usable(challenge: &[u8]) -> bool {
    let digest = challenge.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Digest"));
    digest && parameter(challenge, b"algorithm").is_none_or(|algorithm| algorithm.eq_ignore_ascii_case(b"MD5"))
}

/// A parameter of a challenge, without its quotes.
pub(crate) fn parameter<'c>(challenge: &'c [u8], wanted: &[u8]) -> Option<&'c [u8]> {
    let mut rest = challenge.get(memchr2(b' ', b'\t', challenge)?..)?;
    loop {
        let equals = memchr(b'=', rest)?;
        let name = trim_separators(rest.get(..equals)?);
        let behind = trim_start(rest.get(equals + 1..)?);
        let (value, next) = match behind.strip_prefix(b"\"") {
            Some(quoted) => {
                let end = memchr(b'"', quoted)?;
                (quoted.get(..end)?, quoted.get(end + 1..)?)
            }
            None => {
                let end = memchr(b',', behind).unwrap_or(behind.len());
                (trim(behind.get(..end)?), behind.get(end..)?)
            }
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = next;
    }
}

/// The URI of an address.
pub(crate) fn uri_of(address: &[u8]) -> &[u8] {
    let inner = memchr(b'<', address).and_then(|open| address.get(open + 1..));
    match inner {
        Some(inner) => memchr(b'>', inner).and_then(|close| inner.get(..close)).unwrap_or(inner),
        None => trim(memchr(b';', address).and_then(|end| address.get(..end)).unwrap_or(address)),
    }
}

/// The user part of a URI.
pub(crate) fn user_of(uri: &[u8]) -> &[u8] {
    let behind = memchr(b':', uri).and_then(|colon| uri.get(colon + 1..)).unwrap_or_default();
    memchr(b'@', behind).and_then(|at| behind.get(..at)).unwrap_or_default()
}

fn tag(address: &[u8]) -> &[u8] {
    let params = memrchr(b'>', address).and_then(|close| address.get(close + 1..)).unwrap_or(address);
    for param in params.split(|&byte| byte == b';').skip(1) {
        if let Some(equals) = memchr(b'=', param)
            && let (Some(name), Some(value)) = (param.get(..equals), param.get(equals + 1..))
            && trim(name).eq_ignore_ascii_case(b"tag")
        {
            return trim(value);
        }
    }
    b""
}

fn method_of(name: &[u8]) -> Method {
    match name {
        b"INVITE" => Method::Invite,
        b"ACK" => Method::Ack,
        b"BYE" => Method::Bye,
        b"CANCEL" => Method::Cancel,
        b"NOTIFY" => Method::Notify,
        b"REFER" => Method::Refer,
        b"REGISTER" => Method::Register,
        b"UPDATE" => Method::Update,
        _ => Method::Other,
    }
}

fn name_of(name: &[u8]) -> Name {
    let is = |long: &str| name.eq_ignore_ascii_case(long.as_bytes());
    match name.len() {
        1 => match name.first().map(u8::to_ascii_lowercase) {
            Some(b'v') => Name::Via,
            Some(b'f') => Name::From,
            Some(b't') => Name::To,
            Some(b'i') => Name::CallId,
            Some(b'm') => Name::Contact,
            _ => Name::Other,
        },
        2 if is("To") => Name::To,
        3 if is("Via") => Name::Via,
        4 if is("From") => Name::From,
        4 if is("CSeq") => Name::CSeq,
        7 if is("Call-ID") => Name::CallId,
        7 if is("Contact") => Name::Contact,
        11 if is("Retry-After") => Name::RetryAfter,
        12 if is("Record-Route") => Name::RecordRoute,
        16 if is("WWW-Authenticate") => Name::Challenge,
        18 if is("Proxy-Authenticate") => Name::ProxyChallenge,
        18 if is("Subscription-State") => Name::SubscriptionState,
        _ => Name::Other,
    }
}

/// A number in digits and nothing else.
pub(crate) fn decimal(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

fn trim(text: &[u8]) -> &[u8] {
    trim_start(trim_end(text))
}

const fn trim_start(text: &[u8]) -> &[u8] {
    text.trim_ascii_start()
}

const fn trim_end(text: &[u8]) -> &[u8] {
    text.trim_ascii_end()
}

fn trim_separators(text: &[u8]) -> &[u8] {
    trim_start(match trim(text) {
        [b',', rest @ ..] => rest,
        all => all,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_read_in_any_dress() {
        let message = b"SIP/2.0 401 Unauthorized\r\nv: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nf: <sip:a@h>;tag=1\r\n\
            tO : \"x;tag=no\" <sip:b@h;tag=no>\r\n ;TAG=two\r\nI: c00000007-x\r\ncseq: 7\r\n  INVITE\r\n\
            m: <sip:s@h:5060;lr>;x=1\r\nRecord-route: <sip:p1;lr>, <sip:p2;lr>\r\nRECORD-ROUTE: <sip:p3;lr>\r\n\
            www-authenticate: Digest realm=\"r\", algorithm=SHA-256, nonce=\"x\"\r\n\
            WWW-Authenticate: Digest realm=\"a, b\",nonce=\"n=1\" , algorithm=MD5, qop=\"auth\"\r\nRetry-after: 5\r\n\
            l: 2\r\n\r\nhi";
        let glance = Glance::read(message).unwrap();
        assert_eq!((glance.status, glance.method, glance.sequence), (401, Method::Invite, 7));
        assert_eq!(
            (glance.to_tag(), glance.senders_tag(), glance.call_id),
            (&b"two"[..], &b"1"[..], &b"c00000007-x"[..])
        );
        assert_eq!(uri_of(glance.contact), b"sip:s@h:5060;lr");
        assert_eq!(glance.routes(), [&b"<sip:p1;lr>, <sip:p2;lr>"[..], b"<sip:p3;lr>"]);
        assert_eq!(parameter(glance.challenge, b"realm"), Some(&b"a, b"[..]));
        assert_eq!(parameter(glance.challenge, b"NONCE"), Some(&b"n=1"[..]));
        assert_eq!(parameter(glance.challenge, b"qop"), Some(&b"auth"[..]));
        assert_eq!(parameter(glance.challenge, b"opaque"), None);
        assert!(glance.has_retry_after && !glance.by_proxy);
        assert_eq!(glance.body, b"hi");
    }

    #[test]
    fn a_request_is_repeated_with_our_tag() {
        let message = b"INVITE sip:u00000001@127.0.0.1 SIP/2.0\r\nVia: a\r\nVia: b\r\nMax-Forwards: 70\r\nFrom: <sip:a@h>;tag=1\r\n\
            To: <sip:b@h>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
        let glance = Glance::read(message).unwrap();
        let mut out = Vec::new();
        glance.write_repeated(b"mine", &mut out);
        let expected =
            "Via: a\r\nVia: b\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=mine\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert_eq!(user_of(glance.uri), b"u00000001");
        let folded =
            String::from_utf8(message.to_vec()).unwrap().replace("To: <sip:b@h>", "To:\r\n <sip:b@h>;\r\n\ttag=9");
        let folded = folded.replace("\r\n", "\n").replace("Call-ID: x\n", "Call-ID: x\r\n");
        let glance = Glance::read(folded.as_bytes()).unwrap();
        assert_eq!(glance.to_tag(), b"9");
        let mut out = Vec::new();
        glance.write_repeated(b"mine", &mut out);
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("To:\n <sip:b@h>;\n\ttag=9\r\n") && !out.contains("mine"), "{out}");
    }

    #[test]
    fn what_is_no_message_is_nothing() {
        for nonsense in
            [&b""[..], b"\r\n\r\n", b"SIP/2.0 abc\r\n\r\n", b"INVITE\r\n\r\n", b"SIP/2.0 200 OK\r\n", b"\0\0\0\0"]
        {
            assert!(Glance::read(nonsense).is_none(), "{nonsense:?}");
        }
    }
}
