//! Forwarding: unconditional, busy, no answer, not registered, and a phone's own redirections (RFC 5359 §§2.7–2.9).
use super::office::*;
use super::phone::Stage;
use super::world::{End, Who, World};
use crate::settings::{Destination, ForwardKind, ForwardRule, ProfileSettings, Redirects, Settings};

/// Bob's choice, as the configuration has it.
fn bobs(settings: &mut Settings) -> &mut ProfileSettings {
    settings.lines[1].profile.get_or_insert_default()
}

fn to(number: &str) -> ForwardRule {
    ForwardRule { anybody: Some(Destination::Number(number.into())), ..ForwardRule::default() }
}

/// Somebody dials a code, hears that it is done, and is hung up on.
pub(super) fn chooses(office: &mut World, who: Who, code: &str) -> String {
    let call = office.dials(who, code);
    let shown = office.call(call).shown.clone();
    office.passes(secs(8));
    assert!(office.ended(call).starts_with("BYE"), "{code}: {}", office.ended(call));
    shown
}

fn counted(office: &World) -> Vec<(&'static str, &'static str, u64)> {
    office.snapshot().counters.forwards.iter().filter(|(.., n)| *n > 0).collect()
}

fn redirected(office: &World) -> Vec<(&'static str, &'static str, u64)> {
    office.snapshot().counters.redirects.iter().filter(|(.., n)| *n > 0).collect()
}

fn rings(office: &World, who: Who) -> Option<End> {
    office.latest(who, Stage::Ringing)
}

/// RFC 5359 §2.7, Call Forwarding Unconditional: Bob sends all his calls to Carol. Her phone shows Alice, and the way that
/// the call took; Alice is told that it goes on.
#[test]
fn all_calls_are_forwarded() {
    let mut office = office_with_choices(|_| {});
    assert_eq!(chooses(&mut office, BOB, "*721003"), "\"Forward all to 1003\" <sip:1002@pbx.test>");
    let alice = office.dials(ALICE, "1002");
    assert!(rings(&office, BOB).is_none());
    let told: Vec<u16> = office.answers_to(ALICE, "INVITE").iter().filter_map(|response| response.status()).collect();
    assert!(told.ends_with(&[181, 180]), "{told:?}");
    let invite = office.last(CAROL, "INVITE");
    assert!(invite.field("From").contains("1001"));
    assert_eq!(invite.field("Diversion"), "\"Bob\" <sip:1002@pbx.test>;reason=unconditional;counter=1");
    assert_eq!(
        invite.all("History-Info").collect::<Vec<_>>(),
        ["<sip:1002@pbx.test>;index=1", "<sip:1003@pbx.test;cause=302>;index=1.1;mp=1"]
    );
    let carol = office.answers(CAROL);
    office.talk(alice, carol);
    assert!(office.call(alice).shown.contains("Carol"), "{}", office.call(alice).shown);
    office.hangs_up(carol);
    assert_eq!(counted(&office), [("all", "ok", 1)]);
    // Until he says otherwise.
    assert!(chooses(&mut office, BOB, "*73").contains("No forward all"));
    office.dials(ALICE, "1002");
    assert!(rings(&office, BOB).is_some());
    office.ends();
}

/// RFC 5359 §2.8, Call Forwarding - Busy: his one call is enough for him, or his phone says so.
#[test]
fn calls_to_a_busy_line_are_forwarded() {
    let mut office = office_with(|settings| {
        settings.lines[1].busy_limit = Some(1);
        bobs(settings).forwards[ForwardKind::Busy as usize] = to("1003");
    });
    let (dave, bob) = office.connects(DAVE, BOB);
    let alice = office.dials(ALICE, "1002");
    let carol = office.answers(CAROL);
    office.talk(alice, carol);
    assert_eq!(office.last(CAROL, "INVITE").field("Diversion").split_once("reason=").unwrap().1, "user-busy;counter=1");
    office.talk(dave, bob);
    office.hangs_up(dave);
    office.hangs_up(alice);
    // His phone alone knows that he talks to somebody.
    let alice = office.dials(ALICE, "1002");
    let bob = rings(&office, BOB).unwrap();
    office.with(BOB, |phone| phone.refuse(bob.no, 486));
    office.settles();
    let carol = office.answers(CAROL);
    office.talk(alice, carol);
    assert_eq!(counted(&office), [("busy", "ok", 2)]);
    office.ends();
}

