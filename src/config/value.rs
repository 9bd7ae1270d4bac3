//! How values are written: texts, durations, addresses, numbers and their ranges.
use super::problem::Problem;
use super::section::{Placed, Value, kind};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;
use switchyard_engine::base::limits::{NAME_BYTES, NUMBER_BYTES};
use switchyard_engine::settings::{Algorithm, Dtmf, MediaWay, TrustedAddress};

/// Any text.
pub(super) fn text(value: Value<'_>) -> Option<String> {
    match value.raw().as_str() {
        Some(text) => Some(text.to_owned()),
        None => value.wrong(format!("expected a text in quotes, found {}", kind(value.raw()))),
    }
}

/// A text that fits where names are kept: no control characters, not too long.
pub(super) fn name(value: Value<'_>) -> Option<String> {
    let text = text(value)?;
    if text.chars().any(char::is_control) {
        return value.wrong("a name must not hold control characters");
    }
    if text.len() > NAME_BYTES {
        return value.wrong(format!("a name must not be longer than {NAME_BYTES} bytes"));
    }
    Some(text)
}

/// `true` or `false`.
pub(super) fn switch(value: Value<'_>) -> Option<bool> {
    value.raw().as_bool().or_else(|| value.wrong(format!("expected true or false, found {}", kind(value.raw()))))
}

/// Keys of a phone, so many at most.
pub(super) fn keys(value: Value<'_>, most: usize) -> Option<String> {
    let text = text(value)?;
    let is_key = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#' | 'A'..='D');
    if text.is_empty() || text.len() > most || !text.chars().all(is_key) {
        return value.wrong(format!("\"{text}\" is not 1 to {most} keys of a phone: 0 to 9, * and #, A to D"));
    }
    Some(text)
}

/// One key of a phone.
pub(super) fn key(value: Value<'_>) -> Option<char> {
    keys(value, 1)?.chars().next()
}

/// A whole number within limits.
pub(super) fn count(limits: RangeInclusive<usize>) -> impl Fn(Value<'_>) -> Option<usize> {
    move |value| {
        let number = value.raw().as_integer().and_then(|i| usize::from_str_radix(i.as_str(), i.radix()).ok());
        number
            .filter(|number| limits.contains(number))
            .or_else(|| value.wrong(format!("expected a whole number from {} to {}", limits.start(), limits.end())))
    }
}

/// One word out of a few.
pub(super) fn word<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(Value<'_>) -> Option<T> {
    move |value| {
        let text = text(value)?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*meaning);
        }
        let all: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let problem = Problem::error(&value.place(), format!("\"{text}\" is none of {}", all.join(", ")));
        value.note(problem.did_you_mean(&text, words.iter().map(|(word, _)| *word)))
    }
}

/// A list, or a single value in place of a list of one; wrong elements are left out.
pub(super) fn list<T>(element: impl Fn(Value<'_>) -> Option<T>) -> impl Fn(Value<'_>) -> Option<Vec<T>> {
    move |value| Some(value.elements().into_iter().filter_map(&element).collect())
}

/// A value with its place.
pub(super) fn placed<T>(read: impl Fn(Value<'_>) -> Option<T>) -> impl Fn(Value<'_>) -> Option<Placed<T>> {
    move |value| read(value).map(|read| value.placed(read))
}

/// What zero seconds mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zero {
    /// Nothing sensible.
    Refused,
    /// Never, or none.
    Never,
}

const DAY: u64 = 24 * 3600;

/// A duration such as `"90s"`, from one second to a day.
pub(super) fn duration(zero: Zero) -> impl Fn(Value<'_>) -> Option<Duration> {
    duration_to(zero, DAY)
}

/// A session interval: RFC 4028 allows none under 90 s.
pub(super) fn session_interval(value: Value<'_>) -> Option<Duration> {
    duration_to(Zero::Refused, DAY)(value).and_then(|interval| {
        let enough = interval >= Duration::from_secs(90);
        if enough {
            Some(interval)
        } else {
            value.wrong(format!("{}s is out of range: 90s to {DAY}s", interval.as_secs()))
        }
    })
}

/// A duration with an upper limit of its own, in seconds.
pub(super) fn duration_to(zero: Zero, most: u64) -> impl Fn(Value<'_>) -> Option<Duration> {
    move |value| {
        let text = text(value)?;
        let Some(seconds) = seconds(&text) else {
            let what = format!("\"{text}\" is not a duration: write it as \"90s\", \"30m\" or \"1h\"");
            return value.wrong(what);
        };
        if seconds > most || seconds == 0 && zero == Zero::Refused {
            let least = if zero == Zero::Never { "0s" } else { "1s" };
            return value.wrong(format!("\"{text}\" is out of range: {least} to {most}s"));
        }
        Some(Duration::from_secs(seconds))
    }
}

fn seconds(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u64>().ok()?.checked_mul(unit))?
}

