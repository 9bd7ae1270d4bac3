//! Corners: what happens when two rare things meet.
use super::office::*;
use super::phone::{Answer, Dial, Reliable, Stage};
use super::sip::Sip;
use super::world::{End, World, address};

/// The RAck for the last reliable response that a phone was sent.
fn rack(office: &World) -> String {
    let all = office.answers_to(ALICE, "INVITE");
    let last = all.iter().rev().find(|m| !m.field("RSeq").is_empty()).expect("a reliable response");
    format!("RAck: {} {}\r\n", last.field("RSeq"), last.field("CSeq"))
}

/// A PRACK that comes after the 200 stops the 200's retransmissions and its timer H: without an ACK the call hangs.
#[test]
fn a_late_prack_is_no_ack() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Required);
    (office.phones[ALICE.0].manners.no_prack, office.phones[ALICE.0].manners.no_ack) = (true, true);
    let alice = office.dials(ALICE, "1002");
    let bob = office.answers(BOB);
    let lines = rack(&office);
    office.with(ALICE, |phone| phone.say(alice.no, "PRACK", &lines));
    office.passes(secs(40));
    let again = office.answers_to(ALICE, "INVITE").iter().filter(|m| m.status() == Some(200)).count();
    assert!(again > 3, "the 200 is repeated until its ACK: {again}");
    assert!(office.call(bob).is_over(), "no ACK, no call");
}

/// The same where he hangs up at once: her leg waits for an ACK that is not waited for any more, and never ends.
#[test]
fn a_late_prack_leaves_an_ending_leg_for_ever() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Required);
    (office.phones[ALICE.0].manners.no_prack, office.phones[ALICE.0].manners.no_ack) = (true, true);
    let alice = office.dials(ALICE, "1002");
    let bob = office.answers(BOB);
    office.hangs_up(bob);
    let lines = rack(&office);
    office.with(ALICE, |phone| phone.say(alice.no, "PRACK", &lines));
    office.passes(secs(3600));
    assert!(office.call(alice).is_over(), "she is told that he has gone");
}

/// A second PRACK for a response that was acknowledged matches nothing (RFC 3262 §3: 481).
#[test]
fn a_response_is_acknowledged_once() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Required);
    let alice = office.dials(ALICE, "1002");
    let lines = rack(&office);
    office.with(ALICE, |phone| phone.say(alice.no, "PRACK", &lines));
    office.settles();
    assert_eq!(office.call(alice).answered.as_ref().map(|told| told.0), Some(481));
}

/// She sends an UPDATE in the early dialog before the first reliable response: RAck names the INVITE's CSeq all the same.
#[test]
fn rack_names_the_invite_and_not_the_last_request() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Supported);
    let alice = office.dials(ALICE, "1002");
    let bob = office.latest(BOB, Stage::Ringing).unwrap();
    office.with(ALICE, |phone| phone.say(alice.no, "OPTIONS", ""));
    office.settles();
    office.with(BOB, |phone| phone.sends_early(bob.no));
    office.settles();
    let told: Vec<_> = office.answers_to(ALICE, "PRACK").iter().map(Sip::status).collect();
    assert_eq!(told, [Some(200)]);
}

/// A re-INVITE that would make Bob the refresher is refused: we go on refreshing, and the call lives.
#[test]
fn a_refused_change_leaves_the_refresher_as_it_was() {
    let mut office = office();
    office.phones[BOB.0].manners.session = Some((1800, false));
    let (alice, bob) = office.connects(ALICE, BOB);
    office.phones[ALICE.0].manners.refuses_changes = Some(488);
    office.phones[BOB.0].manners.session = Some((1800, true));
    office.holds(bob);
    assert_eq!(office.call(bob).answered.as_ref().map(|told| told.0), Some(488));
    office.passes(secs(2000));
    assert_eq!((office.call(alice).stage, office.call(bob).stage), (Stage::Up, Stage::Up), "{}", office.ended(bob));
}

