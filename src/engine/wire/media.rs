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
    /// Bind `port` (and the next one for RTCP) to pass on what a party sends there; or, if it is bound already, learn where
    /// that party receives now.
    Relay {
        /// The local address.
        at: IpAddr,
        /// The local RTP port, even.
        port: u16,
        /// Where the party says it receives; it may send from elsewhere.
        peer: Option<Far>,
        /// What may pass.
        form: Form,
    },
    /// What comes in at one relayed port goes out at the other, byte for byte, and the other way round. Whatever either
    /// was linked with before is linked with nothing.
    Link {
        /// One RTP port.
        one: u16,
        /// The other.
        other: u16,
    },
    /// Close a relayed port.
    EndRelay {
        /// The local RTP port.
        port: u16,
    },
}

/// Where a party receives one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Far {
    /// RTP, or whatever the stream consists of.
    pub rtp: SocketAddr,
    /// RTCP: the next port, unless it says otherwise (RFC 3605).
    pub rtcp: SocketAddr,
}

/// What a stream consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// RTP and RTCP.
    #[default]
    Rtp,
    /// The same, and the handshakes of its keys (RFC 5764).
    Dtls,
    /// Something else: a fax, most of the time.
    Other,
}

/// What the media threads report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaEvent {
    /// The port could not be bound.
    Failed {
        /// The local RTP port.
        port: u16,
    },
    /// Something came in at a relayed port, the first since it was linked.
    Heard {
        /// The local RTP port.
        port: u16,
    },
    /// Nothing has come in at a relayed port since it was linked, though the other party sends.
    OneWay {
        /// The local RTP port.
        port: u16,
    },
}

impl MediaEvent {
    /// The local RTP port that it is about.
    pub const fn port(self) -> u16 {
        match self {
            Self::Failed { port } | Self::Heard { port } | Self::OneWay { port } => port,
        }
    }
}
