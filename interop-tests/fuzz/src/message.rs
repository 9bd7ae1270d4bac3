//! Whole messages: what the scanner finds, against a plain reading and against its own answer.
use crate::place;
use std::net::{IpAddr, Ipv4Addr};
use switchyard_engine::wire::text::{is_blank, is_token, trim};
use switchyard_engine::wire::{Compose, Message, Name, Start, Status, echo_record_route};

/// A datagram.
pub fn message(bytes: &[u8]) {
    let Ok(message) = Message::parse(bytes) else { return };
    lies_inside(bytes, &message);
    same_again(&message);
    if let Some(plain) = plainly(message.bytes()) {
        reads_the_same(&message, &plain);
    }
    is_answered(&message);
    if message.check().is_ok() {
        assert_eq!(message.fault(), None, "what passed every check has no fault");
        assert!(message.content_length().is_none_or(|length| length as usize == message.body().len()));
        is_written_again(&message);
    }
}

/// Every slice is a part of the datagram, in the order of the lines.
fn lies_inside(bytes: &[u8], message: &Message<'_>) {
    assert!(bytes.ends_with(message.bytes()));
    let first = match message.start() {
        Start::Request { method_text, uri, .. } => {
            place(bytes, method_text);
            place(bytes, uri)
        }
        Start::Response { reason, .. } => place(bytes, reason),
    };
    let mut end = first.end;
    for field in message.all() {
        let name = place(bytes, field.text);
        assert!(end <= name.start && name.start < name.end, "fields stand in order");
        end = name.end;
        let value = place(bytes, field.value);
        if !field.value.is_empty() {
            assert!(name.end < value.start, "the colon stands between");
            end = value.end;
        }
        assert!(is_token(field.text) || field.name == Name::Other, "a name that is known is a token");
        assert_eq!(field.value, trim(field.value));
        for (at, _) in field.value.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            assert!(matches!(field.value.get(at + 1), Some(b' ' | b'\t')), "a line end in a value is a fold");
        }
    }
    if !message.body().is_empty() {
        assert!(end < place(bytes, message.body()).start, "the body is behind the fields");
    }
}

/// The message alone, without what stood around it, is the same message.
fn same_again(message: &Message<'_>) {
    let again = Message::parse(message.bytes()).expect("what was read can be read");
    assert!(again.all().eq(message.all()));
    assert_eq!((again.start(), again.body(), again.fault()), (message.start(), message.body(), message.fault()));
}

/// A message as the simplest reader has it: start line, name and value of each field, what follows.
type Plain<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str);

/// Reads what is written in the plainest of ways: `Name: value` lines that end with CRLF, without folds, in ASCII.
fn plainly(bytes: &[u8]) -> Option<Plain<'_>> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii())?;
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let start = lines.next()?;
    let field = |line: &'_ str| -> Option<()> {
        let (name, value) = line.split_once(": ")?;
        (is_token(name.as_bytes()) && !value.is_empty() && trim(value.as_bytes()) == value.as_bytes()).then_some(())
    };
    let fields = lines.map(|line| field(line).and_then(|()| line.split_once(": "))).collect::<Option<Vec<_>>>()?;
    (!head.replace("\r\n", "").contains(['\r', '\n', '\0']) && fields.len() <= 512).then_some((start, fields, rest))
}

fn reads_the_same(message: &Message<'_>, (start, fields, rest): &Plain<'_>) {
    match message.start() {
        Start::Request { method_text, .. } => assert!(start.as_bytes().starts_with(method_text)),
        Start::Response { reason, .. } => assert!(start.as_bytes().ends_with(reason)),
    }
    let found = message.all().map(|field| (field.text, field.value));
    assert!(found.eq(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))));
    assert!(rest.as_bytes().starts_with(message.body()));
}