/// RFC 5359 §2.9, Call Forwarding - No Answer: after three rings it is Carol's. Bob's phone stops.
#[test]
fn calls_that_nobody_answers_are_forwarded() {
    let mut office = office_with(|settings| {
        bobs(settings).forwards[ForwardKind::NoAnswer as usize] = to("1003");
        bobs(settings).rings = Some(3);
    });
    let alice = office.dials(ALICE, "1002");
    let bob = rings(&office, BOB).unwrap();
    office.passes(secs(17));
    assert!(rings(&office, CAROL).is_none());
    office.passes(secs(2));
    assert_eq!(office.ended(bob), "CANCEL SIP;cause=480;text=\"No answer\"");
    let carol = office.answers(CAROL);
    office.talk(alice, carol);
    let history: Vec<String> = office.last(CAROL, "INVITE").all("History-Info").map(str::to_owned).collect();
    assert_eq!(history[1], "<sip:1003@pbx.test;cause=408>;index=1.1;mp=1");
    office.ends();
}

/// Bob has no phone on: whoever calls him has Carol; and if she does not answer, that is the end of it.
#[test]
fn calls_to_nobodys_phone_are_forwarded() {
    let mut office = office_with_choices(|_| {});
    chooses(&mut office, BOB, "*941003");
    office.with(BOB, |phone| phone.unregister());
    office.settles();
    let alice = office.dials(ALICE, "1002");
    assert!(rings(&office, CAROL).is_some());
    assert!(office.last(CAROL, "INVITE").field("Diversion").contains("reason=unavailable"));
    office.passes(secs(61));
    assert_eq!(office.ended(alice), "480 Nobody answered");
    office.ends();
}

/// Internal and external callers, and one by name, each have their own; an empty destination is not to be disturbed by.
#[test]
fn callers_are_told_apart() {
    let number = |number: &str| Some(Destination::Number(number.into()));
    let mut office = office_with(|settings| {
        bobs(settings).forwards[ForwardKind::All as usize] = ForwardRule {
            anybody: None,
            internal: number("1003"),
            external: number("1001"),
            callers: vec![("1004".into(), Destination::Nobody)],
        };
    });
    let town = office.dials(CARRIER, "1002");
    assert!(rings(&office, ALICE).is_some() && rings(&office, CAROL).is_none());
    office.hangs_up(town);
    let alice = office.dials(ALICE, "1002");
    assert!(rings(&office, CAROL).is_some());
    office.hangs_up(alice);
    let dave = office.dials(DAVE, "1002");
    assert_eq!(office.ended(dave), "486 1002 is not to be disturbed");
    office.ends();
}

/// Out over a trunk; the carrier sees who calls, and for whom it was. And not, where that is not wanted.
#[test]
fn calls_are_forwarded_over_a_trunk() {
    let mut office = office_with_choices(|_| {});
    chooses(&mut office, BOB, "*7285551");
    let town = office.dials(CARRIER, "1002");
    let mobile = office.answers(CARRIER);
    office.talk(town, mobile);
    let invite = office.last(CARRIER, "INVITE");
    assert!(invite.field("Diversion").contains("1002") && invite.field("From").contains("4930123"));
    office.hangs_up(town);
    let mut office = office_with_choices(|settings| settings.forwards.external = false);
    let refused = office.dials(BOB, "*7285551");
    assert_eq!(office.ended(refused), "403 Calls are not forwarded to 85551");
    office.ends();
}

