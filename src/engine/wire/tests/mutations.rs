//! Mutations of the corpus: nothing panics, and what is composed from a wreck can be read again.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::corpus::ours;
use crate::settings::Codec;
use crate::wire::{
    Compose, Contacts, Credentials, Message, Name, NameAddr, Reason, Replaces, Status, SubscriptionState, Uri,
    echo_record_route, sdp,
};

const ROUNDS: usize = 20_000;

/// Words that open and close things.
const WORDS: [&[u8]; 14] =
    [b"\r\n", b"\n", b"\r", b" ", b"\"", b"<", b">", b";", b",", b":", b"\\", b"%", b"\0", b"\r\n\r\n"];

/// xorshift: the same mutations on every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return bytes.push(b'I');
        }
        let at = self.below(bytes.len());
        match self.below(5) {
            0 => bytes[at] = self.below(256) as u8,
            1 => drop(bytes.remove(at)),
            2 => {
                let word = WORDS[self.below(WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
            3 => {
                let end = (at + self.below(40)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = self.below(bytes.len());
                bytes.splice(to..to, copy);
            }
            _ => bytes.truncate(at.max(1)),
        }
    }
}

fn corpus() -> Vec<Vec<u8>> {
    let mut files: Vec<_> = std::fs::read_dir(ours()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "sip"));
    files.sort();
    files.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Asks everything that can be asked.
fn ask(message: &Message<'_>) {
    let _ = message.check();
    let _ = (message.call_id(), message.cseq(), message.max_forwards(), message.expires(), message.contact());
    if let Ok(Contacts::List(list)) = message.contacts() {
        for contact in list {
            let _ = (contact.expires(), contact.q());
        }
    }
    for field in message.all() {
        let value = field.value;
        assert!(!value.contains(&b'\n') || value.windows(2).any(|pair| pair[0] == b'\n' && b" \t".contains(&pair[1])));
        if let Ok(address) = NameAddr::parse(value) {
            assert!(address.display_chars().all(|char| !char.is_control()));
            if let Ok(uri) = address.uri() {
                assert!(uri.equivalent(&uri) || uri.headers().count() + uri.params.len() > 0);
                let _ = (uri.ip(), uri.header("Replaces"), uri.user_params());
            }
        }
        let _ = (Replaces::parse(value), Reason::parse(value), SubscriptionState::parse(value));
        let _ = Credentials::parse(value).map(|credentials| credentials.nc());
    }
    let _ = Uri::parse(message.uri_text());
    for via in message.vias().flatten() {
        let _ = (via.received_ip(), via.rport(), via.ttl());
    }
}

/// Whatever came in, what goes out is one message with the fields it was given.
fn answer(message: &Message<'_>, out: &mut Vec<u8>) {
    let source = (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 4711);
    let mut response = Compose::response(out, Status::BAD_REQUEST, None);
    response.echo(message, Some(b"ours"), Some(source));
    echo_record_route(message, response.lines_buffer());
    for field in message.all() {
        response.field(Name::Subject, field.value).open(Name::UserToUser).quoted(field.value).close();
    }
    let range = response.body(b"text/plain", b"abc");
    let again = Message::parse(&out[range]).unwrap();
    assert_eq!((again.fault(), again.body()), (None, &b"abc"[..]));
    assert_eq!(again.status(), Some(Status::BAD_REQUEST));
    assert_eq!(again.fields(Name::Via).count(), message.fields(Name::Via).count());
    assert_eq!(again.fields(Name::Subject).count(), message.all().count());
    assert_eq!(again.fields(Name::UserToUser).count(), message.all().count());
    assert_eq!(again.all().filter(|field| field.name == Name::Other).count(), 0);
    if let (Ok(before), Ok(after)) = (message.via(), again.via()) {
        assert_eq!(
            (before.host, before.port, before.branch().is_some()),
            (after.host, after.port, after.branch().is_some())
        );
    }
}

fn describe(body: &[u8], out: &mut Vec<u8>) {
    let at: SocketAddr = "[2001:db8::1]:4000".parse().unwrap();
    let _ = (sdp::direction(body), sdp::address(body), sdp::Cut::at_origin(body).rest());
    sdp::Cut::at_origin(body).rewrite(1, 2, at.ip(), out);
    let _ = sdp::is_held_by_address(body);
    for direction in [sdp::Direction::SendOnly, sdp::Direction::Inactive] {
        out.clear();
        sdp::with_direction(body, direction, out);
        assert!(
            sdp::scan(body).is_err()
                || sdp::live_audio(&sdp::scan(body).unwrap()).is_none()
                || sdp::direction(out) == direction
        );
        out.clear();
        sdp::anchor(body, Codec::ALL, (at, 1, 2), direction, out);
        assert_eq!((sdp::direction(out), sdp::address(out)), (direction, Some(at)));
        out.clear();
        if sdp::anchor_answer(body, Codec::ALL, (at, 1, 2), direction, out) {
            let count = |body: &[u8]| sdp::scan(body).unwrap().media().count();
            assert_eq!(count(body), count(out));
        }
    }
    out.clear();
    sdp::unhold_address(body, at.ip(), out);
}

#[test]
fn no_mutation_panics_or_escapes() {
    let corpus = corpus();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let (mut out, mut read) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        let mut bytes = corpus[chance.below(corpus.len())].clone();
        for _ in 0..=chance.below(4) {
            chance.mutate(&mut bytes);
        }
        if let Ok(message) = Message::parse(&bytes) {
            read += 1;
            ask(&message);
            out.clear();
            answer(&message, &mut out);
            out.clear();
            describe(message.body(), &mut out);
        }
    }
    assert!(read > ROUNDS / 3, "{read} of {ROUNDS} could be read");
}
