//! Music for who is held: it comes with the hold, goes with it, and stays when the call is parked (RFC 5359
//! §2.3).
use super::office::*;
use super::park::occupied;
use super::phone::{HoldStyle, Stage};
use super::world::{End, World};
use crate::counters::{CallDirection, CallEnd, ParkEnd};
use crate::input::Input;
use crate::wire::media::MediaEvent;

fn musical() -> World {
    office_with(|settings| settings.media.hold_music = true)
}

fn answered(office: &World, end: End) -> Option<u16> {
    office.call(end).answered.as_ref().map(|(status, _)| *status)
}

/// RFC 5359 §2.3, Music on Hold: from us, so that the phone that holds need not know of any.
#[test]
fn who_is_held_hears_music_until_resumed() {
    for (style, method) in [
        (HoldStyle::SendOnly, "INVITE"),
        (HoldStyle::Inactive, "INVITE"),
        (HoldStyle::ZeroAddress, "INVITE"),
        (HoldStyle::SendOnly, "UPDATE"),
    ] {
        let mut office = musical();
        let (alice, bob) = office.connects(ALICE, BOB);
        for (holder, held) in [(alice, bob), (bob, alice)] {
            office.holds_so(holder, Some(style), method);
            assert_eq!(answered(&office, holder), Some(200), "{style:?}");
            assert_eq!(office.call(holder).media.heard, "inactive", "nothing comes, and nothing need go");
            office.hears_music(held);
            assert_eq!(office.ports.len(), 1);
            office.holds_so(holder, None, method);
            office.talk(alice, bob);
            assert_eq!(office.ports.len(), 0, "no port is left over");
        }
        office.ends();
    }
}

#[test]
fn the_music_goes_on_when_the_held_call_is_parked() {
    let mut office = musical();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    office.hears_music(alice);
    let port = office.call(alice).media.to;
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200);
    assert_eq!(occupied(&office), ["701"]);
    office.hears_music(alice);
    assert_eq!(office.call(alice).media.to, port, "from the same port: one stream, without a gap");
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    office.ends();
}

#[test]
fn both_hold_and_resume_one_after_the_other() {
    let mut office = musical();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(alice);
    office.hears_music(bob);
    office.holds(bob);
    assert_eq!(answered(&office, bob), Some(200));
    office.resumes(alice);
    assert_eq!(answered(&office, alice), Some(200));
    office.hears_music(alice);
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// Both hold, each resumes in turn, twice over: in the end they talk, whoever was where.
#[test]
fn both_hold_and_whoever_held_last_resumes_last() {
    let mut office = musical();
    let (alice, bob) = office.connects(ALICE, BOB);
    for turns in [[alice, bob, bob, alice], [alice, bob, alice, bob], [bob, alice, alice, bob]] {
        for (place, end) in turns.into_iter().enumerate() {
            if place < 2 {
                office.holds(end)
            } else {
                office.resumes(end)
            }
            assert_eq!(answered(&office, end), Some(200));
        }
        office.talk(alice, bob);
        assert_eq!(office.ports.len(), 0, "no port is left over");
    }
    office.ends();
}

/// The held phone changes its codec, say: that is between it and us.
#[test]
fn the_held_party_changes_something() {
    let mut office = musical();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(alice);
    office.resumes(bob);
    assert_eq!(answered(&office, bob), Some(200));
    office.hears_music(bob);
    assert_eq!(office.call(alice).media.heard, "inactive");
    office.resumes(alice);
    office.talk(alice, bob);
    office.ends();
}

/// It will not come to us: it hears nothing, as without music, and is resumed all the same.
#[test]
fn a_phone_that_refuses_music() {
    let mut office = musical();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.phones[BOB.0].manners.refuses_changes = Some(488);
    office.holds(alice);
    assert_eq!(answered(&office, alice), Some(200));
    assert_eq!(office.ports.len(), 0);
    office.phones[BOB.0].manners.refuses_changes = None;
    office.resumes(alice);
    office.talk(alice, bob);
    office.ends();
}

/// Ports are exhausted: a hold is a hold without music, too.
#[test]
fn no_port_for_music() {
    let mut office = office_with(|settings| {
        settings.media.hold_music = true;
        settings.media.ports = 30_000..=30_001;
    });
    let (alice, bob) = office.connects(ALICE, BOB);
    let (carol, dave) = office.connects(CAROL, DAVE);
    office.holds(alice);
    office.hears_music(bob);
    office.holds(carol);
    assert_eq!(answered(&office, carol), Some(200));
    office.resumes(carol);
    office.talk(carol, dave);
    office.resumes(alice);
    office.talk(alice, bob);
    office.ends();
}

/// Held at the same moment as the other one changes something: music as soon as that is over.
#[test]
fn a_hold_that_meets_another_change() {
    let mut office = musical();
    let (alice, bob) = office.connects(ALICE, BOB);
    for end in [alice, bob] {
        office.with(end.who, |phone| phone.hold(end.no, Some(HoldStyle::SendOnly), "INVITE"));
    }
    office.settles();
    office.passes(secs(10));
    for end in [alice, bob] {
        office.resumes(end);
        office.passes(secs(5));
    }
    office.talk(alice, bob);
    office.ends();
}

#[test]
fn who_holds_or_is_held_hangs_up() {
    for leaves in [0, 1] {
        let mut office = musical();
        let (alice, bob) = office.connects(ALICE, BOB);
        office.holds(alice);
        office.hangs_up([alice, bob][leaves]);
        assert_eq!([alice, bob].map(|end| office.call(end).stage), [Stage::Over; 2]);
        office.ends();
    }
}

/// A call that goes through us anyway: music comes from another port, and they talk through us again.
#[test]
fn held_and_relayed() {
    let mut office = office_with(|settings| {
        settings.media.hold_music = true;
        settings.media.lines = crate::settings::MediaWay::Relay;
    });
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk_through_us(alice, bob);
    office.holds(alice);
    office.hears_music(bob);
    office.resumes(alice);
    office.talk_through_us(alice, bob);
    office.ends();
}

/// Nothing has come from who is parked for ten minutes, neither sound nor reports: its call is over. The media threads watch
/// no port but those of parked parties.
#[test]
fn a_parked_party_vanishes_without_a_word() {
    let mut office = musical();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let port = office.call(alice).media.to.unwrap().port();
    office.input(Input::Media(MediaEvent::Silent { port }));
    office.hears_music(alice);
    office.refers(bob, "<sip:701@pbx.test>");
    office.input(Input::Media(MediaEvent::Silent { port }));
    office.settles();
    assert!(office.ended(alice).starts_with("BYE"), "{}", office.ended(alice));
    assert!(office.last(ALICE, "BYE").field("Reason").contains("No media"));
    let counters = office.snapshot().counters;
    assert_eq!(counters.park[0].ended.count(ParkEnd::Abandoned, ()), 1);
    let ended = counters.calls.iter().map(|calls| calls.ended.count(CallDirection::Internal, CallEnd::MediaTimeout));
    assert_eq!(ended.sum::<u64>(), 1);
    office.ends();
}

/// Who has said that it sends nothing is not missed.
#[test]
fn a_parked_party_that_listens_only() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:701@pbx.test>");
    office.with(ALICE, |phone| phone.hold(alice.no, Some(HoldStyle::Inactive), "INVITE"));
    office.settles();
    let port = office.call(alice).media.to.unwrap().port();
    office.input(Input::Media(MediaEvent::Silent { port }));
    assert_eq!(occupied(&office), ["701"]);
    office.hears_music(alice);
    office.ends();
}

