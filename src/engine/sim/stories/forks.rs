//! A carrier that forks: 18x from several, more than one 200 (RFC 3261 §13.2.2.4), each with a dialog of its own.
use super::office::*;
use super::phone::{Dial, Reliable, Stage};
use super::sip::Sip;
use super::world::{End, World, address};
use crate::base::limits::FORKS;
use crate::counters::Excess;

/// Alice calls out; the carrier's gateway has the INVITE.
fn calls_out(office: &mut World) -> (End, Sip) {
    let alice = office.dials(ALICE, "85550");
    (alice, office.last(CARRIER, "INVITE"))
}

/// Somebody behind the carrier responds.
fn responds(office: &mut World, invite: &Sip, start: &str, tag: &str, lines: &str, port: Option<u16>) {
    let body = port.map_or_else(String::new, |port| {
        format!(
            "v=0\r\no=- {port} 1 IN IP4 10.0.9.7\r\ns=-\r\nc=IN IP4 10.0.9.7\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
        )
    });
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let text = format!(
        "SIP/2.0 {start}\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag={tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:{tag}@10.0.9.1:5060>\r\n{lines}{kind}Content-Length: {}\r\n\r\n{body}",
        invite.field("Via"),
        invite.field("From"),
        invite.field("To"),
        invite.field("Call-ID"),
        invite.field("CSeq"),
        body.len()
    );
    let (from, to) = (address("10.0.9.1:5060"), address(super::world::SERVER));
    office.send(from, to, text.into_bytes());
    office.settles();
}

fn sends_to(office: &World, end: End) -> Option<u16> {
    office.sends_to(end).map(|to| to.port())
}

/// Whom the carrier was sent a request for, and to which of its dialogs.
fn told(office: &World, method: &str) -> Vec<(String, String)> {
    let uri = |message: &Sip| message.start.split(' ').nth(1).unwrap_or_default().to_owned();
    office.heard(CARRIER, method).iter().map(|m| (uri(m), m.tag("To").to_owned())).collect()
}

fn pair(tag: &str) -> (String, String) {
    (format!("sip:{tag}@10.0.9.1:5060"), tag.to_owned())
}

/// Two ring and both answer: the first is talked to, the other is acknowledged and let go.
#[test]
fn two_forks_answer() {
    let mut office = office();
    let (alice, invite) = calls_out(&mut office);
    responds(&mut office, &invite, "180 Ringing", "one", "", None);
    responds(&mut office, &invite, "183 Session Progress", "two", "", Some(7002));
    assert_eq!(sends_to(&office, alice), Some(7002));
    responds(&mut office, &invite, "200 OK", "one", "", Some(7001));
    assert_eq!((office.call(alice).stage, sends_to(&office, alice)), (Stage::Up, Some(7001)), "who answers is heard");
    responds(&mut office, &invite, "200 OK", "two", "", Some(7002));
    assert_eq!(told(&office, "ACK"), [pair("one"), pair("two")]);
    assert_eq!(told(&office, "BYE"), [pair("two")], "nobody is charged for a call that nobody hears");
    assert_eq!(sends_to(&office, alice), Some(7001));
    // Either's 200 again: acknowledged again, and that is all.
    responds(&mut office, &invite, "200 OK", "one", "", Some(7001));
    assert_eq!(told(&office, "ACK").len(), 3);
    office.hangs_up(alice);
    assert_eq!(told(&office, "BYE")[1..], [pair("one")]);
    office.ends();
}

