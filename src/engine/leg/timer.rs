//! Session timers (RFC 4028): a call whose far end is gone without a word is found out, and ended.
//!
//! ```text
//!   2xx ──we refresh──► half the interval ──► UPDATE, else a re-INVITE that says the same again ──2xx──► …
//!    │                                            ╰─ 408, 481, silence: the far end is gone
//!    ╰──they refresh──► min(32 s, a third) before the end of the interval, and nothing came: BYE
//! ```
//! We refresh wherever we may choose, also towards peers that know nothing of session timers.
use super::{Cause, LegEvent, LegId, Legs, Reason, State};
use crate::base::{Time, TimerId};
use crate::transaction::Arrival;
use crate::wire::header::param;
use crate::wire::{Compose, Message, Method, Name, Status, text};
use std::time::Duration;

/// No session is refreshed more often than this allows, in seconds (RFC 4028 §4).
pub(crate) const MIN_SE: u32 = 90;
/// After a refresh that was refused for a reason that may pass.
const AGAIN: Duration = Duration::from_secs(10);

/// What a leg's session timer is set to.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionTimer {
    pub(super) timer: TimerId,
    until: Time,
    /// The session interval, in seconds.
    interval: u32,
    /// We refresh, and not the peer.
    ours: bool,
    /// What the peer's change asks for; it holds when our 2xx says so (§9).
    asked: Option<(u32, bool)>,
    /// The largest Min-SE heard: no refresh asks for less (§7.4).
    least: u32,
}

impl Default for SessionTimer {
    fn default() -> Self {
        let (timer, until) = (TimerId::NONE, Time::ZERO);
        Self { timer, until, interval: 0, ours: true, asked: None, least: MIN_SE }
    }
}

/// A Session-Expires value: seconds, and whether the caller refreshes, if it says who.
fn read(message: &Message<'_>) -> Option<(u32, Option<bool>)> {
    let value = message.header(Name::SessionExpires)?;
    let (seconds, params) = text::cut(value, b';');
    let seconds = text::number(text::trim(seconds))?;
    let refresher = params.and_then(|params| param(params, "refresher"));
    Some((seconds, refresher.map(|who| who.eq_ignore_ascii_case(b"uac"))))
}

/// Min-SE, but for one that nobody can mean.
fn min_se(message: &Message<'_>) -> u32 {
    let said = message.header(Name::MinSe).and_then(|value| text::number(text::trim(text::cut(value, b';').0)));
    said.filter(|&least| least <= MAX_SE).unwrap_or(MIN_SE).max(MIN_SE)
}

/// Refuses a session interval below our least (§6). A caller without session timers cannot have meant it.
pub(crate) fn refuse_interval(
    transactions: &mut crate::transaction::Transactions,
    request: &Message<'_>,
    arrival: Arrival,
) -> bool {
    let too_small = read(request).is_some_and(|(seconds, _)| seconds < MIN_SE);
    if too_small && request.has_option(Name::Supported, "timer") {
        transactions.reply(arrival, request, Status::SESSION_INTERVAL_TOO_SMALL, None, |mut refusal| {
            refusal.number(Name::MinSe, MIN_SE.into());
            refusal.end()
        });
        return true;
    }
    false
}

impl SessionTimer {
    /// What our 2xx to this request will say (§9): the interval it asks for or less, and ourselves as the refresher
    /// unless it wants to be that. It runs when the 2xx is sent.
    pub(super) fn asked(request: &Message<'_>, ours: u32) -> Self {
        let least = min_se(request);
        let Some((seconds, uac)) = read(request) else {
            return Self { interval: ours.max(least), least, ..Self::default() };
        };
        // Never above what was asked for, never below 90 s; a least that is above it is none (§9).
        let least = least.min(seconds.max(MIN_SE));
        let interval = seconds.min(ours).clamp(least, MAX_SE);
        Self { interval, ours: uac != Some(true), least, ..Self::default() }
    }

    /// The change that asked for something else is refused: it stays as it was.
    pub(super) const fn refused(&mut self) {
        self.asked = None;
    }

    /// The interval of a request of ours, and who refreshes.
    pub(super) fn write(self, request: &mut Compose<'_>, default: u32) {
        let interval = if self.interval == 0 { default } else { self.interval };
        request.open(Name::SessionExpires).decimal(interval.into());
        request.text(if self.ours { b";refresher=uac" } else { b";refresher=uas" }).close();
        request.number(Name::MinSe, self.least.into());
    }

    /// The same for our 2xx: only to a peer that knows what it means.
    pub(super) fn write_agreed(self, response: &mut Compose<'_>) {
        let (interval, ours) = self.asked.unwrap_or((self.interval, self.ours));
        response.open(Name::SessionExpires).decimal(interval.into());
        response.text(if ours { b";refresher=uas" } else { b";refresher=uac" }).close();
        response.field(Name::Require, b"timer");
    }
}

impl Legs {
    /// The peer's request may set the session anew; it does when our 2xx is sent, and not if that is a refusal.
    pub(super) fn hear_session(&mut self, id: LegId, request: &Message<'_>) {
        let default = self.session_expires;
        let Some(leg) = self.legs.get_mut(id) else { return };
        let asked = SessionTimer::asked(request, default);
        leg.session_timer.least = leg.session_timer.least.max(asked.least);
        leg.session_timer.asked = Some((asked.interval.max(leg.session_timer.least), asked.ours));
    }