/// In circles, or too far: the caller reads the way. A line that is busy says so all the same.
#[test]
fn a_call_that_goes_in_circles_is_refused() {
    let mut office = office_with_choices(|settings| settings.forwards.hops = 2);
    chooses(&mut office, BOB, "*721003");
    chooses(&mut office, CAROL, "*721002");
    let alice = office.dials(ALICE, "1002");
    assert_eq!(office.ended(alice), "482 Forwarded in circles: 1002→1003→1002");
    chooses(&mut office, CAROL, "*721004");
    chooses(&mut office, DAVE, "*721001");
    let alice = office.dials(ALICE, "1002");
    assert_eq!(office.ended(alice), "482 Forwarded in circles: 1002→1003→1004→1001");
    assert_eq!(counted(&office), [("all", "ok", 3), ("all", "loop", 2)]);
    office.ends();
}

/// What was not there when somebody forwarded to it, or is not any more.
#[test]
fn calls_are_not_forwarded_to_what_cannot_be_called() {
    let mut office = office_with_choices(|_| {});
    for (code, told) in [
        ("*725555", "404 5555 does not exist"),
        ("*72701", "403 Calls are not forwarded to 701"),
        ("*72*69", "403 Calls are not forwarded to *69"),
        ("*721002", "403 A line does not forward to itself"),
    ] {
        let refused = office.dials(BOB, code);
        assert_eq!(office.ended(refused), told);
    }
    let refused = office.dials(CARRIER, "*721003");
    assert_eq!(office.ended(refused), "403 Only lines have that");
    // It was once: no call is lost for that.
    let mut office = office_with(|settings| bobs(settings).forwards[0] = to("5555"));
    office.dials(ALICE, "1002");
    assert!(rings(&office, BOB).is_some());
    office.ends();
}

