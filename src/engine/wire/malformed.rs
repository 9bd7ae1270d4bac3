//! Every way in which a peer's message can be wrong.

use super::status::Status;

/// One line per mistake: the variant, its label, the status that answers it, the reason phrase.
macro_rules! mistakes {
    ($($(#[$doc:meta])* $variant:ident $label:literal $status:ident $reason:literal)*) => {
        /// A mistake in a received message. It selects the answer, the counter and the test.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Malformed {
            $($(#[$doc])* $variant,)*
        }

        impl Malformed {
            /// All, in the order of [`Malformed::index`].
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The labels of all, in the order of [`Malformed::index`].
            pub const LABELS: &'static [&'static str] = &[$($label),*];

            /// The word for metrics.
            pub const fn label(&self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            /// The status that answers a request with this mistake.
            pub const fn status(&self) -> Status {
                match self { $(Self::$variant => Status::$status,)* }
            }

            /// The reason phrase of that answer: it names what is wrong.
            pub const fn reason(&self) -> &'static str {
                match self { $(Self::$variant => $reason,)* }
            }
        }
    };
}

mistakes! {
    /// Nothing but line ends: a keep-alive (RFC 3261 §7.5, RFC 5626 §3.5.1).
    Empty "empty" BAD_REQUEST "Empty Message"
    /// The first line is neither a request line nor a status line, or not spaced as one.
    StartLine "start_line" BAD_REQUEST "Malformed Request-Line"
    /// The status code is not three digits from 100 to 699.
    StatusCode "status_code" BAD_REQUEST "Malformed Status Code"
    /// Not SIP/2.0.
    Version "version" VERSION_NOT_SUPPORTED "Version Not Supported"
    /// The Request-URI is no URI, or carries brackets, blanks or headers.
    RequestUri "request_uri" BAD_REQUEST "Bad Request-URI"
    /// A header line without a colon or with an impossible name.
    HeaderLine "header_line" BAD_REQUEST "Malformed Header Line"
    /// A carriage return that ends no line.
    BareReturn "bare_return" BAD_REQUEST "Carriage Return in Header"
    /// The headers never end.
    Unterminated "unterminated" BAD_REQUEST "Missing Blank Line"
    /// More header lines than anybody needs.
    TooManyHeaders "too_many_headers" MESSAGE_TOO_LARGE "Too Many Headers"
    /// More bytes than the index can hold.
    TooLarge "too_large" MESSAGE_TOO_LARGE "Message Too Large"
    /// The body is shorter than Content-Length says.
    Truncated "truncated" BAD_REQUEST "Body Shorter Than Content-Length"
    /// Content-Length is no number.
    ContentLength "content_length" BAD_REQUEST "Malformed Content-Length"
    /// No Content-Length on a stream, where the next message's beginning depends on it.
    NoContentLength "no_content_length" BAD_REQUEST "Missing Content-Length"
    /// Two Content-Lengths that differ.
    ContentLengthConflict "content_length_conflict" BAD_REQUEST "Conflicting Content-Length"
    /// No Via: nobody could be answered.
    MissingVia "missing_via" BAD_REQUEST "Missing Via"
    /// No From.
    MissingFrom "missing_from" BAD_REQUEST "Missing From"
    /// No To.
    MissingTo "missing_to" BAD_REQUEST "Missing To"
    /// No Call-ID.
    MissingCallId "missing_call_id" BAD_REQUEST "Missing Call-ID"
    /// No CSeq.
    MissingCSeq "missing_cseq" BAD_REQUEST "Missing CSeq"
    /// No Contact where the method demands one.
    MissingContact "missing_contact" BAD_REQUEST "Missing Contact"
    /// A field that must stand once stands twice: From.
    RepeatedFrom "repeated_from" BAD_REQUEST "Repeated From"
    /// To stands twice.
    RepeatedTo "repeated_to" BAD_REQUEST "Repeated To"
    /// Call-ID stands twice.
    RepeatedCallId "repeated_call_id" BAD_REQUEST "Repeated Call-ID"
    /// CSeq stands twice.
    RepeatedCSeq "repeated_cseq" BAD_REQUEST "Repeated CSeq"
    /// Max-Forwards stands twice.
    RepeatedMaxForwards "repeated_max_forwards" BAD_REQUEST "Repeated Max-Forwards"
    /// A Via cannot be read.
    Via "via" BAD_REQUEST "Malformed Via"
    /// From cannot be read.
    From "from" BAD_REQUEST "Malformed From"
    /// To cannot be read.
    To "to" BAD_REQUEST "Malformed To"
    /// Call-ID is empty or has blanks.
    CallId "call_id" BAD_REQUEST "Malformed Call-ID"
    /// CSeq is no number below 2^32 with a method.
    CSeq "cseq" BAD_REQUEST "Malformed CSeq"
    /// CSeq names another method than the start line (RFC 3261 §8.1.1.5).
    CSeqMethod "cseq_method" BAD_REQUEST "CSeq Method Mismatch"
    /// Max-Forwards is no number.
    MaxForwards "max_forwards" BAD_REQUEST "Malformed Max-Forwards"
    /// A Contact cannot be read, or `*` has company.
    Contact "contact" BAD_REQUEST "Malformed Contact"
    /// A Route cannot be read.
    Route "route" BAD_REQUEST "Malformed Route"
    /// A Record-Route cannot be read.
    RecordRoute "record_route" BAD_REQUEST "Malformed Record-Route"
    /// A URI elsewhere than in the request line.
    Uri "uri" BAD_REQUEST "Malformed URI"
    /// An address (name-addr or addr-spec) in a field without a variant of its own.
    Address "address" BAD_REQUEST "Malformed Address"
    /// Refer-To is missing, repeated or cannot be read (RFC 3515 §2.4.2).
    ReferTo "refer_to" BAD_REQUEST "Malformed Refer-To"
    /// Replaces (RFC 3891 §3).
    Replaces "replaces" BAD_REQUEST "Malformed Replaces"
    /// Authorization or Proxy-Authorization.
    Credentials "credentials" BAD_REQUEST "Malformed Authorization"
    /// Subscription-State.
    SubscriptionState "subscription_state" BAD_REQUEST "Malformed Subscription-State"
    /// Reason (RFC 3326).
    Reason "reason" BAD_REQUEST "Malformed Reason"
    /// RAck (RFC 3262 §7.2).
    RAck "rack" BAD_REQUEST "Malformed RAck"
    /// A session description that is none.
    Sdp "sdp" BAD_REQUEST "Malformed Session Description"
}

impl Malformed {
    /// The place in [`Malformed::LABELS`].
    pub const fn index(&self) -> usize {
        *self as usize
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Malformed {}

impl crate::base::Label for Malformed {
    const NAMES: &'static [&'static str] = Self::LABELS;

    fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Malformed;

    #[test]
    fn labels_follow_the_index_and_differ() {
        for (index, mistake) in Malformed::ALL.iter().enumerate() {
            assert_eq!(mistake.index(), index);
            assert_eq!(Malformed::LABELS[index], mistake.label());
            assert_eq!(Malformed::LABELS.iter().filter(|&&label| label == mistake.label()).count(), 1);
        }
    }
}