/// Each early dialog counts its own reliable responses (RFC 3262 §4).
#[test]
fn each_fork_is_acknowledged_on_its_own() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Supported);
    let (alice, invite) = calls_out(&mut office);
    responds(&mut office, &invite, "183 Session Progress", "one", &reliable(10), Some(7001));
    responds(&mut office, &invite, "183 Session Progress", "one", &reliable(10), Some(7001));
    responds(&mut office, &invite, "183 Session Progress", "two", &reliable(500), Some(7002));
    responds(&mut office, &invite, "180 Ringing", "two", &reliable(501), None);
    responds(&mut office, &invite, "180 Ringing", "two", &reliable(503), None);
    assert_eq!(told(&office, "PRACK"), [pair("one"), pair("two"), pair("two")], "not twice, and none out of turn");
    let racks: Vec<_> = office.heard(CARRIER, "PRACK").iter().map(|m| m.field("RAck").to_owned()).collect();
    assert_eq!(racks, ["10 1 INVITE", "500 1 INVITE", "501 1 INVITE"]);
    assert_eq!(sends_to(&office, alice), Some(7001), "what she agreed on holds until somebody answers");
    responds(&mut office, &invite, "200 OK", "two", "", Some(7002));
    office.passes(secs(1));
    assert_eq!((office.call(alice).stage, sends_to(&office, alice)), (Stage::Up, Some(7002)), "told anew who it is");
    office.hangs_up(alice);
    office.ends();
}

/// The caller gives up between the forks' answers: every 200 that still comes is acknowledged and ended.
#[test]
fn forks_answer_a_caller_who_gave_up() {
    let mut office = office();
    let (alice, invite) = calls_out(&mut office);
    responds(&mut office, &invite, "180 Ringing", "one", "", None);
    office.with(ALICE, |phone| phone.hang_up(alice.no));
    office.passes(millis(2));
    responds(&mut office, &invite, "200 OK", "one", "", Some(7001));
    responds(&mut office, &invite, "200 OK", "two", "", Some(7002));
    assert!(office.call(alice).is_over());
    let byes = told(&office, "BYE");
    assert_eq!(byes, [pair("one"), pair("two")]);
    assert_eq!(told(&office, "ACK"), byes);
    office.ends();
}

/// A fork that refuses after another answered changes nothing.
#[test]
fn a_refusal_after_an_answer() {
    let mut office = office();
    let (alice, invite) = calls_out(&mut office);
    responds(&mut office, &invite, "200 OK", "one", "", Some(7001));
    responds(&mut office, &invite, "486 Busy Here", "two", "", None);
    assert_eq!((office.call(alice).stage, sends_to(&office, alice)), (Stage::Up, Some(7001)));
    office.hangs_up(alice);
    office.ends();
}

fn reliable(rseq: u32) -> String {
    format!("Require: 100rel\r\nRSeq: {rseq}\r\n")
}

/// The highest RSeq there is, and then another: `rseq + 1` overflows.
#[test]
fn the_highest_rseq() {
    let mut office = office();
    office.dials(ALICE, "85550");
    let invite = office.last(CARRIER, "INVITE");
    responds(&mut office, &invite, "180 Ringing", "one", &reliable(u32::MAX), None);
    responds(&mut office, &invite, "180 Ringing", "one", &reliable(1), None);
}

/// Two forks agree reliably; who answered first of them answers the call: its media counts, and not the other's.
#[test]
fn the_fork_that_answers_is_the_one_that_is_heard() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Supported);
    let alice = office.dials(ALICE, "85550");
    let invite = office.last(CARRIER, "INVITE");
    responds(&mut office, &invite, "183 Session Progress", "one", &reliable(10), Some(7001));
    responds(&mut office, &invite, "183 Session Progress", "two", &reliable(500), Some(7002));
    // One's description was said reliably and is not said again (RFC 3261 §13.2.1, RFC 6337 §2.2).
    responds(&mut office, &invite, "200 OK", "one", "", None);
    office.passes(secs(1));
    assert_eq!(sends_to(&office, alice), Some(7001));
}

/// The ACK, PRACK and BYE of a fork follow that fork's own CSeq; a retransmitted 18x of the other is not acknowledged twice.
#[test]
fn forks_that_take_turns_are_acknowledged_once_each() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Supported);
    office.dials(ALICE, "85550");
    let invite = office.last(CARRIER, "INVITE");
    for (tag, rseq, port) in [("one", 10, 7001), ("two", 500, 7002), ("one", 10, 7001), ("two", 500, 7002)] {
        responds(&mut office, &invite, "183 Session Progress", tag, &reliable(rseq), Some(port));
    }
    assert_eq!(office.heard(CARRIER, "PRACK").len(), 2, "each once");
}

