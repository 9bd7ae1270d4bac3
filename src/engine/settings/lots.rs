//! Park lots and their orbits.
use super::{AnnounceDirected, AnnounceTo, MusicNo};
use std::time::Duration;

/// A set of orbits with one behaviour.
#[derive(Clone, Debug)]
pub struct LotSettings {
    /// Its name in configuration, metrics and events.
    pub name: String,
    /// "Give me any orbit".
    pub number: String,
    /// The orbits, in the order of the configuration.
    pub orbits: Vec<OrbitSettings>,
    /// Which free orbit the system assigns.
    pub pick: Pick,
    /// What a park into an occupied orbit gets.
    pub on_occupied: OnOccupied,
    /// Who may park here; empty: everyone.
    pub park_groups: Vec<String>,
    /// Who may retrieve from here; empty: every line.
    pub retrieve_groups: Vec<String>,
    /// Who may watch who waits here; empty: every line.
    pub view_groups: Vec<String>,
    /// What a lamp shows when somebody waits.
    pub lamp_state: LampState,
    /// What it shows while somebody is reminded of that, unless it shows it all the time.
    pub lamp_on_reminder: LampState,
    /// Colleagues may not be parked.
    pub park_external_only: bool,
    /// Park to first reminder; zero: never.
    pub first_reminder: Duration,
    /// How long each target rings.
    pub reminder_ring: Duration,
    /// Pause before the next round; zero: no repeats.
    pub reminder_interval: Duration,
    /// Rounds before the fallback.
    pub reminder_rounds: u32,
    /// Targets inside a round, in order.
    pub reminder_chain: Vec<ReminderTarget>,
    /// A number (line or trunk number) rung as `alternate`.
    pub alternate: Option<String>,
    /// After the last round.
    pub fallback: Fallback,
    /// The longest stay; zero: no limit.
    pub max_park_time: Duration,
    /// What to do with a reminder whose target is on a call.
    pub reminder_when_busy: ReminderWhenBusy,
    /// What a decline of the reminder means.
    pub decline_means: DeclineMeans,
    /// Who is reminded over a trunk must press 1 before it has the call.
    pub confirm_external: bool,
    /// The template of the reminder's display name: `Park {orbit}: {name|number}`.
    pub reminder_display: String,
    /// Whom the reminder's From address names.
    pub reminder_uri: ReminderUri,
    /// The `info=` text of the vendor's Alert-Info; empty: none.
    pub alert_info: String,
    /// How long an emptied orbit is not assigned by the system.
    pub cooldown: Duration,
    /// The status that answers the retrieval of an empty orbit: 480, 404 or 486.
    pub empty_response: u16,
    /// The lot (its number in the list) tried when this one is full.
    pub overflow: Option<usize>,
    /// A parked party that hangs up leaves a missed call on a ringing reminder.
    pub missed_call_on_abandon: bool,
    /// How long an orbit that was told to a holder is kept for the held call.
    pub reserve_timeout: Duration,
    /// The held call is parked when its holder, having been told the orbit, hangs up.
    pub park_on_hangup: bool,
    /// The key by which the parked party leaves for [`exit_destination`](Self::exit_destination).
    pub exit_digit: Option<char>,
    /// The number that is rung then; the call waits on until somebody answers.
    pub exit_destination: Option<String>,
    /// What who is parked here hears; else the parker's music, else the first.
    pub music: Option<MusicNo>,
    /// Who waits long is told now and then that it is not forgotten.
    pub comfort_prompt: bool,
    /// When first.
    pub comfort_first: Duration,
    /// How often then; zero: never again.
    pub comfort_interval: Duration,
    /// Who is told aloud where a call was parked.
    pub announce_to: AnnounceTo,
    /// What a parker hears who named the orbit.
    pub announce_directed: AnnounceDirected,
    /// How long the end of a transfer into an orbit waits for what is said about it.
    pub announce_hold_max: Duration,
    /// Who parks by a code hears what came of it before an answer, in early media, and is refused then with words that say
    /// the same: no call of theirs is begun.
    pub feature_early_media: bool,
    /// Whoever is refused here hears why, before the refusal.
    pub announce_refusals: bool,
}

/// One orbit; what is `None` is as its lot has it.
#[derive(Clone, Debug)]
pub struct OrbitSettings {
    /// What is dialled.
    pub number: String,
    /// A name for people, such as Pharmacy.
    pub name: Option<String>,
    /// Its own first reminder.
    pub first_reminder: Option<Duration>,
    /// Its own fallback.
    pub fallback: Option<Fallback>,
}

/// How a lamp shows that somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LampState {
    /// As a call that is up: phones dial the orbit when its key is pressed.
    Confirmed,
    /// As a call that rings: phones let it blink, and dial their pickup code and the orbit.
    Early,
}

/// Which free orbit the system assigns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The first free one in the configured order.
    Lowest,
    /// The one after the last assigned: numbers rest longest.
    Next,
    /// Any.
    Random,
    /// The one that has been free the longest.
    LongestFree,
}

/// What a directed park into an occupied orbit gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnOccupied {
    /// 486, and the parker's call stays as it was.
    Reject,
    /// Another orbit of the lot.
    NextFree,
}

/// A target inside a reminder round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReminderTarget {
    /// The very phone that parked.
    ParkerDevice,
    /// Every phone of the line that parked.
    ParkerUser,
    /// The lot's alternate.
    Alternate,
}

/// What happens after the last reminder round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// The call stays in its orbit.
    Keep,
    /// This number is rung.
    Number(String),
    /// The call is ended.
    AnnounceDrop,
}

/// What to do with a reminder whose target is on a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReminderWhenBusy {
    /// Ring all the same.
    CallWaiting,
    /// Wait until the target is idle, then ring at once.
    WaitIdle,
    /// The next target.
    Skip,
}

/// What a decline of the reminder means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclineMeans {
    /// The next target of the round.
    NextTarget,
    /// Wait for the next round.
    Snooze,
    /// This target is not reminded again.
    RetrieveNoMore,
}

/// Whom the reminder's From address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReminderUri {
    /// The parked party, so that a phone's call log redials the customer.
    Party,
    /// The orbit.
    Orbit,
}
