//! What the server says: where a call is parked, why not, one's own number; the echo test. And that nobody ever waits for
//! more than that: not for a phone that holds, or is gone, and not for a media thread that stands still.
use super::office::*;
use super::park::{occupied, parked};
use super::phone::{Dial, HoldStyle, Reliable};
use super::studio::{Heard, length};
use super::world::{End, World};
use crate::counters::Shed;
use crate::session::{Announcement, Phrase};
use crate::settings::{AnnounceDirected, AnnounceTo, MusicNo, Settings};
use crate::wire::media::{MediaEvent, Sound, Ticket};
use std::net::SocketAddr;
use std::time::Duration;

fn office_aloud(change: impl FnOnce(&mut Settings)) -> World {
    office_with(|settings| {
        aloud(settings);
        change(settings);
    })
}

fn parked_on(orbit: &str) -> Announcement {
    Announcement::with(Phrase::ParkedOn, crate::base::text::cut(orbit))
}

/// What is being said to this end now.
fn said(office: &World, end: End) -> Option<Announcement> {
    match office.hears_from_us(end)? {
        Heard::Speech { what, .. } => Some(what),
        Heard::Endless(_) => None,
    }
}

fn hears(office: &World, end: End, sound: Sound) {
    assert_eq!(office.hears_from_us(end), Some(Heard::Endless(sound)));
}

/// What whoever has no music of their own hears.
const MUSIC: Sound = Sound::Music(MusicNo(0));

const DONE: &str = "terminated: SIP/2.0 200 OK | Contact: <sip:701@pbx.test>";

/// Alice is parked by Bob, who asked for any orbit, and does not hold.
fn bob_parks_alice(office: &mut World) -> (End, End) {
    let (alice, bob) = office.connects(ALICE, BOB);
    assert_eq!(office.refers(bob, "<sip:700@pbx.test>").0, 200);
    (alice, bob)
}

/// PARK-010: his phone hangs up when it learns that all went well, so it learns that when he has heard where.
#[test]
fn the_parker_hears_the_orbit_before_his_phone_learns_the_end() {
    let mut office = office_aloud(|_| {});
    let (alice, bob) = bob_parks_alice(&mut office);
    assert_eq!(said(&office, bob), Some(parked_on("701")));
    assert_eq!(office.call(bob).notified, ["active: SIP/2.0 100 Trying"]);
    hears(&office, alice, MUSIC);
    assert_eq!(occupied(&office), ["701"]);
    office.passes(length(&parked_on("701")) - millis(250));
    assert_eq!(office.call(bob).notified.len(), 1, "one second and a half later he is still listening");
    office.passes(millis(300));
    assert_eq!(office.call(bob).notified.last().unwrap(), DONE);
    assert!(office.call(bob).is_over());
    hears(&office, alice, MUSIC);
    assert_eq!(office.studio.said.len(), 1, "nobody else was told anything: {:?}", office.studio.said);
    office.ends();
}

#[test]
fn somebody_fetches_the_call_while_the_parker_listens() {
    let mut office = office_aloud(|_| {});
    let (alice, bob) = bob_parks_alice(&mut office);
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    assert_eq!(said(&office, bob), Some(parked_on("701")), "he listens on");
    office.passes(secs(3));
    assert_eq!(office.call(bob).notified.last().unwrap(), DONE);
    assert!(office.call(bob).is_over());
    office.talk(alice, carol);
    office.ends();
}

#[test]
fn the_parker_hangs_up_while_he_listens() {
    let mut office = office_aloud(|_| {});
    let (alice, bob) = bob_parks_alice(&mut office);
    office.hangs_up(bob);
    assert_eq!(office.ports.len(), 1, "only hers");
    office.passes(secs(10));
    hears(&office, alice, MUSIC);
    assert_eq!(occupied(&office), ["701"]);
    office.ends();
}

#[test]
fn the_parked_party_hangs_up_while_the_parker_listens() {
    let mut office = office_aloud(|_| {});
    let (alice, bob) = bob_parks_alice(&mut office);
    office.hangs_up(alice);
    office.passes(secs(3));
    assert_eq!(office.call(bob).notified.last().unwrap(), DONE, "it was parked there");
    assert!(occupied(&office).is_empty());
    office.ends();
}

