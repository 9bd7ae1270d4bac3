//! Who is known by address: the trusted addresses of lines, the addresses of trunks.
//!
//! The longest network that holds the address wins; in networks of one size a port that is named wins over none. A
//! connection comes from any port, so there the port does not count; a trunk's own address, which nobody wrote down to be
//! trusted, stands for the trunk on its own transport only.
use super::Caller;
use crate::settings::{LineNo, Settings, Transport, TrustedAddress};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

/// Networks, sorted so that each question is one search for each length of prefix in use.
#[derive(Debug)]
pub(super) struct Sources {
    networks: Vec<Network>,
    /// The lengths in use, longest first.
    prefixes: Vec<u8>,
}

/// Compared as it is sorted; IPv4 is written as IPv6 has it (`::ffff:192.0.2.1`).
#[derive(Debug)]
struct Network {
    prefix: u8,
    bits: u128,
    /// 0 for any.
    port: u16,
    /// Only this transport counts.
    only: Option<Transport>,
    caller: Caller,
}

impl Sources {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut networks = Vec::new();
        for (line, place) in settings.lines.iter().zip(0..) {
            networks
                .extend(line.trusted.iter().map(|trusted| Network::new(trusted, None, Caller::Line(LineNo(place)))));
        }
        let current = |(place, _): &(usize, _)| !settings.retired.trunks.contains(place);
        for (place, trunk) in settings.trunks.iter().enumerate().filter(current) {
            let itself = trunk.itself();
            let caller = Caller::Trunk(place);
            networks.push(Network::new(&itself, Some(trunk.transport), caller));
            networks.extend(trunk.trusted.iter().map(|trusted| Network::new(trusted, None, caller)));
        }
        networks.sort_by_key(Network::key);
        let mut prefixes: Vec<u8> = networks.iter().map(|network| network.prefix).collect();
        prefixes.dedup();
        prefixes.reverse();
        Self { networks, prefixes }
    }

    pub(super) fn find(&self, source: SocketAddr, transport: Transport) -> Option<Caller> {
        let address = bits(source.ip());
        self.prefixes.iter().find_map(|&prefix| {
            let network = address & mask(prefix);
            match transport {
                Transport::Udp => {
                    let port = source.port();
                    let named = self.first((prefix, network, port)..=(prefix, network, port), transport);
                    named.or_else(|| self.first((prefix, network, 0)..=(prefix, network, 0), transport))
                }
                Transport::Tcp => self.first((prefix, network, 0)..=(prefix, network, u16::MAX), transport),
            }
        })
    }

    fn first(&self, keys: RangeInclusive<(u8, u128, u16)>, transport: Transport) -> Option<Caller> {
        let place = self.networks.partition_point(|network| network.key() < *keys.start());
        let inside = self.networks.iter().skip(place).take_while(|network| network.key() <= *keys.end());
        let counts = |network: &&Network| network.only.is_none_or(|only| only == transport);
        inside.filter(counts).map(|network| network.caller).next()
    }
}

impl Network {
    fn new(trusted: &TrustedAddress, only: Option<Transport>, caller: Caller) -> Self {
        let prefix = if trusted.address.is_ipv4() { trusted.prefix.saturating_add(96) } else { trusted.prefix };
        let bits = bits(trusted.address) & mask(prefix);
        Self { prefix, bits, port: trusted.port.unwrap_or(0), only, caller }
    }

    const fn key(&self) -> (u8, u128, u16) {
        (self.prefix, self.bits, self.port)
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The first so many of 128 bits.
const fn mask(prefix: u8) -> u128 {
    match 128_u32.checked_sub(prefix as u32) {
        Some(128) => 0,
        Some(free) => u128::MAX << free,
        None => u128::MAX,
    }
}
