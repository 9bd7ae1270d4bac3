//! A received message: an index over its bytes.

use smallvec::SmallVec;

use super::{
    check,
    header::{CSeq, Contacts, NameAddr, Via},
    malformed::Malformed,
    method::Method,
    name::Name,
    scan,
    status::Status,
    text::{List, cut, list, saturating_number},
    uri::Uri,
};

/// The first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<'a> {
    /// A request.
    Request {
        /// The method, if it is known by name.
        method: Method,
        /// The method as written.
        method_text: &'a [u8],
        /// The Request-URI as written.
        uri: &'a [u8],
    },
    /// A response.
    Response {
        /// The code.
        status: Status,
        /// The phrase as written, in whatever encoding.
        reason: &'a [u8],
    },
}

/// One header line, folds included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Which.
    pub name: Name,
    /// The name as written.
    pub text: &'a [u8],
    /// The value without the blanks at its ends; it may have folds inside.
    pub value: &'a [u8],
}

/// Where a header line lies in the datagram.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) name: Name,
    pub(super) name_length: u16,
    pub(super) begin: u32,
    pub(super) value_begin: u32,
    pub(super) value_end: u32,
}

/// All header lines, and where each name stands first.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    lines: SmallVec<[Slot; 36]>,
    /// By name: the place of the first line of that name, counted from one; 0 where there is none.
    first: [u16; Name::COUNT],
    /// A bit for each name that stands on several lines.
    repeated: u128,
}

const _: () = assert!(Name::COUNT <= u128::BITS as usize);

impl Slots {
    pub(super) fn new() -> Self {
        Self { lines: SmallVec::new(), first: [0; Name::COUNT], repeated: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// There are not more than a `u16` counts.
    pub(super) fn push(&mut self, slot: Slot) {
        self.lines.push(slot);
        match self.first.get_mut(slot.name as usize) {
            Some(first @ 0) => *first = self.lines.len() as u16,
            Some(_) | None => self.repeated |= 1 << slot.name as u32,
        }
    }

    fn first(&self, name: Name) -> Option<&Slot> {
        self.lines.get(usize::from(*self.first.get(name as usize)?).checked_sub(1)?)
    }

    pub(super) const fn is_repeated(&self, name: Name) -> bool {
        self.repeated >> name as u32 & 1 == 1
    }

    /// All lines of that name.
    fn of(&self, name: Name) -> impl Iterator<Item = &Slot> + Clone + use<'_> {
        let first = usize::from(self.first.get(name as usize).copied().unwrap_or(0));
        let end = if self.is_repeated(name) { self.lines.len() } else { first };
        let lines = self.lines.get(first.saturating_sub(1)..end).unwrap_or_default();
        lines.iter().filter(move |slot| slot.name == name)
    }
}

/// What nearly every message is asked for, some of it many times: read once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Basics<'a> {
    via: Result<Via<'a>, Malformed>,
    is_only_via: bool,
    from: Result<NameAddr<'a>, Malformed>,
    from_tag: Option<&'a [u8]>,
    to: Result<NameAddr<'a>, Malformed>,
    to_tag: Option<&'a [u8]>,
    call_id: Result<&'a [u8], Malformed>,
    cseq: Result<CSeq<'a>, Malformed>,
    uri: Result<Uri<'a>, Malformed>,
}

/// A message laid over the bytes it came in. Nothing is copied; up to 36 header lines nothing is allocated.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) start: Start<'a>,
    pub(super) slots: Slots,
    basics: Basics<'a>,
    pub(super) body: &'a [u8],
    pub(super) content_length: Option<u32>,
    pub(super) fault: Option<Malformed>,
}

impl<'a> Message<'a> {
    /// Of which nothing but its first line is known.
    pub(super) fn new(bytes: &'a [u8], start: Start<'a>) -> Self {
        let (slots, basics) = (Slots::new(), Basics::NONE);
        Self { bytes, start, slots, basics, body: b"", content_length: None, fault: None }
    }

