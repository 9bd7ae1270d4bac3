//! What an engine is told when it starts: plain values, already checked.
//!
//! Knows: names, numbers, durations. Never: files, TOML.
mod align;
mod defaults;
mod ranges;
mod sound;

pub use align::Retired;
pub use ranges::{Range, Ranges};
pub use sound::{AnnounceDirected, AnnounceTo, MusicNo};

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Everything the engine needs to know of its deployment.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The realm, and the host of addresses of record.
    pub domain: String,
    /// The addresses listened on; a [`Listener`]'s place in this list is its number everywhere else.
    pub listeners: Vec<Listener>,
    /// Digest algorithms offered, strongest first; at least one.
    pub digest: Vec<Algorithm>,
    /// A call nobody answers within this ends with 480.
    pub no_answer: Duration,
    /// The session interval asked for (RFC 4028), 90 s or more: each leg is refreshed at half of it.
    pub session_expires: Duration,
    /// Registrar limits.
    pub registrar: RegistrarSettings,
    /// Lines with a section of their own; a line's number is its place here.
    pub lines: Vec<LineSettings>,
    /// Many alike; their numbers follow those of `lines`, range after range.
    pub line_ranges: Vec<LineRange>,
    /// Peers known by address; a trunk's number is its place here.
    pub trunks: Vec<TrunkSettings>,
    /// Park lots; a lot's number is its place here.
    pub lots: Vec<LotSettings>,
    /// Feature codes in force.
    pub codes: Vec<CodeSettings>,
    /// Numbers that win over everything, and the trunk (its number) they go to.
    pub emergency: Vec<String>,
    /// Where emergency numbers go.
    pub emergency_trunk: Option<usize>,
    /// Where parked and announced legs send their media.
    pub media: MediaSettings,
    /// Places of what a configuration read earlier had, and this one has not.
    pub retired: Retired,
    /// Seed of tags, branches, nonces and hash keys: from the operating system in production, fixed in tests.
    pub seed: [u8; 32],
}

/// One address that SIP is listened for on.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The transport.
    pub transport: Transport,
    /// The address bound (the real port, also where 0 was asked for).
    pub address: SocketAddr,
    /// What Via and Contact say instead of `address`.
    pub advertise: Option<SocketAddr>,
    /// How long the prefix of the network is that this address stands in, if that is known: peers there are called from
    /// here. Others are called from the first listener of their family.
    pub prefix: Option<u8>,
}

impl Listener {
    /// Whether a peer stands in this listener's network, and how narrow that is.
    pub fn holds(&self, peer: IpAddr) -> Option<u8> {
        let prefix = self.prefix?;
        let network = |ip: IpAddr| match ip {
            IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
            IpAddr::V6(v6) => v6.to_bits(),
        };
        let apart = (network(self.address.ip()) ^ network(peer)).leading_zeros();
        (self.address.is_ipv4() == peer.is_ipv4() && apart >= u32::from(prefix)).then_some(prefix)
    }

    /// The address that peers are told.
    pub fn told(&self) -> SocketAddr {
        self.advertise.unwrap_or(self.address)
    }
}

crate::labels! {
    /// A transport.
    pub enum Transport {
        /// Datagrams.
        Udp = "udp",
        /// Streams.
        Tcp = "tcp",
    }
}

impl Transport {
    /// The transport that a URI's `transport` parameter names, if it is one of ours (RFC 3261 §19.1.1).
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::ALL.iter().copied().find(|transport| name.eq_ignore_ascii_case(transport.as_str().as_bytes()))
    }

    /// Whether nothing need be said twice.
    pub const fn is_reliable(self) -> bool {
        match self {
            Self::Udp => false,
            Self::Tcp => true,
        }
    }

    /// How Via writes it.
    pub const fn in_via(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }
}

crate::labels! {
    /// A digest algorithm (RFC 8760 §2.1).
    pub enum Algorithm {
        /// MD5, for phones that know nothing else.
        Md5 = "MD5",
        /// SHA-256.
        Sha256 = "SHA-256",
    }
}

