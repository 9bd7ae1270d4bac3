//! Fetching a parked call: every way, every race, and what each side is shown.
use super::office::*;
use super::park::{occupied, parked};
use super::phone::{Dial, Stage};
use super::world::{End, World};
use crate::counters::{ParkEnd, RetrieveResult};

fn retrieves(office: &World, result: RetrieveResult) -> u64 {
    office.snapshot().counters.park[0].retrieves.count(result, ())
}

fn stays(office: &World, end: ParkEnd) -> u64 {
    office.snapshot().counters.park[0].ended.count(end, ())
}

/// RFC 5359 §2.15, Call Park, its second half: Carol fetches Alice from her own desk.
#[test]
fn every_number_that_fetches() {
    for number in ["701", "*88701", "*88", "park+701"] {
        let mut office = office();
        let alice = parked(&mut office, "701");
        let carol = office.dials(CAROL, number);
        office.talk(alice, carol);
        assert!(occupied(&office).is_empty());
        assert_eq!((retrieves(&office, RetrieveResult::Ok), stays(&office, ParkEnd::Retrieved)), (1, 1), "{number}");
        office.hangs_up(alice);
        assert!(office.call(carol).is_over());
        office.ends();
    }
}

#[test]
fn the_code_without_a_number_fetches_the_longest() {
    let mut office = office();
    let alice = parked(&mut office, "704");
    office.passes(secs(2));
    let (dave, bob) = office.connects(DAVE, BOB);
    office.refers(bob, "<sip:701@pbx.test>");
    let carol = office.dials(CAROL, "*88");
    office.talk(alice, carol);
    office.hears_music(dave);
    office.ends();
}

/// This very stay, or nobody.
#[test]
fn a_stay_can_be_named() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    let id = office.engine.features.stays()[0].park_id;
    let wrong = office.dials(CAROL, &format!("701;pid={:032x}", id ^ 1));
    assert_eq!(office.ended(wrong), "480 Stale: another call is parked on 701 now");
    assert_eq!(retrieves(&office, RetrieveResult::Stale), 1);
    office.hears_music(alice);
    let carol = office.dials(CAROL, &format!("701;pid={id:032x}"));
    office.talk(alice, carol);
    office.ends();
}

/// The refusal's words stand in the reason phrase and in Warning.
#[test]
fn nothing_is_parked_there() {
    for (number, status, told) in [
        ("701", 480, "480 Nothing is parked on 701"),
        ("*88702", 480, "480 Nothing is parked on 702"),
        ("*88", 480, "480 No parked calls"),
        ("711", 404, "404 Nothing is parked on 711"),
        ("*88799", 404, "404 There is no orbit 799"),
    ] {
        let mut office = office_with(|settings| settings.lots[1].empty_response = 404);
        let carol = office.dials(CAROL, number);
        assert_eq!(office.ended(carol), told);
        let answer = office.answers_to(CAROL, "INVITE").pop().unwrap();
        let words = told.split_once(' ').unwrap().1;
        assert_eq!(answer.field("Warning"), format!("399 10.0.0.1:5060 \"{words}\""), "{status}");
        office.ends();
    }
}

/// Groups; and who comes in over a trunk may not at all.
#[test]
fn not_everybody_may_fetch() {
    let mut office = office_with(|settings| settings.lots[0].retrieve_groups = vec!["staff".into()]);
    let alice = parked(&mut office, "701");
    let dave = office.dials(DAVE, "701");
    let carrier = office.dials(CARRIER, "701");
    for end in [dave, carrier] {
        assert_eq!(office.ended(end), "403 You may not retrieve here");
    }
    assert_eq!(retrieves(&office, RetrieveResult::Forbidden), 2);
    let none = office.dials(DAVE, "*88");
    assert_eq!(office.ended(none), "480 No parked calls", "he does not even hear that there is one");
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    office.ends();
}