    /// The peer's 2xx says what was agreed (§7.2); a peer that says nothing is refreshed by us all the same.
    pub(super) fn agree_session(&mut self, id: LegId, response: &Message<'_>) {
        let default = self.session_expires;
        let Some(leg) = self.legs.get_mut(id) else { return };
        let (interval, ours) = match read(response) {
            Some((seconds, uac)) => (seconds.clamp(MIN_SE, MAX_SE), uac != Some(false)),
            None => (leg.session_timer.interval.max(default), true),
        };
        (leg.session_timer.interval, leg.session_timer.ours) = (interval, ours);
        self.start_session(id);
    }

    /// A 2xx was sent or received: the interval begins.
    pub(super) fn start_session(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        if let Some(asked) = leg.session_timer.asked.take() {
            (leg.session_timer.interval, leg.session_timer.ours) = asked;
        }
        let SessionTimer { interval, ours, .. } = leg.session_timer;
        let interval = Duration::from_secs(interval.into());
        // Who does not refresh ends it a little before the other side would (§10).
        let until = if ours { interval } else { interval - (interval / 3).min(Duration::from_secs(32)) };
        self.set_session(id, if ours { interval / 2 } else { until });
        let now = self.transactions.ground.now;
        if let Some(leg) = self.legs.get_mut(id) {
            leg.session_timer.until = now + until;
        }
    }

    fn set_session(&mut self, id: LegId, after: Duration) {
        let timer = self.alarm(id, Reason::Refresh, after);
        let Some(leg) = self.legs.get_mut(id) else { return };
        let before = std::mem::replace(&mut leg.session_timer.timer, timer);
        self.transactions.ground.timers.stop(before);
    }

    /// The timer fired.
    pub(super) fn refresh_due(&mut self, id: LegId) -> Option<LegEvent> {
        let now = self.transactions.ground.now;
        let leg = self.legs.get_mut(id)?;
        leg.session_timer.timer = TimerId::NONE;
        let SessionTimer { until, ours, .. } = leg.session_timer;
        if leg.state != State::Up {
            return None;
        }
        if now >= until {
            self.end(id, Cause::Timeout, "");
            return Some(LegEvent::HungUp(Cause::Timeout));
        }
        leg.dialog.follow(&self.transactions.ground);
        let update = leg.peer.update;
        // Should what comes now fail for a passing reason, it is tried again; in the end the session expires.
        self.set_session(id, AGAIN.max(crate::transaction::PATIENCE).min(until - now));
        if !ours || !self.is_settled(id) {
            return None;
        }
        if update {
            self.send_change(id, Method::Update, None, false);
            return None;
        }
        Some(LegEvent::RefreshDue)
    }

    /// A refresh was refused (§7.4): a longer interval is tried at once, a method that the peer lacks never again.
    pub(super) fn refresh_refused(&mut self, id: LegId, method: Method, response: &Message<'_>) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        let timer = &mut leg.session_timer;
        let again = match response.status().map(Status::code) {
            Some(422) => {
                let longer = min_se(response) > timer.interval;
                timer.least = timer.least.max(min_se(response));
                timer.interval = timer.interval.max(timer.least);
                longer
            }
            Some(405 | 501) if method == Method::Update => std::mem::take(&mut leg.peer.update),
            Some(_) | None => return,
        };
        self.set_session(id, if again { Duration::from_millis(1) } else { AGAIN });
    }

    /// Our INVITE was refused because its session interval is too small for somebody on the way (§7.4): the same again
    /// with theirs.
    pub(super) fn ask_for_longer(&mut self, id: LegId, refusal: &Message<'_>) -> bool {
        let least = min_se(refusal);
        let Some(leg) = self.legs.get_mut(id) else { return false };
        let before = if leg.session_timer.interval == 0 { self.session_expires } else { leg.session_timer.interval };
        // Once, and only if it asks for more than it was given.
        if least <= before || least > MAX_SE || leg.session_timer.interval != 0 {
            return false;
        }
        let State::Calling { invite: refused, .. } = leg.state else { return false };
        (leg.session_timer.interval, leg.session_timer.least) = (least, least);
        let number = leg.dialog.next_number();
        let hop = leg.dialog.next_hop(&self.transactions.ground);
        let invite = self.transactions.ask_again(refused, hop, crate::transaction::Owner(id.pack()), |again, field| {
            if field.name == Name::CSeq {
                again.open(Name::CSeq).decimal(number.into()).text(b" INVITE").close();
            } else if field.name == Name::SessionExpires {
                again.open(Name::SessionExpires).decimal(least.into()).text(b";refresher=uac").close();
            } else if field.name == Name::MinSe {
                again.number(Name::MinSe, least.into());
            } else {
                again.raw_field(field.text, field.value);
            }
        });
        let Some(leg) = self.legs.get_mut(id) else { return false };
        let Some(invite) = invite else { return false };
        leg.state = State::Calling { invite, heard: false, ending: None };
        true
    }
}

/// The longest interval that we let ourselves be talked into, in seconds: a day.
const MAX_SE: u32 = 86_400;