/// A phone that answers every refresh 422, with no Min-SE: it is asked again and again, as fast as it answers.
#[test]
fn a_refresh_that_is_refused_422_is_not_repeated_for_ever() {
    let mut office = office();
    office.phones[BOB.0].manners.update = false;
    office.connects(ALICE, BOB);
    office.phones[BOB.0].manners.refuses_changes = Some(422);
    office.passes(secs(895));
    let before = office.heard(BOB, "INVITE").len();
    office.passes(secs(15));
    let asked = office.heard(BOB, "INVITE").len() - before;
    assert!(asked < 10, "{asked} refreshes in ten seconds");
}

/// Min-SE: 4294967295 makes the interval that long; the next 422 then panics in `clamp`.
#[test]
fn a_422_after_a_huge_min_se() {
    let mut office = office();
    let dial = Dial { lines: "Min-SE: 4294967295\r\n".into(), ..Dial::default() };
    let alice = office.dials_so(ALICE, "1002", &dial);
    let bob = office.answers(BOB);
    office.phones[ALICE.0].manners.refuses_changes = Some(422);
    office.holds(bob);
    assert!(office.call(bob).answered.as_ref().is_some_and(|told| told.0 >= 400));
    assert_eq!((office.call(alice).stage, office.call(bob).stage), (Stage::Up, Stage::Up));
    office.ends();
}

/// The interval is never above what she asked for (RFC 4028 §9), and a dead phone is found within a day.
#[test]
fn a_huge_min_se_does_not_make_a_call_immortal() {
    let mut office = office();
    office.phones[ALICE.0].manners.session = Some((1800, false));
    let dial = Dial { lines: "Min-SE: 4294967295\r\n".into(), ..Dial::default() };
    let alice = office.dials_so(ALICE, "1002", &dial);
    let bob = office.answers(BOB);
    office.phones[alice.who.0].crash();
    office.passes(secs(2 * 86_400));
    assert!(
        office.call(bob).is_over(),
        "{}",
        office.answers_to(ALICE, "INVITE").last().unwrap().field("Session-Expires")
    );
}

/// Alice is replaced by Carol; both leave before Bob has agreed: he is connected to nobody, for ever.
#[test]
fn both_leave_while_the_call_changes_hands() {
    for (first, second) in [(true, false), (false, true)] {
        for after in (0..80).step_by(2) {
            let mut office = office();
            let (alice, bob) = office.connects(ALICE, BOB);
            let gone = if first { alice } else { bob };
            let stays = if second { alice } else { bob };
            let lines = format!("Replaces: {}\r\n", office.call(gone).named_from_afar());
            let no = office.with(CAROL, |phone| phone.dial("1001", &Dial { lines, ..Dial::default() }));
            let carol = End { who: CAROL, no };
            office.passes(millis(after));
            for end in [gone, carol] {
                office.with(end.who, |phone| phone.hang_up(end.no));
            }
            office.passes(secs(60));
            assert!(office.call(stays).is_over(), "alone after {after} ms ({first})");
        }
    }
}