/// In the 200, and in an UPDATE for whoever understands a changed From (RFC 4916).
#[test]
fn who_is_shown_to_whom() {
    let mut office = office();
    office.phones[CAROL.0].manners.from_change = true;
    let (carrier, bob) = office.connects_over(CARRIER, "1002", BOB);
    office.refers(bob, "<sip:701@pbx.test>");
    office.ladder.clear();
    let carol = office.dials(CAROL, "701");
    office.talk(carrier, carol);
    let accepted = office.answers_to(CAROL, "INVITE").pop().unwrap();
    assert_eq!(accepted.field("P-Asserted-Identity"), "\"Carrier\" <sip:4930123@pbx.test>");
    let update = office.last(CAROL, "UPDATE");
    assert!(update.field("From").starts_with("\"Carrier\" <sip:4930123@pbx.test>;tag="), "{}", update.field("From"));
    assert_eq!(office.call(carol).shown, "\"Carrier\" <sip:4930123@pbx.test>");
    assert_eq!(office.call(carrier).shown, "\"Carol\" <sip:1003@pbx.test>", "told by the re-INVITE");
    office.holds(carol);
    office.resumes(carol);
    assert_eq!(office.heard(CAROL, "UPDATE").len(), 1, "she knows by now");
    office.ends();
}

/// Of an outgoing call the remote party is shown.
#[test]
fn an_outgoing_call_shows_the_remote_party() {
    let mut office = office();
    let (bob, carrier) = office.connects_over(BOB, "84930123", CARRIER);
    office.refers(bob, "<sip:701@pbx.test>");
    let carol = office.dials(CAROL, "701");
    office.talk(carrier, carol);
    assert_eq!(office.call(carol).shown, "<sip:4930123@pbx.test>");
    office.ends();
}

/// An INVITE without a description to the orbit: the parked party makes the offer.
#[test]
fn fetching_with_a_late_offer() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    let late = Dial { late_offer: true, ..Dial::default() };
    let carol = office.dials_so(CAROL, "701", &late);
    office.talk(alice, carol);
    office.holds(alice);
    office.resumes(alice);
    office.talk(alice, carol);
    office.ends();
}

/// The same, and her answer never comes: the parked party is not told to talk to nobody.
#[test]
fn fetching_with_a_late_offer_and_no_answer() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    office.phones[CAROL.0].manners.no_ack = true;
    let late = Dial { late_offer: true, ..Dial::default() };
    let carol = office.dials_so(CAROL, "701", &late);
    office.passes(secs(40));
    assert!(office.call(carol).is_over() && office.call(alice).is_over());
    office.ends();
}

/// Fifty at once, one call.
#[test]
fn fifty_want_one_call() {
    let mut office = office_with(|settings| {
        let secret = crate::settings::Secret::Password("secret-many".into());
        settings.line_ranges[0].secret = secret;
    });
    let crowd: Vec<_> = (0..50)
        .map(|n| {
            let who = office.add(&format!("20{n:02}"), "One of many", &format!("10.0.2.{}:5060", n + 1));
            office.phones[who.0].password = Some("secret-many".into());
            who
        })
        .collect();
    let alice = parked(&mut office, "701");
    let began = office.now;
    let calls: Vec<End> = crowd
        .iter()
        .map(|&who| End { who, no: office.with(who, |phone| phone.dial("701", &Dial::default())) })
        .collect();
    office.settles();
    assert!(office.now - began <= millis(200), "all are answered by now");
    let (up, over): (Vec<End>, Vec<End>) = calls.iter().partition(|end| office.call(**end).stage == Stage::Up);
    assert_eq!((up.len(), over.len()), (1, 49));
    let told = ["480 Orbit 701 was just retrieved", "480 Nothing is parked on 701"];
    assert!(over.iter().all(|end| told.contains(&office.ended(*end))), "none hangs");
    office.talk(alice, up[0]);
    assert_eq!(retrieves(&office, RetrieveResult::Ok), 1);
    office.ends();
}

/// She gives up after her claim: the same orbit, the server's sound again, and the next may have the call.
#[test]
fn the_retriever_gives_up() {
    for pause in [11, 13, 16] {
        let mut office = office();
        let alice = parked(&mut office, "701");
        let no = office.with(CARRIER, |_| 0);
        assert_eq!(no, 0);
        let no = office.with(CAROL, |phone| phone.dial("701", &Dial::default()));
        office.passes(millis(pause));
        office.with(CAROL, |phone| phone.hang_up(no));
        office.settles();
        assert!(office.call(End { who: CAROL, no }).is_over());
        if occupied(&office).is_empty() {
            // Her CANCEL came after her 200: then it was a call, and is over.
            assert!(office.call(alice).is_over(), "{pause}");
        } else {
            office.hears_music(alice);
            assert_eq!((occupied(&office), retrieves(&office, RetrieveResult::Cancelled)), (vec!["701".to_owned()], 1));
            let dave = office.dials(DAVE, "701");
            office.talk(alice, dave);
        }
        office.ends();
    }
}

