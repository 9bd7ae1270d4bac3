//! Framing on a stream: a message is whole at its last byte and not before, whatever stands behind it.
use switchyard_engine::wire::{Chunk, Framing, Message, next_chunk};

const MOST: usize = 2_000;

/// What a connection has brought; the first byte says at which places it arrives in pieces.
pub fn stream(bytes: &[u8]) {
    let Some((&pieces, mut rest)) = bytes.split_first() else { return };
    while !rest.is_empty() {
        let chunk = next_chunk(rest, MOST);
        comes_in_pieces(rest, chunk, usize::from(pieces) + 1);
        let taken = match chunk {
            Chunk::Incomplete => {
                // A message may be whole but for bytes that are still to come; neither it nor its head may be longer.
                assert!(rest.len() <= MOST);
                return;
            }
            Chunk::Broken(fault) => {
                // It stays broken, however it goes on.
                let longer = [rest, b"\r\n\r\nBYE sip:a@b SIP/2.0\r\n"].concat();
                if head_is_there(rest) {
                    assert_eq!(next_chunk(&longer, MOST), Chunk::Broken(fault));
                }
                return;
            }
            Chunk::KeepAlive(length) => {
                assert!(rest[..length].iter().all(|byte| matches!(byte, b'\r' | b'\n')));
                length
            }
            Chunk::Message(length) => {
                is_whole(rest, length, usize::from(pieces));
                length
            }
        };
        assert!(0 < taken && taken <= rest.len(), "it goes on");
        rest = &rest[taken..];
    }
}

/// In pieces it is the same, as soon as its last piece is there. Line ends are told sooner, and garbage may be.
fn comes_in_pieces(rest: &[u8], chunk: Chunk, size: usize) {
    let mut framing = Framing::default();
    let lengths = (size..rest.len()).step_by(size).chain([rest.len()]);
    let first =
        lengths.map(|length| framing.next_chunk(&rest[..length], MOST)).find(|chunk| *chunk != Chunk::Incomplete);
    match (chunk, first.unwrap_or(Chunk::Incomplete)) {
        (Chunk::KeepAlive(whole), Chunk::KeepAlive(length)) => assert!(length <= whole),
        (Chunk::Broken(_), Chunk::Broken(_)) => {}
        (chunk, first) => assert_eq!(chunk, first, "{size} bytes at a time"),
    }
}

fn head_is_there(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

fn is_whole(rest: &[u8], length: usize, pieces: usize) {
    assert!(length <= MOST);
    let whole = &rest[..length];
    assert_eq!(next_chunk(whole, MOST), Chunk::Message(length), "it needs nothing of what follows");
    for short in [1, length / 2, length - 1, pieces.min(length - 1)] {
        assert_eq!(next_chunk(&whole[..short], MOST), Chunk::Incomplete, "{short} of {length} bytes");
    }
    let message = Message::parse(whole).expect("a head that was framed can be read");
    match message.content_length() {
        Some(said) => assert_eq!(said as usize, message.body().len()),
        None => assert!(message.body().is_empty(), "who says no length has no body on a stream"),
    }
}
