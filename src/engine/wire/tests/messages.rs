//! Messages as they come, right and wrong: every way in which parsers are known to fail, each with its expected reading.

use crate::wire::{Contacts, Malformed, Message, Method, Name, Start};

/// A request with the usual fields, and `extra` lines (each with its CRLF) before the blank line.
fn request(method: &str, extra: &str) -> String {
    format!(
        "{method} sip:john.doe@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
         To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 {method}\r\nContact: <sip:a@h>\r\n{extra}\r\n"
    )
}

fn parsed(text: &str) -> Message<'_> {
    Message::parse(text.as_bytes()).unwrap()
}

fn verdict(text: &str) -> Result<(), Malformed> {
    Message::parse(text.as_bytes()).and_then(|message| message.check())
}

#[test]
fn compact_forms_folds_and_blanks_are_read() {
    let text = "INVITE sip:u@h SIP/2.0\r\nv: SIP/2.0/UDP h\r\n ;branch=z9hG4bKx , SIP/2.0/TCP i\r\nf \t:\"A\" <sip:a@b>;tag=1\r\n\
        t:\r\n sip:c@d\r\ni: x \r\nm: <sip:a@h>\r\nCSEQ:\t1\tINVITE\r\nl: 3\r\nc: text/plain\r\nk: 100rel,\r\n Timer\r\n\r\nabcdef";
    let message = parsed(text);
    assert_eq!(message.check(), Ok(()));
    assert_eq!((message.call_id(), message.body(), message.content_length()), (Ok(&b"x"[..]), &b"abc"[..], Some(3)));
    assert_eq!(message.via().unwrap().branch(), Some(&b"z9hG4bKx"[..]));
    assert_eq!(message.vias().filter(Result::is_ok).count(), 2);
    assert_eq!((message.from_tag(), message.to_tag()), (Some(&b"1"[..]), None));
    assert_eq!(message.to().unwrap().uri, b"sip:c@d");
    assert!(message.has_option(Name::Supported, "timer") && message.has_option(Name::Supported, "100rel"));
    assert!(!message.has_option(Name::Supported, "path") && !message.has_option(Name::Require, "timer"));
    let names: Vec<_> = message.all().map(|field| field.text).collect();
    assert_eq!(names, [&b"v"[..], b"f", b"t", b"i", b"m", b"CSEQ", b"l", b"c", b"k"]);
}

#[test]
fn what_is_well_formed_passes() {
    for text in [
        request("INVITE", ""),
        request("FOOBAR", ""),
        request("invite", ""),
        request("INVITE", "X-Latin: J\u{f6}rg\r\nX-Empty:\r\nX-Odd: ;;,,;;,;\r\n"),
        request("INVITE", "Content-Length: 0\r\nl: 0\r\n"),
        request("INVITE", "Max-Forwards: 0068\r\n"),
        request("INVITE", "Route: <sip:p1;lr>, <sip:[2001:db8::1]:5080;lr;maddr=[::1]>\r\n"),
        request("REGISTER", "Expires: 99999999999\r\n"),
        format!("\r\n\r\n{}", request("OPTIONS", "")),
        request("OPTIONS", "").replace("\r\n", "\n"),
        request("OPTIONS", "").replace("sip:john.doe@example.com", "tel:+49-30-123;phone-context=x"),
        request("OPTIONS", "").replace("sip:john.doe@example.com", "urn:service:sos"),
        request("OPTIONS", "").replace("sip:john.doe@example.com", "sip:a;b=c.d@h;transport=quic;method=FOO"),
        request("BYE", "").replace("Contact: <sip:a@h>\r\n", ""),
        request("REGISTER", "").replace("<sip:a@h>", "*"),
        request("REGISTER", "").replace("<sip:a@h>", "<sip:a@h>, \"B, <b>\" <sip:b@h>;q=0.1"),
        request("REFER", "r: <sip:b@h?Replaces=1%40h%3Bto-tag%3D2%3Bfrom-tag%3D3>\r\n"),
        "SIP/2.0 200 \r\nVia: SIP/2.0/UDP h\r\nf: sip:a@b\r\nt: sip:c@d\r\ni: x\r\nCSeq: 1 BYE\r\n\r\n".to_owned(),
        "SIP/2.0 200\r\nVia: SIP/2.0/UDP h\r\nf: sip:a@b\r\nt: sip:c@d\r\ni: x\r\nCSeq: 1 BYE\r\n\r\n".to_owned(),
    ] {
        assert_eq!(verdict(&text), Ok(()), "{text}");
    }
}

/// A plain INVITE with one thing changed.
fn changed(from: &str, to: &str) -> String {
    let plain = request("INVITE", "");
    assert!(plain.contains(from), "{from}");
    plain.replace(from, to)
}