/// Whatever came in, the response to it is one message with the lines it was given.
fn is_answered(request: &Message<'_>) {
    let source = (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 4711);
    let mut out = b"before".to_vec();
    let mut response = Compose::response(&mut out, Status::BAD_REQUEST, None);
    response.echo(request, Some(b"ours"), Some(source));
    echo_record_route(request, response.lines_buffer());
    let range = response.body(b"text/plain", b"abc");
    assert_eq!((range.start, range.end), (6, out.len()));
    let answer = Message::parse(&out[range]).expect("our answers can be read");
    assert_eq!((answer.fault(), answer.status(), answer.body()), (None, Some(Status::BAD_REQUEST), &b"abc"[..]));
    for name in [Name::Via, Name::RecordRoute] {
        assert_eq!(answer.fields(name).count(), request.fields(name).count(), "{name:?}");
    }
    for name in [Name::From, Name::CallId, Name::CSeq, Name::Timestamp] {
        let (asked, echoed) = (request.header(name), answer.header(name));
        assert_eq!(asked.map(unfolded), echoed.map(<[u8]>::to_vec), "{name:?}");
    }
    if let (Ok(asked), Ok(echoed)) = (request.via(), answer.via()) {
        assert_eq!(
            (asked.host, asked.port, asked.branch().is_some()),
            (echoed.host, echoed.port, echoed.branch().is_some())
        );
        assert!(echoed.rport().is_none_or(|port| port == Some(4711)), "rport is where it came from");
        let seen = echoed.received_ip();
        assert!(seen == Some(source.0) || seen.is_none() && asked.ip() == Some(source.0), "so is received");
    }
    if request.check().is_ok() {
        assert_eq!(answer.check(), Ok(()), "the answer to a good request is good");
        let tag = request.to_tag().map_or(b"ours".to_vec(), unfolded);
        assert_eq!(answer.to_tag(), Some(&*tag));
    }
}

/// A good message, written anew field by field, is read as the same and is as good.
fn is_written_again(message: &Message<'_>) {
    let mut out = Vec::new();
    let mut copy = match message.start() {
        Start::Request { method_text, uri, .. } => Compose::request_text(&mut out, method_text, uri),
        Start::Response { status, .. } => Compose::response(&mut out, status, None),
    };
    let framing = |name: Name| matches!(name, Name::ContentLength | Name::ContentType);
    for field in message.all().filter(|field| !framing(field.name)) {
        copy.raw_field(field.text, field.value);
    }
    let range = copy.body(b"x/y", message.body());
    let again = Message::parse(&out[range]).expect("what we write can be read");
    let fields = |message: &Message<'_>| -> Vec<_> {
        let kept = message.all().filter(|field| !framing(field.name));
        kept.map(|field| (field.name, field.text.to_vec(), tamed(field.value))).collect()
    };
    // A control character in a value is written as a blank, and blanks at its ends are not the value's.
    assert_eq!(fields(&again), fields(message));
    assert_eq!((again.body(), again.method(), again.status()), (message.body(), message.method(), message.status()));
    assert_eq!(again.uri_text(), message.uri_text());
    if message.all().all(|field| !field.value.iter().any(|&byte| byte < b' ' && !is_blank(byte) || byte == 0x7f)) {
        assert_eq!(again.check(), Ok(()));
    }
}

/// A run of blanks that has a line end in it is one blank (RFC 3261 §7.3.1): in three lines, slowly.
fn unfolded(value: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    let mut rest = value;
    while let Some(&first) = rest.first() {
        let blanks = rest.iter().take_while(|&&byte| is_blank(byte)).count();
        let (run, behind) = rest.split_at(blanks.max(1));
        if run.contains(&b'\n') || run.contains(&b'\r') {
            out.push(b' ');
            rest = behind;
        } else {
            out.push(first);
            rest = &rest[1..];
        }
    }
    out
}

fn tamed(value: &[u8]) -> Vec<u8> {
    let mut out = unfolded(value);
    for byte in &mut out {
        if *byte < b' ' && *byte != b'\t' || *byte == 0x7f {
            *byte = b' ';
        }
    }
    trim(&out).to_vec()
}
