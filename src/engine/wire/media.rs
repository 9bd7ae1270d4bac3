//! All that the engine knows of media: what it orders, what it is told.
use std::net::{IpAddr, SocketAddr};

/// An order to the media threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaOrder {
    /// Bind `port` (and the next one for RTCP) and keep `peer` alive from there.
    Open {
        /// The local address.
        at: IpAddr,
        /// The local RTP port, even.
        port: u16,
        /// Where the peer says it receives; it may send from elsewhere.
        peer: Option<SocketAddr>,
        /// The RTP payload type to send, of G.711.
        payload_type: u8,
    },
    /// The peer's address changed.
    Redirect {
        /// The local RTP port.
        port: u16,
        /// Where the peer receives now.
        peer: Option<SocketAddr>,
        /// The RTP payload type to send, of G.711.
        payload_type: u8,
    },
    /// Close the port.
    Close {
        /// The local RTP port.
        port: u16,
    },
}

/// What the media threads report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaEvent {
    /// The port could not be bound.
    Failed {
        /// The local RTP port.
        port: u16,
    },
}
