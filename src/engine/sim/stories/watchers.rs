//! Subscriptions (RFC 6665): who gets one, how it lives, how it ends, and how fast it is told.
use super::lamps::{light, state};
use super::office::*;
use super::park::parked;
use super::phone::{Stage, Subscribe};
use super::world::{End, Who, World, address};
use crate::base::Room;
use crate::base::limits::SUBSCRIPTIONS_OF_ONE_LINE;
use crate::corridor::Moment;
use crate::counters::{NotifyResult, Package, Shed};
use crate::input::Command;
use crate::session::News;
use crate::settings::TrustedAddress;
use std::time::Duration;

fn asks(event: &str, expires: Option<u32>, lines: &str) -> Subscribe {
    Subscribe { event: event.into(), expires, lines: lines.into() }
}

/// What a SUBSCRIBE was answered.
fn answer(office: &World, lamp: End) -> String {
    let (status, phrase) = office.lamp(lamp).answered.clone().expect("an answer");
    format!("{status} {phrase}")
}

fn subscriptions(office: &World, package: Package) -> u64 {
    office.snapshot().gauges.subscriptions.count(package, ())
}

fn notified(office: &World, result: NotifyResult) -> u64 {
    office.snapshot().counters.notifies.count(Package::Dialog, result)
}

/// When the lamp's NOTIFYs left.
fn moments(office: &World, lamp: End) -> Vec<Duration> {
    let call_id = &office.lamp(lamp).call_id;
    let to = office.phones[lamp.who.0].address;
    let rungs = office.ladder.to(to).filter(|rung| {
        rung.message().is_some_and(|it| it.method() == Some("NOTIFY") && it.field("Call-ID") == call_id)
    });
    rungs.map(|rung| rung.at - crate::base::Time::ZERO).collect()
}

/// What is refused, and with which words.
#[test]
fn who_gets_no_subscription() {
    let mut office = office_with(|settings| {
        settings.lots[1].view_groups = vec!["staff".into()];
        settings.lamps.colleagues_only = true;
    });
    let dialog = |lines: &str| asks("dialog", Some(600), lines);
    let package = |event: &str| asks(event, Some(600), "");
    for (who, number, ask, told) in [
        (CAROL, "5555", dialog(""), "404 There Is Nothing To Be Watched"),
        (CAROL, "*68", dialog(""), "404 There Is Nothing To Be Watched"),
        (CAROL, "8123", dialog(""), "404 There Is Nothing To Be Watched"),
        (CAROL, "112", dialog(""), "404 There Is Nothing To Be Watched"),
        (CAROL, "701", package("presence"), "404 There Is Nothing To Be Watched"),
        (CAROL, "700", package("message-summary"), "404 There Is Nothing To Be Watched"),
        (CAROL, "1002", package("message-summary"), "403 You May Not Watch This"),
        (DAVE, "711", dialog(""), "403 You May Not Watch This"),
        (DAVE, "710", dialog(""), "403 You May Not Watch This"),
        (DAVE, "1002", dialog(""), "403 You May Not Watch This"),
        (DAVE, "1002", package("presence"), "403 You May Not Watch This"),
        (CARRIER, "701", dialog(""), "403 You May Not Watch This"),
        (CAROL, "701", package("weather"), "489 Bad Event"),
        (CAROL, "701", package("dialog\r\nEvent: presence"), "489 Bad Event"),
        (CAROL, "701", package("refer"), "489 Bad Event"),
        (CAROL, "701", package(&format!("dialog;id={}", "x".repeat(65))), "400 Event Parameters Too Long"),
        (CAROL, "701", dialog("Accept: application/pidf+xml\r\n"), "406 Not Acceptable"),
        (CAROL, "701", dialog("Accept: text/*, application/sdp\r\n"), "406 Not Acceptable"),
        (CAROL, "701", dialog("Require: teleportation\r\n"), "420 Bad Extension"),
        (CAROL, "701", asks("dialog", Some(59), ""), "423 Interval Too Brief"),
        (CAROL, "701", asks("dialog", Some(1), ""), "423 Interval Too Brief"),
    ] {
        let lamp = office.watches_so(who, number, ask);
        assert_eq!(answer(&office, lamp), told, "{number}");
        assert!(office.lamp(lamp).told.is_empty(), "{number}: nothing is told");
        let said = office.answers_to(who, "SUBSCRIBE").pop().unwrap();
        match said.status() {
            Some(489) => assert_eq!(said.field("Allow-Events"), "dialog, message-summary, presence, call-completion"),
            Some(423) => assert_eq!(said.field("Min-Expires"), "60"),
            Some(420) => assert_eq!(said.field("Unsupported"), "teleportation"),
            _ => {}
        }
    }
    assert!(office.engine.watch.seen().is_empty());
    // Everybody sees their own line, and colleagues each other's.
    for (who, number) in [(DAVE, "1004"), (ALICE, "1002"), (ALICE, "711"), (DAVE, "701")] {
        let lamp = office.watches(who, number);
        assert!(office.lamp(lamp).is_on(), "{number}: {}", answer(&office, lamp));
    }
    office.ends();
}

