//! Header field names, long and compact.

/// One line per field: the variant, its name as we write it, its compact form if it has one.
macro_rules! names {
    ($($variant:ident $text:literal $($compact:literal)?;)*) => {
        /// A header field's name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Name {
            $(#[doc = concat!("`", $text, "`.")] $variant,)*
            /// Any other: its text stands in the message.
            Other,
        }

        impl Name {
            /// All that are known by name, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            const TEXTS: &'static [&'static str] = &[$($text),*];

            /// The name as we write it; empty for [`Name::Other`].
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other => "",
                }
            }

            /// The name that a letter stands for (RFC 3261 §7.3.3 and the registry).
            const fn compact(letter: u8) -> Self {
                match letter.to_ascii_lowercase() {
                    $($($compact => Self::$variant,)?)*
                    _ => Self::Other,
                }
            }
        }
    };
}

names! {
    Via "Via" b'v';
    From "From" b'f';
    To "To" b't';
    CallId "Call-ID" b'i';
    CSeq "CSeq";
    MaxForwards "Max-Forwards";
    Contact "Contact" b'm';
    Route "Route";
    RecordRoute "Record-Route";
    ContentLength "Content-Length" b'l';
    ContentType "Content-Type" b'c';
    ContentEncoding "Content-Encoding" b'e';
    ContentDisposition "Content-Disposition";
    ContentLanguage "Content-Language";
    ContentId "Content-ID";
    Expires "Expires";
    MinExpires "Min-Expires";
    Allow "Allow";
    AllowEvents "Allow-Events" b'u';
    Supported "Supported" b'k';
    Require "Require";
    ProxyRequire "Proxy-Require";
    Unsupported "Unsupported";
    Accept "Accept";
    AcceptEncoding "Accept-Encoding";
    AcceptLanguage "Accept-Language";
    AcceptContact "Accept-Contact" b'a';
    RejectContact "Reject-Contact" b'j';
    RequestDisposition "Request-Disposition" b'd';
    Authorization "Authorization";
    ProxyAuthorization "Proxy-Authorization";
    WwwAuthenticate "WWW-Authenticate";
    ProxyAuthenticate "Proxy-Authenticate";
    AuthenticationInfo "Authentication-Info";
    UserAgent "User-Agent";
    Server "Server";
    Date "Date";
    Event "Event" b'o';
    SubscriptionState "Subscription-State";
    SuppressIfMatch "Suppress-If-Match";
    SipETag "SIP-ETag";
    SipIfMatch "SIP-If-Match";
    ReferTo "Refer-To" b'r';
    ReferredBy "Referred-By" b'b';
    ReferSub "Refer-Sub";
    Replaces "Replaces";
    Join "Join";
    TargetDialog "Target-Dialog";
    Reason "Reason";
    Warning "Warning";
    RetryAfter "Retry-After";
    Subject "Subject" b's';
    Priority "Priority";
    ResourcePriority "Resource-Priority";
    AlertInfo "Alert-Info";
    CallInfo "Call-Info";
    ErrorInfo "Error-Info";
    Organization "Organization";
    InReplyTo "In-Reply-To";
    ReplyTo "Reply-To";
    MimeVersion "MIME-Version";
    Timestamp "Timestamp";
    PAssertedIdentity "P-Asserted-Identity";
    PPreferredIdentity "P-Preferred-Identity";
    PAssociatedUri "P-Associated-URI";
    PCalledPartyId "P-Called-Party-ID";
    PAccessNetworkInfo "P-Access-Network-Info";
    PChargingVector "P-Charging-Vector";
    PEarlyMedia "P-Early-Media";
    RemotePartyId "Remote-Party-ID";
    Privacy "Privacy";
    Path "Path";
    ServiceRoute "Service-Route";
    FlowTimer "Flow-Timer";
    SessionExpires "Session-Expires" b'x';
    MinSe "Min-SE";
    RSeq "RSeq";
    RAck "RAck";
    Diversion "Diversion";
    HistoryInfo "History-Info";
    UserToUser "User-to-User";
    AnswerMode "Answer-Mode";
    PrivAnswerMode "Priv-Answer-Mode";
    InfoPackage "Info-Package";
    RecvInfo "Recv-Info";
    MaxBreadth "Max-Breadth";
    Identity "Identity" b'y';
    IdentityInfo "Identity-Info" b'n';
    FeatureCaps "Feature-Caps";
    Geolocation "Geolocation";
    SessionId "Session-ID";
}