/// Limits of registrations.
#[derive(Clone, Debug)]
pub struct RegistrarSettings {
    /// Below this 423 (RFC 3261 §10.3).
    pub min_expires: Duration,
    /// Longer ones are shortened to this.
    pub max_expires: Duration,
    /// Contacts a line may have at once.
    pub max_contacts: usize,
    /// How often phones behind a NAT are asked whether they are there; zero: never.
    pub keep_alive: Duration,
}

/// How a line proves itself.
#[derive(Clone, Debug)]
pub enum Secret {
    /// The password in clear; every algorithm can be offered.
    Password(String),
    /// H(user:realm:password) as 32 (MD5) or 64 (SHA-256) hexadecimal digits; that algorithm alone can be offered.
    Ha1(String),
    /// No password: the line is known by its trusted address only.
    None,
}

/// An address or network, with a port that counts if given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedAddress {
    /// The network's address.
    pub address: IpAddr,
    /// How many leading bits count; 32 or 128 for a single host.
    pub prefix: u8,
    /// Of datagrams only those from this port, if given; a connection comes from any.
    pub port: Option<u16>,
}

/// The number of a line: those with a section of their own first, then range after range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineNo(pub u32);

/// A line: who can be reached, by number or name.
#[derive(Clone, Debug)]
pub struct LineSettings {
    /// What people dial, and the user part of the address.
    pub number: String,
    /// The name shown to others.
    pub name: String,
    /// How it proves itself.
    pub secret: Secret,
    /// Groups it is a member of.
    pub groups: Vec<String>,
    /// Requests from there are this line's, whatever their From.
    pub trusted: Vec<TrustedAddress>,
    /// Where a line that does not register is reached: a SIP URI with an IP address.
    pub contact: Option<String>,
    /// Contacts the line may have; the registrar's limit if not given.
    pub max_contacts: Option<usize>,
    /// Calls the line may have at once; over it the line is busy. Unlimited if not given.
    pub busy_limit: Option<usize>,
    /// What those hear whom it parks where the lot has no music of its own.
    pub music: Option<MusicNo>,
    /// Digest algorithms for this line alone.
    pub digest: Option<Vec<Algorithm>>,
}

/// Many lines alike: `u00000` to `u09999`.
#[derive(Clone, Debug)]
pub struct LineRange {
    /// The letters before the digits.
    pub prefix: String,
    /// First number.
    pub first: u64,
    /// Last number, included.
    pub last: u64,
    /// Digits written, with leading zeros.
    pub width: usize,
    /// How they all prove themselves (a password).
    pub secret: Secret,
    /// Groups they are members of.
    pub groups: Vec<String>,
}

/// A peer known by its address, not by registration.
#[derive(Clone, Debug)]
pub struct TrunkSettings {
    /// Its name in configuration, metrics and events.
    pub name: String,
    /// Where calls go; requests from there need no password.
    pub address: SocketAddr,
    /// How they go there.
    pub transport: Transport,
    /// Where calls come from besides.
    pub trusted: Vec<TrustedAddress>,
    /// What begins so goes there.
    pub prefix: Option<String>,
    /// Characters taken off first.
    pub strip: usize,
}

impl TrunkSettings {
    /// Its own address, which is trusted without being named.
    pub const fn itself(&self) -> TrustedAddress {
        let prefix = if self.address.is_ipv4() { 32 } else { 128 };
        TrustedAddress { address: self.address.ip(), prefix, port: Some(self.address.port()) }
    }
}

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

/// A feature code: what is dialled, and what it does.
#[derive(Clone, Debug)]
pub struct CodeSettings {
    /// Its name in tables and metrics, such as `park`.
    pub name: String,
    /// The literal that begins it, such as `*68`.
    pub code: String,
    /// What may follow the literal.
    pub argument: Argument,
    /// What it does.
    pub operation: Operation,
}

/// What may follow a code's literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Nothing.
    None,
    /// A number, or nothing.
    Optional,
    /// A number.
    Required,
}