/// Nobody looks without a password, but who is known by address.
#[test]
fn a_watcher_proves_itself() {
    let mut office = office_with(|settings| {
        settings.lines[1].trusted = vec![TrustedAddress { address: [10, 0, 9, 9].into(), prefix: 32, port: None }];
    });
    office.phones[CAROL.0].password = Some("wrong".into());
    let lamp = office.watches(CAROL, "701");
    assert!(answer(&office, lamp).starts_with("403 "), "{}", answer(&office, lamp));
    office.phones[ALICE.0].password = None;
    let lamp = office.watches(ALICE, "5555");
    assert!(answer(&office, lamp).starts_with("401 "), "nobody learns what there is: {}", answer(&office, lamp));
    let elsewhere = office.watches(DAVE, "701");
    assert!(office.lamp(elsewhere).is_on());
    let gateway = office.add("1002", "Gateway", "10.0.9.9:5060");
    let lamp = office.watches(gateway, "1002");
    assert!(office.lamp(lamp).is_on());
    assert_eq!(office.answers_to(gateway, "SUBSCRIBE").len(), 1, "it was not asked");
    office.ends();
}

/// How long: what was asked for, an hour if nothing was, and no longer than the server wants.
#[test]
fn how_long_it_lasts() {
    let mut office = office_with(|settings| settings.lamps.max_expires = secs(1800));
    for (asked, granted) in [(Some(60), 60), (Some(7200), 1800), (None, 1800), (Some(u32::MAX), 1800)] {
        let lamp = office.watches_so(CAROL, "701", asks("dialog", asked, ""));
        assert_eq!(office.lamp(lamp).granted, Some(granted), "{asked:?}");
        let state = office.lamp(lamp).told[0].field("Subscription-State").to_owned();
        assert_eq!(state, format!("active;expires={granted}"));
    }
    // Whatever the shortest is, an hour is long enough (§4.2.1.1).
    let mut office2 = office_with(|settings| {
        (settings.lamps.min_expires, settings.lamps.max_expires) = (secs(7200), secs(7200));
    });
    let lamp = office2.watches_so(CAROL, "701", asks("dialog", Some(3600), ""));
    assert_eq!(office2.lamp(lamp).granted, Some(3600));
    let lamp = office2.watches_so(CAROL, "701", asks("dialog", Some(3599), ""));
    assert_eq!(answer(&office2, lamp), "423 Interval Too Brief");
    office.ends();
    office2.ends();
}

/// A fetch: one NOTIFY with all there is, and nothing is left (RFC 6665 §4.4.3).
#[test]
fn a_fetch() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    let lamp = office.watches_so(CAROL, "701", asks("dialog", Some(0), ""));
    assert_eq!((office.lamp(lamp).granted, office.lamp(lamp).told.len()), (Some(0), 1));
    assert_eq!(office.lamp(lamp).over.as_deref(), Some("terminated;reason=timeout"));
    assert_eq!(state(&office, lamp), "confirmed");
    assert!(office.engine.watch.seen().is_empty());
    office.hangs_up(alice);
    office.passes(secs(3));
    assert_eq!(office.lamp(lamp).told.len(), 1);
    office.ends();
}

