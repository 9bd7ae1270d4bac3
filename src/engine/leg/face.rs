//! Faces: the ports of ours that one party sends its media to, when its media goes through us.
//!
//! A face belongs to one party, whoever it talks to: the other party's descriptions are shown to it with the face's ports
//! in them. So it may go from one partner to the next and send to the same ports all along.
use super::{LegId, Legs};
use crate::base::Flow;
use crate::wire::sdp::{self, STREAMS, StreamSet};
use std::net::IpAddr;

/// Names a face.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FaceNo(u16);

impl FaceNo {
    /// The party's media goes past us.
    pub(crate) const NONE: Self = Self(0);
}

/// Ports for one party.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Face {
    /// By the place of the stream in the description; 0 where there is none.
    pub(crate) ports: [u16; STREAMS],
    /// The address that they are bound to.
    pub(crate) bound: IpAddr,
    /// The address that the party is told.
    told: IpAddr,
    /// Something came in since it was linked.
    pub(crate) heard: bool,
    /// The party is told that keys are received as events of this payload type, where whom it talks to says nothing of them.
    pub(crate) shows: Option<u8>,
    /// What the relay was told of the party's keys last.
    pub(crate) keys: Option<KeyWay>,
}

/// How a party's keys come in as events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyWay {
    /// At which of the face's ports.
    pub(crate) port: u16,
    /// Of which payload type.
    pub(crate) events: u8,
    /// They are told, and do not pass by themselves.
    pub(crate) kept: bool,
    /// Whom they are for really receives events.
    pub(crate) played: bool,
}

impl Face {
    /// The streams that have a port.
    pub(crate) fn streams(&self) -> StreamSet {
        let with_port = self.ports.iter().enumerate().filter(|(_, port)| **port != 0);
        with_port.fold(0, |set, (index, _)| set | 1 << index)
    }

    /// Its ports.
    pub(crate) fn taken(&self) -> impl Iterator<Item = u16> + use<> {
        self.ports.into_iter().filter(|port| *port != 0)
    }
}

/// All faces.
#[derive(Debug, Default)]
pub(crate) struct Faces {
    faces: Vec<Option<Face>>,
    free: Vec<u16>,
}

impl Faces {
    fn open(&mut self, face: Face) -> FaceNo {
        let place = self.free.pop().unwrap_or_else(|| {
            self.faces.push(None);
            // No more than there are ports, but for those that have none yet.
            self.faces.len() as u16 - 1
        });
        self.faces[usize::from(place)] = Some(face);
        FaceNo(place + 1)
    }

    pub(crate) fn face(&self, no: FaceNo) -> Option<&Face> {
        self.faces.get(usize::from(no.0.checked_sub(1)?))?.as_ref()
    }

    pub(crate) fn face_mut(&mut self, no: FaceNo) -> Option<&mut Face> {
        self.faces.get_mut(usize::from(no.0.checked_sub(1)?))?.as_mut()
    }

    fn close(&mut self, no: FaceNo) -> Option<Face> {
        let place = no.0.checked_sub(1)?;
        let face = self.faces.get_mut(usize::from(place))?.take()?;
        self.free.push(place);
        Some(face)
    }

    /// Every face.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = FaceNo> {
        self.faces.iter().zip(1..).filter(|(face, _)| face.is_some()).map(|(_, no)| FaceNo(no))
    }
}

impl Legs {
    /// A face without ports, for a party on this flow.
    pub(crate) fn open_face(&mut self, flow: Flow) -> Option<FaceNo> {
        if self.faces.free.is_empty() && self.faces.faces.len() >= usize::from(u16::MAX) {
            return None;
        }
        let ground = &self.transactions.ground;
        let (bound, told) = (ground.media_bound(flow), ground.media_ip(flow));
        let face = Face { ports: [0; STREAMS], bound, told, heard: false, shows: None, keys: None };
        Some(self.faces.open(face))
    }

    /// From now on this leg's party is told the ports of that face.
    pub(crate) fn put_face(&mut self, id: LegId, face: FaceNo) {
        if let Some(leg) = self.legs.get_mut(id) {
            leg.face = face;
        }
    }

    /// The face is gone; its ports are the caller's to give back. No leg may have it.
    pub(crate) fn close_face(&mut self, no: FaceNo) -> Option<Face> {
        self.faces.close(no)
    }

    /// What a party of that face is told instead of `body`.
    pub(super) fn through_face(&self, no: FaceNo, body: &[u8], out: &mut Vec<u8>) {
        match self.faces.face(no) {
            Some(face) => sdp::relay(body, face.told, &face.ports, face.shows, out),
            None => out.extend_from_slice(body),
        }
    }
}