/// A plain INVITE with more lines.
fn with(extra: &str) -> String {
    request("INVITE", extra)
}

#[test]
fn what_cannot_be_framed_is_named() {
    for (text, fault) in [
        ("\r\n\r\n".to_owned(), Malformed::Empty),
        ("hello".to_owned(), Malformed::StartLine),
        ("hello\r\n\r\n".to_owned(), Malformed::StartLine),
        (changed("INVITE sip", "INVITE  sip"), Malformed::StartLine),
        (changed("com SIP", "com  SIP"), Malformed::StartLine),
        (changed("SIP/2.0\r\nVia", "SIP/2.0 \r\nVia"), Malformed::StartLine),
        (changed("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"), Malformed::Version),
        (changed("sip:john.doe@example.com", "<sip:john.doe@example.com>"), Malformed::RequestUri),
        (changed("sip:john.doe@example.com", "sip:john.doe@example.com; lr"), Malformed::RequestUri),
        (changed("sip:john.doe@example.com", "sip:j@e?Route=%3Csip:x%3E"), Malformed::RequestUri),
        (changed("sip:john.doe@example.com", "sip:2001:db8::10"), Malformed::RequestUri),
        (changed("sip:john.doe@example.com", "sip:"), Malformed::RequestUri),
        (changed("sip:john.doe@example.com", "john"), Malformed::RequestUri),
        (with("NoColon\r\n"), Malformed::HeaderLine),
        (with(": empty\r\n"), Malformed::HeaderLine),
        (with("Two Words: x\r\n"), Malformed::HeaderLine),
        (with("Subject: a\rX-Injected: b\r\n"), Malformed::BareReturn),
        (changed("Contact: <sip:a@h>\r\n\r\n", "Contact: <sip:a@h>\r\n"), Malformed::Unterminated),
        (changed("Contact: <sip:a@h>\r\n\r\n", "Conta"), Malformed::Unterminated),
        (with("Content-Length: 1\r\n"), Malformed::Truncated),
        (with("Content-Length: 9999999999999999999999\r\n"), Malformed::ContentLength),
        (with("Content-Length: -1\r\n"), Malformed::ContentLength),
        (with("Content-Length:\r\n"), Malformed::ContentLength),
        (with("Content-Length: 0\r\nl: 1\r\n"), Malformed::ContentLengthConflict),
        ("SIP/2.0 4294967301 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n".to_owned(), Malformed::StatusCode),
        ("SIP/2.0 99 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n".to_owned(), Malformed::StatusCode),
        ("SIP/7.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n".to_owned(), Malformed::Version),
    ] {
        assert_eq!(verdict(&text), Err(fault), "{text}");
    }
}

#[test]
fn what_is_malformed_in_a_field_is_named() {
    for (text, fault) in [
        (changed("Via: SIP", "Voa: SIP"), Malformed::MissingVia),
        (changed("From: ", "Fram: "), Malformed::MissingFrom),
        (changed("To: ", "Tu: "), Malformed::MissingTo),
        (changed("Call-ID: ", "Call-IDs: "), Malformed::MissingCallId),
        (changed("CSeq: ", "DSeq: "), Malformed::MissingCSeq),
        (changed("Contact: ", "Contract: "), Malformed::MissingContact),
        (with("f: <sip:x@y>\r\n"), Malformed::RepeatedFrom),
        (with("t: <sip:x@y>\r\n"), Malformed::RepeatedTo),
        (with("i: y\r\n"), Malformed::RepeatedCallId),
        (with("CSeq: 1 INVITE\r\n"), Malformed::RepeatedCSeq),
        (with("Max-Forwards: 1\r\nMax-Forwards: 1\r\n"), Malformed::RepeatedMaxForwards),
        (changed("UDP h;branch=z9hG4bK1", "UDP h;;,;,,"), Malformed::Via),
        (with("Via: SIP/2.0/UDP h:0\r\n"), Malformed::Via),
        (changed("<sip:a@b>;tag=1", "\"open <sip:a@b>;tag=1"), Malformed::From),
        (changed("<sip:c@d>", "\"W\" < sip:c@d >"), Malformed::To),
        (changed("<sip:c@d>", "W, T <sip:c@d>"), Malformed::To),
        (changed("Call-ID: x", "Call-ID: x y"), Malformed::CallId),
        (changed("Call-ID: x", "Call-ID:"), Malformed::CallId),
        (changed("CSeq: 1 INVITE", "CSeq: 36893488147419103232 INVITE"), Malformed::CSeq),
        (changed("CSeq: 1 INVITE", "CSeq: 1 BYE"), Malformed::CSeqMethod),
        (with("Max-Forwards: many\r\n"), Malformed::MaxForwards),
        (changed("<sip:a@h>", "sip:a@h?Route=x"), Malformed::Contact),
        (changed("<sip:a@h>", "*"), Malformed::Contact),
        (changed("<sip:a@h>", "<sip:a@h>, <sip:b@h>"), Malformed::Contact),
        (request("REGISTER", "").replace("<sip:a@h>", "*, <sip:a@h>"), Malformed::Contact),
        (with("Route: sip p\r\n"), Malformed::Route),
        (with("Record-Route: <sip:p>, <\r\n"), Malformed::RecordRoute),
        (request("REFER", ""), Malformed::ReferTo),
        (request("REFER", "Refer-To: <sip:a@b>, <sip:c@d>\r\n"), Malformed::ReferTo),
    ] {
        assert_eq!(verdict(&text), Err(fault), "{text}");
    }
}

