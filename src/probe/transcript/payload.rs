/// The longest frame that a client of ours writes, with room to spare.
const LONGEST: usize = 1 << 17;

/// The head of a frame: its length in three bytes, and what it is, from 7 on (`mplex_write` in io.c).
const HEAD: usize = 4;

/// Counts what a client writes, without the heads of frames: how it cuts its bytes into frames differs from run to run.
#[derive(Debug, Default)]
pub(super) struct Payload {
    /// How much of it there was.
    pub(super) count: u64,
    /// Whether the stream consists of frames by now.
    is_framed: bool,
    /// What is left of the frame.
    left: usize,
    /// What there is of the next head.
    head: Vec<u8>,
}

impl Payload {
    /// Bytes that were written at once, or the beginning of them, of at most so many.
    pub(super) fn take(&mut self, bytes: &[u8], most: usize) {
        self.is_framed |= is_frame(bytes, most);
        if !self.is_framed {
            self.count = self.count.saturating_add(bytes.len() as u64);
            return;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.left > 0 {
                let used = self.left.min(rest.len());
                self.count = self.count.saturating_add(used as u64);
                self.left -= used;
                rest = &rest[used..];
                continue;
            }
            let used = (HEAD - self.head.len()).min(rest.len());
            self.head.extend_from_slice(&rest[..used]);
            rest = &rest[used..];
            if let [one, two, three, _] = self.head[..] {
                self.left = length(one, two, three);
                self.head.clear();
            }
        }
    }
}

/// Whether bytes are a frame, or its beginning where they are as many as stand together.
fn is_frame(bytes: &[u8], most: usize) -> bool {
    let &[one, two, three, 7..=u8::MAX, ..] = bytes else {
        return false;
    };
    let whole = length(one, two, three) + HEAD;
    whole == bytes.len() || bytes.len() == most && (most..LONGEST).contains(&whole)
}

fn length(one: u8, two: u8, three: u8) -> usize {
    usize::from(one) | usize::from(two) << 8 | usize::from(three) << 16
}

#[cfg(test)]
mod tests {
    use super::Payload;

    #[test]
    fn heads_of_frames_do_not_count() {
        let mut payload = Payload::default();
        for (bytes, count) in [
            (&b"@RSYNCD: 32.0\n"[..], 14),
            (b"\x02\0\0\x07ab", 16),
            (b"\0\0\0\x07", 16),
            (b"\x03\0", 16),
            (b"\0\x07a", 17),
            (b"bc\x01\0\0\x07d", 20),
        ] {
            payload.take(bytes, 512);
            assert_eq!(payload.count, count, "{}", bytes.escape_ascii());
        }
        let mut long = Payload::default();
        let frame = [&b"\0\x04\0\x07"[..], &[b'x'; 1024]].concat();
        frame.chunks(512).for_each(|piece| long.take(piece, 512));
        assert_eq!(long.count, 1024);
        let mut arguments = Payload::default();
        arguments.take(&b"--server\0".repeat(100)[..512], 512);
        assert_eq!(arguments.count, 512);
    }
}