/// `announce_hold_max`.
#[test]
fn a_media_thread_that_stands_still_holds_nothing_up() {
    let mut office = office_aloud(|_| {});
    office.studio.stands_still = true;
    let (_, bob) = bob_parks_alice(&mut office);
    office.passes(millis(5_700));
    assert_eq!(office.call(bob).notified.len(), 1);
    office.passes(millis(300));
    assert_eq!(office.call(bob).notified.last().unwrap(), DONE);
    let (carol, dave) = office.connects(CAROL, DAVE);
    office.holds(dave);
    let code = office.dials(DAVE, "*68");
    assert_eq!(said(&office, code), Some(parked_on("702")));
    office.passes(secs(6));
    assert_eq!(office.ended(code), "BYE ");
    let empty = office.dials(BOB, "705");
    office.passes(secs(6));
    assert_eq!(office.ended(empty), "480 Nothing is parked on 705");
    let number = office.dials(BOB, "*65");
    office.passes(secs(61));
    assert_eq!(office.ended(number), "BYE ");
    assert!(!office.call(carol).is_over());
    office.ends();
}

/// A phone that holds plays nothing that comes: it is told at once.
#[test]
fn a_parker_that_holds_is_not_waited_for() {
    for style in [HoldStyle::SendOnly, HoldStyle::Inactive, HoldStyle::ZeroAddress] {
        let mut office = office_aloud(|_| {});
        let (alice, bob) = office.connects(ALICE, BOB);
        office.holds_so(bob, Some(style), "INVITE");
        office.ladder.clear();
        assert_eq!(office.refers(bob, "<sip:700@pbx.test>").0, 200);
        assert_eq!(office.call(bob).notified.last().unwrap(), DONE, "{style:?}");
        assert!(office.heard(BOB, "INVITE").is_empty(), "nor is its hold disturbed");
        hears(&office, alice, MUSIC);
        assert!(office.studio.said.is_empty());
        office.ends();
    }
}

/// It will not be moved; or all ports are taken; or its answer says that it holds now.
#[test]
fn a_parker_that_cannot_be_spoken_to_is_not_waited_for() {
    let mut office = office_aloud(|_| {});
    office.phones[BOB.0].manners.refuses_changes = Some(488);
    let (alice, bob) = bob_parks_alice(&mut office);
    assert_eq!(office.call(bob).notified.last().unwrap(), DONE);
    hears(&office, alice, MUSIC);
    office.ends();

    let mut office = office_aloud(|settings| settings.media.ports = 30_000..=30_001);
    let (alice, bob) = bob_parks_alice(&mut office);
    assert_eq!(office.call(bob).notified.last().unwrap(), DONE, "the park succeeds");
    hears(&office, alice, MUSIC);
    assert_eq!(office.snapshot().counters.shed.count(Shed::Ports, ()), 1);
    office.ends();
}

/// A phone that crashed does not even answer that its media is to move.
#[test]
fn a_parker_that_is_gone_is_not_waited_for() {
    let mut office = office_aloud(|_| {});
    let (alice, bob) = office.connects(ALICE, BOB);
    office.with(BOB, |phone| phone.refer(bob.no, "<sip:700@pbx.test>"));
    office.passes(millis(6));
    office.phones[BOB.0].crash();
    office.passes(secs(7));
    hears(&office, alice, MUSIC);
    assert_eq!(occupied(&office), ["701"]);
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    office.phones[BOB.0].boot();
    office.ends();
}

/// Both of them change their side of the call at once: later it can be said, and is.
#[test]
fn the_parker_changes_something_just_then() {
    let mut office = office_aloud(|_| {});
    let (alice, bob) = office.connects(ALICE, BOB);
    office.with(BOB, |phone| {
        phone.refer(bob.no, "<sip:700@pbx.test>");
    });
    office.passes(millis(22));
    office.with(BOB, |phone| phone.hold(bob.no, None, "INVITE"));
    office.passes(secs(9));
    assert_eq!(office.call(bob).notified.last().unwrap(), DONE);
    hears(&office, alice, MUSIC);
    office.ends();
}

