//! The configuration of a server that we start.
use crate::ends::{Side, Transport};
use crate::profile::park::{FIRST_ORBIT, LOT};
use std::net::SocketAddr;

/// What the server is to have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'w> {
    pub(crate) transport: Transport,
    /// Of the ends.
    pub(crate) addresses: &'w [SocketAddr],
    pub(crate) password: &'w str,
    pub(crate) lines: u32,
    pub(crate) orbits: u32,
    /// Seconds until it reminds.
    pub(crate) reminder: u64,
}

/// Two trunks, a lot, and as many lines as are wanted.
pub(crate) fn config(wanted: &Wanted<'_>) -> String {
    let address = |side: Side| wanted.addresses[side.place()];
    let (caller, callee) = (address(Side::Caller), address(Side::Callee));
    let name = wanted.transport.name().to_lowercase();
    let last = crate::digits::line(wanted.lines.saturating_sub(1).max(1));
    let last = String::from_utf8_lossy(&last);
    let (password, reminder) = (wanted.password, wanted.reminder);
    let last_orbit = FIRST_ORBIT + wanted.orbits.saturating_sub(1).max(1);
    // Its phones have no ears: nothing is said to them, and parking costs what parking costs.
    format!(
        "[server]\ndomain = \"{DOMAIN}\"\ndata = \"\"\n[[listen]]\ntransport = \"{name}\"\naddress = \"127.0.0.1:0\"\n\
         [http]\naddress = \"127.0.0.1:0\"\n[media]\nports = \"{MEDIA}\"\n\
         [trunks.caller]\naddress = \"{caller}\"\ntransport = \"{name}\"\n\
         [trunks.callee]\naddress = \"{callee}\"\ntransport = \"{name}\"\nprefix = \"u\"\n\
         [line_ranges.load]\nnumbers = \"r0000000-{last}\"\npassword = \"{password}\"\n\
         [lots.load]\nnumber = \"{LOT}\"\norbits = \"{FIRST_ORBIT}-{last_orbit}\"\ncooldown = \"0s\"\n\
         announce_to = \"none\"\nannounce_refusals = false\n\
         first_reminder = \"{reminder}s\"\nreminder_ring = \"60s\"\n"
    )
}

/// Enough for a full lot, and below the ports that the kernel gives away.
const MEDIA: &str = "10000-32767";
/// Of a server that we start.
pub(crate) const DOMAIN: &str = "pbx.test";

/// The description that all ends offer and answer; nobody listens at the port.
pub(crate) fn media(address: SocketAddr, port: u16) -> String {
    let ip = address.ip();
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    format!(
        "v=0\r\no=load 53655765 2353687637 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}
