//! A loopback address of one's own: stories run beside each other, and any port is free there.
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// Whoever holds this port of an address has the address.
const CLAIM: u16 = 9;
/// The first port handed out; the ports of one phone are a few beside each other.
const FIRST: u16 = 20_000;
const STEP: u16 = 20;

/// An address that nobody else uses while this lives.
pub(crate) struct Ground {
    pub(crate) ip: IpAddr,
    next: AtomicU16,
    _claim: UdpSocket,
}

impl Ground {
    pub(crate) fn claim() -> Self {
        // Processes begin their search far from each other.
        let start = std::process::id().wrapping_mul(64);
        let (ip, claim) = (0..65_536)
            .find_map(|n| {
                let [_, b, c, d] = start.wrapping_add(n).to_be_bytes();
                let ip = IpAddr::V4(Ipv4Addr::new(127, b | 0x80, c, d.clamp(1, 254)));
                UdpSocket::bind((ip, CLAIM)).ok().map(|claim| (ip, claim))
            })
            .expect("a loopback address");
        Self { ip, next: AtomicU16::new(FIRST), _claim: claim }
    }

    /// The first of a few ports beside each other.
    pub(crate) fn ports(&self) -> u16 {
        self.next.fetch_add(STEP, Relaxed)
    }
}
