//! Request methods.

/// The methods that Switchyard knows by name; all others are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Method {
    /// RFC 3261.
    Invite,
    /// RFC 3261.
    Ack,
    /// RFC 3261.
    Bye,
    /// RFC 3261.
    Cancel,
    /// RFC 3261.
    Options,
    /// RFC 3261.
    Register,
    /// RFC 3262.
    Prack,
    /// RFC 6665.
    Subscribe,
    /// RFC 6665.
    Notify,
    /// RFC 3903.
    Publish,
    /// RFC 6086.
    Info,
    /// RFC 3515.
    Refer,
    /// RFC 3428.
    Message,
    /// RFC 3311.
    Update,
    /// Any other; its name stands in the start line.
    Other,
}

impl Method {
    /// How many there are, `Other` included.
    pub const COUNT: usize = Self::ALL.len();

    /// All, in the order of [`Method::index`].
    pub const ALL: [Self; 15] = [
        Self::Invite,
        Self::Ack,
        Self::Bye,
        Self::Cancel,
        Self::Options,
        Self::Register,
        Self::Prack,
        Self::Subscribe,
        Self::Notify,
        Self::Publish,
        Self::Info,
        Self::Refer,
        Self::Message,
        Self::Update,
        Self::Other,
    ];

    /// The names, in the order of [`Method::index`]; the last stands for all that are unknown.
    pub const NAMES: [&'static str; Self::COUNT] = [
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "OPTIONS",
        "REGISTER",
        "PRACK",
        "SUBSCRIBE",
        "NOTIFY",
        "PUBLISH",
        "INFO",
        "REFER",
        "MESSAGE",
        "UPDATE",
        "other",
    ];

    /// The place in [`Method::ALL`] and [`Method::NAMES`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Reads a method. Case counts: `invite` is not INVITE (RFC 3261 §7.1).
    pub fn parse(text: &[u8]) -> Self {
        match text {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"OPTIONS" => Self::Options,
            b"REGISTER" => Self::Register,
            b"PRACK" => Self::Prack,
            b"SUBSCRIBE" => Self::Subscribe,
            b"NOTIFY" => Self::Notify,
            b"PUBLISH" => Self::Publish,
            b"INFO" => Self::Info,
            b"REFER" => Self::Refer,
            b"MESSAGE" => Self::Message,
            b"UPDATE" => Self::Update,
            _ => Self::Other,
        }
    }

    /// The name as written in a message; `other` where it is not known here.
    pub const fn as_str(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

impl crate::base::Label for Method {
    const NAMES: &'static [&'static str] = &Self::NAMES;

    fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Method;

    #[test]
    fn names_and_indexes_agree() {
        for (index, method) in Method::ALL.into_iter().enumerate() {
            assert_eq!(method.index(), index);
            assert_eq!(Method::parse(method.as_str().as_bytes()), method);
        }
        assert_eq!(Method::parse(b"invite"), Method::Other);
        assert_eq!(Method::parse(b""), Method::Other);
    }
}