#[test]
fn a_malformed_request_can_still_be_answered() {
    let text = request("INVITE", "Content-Length: 1\r\n");
    let message = parsed(&text);
    assert_eq!((message.fault(), message.check()), (Some(Malformed::Truncated), Err(Malformed::Truncated)));
    assert_eq!((message.method(), message.call_id(), message.body()), (Some(Method::Invite), Ok(&b"x"[..]), &b""[..]));
}

#[test]
fn a_bare_line_feed_never_hides_in_a_value() {
    let message_text = request("INVITE", "Subject: hi\nX-Injected: yes\r\n");
    let message = parsed(&message_text);
    assert_eq!(message.header(Name::Subject), Some(&b"hi"[..]));
    assert_eq!(message.other("x-injected"), Some(&b"yes"[..]));
}

#[test]
fn surplus_bytes_are_not_the_body() {
    let text = request("BYE", "Content-Length: 2\r\n") + "abINVITE sip:x@y SIP/2.0\r\n\r\n";
    assert_eq!(parsed(&text).body(), b"ab");
    let mut binary = request("BYE", "Content-Length: 5\r\n").into_bytes();
    binary.extend_from_slice(b"\xff\xd8\xff\x00\x80");
    assert_eq!(Message::parse(&binary).unwrap().body(), b"\xff\xd8\xff\x00\x80");
}

#[test]
fn an_unknown_method_and_phrase_are_kept_as_written() {
    let text = request("RE%47IST", "");
    let Start::Request { method, method_text, uri } = parsed(&text).start() else { panic!("a request") };
    assert_eq!((method, method_text, uri), (Method::Other, &b"RE%47IST"[..], &b"sip:john.doe@example.com"[..]));
    let text = b"SIP/2.0 486 Besetzt \xfc\r\nVia: SIP/2.0/UDP h\r\n\r\n";
    let message = Message::parse(text).unwrap();
    let Start::Response { status, reason } = message.start() else { panic!("a response") };
    assert_eq!((status.code(), reason), (486, &b"Besetzt \xfc"[..]));
    assert_eq!((message.method(), message.uri_text()), (None, &b""[..]));
}

#[test]
fn contacts_know_the_star() {
    let text = request("REGISTER", "").replace("<sip:a@h>", "*");
    assert_eq!(parsed(&text).contacts(), Ok(Contacts::Star));
    let text = request("REGISTER", "m: \"x\" <sip:b@h>;expires=5,<sip:c@h>\r\n");
    let Ok(Contacts::List(list)) = parsed(&text).contacts() else { panic!("a list") };
    assert_eq!(list.iter().map(|contact| contact.uri).collect::<Vec<_>>(), [&b"sip:a@h"[..], b"sip:b@h", b"sip:c@h"]);
    assert_eq!(list[1].expires(), Some(5));
}

#[test]
fn scalars_are_clamped() {
    for (extra, hops, expires) in [
        ("", Some(None), None),
        ("Max-Forwards: 300\r\nExpires: 99999999999\r\n", Some(Some(255)), Some(u32::MAX)),
        ("Max-Forwards: 0\r\nExpires: 0\r\n", Some(Some(0)), Some(0)),
        ("Max-Forwards: x\r\nExpires: tomorrow\r\n", None, Some(3600)),
    ] {
        let text = request("REGISTER", extra);
        assert_eq!((parsed(&text).max_forwards().ok(), parsed(&text).expires()), (hops, expires), "{extra}");
    }
}

#[test]
fn a_flood_of_headers_is_refused() {
    let text = request("OPTIONS", &"a: b\r\n".repeat(5000));
    assert_eq!(verdict(&text), Err(Malformed::TooManyHeaders));
    assert!(parsed(&text).all().count() <= 512);
}