crate::labels! {
    /// What a code can do. Those not yet [built](Operation::is_built) answer 501 and say so.
    pub enum Operation {
        /// Park the call that the dialler holds.
        Park = "park",
        /// Fetch a parked call.
        Retrieve = "retrieve",
        /// Ask for a callback on the last failed call.
        CallbackRequest = "callback_request",
        /// Cancel callbacks.
        CallbackCancel = "callback_cancel",
        /// Pick up a ringing call of one's group.
        PickupGroup = "pickup_group",
        /// Pick up the call that rings a given line.
        PickupDirected = "pickup_directed",
        /// Pull one's own call to this phone.
        Pull = "pull",
        /// Forward all calls.
        ForwardAll = "forward_all",
        /// Stop forwarding all calls.
        ForwardAllOff = "forward_all_off",
        /// Forward when busy.
        ForwardBusy = "forward_busy",
        /// Stop forwarding when busy.
        ForwardBusyOff = "forward_busy_off",
        /// Forward on no answer.
        ForwardNoAnswer = "forward_no_answer",
        /// Stop forwarding on no answer.
        ForwardNoAnswerOff = "forward_no_answer_off",
        /// Forward when not registered.
        ForwardUnregistered = "forward_unregistered",
        /// Stop forwarding when not registered.
        ForwardUnregisteredOff = "forward_unregistered_off",
        /// Do not disturb.
        DoNotDisturbOn = "do_not_disturb_on",
        /// Disturb again.
        DoNotDisturbOff = "do_not_disturb_off",
        /// The other of the two.
        DoNotDisturbToggle = "do_not_disturb_toggle",
        /// No call waiting for the next call.
        NoCallWaiting = "no_call_waiting",
        /// Hide my number for this call.
        HideNumber = "hide_number",
        /// Show my number for this call.
        ShowNumber = "show_number",
        /// Call the last caller back.
        CallBackLast = "call_back_last",
        /// Redial the last number.
        Redial = "redial",
        /// My mailbox.
        MailboxOwn = "mailbox_own",
        /// Any mailbox.
        MailboxAny = "mailbox_any",
        /// Leave a message without ringing.
        MessageMode = "message_mode",
        /// Intercom.
        Intercom = "intercom",
        /// Page a group.
        Page = "page",
        /// Allow intercom to me.
        IntercomAllow = "intercom_allow",
        /// Refuse intercom to me.
        IntercomRefuse = "intercom_refuse",
        /// Enter a conference room.
        ConferenceRoom = "conference_room",
        /// Listen to a call.
        Listen = "listen",
        /// Whisper to one side of a call.
        Whisper = "whisper",
        /// Break into a call.
        Barge = "barge",
        /// Nobody may break into my call.
        Secure = "secure",
        /// Dial only if encrypted.
        SecureDial = "secure_dial",
        /// Sign in at this phone.
        HotDeskIn = "hot_desk_in",
        /// Sign out.
        HotDeskOut = "hot_desk_out",
        /// Night mode.
        NightMode = "night_mode",
        /// Block a number.
        Block = "block",
        /// Unblock a number.
        Unblock = "unblock",
        /// Block the last caller.
        BlockLast = "block_last",
        /// Echo test.
        EchoTest = "echo_test",
        /// Say my number.
        SayNumber = "say_number",
        /// Say the time.
        SayTime = "say_time",
        /// Say my state.
        SayState = "say_state",
    }
}

impl Operation {
    /// Whether the server has this operation, or only knows its name.
    pub const fn is_built(self) -> bool {
        matches!(self, Self::Park | Self::Retrieve | Self::EchoTest | Self::SayNumber)
    }
}

/// Where the server's own media lives.
#[derive(Clone, Debug)]
pub struct MediaSettings {
    /// The address told in SDP and bound; that of the first listener if not given.
    pub address: Option<IpAddr>,
    /// RTP ports; the even ones are used.
    pub ports: RangeInclusive<u16>,
}
