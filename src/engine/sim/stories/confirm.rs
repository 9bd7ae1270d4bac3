//! Reminders that somebody outside answers: a key takes the call, and nothing else does.
use super::keys::types;
use super::office::*;
use super::park::{occupied, parked};
use super::phone::Stage;
use super::studio::Heard;
use super::world::{End, World};
use crate::counters::{ParkEnd, ReminderResult, ReminderRung};
use crate::input::Input;
use crate::settings::{DeclineMeans, MediaWay, ReminderTarget, Settings};
use crate::wire::media::{MediaEvent, Phrase};

pub(super) fn reminders(office: &World, result: ReminderResult) -> u64 {
    office.snapshot().counters.park[0].reminders.count(ReminderRung::Alternate, result)
}

fn to_the_carrier(settings: &mut Settings) {
    settings.lots[0].reminder_chain = vec![ReminderTarget::Alternate, ReminderTarget::ParkerUser];
    settings.lots[0].alternate = Some("8777".into());
}

/// Alice waits, and her reminder was answered behind the carrier, where the question is heard.
pub(super) fn asked(change: impl FnOnce(&mut Settings)) -> (World, End, End) {
    let mut office = office_with(|settings| {
        to_the_carrier(settings);
        change(settings);
    });
    let alice = parked(&mut office, "701");
    office.passes(secs(91));
    let mobile = office.answers(CARRIER);
    let Some(Heard::Speech { what, .. }) = office.hears_from_us(mobile) else { panic!("it is asked") };
    assert_eq!((what.phrase, what.times), (Phrase::PressOne, 2));
    waits(&office, alice);
    (office, alice, mobile)
}

/// She hears music, in her orbit.
pub(super) fn waits(office: &World, alice: End) {
    office.hears_music(alice);
    assert!(matches!(office.hears_from_us(alice), Some(Heard::Endless(_))));
    assert_eq!(occupied(office), ["701"]);
}

/// A mailbox talks at once: to nobody, not even before its media has been moved.
#[test]
fn whoever_has_not_agreed_is_not_heard() {
    let mut office = office_with(to_the_carrier);
    let alice = parked(&mut office, "701");
    office.passes(secs(91));
    let invite = office.last(CARRIER, "INVITE");
    assert!(!invite.body.contains("10.0.1."), "nothing of hers: {}", invite.body);
    office.phones[CARRIER.0].manners.refuses_changes = Some(488);
    let mobile = office.answers(CARRIER);
    assert_eq!(office.sends_to(mobile), None, "it comes to us, and goes nowhere");
    waits(&office, alice);
    office.passes(secs(21));
    assert!(office.call(mobile).is_over());
    waits(&office, alice);
    office.ends();
}

/// In every way that a key comes, before and after all was said.
#[test]
fn one_takes_the_call() {
    for (by_info, after) in [(true, 0), (false, 0), (true, 15), (false, 15)] {
        for media in [MediaWay::Direct, MediaWay::Relay] {
            let (mut office, alice, mobile) = asked(|settings| settings.trunks[0].media = media);
            office.passes(secs(after));
            if by_info {
                types(&mut office, mobile, "1");
            } else {
                let port = office.call(mobile).media.to.unwrap().port();
                office.input(Input::Media(MediaEvent::Pressed { port, key: b'1', millis: 0 }));
                office.settles();
            }
            match media {
                MediaWay::Relay => office.talk_through_us(alice, mobile),
                MediaWay::Direct | MediaWay::Auto => office.talk(alice, mobile),
            }
            assert_eq!((occupied(&office).len(), reminders(&office, ReminderResult::Answered)), (0, 1));
            assert_eq!(office.snapshot().counters.park[0].ended.count(ParkEnd::Reclaimed, ()), 1);
            office.ends();
        }
    }
}

