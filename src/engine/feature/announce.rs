//! What the server says about calls and to callers: where a call waits, why not, one's own number; and the echo test.
//!
//! Knows: sessions (through [`Switch`]), what can be said. Never: SIP, SDP, sockets, the clock.
use super::lot::{Lots, OrbitNo};
use super::parker::PARKER_LEAVES;
use super::refusal::Refusal;
use crate::base::text::Number;
use crate::leg::{Cause, Identity};
use crate::session::{Announcement, Duty, Phrase, SessionId, Sound, Switch, Wake};
use crate::settings::{AnnounceDirected, AnnounceTo, MusicNo};
use std::time::Duration;

/// No refusal takes longer to be said.
pub(super) const WHY: Duration = Duration::from_secs(6);
/// The longest number takes less than this.
const NUMBER: Duration = Duration::from_secs(60);
/// How long a code's party is shown what came of it.
const SHOWN: Duration = Duration::from_secs(2);
/// Before the echo.
const INTRODUCTION: Duration = Duration::from_secs(10);
/// Whoever forgets to hang up an echo test is helped.
const ECHO: Duration = Duration::from_secs(3600);

/// Answers who called a code: what came of it is shown, and said or at least confirmed by a sound.
pub(super) fn tell_caller(
    code: SessionId,
    orbit: &Number,
    said: Option<Announcement>,
    at_most: Duration,
    pbx: &mut dyn Switch,
) {
    let sound = if said.is_some() { Sound::Silence } else { Sound::Music(MusicNo::default()) };
    pbx.accept(code, sound, shown(orbit));
    match said {
        Some(said) => pbx.say(code, said, at_most),
        None => {
            pbx.wake(Wake::HangUp(code), SHOWN);
        }
    }
}

/// The same without an answer: said in early media, and shown by the words of the refusal that ends it.
pub(super) fn tell_early(
    code: SessionId,
    orbit: &Number,
    said: Option<Announcement>,
    at_most: Duration,
    pbx: &mut dyn Switch,
) {
    let words = super::call::words(format_args!("Parked on {orbit}"));
    match said {
        Some(said) => pbx.dismiss(code, said, at_most, (Cause::Unavailable, &words)),
        None => pbx.drop(code, Cause::Unavailable, &words),
    }
}

/// Answers who chose something: these words are shown, and two tones confirm it; or the words alone are all it gets.
pub(super) fn confirm(who: SessionId, chosen: &str, pbx: &mut dyn Switch) {
    if !pbx.can_accept(who) {
        return pbx.drop(who, Cause::Unavailable, chosen);
    }
    let shown = Identity { name: crate::base::text::cut(chosen), ..pbx.party(who).identity };
    pbx.accept(who, Sound::Silence, shown);
    pbx.say(who, Announcement::of(Phrase::Confirmation), WHY);
}

/// Says a party its own number, and hangs up.
pub(super) fn say_number(who: SessionId, pbx: &mut dyn Switch) {
    let shown = pbx.party(who).identity;
    pbx.accept(who, Sound::Silence, shown);
    pbx.say(who, Announcement::with(Phrase::YourNumberIs, shown.number), NUMBER);
}

/// Says what will come, and then a party hears itself, until it hangs up.
pub(super) fn echo_test(who: SessionId, number: &str, pbx: &mut dyn Switch) {
    pbx.accept(who, Sound::Echo, Identity::new(number, "Echo test"));
    // No port may have been left.
    if pbx.duty(who).is_some() {
        let timer = pbx.wake(Wake::HangUp(who), ECHO);
        pbx.assign(who, Duty::Echo(timer));
        pbx.say(who, Announcement::of(Phrase::EchoTest), INTRODUCTION);
    }
}

/// Refuses a caller; says why first, if that is wanted.
pub(super) fn refuse(who: SessionId, refusal: Refusal, aloud: bool, pbx: &mut dyn Switch) {
    let why = (refusal.cause(), &*refusal.words());
    if aloud {
        pbx.dismiss(who, Announcement::of(refusal.phrase()), WHY, why);
    } else {
        pbx.drop(who, why.0, why.1);
    }
}

impl Lots {
    /// What is said of a call that is parked there, if anything is said to whoever parked it.
    pub(super) fn place_said(&self, orbit: OrbitNo, named: bool) -> Option<Announcement> {
        let lot = self.settings(orbit);
        let says = match lot.announce_to {
            AnnounceTo::Parker | AnnounceTo::Both => true,
            AnnounceTo::Nobody => false,
        };
        says.then(|| match (named, lot.announce_directed) {
            // Who named the orbit knows it.
            (true, AnnounceDirected::Tone) => Announcement::of(Phrase::Confirmation),
            (true, AnnounceDirected::Orbit) | (false, _) => self.place_of(orbit),
        })
    }

    fn place_of(&self, orbit: OrbitNo) -> Announcement {
        Announcement::with(Phrase::ParkedOn, self.number(orbit))
    }

    /// What is said to whoever holds a call and asks for an orbit: twice, to be written down.
    pub(super) fn reservation_said(&self, orbit: OrbitNo) -> Option<Announcement> {
        self.place_said(orbit, false).map(Announcement::twice)
    }

    /// Tells a parked party where it waits, where that is wanted: callers from outside must not hear internal numbers.
    pub(super) fn tell_waiting(&self, orbit: OrbitNo, call: SessionId, pbx: &mut dyn Switch) {
        let lot = self.settings(orbit);
        if lot.announce_to == AnnounceTo::Both {
            pbx.say(call, self.place_of(orbit), lot.announce_hold_max);
        }
    }

    /// Whether refusals are said by this lot; without a lot, by the first.
    pub(super) fn says_why(&self, lot: Option<usize>) -> bool {
        !self.is_empty() && self.lot(lot.unwrap_or(0)).announce_refusals
    }

    /// Who transferred a call into an orbit has heard where it is, or could not: now its phone is told, and hangs up.
    pub(super) fn transferor_told(&self, orbit: OrbitNo, who: SessionId, pbx: &mut dyn Switch) {
        pbx.assign(who, Duty::Code);
        pbx.report_transfer(who, Ok(self.number(orbit)), "OK");
        pbx.wake(Wake::HangUp(who), PARKER_LEAVES);
    }
}

/// How the place of a parked call is shown.
pub(super) fn shown(orbit: &Number) -> Identity {
    Identity::new(orbit, &super::call::words(format_args!("Parked {orbit}")))
}
