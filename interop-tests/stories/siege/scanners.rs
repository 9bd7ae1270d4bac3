//! The tools of those who look for telephone systems to abuse: what they learn, and what they do not.
use super::besieged;
use super::phone::{Phone, credentials, field};
use super::stranger::{Stranger, status};
use crate::peers::{DOMAIN, Pbx, Process};
use crate::story::{SIPSAK, SIPVICIOUS, story};
use std::fs;
use std::net::UdpSocket;

/// Runs a tool to its end, or for as long as it is let; what it said.
fn runs(pbx: &Pbx, program: &str, arguments: &[&str]) -> String {
    let log = format!("{program}.log");
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let mut process = Process::start(program, &arguments, &pbx.out, &log);
    let ended = process.ends();
    assert!(ended.is_some(), "{program} never ends: {}", process.said());
    process.said()
}

/// A port that is free on every address: the tools take theirs on all of them.
fn free_port() -> String {
    UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port().to_string()
}

#[test]
fn a_scanner_sees_that_somebody_is_there_and_no_more() {
    story(&[SIPVICIOUS], |pbx| {
        let (ip, port) = (pbx.sip.ip().to_string(), pbx.sip.port().to_string());
        let said = runs(pbx, "svmap", &["-b", &ip, "-P", &free_port(), "-p", &port, &ip]);
        assert!(said.contains(&format!("{ip}:{port} | unknown")), "neither name nor version: {said}");
    });
}

/// svwar goes by differences between answers; there is none.
#[test]
fn numbers_that_exist_look_like_those_that_do_not() {
    story(&[SIPVICIOUS], |pbx| {
        let (ip, port) = (pbx.sip.ip().to_string(), pbx.sip.port().to_string());
        for method in ["REGISTER", "INVITE", "OPTIONS"] {
            let local = free_port();
            let said =
                runs(pbx, "svwar", &["--force", "-P", &local, "-m", method, "-e", "1000-1006", "-p", &port, &ip]);
            // With --force it lists everything that answers otherwise than the number that cannot exist.
            let listed = |number: &str| said.contains(&format!("| {number}"));
            assert_eq!(listed("1001"), listed("1005"), "{method}: {said}");
        }
        let mut stranger = Stranger::new(pbx.sip);
        for method in ["REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE", "MESSAGE", "BYE", "REFER"] {
            let mut answers = ["1001", "1009"].map(|number| {
                let answers = stranger.asks(&request(&stranger, method, number, number, ""));
                assert_eq!(answers.len(), 1, "{method} {number}: {answers:?}");
                anonymous(&answers[0], number)
            });
            let [known, unknown] = &mut answers;
            assert_eq!(known, unknown, "{method}");
        }
        // With a password, too: wrong for the one, for the other there is none.
        let answers = ["1001", "1009"].map(|number| {
            let challenge = stranger.asks(&request(&stranger, "REGISTER", number, &format!("a{number}"), "")).concat();
            let guess = credentials(&challenge, number, "guess", "REGISTER", DOMAIN);
            let asked = request(&stranger, "REGISTER", number, &format!("b{number}"), &guess);
            anonymous(&stranger.asks(&asked).concat(), number)
        });
        assert!(answers[0].starts_with("SIP/2.0 403"), "{answers:?}");
        assert_eq!(answers[0], answers[1]);
    });
}

