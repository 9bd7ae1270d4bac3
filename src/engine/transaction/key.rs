//! What transactions and dialogs are recognised by: ids of ours that route themselves, and keys made of the peer's.
use crate::base::text::{hex8, unhex8};
use crate::ground::Ground;
use crate::wire::{Message, Method, Via};

/// What every branch begins with (RFC 3261 §8.1.1.7).
const MAGIC: &[u8] = b"z9hG4bK";

/// A tag of ours: the slot of who minted it, and 32 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tag {
    pub(crate) slot: u32,
    pub(crate) secret: u32,
}

impl Tag {
    /// How it is written: 16 hexadecimal digits.
    pub(crate) fn text(self) -> [u8; 16] {
        pair(self.slot, self.secret)
    }

    /// The tag that is written so, if it can be ours.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let (slot, secret) = unpair(text)?;
        Some(Self { slot, secret })
    }
}

/// A branch of ours: the slot of the client transaction, and 32 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Branch {
    pub(crate) slot: u32,
    pub(crate) secret: u32,
}

impl Branch {
    /// How it is written.
    pub(crate) fn text(self) -> [u8; 23] {
        let mut text = [0; 23];
        text[..7].copy_from_slice(MAGIC);
        text[7..].copy_from_slice(&pair(self.slot, self.secret));
        text
    }

    /// The branch that is written so, if it can be ours.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let (slot, secret) = unpair(text.strip_prefix(MAGIC)?)?;
        Some(Self { slot, secret })
    }
}

fn pair(slot: u32, secret: u32) -> [u8; 16] {
    let mut text = [0; 16];
    text[..8].copy_from_slice(&hex8(slot));
    text[8..].copy_from_slice(&hex8(secret));
    text
}

fn unpair(text: &[u8]) -> Option<(u32, u32)> {
    let (slot, secret) = text.split_at_checked(8)?;
    Some((unhex8(slot)?, unhex8(secret)?))
}

/// The key of a server transaction (RFC 3261 §17.2.3). An ACK has that of its INVITE; a CANCEL is looked up both ways.
pub(crate) fn server_key(ground: &Ground, message: &Message<'_>, via: &Via<'_>, method: Method) -> u64 {
    let port = via.port.unwrap_or(5060);
    match via.branch().filter(|branch| branch.starts_with(MAGIC)) {
        Some(branch) => ground.hasher.hash_one((branch, lower(via.host), port, method)),
        // A stack of RFC 2543 has no unique branch: what identifies its request is all of these (§17.2.3, last part).
        None => {
            let number = message.cseq().map_or(0, |cseq| cseq.number);
            let ids = (message.call_id().unwrap_or_default(), message.from_tag(), number);
            ground.hasher.hash_one((ids, message.uri_text(), lower(via.host), port, method))
        }
    }
}

/// What stays the same when one request reaches us by two ways (RFC 3261 §8.2.2.2).
pub(crate) fn origin_key(ground: &Ground, message: &Message<'_>) -> u64 {
    let cseq = message.cseq().map(|cseq| (cseq.number, cseq.method)).ok();
    let key = ground.hasher.hash_one((message.call_id().unwrap_or_default(), message.from_tag(), cseq));
    key.max(1)
}

/// Host names compare without regard to case; addresses are most of them and have none.
fn lower(host: &[u8]) -> impl std::hash::Hash {
    host.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_there_and_back() {
        let tag = Tag { slot: 77, secret: 0xfeed_f00d };
        assert_eq!(Tag::read(&tag.text()), Some(tag));
        let branch = Branch { slot: u32::MAX, secret: 1 };
        assert_eq!(Branch::read(&branch.text()), Some(branch));
        for other in [&b"z9hG4bK"[..], b"z9hG4bK0000000", b"z9hG4bKnashds8000000000", b"", b"0000004dfeedf00"] {
            assert_eq!((Branch::read(other), Tag::read(other)), (None, None));
        }
    }
}