    /// Reads what every message is asked for.
    pub(super) fn read(&mut self) {
        if let Some(value) = self.header(Name::Via) {
            // The first value of the first line, be it ever so empty.
            let (first, rest) = cut(value, b',');
            self.basics.via = Via::parse(first);
            let more = |rest| list(rest).next().is_some();
            self.basics.is_only_via = !self.slots.is_repeated(Name::Via) && !rest.is_some_and(more);
        }
        if let Some(value) = self.header(Name::From) {
            self.basics.from = NameAddr::parse(value).map_err(|_| Malformed::From);
            self.basics.from_tag = self.basics.from.as_ref().ok().and_then(NameAddr::tag);
        }
        if let Some(value) = self.header(Name::To) {
            self.basics.to = NameAddr::parse(value).map_err(|_| Malformed::To);
            self.basics.to_tag = self.basics.to.as_ref().ok().and_then(NameAddr::tag);
        }
        if let Some(value) = self.header(Name::CallId) {
            let odd = value.iter().fold(value.is_empty(), |odd, &byte| odd | (byte <= b' ') | (byte == 0x7f));
            self.basics.call_id = if odd { Err(Malformed::CallId) } else { Ok(value) };
        }
        if let Some(value) = self.header(Name::CSeq) {
            self.basics.cseq = CSeq::parse(value);
        }
        if self.is_request() {
            self.basics.uri = Uri::parse(self.uri_text()).map_err(|_| Malformed::RequestUri);
        }
    }

    /// Indexes one datagram: leading line ends are skipped, bytes beyond Content-Length ignored (RFC 3261 §§7.5, 18.3).
    ///
    /// Errs only where no answer could be composed: no start line, a bad status line, no Via. Every other mistake is kept
    /// ([`Message::fault`]) and reported by [`Message::check`], so that a request can be answered with it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        scan::scan(bytes)
    }

    /// Everything that must hold before the message is acted upon (RFC 3261 §§8.1.1, 8.2, 16.3): the fault met while
    /// indexing, the mandatory fields, and the syntax of all that route or identify.
    pub fn check(&self) -> Result<(), Malformed> {
        check::check(self)
    }

    /// The first mistake met while indexing, if any.
    pub const fn fault(&self) -> Option<Malformed> {
        self.fault
    }

    /// The first line.
    pub const fn start(&self) -> Start<'a> {
        self.start
    }

    /// A request, not a response.
    pub const fn is_request(&self) -> bool {
        matches!(self.start, Start::Request { .. })
    }

    /// The method of a request.
    pub const fn method(&self) -> Option<Method> {
        match self.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// The status of a response.
    pub const fn status(&self) -> Option<Status> {
        match self.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// The Request-URI as written; empty for a response.
    pub const fn uri_text(&self) -> &'a [u8] {
        match self.start {
            Start::Request { uri, .. } => uri,
            Start::Response { .. } => b"",
        }
    }

    /// All the bytes, from the start line to the end of the datagram.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The body: as long as Content-Length says, else to the end of the datagram.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// What Content-Length says, if it is there and well-formed.
    pub const fn content_length(&self) -> Option<u32> {
        self.content_length
    }

    /// There is such a field.
    pub fn has(&self, name: Name) -> bool {
        self.slots.first(name).is_some()
    }

    /// The value of the first field of that name, trimmed; it may have folds inside.
    pub fn header(&self, name: Name) -> Option<&'a [u8]> {
        self.slots.first(name).map(|slot| self.value(slot))
    }

    /// The values of all fields of that name, each as one line.
    pub fn fields(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a, '_> {
        self.slots.of(name).map(|slot| self.value(slot))
    }

    /// The members of a comma list, over one line or many (RFC 3261 §7.3.1); trimmed, empty ones skipped. Not for fields
    /// whose commas mean something else: Date, Authorization and its kin.
    pub fn values(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a, '_> {
        self.fields(name).flat_map(list as fn(&'a [u8]) -> List<'a>)
    }

    /// All header lines in order.
    pub fn all(&self) -> impl Iterator<Item = Field<'a>> + Clone + use<'a, '_> {
        self.slots.lines.iter().map(|slot| {
            let begin = slot.begin as usize;
            let text = self.bytes.get(begin..begin + usize::from(slot.name_length)).unwrap_or_default();
            Field { name: slot.name, text, value: self.value(slot) }
        })
    }

    /// The value of the first field that is not known by name, in any case.
    pub fn other(&self, name: &str) -> Option<&'a [u8]> {
        self.all()
            .find(|field| field.name == Name::Other && field.text.eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| field.value)
    }

    fn value(&self, slot: &Slot) -> &'a [u8] {
        self.bytes.get(slot.value_begin as usize..slot.value_end as usize).unwrap_or_default()
    }

    pub(super) fn note(&mut self, fault: Malformed) {
        self.fault.get_or_insert(fault);
    }
}

