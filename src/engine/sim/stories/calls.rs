//! Plain calls, from dialling to hanging up. Flows of RFC 3665 and RFC 5359 are named where there is one.
use super::office::*;
use super::phone::{Answer, Dial, Stage};
use super::world::{World, address};
use crate::Command;
use crate::counters::{CallDirection, CallEnd};
use crate::settings::TrunkSettings;
use crate::wire::Status;

/// Calls that ended so, whatever their class.
fn ended(world: &World, end: CallEnd) -> u64 {
    let calls = world.snapshot().counters.calls;
    let classes = CallDirection::ALL;
    calls.iter().flat_map(|calls| classes.iter().map(move |class| calls.ended.count(*class, end))).sum()
}

/// RFC 3665 §3.1.
#[test]
fn alice_calls_bob() {
    let mut office = office();
    let alice = office.dials(ALICE, "1002");
    assert!(office.call(alice).alerted, "it rings");
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    assert_eq!(office.call(bob).shown, "\"Alice\" <sip:1001@pbx.test>");
    assert_eq!(office.call(alice).shown, "\"Bob\" <sip:1002@pbx.test>");
    let (out, back) = (office.last(BOB, "INVITE"), office.answers_to(ALICE, "INVITE"));
    assert_eq!(out.field("Max-Forwards"), "69", "one hop further");
    assert!(!out.start.contains("pbx.test") && out.field("Call-ID") != office.call(alice).call_id, "legs of their own");
    assert!(back.iter().any(|answer| answer.status() == Some(100)));
    office.hangs_up(alice);
    assert_eq!(office.ended(bob), "BYE ");
    assert_eq!(ended(&office, CallEnd::Normal), 1);
    office.ends();
}

#[test]
fn the_called_side_hangs_up() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.hangs_up(bob);
    assert_eq!(office.ended(alice), "BYE ");
    office.ends();
}

/// RFC 3665 §3.9.
#[test]
fn bob_is_busy() {
    for (status, told, end) in [
        (486, "486 Busy Here", CallEnd::Busy),
        (600, "486 Busy Here", CallEnd::Busy),
        (603, "603 Decline", CallEnd::Rejected),
        (302, "480 Temporarily Unavailable", CallEnd::Unreachable),
        (488, "488 Not Acceptable Here", CallEnd::Failure),
    ] {
        let mut office = office();
        office.phones[BOB.0].manners.answers = Answer::Refuse(status);
        let alice = office.dials(ALICE, "1002");
        assert_eq!(office.ended(alice), told);
        assert_eq!(ended(&office, end), 1);
        office.ends();
    }
}

/// RFC 3665 §3.10.
#[test]
fn nobody_answers() {
    let mut office = office();
    let alice = office.dials(ALICE, "1002");
    office.passes(secs(59));
    assert_eq!(office.call(alice).stage, Stage::Calling);
    office.passes(secs(2));
    assert_eq!(office.ended(alice), "480 Nobody answered");
    let bob = office.latest(BOB, Stage::Over).unwrap();
    assert!(office.ended(bob).starts_with("CANCEL"), "{}", office.ended(bob));
    assert_eq!(ended(&office, CallEnd::NoAnswer), 1);
    office.ends();
}

/// RFC 3665 §3.8.
#[test]
fn alice_gives_up() {
    let mut office = office();
    let alice = office.dials(ALICE, "1002");
    office.hangs_up(alice);
    assert_eq!(office.ended(alice), "487 Request Terminated");
    let bob = office.latest(BOB, Stage::Over).unwrap();
    assert_eq!(office.ended(bob), "CANCEL", "no Reason: it is a missed call");
    assert_eq!(ended(&office, CallEnd::Cancelled), 1);
    office.ends();
}

/// The 200 is on its way when she gives up: acknowledged, and ended.
#[test]
fn the_answer_crosses_the_cancel() {
    let mut office = office();
    let alice = office.dials(ALICE, "1002");
    let bob = office.latest(BOB, Stage::Ringing).unwrap();
    office.with(ALICE, |phone| phone.hang_up(alice.no));
    office.passes(millis(7));
    office.with(BOB, |phone| phone.answer(bob.no));
    office.settles();
    assert_eq!(office.ended(alice), "487 Request Terminated");
    assert_eq!(office.ended(bob), "BYE ");
    assert_eq!(office.heard(BOB, "ACK").len(), 1, "his 200 is acknowledged");
    office.ends();
}

/// The same at our own door: our 200 and her CANCEL cross.
#[test]
fn the_cancel_comes_after_the_answer() {
    let mut office = office();
    let alice = office.dials(ALICE, "1002");
    let bob = office.latest(BOB, Stage::Ringing).unwrap();
    office.with(BOB, |phone| phone.answer(bob.no));
    office.passes(millis(7));
    office.with(ALICE, |phone| phone.hang_up(alice.no));
    office.settles();
    assert_eq!(office.ended(alice), "hung up", "her phone acknowledges and says BYE");
    assert_eq!(office.ended(bob), "BYE ");
    office.ends();
}