/// Slots of the lookup table: a power of two, more than twice the names.
const SLOTS: usize = 256;

/// An empty slot.
const FREE: u8 = u8::MAX;

/// Index into [`Name::ALL`] by hash, open addressing; made by the compiler.
static TABLE: [u8; SLOTS] = table();

impl Name {
    /// How many there are, [`Name::Other`] included.
    pub const COUNT: usize = Self::ALL.len() + 1;

    /// Reads a name: any case, long or compact (RFC 3261 §7.3.1, §7.3.3).
    pub fn parse(text: &[u8]) -> Self {
        if let &[letter] = text {
            return Self::compact(letter);
        }
        let mut slot = hash(text);
        while let Some(&index) = TABLE.get(slot) {
            let Some(known) = Self::TEXTS.get(usize::from(index)) else {
                return Self::Other; // A free slot.
            };
            // Nearly everybody writes them as the standards do.
            if known.as_bytes() == text || known.as_bytes().eq_ignore_ascii_case(text) {
                return Self::ALL.get(usize::from(index)).copied().unwrap_or(Self::Other);
            }
            slot = (slot + 1) % SLOTS;
        }
        Self::Other
    }
}

/// Length, first, middle and last letter tell nearly all names apart; the factors were found by trial.
const fn hash(text: &[u8]) -> usize {
    let (Some(&first), Some(&last)) = (text.first(), text.last()) else {
        return 0;
    };
    let middle = text[text.len() / 2];
    let (first, middle, last) = ((first | 0x20) as usize, (middle | 0x20) as usize, (last | 0x20) as usize);
    (text.len() * 93 + first * 55 + middle * 41 + last * 114) % SLOTS
}

const fn table() -> [u8; SLOTS] {
    let mut table = [FREE; SLOTS];
    let mut index = 0;
    while index < Name::TEXTS.len() {
        let mut slot = hash(Name::TEXTS[index].as_bytes());
        while table[slot] != FREE {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = index as u8;
        index += 1;
    }
    table
}

const _: () = assert!(Name::TEXTS.len() * 2 < SLOTS);

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn every_name_is_found_in_any_case() {
        for &name in Name::ALL {
            assert_eq!(Name::parse(name.as_str().as_bytes()), name);
            assert_eq!(Name::parse(name.as_str().to_ascii_lowercase().as_bytes()), name);
            assert_eq!(Name::parse(name.as_str().to_ascii_uppercase().as_bytes()), name);
        }
        assert_eq!(Name::Other as usize, Name::ALL.len());
    }

    #[test]
    fn compact_forms_are_those_of_the_registry() {
        let table = [
            (b'a', Name::AcceptContact),
            (b'b', Name::ReferredBy),
            (b'c', Name::ContentType),
            (b'd', Name::RequestDisposition),
            (b'e', Name::ContentEncoding),
            (b'f', Name::From),
            (b'i', Name::CallId),
            (b'j', Name::RejectContact),
            (b'k', Name::Supported),
            (b'l', Name::ContentLength),
            (b'm', Name::Contact),
            (b'n', Name::IdentityInfo),
            (b'o', Name::Event),
            (b'r', Name::ReferTo),
            (b's', Name::Subject),
            (b't', Name::To),
            (b'u', Name::AllowEvents),
            (b'V', Name::Via),
            (b'x', Name::SessionExpires),
            (b'y', Name::Identity),
            (b'q', Name::Other),
        ];
        for (letter, name) in table {
            assert_eq!(Name::parse(&[letter]), name, "{}", letter as char);
        }
    }

    #[test]
    fn strangers_are_other() {
        for text in ["", "X-Injected", "Viaa", "Vi", "Call_ID", "Content-Lengthy"] {
            assert_eq!(Name::parse(text.as_bytes()), Name::Other, "{text}");
        }
    }
}
