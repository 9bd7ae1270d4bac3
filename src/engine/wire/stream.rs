//! Where a message ends on a stream: TCP, TLS (RFC 3261 §18.3, RFC 5626 §3.5.1).

use super::{
    malformed::Malformed,
    message::Message,
    scan::{declared_length, scan},
};

/// What lies at the head of a stream's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk {
    /// Nothing whole yet: read on.
    Incomplete,
    /// Line ends of this many bytes: four are a ping (answered with two), two are a pong.
    KeepAlive(usize),
    /// A message of this many bytes.
    Message(usize),
    /// Nobody can say where the next message begins: the connection is of no more use.
    Broken(Malformed),
}

/// Looks for the first whole message in what a stream has brought so far. `most` is the longest that is taken, in bytes.
pub fn next_chunk(buffer: &[u8], most: usize) -> Chunk {
    let blank = buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    match (blank, blank == buffer.len()) {
        (0, true) => return Chunk::Incomplete,
        (1.., true) if buffer.ends_with(b"\r") => return Chunk::Incomplete,
        (1.., _) => return Chunk::KeepAlive(blank),
        (0, false) => {}
    }
    let Some(head) = head_end(buffer) else {
        return if buffer.len() > most { Chunk::Broken(Malformed::TooLarge) } else { Chunk::Incomplete };
    };
    let length = match scan(buffer.get(..head).unwrap_or_default()) {
        Ok(message) => body_length(&message),
        Err(fault) => Err(fault),
    };
    match length.map(|length| head.saturating_add(length)) {
        Ok(whole) if whole > most => Chunk::Broken(Malformed::TooLarge),
        Ok(whole) if whole > buffer.len() => Chunk::Incomplete,
        Ok(whole) => Chunk::Message(whole),
        Err(fault) => Chunk::Broken(fault),
    }
}

/// On a stream a message must say its length (RFC 3261 §18.3): nobody could tell where the next one begins.
fn body_length(head: &Message<'_>) -> Result<usize, Malformed> {
    let length = declared_length(head)?.ok_or(Malformed::NoContentLength)?;
    usize::try_from(length).map_err(|_| Malformed::TooLarge)
}

/// The place behind the blank line.
fn head_end(buffer: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', buffer).find_map(|at| match buffer.get(at + 1..)? {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_from_a_stream() {
        let head = "BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n";
        let (with_body, without) = (format!("{head}l: 3\r\n\r\nabc"), format!("{head}l: 0\r\n\r\n"));
        for (buffer, expected) in [
            (String::new(), Chunk::Incomplete),
            ("\r\n".to_owned(), Chunk::KeepAlive(2)),
            ("\r\n\r".to_owned(), Chunk::Incomplete),
            ("\r\n\r\n".to_owned(), Chunk::KeepAlive(4)),
            (format!("\r\n{without}"), Chunk::KeepAlive(2)),
            (with_body.clone(), Chunk::Message(with_body.len())),
            (format!("{with_body}{without}"), Chunk::Message(with_body.len())),
            (without.clone() + "BYE", Chunk::Message(without.len())),
            (with_body.replace("abc", "ab"), Chunk::Incomplete),
            (head.to_owned(), Chunk::Incomplete),
            (format!("{head}\r\n"), Chunk::Broken(Malformed::NoContentLength)),
            ("x".repeat(1001), Chunk::Broken(Malformed::TooLarge)),
            (with_body.replace("l: 3", "l: 2000"), Chunk::Broken(Malformed::TooLarge)),
            (with_body.replace("l: 3", "l: -3"), Chunk::Broken(Malformed::ContentLength)),
            (with_body.replace("l: 3", "l: 3\r\nl: 4"), Chunk::Broken(Malformed::ContentLengthConflict)),
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), Chunk::Broken(Malformed::StartLine)),
        ] {
            assert_eq!(next_chunk(buffer.as_bytes(), 1000), expected, "{buffer:?}");
        }
    }
}
