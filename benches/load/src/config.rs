//! The configuration of a server that we start.
use crate::ends::{Side, Transport};

/// Two trunks, and as many lines as are wanted.
pub(crate) fn config(transport: Transport, addresses: [std::net::SocketAddr; 3], password: &str, lines: u32) -> String {
    let address = |side: Side| addresses[side as usize];
    let (caller, callee) = (address(Side::Caller), address(Side::Callee));
    let name = match transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
    };
    let last = crate::digits::line(lines.saturating_sub(1).max(1));
    let last = String::from_utf8_lossy(&last);
    format!(
        "[server]\ndomain = \"{DOMAIN}\"\ndata = \"\"\n[[listen]]\ntransport = \"{name}\"\naddress = \"127.0.0.1:0\"\n\
         [http]\naddress = \"127.0.0.1:0\"\n\
         [trunks.caller]\naddress = \"{caller}\"\ntransport = \"{name}\"\n\
         [trunks.callee]\naddress = \"{callee}\"\ntransport = \"{name}\"\nprefix = \"u\"\n\
         [line_ranges.load]\nnumbers = \"r0000000-{last}\"\npassword = \"{password}\"\n"
    )
}

/// Of a server that we start.
pub(crate) const DOMAIN: &str = "pbx.test";

/// The description that all ends offer and answer; nobody listens at the port.
pub(crate) fn media(address: std::net::SocketAddr, port: u16) -> String {
    let ip = address.ip();
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    format!(
        "v=0\r\no=load 53655765 2353687637 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}