/// RFC 5359 §2.12, Find-Me, at all of his places at once: Bob is at his desk, and rings nowhere else any more.
#[test]
fn three_phones_ring_and_one_answers() {
    let mut office = office();
    let desk = office.add("1002", "Bob's desk", "10.0.1.21:5060");
    let home = office.add("1002", "Bob at home", "10.0.1.22:5060");
    for phone in [desk, home] {
        office.with(phone, |phone| phone.register());
    }
    office.settles();
    let alice = office.dials(ALICE, "1002");
    for phone in [BOB, home] {
        assert!(office.latest(phone, Stage::Ringing).is_some());
    }
    let bob = office.answers(desk);
    office.talk(alice, bob);
    for phone in [BOB, home] {
        let other = office.latest(phone, Stage::Over).unwrap();
        assert_eq!(office.ended(other), "CANCEL SIP;cause=200;text=\"Call completed elsewhere\"");
    }
    office.ends();
}

/// The best answer of several: a person's before a machine's.
#[test]
fn all_of_bobs_phones_refuse() {
    let mut office = office();
    let desk = office.add("1002", "Bob's desk", "10.0.1.21:5060");
    office.with(desk, |phone| phone.register());
    office.settles();
    office.phones[BOB.0].manners.answers = Answer::Refuse(486);
    office.phones[desk.0].manners.answers = Answer::Refuse(500);
    let alice = office.dials(ALICE, "1002");
    assert_eq!(office.ended(alice), "486 Busy Here");
    office.ends();
}

#[test]
fn an_invite_without_a_description() {
    let mut office = office();
    let late = Dial { late_offer: true, ..Dial::default() };
    let alice = office.dials_so(ALICE, "1002", &late);
    assert!(office.last(BOB, "INVITE").body.is_empty(), "the offer is Bob's to make");
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    assert!(office.last(BOB, "ACK").body.contains("m=audio"), "her answer reaches him in the ACK");
    office.hangs_up(bob);
    office.ends();
}

#[test]
fn bob_sends_before_he_answers() {
    let mut office = office();
    office.phones[BOB.0].manners.early_media = true;
    let alice = office.dials(ALICE, "1002");
    let ringing = office.latest(BOB, Stage::Ringing).unwrap();
    assert_eq!(office.sends_to(alice), Some(office.call(ringing).media.at), "she hears him already");
    assert!(office.answers_to(ALICE, "INVITE").iter().any(|answer| answer.status() == Some(183)));
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}

/// Her ACK never comes: the 200 again and again, the interval doubling up to T2, and the end after 64 × T1.
#[test]
fn a_call_that_is_never_acknowledged() {
    let mut office = office();
    office.phones[ALICE.0].manners.no_ack = true;
    let alice = office.dials(ALICE, "1002");
    office.ladder.clear();
    let bob = office.answers(BOB);
    office.passes(secs(40));
    let mine = office.phones[ALICE.0].address;
    let accepted = |rung: &&super::ladder::Rung| {
        rung.message().is_some_and(|message| message.status() == Some(200) && message.cseq().1 == "INVITE")
    };
    let sent: Vec<u64> = office.ladder.to(mine).filter(accepted).map(|rung| rung.at.millis()).collect();
    let pauses: Vec<u64> = sent.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(pauses, [500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000, 4000]);
    assert_eq!(office.ended(bob), "BYE ");
    let bye = office.heard(ALICE, "BYE");
    assert_eq!(bye.first().map(|bye| bye.field("Reason")), Some("SIP;cause=408;text=\"Request Timeout\""));
    assert_eq!(office.call(alice).stage, Stage::Over);
    assert_eq!(ended(&office, CallEnd::Failure), 1);
    office.ends();
}

/// RFC 6026 §7.1: an INVITE that comes again after its 200 is absorbed; only the dialog repeats the 200.
#[test]
fn an_invite_again_after_its_answer_is_absorbed() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    let mine = office.phones[ALICE.0].address;
    let invite = office.ladder.from(mine).filter_map(super::ladder::Rung::message);
    let invite = invite.filter(|m| m.method() == Some("INVITE")).last().unwrap();
    let bytes = office
        .ladder
        .from(mine)
        .filter(|rung| {
            rung.message().is_some_and(|m| {
                m.start == invite.start && m.branch() == invite.branch() && m.method() == Some("INVITE")
            })
        })
        .last()
        .unwrap()
        .bytes()
        .to_vec();
    office.ladder.clear();
    office.send(mine, address(super::world::SERVER), bytes);
    office.settles();
    assert_eq!(office.ladder.to(mine).count(), 0);
    office.talk(alice, bob);
    office.ends();
}

