//! Requests that are wrong, early, late, or for somebody else; and what each is told.
use super::office::*;
use super::sip::Sip;
use super::world::{Who, World, address};
use crate::session::News;
use crate::wire::Method;
use std::time::Duration;

/// Sends a request as it is, from a phone; every answer to it.
fn ask(office: &mut World, from: Who, start: &str, lines: &str) -> Vec<Sip> {
    let method = start.split(' ').next().unwrap();
    let text = format!(
        "{start} SIP/2.0\r\nVia: SIP/2.0/UDP {};rport;branch=z9hG4bKask{}\r\n{lines}From: <sip:1001@pbx.test>;tag=ask\r\n\
         To: <sip:1002@pbx.test>\r\nCall-ID: ask\r\nCSeq: 1 {method}\r\nContact: <sip:1001@10.0.1.1:5060>\r\n\
         Content-Length: 0\r\n\r\n",
        office.phones[from.0].address,
        lines.len()
    );
    office.ladder.clear();
    let source = office.phones[from.0].address;
    office.send(source, address(super::world::SERVER), text.into_bytes());
    office.settles();
    office.answers_to(from, method)
}

fn status(answers: &[Sip]) -> u16 {
    assert!(!answers.is_empty(), "no answer");
    answers[0].status().unwrap()
}

#[test]
fn what_each_mistake_is_told() {
    for (start, lines, told) in [
        ("INVITE sip:1002@pbx.test", "Max-Forwards: 0\r\n", 483),
        ("INVITE sip:1002@pbx.test", "Max-Forwards: 70\r\nRequire: 100rel, teleport\r\n", 420),
        ("INVITE tel:+4930", "Max-Forwards: 70\r\n", 416),
        ("INVITE sip:1002@pbx.test", "Max-Forwards: 70\r\n", 401),
        ("MESSAGE sip:1002@pbx.test", "Max-Forwards: 70\r\n", 405),
        ("FROB sip:1002@pbx.test", "Max-Forwards: 70\r\n", 501),
        ("OPTIONS sip:pbx.test", "Max-Forwards: 70\r\n", 200),
        ("OPTIONS sip:pbx.test", "Max-Forwards: 0\r\n", 200),
        ("SUBSCRIBE sip:1002@pbx.test", "Max-Forwards: 70\r\nEvent: weather\r\n", 489),
        ("PUBLISH sip:1002@pbx.test", "Max-Forwards: 70\r\nEvent: presence\r\n", 489),
        ("REFER sip:1002@pbx.test", "Max-Forwards: 70\r\nRefer-To: <sip:701@pbx.test>\r\n", 403),
        ("BYE sip:1002@pbx.test", "Max-Forwards: 70\r\n", 481),
        ("NOTIFY sip:1001@pbx.test", "Max-Forwards: 70\r\nEvent: dialog\r\n", 481),
    ] {
        let mut office = office();
        let answers = ask(&mut office, ALICE, start, lines);
        assert_eq!(status(&answers), told, "{start} {lines}");
        let answer = answers.last().unwrap();
        match told {
            420 => assert_eq!(answer.field("Unsupported"), "teleport"),
            405 | 501 => assert!(answer.field("Allow").contains("INVITE")),
            200 => assert!(answer.field("Allow").contains("UPDATE") && answer.field("Accept") == "application/sdp"),
            489 => assert!(answer.all("Allow-Events").count() == 1, "it says which packages there are"),
            _ => {}
        }
        office.passes(secs(33));
        office.ends();
    }
}

#[test]
fn a_dialog_that_nobody_knows() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    // Right tag, wrong Call-ID: our tag alone proves nothing.
    office.with(ALICE, |phone| phone.calls.get_mut(&alice.no).unwrap().call_id.push('x'));
    office.with(ALICE, |phone| phone.say(alice.no, "BYE", ""));
    office.settles();
    assert_eq!(office.call(alice).answered.as_ref().map(|a| a.0), Some(481));
    assert!(!office.call(bob).is_over());
    office.with(ALICE, |phone| phone.calls.get_mut(&alice.no).unwrap().call_id.pop());
    office.hangs_up(alice);
    assert!(office.call(bob).is_over());
    office.ends();
}