/// No port is left when Carol picks up: the caller is let go, and Carol hangs with nobody, and the call is never over.
#[test]
fn a_pick_up_without_a_port() {
    let mut office = office_with(|settings| settings.media.ports = 30_000..=30_001);
    let (_, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:701@pbx.test>");
    office.settles();
    let dave = office.dials(DAVE, "1002");
    let bob = office.latest(BOB, Stage::Ringing).unwrap();
    let lines = format!("Replaces: {}\r\n", office.call(bob).named_from_afar());
    let carol = office.dials_so(CAROL, "1002", &Dial { lines, ..Dial::default() });
    office.passes(secs(300));
    assert!(office.call(dave).is_over());
    assert!(office.call(carol).is_over(), "{:?}", office.call(carol).stage);
    office.ends();
}

/// The same when she gives up in the end: the call stays on the books for ever.
#[test]
fn a_pick_up_without_a_port_is_over_at_last() {
    let mut office = office_with(|settings| settings.media.ports = 30_000..=30_001);
    let (_, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:701@pbx.test>");
    office.settles();
    office.dials(DAVE, "1002");
    let bob = office.latest(BOB, Stage::Ringing).unwrap();
    let lines = format!("Replaces: {}\r\n", office.call(bob).named_from_afar());
    let carol = office.dials_so(CAROL, "1002", &Dial { lines, ..Dial::default() });
    office.hangs_up(carol);
    office.ends();
}

/// Carol's phone, on TCP, answers 422: the INVITE that goes out again is Bob's, who refused a moment ago over UDP.
#[test]
fn a_422_over_a_stream_repeats_its_own_invite() {
    let mut office = office_over_tcp(&[CAROL]);
    office.phones[BOB.0].manners.answers = Answer::Refuse(486);
    office.dials(ALICE, "1002");
    office.phones[CAROL.0].manners.session = Some((3600, false));
    office.dials(DAVE, "1003");
    let invites = office.heard(CAROL, "INVITE");
    assert_eq!(invites.len(), 2, "asked again with a longer interval");
    for name in ["From", "To", "Call-ID"] {
        assert_eq!(invites[0].field(name), invites[1].field(name));
    }
    assert_eq!(invites[0].start, invites[1].start);
}

/// The same when nothing was refused before: she is not asked again at all (§7.4).
#[test]
fn a_422_over_a_stream_is_heeded() {
    let mut office = office_over_tcp(&[CAROL]);
    office.phones[CAROL.0].manners.session = Some((3600, false));
    office.dials(ALICE, "1003");
    assert_eq!(office.heard(CAROL, "INVITE").len(), 2);
}

/// Her UPDATE is on its way to Bob, who is silent; Carol picks up for him: Alice is answered all the same.
#[test]
fn picked_up_while_an_update_is_open() {
    let mut office = office();
    for who in [ALICE, BOB] {
        office.phones[who.0].manners.reliable = Some(Reliable::Supported);
    }
    office.phones[BOB.0].manners.early_media = true;
    let alice = office.dials(ALICE, "1002");
    let bob = office.latest(BOB, Stage::Ringing).unwrap();
    let lines = format!("Replaces: {}\r\n", office.call(bob).named_from_afar());
    office.phones[BOB.0].crash();
    office.with(ALICE, |phone| phone.offers_early(alice.no));
    office.settles();
    let carol = office.dials_so(CAROL, "1002", &Dial { lines, ..Dial::default() });
    office.passes(secs(100));
    assert_eq!((office.call(alice).stage, office.call(carol).stage), (Stage::Up, Stage::Up));
}

/// A refused attended transfer does not cost the orbit that was told.
#[test]
fn a_transfer_that_is_refused_keeps_the_reservation() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let told = office.dials(BOB, "700");
    assert_eq!(office.call(told).stage, Stage::Up);
    // He names the call with the lot in itself.
    let to = office.call(told).refer_to("700");
    let (status, _) = office.refers(told, &to);
    assert!(status >= 300, "{status}");
    office.hangs_up(told);
    office.hears_music(alice);
}

/// An ACK without the answer that our offer needs: the leg is never settled again, and a park of it never comes to an end.
#[test]
fn an_ack_without_the_answer() {
    let mut office = office();
    office.phones[ALICE.0].manners.no_ack = true;
    let alice = office.dials_so(ALICE, "1002", &Dial { late_offer: true, ..Dial::default() });
    let bob = office.answers(BOB);
    office.with(ALICE, |phone| phone.say(alice.no, "ACK", ""));
    office.settles();
    if office.call(bob).stage == Stage::Up {
        office.refers(bob, "<sip:701@pbx.test>");
        office.passes(secs(60));
        assert!(
            !office.call(bob).notified.iter().all(|told| told.starts_with("active")),
            "{:?}",
            office.call(bob).notified
        );
    }
}

/// While a 180 of ours waits for its PRACK, Bob's reliable offer waits too; a 180 of his that comes twice takes its place,
/// and the offer is never answered.
#[test]
fn a_doubled_180_does_not_take_the_place_of_an_offer() {
    let mut office = office();
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Required);
    office.phones[BOB.0].manners.reliable = Some(Reliable::Supported);
    office.phones[ALICE.0].manners.no_prack = true;
    let alice = office.dials_so(ALICE, "1002", &Dial { late_offer: true, ..Dial::default() });
    let bob = office.latest(BOB, Stage::Ringing).unwrap();
    let ringing = office.ladder.all().find(|rung| {
        rung.from.ip() == office.phones[BOB.0].address.ip() && rung.message().is_some_and(|m| m.status() == Some(180))
    });
    let bytes = ringing.map(|rung| rung.bytes().to_vec()).unwrap();
    office.with(BOB, |phone| phone.sends_early(bob.no));
    office.settles();
    let (from, to) = (office.phones[BOB.0].address, address(super::world::SERVER));
    office.send(from, to, bytes);
    office.settles();
    office.phones[ALICE.0].manners.no_prack = false;
    office.passes(secs(10));
    assert!(office.call(alice).agreed, "his offer has reached her");
    assert_eq!(office.heard(BOB, "PRACK").len(), 1);
}

