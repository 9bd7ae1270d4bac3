//! Where a message ends on a stream: TCP, TLS (RFC 3261 §18.3, RFC 5626 §3.5.1).

use super::{
    malformed::Malformed,
    message::Message,
    scan::{declared_length, scan},
};

/// Two line ends.
const PING: usize = 4;

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

/// How far a stream's buffer was looked through: what comes in many pieces is looked at once, and not once for each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Framing {
    /// No head ends before this place.
    looked: usize,
    /// How long the first message will be, if its head is there.
    whole: Option<usize>,
}

impl Framing {
    /// Looks for the first whole message in what a stream has brought so far. `most` is the longest that is taken, in
    /// bytes. After [`Chunk::Incomplete`] it has to be the same buffer, grown; after others without that chunk.
    pub fn next_chunk(&mut self, buffer: &[u8], most: usize) -> Chunk {
        let chunk = self.look(buffer, most);
        if chunk != Chunk::Incomplete {
            *self = Self::default();
        }
        chunk
    }

    fn look(&mut self, buffer: &[u8], most: usize) -> Chunk {
        let blank = buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        match (blank, blank == buffer.len()) {
            (0, true) => return Chunk::Incomplete,
            // Half a line end; who says nothing else is not waited for.
            (1..PING, true) if buffer.ends_with(b"\r") => return Chunk::Incomplete,
            (1.., _) => return Chunk::KeepAlive(blank),
            (0, false) => {}
        }
        let length = match self.whole {
            Some(whole) => Ok(whole),
            None => match self.head_end(buffer) {
                Some(head) => whole_length(buffer.get(..head).unwrap_or_default()),
                None if buffer.len() > most => Err(Malformed::TooLarge),
                None => return Chunk::Incomplete,
            },
        };
        match length {
            Ok(whole) if whole > most => Chunk::Broken(Malformed::TooLarge),
            Ok(whole) if whole > buffer.len() => {
                self.whole = Some(whole);
                Chunk::Incomplete
            }
            Ok(whole) => Chunk::Message(whole),
            Err(fault) => Chunk::Broken(fault),
        }
    }

    /// The place behind the blank line.
    fn head_end(&mut self, buffer: &[u8]) -> Option<usize> {
        // It may have begun in what was looked at: with a line end, and half of the next.
        let from = self.looked.saturating_sub(2);
        self.looked = buffer.len();
        let rest = buffer.get(from..)?;
        let end = memchr::memchr_iter(b'\n', rest).find_map(|at| match rest.get(at + 1..)? {
            [b'\n', ..] => Some(at + 2),
            [b'\r', b'\n', ..] => Some(at + 3),
            _ => None,
        });
        end.map(|end| from + end)
    }
}

/// The same for a buffer that was not looked at before.
pub fn next_chunk(buffer: &[u8], most: usize) -> Chunk {
    Framing::default().next_chunk(buffer, most)
}

fn whole_length(head: &[u8]) -> Result<usize, Malformed> {
    Ok(head.len().saturating_add(body_length(&scan(head)?)?))
}

/// On a stream a message must say its length (RFC 3261 §18.3): nobody could tell where the next one begins.
fn body_length(head: &Message<'_>) -> Result<usize, Malformed> {
    let length = declared_length(head)?.ok_or(Malformed::NoContentLength)?;
    usize::try_from(length).map_err(|_| Malformed::TooLarge)
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
            ("\r\n\r\n\r".to_owned(), Chunk::KeepAlive(5)),
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

    #[test]
    fn messages_that_come_in_pieces_are_the_same() {
        let stream = "\r\n\r\nBYE sip:a@b SIP/2.0\r\nv: SIP/2.0/TCP h\r\nl: 6\r\n\r\na\r\n\r\nb\
                      BYE sip:a@b SIP/2.0\nv: SIP/2.0/TCP h\nl: 0\n\n\r\n";
        let whole = pieces(stream.as_bytes(), stream.len());
        assert_eq!(whole.len(), 4, "{whole:?}");
        // A lone line end is told at once, so only what follows it must be equal.
        for size in 1..stream.len() {
            let messages = |chunks: Vec<Chunk>| -> Vec<Chunk> {
                chunks.into_iter().filter(|chunk| matches!(chunk, Chunk::Message(_))).collect()
            };
            assert_eq!(messages(pieces(stream.as_bytes(), size)), messages(whole.clone()), "{size} at a time");
        }
    }

    fn pieces(stream: &[u8], size: usize) -> Vec<Chunk> {
        let (mut framing, mut buffer, mut chunks) = (Framing::default(), Vec::new(), Vec::new());
        for piece in stream.chunks(size) {
            buffer.extend_from_slice(piece);
            loop {
                let chunk = framing.next_chunk(&buffer, 1000);
                match chunk {
                    Chunk::Incomplete => break,
                    Chunk::KeepAlive(length) | Chunk::Message(length) => drop(buffer.drain(..length)),
                    Chunk::Broken(_) => panic!("{chunk:?} at {size}"),
                }
                chunks.push(chunk);
            }
        }
        chunks
    }
}
