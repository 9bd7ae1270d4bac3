//! Who is known by address: the trusted addresses of lines, the addresses of trunks.
//!
//! The longest network that holds the address wins; in networks of one size a port that is named wins over none.
use super::Caller;
use crate::settings::{LineNo, Settings, TrustedAddress};
use std::net::{IpAddr, SocketAddr};

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
    caller: Caller,
}

impl Sources {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut networks = Vec::new();
        for (line, place) in settings.lines.iter().zip(0..) {
            networks.extend(line.trusted.iter().map(|trusted| Network::new(trusted, Caller::Line(LineNo(place)))));
        }
        let current = |(place, _): &(usize, _)| !settings.retired.trunks.contains(place);
        for (place, trunk) in settings.trunks.iter().enumerate().filter(current) {
            let itself = trunk.itself();
            let all = std::iter::once(&itself).chain(&trunk.trusted);
            networks.extend(all.map(|trusted| Network::new(trusted, Caller::Trunk(place))));
        }
        networks.sort_by_key(Network::key);
        let mut prefixes: Vec<u8> = networks.iter().map(|network| network.prefix).collect();
        prefixes.dedup();
        prefixes.reverse();
        Self { networks, prefixes }
    }

    pub(super) fn find(&self, source: SocketAddr) -> Option<Caller> {
        let address = bits(source.ip());
        self.prefixes.iter().find_map(|&prefix| {
            let network = address & mask(prefix);
            self.exactly((prefix, network, source.port())).or_else(|| self.exactly((prefix, network, 0)))
        })
    }

    fn exactly(&self, key: (u8, u128, u16)) -> Option<Caller> {
        let place = self.networks.partition_point(|network| network.key() < key);
        self.networks.get(place).filter(|network| network.key() == key).map(|network| network.caller)
    }
}

impl Network {
    fn new(trusted: &TrustedAddress, caller: Caller) -> Self {
        let prefix = if trusted.address.is_ipv4() { trusted.prefix.saturating_add(96) } else { trusted.prefix };
        let bits = bits(trusted.address) & mask(prefix);
        Self { prefix, bits, port: trusted.port.unwrap_or(0), caller }
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