/// Min-SE of a refresh is the largest that was heard in the dialog (RFC 4028 §7.4, a MUST).
#[test]
fn a_refresh_repeats_the_largest_min_se() {
    let mut office = office();
    let dial = Dial { lines: "Supported: timer\r\nMin-SE: 600\r\n".into(), ..Dial::default() };
    office.dials_so(ALICE, "1002", &dial);
    office.answers(BOB);
    office.passes(secs(901));
    let least: u32 = office.last(ALICE, "UPDATE").field("Min-SE").parse().unwrap();
    assert!(least >= 600, "{least}");
}

/// A message that comes byte by byte is looked through once, and not once for each byte: what was looked at may be
/// anything by now.
#[test]
fn framing_is_not_quadratic() {
    use crate::wire::stream::{Chunk, Framing};
    let message = b"BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nContent-Length: 3\r\n\r\nabc";
    let (mut framing, mut buffer) = (Framing::default(), Vec::new());
    for (&byte, left) in message.iter().zip((1..message.len()).rev()) {
        buffer.push(byte);
        assert_eq!(framing.next_chunk(&buffer, 64_000), Chunk::Incomplete);
        let mut other = buffer.clone();
        // The last three may be half of a blank line, until the head is there.
        let looked = if left <= 3 { other.len() } else { other.len().saturating_sub(3) };
        other[..looked].fill(b'\n');
        other[0] = b'x';
        let mut twin = framing;
        assert_eq!(twin.next_chunk(&other, 64_000), Chunk::Incomplete, "{left} bytes before the end");
    }
    assert_eq!(framing.next_chunk(message, 64_000), Chunk::Message(message.len()));
}

/// Two telephones of Bob's on one host: when the connection of one ends and the other registers anew, the first one's
/// binding goes, and what belongs to its call is sent to the other.
#[test]
fn another_phone_of_the_same_host_is_another_phone() {
    let mut office = office_over_tcp(&[BOB]);
    let (alice, bob) = office.connects(ALICE, BOB);
    let second = office.add("1002", "Bob too", "10.0.1.2:5070");
    (office.phones[second.0].stream, office.phones[second.0].connections) = (true, 100);
    office.with(second, |phone| phone.register());
    office.settles();
    office.loses_connection(BOB);
    office.settles();
    office.with(second, |phone| phone.register());
    office.settles();
    office.hangs_up(alice);
    assert!(office.call(bob).is_over(), "she has hung up, and he is told");
}

/// Bob's telephone comes back on another connection: the call that it holds is still the one that it parks.
#[test]
fn who_comes_back_can_park_what_it_holds() {
    let mut office = office_over_tcp(&[BOB]);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    office.loses_connection(BOB);
    office.with(BOB, |phone| phone.register());
    office.settles();
    let code = office.dials(BOB, "*68");
    assert_eq!(office.ended(code), "", "it is not refused");
    office.hears_music(alice);
}

