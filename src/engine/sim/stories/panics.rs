//! A panic in each room, at a deadline: the call that it is about is over, all others go on, and nothing is left behind.
use super::office::*;
use super::phone::{Answer, HoldStyle, Stage};
use super::world::World;
use crate::base::Room;
use crate::corridor::Moment;
use crate::settings::ReminderTarget;

/// Carol and Dave talk; then something that has a deadline of this room, a panic in it, and a look around.
fn strikes(room: Room, story: impl Fn(&mut World), ended: impl Fn(&World) -> bool) {
    for moment in [Moment::Before, Moment::After] {
        let mut office = office_with(|settings| {
            settings.lots[0].first_reminder = secs(10);
            settings.lots[0].reminder_chain = vec![ReminderTarget::ParkerDevice];
        });
        let (carol, dave) = office.connects(CAROL, DAVE);
        story(&mut office);
        office.panics_in(room, moment);
        assert_eq!(office.snapshot().counters.panics, 1);
        office.passes(secs(40));
        assert!(ended(&office), "{room:?} {moment:?}: it is over");
        office.talk(carol, dave);
        office.phones[ALICE.0].crashed = false;
        office.phones[BOB.0].crashed = false;
        office.phones[BOB.0].manners = Default::default();
        let (alice, bob) = office.connects(ALICE, BOB);
        office.talk(alice, bob);
        office.ends();
    }
}

fn nobody_but_carol_and_dave(office: &World) -> bool {
    office.phones[..2].iter().all(|phone| phone.calls.values().all(super::phone::Call::is_over))
        && office.engine.exchange.seen().len() == 2
}

/// An INVITE is repeated to a phone that is not there.
#[test]
fn in_a_client_transaction() {
    let story = |office: &mut World| {
        office.phones[BOB.0].crashed = true;
        office.dials(ALICE, "1002");
    };
    strikes(Room::Client, story, nobody_but_carol_and_dave);
}

/// A refusal is repeated to a phone that lost power before it could acknowledge it.
#[test]
fn in_a_server_transaction() {
    let story = |office: &mut World| {
        office.phones[BOB.0].manners.answers = Answer::Refuse(486);
        let no = office.with(ALICE, |phone| phone.dial("1002", &Default::default()));
        office.passes(millis(18));
        office.phones[ALICE.0].crash();
        assert!(!office.phones[ALICE.0].calls[&no].ended.is_empty());
    };
    strikes(Room::Server, story, nobody_but_carol_and_dave);
}

/// A 200 is repeated to a phone that does not acknowledge it.
#[test]
fn on_a_leg() {
    let story = |office: &mut World| {
        office.phones[ALICE.0].manners.no_ack = true;
        office.dials(ALICE, "1002");
        office.answers(BOB);
        office.phones[ALICE.0].manners.no_ack = false;
    };
    strikes(Room::Leg, story, nobody_but_carol_and_dave);
}

/// A change is tried again that came too early.
#[test]
fn in_a_session() {
    let story = |office: &mut World| {
        let (_, bob) = office.connects(ALICE, BOB);
        office.phones[ALICE.0].manners.refuses_changes = Some(491);
        office.with(BOB, |phone| phone.refer(bob.no, "<sip:701@pbx.test>"));
        office.passes(millis(50));
        office.phones[ALICE.0].manners.refuses_changes = None;
    };
    strikes(Room::Session, story, nobody_but_carol_and_dave);
}

/// Nobody answers in time.
#[test]
fn in_a_call_that_is_not_answered() {
    let story = |office: &mut World| {
        office.dials(ALICE, "1002");
        assert!(office.latest(BOB, Stage::Ringing).is_some());
    };
    strikes(Room::Feature, story, nobody_but_carol_and_dave);
}

/// The parker is to be reminded.
#[test]
fn in_an_orbit() {
    let story = |office: &mut World| {
        let (_, bob) = office.connects(ALICE, BOB);
        office.refers(bob, "<sip:701@pbx.test>");
        // The deadline at which his phone should have hung up is not the one.
        office.passes(secs(6));
    };
    let empty = |office: &World| nobody_but_carol_and_dave(office) && office.engine.features.stays().is_empty();
    strikes(Room::Feature, story, empty);
}

/// Who parked by code has read where. The parked call is another one, and stays.
#[test]
fn in_a_code() {
    let story = |office: &mut World| {
        let (_, bob) = office.connects(ALICE, BOB);
        office.holds_so(bob, Some(HoldStyle::SendOnly), "INVITE");
        office.dials(BOB, "*68");
    };
    let parked = |office: &World| {
        let alice = office.latest(ALICE, Stage::Up);
        // By now he is being reminded of it.
        alice.is_some_and(|alice| office.call(alice).media.to.is_some()) && office.engine.features.stays().len() == 1
    };
    for moment in [Moment::Before, Moment::After] {
        let mut office = office();
        let (carol, dave) = office.connects(CAROL, DAVE);
        story(&mut office);
        office.panics_in(Room::Feature, moment);
        office.passes(secs(5));
        assert!(parked(&office), "{moment:?}");
        assert!(office.phones[BOB.0].calls.values().all(super::phone::Call::is_over));
        office.talk(carol, dave);
        office.ends();
    }
}

/// Media could not be had, and telling the phone so panics: the call that was to hear it is over.
#[test]
fn in_a_report_of_media() {
    let mut office = office();
    let (carol, dave) = office.connects(CAROL, DAVE);
    let (_, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:701@pbx.test>");
    office.passes(secs(6));
    let port = *office.ports.first().expect("the parked call's port");
    office.engine.exchange.legs.ground().outbox.fuse = Some(1);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| office.media_fails(port)));
    assert!(caught.is_err());
    office.input(crate::Input::Panicked);
    office.settles();
    assert!(nobody_but_carol_and_dave(&office) && office.engine.features.stays().is_empty());
    office.talk(carol, dave);
    office.ends();
}

/// A registration ends: late, but it ends.
#[test]
fn in_a_registration() {
    for moment in [Moment::Before, Moment::After] {
        let mut office = office();
        let (carol, dave) = office.connects(CAROL, DAVE);
        office.phones[BOB.0].crash();
        let registered = |office: &World| office.snapshot().gauges.registrations.iter().sum::<u64>();
        let before = registered(&office);
        office.passes(secs(3500));
        office.panics_in(Room::Line, moment);
        office.passes(secs(2));
        assert_eq!(registered(&office), before - 1);
        office.talk(carol, dave);
        office.ends();
    }
}
