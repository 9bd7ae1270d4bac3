//! What an engine is told when it starts: plain values, already checked.
//!
//! Knows: names, numbers, durations. Never: files, TOML.
mod align;
mod codecs;
mod codes;
mod completion;
mod defaults;
mod lamps;
mod lots;
mod profile;
mod ranges;
mod sound;

pub use align::Retired;
pub use codecs::Codec;
pub use codes::{Argument, CodeSettings, KeyOperation, KeySettings, Operation};
pub use completion::{CallbackRights, CompletionForwarded, CompletionOffer, CompletionSettings};
pub use lamps::{LampSettings, Privacy};
pub use lots::{
    DeclineMeans, Fallback, LampState, LotSettings, OnOccupied, OrbitSettings, Pick, ReminderTarget, ReminderUri,
    ReminderWhenBusy,
};
pub use profile::{Destination, ForwardKind, ForwardRule, ForwardSettings, ProfileSettings, Redirects};
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
    /// What keys do in a call, where a line has the right to that.
    pub keys: Vec<KeySettings>,
    /// How long the next key of [these](Self::keys) may take.
    pub key_timeout: Duration,
    /// Who may transfer where.
    pub transfers: TransferSettings,
    /// How calls are forwarded.
    pub forwards: ForwardSettings,
    /// Who is told what of others' calls.
    pub lamps: LampSettings,
    /// How calls that failed may be completed.
    pub completion: CompletionSettings,
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
    /// Its keys can do something in a call.
    pub incall_features: bool,
    /// What it may do with callbacks.
    pub callbacks: CallbackRights,
    /// The way of its media; that of all lines if not given.
    pub media: Option<MediaWay>,
    /// How it is told keys.
    pub dtmf: Dtmf,
    /// What its owner has chosen; most have chosen nothing.
    pub profile: Option<Box<ProfileSettings>>,
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
    /// What those hear whom they park where the lot has no music of its own.
    pub music: Option<MusicNo>,
    /// Their keys can do something in a call.
    pub incall_features: bool,
    /// What they may do with callbacks.
    pub callbacks: CallbackRights,
    /// The way of their media; that of all lines if not given.
    pub media: Option<MediaWay>,
    /// How they are told keys.
    pub dtmf: Dtmf,
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
    /// The way of its media.
    pub media: MediaWay,
    /// How it is told keys.
    pub dtmf: Dtmf,
}

impl TrunkSettings {
    /// Its own address, which is trusted without being named.
    pub const fn itself(&self) -> TrustedAddress {
        let prefix = if self.address.is_ipv4() { 32 } else { 128 };
        TrustedAddress { address: self.address.ip(), prefix, port: Some(self.address.port()) }
    }
}

/// Who may transfer where. It is the transferor's right that counts, never the transferee's.
#[derive(Clone, Debug)]
pub struct TransferSettings {
    /// Lines in one of these groups may; empty: every line.
    pub groups: Vec<String>,
    /// So may parties behind trunks.
    pub from_trunks: bool,
    /// A call that came over a trunk may leave over one.
    pub trunk_to_trunk: bool,
    /// Lines in one of these groups may pull the calls of any other line; nobody, if there are none.
    pub seize_groups: Vec<String>,
    /// A transferor who has hung up when its transfer comes to nothing is called back.
    pub recall: bool,
    /// How long it rings then.
    pub recall_ring: Duration,
    /// What its phone shows: the template of a lot's reminder, where the orbit is the number that did not answer.
    pub recall_display: String,
}

/// Where the server's own media lives.
#[derive(Clone, Debug)]
pub struct MediaSettings {
    /// The address told in SDP and bound; that of the first listener if not given.
    pub address: Option<IpAddr>,
    /// RTP ports; the even ones are used.
    pub ports: RangeInclusive<u16>,
    /// What the media threads can speak, the best first: at least PCMU.
    pub codecs: Vec<Codec>,
    /// The way of media for lines that say nothing of it.
    pub lines: MediaWay,
    /// Who is held hears music.
    pub hold_music: bool,
    /// A parked party that nothing comes from for so long, neither sound nor reports, is gone; zero: it is believed to be
    /// there.
    pub rtp_timeout_hold: Duration,
}

/// How a party is told the keys that the other one presses, where its media goes through us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dtmf {
    /// As the other one tells them.
    #[default]
    Auto,
    /// As events in the media (RFC 4733).
    Rfc4733,
    /// By INFO.
    Info,
}

/// Which way a party's media goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaWay {
    /// To the other party, whatever it says.
    Direct,
    /// Through us.
    Relay,
    /// Through us if the party is behind an address translator: its media is to be sent to another address than its
    /// signalling comes from.
    Auto,
}