/// Refreshed, told all of it again and counted on; ended by the watcher; or by its time, and then nobody knows it.
#[test]
fn refreshed_ended_and_expired() {
    let mut office = office();
    let first = office.watches_so(CAROL, "701", asks("dialog;id=key7", Some(100), "Accept: */*\r\n"));
    let second = office.watches_so(CAROL, "1002", asks("dialog", Some(100), ""));
    for _ in 0..3 {
        office.passes(secs(60));
        office.watches_on(first, 100);
        assert_eq!(answer(&office, first), "200 OK");
    }
    assert_eq!(office.lamp(first).shows().version, 3);
    assert_eq!(office.lamp(first).told.last().unwrap().field("Event"), "dialog;id=key7");
    assert_eq!(office.lamp(second).over.as_deref(), Some("terminated;reason=timeout"), "its time was over");
    assert_eq!(subscriptions(&office, Package::Dialog), 1);
    office.watches_on(second, 100);
    assert!(answer(&office, second).starts_with("481 "), "so that the phone starts anew");
    office.watches_on(first, 59);
    assert_eq!(answer(&office, first), "423 Interval Too Brief");
    office.watches_on(first, 0);
    assert_eq!(office.lamp(first).over.as_deref(), Some("terminated;reason=timeout"));
    assert_eq!(office.lamp(first).shows().version, 4, "the last one has all there is, too");
    assert_eq!(subscriptions(&office, Package::Dialog), 0);
    office.ends();
}

/// A dialog has one usage: no subscription in a call, no call in a subscription, no other event.
#[test]
fn dialogs_are_not_shared() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    let lines = "Event: dialog\r\nExpires: 600\r\nContact: <sip:1001@10.0.1.1>\r\n";
    office.with(ALICE, |phone| phone.say(alice.no, "SUBSCRIBE", lines));
    office.settles();
    assert_eq!(office.call(alice).answered, Some((403, "SUBSCRIBE Needs A Dialog Of Its Own".into())));
    office.talk(alice, bob);
    let lamp = office.watches(CAROL, "701");
    for method in ["BYE", "INVITE", "INFO", "NOTIFY", "UPDATE"] {
        let [call_id, own, theirs] = office.lamp(lamp).dialog().map(str::to_owned);
        let text = format!(
            "{method} sip:10.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.3:5060;branch=z9hG4bKx{method}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:1003@pbx.test>;tag={own}\r\nTo: <sip:701@pbx.test>;tag={theirs}\r\n\
             Call-ID: {call_id}\r\nCSeq: 77 {method}\r\nContact: <sip:1003@10.0.1.3>\r\nContent-Length: 0\r\n\r\n"
        );
        office.send(address("10.0.1.3:5060"), address(super::world::SERVER), text.into_bytes());
        office.settles();
        assert_eq!(office.answers_to(CAROL, method).pop().unwrap().status(), Some(481), "{method}");
    }
    office.with(CAROL, |phone| phone.watch_something_else(lamp.no, "presence"));
    office.settles();
    assert_eq!(answer(&office, lamp), "481 No Such Subscription");
    assert_eq!(subscriptions(&office, Package::Dialog), 1, "and the lamp is on");
    assert_eq!(subscriptions(&office, Package::Presence), 0);
    office.passes(secs(3600));
    office.ends();
}

/// The first change at once, then one NOTIFY a second, and the last state wins.
#[test]
fn changes_are_paced() {
    let mut office = office();
    let lamp = office.watches(CAROL, "1002");
    office.passes(secs(5));
    let began = office.now;
    let alice = office.dials(ALICE, "1002");
    office.answers(BOB);
    office.hangs_up(alice);
    let again = office.dials(DAVE, "1002");
    office.passes(millis(1500));
    let told = moments(&office, lamp);
    let after: Vec<u128> = told[1..].iter().map(|at| (*at - (began - crate::base::Time::ZERO)).as_millis()).collect();
    assert!(after[0] < 20, "at once: {after:?}");
    let shown: Vec<String> = office.lamp(lamp).told[1..].iter().map(|told| told.body.clone()).collect();
    assert_eq!(shown.len(), 2, "what was between is nobody's concern");
    assert!((1000..1010).contains(&(after[1] - after[0])), "{after:?}");
    assert_eq!(light(&office, lamp).remote.unwrap().display, "Dave");
    office.hangs_up(again);
    office.passes(secs(30));
    // A change that is taken back within the second is not told at all.
    let told = office.lamp(lamp).told.len();
    let one = office.dials(ALICE, "1002");
    office.passes(millis(300));
    office.hangs_up(one);
    office.passes(secs(5));
    assert_eq!(office.lamp(lamp).told.len() - told, 2);
    let told = |news: &News| if let News::Notified { after, .. } = news { Some(*after) } else { None };
    let latency: Vec<Duration> = office.news.iter().filter_map(told).collect();
    assert!(latency.contains(&Duration::ZERO) && latency.iter().all(|after| *after <= secs(1)), "{latency:?}");
    office.ends();
}