/// One fork's reliable offer waits for Alice's answer; another fork rings reliably meanwhile, and gets that answer.
#[test]
fn the_answer_goes_to_the_fork_that_offered() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Supported);
    office.phones[ALICE.0].manners.no_prack = true;
    office.dials_so(ALICE, "85550", &Dial { late_offer: true, ..Dial::default() });
    let invite = office.last(CARRIER, "INVITE");
    responds(&mut office, &invite, "183 Session Progress", "one", &reliable(10), Some(7001));
    responds(&mut office, &invite, "180 Ringing", "two", &reliable(500), None);
    office.phones[ALICE.0].manners.no_prack = false;
    office.passes(secs(3));
    let pracks = office.heard(CARRIER, "PRACK");
    let answers: Vec<_> = pracks.iter().filter(|m| !m.body.is_empty()).collect();
    assert_eq!(answers.len(), 1);
    assert_eq!((answers[0].tag("To"), answers[0].field("RAck")), ("one", "10 1 INVITE"));
}

/// The other fork has had a PRACK: the BYE that ends it must have a higher CSeq, or it is refused (RFC 3261 §12.2.2).
#[test]
fn the_bye_of_another_fork_comes_after_its_prack() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Supported);
    office.dials(ALICE, "85550");
    let invite = office.last(CARRIER, "INVITE");
    responds(&mut office, &invite, "183 Session Progress", "one", &reliable(10), Some(7001));
    responds(&mut office, &invite, "183 Session Progress", "two", &reliable(500), Some(7002));
    responds(&mut office, &invite, "200 OK", "one", "", Some(7001));
    responds(&mut office, &invite, "200 OK", "two", "", Some(7002));
    let number = |method: &str| {
        let of_two = office.heard(CARRIER, method).into_iter().filter(|m| m.tag("To") == "two");
        of_two.map(|m| m.cseq().0).max().unwrap()
    };
    assert!(number("BYE") > number("PRACK"), "BYE {}, after PRACK {}", number("BYE"), number("PRACK"));
}

/// A fork that only rings takes the early dialog over: what Alice changes before the answer goes to it, and not to the
/// one that agreed.
#[test]
fn an_update_goes_to_the_fork_that_agreed() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Supported);
    let alice = office.dials(ALICE, "85550");
    let invite = office.last(CARRIER, "INVITE");
    let lines = reliable(10) + "Allow: INVITE, UPDATE, PRACK\r\n";
    responds(&mut office, &invite, "183 Session Progress", "one", &lines, Some(7001));
    responds(&mut office, &invite, "180 Ringing", "two", "", None);
    office.with(ALICE, |phone| phone.offers_early(alice.no));
    office.settles();
    assert_eq!(office.last(CARRIER, "UPDATE").tag("To"), "one", "two has answered no offer yet (RFC 3311 §5.1)");
}

/// More answer than are remembered: who comes too late for a dialog of its own may answer all the same.
#[test]
fn one_fork_too_many() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Supported);
    let (alice, invite) = calls_out(&mut office);
    for n in 0..=FORKS {
        responds(&mut office, &invite, "183 Session Progress", &format!("fork{n}"), &reliable(10), Some(7001));
    }
    assert_eq!(office.snapshot().counters.excess.count(Excess::Forks, ()), 1);
    responds(&mut office, &invite, "200 OK", &format!("fork{FORKS}"), "", Some(7001));
    assert_eq!((office.call(alice).stage, sends_to(&office, alice)), (Stage::Up, Some(7001)));
    office.hangs_up(alice);
    assert_eq!(told(&office, "BYE"), [pair(&format!("fork{FORKS}"))]);
    office.ends();
}
