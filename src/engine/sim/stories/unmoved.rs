//! Who is to talk to somebody else, and whose phone will not have its media changed: nobody is told that it was done, and
//! everybody talks as before (RFC 3261 §14.1, RFC 5589 §6.3).
use super::confirm::{asked, reminders, waits};
use super::keys::types;
use super::office::*;
use super::phone::Stage;
use super::transfer::{bob_consults, counted, notified};
use super::world::{End, World};
use crate::counters::ReminderResult;
use crate::settings::MediaWay;

/// What Bob is told in the end.
fn told(office: &World, bob: End) -> &str {
    notified(office, bob).last().expect("a NOTIFY")
}

const IN_VAIN: &str = "terminated: SIP/2.0 488 The call could not be connected";

/// Carol's phone will not be told of Alice: Bob is told so, and has both calls as they were. With music on hold and
/// without, whoever called whom, and in whichever of his calls he asks.
#[test]
fn the_target_will_not_be_moved() {
    for music in [false, true] {
        for (called, in_second, hold_both) in
            [(false, false, false), (true, false, true), (false, true, false), (true, true, true)]
        {
            let mut office = office_with(|settings| settings.media.hold_music = music);
            let (alice, bob) = if called { office.connects(BOB, ALICE) } else { office.connects(ALICE, BOB) };
            let (alice, bob) = if called { (bob, alice) } else { (alice, bob) };
            office.holds(bob);
            let (second, carol) = office.connects(BOB, CAROL);
            if hold_both {
                office.holds(second);
            }
            let (said, named) = if in_second { (second, bob) } else { (bob, second) };
            // The one who is asked last.
            let unmoved = if in_second { ALICE } else { CAROL };
            office.phones[unmoved.0].manners.refuses_changes = Some(488);
            let to = office.call(named).refer_to("1003");
            assert_eq!(office.refers(said, &to), (200, "OK".into()));
            assert_eq!(told(&office, said), IN_VAIN);
            assert_eq!((counted(&office, "attended", "failed"), counted(&office, "attended", "ok")), (1, 0));
            if music {
                office.hears_music(alice);
            }
            office.phones[unmoved.0].manners.refuses_changes = None;
            if hold_both {
                office.resumes(second);
            }
            office.talk(second, carol);
            office.resumes(bob);
            office.talk(alice, bob);
            // And may be tried again: what Carol has refused to hear is not taken for known.
            assert_eq!(office.refers(said, &to), (200, "OK".into()));
            office.talk(alice, carol);
            office.passes(secs(5));
            assert!(office.call(bob).is_over() && office.call(second).is_over());
            office.ends();
        }
    }
}

/// The same where all media goes through us, or Carol's alone: who speaks other codecs must be told. Each goes on hearing
/// whom it heard, held or not.
#[test]
fn the_target_will_not_be_moved_and_media_goes_through_us() {
    for (all, holds) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut office = office_with(|settings| match all {
            true => settings.media.lines = MediaWay::Relay,
            false => settings.lines[CAROL.0].media = Some(MediaWay::Relay),
        });
        let (alice, bob) = office.connects(ALICE, BOB);
        if holds {
            office.holds(bob);
        }
        let (second, carol) = office.connects(BOB, CAROL);
        office.talk_through_us(second, carol);
        office.phones[ALICE.0].calls.get_mut(&alice.no).unwrap().media.line = "RTP/AVP 8 0 101";
        office.phones[CAROL.0].manners.refuses_changes = Some(488);
        let to = office.call(second).refer_to("1003");
        assert_eq!(office.refers(bob, &to), (200, "OK".into()));
        assert_eq!(told(&office, bob), IN_VAIN);
        office.phones[CAROL.0].manners.refuses_changes = None;
        office.talk_through_us(second, carol);
        if holds {
            office.resumes(bob);
        }
        office.talk_through_us(alice, bob);
        office.hangs_up(second);
        office.ends();
    }
}