/// A phone that is slow to answer is not told another thing meanwhile; then it is told what is, and not what was.
#[test]
fn one_at_a_time() {
    let mut office = office();
    let lamp = office.watches(CAROL, "1002");
    office.passes(secs(5));
    office.phones[CAROL.0].manners.answers_lamps = 0;
    office.dials(ALICE, "1002");
    office.answers(BOB);
    office.passes(secs(20));
    let told = office.lamp(lamp).told.len();
    assert_eq!((told, state(&office, lamp).as_str()), (2, "trying"), "it was repeated, and nothing else was said");
    office.phones[CAROL.0].manners.answers_lamps = 200;
    office.passes(secs(40));
    assert_eq!(state(&office, lamp), "confirmed");
    assert_eq!(notified(&office, NotifyResult::Timeout), 1);
    office.ends();
}

/// Which responses to a NOTIFY end a subscription (§4.2.2), and that all others do not.
#[test]
fn what_a_watcher_answers() {
    let ends = [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604];
    for status in ends.into_iter().chain([400, 403, 408, 486, 488, 500, 503, 600, 603]) {
        let mut office = office();
        let lamp = office.watches(CAROL, "1002");
        office.passes(secs(5));
        office.phones[CAROL.0].manners.answers_lamps = status;
        let alice = office.dials(ALICE, "1002");
        office.passes(secs(2));
        let over = ends.contains(&status);
        assert_eq!(subscriptions(&office, Package::Dialog), u64::from(!over), "{status}");
        let result = if over { NotifyResult::Ended } else { NotifyResult::Refused };
        assert_eq!(notified(&office, result), office.lamp(lamp).told.len() as u64 - 1, "{status}");
        office.phones[CAROL.0].manners.answers_lamps = 200;
        office.hangs_up(alice);
        office.passes(secs(2));
        let last = office.lamp(lamp).shows().lights.remove(0).state;
        assert_eq!(last == "terminated", !over, "{status}: the next state is told");
        office.ends();
    }
}

/// One NOTIFY that nobody answers does not put out a lamp: the next state is told, and a refresh tells everything.
#[test]
fn one_lost_notify() {
    let mut office = office();
    let lamp = office.watches(CAROL, "1002");
    office.passes(secs(5));
    office.phones[CAROL.0].manners.answers_lamps = 0;
    // The call rings for a minute, and half a minute later nobody waits for an answer any more.
    office.dials(ALICE, "1002");
    office.passes(secs(130));
    assert!(notified(&office, NotifyResult::Timeout) >= 1);
    assert_eq!(subscriptions(&office, Package::Dialog), 1);
    office.phones[CAROL.0].manners.answers_lamps = 200;
    office.dials(DAVE, "1002");
    office.passes(secs(2));
    assert_eq!(light(&office, lamp).remote.unwrap().display, "Dave");
    office.watches_on(lamp, 600);
    assert_eq!(light(&office, lamp).remote.unwrap().display, "Dave");
    office.ends();
}

/// A phone that goes away without a word is told for as long as it asked for, and no longer.
#[test]
fn a_watcher_that_is_gone() {
    let mut office = office();
    office.watches_so(CAROL, "1002", asks("dialog", Some(120), ""));
    office.phones[CAROL.0].crash();
    for _ in 0..4 {
        let alice = office.dials(ALICE, "1002");
        office.passes(secs(30));
        office.hangs_up(alice);
    }
    office.passes(secs(100));
    assert!(office.engine.watch.seen().is_empty());
    office.ends();
}

