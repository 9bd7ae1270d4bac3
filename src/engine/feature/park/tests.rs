//! Park as a feature alone: what it orders the switch to do.
use super::*;
use crate::feature::numbers::Plan;
use crate::feature::recorder::{Recorder, Told};
use crate::session::Phrase;
use crate::settings::*;
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(90);
const RING: Duration = Duration::from_secs(20);
const MUSIC: Sound = Sound::Music(MusicNo(0));
const ALICE: u32 = 1;
const BOB: u32 = 2;
const CAROL: u32 = 3;

fn settings() -> Settings {
    let orbits = (701..=702).map(|orbit: u32| orbit.to_string());
    let lot = LotSettings {
        first_reminder: FIRST,
        reminder_ring: RING,
        reminder_chain: vec![ReminderTarget::ParkerDevice],
        alert_info: String::new(),
        cooldown: Duration::ZERO,
        ..LotSettings::new("main", "700", orbits)
    };
    Settings { lots: vec![lot], ..Settings::new("pbx.test") }
}

/// Bob has asked for Alice to be parked.
struct Parking {
    lots: Lots,
    pbx: Recorder,
    plan: Plan,
    alice: SessionId,
    bob: SessionId,
}

impl Parking {
    fn new(place: Where) -> Self {
        let settings = settings();
        let (plan, _) = Plan::new(&settings);
        let (mut lots, mut pbx) = (Lots::new(&settings), Recorder::default());
        let alice = pbx.seat(ALICE, "Alice", Duty::Call(5));
        let bob = pbx.seat(BOB, "Bob", Duty::Call(5));
        pbx.bridge(alice, bob);
        lots.park(Order { parker: bob, told: super::Told::Transfer(bob), place }, &mut pbx).expect("a free orbit");
        Self { lots, pbx, plan, alice, bob }
    }

    /// She hears the music.
    fn parked() -> Self {
        let mut parking = Self::new(Where::Orbit(0));
        let alice = parking.alice;
        parking.happens(SessionEvent::Held(alice));
        parking.pbx.take();
        parking
    }

    fn happens(&mut self, event: SessionEvent) -> Option<u64> {
        self.lots.happened(0, event, &mut self.pbx)
    }

    fn clock_strikes(&mut self, after: Duration) {
        while let Some(wake) = self.pbx.passes(after) {
            if let Wake::Orbit(orbit) = wake {
                self.lots.woke(orbit, &mut self.pbx, &self.plan);
                return;
            }
        }
        panic!("no clock ran");
    }
}

#[test]
fn the_parker_hears_of_it_when_the_call_is_safely_there() {
    let mut parking = Parking::new(Where::Lot(0));
    let (alice, bob) = (parking.alice, parking.bob);
    assert_eq!(parking.pbx.take(), [Told::Hold(alice, MUSIC)]);
    parking.happens(SessionEvent::Held(alice));
    let parked = News::Parked {
        lot: 0,
        orbit: "701".into(),
        park_id: 7,
        generation: 1,
        party: "Alice".into(),
        parker: "1002".into(),
    };
    assert_eq!(
        parking.pbx.take(),
        [Told::Wake(Wake::Orbit(0), FIRST), Told::Tell(parked), Told::Say(bob, Phrase::ParkedOn, "701".into()),]
    );
    // He has heard it: now his phone is told, and hangs up.
    assert_eq!(parking.pbx.duty(bob), Some(Duty::Told(0)));
    parking.lots.transferor_told(0, bob, &mut parking.pbx);
    assert_eq!(parking.pbx.take(), [Told::Report(bob, Ok("701".into())), Told::Wake(Wake::HangUp(bob), PARKER_LEAVES)]);
}

#[test]
fn what_could_not_be_held_goes_on() {
    let mut parking = Parking::new(Where::Orbit(0));
    let (alice, bob) = (parking.alice, parking.bob);
    parking.happens(SessionEvent::HoldFailed(alice));
    let told = parking.pbx.take();
    assert_eq!(told, [Told::Hold(alice, MUSIC), Told::Report(bob, Err(Cause::Failure))]);
    assert_eq!(parking.pbx.duty(alice), Some(Duty::Call(5)), "their call, as before");
}

