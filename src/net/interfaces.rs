//! Which addresses this machine has: a listener on all of them becomes a listener on each.
//!
//! Only so is every peer answered from the address that it called, and told one that it can reach.
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrStorage;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use switchyard_engine::settings::Listener;

/// Puts listeners on single addresses in the place of those on all of them, unless they are known by another address.
///
/// # Errors
/// The system does not tell its addresses.
pub fn spread(listeners: &mut Vec<Listener>) -> std::io::Result<()> {
    let is_wide = |listener: &Listener| listener.address.ip().is_unspecified() && listener.advertise.is_none();
    if !listeners.iter().any(is_wide) {
        return Ok(());
    }
    let own = addresses()?;
    let each = |listener: Listener| {
        let family: Vec<_> = own.iter().filter(|(ip, _)| ip.is_ipv4() == listener.address.is_ipv4()).collect();
        if !is_wide(&listener) || family.is_empty() {
            return vec![listener];
        }
        let on = |&&(ip, prefix): &&(IpAddr, u8)| {
            let address = SocketAddr::new(ip, listener.address.port());
            Listener { address, prefix: Some(prefix), ..listener.clone() }
        };
        family.iter().map(on).collect()
    };
    *listeners = std::mem::take(listeners).into_iter().flat_map(each).collect();
    Ok(())
}

/// The addresses of all interfaces that are up, each with the length of its network's prefix; those that lead to the rest
/// of the world first, loopback last.
fn addresses() -> std::io::Result<Vec<(IpAddr, u8)>> {
    let mut own: Vec<(IpAddr, u8)> = Vec::new();
    for interface in getifaddrs()?.filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP)) {
        let Some(ip) = interface.address.as_ref().and_then(ip_of) else { continue };
        let mask = interface.netmask.as_ref().and_then(ip_of);
        // Without its interface a link-local address leads nowhere.
        let is_local = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
        if !is_local && !own.iter().any(|(known, _)| *known == ip) {
            own.push((ip, mask.map_or(if ip.is_ipv4() { 32 } else { 128 }, prefix)));
        }
    }
    let outward = [source_towards(([192, 0, 2, 1], 9).into()), source_towards(documentation())];
    own.sort_by_key(|(ip, _)| (!outward.contains(&Some(*ip)), ip.is_loopback()));
    Ok(own)
}

fn ip_of(storage: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = storage.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| storage.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

fn prefix(mask: IpAddr) -> u8 {
    let ones = match mask {
        IpAddr::V4(v4) => v4.to_bits().leading_ones(),
        IpAddr::V6(v6) => v6.to_bits().leading_ones(),
    };
    ones as u8
}

/// The address from which the kernel would send there. Nothing is sent.
fn source_towards(peer: SocketAddr) -> Option<IpAddr> {
    let any = if peer.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(peer).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// An address that nobody has (RFC 3849).
fn documentation() -> SocketAddr {
    SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 9, 0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchyard_engine::settings::Transport;

    #[test]
    fn a_listener_on_all_addresses_becomes_one_on_each() {
        let listener = |address: &str, advertise: Option<&str>| Listener {
            transport: Transport::Udp,
            address: address.parse().unwrap(),
            advertise: advertise.map(|told| told.parse().unwrap()),
            prefix: None,
        };
        let mut listeners = vec![
            listener("192.0.2.7:5060", None),
            listener("0.0.0.0:5070", None),
            listener("0.0.0.0:5080", Some("203.0.113.7:5080")),
        ];
        spread(&mut listeners).unwrap();
        assert_eq!(listeners.first().map(Listener::told), Some("192.0.2.7:5060".parse().unwrap()));
        assert_eq!(listeners.last().map(|last| last.address), Some("0.0.0.0:5080".parse().unwrap()));
        let loopback = listeners.iter().find(|listener| listener.address == "127.0.0.1:5070".parse().unwrap());
        assert_eq!(loopback.and_then(|loopback| loopback.holds("127.9.9.9".parse().unwrap())), Some(8));
        assert!(listeners.iter().filter(|listener| listener.address.ip().is_unspecified()).count() == 1);
    }
}
