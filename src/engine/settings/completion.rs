//! Call completion: who may be called back, when, and how long that is tried.
use std::time::Duration;

/// How calls that failed may be completed.
#[derive(Clone, Debug)]
pub struct CompletionSettings {
    /// False: nobody is called back.
    pub enabled: bool,
    /// What a caller is told who meets a line that is busy, does not answer, or is not there.
    pub offer: CompletionOffer,
    /// The key that asks for a callback then.
    pub key: char,
    /// How long a caller who is told may press it.
    pub prompt_window: Duration,
    /// How long after a failed call the code may ask.
    pub offer_window: Duration,
    /// How long requests live where the line was busy.
    pub busy_lifetime: Duration,
    /// Where nobody answered.
    pub no_reply_lifetime: Duration,
    /// Where no phone was registered.
    pub not_registered_lifetime: Duration,
    /// How long a line must have been free: perhaps its user is about to dial.
    pub target_guard: Duration,
    /// How long who asked is rung.
    pub recall_ring: Duration,
    /// How often that is tried.
    pub recall_attempts: u8,
    /// And how long after one attempt the next begins.
    pub recall_pause: Duration,
    /// Requests of one line.
    pub max_per_requester: usize,
    /// Requests for one line.
    pub max_per_target: usize,
    /// Requests in all.
    pub max_total: usize,
    /// Requests of one line within an hour: a queue is no means to watch colleagues.
    pub max_per_hour: usize,
    /// A request stays in its place when the line is busy again.
    pub retain: bool,
    /// A request where nobody answers waits until the line was used.
    pub chain_no_reply: bool,
    /// Asking once more for the same line takes the request back.
    pub toggle: bool,
    /// The code that cancels means the last request only.
    pub cancel_last: bool,
    /// Who was called back is told whom it will talk to.
    pub announce: bool,
    /// Who sent its calls on to where one failed.
    pub forwarded: CompletionForwarded,
    /// Who asked is rung although it is not to be disturbed.
    pub override_dnd: bool,
    /// While who asked is rung, the line is busy for everybody else.
    pub reserve_target: bool,
    /// A line is free when it has fewer calls than it takes, and not only when it has none.
    pub free_below_limit: bool,
    /// Who hears a line ring is told by then that it may be called back (RFC 6910), and not only when its call is refused.
    pub tell_ringing: bool,
    /// A caller may wait on the line until the other one is free.
    pub camp_on: bool,
    /// What the phone of who is called back shows.
    pub display: String,
    /// The `info=` text that phones match to a ring tone; empty: none.
    pub alert_info: String,
}

/// What a caller is told whose call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionOffer {
    /// Nothing: it hears its phone's own tone, and can dial the code.
    Silent,
    /// Why, and what to press, before the call is refused; for phones that send keys then.
    Early,
    /// The same, but the call is answered for that.
    Answered,
}

/// For whom a callback may be asked for where a call was sent on before it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionForwarded {
    /// For nobody.
    Reject,
    /// For the line that it was sent on to.
    Follow,
    /// For the line that was called.
    Wait,
}

/// What a line may do with callbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackRights {
    /// It may ask for them.
    pub ask: bool,
    /// Others may ask for them on its account.
    pub give: bool,
}

impl Default for CallbackRights {
    fn default() -> Self {
        Self { ask: true, give: true }
    }
}

impl Default for CompletionSettings {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            enabled: true,
            offer: CompletionOffer::Silent,
            key: '5',
            prompt_window: Duration::from_secs(30),
            offer_window: minutes(10),
            busy_lifetime: minutes(60),
            no_reply_lifetime: minutes(180),
            not_registered_lifetime: minutes(480),
            target_guard: Duration::from_secs(5),
            recall_ring: Duration::from_secs(20),
            recall_attempts: 2,
            recall_pause: minutes(5),
            max_per_requester: 5,
            max_per_target: 10,
            max_total: 1000,
            max_per_hour: 20,
            retain: true,
            chain_no_reply: false,
            toggle: false,
            cancel_last: false,
            announce: true,
            forwarded: CompletionForwarded::Reject,
            override_dnd: false,
            reserve_target: false,
            free_below_limit: false,
            tell_ringing: false,
            camp_on: false,
            display: "Callback: {name|number}".into(),
            alert_info: "callback".into(),
        }
    }
}