#[test]
fn the_first_claim_wins() {
    let mut parking = Parking::parked();
    let carol = parking.pbx.seat(CAROL, "Carol", Duty::Code);
    let late = parking.pbx.seat(CAROL, "Carol", Duty::Code);
    assert_eq!(parking.lots.retrieve(0, carol, None, &mut parking.pbx), Ok(()));
    assert_eq!(parking.pbx.take(), [Told::Join(parking.alice, carol, Reason::Unpark)]);
    let orbit = parking.lots.number(0);
    assert_eq!(parking.lots.retrieve(0, late, None, &mut parking.pbx), Err(Refusal::JustRetrieved(orbit)));
    let (alice, bob_left) = (parking.alice, parking.bob);
    parking.happens(SessionEvent::Joined(alice, carol));
    assert!(matches!(
        parking.pbx.take().as_slice(),
        [Told::Tell(News::RetrieveConnected { .. }), Told::Tell(News::ParkEnded { result: ParkEnd::Retrieved, .. })]
    ));
    assert_eq!(parking.lots.retrieve(0, late, None, &mut parking.pbx), Err(Refusal::Empty(orbit, 480)));
    assert_eq!(parking.pbx.duty(carol), Some(Duty::Call(5)));
    assert_eq!(parking.pbx.duty(bob_left), Some(Duty::Told(0)), "he only has to hear it");
}

#[test]
fn the_parker_is_reminded_and_has_the_call() {
    let mut parking = Parking::parked();
    parking.clock_strikes(FIRST);
    let told = parking.pbx.take();
    assert_eq!(
        told[..2],
        [Told::Ring(Recorder::phone(BOB), "Park 701: Alice".into()), Told::Wake(Wake::Orbit(0), RING)]
    );
    let Some(Phase::Reminding(ringing)) = parking.lots.stay(0).map(|stay| &stay.phase) else { panic!("it rings") };
    let phone = ringing.sessions[0];
    parking.happens(SessionEvent::Answered(phone));
    assert!(parking.pbx.take().contains(&Told::Join(parking.alice, phone, Reason::Reminder)));
}

/// A claim while it rings: the phone stops, and shows no missed call.
#[test]
fn a_claim_ends_the_reminder() {
    let mut parking = Parking::parked();
    parking.clock_strikes(FIRST);
    parking.pbx.take();
    let Some(Phase::Reminding(ringing)) = parking.lots.stay(0).map(|stay| &stay.phase) else { panic!("it rings") };
    let phone = ringing.sessions[0];
    let carol = parking.pbx.seat(CAROL, "Carol", Duty::Code);
    assert_eq!(parking.lots.retrieve(0, carol, None, &mut parking.pbx), Ok(()));
    let told = parking.pbx.take();
    assert_eq!(told.first(), Some(&Told::Drop(phone, Cause::AnsweredElsewhere)));
    assert_eq!(told.last(), Some(&Told::Join(parking.alice, carol, Reason::Unpark)));
    parking.happens(SessionEvent::Answered(phone));
    assert_eq!(
        parking.pbx.take(),
        [Told::Drop(phone, Cause::AnsweredElsewhere)],
        "its answer crossed: it never hears her"
    );
}

/// The retriever leaves: the same orbit, music, and the clock as it was.
#[test]
fn a_claim_that_comes_to_nothing() {
    let mut parking = Parking::parked();
    parking.pbx.passes(Duration::from_secs(60));
    let carol = parking.pbx.seat(CAROL, "Carol", Duty::Code);
    assert_eq!(parking.lots.retrieve(0, carol, None, &mut parking.pbx), Ok(()));
    parking.pbx.take();
    parking.happens(SessionEvent::Left(carol, Cause::Cancelled));
    let told = parking.pbx.take();
    let alice = parking.alice;
    assert_eq!(told[..2], [Told::Hold(alice, MUSIC), Told::Wake(Wake::Orbit(0), FIRST - Duration::from_secs(60))]);
    assert!(matches!(told[2..], [Told::Tell(News::ParkReturned { .. })]));
}

#[test]
fn the_parked_party_leaves() {
    let mut parking = Parking::parked();
    let alice = parking.alice;
    assert_eq!(parking.happens(SessionEvent::Left(alice, Cause::Normal)), Some(5), "the call it was part of is over");
    assert!(matches!(parking.pbx.take().as_slice(), [Told::Tell(News::ParkEnded { result: ParkEnd::Abandoned, .. })]));
    assert!(parking.pbx.passes(Duration::from_secs(10_000)).is_none_or(|wake| !matches!(wake, Wake::Orbit(_))));
}