/// Who is transferred to a line goes where its calls go; and comes back if nobody is there either.
#[test]
fn a_transferred_call_is_forwarded() {
    let mut office = office_with_choices(|_| {});
    chooses(&mut office, CAROL, "*721004");
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    office.refers(bob, "<sip:1003@pbx.test>");
    let dave = office.answers(DAVE);
    office.talk(alice, dave);
    office.hangs_up(alice);
    let (alice, bob) = office.connects(ALICE, BOB);
    chooses(&mut office, DAVE, "*721003");
    office.holds(bob);
    office.refers(bob, "<sip:1003@pbx.test>");
    let told = office.call(bob).notified.last().unwrap().clone();
    assert!(told.starts_with("terminated: SIP/2.0 482 Forwarded in circles"), "{told}");
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// A call that came to Bob, and that he sends to the carrier, is not Bob's any more: nobody answers there, and he has it back,
/// though his unanswered calls go to Carol. One that he sends into a ringing call goes on as that call would.
#[test]
fn a_transferred_call_is_not_forwarded_by_whom_it_came_to() {
    let mut office = office_with(|settings| {
        for line in [1, 3] {
            let profile = settings.lines[line].profile.get_or_insert_default();
            profile.forwards[ForwardKind::NoAnswer as usize] = to(if line == 1 { "1003" } else { "1001" });
        }
    });
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    office.refers(bob, "<sip:8555@pbx.test>");
    office.passes(secs(61));
    assert!(rings(&office, CAROL).is_none() && rings(&office, CARRIER).is_none());
    office.resumes(bob);
    office.talk(alice, bob);
    office.hangs_up(alice);
    let (carol, bob) = office.connects(CAROL, BOB);
    office.holds(bob);
    let consults = office.dials(BOB, "1004");
    let into = office.call(consults).refer_to("1004");
    office.refers(bob, &into);
    office.passes(secs(25));
    assert!(rings(&office, DAVE).is_none());
    let alice = office.answers(ALICE);
    office.talk(carol, alice);
    office.ends();
}

/// The phone that a transferred call rings sends it on, or may not: the transferor has the call back at once.
#[test]
fn a_transferred_call_is_redirected() {
    for (redirects, told) in [(Redirects::Follow, None), (Redirects::Block, Some("480")), (Redirects::Pass, None)] {
        let mut office = office_with(|settings| settings.forwards.redirects = redirects);
        let (alice, bob) = office.connects(ALICE, BOB);
        office.holds(bob);
        office.refers(bob, "<sip:1003@pbx.test>");
        let carol = rings(&office, CAROL).unwrap();
        office.with(CAROL, |phone| phone.redirect(carol.no, "<sip:1004@pbx.test>"));
        office.settles();
        match told {
            None => {
                let dave = office.answers(DAVE);
                office.talk(alice, dave);
            }
            Some(status) => {
                let told = office.call(bob).notified.last().unwrap().clone();
                assert!(told.starts_with(&format!("terminated: SIP/2.0 {status}")), "{told}");
                office.resumes(bob);
                office.talk(alice, bob);
            }
        }
        office.ends();
    }
}

/// Bob presses the key that sends a ringing call elsewhere: his other phone stops too, and Carol has the call.
#[test]
fn a_phone_sends_its_call_on() {
    for (to, contact) in [(CAROL, "<sip:1003@pbx.test>"), (CARRIER, "<sip:85551@10.0.0.1>")] {
        let mut office = office();
        let other = office.add("1002", "Bob", "10.0.1.22:5060");
        office.with(other, |phone| phone.register());
        office.settles();
        let alice = office.dials(ALICE, "1002");
        let (bob, desk) = (rings(&office, BOB).unwrap(), rings(&office, other).unwrap());
        office.with(BOB, |phone| phone.redirect(bob.no, contact));
        office.settles();
        assert!(office.call(desk).is_over());
        assert!(office.last(to, "INVITE").field("Diversion").ends_with("reason=deflection;counter=1"));
        let target = office.answers(to);
        office.talk(alice, target);
        assert_eq!(redirected(&office), [("ringing", "followed", 1)]);
        office.ends();
    }
}

/// The caller is told where to go; or the phone has declined; or it names a place that is not ours.
#[test]
fn a_phones_redirection_is_passed_on_or_blocked() {
    let mut office = office_with(|settings| settings.forwards.redirects = Redirects::Pass);
    let redirects = |office: &mut World, contact: &str| {
        let alice = office.dials(ALICE, "1002");
        let bob = rings(office, BOB).unwrap();
        office.with(BOB, |phone| phone.redirect(bob.no, contact));
        office.settles();
        alice
    };
    let alice = redirects(&mut office, "<sip:1003@pbx.test>");
    assert_eq!(office.ended(alice), "302 Moved Temporarily");
    let told = office.answers_to(ALICE, "INVITE").pop().unwrap();
    assert_eq!(told.field("Contact"), "<sip:1003@pbx.test>");
    assert_eq!(redirected(&office), [("ringing", "passed", 1)]);
    office.ends();
    let mut office = office_with(|settings| settings.forwards.redirects = Redirects::Block);
    let alice = redirects(&mut office, "<sip:1003@pbx.test>");
    assert_eq!(office.ended(alice), "480 Temporarily Unavailable");
    assert_eq!(redirected(&office), [("ringing", "blocked", 1)]);
    office.ends();
    let mut office = super::office::office();
    let alice = redirects(&mut office, "<sip:1003@elsewhere.test>");
    assert_eq!(office.ended(alice), "480 Temporarily Unavailable");
    assert_eq!(redirected(&office), []);
    office.ends();
}

/// Dave's reminder is about the call that he left: his phone cannot send it to somebody else.
#[test]
fn reminders_are_not_forwarded() {
    let mut office = office_with_choices(|_| {});
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:701@pbx.test>");
    chooses(&mut office, BOB, "*721003");
    chooses(&mut office, BOB, "*78");
    office.passes(secs(91));
    let rung = rings(&office, BOB).expect("do not disturb and forwarding are not for reminders");
    office.with(BOB, |phone| phone.redirect(rung.no, "<sip:1003@pbx.test>"));
    office.settles();
    assert!(rings(&office, CAROL).is_none());
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    office.ends();
}