/// The reminder comes when it would have come, whoever claimed the call meanwhile.
#[test]
fn a_claim_does_not_stop_the_clock() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    office.passes(secs(80));
    let no = office.with(CAROL, |phone| phone.dial("701", &Dial::default()));
    office.passes(millis(13));
    office.with(CAROL, |phone| phone.hang_up(no));
    office.passes(secs(8));
    office.hears_music(alice);
    assert!(office.latest(BOB, Stage::Ringing).is_none());
    office.passes(secs(3));
    assert!(office.latest(BOB, Stage::Ringing).is_some(), "90 s after it was parked");
    office.ends();
}

/// Her phone refuses to be moved: the retriever is refused, and she is still parked.
#[test]
fn the_parked_phone_refuses() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    office.phones[ALICE.0].manners.refuses_changes = Some(488);
    let carol = office.dials(CAROL, "701");
    assert_eq!(office.ended(carol), "500 The parked call could not be connected");
    office.hears_music(alice);
    assert_eq!(occupied(&office), ["701"]);
    office.phones[ALICE.0].manners.refuses_changes = None;
    let dave = office.dials(DAVE, "701");
    office.talk(alice, dave);
    office.ends();
}

/// She changes her call just when it is fetched: 491, and again.
#[test]
fn glare_while_fetching() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    office.with(ALICE, |phone| phone.hold(alice.no, None, "INVITE"));
    let no = office.with(CAROL, |phone| phone.dial("701", &Dial::default()));
    office.passes(secs(8));
    office.talk(alice, End { who: CAROL, no });
    office.ends();
}

/// She hangs up while she is being fetched.
#[test]
fn the_parked_party_leaves_while_she_is_fetched() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    let no = office.with(CAROL, |phone| phone.dial("701", &Dial::default()));
    office.passes(millis(17));
    office.with(ALICE, |phone| phone.hang_up(alice.no));
    office.settles();
    assert!(office.call(End { who: CAROL, no }).is_over());
    assert!(occupied(&office).is_empty());
    office.ends();
}

/// Her phone lost its power in the orbit: whoever fetches her hears so, and the orbit is empty.
#[test]
fn the_parked_phone_is_dead() {
    let mut office = office();
    parked(&mut office, "701");
    office.phones[ALICE.0].crash();
    let carol = office.dials(CAROL, "701");
    assert_eq!(office.call(carol).stage, Stage::Calling);
    office.passes(secs(33));
    assert_eq!(office.ended(carol), "480 The caller hung up");
    assert_eq!((occupied(&office).len(), stays(&office, ParkEnd::Abandoned)), (0, 1));
    office.ends();
}

#[test]
fn a_parked_party_hangs_up() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    office.hangs_up(alice);
    assert_eq!((occupied(&office).len(), stays(&office, ParkEnd::Abandoned)), (0, 1));
    let carol = office.dials(CAROL, "701");
    assert_eq!(office.ended(carol), "480 Nothing is parked on 701");
    office.ends();
}

/// The retriever parks again; the reminder is hers now.
#[test]
fn parked_again_by_who_fetched_it() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    assert_eq!(office.refers(carol, "<sip:703@pbx.test>").0, 200);
    office.hears_music(alice);
    office.passes(secs(91));
    assert!(office.latest(CAROL, Stage::Ringing).is_some() && office.latest(BOB, Stage::Ringing).is_none());
    let carol = office.answers(CAROL);
    office.talk(alice, carol);
    office.ends();
}

/// The one who was parked parks who fetched her, while that one is still being told who is there.
#[test]
fn the_fetched_parks_the_fetcher() {
    let mut office = office();
    office.phones[CAROL.0].manners.from_change = true;
    let alice = parked(&mut office, "701");
    let no = office.with(CAROL, |phone| phone.dial("701", &Dial::default()));
    office.passes(millis(36));
    assert_eq!(office.heard(CAROL, "UPDATE").len(), 1);
    office.with(ALICE, |phone| phone.refer(alice.no, "<sip:705@pbx.test>"));
    office.passes(secs(1));
    office.hears_music(End { who: CAROL, no });
    assert_eq!(occupied(&office), ["705"]);
    office.ends();
}

/// The server goes down: nobody new is called, but whoever waits can still be fetched.
#[test]
fn a_drained_server_still_gives_parked_calls_back() {
    let mut office = office();
    let alice = parked(&mut office, "701");
    office.command(crate::Command::Drain);
    let carol = office.dials(CAROL, "*88701");
    office.talk(alice, carol);
    office.ends();
}
