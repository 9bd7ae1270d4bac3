//! The switch's verbs: all that a feature can do to calls, without a word of SIP.
use super::{Announcement, Device, News, Party, Phone, Place, SessionId, Sound, State, Station};
use crate::base::text::Number;
use crate::base::{Time, TimerId};
use crate::counters::CompletionKind;
use crate::keep::Kept;
use crate::leg::{Cause, Diversion, Identity, Recalled};
use crate::session::Reason;
use crate::settings::{CallbackRights, LineNo, MusicNo};
use crate::wire::dtmf::Press;
use smallvec::SmallVec;
use std::time::Duration;

/// For which feature a session works: its events go there. The number is the feature's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duty {
    /// A party of an ordinary call.
    Call(u64),
    /// Rings about an orbit's call.
    Reminder(u32),
    /// Wants an orbit's call.
    Retriever(u32),
    /// Waits in an orbit.
    Parked(u32),
    /// Called a lot while holding, and was told an orbit: the held call follows by transfer, or when it hangs up.
    Reserver(u32),
    /// Transferred a call into this orbit, and is being told so.
    Told(u32),
    /// Hears itself, until this deadline.
    Echo(TimerId),
    /// Called a code, and hears what came of it.
    Code,
    /// Hears why its call to that line failed, and may press a key.
    Offered(LineNo, CompletionKind),
    /// Is rung for a callback, or waits for a line to be free.
    Completion(u64),
}

/// Whom to ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// One phone of a line.
    Phone(LineNo, Phone),
    /// A number behind a trunk.
    Trunk(usize, Number),
}

/// An order to ring somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring<'p> {
    /// Whom.
    pub whom: Whom,
    /// Whom the phone shows as calling.
    pub from: Identity,
    /// Who really calls.
    pub asserted: Identity,
    /// The party that will be connected: its media is offered, and what it said about the call goes along. Nobody: who
    /// answers hears us.
    pub on_behalf: SessionId,
    /// Why.
    pub reason: Reason,
    /// For which feature.
    pub duty: Duty,
    /// Nobody else is rung for the same call.
    pub alone: bool,
    /// A reminder or a callback: what of, and how long that has waited.
    pub recall: Option<Recall>,
    /// Who transferred the call.
    pub referred_by: Option<Identity>,
    /// Who sent it on before it rings here, the first first.
    pub path: &'p [Diversion],
}

/// What a reminder tells besides who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recall {
    /// Where the call waits, or whom it is for.
    pub orbit: Number,
    /// How long it has waited.
    pub waited: Duration,
    /// The lot, whose settings say how the phone is to ring.
    pub lot: usize,
    /// What of. Where it was transferred, the orbit is where it should have gone.
    pub of: Recalled,
    /// Who answers is asked first whether it takes the call: until then nothing of it reaches who waits.
    pub asks: bool,
}

/// What becomes of a key that is sent to a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The party will answer.
    OnItsWay,
    /// Nothing more is heard of it; what comes next is heard behind it.
    Done,
    /// It cannot be sent.
    Nowhere,
}

/// A deadline of a feature's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Of an ordinary call.
    Call(u64),
    /// Of an orbit.
    Orbit(u32),
    /// Who waits in an orbit is to be comforted.
    Comfort(u32),
    /// A parker's leg is to be ended if its phone has not done so; a code's party has heard enough.
    HangUp(SessionId),
    /// A party may have more keys to press.
    Keys(SessionId),
    /// Of a request for a callback.
    Completion(u64),
    /// A line for which others wait has been free for so long.
    Guard(LineNo),
}

/// The verbs.
pub trait Switch {
    /// The turn's time.
    fn now(&self) -> Time;
    /// Who is at the far end.
    fn party(&self, who: SessionId) -> Party;
    /// The phone itself, if it is known.
    fn device(&self, who: SessionId) -> Option<Device>;
    /// Where a phone of that line is now.
    fn device_of(&self, line: LineNo, device: Device) -> Device;
    /// A session's state; [`State::Disconnected`] if it is gone.
    fn state(&self, who: SessionId) -> State;
    /// Who is connected with it.
    fn other(&self, who: SessionId) -> Option<SessionId>;
    /// Whether it is on its way to another party, or to a sound of ours, or somebody is on the way to it.
    fn is_moving(&self, who: SessionId) -> bool;
    /// For which feature it works.
    fn duty(&self, who: SessionId) -> Option<Duty>;
    /// Calls that a line has now.
    fn calls_of(&self, line: LineNo) -> usize;
    /// A line's sessions, the newest first, and no more than so many.
    fn sessions_of(&self, line: LineNo, at_most: usize) -> SmallVec<[SessionId; 4]>;
    /// Whether the party called us, and not we it.
    fn has_called(&self, who: SessionId) -> bool;
    /// Calls the line may have at once; unlimited if it has no limit.
    fn busy_limit(&self, line: LineNo) -> Option<usize>;
    /// The line's phones that can be rung now, in order of preference.
    fn phones(&self, line: LineNo) -> Phones;
    /// Which phone that is, however often its contact is refreshed.
    fn station(&self, line: LineNo, phone: Phone) -> Station;
    /// How a line is shown to others.
    fn identity(&self, line: LineNo) -> Identity;
    /// Whether a line is in one of these groups; an empty list has everybody in it.
    fn is_member(&self, place: Place, groups: &[String]) -> bool;
    /// The call that this party has held last: on this very phone, if one is named.
    fn held_by(&self, line: LineNo, device: Option<Device>) -> Option<SessionId>;
    /// How many calls this party holds on this phone.
    fn calls_held(&self, line: LineNo, device: Device) -> usize;
    /// Whether its keys can do something in a call.
    fn may_use_keys(&self, who: SessionId) -> bool;
    /// The music of those whom a line parks, if it has its own.
    fn music(&self, line: LineNo) -> Option<MusicNo>;
    /// Whether two lines have a group in common.
    fn are_colleagues(&self, one: LineNo, other: LineNo) -> bool;
    /// What a line may do with callbacks.
    fn callbacks(&self, line: LineNo) -> CallbackRights;