/// Her connection ends while the 200 is on its way: it is said again where her Via says she is (RFC 3261 §18.2.2).
#[test]
fn an_answer_whose_connection_ended_is_said_elsewhere() {
    let mut office = office_over_tcp(&[ALICE]);
    let alice = office.dials(ALICE, "1002");
    let bob = office.latest(BOB, Stage::Ringing).unwrap();
    office.with(BOB, |phone| phone.answer(bob.no));
    office.passes(millis(7));
    office.loses_connection(ALICE);
    office.passes(secs(20));
    assert_eq!(office.call(alice).stage, Stage::Up);
}

/// The answer to Bob's hold comes after he has cancelled it: what Alice was told is taken back.
#[test]
fn a_cancelled_change_is_taken_back() {
    for after in (0..30).step_by(2) {
        let mut office = office();
        let (alice, bob) = office.connects(ALICE, BOB);
        office.with(BOB, |phone| phone.calls.get_mut(&bob.no).unwrap().media.at.set_port(29_998));
        office.with(BOB, |phone| phone.hold(bob.no, None, "INVITE"));
        office.passes(millis(after));
        office.with(BOB, |phone| phone.cancel_change(bob.no));
        office.passes(secs(30));
        let (status, _) = office.call(bob).answered.clone().unwrap();
        let sends_to = office.sends_to(alice).unwrap().port();
        assert_eq!(sends_to == 29_998, status == 200, "{after} ms: {status}, and she sends to {sends_to}");
    }
}

/// For a moment there may be no new transaction, just when her session is to be refreshed: afterwards all is as before.
#[test]
fn a_change_that_could_not_be_sent_was_not_made() {
    let mut office = office();
    office.phones[ALICE.0].manners.update = false;
    let (alice, bob) = office.connects(ALICE, BOB);
    office.passes(secs(899));
    let before = office.engine.exchange.legs.ground().limits.transactions;
    office.engine.exchange.legs.ground().limits.transactions = 0;
    office.passes(secs(3));
    office.engine.exchange.legs.ground().limits.transactions = before;
    office.holds(alice);
    assert_eq!(office.call(alice).answered.as_ref().map(|told| told.0), Some(200));
    office.passes(secs(3600));
    assert_eq!(office.call(bob).stage, Stage::Up);
}

/// A panic strikes at the end of a reservation: its orbit is free again, and who was told it is let go.
#[test]
fn a_panic_at_the_end_of_a_reservation() {
    let mut office = office();
    let (_, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let told = office.dials(BOB, "700");
    assert_eq!(office.call(told).stage, Stage::Up);
    office.panics_in(crate::base::Room::Feature, crate::corridor::Moment::Before);
    office.passes(secs(600));
    assert!(office.call(told).is_over(), "its deadline will never come");
}

/// There may be no new transaction just when Bob's reliable 18x comes: his next one is acknowledged.
#[test]
fn a_prack_that_could_not_be_sent() {
    let mut office = office();
    office.phones[BOB.0].manners.reliable = Some(Reliable::Supported);
    office.dials(ALICE, "1002");
    let bob = office.latest(BOB, Stage::Ringing).unwrap();
    let before = office.engine.exchange.legs.ground().limits.transactions;
    office.engine.exchange.legs.ground().limits.transactions = 0;
    office.with(BOB, |phone| phone.sends_early(bob.no));
    office.settles();
    office.engine.exchange.legs.ground().limits.transactions = before;
    office.passes(secs(20));
    assert_eq!(office.heard(BOB, "PRACK").len(), 1, "he has said it again, five times");
}

/// There may be no new transaction just when a code's party is let go: it is hung up on later, and not never.
#[test]
fn a_bye_that_could_not_be_sent() {
    let mut office = office();
    let (_, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let code = office.dials(BOB, "*68");
    assert_eq!(office.call(code).stage, Stage::Up);
    let before = office.engine.exchange.legs.ground().limits.transactions;
    office.engine.exchange.legs.ground().limits.transactions = 0;
    office.passes(secs(4));
    office.engine.exchange.legs.ground().limits.transactions = before;
    office.passes(secs(3600));
    assert!(office.call(code).is_over(), "it still shows where the call was parked");
}