/// RFC 3261 §8.2.2.2: the same request by two ways.
#[test]
fn one_request_by_two_ways_is_one_call() {
    let mut office = office();
    let carrier = office.dials(CARRIER, "1002");
    let first = office.ladder.from(office.phones[CARRIER.0].address).next().unwrap().bytes().to_vec();
    let other = String::from_utf8(first).unwrap().replace("branch=z9hG4bK", "branch=z9hG4bKother");
    let source = office.phones[CARRIER.0].address;
    office.send(source, address(super::world::SERVER), other.into_bytes());
    office.settles();
    let answers = office.answers_to(CARRIER, "INVITE");
    assert!(answers.iter().any(|answer| answer.status() == Some(482) && answer.phrase() == "Merged Request"));
    assert_eq!(office.heard(BOB, "INVITE").len(), 1);
    office.hangs_up(carrier);
    office.ends();
}

/// Our own INVITE comes back over the trunk, through a proxy that left our Via in it.
#[test]
fn a_loop_is_found() {
    let mut office = office();
    let alice = office.dials(ALICE, "8555");
    let sent = office.ladder.to(office.phones[CARRIER.0].address).last().unwrap().bytes().to_vec();
    let via = "Via: SIP/2.0/UDP 10.0.9.1:5060;rport;branch=z9hG4bKproxy\r\nVia:";
    let looped = String::from_utf8(sent).unwrap().replacen("Via:", via, 1);
    let source = office.phones[CARRIER.0].address;
    office.ladder.clear();
    office.send(source, address(super::world::SERVER), looped.into_bytes());
    office.settles();
    assert_eq!(status(&office.answers_to(CARRIER, "INVITE")), 482);
    office.hangs_up(alice);
    office.ends();
}

#[test]
fn every_hop_counts_down() {
    let mut office = office();
    let carrier = office.dials(CARRIER, "1002");
    assert_eq!(office.last(BOB, "INVITE").field("Max-Forwards"), "69");
    office.hangs_up(carrier);
    office.ends();
}

/// A CSeq that does not rise is an old request, or somebody else's (RFC 3261 §12.2.2).
#[test]
fn an_old_number_is_refused() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.with(ALICE, |phone| phone.numbers_back(alice.no));
    office.with(ALICE, |phone| phone.say(alice.no, "INFO", ""));
    office.settles();
    assert_eq!(office.call(alice).answered.as_ref().map(|a| a.0), Some(500));
    office.with(ALICE, |phone| phone.say(alice.no, "INFO", ""));
    office.settles();
    office.talk(alice, bob);
    office.ends();
}

#[test]
fn noise_is_counted_and_nothing_more() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    let source = address("203.0.113.9:4444");
    for noise in [
        &b"\r\n\r\n"[..],
        b"",
        b"\0\0\0\0",
        b"GET / HTTP/1.1\r\n\r\n",
        b"INVITE",
        &[0xff; 600],
        b"SIP/2.0 200 OK\r\n\r\n",
    ] {
        office.send(source, address(super::world::SERVER), noise.to_vec());
    }
    office.settles();
    let counted: u64 = office.snapshot().counters.parse_errors[0].iter().map(|(.., n)| n).sum();
    assert!(counted >= 3, "{counted}");
    office.talk(alice, bob);
    office.ends();
}

/// What our requests wait for, INVITE excepted: from the first time they were sent, and not at all if nobody answers.
#[test]
fn how_long_answers_take() {
    let mut office = office();
    let (alice, _) = office.connects(ALICE, BOB);
    office.hangs_up(alice);
    let alice = office.dials(ALICE, "1002");
    office.hangs_up(alice);
    assert_eq!(answered(&office), [(Method::Bye, millis(10)), (Method::Cancel, millis(10))]);
    for (silent, waited) in [(secs(1), Some(millis(1510))), (secs(60), None)] {
        office.news.clear();
        let (alice, _) = office.connects(ALICE, BOB);
        office.phones[BOB.0].crashed = true;
        office.hangs_up(alice);
        office.passes(silent);
        office.phones[BOB.0].boot();
        office.passes(secs(60));
        assert_eq!(answered(&office), waited.map(|took| (Method::Bye, took)).as_slice(), "silent for {silent:?}");
    }
    office.ends();
}

fn answered(office: &World) -> Vec<(Method, Duration)> {
    let mut all = Vec::new();
    for news in &office.news {
        if let News::RequestAnswered { method, took } = news {
            all.push((*method, *took));
        }
    }
    all
}