/// An address with its port.
pub(super) fn address(value: Value<'_>) -> Option<SocketAddr> {
    let text = text(value)?;
    text.parse().ok().or_else(|| {
        value.wrong(format!(
            "\"{text}\" is not an address with a port, such as \"192.0.2.1:5060\" or \"[2001:db8::1]:5060\""
        ))
    })
}

/// An address without a port.
pub(super) fn host(value: Value<'_>) -> Option<IpAddr> {
    let text = text(value)?;
    text.parse().ok().or_else(|| value.wrong(format!("\"{text}\" is not an IP address")))
}

/// An address or network, perhaps with a port.
pub(super) fn trusted(value: Value<'_>) -> Option<TrustedAddress> {
    let text = text(value)?;
    trusted_address(&text).or_else(|| {
        value.wrong(format!("\"{text}\" is not an address: \"192.0.2.1\", \"192.0.2.1:5060\" or \"192.0.2.0/24\""))
    })
}

fn trusted_address(text: &str) -> Option<TrustedAddress> {
    let whole = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(TrustedAddress { address, prefix: whole(address), port: None });
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(TrustedAddress { address: address.ip(), prefix: whole(address.ip()), port: Some(address.port()) });
    }
    let (address, prefix) = text.split_once('/')?;
    let address = address.parse().ok()?;
    let prefix = prefix.parse().ok().filter(|prefix| *prefix <= whole(address))?;
    Some(TrustedAddress { address, prefix, port: None })
}

/// A SIP URI whose host is an IP address.
pub(super) fn contact(value: Value<'_>) -> Option<String> {
    let text = text(value)?;
    let host = text.strip_prefix("sip:").map(|rest| rest.rsplit_once('@').map_or(rest, |(_, host)| host));
    let host = host.map(|host| host.split(';').next().unwrap_or(host));
    let bare = |host: &str| host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    if host.is_some_and(|host| host.parse::<SocketAddr>().is_ok() || bare(host)) {
        return Some(text);
    }
    value.wrong(format!("\"{text}\" is not a SIP URI with an IP address, such as \"sip:192.0.2.10:5060\""))
}

/// A digest algorithm.
pub(super) fn algorithm(value: Value<'_>) -> Option<Algorithm> {
    word(&[("MD5", Algorithm::Md5), ("SHA-256", Algorithm::Sha256)])(value)
}

/// Digest algorithms, strongest first.
pub(super) fn algorithms(value: Value<'_>) -> Option<Vec<Algorithm>> {
    let mut read = list(algorithm)(value)?;
    read.sort_by_key(|algorithm| std::cmp::Reverse(*algorithm as usize));
    read.dedup();
    if value.elements().is_empty() {
        return value.wrong("at least one algorithm is needed");
    }
    (!read.is_empty()).then_some(read)
}

/// Something that can be dialled as a whole.
pub(super) fn number(value: Value<'_>) -> Option<String> {
    let text = text(value)?;
    match dialable(&text) {
        Ok(()) => Some(text),
        Err(what) => value.wrong(what),
    }
}

/// Whether a text can be dialled.
pub(super) fn dialable(text: &str) -> Result<(), String> {
    if text.is_empty() || text.len() > NUMBER_BYTES {
        return Err(format!("a number must have 1 to {NUMBER_BYTES} characters"));
    }
    match text.chars().find(|c| !c.is_ascii_alphanumeric() && !"*#+-._".contains(*c)) {
        Some(wrong) => Err(format!("{wrong:?} cannot be dialled: digits, letters and * # + - . _ can")),
        None => Ok(()),
    }
}

/// Numbers from first to last, as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NumberRange {
    pub(super) prefix: String,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) width: usize,
}

impl NumberRange {
    /// All of them.
    pub(super) fn numbers(&self) -> impl Iterator<Item = String> {
        (self.first..=self.last).map(|n| format!("{}{n:0width$}", self.prefix, width = self.width))
    }

    pub(super) fn len(&self) -> u64 {
        self.last - self.first + 1
    }
}