/// Whoever waits goes before whoever looks: past capacity, and while the server goes down.
#[test]
fn watching_is_second_to_calling() {
    let mut office = office();
    let lamp = office.watches(CAROL, "701");
    office.overloaded = true;
    let refused = office.watches(BOB, "701");
    assert_eq!(answer(&office, refused), "503 Service Unavailable");
    assert_eq!(office.snapshot().counters.shed.count(Shed::Overload, ()), 1);
    office.watches_on(lamp, 600);
    assert_eq!(answer(&office, lamp), "200 OK", "who looks already may go on");
    office.overloaded = false;
    office.command(Command::Drain);
    let refused = office.watches(BOB, "701");
    assert_eq!(answer(&office, refused), "503 Service Unavailable");
    assert_eq!(office.answers_to(BOB, "SUBSCRIBE").pop().unwrap().field("Retry-After"), "5");
    office.watches_on(lamp, 600);
    assert_eq!(answer(&office, lamp), "200 OK");
    // At the end everybody is told to come back.
    office.command(Command::Stop);
    assert_eq!(office.lamp(lamp).over.as_deref(), Some("terminated;reason=probation;retry-after=5"));
    assert!(office.engine.is_idle());
    office.ends();
}

/// So many phones watch one orbit as there may be, from lines of a range.
fn crowd(office: &mut World, phones: usize, number: &str) -> Vec<End> {
    let desks: Vec<Who> = (0..10)
        .map(|n| {
            let who = office.add(&format!("{}", 2000 + n), &format!("Desk {n}"), &format!("10.0.5.{}:5060", n + 1));
            office.phones[who.0].password = Some("many".into());
            who
        })
        .collect();
    let mut lamps = Vec::new();
    for n in 0..phones {
        let who = desks[n % desks.len()];
        let no = office.with(who, |phone| phone.watch(number, Subscribe::default()));
        lamps.push(End { who, no });
        if n % 100 == 99 {
            office.passes(millis(20));
        }
    }
    office.passes(secs(2));
    lamps
}

/// A thousand watchers of one orbit: all of them are told, once, in their order, and calls come in between.
#[test]
fn a_thousand_watchers() {
    let mut office = office();
    let lamps = crowd(&mut office, 1000, "701");
    assert_eq!(subscriptions(&office, Package::Dialog), 1000);
    let alice = parked(&mut office, "701");
    office.passes(secs(2));
    office.ladder.clear();
    let began = office.now;
    office.with(alice.who, |phone| phone.hang_up(alice.no));
    office.with(CARRIER, |phone| phone.dial("1004", &Default::default()));
    office.passes(millis(500));
    let is_notify = |rung: &&super::ladder::Rung| rung.bytes().starts_with(b"NOTIFY ");
    let told: Vec<_> = office.ladder.all().filter(is_notify).collect();
    assert_eq!(told.len(), 1000);
    let took = told.last().unwrap().at - began;
    assert!(took < millis(60), "{took:?}");
    let order: Vec<String> = told.iter().map(|rung| rung.message().unwrap().field("Call-ID").to_owned()).collect();
    let subscribed: Vec<String> = lamps.iter().map(|lamp| office.lamp(*lamp).call_id.clone()).collect();
    assert_eq!(order, subscribed, "who came first is told first");
    assert!(lamps.iter().all(|lamp| state(&office, *lamp) == "terminated"));
    assert!(office.latest(DAVE, Stage::Ringing).is_some());
    let rung = office.ladder.all().find(|rung| rung.bytes().starts_with(b"INVITE sip:1004@10.0.1.4")).unwrap();
    assert!(rung.at < told.last().unwrap().at, "a call did not wait for all of them");
    office.ends();
}

/// A line that asks for ever more is told that it has enough, and everybody else goes on.
#[test]
fn a_storm_of_subscribes() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    for n in 0..SUBSCRIPTIONS_OF_ONE_LINE + 50 {
        office.with(CAROL, |phone| phone.watch("701", Subscribe::default()));
        if n % 50 == 0 {
            office.passes(millis(20));
        }
    }
    office.passes(secs(3));
    let refused = office.phones[CAROL.0].lamps.values().filter(|lamp| !lamp.is_on());
    let told: Vec<_> = refused.map(|lamp| lamp.answered.clone().unwrap()).collect();
    assert_eq!(told, vec![(480, "Too Many Subscriptions Of This Line".to_owned()); 50]);
    assert_eq!(subscriptions(&office, Package::Dialog), SUBSCRIPTIONS_OF_ONE_LINE as u64);
    office.talk(alice, bob);
    let other = office.watches(DAVE, "701");
    assert!(office.lamp(other).is_on());
    office.ends();
}