/// Carol rings for Bob when he transfers Alice to her; she answers, and will not be told of Alice: it is Bob to whom she
/// talks, and he has Alice as well.
#[test]
fn the_target_that_rang_will_not_be_moved() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let second = office.dials(BOB, "1003");
    let to = office.call(second).refer_to("1003");
    assert_eq!(office.refers(bob, &to), (200, "OK".into()));
    office.phones[CAROL.0].manners.refuses_changes = Some(488);
    let carol = office.answers(CAROL);
    assert_eq!(told(&office, bob), IN_VAIN);
    assert_eq!(counted(&office, "semi", "failed"), 1);
    office.talk(second, carol);
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// A blind transfer: Carol was told where Alice receives, who receives elsewhere by the time she is moved. Carol's phone
/// will not have that, so she is let go; Bob has Alice, or, if he has hung up, is rung with her.
#[test]
fn the_target_of_a_blind_transfer_will_not_be_moved() {
    for has_left in [false, true] {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        office.holds(bob);
        assert_eq!(office.refers(bob, "<sip:1003@pbx.test>"), (200, "OK".into()));
        if has_left {
            office.hangs_up(bob);
        }
        office.phones[ALICE.0].calls.get_mut(&alice.no).unwrap().media.at = super::world::address("10.0.1.1:41000");
        office.phones[CAROL.0].manners.refuses_changes = Some(488);
        let carol = office.answers(CAROL);
        assert!(office.call(carol).is_over());
        assert_eq!(counted(&office, "blind", "failed"), 1);
        if has_left {
            office.hears_music(alice);
            let back = office.answers(BOB);
            office.talk(alice, back);
        } else {
            assert_eq!(told(&office, bob), IN_VAIN);
            office.resumes(bob);
            office.talk(alice, bob);
        }
        office.ends();
    }
}

/// Carol's phone has no time just now (491), and has later: so long nobody is told anything, Alice cannot change the call
/// either, and Bob may have hung up.
#[test]
fn the_target_will_be_moved_later() {
    for has_left in [false, true] {
        let mut office = office();
        let (alice, bob, second, carol) = bob_consults(&mut office);
        office.phones[CAROL.0].manners.refuses_changes = Some(491);
        let to = office.call(second).refer_to("1003");
        assert_eq!(office.refers(bob, &to), (200, "OK".into()));
        assert_eq!(notified(&office, bob), ["active: SIP/2.0 100 Trying"]);
        office.phones[ALICE.0].manners.retries = false;
        office.resumes(alice);
        assert_eq!(office.call(alice).answered.as_ref().map(|told| told.0), Some(491));
        if has_left {
            office.hangs_up(bob);
            office.hangs_up(second);
        }
        office.phones[CAROL.0].manners.refuses_changes = None;
        office.passes(secs(12));
        office.talk(alice, carol);
        assert!(office.call(bob).is_over() && office.call(second).is_over());
        office.ends();
    }
}

/// Her phone has lost power: when that is known, Alice and Bob talk as before.
#[test]
fn the_target_is_gone_when_it_is_to_be_moved() {
    let mut office = office();
    let (alice, bob, second, _) = bob_consults(&mut office);
    office.phones[CAROL.0].crash();
    let to = office.call(second).refer_to("1003");
    assert_eq!(office.refers(bob, &to), (200, "OK".into()));
    assert_eq!(notified(&office, bob), ["active: SIP/2.0 100 Trying"]);
    office.passes(secs(40));
    assert_eq!(told(&office, bob), "terminated: SIP/2.0 408 Request Timeout");
    assert!(office.call(second).is_over());
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// Somebody hangs up at any moment of it, whether Carol will be moved or not: who is left talks to whoever is left to talk
/// to, and nobody hears silence.
#[test]
fn somebody_hangs_up_as_the_target_is_to_be_moved() {
    for refuses in [None, Some(488), Some(491)] {
        for after in (0..50).step_by(5) {
            for leaver in 0..4 {
                let mut office = office();
                let (alice, bob, second, carol) = bob_consults(&mut office);
                office.phones[CAROL.0].manners.refuses_changes = refuses;
                let to = office.call(second).refer_to("1003");
                office.with(BOB, |phone| phone.refer(bob.no, &to));
                office.passes(millis(after));
                office.hangs_up([alice, bob, second, carol][leaver]);
                office.phones[CAROL.0].manners.refuses_changes = None;
                office.passes(secs(12));
                let up = [alice, bob, second, carol].map(|end| office.call(end).stage == Stage::Up);
                match (up[0], up[3]) {
                    (true, true) if up[2] => office.talk(second, carol),
                    (true, true) => office.talk(alice, carol),
                    (true, false) | (false, true) | (false, false) => {}
                }
                if up[0] && up[1] {
                    office.resumes(bob);
                    office.talk(alice, bob);
                }
                if up[2] {
                    office.talk(second, carol);
                }
                office.ends();
            }
        }
    }
}

/// Who answers a reminder outside and presses 1 has the call once its phone has agreed; if that will not, the call waits on.
#[test]
fn who_takes_a_reminded_call_will_not_be_moved() {
    for media in [MediaWay::Direct, MediaWay::Relay] {
        let (mut office, alice, mobile) = asked(|settings| settings.trunks[0].media = media);
        office.phones[CARRIER.0].manners.refuses_changes = Some(488);
        types(&mut office, mobile, "1");
        assert!(office.call(mobile).is_over());
        waits(&office, alice);
        assert_eq!(reminders(&office, ReminderResult::Answered), 1);
        let carol = office.dials(CAROL, "701");
        office.talk(alice, carol);
        office.ends();
    }
}