/// `"701-720"` or `"u00000-u09999"`; nothing if it is no range at all.
pub(super) fn number_range(text: &str) -> Option<Result<NumberRange, String>> {
    let split = |end: &str| {
        let prefix = end.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        (end[..prefix].to_owned(), end[prefix..].to_owned())
    };
    let (first, last) = text.split_once('-')?;
    let ((prefix, first), (last_prefix, last)) = (split(first.trim()), split(last.trim()));
    if first.is_empty() || last.is_empty() {
        return None;
    }
    let wrong = |why: &str| Some(Err(format!("\"{text}\": {why}")));
    if prefix != last_prefix || first.len() != last.len() {
        return wrong("both ends of a range need the same letters and as many digits");
    }
    let (width, Ok(first), Ok(last)) = (first.len(), first.parse::<u64>(), last.parse::<u64>()) else {
        return wrong("too many digits");
    };
    if last < first || last == u64::MAX {
        return wrong("the range ends before it begins");
    }
    if let Err(what) = dialable(&prefix).or_else(|what| if prefix.is_empty() { Ok(()) } else { Err(what) }) {
        return wrong(&what);
    }
    Some(Ok(NumberRange { prefix, first, last, width }))
}

/// A number, a range of numbers, or a list of both, written out; at most `most`.
pub(super) fn numbers(most: usize) -> impl Fn(Value<'_>) -> Option<Vec<String>> {
    move |value| {
        let mut all = Vec::new();
        for element in value.elements() {
            let text = text(element)?;
            match number_range(&text) {
                Some(Ok(range)) if range.len() > (most - all.len().min(most)) as u64 => {
                    return element.wrong(format!("too many numbers: at most {most}"));
                }
                Some(Ok(range)) => all.extend(range.numbers()),
                Some(Err(what)) => return element.wrong(what),
                None => all.push(number(element)?),
            }
        }
        if all.is_empty() { value.wrong("at least one number is needed") } else { Some(all) }
    }
}

/// `"direct"`, `"relay"` or `"auto"`.
pub(super) fn media_way(value: Value<'_>) -> Option<MediaWay> {
    word(&[("direct", MediaWay::Direct), ("relay", MediaWay::Relay), ("auto", MediaWay::Auto)])(value)
}

/// `"auto"`, `"rfc4733"` or `"info"`.
pub(super) fn dtmf(value: Value<'_>) -> Option<Dtmf> {
    word(&[("auto", Dtmf::Auto), ("rfc4733", Dtmf::Rfc4733), ("info", Dtmf::Info)])(value)
}

/// UDP ports such as `"10000-19999"`, with an even one and its successor among them.
pub(super) fn ports(value: Value<'_>) -> Option<RangeInclusive<u16>> {
    let text = text(value)?;
    let ends: Option<(u16, u16)> =
        text.split_once('-').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    match ends {
        Some((first, last)) if first > 0 && first.next_multiple_of(2) < last => Some(first..=last),
        _ => value.wrong(format!(
            "\"{text}\" is not a range of ports with an even one and the next, such as \"10000-19999\""
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        let table = [
            ("90s", Some(90)),
            ("30m", Some(1800)),
            ("1h", Some(3600)),
            ("0s", Some(0)),
            ("90", None),
            ("s", None),
            ("-1s", None),
            ("1.5h", None),
            ("1d", None),
            ("99999999999999999999s", None),
            ("9999999999999999999h", None),
        ];
        for (text, expected) in table {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn ranges_keep_letters_and_leading_zeros() {
        let range = number_range("u098-u101").unwrap().unwrap();
        assert_eq!(range.numbers().collect::<Vec<_>>(), ["u098", "u099", "u100", "u101"]);
        let refused = ["98-101", "u1-v2", "9-1", "é1-é2", "1-99999999999999999999"];
        for text in refused {
            assert!(number_range(text).unwrap_or(Err(String::new())).is_err(), "{text}");
        }
        for text in ["701", "front-desk", "-5", "5-"] {
            assert_eq!(number_range(text), None, "{text}");
        }
    }

    #[test]
    fn trusted_addresses_are_hosts_sockets_or_networks() {
        let address =
            |address: &str, prefix, port| Some(TrustedAddress { address: address.parse().unwrap(), prefix, port });
        let table = [
            ("192.0.2.1", address("192.0.2.1", 32, None)),
            ("192.0.2.1:5060", address("192.0.2.1", 32, Some(5060))),
            ("192.0.2.0/24", address("192.0.2.0", 24, None)),
            ("[2001:db8::1]:5060", address("2001:db8::1", 128, Some(5060))),
            ("2001:db8::/32", address("2001:db8::", 32, None)),
            ("192.0.2.0/33", None),
            ("pbx.test", None),
        ];
        for (text, expected) in table {
            assert_eq!(trusted_address(text), expected, "{text}");
        }
    }
}
