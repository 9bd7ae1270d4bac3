//! Requests built once, by rsip, and filled in for every call.
use crate::digits;
use rsip::{Header, Headers, Method, Request, SipMessage, Uri, Version};
use std::error::Error;

/// The mark of a field in the text that rsip builds.
pub(crate) const NUMBER: &str = "9number9";
pub(crate) const SEQUENCE: &str = "9sequence9";
pub(crate) const TAG: &str = "9tag9";
pub(crate) const USER: &str = "9user9";
pub(crate) const CALL_ID: &str = "9callid9";
pub(crate) const DIALLED: &str = "9dialled9";
const TARGET: &str = "sip:9target9";
const LINES: (&str, &str) = ("9lines9", "9");

/// What is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Number,
    Sequence,
    Tag,
    User,
    CallId,
    Dialled,
    Target,
    Lines,
}

const MARKS: [(&str, Field); 8] = [
    (DIALLED, Field::Dialled),
    (NUMBER, Field::Number),
    (SEQUENCE, Field::Sequence),
    (TAG, Field::Tag),
    (USER, Field::User),
    (CALL_ID, Field::CallId),
    (TARGET, Field::Target),
    ("9lines9: 9\r\n", Field::Lines),
];

/// What one message has of its own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fields<'f> {
    /// The call's number: eight hexadecimal digits.
    pub(crate) number: u32,
    /// Of CSeq.
    pub(crate) sequence: u32,
    /// The other end's tag.
    pub(crate) tag: &'f [u8],
    /// The line's number.
    pub(crate) user: &'f [u8],
    /// The number that is called, or referred to.
    pub(crate) dialled: &'f [u8],
    /// Of a dialog that the other end began.
    pub(crate) call_id: &'f [u8],
    /// The Request-URI.
    pub(crate) target: &'f [u8],
    /// Whole fields: Route, Authorization.
    pub(crate) lines: &'f [u8],
}

/// What a request is built of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape<'s> {
    pub(crate) method: Method,
    /// `UDP` or `TCP`.
    pub(crate) transport: &'s str,
    /// Where responses go.
    pub(crate) sent_by: &'s str,
    pub(crate) branch: &'s str,
    /// The Request-URI; empty: it differs from one to the next.
    pub(crate) uri: &'s str,
    pub(crate) from: &'s str,
    pub(crate) to: &'s str,
    pub(crate) call_id: &'s str,
    /// Fields besides.
    pub(crate) fields: &'s [(&'s str, &'s str)],
    pub(crate) body: &'s str,
}

/// A message with fields to be filled in.
#[derive(Debug)]
pub(crate) struct Template {
    /// What stands between the fields, each with the field behind it.
    parts: Vec<(Box<[u8]>, Option<Field>)>,
}

impl Template {
    /// Builds it.
    pub(crate) fn new(shape: &Shape<'_>) -> Result<Self, Box<dyn Error>> {
        let method = shape.method;
        let mut headers: Headers = Headers::default();
        headers.push(Header::Via(
            format!("SIP/2.0/{} {};branch=z9hG4bK{}", shape.transport, shape.sent_by, shape.branch).into(),
        ));
        headers.push(Header::Other(LINES.0.into(), LINES.1.into()));
        headers.push(Header::From(shape.from.into()));
        headers.push(Header::To(shape.to.into()));
        headers.push(Header::CallId(shape.call_id.into()));
        headers.push(Header::CSeq(format!("{SEQUENCE} {method}").into()));
        headers.push(Header::MaxForwards(70.into()));
        for &(name, value) in shape.fields {
            headers.push(Header::Other(name.into(), value.into()));
        }
        if !shape.body.is_empty() {
            headers.push(Header::ContentType("application/sdp".into()));
        }
        headers.push(Header::ContentLength((shape.body.len() as u32).into()));
        let uri = Uri::try_from(TARGET)?;
        let body = shape.body.as_bytes().to_vec();
        let request = Request { method, uri, version: Version::V2, headers, body };
        let mut text = String::from_utf8(Vec::from(SipMessage::from(request)))?;
        if !shape.uri.is_empty() {
            text = text.replacen(TARGET, shape.uri, 1);
        }
        Ok(Self::cut(&text))
    }