/// He is quicker than his media: the key counts when that is settled.
#[test]
fn one_is_pressed_before_anything_is_heard() {
    let mut office = office_with(to_the_carrier);
    let alice = parked(&mut office, "701");
    office.passes(secs(91));
    let no = office.latest(CARRIER, Stage::Ringing).unwrap().no;
    let mobile = End { who: CARRIER, no };
    office.with(CARRIER, |phone| phone.answer(no));
    // The 200 is on its way, and so is the key behind it.
    office.with(CARRIER, |phone| phone.press(no, '1'));
    office.settles();
    office.passes(secs(2));
    office.talk(alice, mobile);
    office.ends();
}

/// Another key, a hang-up, a mailbox that talks and talks: the next target rings.
#[test]
fn whatever_else_it_does_it_has_declined() {
    for deed in 0..3 {
        let (mut office, alice, mobile) = asked(|_| {});
        match deed {
            0 => types(&mut office, mobile, "2"),
            1 => office.hangs_up(mobile),
            _ => {
                office.passes(secs(19));
                assert!(!office.call(mobile).is_over());
                office.passes(secs(2));
            }
        }
        assert!(office.call(mobile).is_over(), "{deed}");
        waits(&office, alice);
        office.passes(secs(1));
        assert_eq!(reminders(&office, ReminderResult::Declined), 1, "{deed}");
        let bob = office.answers(BOB);
        office.talk(alice, bob);
        office.ends();
    }
}

/// Where a decline is for good it is not rung again.
#[test]
fn a_mailbox_is_not_called_twice() {
    let (mut office, alice, mobile) = asked(|settings| settings.lots[0].decline_means = DeclineMeans::RetrieveNoMore);
    office.hangs_up(mobile);
    office.passes(secs(120));
    assert!(office.latest(CARRIER, Stage::Ringing).is_none());
    assert_eq!(reminders(&office, ReminderResult::Declined), 1);
    waits(&office, alice);
    office.ends();
}

#[test]
fn somebody_fetches_the_call_while_it_is_asked() {
    let (mut office, alice, mobile) = asked(|_| {});
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    assert!(office.ended(mobile).contains("Call completed elsewhere"), "{}", office.ended(mobile));
    assert_eq!(reminders(&office, ReminderResult::Superseded), 1);
    office.ends();
}

#[test]
fn alice_hangs_up_while_it_is_asked() {
    let (mut office, alice, mobile) = asked(|_| {});
    office.hangs_up(alice);
    assert!(office.call(mobile).is_over());
    assert_eq!(occupied(&office).len(), 0);
    office.ends();
}

/// It has pressed 1, and she is on her way to it, when it is gone: she waits on.
#[test]
fn it_hangs_up_when_it_has_the_call() {
    let (mut office, alice, mobile) = asked(|_| {});
    office.with(CARRIER, |phone| phone.press(mobile.no, '1'));
    office.hangs_up(mobile);
    office.passes(secs(2));
    assert!(office.call(mobile).is_over());
    let is_parked = occupied(&office) == ["701"];
    assert!(is_parked || office.call(alice).is_over(), "parked, or hung up on by whom she talked to");
    office.ends();
}

/// Without a port nobody outside can be asked: the next of the chain is reminded.
#[test]
fn no_port_is_left_to_ask() {
    let mut office = office_with(|settings| {
        to_the_carrier(settings);
        settings.media.ports = 30_000..=30_001;
    });
    let alice = parked(&mut office, "701");
    office.passes(secs(91));
    assert_eq!(office.latest(CARRIER, Stage::Ringing), None);
    let back = office.answers(BOB);
    office.talk(alice, back);
    office.ends();
}

#[test]
fn nobody_is_asked_where_the_lot_does_not_want_it_so() {
    let mut office = office_with(|settings| {
        to_the_carrier(settings);
        settings.lots[0].confirm_external = false;
    });
    let alice = parked(&mut office, "701");
    office.passes(secs(91));
    let mobile = office.answers(CARRIER);
    office.talk(alice, mobile);
    office.ends();
}