#[test]
fn who_names_the_orbit_hears_a_tone_or_the_orbit() {
    for (directed, expected) in
        [(AnnounceDirected::Tone, Announcement::of(Phrase::Confirmation)), (AnnounceDirected::Orbit, parked_on("704"))]
    {
        let mut office = office_aloud(|settings| settings.lots[0].announce_directed = directed);
        let (alice, bob) = office.connects(ALICE, BOB);
        office.refers(bob, "<sip:704@pbx.test>");
        assert_eq!(said(&office, bob), Some(expected));
        office.passes(secs(3));
        assert!(office.call(bob).is_over());
        hears(&office, alice, MUSIC);
        // Another than the named one must be said in any case.
        office.engine.features.reload(&office_settings(|settings| {
            settings.lots[0].on_occupied = crate::settings::OnOccupied::NextFree;
            settings.lots[0].announce_directed = directed;
        }));
        let (_, carol) = office.connects(DAVE, CAROL);
        office.refers(carol, "<sip:704@pbx.test>");
        assert_eq!(said(&office, carol), Some(parked_on("701")));
        office.ends();
    }
}

fn office_settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = settings();
    aloud(&mut settings);
    change(&mut settings);
    settings
}

/// PARK-030.
#[test]
fn both_may_be_told_or_neither() {
    let mut office = office_aloud(|settings| settings.lots[0].announce_to = AnnounceTo::Both);
    let (alice, bob) = bob_parks_alice(&mut office);
    assert_eq!([alice, bob].map(|end| said(&office, end)), [Some(parked_on("701")); 2]);
    office.passes(secs(3));
    hears(&office, alice, MUSIC);
    assert!(office.call(bob).is_over());
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    // Fetched while she is being told: she talks at once.
    assert_eq!(office.refers(carol, "<sip:700@pbx.test>").0, 200);
    let bob = office.dials(BOB, "701");
    office.talk(alice, bob);
    office.passes(secs(8));
    office.talk(alice, bob);
    office.ends();

    let mut office = office_aloud(|settings| settings.lots[0].announce_to = AnnounceTo::Nobody);
    let (_, bob) = bob_parks_alice(&mut office);
    assert_eq!(office.call(bob).notified.last().unwrap(), DONE, "at once");
    assert!(office.studio.said.is_empty());
    office.ends();
}

/// PARK-013: answered, told, hung up on.
#[test]
fn a_code_is_answered_and_says_the_orbit() {
    let mut office = office_aloud(|_| {});
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let code = office.dials(BOB, "*68");
    assert_eq!(said(&office, code), Some(parked_on("701")));
    assert_eq!(office.call(code).shown, "\"Parked 701\" <sip:701@pbx.test>");
    hears(&office, alice, MUSIC);
    assert!(office.call(bob).is_over(), "his part of the call is over");
    office.passes(length(&parked_on("701")) - millis(250));
    assert!(!office.call(code).is_over());
    office.passes(millis(300));
    assert_eq!(office.ended(code), "BYE ");
    office.ends();
}

/// PARK-013 again, where no call is to be begun for it: said in early media, and refused.
#[test]
fn a_code_says_the_orbit_without_an_answer() {
    for aloud in [true, false] {
        let mut office = office_aloud(|settings| {
            settings.lots[0].feature_early_media = true;
            settings.lots[0].announce_to = if aloud { AnnounceTo::Parker } else { AnnounceTo::Nobody };
        });
        let (alice, bob) = office.connects(ALICE, BOB);
        office.holds(bob);
        office.ladder.clear();
        let code = office.dials(BOB, "*68");
        if aloud {
            assert_eq!(said(&office, code), Some(parked_on("701")));
            assert_eq!(office.answers_to(BOB, "INVITE").pop().unwrap().status(), Some(183));
        }
        hears(&office, alice, MUSIC);
        office.passes(length(&parked_on("701")));
        assert_eq!(office.ended(code), "480 Parked on 701");
        assert!(office.call(bob).is_over());
        office.ends();
    }
}