/// A request of a stranger's, as one of this number.
pub(super) fn request(from: &Stranger, method: &str, number: &str, id: &str, lines: &str) -> Vec<u8> {
    let at = from.address();
    let uri = if method == "REGISTER" { DOMAIN.to_owned() } else { format!("{number}@{DOMAIN}") };
    format!(
        "{method} sip:{uri} SIP/2.0\r\nVia: SIP/2.0/UDP {at};rport;branch=z9hG4bK{id}{method}\r\nMax-Forwards: 70\r\n\
         From: <sip:{number}@{DOMAIN}>;tag=f\r\nTo: <sip:{number}@{DOMAIN}>\r\nCall-ID: {id}{method}\r\n\
         CSeq: 1 {method}\r\nContact: <sip:{number}@{at}>\r\nRefer-To: <sip:701@{DOMAIN}>\r\nEvent: dialog\r\n{lines}\
         Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// An answer without what differs from any one to the next: nonce and tag; and without the number that was asked for.
fn anonymous(answer: &str, number: &str) -> String {
    let mut text = answer.replace(number, "NUMBER");
    for (open, close) in [("nonce=\"", '"'), (";tag=", '\r')] {
        let tail = text.rsplit_once(open).map(|(head, rest)| {
            let end = rest.find(close).unwrap_or(rest.len());
            format!("{head}{open}{}", &rest[end..])
        });
        text = tail.unwrap_or(text);
    }
    text.lines().filter(|line| !line.starts_with("From: ")).collect::<Vec<_>>().join("\n")
}

/// The right password stands in the dictionary, behind some that are wrong.
fn cracks(method: &str) {
    story(&[SIPVICIOUS], |pbx| {
        let mut words: Vec<String> = (0..60).map(|n| format!("guess{n}")).collect();
        words.push("secret-1001".into());
        fs::write(pbx.out.join("words"), words.join("\n") + "\n").unwrap();
        let (ip, port) = (pbx.sip.ip().to_string(), pbx.sip.port().to_string());
        // From an address of its own, as a cracker has.
        let stranger = Stranger::new(pbx.sip);
        let from = stranger.address().ip().to_string();
        let said = besieged(pbx, |_| {
            let local = free_port();
            let whom = ["-m", method, "-b", &from, "-P", &local, "-u", "1001", "-d", "words", "-p", &port, &ip];
            runs(pbx, "svcrack", &whom)
        });
        assert!(!said.contains("secret-1001"), "it was let in: {said}");
        assert_eq!(pbx.sum("pbx_auth_total method=REGISTER result=ok"), 2, "two phones, and nobody else");
        assert!(pbx.sum("pbx_auth_total result=wrong") >= 2, "it was heard");
        assert!(pbx.sum("pbx_auth_total result=penalty") > 0 && pbx.sum("pbx_banned_sources") == 1, "and made to wait");
    });
}

#[test]
fn a_dictionary_does_not_open_the_door() {
    cracks("REGISTER");
}

#[test]
fn nor_does_one_by_calls() {
    cracks("INVITE");
}

/// The same without the tool's patience: as fast as the network goes.
#[test]
fn nor_does_a_fast_one() {
    story(&[], |pbx| {
        let mut stranger = Stranger::new(pbx.sip);
        let challenge = stranger.asks(&request(&stranger, "REGISTER", "1001", "c", "")).concat();
        for guess in 0..200 {
            let credentials = credentials(&challenge, "1001", &format!("guess{guess}"), "REGISTER", DOMAIN);
            stranger.says(&request(&stranger, "REGISTER", "1001", &format!("g{guess}"), &credentials));
        }
        stranger.is_heard();
        assert_eq!(stranger.hears().len(), 2, "two are answered at once, for people mistype");
        let right = credentials(&challenge, "1001", "secret-1001", "REGISTER", DOMAIN);
        let answers = stranger.asks(&request(&stranger, "REGISTER", "1001", "right", &right));
        assert!(answers.is_empty(), "the right one is not listened to either: {answers:?}");
        assert_eq!(pbx.sum("pbx_bans_total reason=authentication"), 1);
        assert_eq!(pbx.sum("pbx_registrations"), 0);
        // Its owner, elsewhere, is.
        Phone::new(pbx, "1001");
    });
}

/// What was seen on the wire, said again.
#[test]
fn a_captured_registration_lets_nobody_in() {
    story(&[], |pbx| {
        let phone = Phone::new(pbx, "1001");
        let mut stranger = Stranger::new(pbx.sip);
        let (captured, at) = (phone.last_register, stranger.address().to_string());
        let own = field(&captured, "Contact").split('@').nth(1).unwrap().trim_end_matches('>').to_owned();
        // As it was; with the thief's own Contact; and in a dialog and a transaction of the thief's own.
        let twisted = captured.replace(&own, &at);
        let again = twisted.replace("branch=z9hG4bK", "branch=z9hG4bKagain");
        let stolen = again.replace(field(&captured, "Call-ID"), "stolen");
        // The first is a retransmission: if anybody is answered, it is the phone.
        for (replay, told) in
            [(&captured, None), (&twisted, Some("482")), (&again, Some("482")), (&stolen, Some("401"))]
        {
            let answers = stranger.asks(replay.as_bytes());
            assert_eq!(answers.first().map(|answer| status(answer)), told, "{replay}{answers:?}");
        }
        assert_eq!(pbx.sum("pbx_registrations"), 1);
        assert!(pbx.sum("pbx_auth_total method=REGISTER result=replayed") >= 1);
    });
}

#[test]
fn garbage_and_a_flood_by_sipsak() {
    story(&[SIPSAK], |pbx| {
        let uri = format!("sip:1001@{}", pbx.sip);
        let said = besieged(pbx, |_| {
            // Characters changed at random, one more each time.
            let random = runs(pbx, "timeout", &["3", "sipsak", "-R", "-t", "200", "-s", &uri]);
            let flood = runs(pbx, "timeout", &["3", "sipsak", "-F", "-e", "20000", "-s", &uri]);
            random + &flood
        });
        // Its own parser gives up on the garbage that our answers repeat: what it says proves nothing.
        assert!(pbx.sum("pbx_sip_requests_total method=OPTIONS direction=in") > 1000, "it rained: {said}");
        assert_eq!(pbx.sum("pbx_panics_total"), 0);
    });
}
