//! The directory: which lines and trunks exist, and what the settings say of them.
//!
//! Lines with a section of their own are found by hash; a range of many alike stays one entry, however many they are.
//!
//! Knows: the settings. Never: who is registered.
use super::Caller;
use super::sources::Sources;
use crate::base::Index;
use crate::base::text::Number;
use crate::ground::Ground;
use crate::leg::Identity;
use crate::registrar::Account;
use crate::settings::{
    Algorithm, CallbackRights, Dtmf, LineNo, LineRange, LineSettings, MediaWay, MusicNo, Ranges, Secret, Settings,
    Transport, TrunkSettings,
};
use crate::wire::Uri;
use crate::wire::text::unescaped;
use crate::wire::uri::{host_eq, host_ip};
use std::net::SocketAddr;

/// Who exists.
#[derive(Debug)]
pub(crate) struct Directory {
    domain: Box<str>,
    digest: Vec<Algorithm>,
    lines: Vec<LineSettings>,
    by_number: Index,
    hasher: ahash::RandomState,
    ranges: Ranges,
    many: Vec<LineRange>,
    trunks: Vec<TrunkSettings>,
    sources: Sources,
    /// The way of media for lines that say nothing of it.
    media: MediaWay,
}

/// What the settings have of a line.
enum Entry<'d> {
    Own(&'d LineSettings),
    /// One of many.
    OneOf(&'d LineRange),
}

impl Directory {
    pub(super) fn new(settings: &Settings, hasher: ahash::RandomState) -> Self {
        let lines = settings.lines.clone();
        let mut by_number = Index::default();
        for (line, place) in lines.iter().zip(0..) {
            if !settings.retired.lines.contains(&(place as usize)) {
                by_number.insert(hasher.hash_one(line.number.as_str()), place);
            }
        }
        Self {
            domain: settings.domain.as_str().into(),
            digest: settings.digest.clone(),
            by_number,
            hasher,
            ranges: Ranges::new(settings),
            many: settings.line_ranges.clone(),
            trunks: settings.trunks.clone(),
            sources: Sources::new(settings),
            media: settings.media.lines,
            lines,
        }
    }

    /// The realm.
    pub(super) fn domain(&self) -> &str {
        &self.domain
    }

    /// The line with this number or name.
    pub(crate) fn line(&self, number: &str) -> Option<LineNo> {
        let same = |place: u32| self.lines.get(place as usize).is_some_and(|line| line.number == number);
        match self.by_number.find(self.hasher.hash_one(number), same) {
            Some(place) => Some(LineNo(place)),
            None => self.ranges.line(number),
        }
    }

    /// The line that an address of this domain names (RFC 3261 §19.1.4: escapes undone, parameters of the number left out).
    pub(crate) fn named(&self, uri: &Uri<'_>, ground: &Ground) -> Option<LineNo> {
        if !uri.is_sip() || !self.is_local_host(uri.host, ground) {
            return None;
        }
        let mut number = Number::new();
        for byte in unescaped(uri.user_params().0) {
            number.try_push(Some(byte).filter(u8::is_ascii)?.into()).ok()?;
        }
        self.line(&number)
    }

    /// Whether this host is us: the domain, or an address listened on.
    pub(crate) fn is_local_host(&self, host: &[u8], ground: &Ground) -> bool {
        host_eq(host, self.domain.as_bytes()) || host_ip(host).is_some_and(|ip| ground.is_our_ip(ip))
    }

    /// What is dialled to reach the line.
    pub(crate) fn number(&self, line: LineNo) -> Number {
        // The configuration lets no number be longer than a `Number`.
        let number = match self.own(line) {
            Some(own) => Number::from(&own.number).ok(),
            None => self.ranges.number(line),
        };
        number.unwrap_or_default()
    }

    /// How the line is shown to others.
    pub(crate) fn identity(&self, line: LineNo) -> Identity {
        let name = match self.entry(line) {
            Some(Entry::Own(own)) => own.name.as_str(),
            Some(Entry::OneOf(..)) | None => "",
        };
        Identity::new(&self.number(line), name)
    }

    /// Whether a line is in this group.
    pub(crate) fn is_member(&self, line: LineNo, group: &str) -> bool {
        self.groups(line).iter().any(|one| one == group)
    }

    /// Whether two lines have a group in common.
    pub(crate) fn share_group(&self, one: LineNo, other: LineNo) -> bool {
        self.groups(one).iter().any(|group| self.is_member(other, group))
    }

    fn groups(&self, line: LineNo) -> &[String] {
        match self.entry(line) {
            Some(Entry::Own(own)) => &own.groups,
            Some(Entry::OneOf(range)) => &range.groups,
            None => &[],
        }
    }

    /// Whether the line's keys can do something in a call.
    pub(crate) fn may_use_keys(&self, line: LineNo) -> bool {
        match self.entry(line) {
            Some(Entry::Own(own)) => own.incall_features,
            Some(Entry::OneOf(range)) => range.incall_features,
            None => false,
        }
    }

    /// What the line may do with callbacks.
    pub(crate) fn callbacks(&self, line: LineNo) -> CallbackRights {
        match self.entry(line) {
            Some(Entry::Own(own)) => own.callbacks,
            Some(Entry::OneOf(range)) => range.callbacks,
            None => CallbackRights { ask: false, give: false },
        }
    }

    /// Which way a line's media goes.
    pub(crate) fn line_media(&self, line: LineNo) -> MediaWay {
        let own = match self.entry(line) {
            Some(Entry::Own(own)) => own.media,
            Some(Entry::OneOf(range)) => range.media,
            None => None,
        };
        own.unwrap_or(self.media)
    }

    /// Which way a trunk's media goes.
    pub(crate) fn trunk_media(&self, trunk: usize) -> MediaWay {
        self.trunks.get(trunk).map_or(MediaWay::Direct, |trunk| trunk.media)
    }

    /// How a line is told keys.
    pub(crate) fn line_dtmf(&self, line: LineNo) -> Dtmf {
        match self.entry(line) {
            Some(Entry::Own(own)) => own.dtmf,
            Some(Entry::OneOf(range)) => range.dtmf,
            None => Dtmf::Auto,
        }
    }

    /// How a trunk is told keys.
    pub(crate) fn trunk_dtmf(&self, trunk: usize) -> Dtmf {
        self.trunks.get(trunk).map_or(Dtmf::Auto, |trunk| trunk.dtmf)
    }

    /// Calls the line may have at once.
    pub(crate) fn busy_limit(&self, line: LineNo) -> Option<usize> {
        self.own(line)?.busy_limit
    }

    /// The music of those whom the line parks, if it has its own.
    pub(crate) fn music(&self, line: LineNo) -> Option<MusicNo> {
        match self.entry(line)? {
            Entry::Own(own) => own.music,
            Entry::OneOf(range) => range.music,
        }
    }

    /// Contacts the line may have, if it has a limit of its own.
    pub(super) fn max_contacts(&self, line: LineNo) -> Option<usize> {
        self.own(line)?.max_contacts
    }

    pub(crate) fn trunk(&self, trunk: usize) -> Option<&TrunkSettings> {
        self.trunks.get(trunk)
    }

    /// Who is known by the address that a request came from.
    pub(crate) fn by_address(&self, source: SocketAddr, transport: Transport) -> Option<Caller> {
        self.sources.find(source, transport)
    }

    /// What a line is challenged with, the strongest first; nobody's name gets what most lines get.
    pub(crate) fn algorithms(&self, line: Option<LineNo>) -> &[Algorithm] {
        let Some(line) = line else { return &self.digest };
        match self.secret(line) {
            // A stored digest answers for its own algorithm only (RFC 8760 §2.6).
            Secret::Ha1(ha1) if ha1.len() == 32 => &[Algorithm::Md5],
            Secret::Ha1(_) => &[Algorithm::Sha256],
            Secret::Password(_) | Secret::None => {
                self.own(line).and_then(|own| own.digest.as_deref()).unwrap_or(&self.digest)
            }
        }
    }

    /// Whom a user name of credentials stands for: `1001`, or `1001@pbx.test` as some phones have it.
    pub(super) fn account(&self, username: &[u8], ground: &Ground) -> Account<'_> {
        let at = username.iter().rposition(|&byte| byte == b'@').and_then(|at| username.split_at_checked(at));
        let number = match at {
            Some((number, [b'@', host @ ..])) if self.is_local_host(host, ground) => number,
            Some(_) | None => username,
        };
        let line = std::str::from_utf8(number).ok().and_then(|number| self.line(number));
        let secret = line.map_or(&Secret::None, |line| self.secret(line));
        Account { line, secret, algorithms: self.algorithms(line) }
    }

    fn secret(&self, line: LineNo) -> &Secret {
        match self.entry(line) {
            Some(Entry::Own(own)) => &own.secret,
            Some(Entry::OneOf(range)) => &range.secret,
            None => &Secret::None,
        }
    }

    fn own(&self, line: LineNo) -> Option<&LineSettings> {
        self.lines.get(line.0 as usize)
    }

    fn entry(&self, line: LineNo) -> Option<Entry<'_>> {
        if let Some(own) = self.own(line) {
            return Some(Entry::Own(own));
        }
        self.many.get(self.ranges.of(line)?).map(Entry::OneOf)
    }
}