/// Sessions are refreshed while somebody is held (RFC 4028): nobody is told anything else by it.
#[test]
fn a_long_hold() {
    let mut office = musical();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(alice);
    office.passes(secs(4_000));
    office.hears_music(bob);
    assert_eq!(office.call(alice).media.heard, "inactive");
    office.resumes(alice);
    office.talk(alice, bob);
    office.ends();
}

/// Keys in the media while the held one hears music: what is a code works, and parks the holder.
#[test]
fn keys_of_who_is_held() {
    let mut office = office_with(|settings| {
        settings.media.hold_music = true;
        super::keys::with_keys(settings);
    });
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(alice);
    office.hears_music(bob);
    let port = office.call(bob).media.to.unwrap().port();
    for key in *b"#5#72" {
        office.input(Input::Media(MediaEvent::Pressed { port, key, millis: 0 }));
        office.settles();
    }
    assert_eq!(occupied(&office), ["701"]);
    office.passes(secs(5));
    assert!(office.call(bob).is_over());
    assert_eq!(super::keys::heard(&office, alice), "#5", "what was no code came, by INFO");
    let carol = office.dials(CAROL, "701");
    office.resumes(alice);
    office.passes(secs(2));
    office.talk(alice, carol);
    office.ends();
}

/// One of the two changes its mind, or parks the other, at any moment while the held phone is being moved to the music.
#[test]
fn what_comes_before_the_held_phone_has_answered() {
    for wait in [1, 6, 11, 16, 21] {
        for then in 0..4 {
            let mut office = musical();
            let (alice, bob) = office.connects(ALICE, BOB);
            office.with(BOB, |phone| phone.hold(bob.no, Some(HoldStyle::SendOnly), "UPDATE"));
            office.passes(millis(10 + wait));
            match then {
                0 => office.with(BOB, |phone| phone.hold(bob.no, None, "UPDATE")),
                1 => office.with(ALICE, |phone| phone.hold(alice.no, Some(HoldStyle::SendOnly), "UPDATE")),
                2 => office.with(BOB, |phone| phone.refer(bob.no, "<sip:701@pbx.test>")),
                _ => office.with(ALICE, |phone| phone.refer(alice.no, "<sip:701@pbx.test>")),
            }
            office.passes(secs(20));
            if then == 1 {
                office.resumes(alice);
                office.passes(secs(20));
            }
            if then < 2 {
                office.resumes(bob);
                office.passes(secs(5));
                office.talk(alice, bob);
            } else {
                assert_eq!(occupied(&office), ["701"], "{wait} {then}");
                let carol = office.dials(CAROL, "701");
                if then == 3 {
                    office.resumes(bob);
                    office.passes(secs(5));
                }
                office.talk(carol, if then == 2 { alice } else { bob });
            }
            office.ends();
        }
    }
}
