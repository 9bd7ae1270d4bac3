//! Messages as the phones read them: a second reader, which shares nothing with the engine's own.
//!
//! It reads only what the engine writes: no folding, no compact forms. Whatever else comes is the engine's mistake.

/// A message, copied out of its datagram.
#[derive(Clone, Debug)]
pub(super) struct Sip {
    /// The first line.
    pub(super) start: String,
    fields: Vec<(String, String)>,
    /// What follows the header.
    pub(super) body: String,
}

impl Sip {
    /// Reads a datagram; what is wrong with it, if it is not well-formed.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or("no end of the header")?;
        let mut lines = head.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let mut fields = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(": ").ok_or(format!("no field: {line:?}"))?;
            if name.is_empty() || value.contains(['\r', '\n']) {
                return Err(format!("no field: {line:?}"));
            }
            fields.push((name.to_owned(), value.to_owned()));
        }
        let message = Self { start, fields, body: body.to_owned() };
        for needed in ["Via", "From", "To", "Call-ID", "CSeq", "Content-Length"] {
            if message.all(needed).count() == 0 {
                return Err(format!("no {needed}"));
            }
        }
        if message.field("Content-Length").parse() != Ok(body.len()) {
            return Err(format!("Content-Length {}, and {} bytes", message.field("Content-Length"), body.len()));
        }
        Ok(message)
    }

    /// How many bytes it is.
    pub(super) fn length(&self) -> usize {
        let fields = self.fields.iter().map(|(name, value)| name.len() + ": \r\n".len() + value.len());
        self.start.len() + "\r\n\r\n".len() + fields.sum::<usize>() + self.body.len()
    }

    /// A request's method.
    pub(super) fn method(&self) -> Option<&str> {
        if self.status().is_some() { None } else { self.start.split(' ').next() }
    }

    /// A response's status.
    pub(super) fn status(&self) -> Option<u16> {
        self.start.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// A response's reason phrase.
    pub(super) fn phrase(&self) -> &str {
        self.start.splitn(3, ' ').nth(2).unwrap_or_default()
    }

    /// The first field of this name; empty if there is none.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// All fields of this name.
    pub(super) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The number and method of CSeq.
    pub(super) fn cseq(&self) -> (u32, &str) {
        let (number, method) = self.field("CSeq").split_once(' ').unwrap_or_default();
        (number.parse().unwrap_or(0), method)
    }

    /// The branch of the topmost Via.
    pub(super) fn branch(&self) -> &str {
        param(self.field("Via"), "branch").unwrap_or_default()
    }

    /// The tag of From or To.
    pub(super) fn tag(&self, name: &str) -> &str {
        param(self.field(name), "tag").unwrap_or_default()
    }
}

/// A parameter of a field's value, behind the address.
pub(super) fn param<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    let behind = value.rsplit_once('>').map_or(value, |(_, behind)| behind);
    let found = behind.split(';').skip(1).find_map(|param| param.split_once('=').filter(|(known, _)| *known == name));
    found.map(|(_, value)| value)
}

/// The URI of an address: what stands between its brackets.
pub(super) fn uri_of(address: &str) -> &str {
    address.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(address, |(uri, _)| uri)
}

/// The user part of an address.
pub(super) fn user_of(address: &str) -> &str {
    let uri = uri_of(address).trim_start_matches("sip:");
    uri.split_once('@').map_or("", |(user, _)| user)
}

/// The display name of an address, without its quotes.
pub(super) fn name_of(address: &str) -> &str {
    address.split_once('<').map_or("", |(name, _)| name.trim().trim_matches('"'))
}

/// An address without its tag.
pub(super) fn bare(address: &str) -> &str {
    match address.rsplit_once('>') {
        Some((kept, _)) => address.get(..=kept.len()).unwrap_or(address),
        None => address,
    }
}

/// A value in quotes of a challenge.
pub(super) fn quoted<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    let (_, rest) = value.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_well_formed_is_said() {
        let whole = "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: \"A\" <sip:1@d>;tag=f\r\n\
                     To: <sip:2@d>;tag=t\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nContent-Length: 2\r\n\r\nhi";
        let read = Sip::read(whole.as_bytes()).unwrap();
        assert_eq!((read.status(), read.phrase(), read.cseq()), (Some(180), "Ringing", (7, "INVITE")));
        assert_eq!((read.branch(), read.tag("From"), read.tag("To")), ("z9hG4bK1", "f", "t"));
        let from = read.field("From");
        assert_eq!((name_of(from), user_of(from), uri_of(from), bare(from)), ("A", "1", "sip:1@d", "\"A\" <sip:1@d>"));
        for (wrong, what) in [
            (whole.replace("Length: 2", "Length: 3"), "Content-Length 3, and 2 bytes"),
            (whole.replace("CSeq: 7 INVITE\r\n", ""), "no CSeq"),
            (whole.replace("Call-ID: c", "Call-ID"), "no field: \"Call-ID\""),
        ] {
            assert_eq!(Sip::read(wrong.as_bytes()).unwrap_err(), what);
        }
    }
}