    /// Rings somebody; nothing if that cannot even begin.
    fn ring(&mut self, ring: Ring<'_>) -> Option<SessionId>;
    /// Lets a caller know what the called side does: it rings, or it sends already.
    fn alert(&mut self, caller: SessionId, target: SessionId, ringing: bool, described: bool);
    /// Where a target has sent the call on.
    fn elsewhere(&self, who: SessionId) -> Option<Number>;
    /// Lets a caller know that its call goes to somebody else.
    fn forwarding(&mut self, caller: SessionId, to: Identity);
    /// Has a caller call another number instead; its session is gone.
    fn redirect(&mut self, caller: SessionId, number: &str);
    /// Whether others see who a party is, from now on.
    fn hide(&mut self, who: SessionId, hidden: bool);
    /// Connects a caller with the target that answered. Comes back as [`SessionEvent::Joined`].
    fn connect(&mut self, caller: SessionId, target: SessionId);
    /// Whether a caller could be answered with a sound of ours.
    fn can_accept(&self, caller: SessionId) -> bool;
    /// Answers a caller with a sound of ours. `shown` is who the phone shows.
    fn accept(&mut self, caller: SessionId, sound: Sound, shown: Identity);
    /// Says something to a party that was answered, away from whoever it talks to. Comes back as [`SessionEvent::Spoken`],
    /// after `at_most` even if nothing could be heard; at once if the party holds, or has no media that we can use.
    fn say(&mut self, who: SessionId, announcement: Announcement, at_most: Duration);
    /// Says a caller why before it is answered, for `at_most` this long, and then ends its session as [`Self::drop`] does;
    /// at once where it cannot be said. Nothing comes back.
    fn dismiss(&mut self, caller: SessionId, announcement: Announcement, at_most: Duration, why: (Cause, &str));
    /// Puts a party on a sound of ours, away from whoever it talks to. Comes back as [`SessionEvent::Held`].
    fn hold(&mut self, who: SessionId, sound: Sound);
    /// Connects a party on a sound of ours with one that called or answered. Comes back as [`SessionEvent::Joined`].
    fn join(&mut self, held: SessionId, with: SessionId, reason: Reason);
    /// Lets a caller's phone know, with whatever it is told of its call from now on, that this may be completed: whom it was
    /// for, and why it failed, or would. Nothing: not any more.
    fn mark_completable(&mut self, caller: SessionId, may: Option<(Number, CompletionKind)>);
    /// Ends a session. It is gone; nothing comes back.
    fn drop(&mut self, who: SessionId, cause: Cause, words: &str);
    /// Ends a session as if its party had: comes back as [`SessionEvent::Left`].
    fn hang_up(&mut self, who: SessionId);
    /// Takes the key that a party pressed: nobody else hears it, or not yet.
    fn take_key(&mut self, who: SessionId);
    /// Sends a party a key that the other one pressed.
    fn press(&mut self, who: SessionId, press: Press) -> Delivery;
    /// Gives a session to a feature.
    fn assign(&mut self, who: SessionId, duty: Duty);
    /// "We will try": the transfer that a party asked for.
    fn accept_transfer(&mut self, who: SessionId);
    /// Whom the transfer leads to rings.
    fn alert_transfer(&mut self, who: SessionId);
    /// "No", and its call stays as it is.
    fn refuse_transfer(&mut self, who: SessionId, cause: Cause, words: &str);
    /// What became of the transfer: where the call is now, or why not.
    fn report_transfer(&mut self, who: SessionId, result: Result<Number, Cause>, words: &str);

    /// Sets a deadline.
    fn wake(&mut self, whom: Wake, after: Duration) -> TimerId;
    /// Takes it back.
    fn forget(&mut self, timer: TimerId);
    /// A number below `end`.
    fn chance(&mut self, end: u32) -> u32;
    /// 128 bits that nobody can guess.
    fn token(&mut self) -> u128;
    /// Tells everybody who listens.
    fn tell(&mut self, news: News);
    /// Keeps something beyond the end of the process.
    fn keep(&mut self, kept: Kept);
}

/// A line's phones.
pub type Phones = arrayvec::ArrayVec<Phone, { crate::base::limits::FORKS }>;

/// What happened to a session, for the feature it works for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// A target alerts, or sends before it answers.
    Alerting {
        /// Which.
        who: SessionId,
        /// It rings.
        ringing: bool,
        /// It sends.
        described: bool,
    },
    /// A target answered.
    Answered(SessionId),
    /// A target will not or cannot; its session is over.
    Failed(SessionId, Cause),
    /// A target sends the call on, [elsewhere](Switch::elsewhere); its session is over.
    Redirected(SessionId),
    /// A party hung up, gave up, or was lost; its session is over.
    Left(SessionId, Cause),
    /// What was to be said to a party was said, or could not be.
    Spoken(SessionId),
    /// A party hears a sound of ours now.
    Held(SessionId),
    /// It could not be done; the party's media is as it was.
    HoldFailed(SessionId),
    /// Both hear each other.
    Joined(SessionId, SessionId),
    /// It could not be done; both are as they were.
    JoinFailed(SessionId, SessionId),
    /// A line's last call ended.
    Idle(LineNo),
    /// A line that has a limit has one call less, and others still; said only where that makes it free.
    Eased(LineNo),
}