#[test]
fn she_hangs_up_before_her_phone_acknowledged() {
    let mut office = office();
    office.phones[ALICE.0].manners.no_ack = true;
    let alice = office.dials(ALICE, "1002");
    let bob = office.answers(BOB);
    office.hangs_up(alice);
    assert_eq!(office.ended(bob), "BYE ");
    office.ends();
}

/// We may not say BYE before her ACK is here (RFC 3261 §15): he hangs up at once, she hears of it when it is.
#[test]
fn he_hangs_up_before_her_phone_acknowledged() {
    let mut office = office();
    office.phones[ALICE.0].manners.no_ack = true;
    office.dials(ALICE, "1002");
    let bob = office.answers(BOB);
    office.hangs_up(bob);
    assert!(office.heard(ALICE, "BYE").is_empty());
    office.passes(secs(33));
    assert!(!office.heard(ALICE, "BYE").is_empty(), "64 × T1 are over");
    office.ends();
}

#[test]
fn bobs_phone_is_dead() {
    let mut office = office();
    office.phones[BOB.0].crash();
    let alice = office.dials(ALICE, "1002");
    office.passes(secs(33));
    assert_eq!(office.ended(alice), "408 Request Timeout");
    assert_eq!(ended(&office, CallEnd::Unreachable), 1);
    office.ends();
}

/// He gets an offer that he cannot answer any more: his phone has started anew.
#[test]
fn bobs_phone_forgot_the_call() {
    let mut office = office();
    let (alice, _) = office.connects(ALICE, BOB);
    office.with(BOB, |phone| {
        phone.crash();
        phone.boot();
    });
    office.holds(alice);
    assert!(office.call(alice).is_over(), "there is no call any more: {:?}", office.call(alice).answered);
    office.ends();
}

/// The same, but the phone stays dead: whoever does not answer at all is not there either (RFC 3261 §12.2.1.2).
#[test]
fn bobs_phone_dies_in_the_call() {
    let mut office = office();
    let (alice, _) = office.connects(ALICE, BOB);
    office.phones[BOB.0].crash();
    office.holds(alice);
    office.passes(secs(35));
    assert!(office.call(alice).is_over(), "{:?}", office.call(alice).answered);
    office.ends();
}

#[test]
fn over_the_trunk_and_back() {
    let mut office = office();
    let alice = office.dials(ALICE, "84930123");
    assert!(office.last(CARRIER, "INVITE").start.starts_with("INVITE sip:4930123@10.0.9.1:5060 "), "prefix taken off");
    let carrier = office.answers(CARRIER);
    office.talk(alice, carrier);
    office.hangs_up(carrier);
    assert_eq!(office.ended(alice), "BYE ");
    let from = Dial { from: Some("\"Mum\" <sip:+4930123@carrier.test>".into()), ..Dial::default() };
    let carrier = office.dials_so(CARRIER, "1002", &from);
    assert!(office.answers_to(CARRIER, "INVITE").iter().all(|answer| answer.status() != Some(401)), "known by address");
    let bob = office.answers(BOB);
    office.talk(carrier, bob);
    assert_eq!(office.call(bob).shown, "\"Mum\" <sip:+4930123@pbx.test>");
    office.ends();
}

#[test]
fn from_trunk_to_trunk() {
    let mut office = office_with(|settings| {
        let (name, address) = ("other".to_owned(), super::world::address("10.0.9.2:5060"));
        let other = TrunkSettings { name, address, prefix: Some("9".into()), ..settings.trunks[0].clone() };
        settings.trunks.push(other);
    });
    let other = office.add("4940", "Other carrier", "10.0.9.2:5060");
    let one = office.dials(CARRIER, "9555");
    let other = office.answers(other);
    office.talk(one, other);
    office.hangs_up(one);
    office.ends();
}

#[test]
fn emergency_calls_go_out_whole() {
    let mut office = office();
    office.dials(ALICE, "112");
    assert!(office.last(CARRIER, "INVITE").start.starts_with("INVITE sip:112@"));
    office.ends();
}

#[test]
fn who_calls_is_who_proved_it() {
    let mut office = office();
    let lie = Dial {
        lines: "P-Asserted-Identity: \"The Boss\" <sip:1@pbx.test>\r\n".into(),
        from: Some("\"The Boss\" <sip:1001@pbx.test>".into()),
        ..Dial::default()
    };
    office.dials_so(ALICE, "1002", &lie);
    let invite = office.last(BOB, "INVITE");
    assert!(invite.field("From").starts_with("\"Alice\" <sip:1001@pbx.test>;tag="), "{}", invite.field("From"));
    assert_eq!(invite.field("P-Asserted-Identity"), "\"Alice\" <sip:1001@pbx.test>");
    office.ends();
}