/// The fields that every message needs, parsed.
impl<'a> Message<'a> {
    /// Call-ID.
    pub const fn call_id(&self) -> Result<&'a [u8], Malformed> {
        self.basics.call_id
    }

    /// From. Its URI is not looked into.
    pub const fn from(&self) -> Result<NameAddr<'a>, Malformed> {
        self.basics.from
    }

    /// To. Its URI is not looked into.
    pub const fn to(&self) -> Result<NameAddr<'a>, Malformed> {
        self.basics.to
    }

    /// CSeq.
    pub const fn cseq(&self) -> Result<CSeq<'a>, Malformed> {
        self.basics.cseq
    }

    /// The topmost Via.
    pub const fn via(&self) -> Result<Via<'a>, Malformed> {
        self.basics.via
    }

    /// There is no other Via than the topmost.
    pub const fn is_only_via(&self) -> bool {
        self.basics.is_only_via
    }

    /// The Request-URI of a request.
    pub const fn request_uri(&self) -> Result<Uri<'a>, Malformed> {
        self.basics.uri
    }

    /// All Vias, topmost first.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via<'a>, Malformed>> + Clone + use<'a, '_> {
        self.values(Name::Via).map(Via::parse)
    }

    /// The first Contact; none if there is none.
    pub fn contact(&self) -> Result<Option<NameAddr<'a>>, Malformed> {
        self.values(Name::Contact).next().map(NameAddr::parse).transpose().map_err(|_| Malformed::Contact)
    }

    /// All Contacts, or `*`.
    pub fn contacts(&self) -> Result<Contacts<'a>, Malformed> {
        Contacts::collect(self.values(Name::Contact))
    }

    /// The hops that are left; above 255 it is 255 (RFC 3261 §20.22).
    pub fn max_forwards(&self) -> Result<Option<u32>, Malformed> {
        let Some(value) = self.header(Name::MaxForwards) else {
            return Ok(None);
        };
        saturating_number(value).map(|hops| Some(hops.min(255))).ok_or(Malformed::MaxForwards)
    }

    /// Expires in seconds; above 2^32-1 it is that, malformed it is 3600 (RFC 3261 §§10.3, 20.19).
    pub fn expires(&self) -> Option<u32> {
        self.header(Name::Expires).map(|value| saturating_number(value).unwrap_or(3600))
    }

    /// The tag of To.
    pub const fn to_tag(&self) -> Option<&'a [u8]> {
        self.basics.to_tag
    }

    /// The tag of From.
    pub const fn from_tag(&self) -> Option<&'a [u8]> {
        self.basics.from_tag
    }

    /// A list of tokens such as Supported has this one, in any case.
    pub fn has_option(&self, name: Name, option_tag: &str) -> bool {
        self.values(name).any(|value| value.eq_ignore_ascii_case(option_tag.as_bytes()))
    }
}

impl Basics<'_> {
    const NONE: Self = Self {
        via: Err(Malformed::MissingVia),
        is_only_via: true,
        from: Err(Malformed::MissingFrom),
        from_tag: None,
        to: Err(Malformed::MissingTo),
        to_tag: None,
        call_id: Err(Malformed::MissingCallId),
        cseq: Err(Malformed::MissingCSeq),
        uri: Err(Malformed::RequestUri),
    };
}