    fn cut(mut text: &str) -> Self {
        let mut parts = Vec::new();
        loop {
            let first = MARKS
                .iter()
                .filter_map(|&(mark, field)| Some((text.find(mark)?, mark, field)))
                .min_by_key(|found| found.0);
            let Some((at, mark, field)) = first else { break };
            parts.push((text.as_bytes()[..at].into(), Some(field)));
            text = &text[at + mark.len()..];
        }
        parts.push((text.as_bytes().into(), None));
        Self { parts }
    }

    /// Adds the message with these fields.
    pub(crate) fn write(&self, fields: &Fields<'_>, out: &mut Vec<u8>) {
        for (text, field) in &self.parts {
            out.extend_from_slice(text);
            match field {
                Some(Field::Number) => out.extend_from_slice(&digits::hexadecimal(fields.number)),
                Some(Field::Sequence) => digits::write_decimal(fields.sequence, out),
                Some(Field::Tag) => out.extend_from_slice(fields.tag),
                Some(Field::User) => out.extend_from_slice(fields.user),
                Some(Field::CallId) => out.extend_from_slice(fields.call_id),
                Some(Field::Dialled) => out.extend_from_slice(fields.dialled),
                Some(Field::Target) => out.extend_from_slice(fields.target),
                Some(Field::Lines) => out.extend_from_slice(fields.lines),
                None => {}
            }
        }
    }
}

/// Adds the Request-URI of a call to this number.
pub(crate) fn write_uri(out: &mut Vec<u8>, number: u32, server: std::net::SocketAddr) {
    use std::io::Write as _;
    out.extend_from_slice(b"sip:u");
    out.extend_from_slice(&digits::hexadecimal(number));
    // Writing to a Vec cannot fail.
    let _ = write!(out, "@{server}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_template_is_the_call_s_own() {
        let shape = Shape {
            method: Method::Bye,
            transport: "UDP",
            sent_by: "127.0.0.1:5070",
            branch: "c9number9-b9sequence9",
            uri: "",
            from: "<sip:9user9@h>;tag=c9number9",
            to: "<sip:u9number9@h>;tag=9tag9",
            call_id: "9callid9",
            fields: &[("Event", "refer")],
            body: "v=0\r\n",
        };
        let template = Template::new(&shape).unwrap();
        let mut out = Vec::new();
        let fields = Fields {
            number: 0xbeef,
            sequence: 12,
            tag: b"to-tag",
            user: b"r0000001",
            dialled: b"700",
            call_id: b"id@h",
            target: b"sip:t@h:5;x",
            lines: b"Route: <sip:p;lr>\r\n",
        };
        template.write(&fields, &mut out);
        let expected = "BYE sip:t@h:5;x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKc0000beef-b12\r\n\
            Route: <sip:p;lr>\r\nFrom: <sip:r0000001@h>;tag=c0000beef\r\nTo: <sip:u0000beef@h>;tag=to-tag\r\n\
            Call-ID: id@h\r\nCSeq: 12 BYE\r\nMax-Forwards: 70\r\nEvent: refer\r\nContent-Type: application/sdp\r\n\
            Content-Length: 5\r\n\r\nv=0\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_fixed_target_is_part_of_the_text() {
        let shape = Shape {
            method: Method::Invite,
            transport: "TCP",
            sent_by: "h",
            branch: "x",
            uri: "sip:u9number9@[::1]:5060",
            from: "f",
            to: "t",
            call_id: "i",
            fields: &[],
            body: "",
        };
        let mut out = Vec::new();
        Template::new(&shape).unwrap().write(&Fields { number: 7, sequence: 1, ..Fields::default() }, &mut out);
        let out = String::from_utf8(out).unwrap();
        assert!(
            out.starts_with("INVITE sip:u00000007@[::1]:5060 SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKx\r\nFrom: f")
        );
        assert!(out.ends_with("Content-Length: 0\r\n\r\n"), "{out}");
    }
}
