//! Via: the way back.

use std::net::{IpAddr, Ipv6Addr};

use super::params::{Params, param, params};
use crate::wire::{
    malformed::Malformed,
    text::{cut, is_token, port, split_once, trim},
    uri::{host_ip, split_host_port},
};

/// One hop of the way a response takes (RFC 3261 §20.42).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via<'a> {
    /// `UDP`, `TCP`, `TLS`, … as written.
    pub transport: &'a [u8],
    /// A name or an address, IPv6 in brackets.
    pub host: &'a [u8],
    /// The port, if one was written.
    pub port: Option<u16>,
    /// What follows the first `;`.
    pub params: &'a [u8],
    /// The value of the first parameter `branch`; empty if there is none.
    branch: &'a [u8],
}

impl<'a> Via<'a> {
    /// Reads one Via value (not a list). Blanks may stand between all its parts.
    pub fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(value).ok_or(Malformed::Via)
    }

    fn read(value: &'a [u8]) -> Option<Self> {
        // Nearly everybody writes it so.
        let rest = match value.strip_prefix(b"SIP/2.0/") {
            Some(rest) => rest,
            None => {
                let (protocol, rest) = split_once(value, b'/')?;
                let (version, rest) = split_once(rest, b'/')?;
                if !trim(protocol).eq_ignore_ascii_case(b"SIP") || trim(version) != b"2.0" {
                    return None;
                }
                rest
            }
        };
        let rest = trim(rest);
        let blank = rest.iter().position(|&byte| crate::wire::text::is_blank(byte))?;
        let (transport, rest) = rest.split_at_checked(blank)?;
        let (sent_by, params) = split_once(rest, b';').unwrap_or((rest, b""));
        let (host, port_text) = split_host_port(trim(sent_by))?;
        let port = match port_text {
            Some(text) => Some(port(trim(text))?),
            None => None,
        };
        // What opens a quote or a bracket would hide the comma behind which the next Via begins.
        let odd = memchr::memchr2(b'"', b'<', params).is_some();
        let hiding = odd && (!quotes_close(params) || cut(params, b'<').1.is_some());
        if hiding || !is_token(transport) {
            return None;
        }
        let params = trim(params);
        let branch = param(params, "branch").unwrap_or_default();
        Some(Self { transport, host, port, params, branch })
    }

    /// A parameter's value, empty for a flag.
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        param(self.params, name)
    }

    /// All parameters.
    pub const fn params(&self) -> Params<'a> {
        params(self.params)
    }

    /// The transaction's id, if there is one (RFC 3261 §8.1.1.7).
    pub fn branch(&self) -> Option<&'a [u8]> {
        (!self.branch.is_empty()).then_some(self.branch)
    }

    /// The branch begins as RFC 3261 demands; without that the sender is of RFC 2543's time (§17.2.3).
    pub fn has_cookie(&self) -> bool {
        self.branch().and_then(|branch| branch.get(..7)).is_some_and(|start| start.eq_ignore_ascii_case(b"z9hG4bK"))
    }

    /// `received` as written; IPv6 with or without brackets (RFC 5118 §4.5).
    pub fn received(&self) -> Option<&'a [u8]> {
        self.param("received").filter(|received| !received.is_empty())
    }

    /// `received` as an address.
    pub fn received_ip(&self) -> Option<IpAddr> {
        let text = self.received()?;
        host_ip(text).or_else(|| Some(IpAddr::V6(std::str::from_utf8(text).ok()?.parse::<Ipv6Addr>().ok()?)))
    }

    /// `rport`: outer none if absent, inner none while it has no value (RFC 3581 §3).
    pub fn rport(&self) -> Option<Option<u16>> {
        self.param("rport").map(port)
    }

    /// `maddr` as written.
    pub fn maddr(&self) -> Option<&'a [u8]> {
        self.param("maddr").filter(|maddr| !maddr.is_empty())
    }

    /// `ttl`, 0 to 255.
    pub fn ttl(&self) -> Option<u8> {
        self.param("ttl").and_then(crate::wire::text::number).and_then(|ttl| u8::try_from(ttl).ok())
    }

    /// The sent-by as an address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        host_ip(self.host)
    }
}

/// Every quoted string that opens also closes.
pub(super) fn quotes_close(mut text: &[u8]) -> bool {
    while let Some(at) = memchr::memchr(b'"', text) {
        let quoted = text.get(at..).unwrap_or_default();
        let Some(end) = crate::wire::text::quoted_end(quoted) else {
            return false;
        };
        text = quoted.get(end..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vias() {
        type Row<'a> = (&'a str, Option<(&'a str, &'a str, Option<u16>, Option<&'a str>)>);
        let table: [Row<'_>; 17] = [
            ("SIP/2.0/UDP h:5060;branch=z9hG4bK1", Some(("UDP", "h", Some(5060), Some("z9hG4bK1")))),
            ("SIP/2.0/UDP h:5060 ;branch=x", Some(("UDP", "h", Some(5060), Some("x")))),
            (
                "SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8",
                Some(("TCP", "spindle.example.com", None, Some("z9hG4bK9ikj8"))),
            ),
            ("SIP/2.0/UDP [2001:db8::9:1]:6050;branch=a", Some(("UDP", "[2001:db8::9:1]", Some(6050), Some("a")))),
            ("sip/2.0/TLS-SCTP  h", Some(("TLS-SCTP", "h", None, None))),
            ("SIP/2.0/UDP h : 5060;branch=", Some(("UDP", "h", Some(5060), None))),
            ("SIP/2.0/UDP h;;x;", Some(("UDP", "h", None, None))),
            ("SIP/3.0/UDP h", None),
            ("SIP/2.0/UDP", None),
            ("SIP/2.0/UDP ;branch=x", None),
            ("SIP/2.0/UDP h:", None),
            ("SIP/2.0/UDP h:70000", None),
            ("SIP/2.0/UDP 2001:db8::1", None),
            ("SIP/2.0/UDP h;x=\"open", None),
            ("SIP/2.0/UDP h;received=<;x=a, b", None),
            ("SIP/2.0/UDP h;x=\"<\";branch=a", Some(("UDP", "h", None, Some("a")))),
            (";", None),
        ];
        for (value, expected) in table {
            let via = Via::parse(value.as_bytes()).ok();
            let text = |bytes| std::str::from_utf8(bytes).unwrap();
            let found = via.map(|via| (text(via.transport), text(via.host), via.port, via.branch().map(text)));
            assert_eq!(found, expected, "{value}");
        }
    }

    #[test]
    fn where_it_came_from() {
        let via = |text| Via::parse(text).unwrap();
        let with = via(b"SIP/2.0/UDP h;received=[2001:db8::9];rport;ttl=5;maddr=224.0.0.1");
        let without = via(b"SIP/2.0/UDP h;received=2001:db8::9;rport=77");
        assert_eq!(with.received_ip(), without.received_ip());
        assert_eq!(without.received(), Some(&b"2001:db8::9"[..]));
        assert_eq!((with.rport(), without.rport(), via(b"SIP/2.0/UDP h").rport()), (Some(None), Some(Some(77)), None));
        assert_eq!((with.ttl(), with.maddr()), (Some(5), Some(&b"224.0.0.1"[..])));
    }
}