/// A phone over TCP whose connection is lost is told over the next one.
#[test]
fn over_a_connection() {
    let mut office = office_over_tcp(&[CAROL]);
    let lamp = office.watches(CAROL, "1002");
    office.passes(secs(2));
    office.phones[CAROL.0].listens = false;
    office.loses_connection(CAROL);
    office.passes(secs(1));
    let alice = office.dials(ALICE, "1002");
    office.passes(secs(2));
    assert_eq!(office.lamp(lamp).told.len(), 1, "nobody is there");
    office.with(CAROL, |phone| phone.register());
    office.settles();
    office.watches_on(lamp, 600);
    assert_eq!(state(&office, lamp), "early");
    office.hangs_up(alice);
    office.passes(secs(2));
    assert_eq!(state(&office, lamp), "terminated");
    office.ends();
}

/// A proxy that stays in the way is gone through (RFC 3261 §12.1.1).
#[test]
fn through_a_proxy() {
    let mut office = office();
    let lines = "Record-Route: <sip:10.0.1.3:5060;lr;by=proxy>\r\n";
    let lamp = office.watches_so(CAROL, "701", asks("dialog", Some(600), lines));
    let accepted = office.answers_to(CAROL, "SUBSCRIBE").pop().unwrap();
    assert_eq!(accepted.field("Record-Route"), "<sip:10.0.1.3:5060;lr;by=proxy>");
    assert_eq!(office.lamp(lamp).told[0].field("Route"), "<sip:10.0.1.3:5060;lr;by=proxy>");
    office.ends();
}

/// A panic at a deadline of a subscription ends that one, and no other; one that strikes while it is told, too.
#[test]
fn a_panic_ends_one_subscription() {
    for moment in [Moment::Before, Moment::After] {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        let other = office.watches(DAVE, "701");
        office.watches_so(CAROL, "701", asks("dialog", Some(100), ""));
        office.panics_in(Room::Watch, moment);
        office.passes(secs(3));
        assert_eq!(subscriptions(&office, Package::Dialog), 1);
        office.talk(alice, bob);
        assert!(office.lamp(other).is_on());
        office.ends();
    }
    let mut office = office();
    let lamps = [CAROL, DAVE].map(|who| office.watches(who, "701"));
    let alice = parked(&mut office, "701");
    office.passes(secs(2));
    office.with(ALICE, |phone| phone.hang_up(alice.no));
    // The 200 to her BYE, and then the first of the two.
    office.panics_at(2);
    office.passes(secs(3));
    assert_eq!(office.snapshot().counters.panics, 1);
    assert_eq!(subscriptions(&office, Package::Dialog), 1);
    assert_eq!([state(&office, lamps[0]), state(&office, lamps[1])], ["confirmed", "terminated"]);
    office.ends();
}

/// Whoever asks what the server can do is told the packages.
#[test]
fn options_tell_the_packages() {
    let mut office = office();
    let text = "OPTIONS sip:pbx.test SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.3:5060;branch=z9hG4bKo\r\nMax-Forwards: 70\r\n\
                From: <sip:1003@pbx.test>;tag=o\r\nTo: <sip:pbx.test>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    office.send(address("10.0.1.3:5060"), address(super::world::SERVER), text.into());
    office.settles();
    let answer = office.answers_to(CAROL, "OPTIONS").pop().unwrap();
    assert_eq!(answer.field("Allow-Events"), "dialog, message-summary, presence, call-completion");
    assert!(answer.field("Allow").contains("SUBSCRIBE"));
    office.ends();
}

/// What is counted, and shown to operators.
#[test]
fn what_is_counted() {
    let mut office = office();
    let lamp = office.watches(CAROL, "1002");
    office.watches_so(CAROL, "1003", asks("message-summary", Some(600), ""));
    office.watches_so(CAROL, "1002", asks("presence", Some(600), ""));
    let all = [Package::Dialog, Package::MessageSummary, Package::Presence];
    assert_eq!(all.map(|package| subscriptions(&office, package)), [1, 1, 1]);
    office.passes(secs(2));
    let told = office.snapshot().counters.notifies;
    assert_eq!(all.map(|package| told.count(package, NotifyResult::Ok)), [1, 1, 1]);
    office.watches_on(lamp, 0);
    assert_eq!(all.map(|package| subscriptions(&office, package)), [0, 1, 1]);
    office.ends();
}