/// Nothing is said before his phone has shown that it knows where to listen.
#[test]
fn a_code_speaks_when_its_answer_is_acknowledged() {
    let mut office = office_aloud(|_| {});
    let (_, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let no = office.with(BOB, |phone| phone.dial("*68", &Dial { late_offer: true, ..Dial::default() }));
    office.settles();
    assert_eq!(said(&office, End { who: BOB, no }), Some(parked_on("701")), "its answer came with the ACK");
    office.passes(secs(3));
    office.phones[CAROL.0].manners.no_ack = true;
    let no = office.with(CAROL, |phone| phone.dial("*65", &Dial::default()));
    office.passes(secs(20));
    assert_eq!(office.hears_from_us(End { who: CAROL, no }), None);
    office.phones[CAROL.0].manners.no_ack = false;
    office.passes(secs(60));
    office.ends();
}

/// PARK-012: twice, two seconds apart, then silence.
#[test]
fn the_lot_tells_a_holder_the_orbit_twice() {
    let mut office = office_aloud(|_| {});
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let told = office.dials(BOB, "700");
    assert_eq!(said(&office, told), Some(parked_on("701").twice()));
    office.passes(length(&parked_on("701").twice()));
    hears(&office, told, Sound::Silence);
    assert!(!office.call(told).is_over(), "it is for him to hang up, or to transfer");
    office.hangs_up(told);
    assert_eq!(occupied(&office), ["701"]);
    hears(&office, alice, MUSIC);
    office.ends();
}

#[test]
fn an_attended_transfer_ends_at_once_for_the_orbit_was_said_before() {
    let mut office = office_aloud(|_| {});
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let told = office.dials(BOB, "700");
    let to = office.call(told).refer_to("700");
    assert_eq!(office.refers(bob, &to).0, 200);
    assert_eq!(office.call(bob).notified.last().unwrap(), DONE);
    hears(&office, alice, MUSIC);
    office.passes(secs(5));
    assert!(office.call(told).is_over());
    office.ends();
}

/// The reason in early media, and then the status that it would have been without (PARK-013, 014, 023, the table of 2.6).
#[test]
fn every_refusal_is_said_before_it_is_given() {
    for (number, held, phrase, refusal) in [
        ("*68", false, Phrase::NoCallToPark, "480 There is no call to park"),
        ("*68702", false, Phrase::NoCallToPark, "480 There is no call to park"),
        ("700", false, Phrase::NoCallToPark, "480 There is no call to park"),
        ("*68701", true, Phrase::OrbitTaken, "486 Orbit 701 is occupied"),
        ("*68799", true, Phrase::NoSuchNumber, "404 There is no orbit 799"),
        ("*68710", true, Phrase::NotAllowed, "403 You may not park here"),
        ("705", false, Phrase::NothingParkedThere, "480 Nothing is parked on 705"),
        ("*88705", false, Phrase::NothingParkedThere, "480 Nothing is parked on 705"),
        ("711", false, Phrase::NotAllowed, "403 You may not retrieve here"),
        ("*88799", false, Phrase::NoSuchNumber, "404 There is no orbit 799"),
    ] {
        let mut office = office_aloud(|settings| {
            settings.lots[1].park_groups = vec!["bosses".into()];
            settings.lots[1].retrieve_groups = vec!["bosses".into()];
        });
        let (_, carol) = office.connects(DAVE, CAROL);
        office.refers(carol, "<sip:701@pbx.test>");
        office.passes(secs(2));
        let talk = held.then(|| office.connects(ALICE, BOB));
        if let Some((_, bob)) = talk {
            office.holds(bob);
        }
        office.ladder.clear();
        let refused = office.dials(BOB, number);
        assert_eq!(said(&office, refused), Some(Announcement::of(phrase)), "{number}");
        assert!(!office.call(refused).is_over());
        let early = office.answers_to(BOB, "INVITE").pop().unwrap();
        assert_eq!(early.status(), Some(183), "{number}");
        office.passes(secs(1));
        assert_eq!(office.ended(refused), refusal, "{number}");
        let last = office.answers_to(BOB, "INVITE").pop().unwrap();
        assert!(last.field("Warning").contains(refusal.split_once(' ').unwrap().1), "{number}");
        assert_eq!(office.ports.len(), 1, "only Dave's");
        if let Some((alice, bob)) = talk {
            office.resumes(bob);
            office.talk(alice, bob);
        }
        office.ends();
    }
}

#[test]
fn a_full_lot_says_so() {
    let mut office = office_aloud(|settings| settings.lots[0].orbits.truncate(1));
    bob_parks_alice(&mut office);
    let (_, carol) = office.connects(DAVE, CAROL);
    office.holds(carol);
    for number in ["700", "*68"] {
        let refused = office.dials(CAROL, number);
        assert_eq!(said(&office, refused), Some(Announcement::of(Phrase::AllOrbitsTaken)));
        office.passes(secs(1));
        assert_eq!(office.ended(refused), "486 All park orbits are in use");
    }
    let empty = office.dials(BOB, "*88710");
    assert_eq!(said(&office, empty), Some(Announcement::of(Phrase::NoSuchNumber)));
    office.ends();
}

#[test]
fn no_parked_calls_at_all() {
    let mut office = office_aloud(|_| {});
    let nobody = office.dials(BOB, "*88");
    assert_eq!(said(&office, nobody), Some(Announcement::of(Phrase::NoParkedCalls)));
    office.passes(secs(1));
    assert_eq!(office.ended(nobody), "480 No parked calls");
    office.ends();
}

/// He gives up while he hears why not.
#[test]
fn a_refused_caller_hangs_up_meanwhile() {
    let mut office = office_aloud(|_| {});
    let refused = office.dials(BOB, "705");
    office.hangs_up(refused);
    assert!(office.call(refused).is_over() && office.ports.is_empty());
    office.ends();
}

/// Who made no offer, holds, or has no codec of ours is refused as if nothing were ever said; so is everybody where the
/// configuration says so, or no port is left.
#[test]
fn who_cannot_hear_why_is_refused_at_once() {
    let mut office = office_aloud(|_| {});
    let no = office.with(BOB, |phone| phone.dial("705", &Dial { late_offer: true, ..Dial::default() }));
    office.settles();
    assert_eq!(office.ended(End { who: BOB, no }), "480 Nothing is parked on 705");
    office.ends();

    let mut office = office_aloud(|settings| settings.media.ports = 30_000..=30_001);
    let (_, carol) = office.connects(DAVE, CAROL);
    office.refers(carol, "<sip:701@pbx.test>");
    let refused = office.dials(BOB, "705");
    assert_eq!(office.ended(refused), "480 Nothing is parked on 705");
    office.ends();

    let mut office = office_aloud(|settings| settings.lots[0].announce_refusals = false);
    let refused = office.dials(BOB, "705");
    assert_eq!(office.ended(refused), "480 Nothing is parked on 705");
    let said_by_the_other = office.dials(BOB, "711");
    assert_eq!(said(&office, said_by_the_other), Some(Announcement::of(Phrase::NothingParkedThere)));
    office.ends();
}

/// RFC 3262: the 183 is acknowledged, or never is; the refusal comes all the same.
#[test]
fn a_reliable_183_says_it_too() {
    for (reliable, no_prack) in [(Reliable::Supported, false), (Reliable::Required, false), (Reliable::Required, true)]
    {
        let mut office = office_aloud(|_| {});
        let manners = &mut office.phones[BOB.0].manners;
        (manners.reliable, manners.no_prack) = (Some(reliable), no_prack);
        let refused = office.dials(BOB, "705");
        let early = office.answers_to(BOB, "INVITE").pop().unwrap();
        assert_eq!((early.status(), early.field("Require")), (Some(183), "100rel"));
        // What it does not acknowledge it has not heard.
        let heard = (!no_prack).then_some(Announcement::of(Phrase::NothingParkedThere));
        assert_eq!(said(&office, refused), heard);
        office.passes(secs(1));
        assert_eq!(office.ended(refused), "480 Nothing is parked on 705");
        office.ends();
    }
}

/// The first NOTIFY is lost, and the offer that moves his media overtakes it: it is refused when it comes again, and the
/// last one comes all the same.
#[test]
fn the_first_notify_is_overtaken() {
    let mut office = office_aloud(|_| {});
    let (alice, bob) = office.connects(ALICE, BOB);
    office.with(BOB, |phone| phone.refer(bob.no, "<sip:700@pbx.test>"));
    // The next datagram but one is the NOTIFY.
    office.network.fault = Some((2, super::network::Fault::Lost));
    office.passes(secs(3));
    assert_eq!(office.call(bob).notified, [DONE], "the first one came too late");
    assert!(office.call(bob).is_over());
    hears(&office, alice, MUSIC);
    office.ends();
}

#[test]
fn say_my_number() {
    let mut office = office();
    let bob = office.dials(BOB, "*65");
    let number = Announcement::with(Phrase::YourNumberIs, crate::base::text::cut("1002"));
    assert_eq!(said(&office, bob), Some(number));
    office.passes(length(&number));
    assert_eq!(office.ended(bob), "BYE ");
    // Somebody else's port is not closed by a late report about this one.
    let carol = office.dials(CAROL, "*65");
    let ticket = Ticket { whom: 0, number: 1 };
    office.input(crate::Input::Media(MediaEvent::Played { port: 30_000, ticket }));
    office.settles();
    assert!(!office.call(carol).is_over());
    office.passes(secs(5));
    assert!(office.call(carol).is_over());
    let counted = office.snapshot().counters.codes;
    assert_eq!(counted.iter().map(|code| code.count(crate::counters::CodeResult::Ok, ())).sum::<u64>(), 2);
    office.ends();
}

#[test]
fn an_echo_until_the_caller_hangs_up_or_forgets_to() {
    let mut office = office();
    let bob = office.dials(BOB, "*43");
    assert_eq!(said(&office, bob), Some(Announcement::of(Phrase::EchoTest)));
    office.passes(secs(1));
    hears(&office, bob, Sound::Echo);
    // Through a hold and back.
    office.holds(bob);
    office.resumes(bob);
    hears(&office, bob, Sound::Echo);
    let carol = office.dials(CAROL, "*43");
    office.passes(secs(1700));
    office.hangs_up(bob);
    hears(&office, carol, Sound::Echo);
    office.passes(secs(1899));
    hears(&office, carol, Sound::Echo);
    office.passes(secs(3));
    assert_eq!(office.ended(carol), "BYE ");
    office.ends();
}

/// The port was somebody else's: at the next one it is said from the beginning, and the echo is an echo again.
#[test]
fn a_port_that_fails_is_another_and_plays_the_same() {
    let mut office = office_aloud(|_| {});
    let (alice, bob) = bob_parks_alice(&mut office);
    let port = office.call(bob).media.to.unwrap().port();
    office.media_fails(port);
    office.settles();
    assert_ne!(office.call(bob).media.to.unwrap().port(), port);
    assert_eq!(said(&office, bob), Some(parked_on("701")));
    office.passes(secs(3));
    assert_eq!(office.call(bob).notified.last().unwrap(), DONE);
    let echo = office.dials(CAROL, "*43");
    office.passes(secs(2));
    office.media_fails(office.call(echo).media.to.unwrap().port());
    office.settles();
    hears(&office, echo, Sound::Echo);
    // Who is to be refused anyhow does not wait for another.
    let refused = office.dials(DAVE, "705");
    office.media_fails(office.call(refused).media.to.unwrap().port());
    office.settles();
    assert_eq!(office.ended(refused), "480 Nothing is parked on 705");
    hears(&office, alice, MUSIC);
    office.ends();
}

/// No port is left for those who want to hear something: 503, and nothing else is harmed.
#[test]
fn without_a_port_there_is_nothing_to_hear() {
    let mut office = office_aloud(|settings| settings.media.ports = 30_000..=30_001);
    let echo = office.dials(CAROL, "*43");
    for number in ["*43", "*65"] {
        let refused = office.dials(DAVE, number);
        assert_eq!(office.ended(refused), "503 No media port left");
    }
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk(alice, bob);
    hears(&office, echo, Sound::Echo);
    office.hangs_up(echo);
    assert_eq!(office.refers(bob, "<sip:700@pbx.test>").0, 200);
    assert_eq!(office.call(bob).notified.last().unwrap(), DONE);
    assert_eq!(occupied(&office), ["701"]);
    office.ends();
}

/// PARK-040: the lot's music, else the parker's, else the first; after what is said to both as well as without, and again
/// when a retrieval failed.
#[test]
fn a_lot_has_its_music_and_so_has_who_parks() {
    let mut office = office_aloud(|settings| {
        settings.lots[0].announce_to = AnnounceTo::Both;
        settings.lots[1].music = Some(MusicNo(3));
        settings.lines[1].music = Some(MusicNo(2));
        settings.line_ranges[0].music = Some(MusicNo(4));
    });
    let one_of_many = office.add("2001", "One of many", "10.0.1.21:5060");
    office.phones[one_of_many.0].password = Some("many".into());
    office.with(one_of_many, |phone| phone.register());
    office.settles();
    let (main, back) = ("<sip:700@pbx.test>", "<sip:710@pbx.test>");
    for (parker, lot, music) in [(BOB, back, 3), (BOB, main, 2), (CAROL, main, 0), (one_of_many, main, 4)] {
        let (alice, parker) = office.connects(ALICE, parker);
        assert_eq!(office.refers(parker, lot).0, 200);
        office.passes(secs(3));
        hears(&office, alice, Sound::Music(MusicNo(music)));
        office.hangs_up(alice);
    }
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:711@pbx.test>");
    office.passes(secs(3));
    // Carol gives up when Alice is on her way to her.
    let no = office.with(CAROL, |phone| phone.dial("711", &Dial::default()));
    office.passes(millis(16));
    office.with(CAROL, |phone| phone.hang_up(no));
    office.passes(secs(3));
    assert_eq!(occupied(&office), ["711"]);
    hears(&office, alice, Sound::Music(MusicNo(3)));
    office.ends();
}

/// PARK-041. A reminder is no reason not to; a retrieval is.
#[test]
fn who_waits_is_not_forgotten() {
    for again in [secs(30), Duration::ZERO] {
        let mut office = office_aloud(|settings| {
            let lot = &mut settings.lots[0];
            (lot.comfort_prompt, lot.comfort_first, lot.comfort_interval) = (true, secs(20), again);
            lot.first_reminder = secs(45);
        });
        let (alice, _) = bob_parks_alice(&mut office);
        let comfort = Announcement::of(Phrase::Comfort);
        office.passes(secs(20));
        assert_eq!(said(&office, alice), Some(comfort));
        office.passes(secs(1));
        hears(&office, alice, MUSIC);
        office.passes(secs(29));
        assert!(office.latest(BOB, super::phone::Stage::Ringing).is_some(), "he is being reminded");
        assert_eq!(said(&office, alice), Some(comfort).filter(|_| !again.is_zero()));
        let carol = office.dials(CAROL, "701");
        office.talk(alice, carol);
        let before = office.studio.said.len();
        office.passes(secs(120));
        assert_eq!(office.studio.said.len(), before);
        office.talk(alice, carol);
        office.ends();
    }
}

/// She says where she receives reports, and says so no more.
#[test]
fn reports_are_sent_where_they_are_received() {
    let mut office = office();
    office.phones[ALICE.0].line = Some("RTP/AVP 0 8 101\r\na=rtcp:29999");
    let alice = parked(&mut office, "701");
    let (media, port) = (office.call(alice).media.at, office.call(alice).media.to.unwrap().port());
    assert_eq!(office.studio.reports.get(&port), Some(&SocketAddr::new(media.ip(), 29_999)));
    office.phones[ALICE.0].calls.get_mut(&alice.no).unwrap().media.line = "RTP/AVP 0 8 101";
    office.resumes(alice);
    assert_eq!(office.studio.reports.get(&port), None);
    office.ends();
}
