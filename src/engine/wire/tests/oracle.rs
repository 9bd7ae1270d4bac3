//! Another parser as a witness: on messages that it understands, it reads in ours what we read, and we read in its what
//! it wrote. (Where it is wrong it is no witness: dotted users, IPv6, compact forms, folding, unknown methods.)
use crate::wire::{Compose, Message, Method, Name, Status};
use rsip::headers::untyped::UntypedHeader;
use rsip::prelude::{HeadersExt, ToTypedHeader};

const METHODS: [(Method, rsip::Method); 7] = [
    (Method::Invite, rsip::Method::Invite),
    (Method::Ack, rsip::Method::Ack),
    (Method::Bye, rsip::Method::Bye),
    (Method::Cancel, rsip::Method::Cancel),
    (Method::Options, rsip::Method::Options),
    (Method::Register, rsip::Method::Register),
    (Method::Refer, rsip::Method::Refer),
];

const BODY: &[u8] = b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\n";

#[test]
fn it_reads_what_we_write() {
    for (number, (method, theirs)) in (1_u32..).zip(METHODS) {
        let mut bytes = Vec::new();
        let mut request = Compose::request(&mut bytes, method, b"sip:1002@10.0.0.1:5060");
        request
            .field(Name::Via, b"SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK7")
            .number(Name::MaxForwards, 69)
            .field(Name::From, b"\"Alice\" <sip:1001@pbx>;tag=ours")
            .field(Name::To, b"<sip:1002@pbx>;tag=theirs")
            .field(Name::CallId, b"0123456789abcdef")
            .parts(Name::CSeq, &[number.to_string().as_bytes(), b" ", method.as_str().as_bytes()]);
        request.body(b"application/sdp", BODY);
        let read = rsip::Request::try_from(bytes.as_slice()).unwrap();
        assert_eq!((read.method, read.uri.to_string().as_str()), (theirs, "sip:1002@10.0.0.1:5060"));
        assert_eq!(read.call_id_header().unwrap().value(), "0123456789abcdef");
        assert_eq!(read.cseq_header().unwrap().seq().unwrap(), number);
        let from = read.from_header().unwrap().typed().unwrap();
        assert_eq!((from.display_name.as_deref(), from.uri.to_string().as_str()), (Some("\"Alice\""), "sip:1001@pbx"));
        assert_eq!(from.tag().map(|tag| tag.to_string()).as_deref(), Some("ours"));
        assert_eq!(read.body, BODY);
    }
}

#[test]
fn we_read_what_it_writes() {
    for (code, reason) in [(180, "Ringing"), (200, "OK"), (404, "Not Found"), (486, "Busy Here"), (503, "")] {
        let mut headers = rsip::Headers::default();
        headers.push(rsip::Header::Via("SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK8".into()));
        headers.push(rsip::Header::From("\"Bob\" <sip:1002@pbx>;tag=a".into()));
        headers.push(rsip::Header::To("<sip:1001@pbx>;tag=b".into()));
        headers.push(rsip::Header::CallId("call-8".into()));
        headers.push(rsip::Header::CSeq("8 INVITE".into()));
        headers.push(rsip::Header::ContentLength((BODY.len() as u32).into()));
        let status_code = rsip::StatusCode::from(code);
        let body = BODY.to_vec();
        let response = rsip::Response { status_code, version: rsip::Version::V2, headers, body };
        let bytes = Vec::from(rsip::SipMessage::from(response));
        let read = Message::parse(&bytes).unwrap();
        assert_eq!(read.check(), Ok(()), "{reason}");
        assert_eq!(read.status(), Status::new(code));
        assert_eq!(
            (read.call_id().unwrap(), read.to_tag(), read.from_tag()),
            (&b"call-8"[..], Some(&b"b"[..]), Some(&b"a"[..]))
        );
        let (cseq, via) = (read.cseq().unwrap(), read.via().unwrap());
        assert_eq!((cseq.number, cseq.method, via.branch()), (8, Method::Invite, Some(&b"z9hG4bK8"[..])));
        assert_eq!(read.body(), BODY);
    }
}