#[test]
fn whoever_wants_to_be_hidden_is() {
    let mut office = office();
    let hidden = Dial { lines: "Privacy: id\r\n".into(), ..Dial::default() };
    office.dials_so(ALICE, "1002", &hidden);
    let invite = office.last(BOB, "INVITE");
    assert!(invite.field("From").contains("<sip:anonymous@anonymous.invalid>"), "{}", invite.field("From"));
    assert!(!format!("{invite:?}").contains("1001"), "nothing tells her number to a phone");
    office.dials_so(ALICE, "8555", &hidden);
    let invite = office.last(CARRIER, "INVITE");
    assert_eq!(invite.field("P-Asserted-Identity"), "\"Alice\" <sip:1001@pbx.test>", "the carrier is trusted to know");
    assert_eq!(invite.field("Privacy"), "id");
    office.ends();
}

#[test]
fn strangers_and_wrong_passwords_make_no_calls() {
    let mut office = office();
    let stranger = office.add("1001", "Mallory", "203.0.113.5:5060");
    office.phones[stranger.0].password = Some("guessed".into());
    let call = office.dials(stranger, "1002");
    assert!(office.call(call).is_over());
    assert!(office.heard(BOB, "INVITE").is_empty() && office.heard(CARRIER, "INVITE").is_empty());
    let known: Vec<String> = office.answers_to(stranger, "INVITE").iter().map(|m| m.start.clone()).collect();
    office.ladder.clear();
    let nobody = office.add("9999", "Nobody", "203.0.113.6:5060");
    office.dials(nobody, "1002");
    let unknown: Vec<String> = office.answers_to(nobody, "INVITE").iter().map(|m| m.start.clone()).collect();
    assert_eq!(known, unknown, "whether a number exists is not told");
    assert!(office.heard(BOB, "INVITE").is_empty());
    assert_eq!(office.snapshot().counters.responses_out.count(crate::wire::Method::Invite, Status::OK), 0);
    office.ends();
}

#[test]
fn numbers_that_lead_nowhere() {
    let mut office = office();
    for (number, told) in [
        ("5555", "404 5555 does not exist"),
        ("2001", "480 2001 is not registered"),
        ("*28", "501 *28 (night_mode) is not built yet"),
        ("1002@elsewhere.test", "404 Not Our Domain"),
    ] {
        let alice = office.dials(ALICE, number);
        assert_eq!(office.ended(alice), told);
    }
    office.ends();
}

#[test]
fn a_line_with_enough_calls_is_busy() {
    let mut office = office_with(|settings| settings.lines[1].busy_limit = Some(1));
    let (alice, bob) = office.connects(ALICE, BOB);
    let carol = office.dials(CAROL, "1002");
    assert_eq!(office.ended(carol), "486 1002 is busy");
    office.talk(alice, bob);
    office.ends();
}

#[test]
fn a_stop_ends_everything() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    let carol = office.dials(CAROL, "1004");
    office.command(Command::Stop);
    assert!([alice, bob, carol].iter().all(|end| office.call(*end).is_over()));
    assert!(office.engine.is_idle());
    let again = office.dials(ALICE, "1002");
    assert_eq!(office.ended(again), "503 Service Unavailable");
    office.ends();
}

#[test]
fn a_drain_refuses_only_new_calls() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.command(Command::Drain);
    let carol = office.dials(CAROL, "1004");
    assert_eq!(office.ended(carol), "503 Service Unavailable");
    office.holds(alice);
    office.resumes(alice);
    office.talk(alice, bob);
    office.ends();
}

/// Whatever message a panic strikes at: that call may be over, all others go on, and nothing is left behind.
#[test]
fn a_panic_ends_one_call() {
    for nth in 1..=10 {
        let mut office = office();
        let (carol, dave) = office.connects(CAROL, DAVE);
        office.phones[BOB.0].manners.answers = Answer::After(millis(1500));
        let no = office.with(ALICE, |phone| phone.dial("1002", &Dial::default()));
        if nth > 6 {
            office.passes(secs(2));
            office.with(ALICE, |phone| phone.hold(no, Some(super::phone::HoldStyle::SendOnly), "INVITE"));
            office.panics_at(nth - 6);
        } else {
            office.panics_at(nth);
        }
        office.talk(carol, dave);
        assert_eq!(office.snapshot().counters.panics, 1);
        let (one, other) = (office.dials(CAROL, "1001"), ALICE);
        assert!(office.latest(other, Stage::Ringing).is_some(), "new calls as ever ({nth})");
        office.hangs_up(one);
        office.passes(secs(60));
        office.ends();
    }
}

#[test]
fn a_call_does_not_go_back_to_the_trunk_it_came_from() {
    let mut office = office();
    let call = office.dials(CARRIER, "8555");
    assert_eq!(office.ended(call), "403 A call does not go back to the trunk it came from");
    office.ends();
}
