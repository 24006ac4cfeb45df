use crate::rsync::proto::{Input, Stop, Violation};

/// The most bytes that a frame can hold.
pub const MAX_FRAME: usize = 0xff_ffff;

/// A message holds fewer bytes than this.
const MAX_MESSAGE: usize = 5120;

/// What a frame is (`enum msgcode` in rsync.h).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tag {
    /// Bytes of the stream.
    Data,
    /// An error of a file: the session ends with 23.
    TransferError,
    /// Something to print.
    Info,
    /// An error.
    Error,
    /// A warning.
    Warning,
    /// The sender had errors while it made the list: four bytes of bits.
    IoError,
    /// How long the daemon waits: seconds in four bytes.
    IoTimeout,
    /// Nothing: the peer is alive.
    Noop,
    /// The peer ends, with the status in four bytes.
    ErrorExit,
    /// A file is stored: its index in four bytes.
    Success,
    /// A file was deleted: its name, with a zero byte behind a folder's.
    Deleted,
    /// A file cannot be sent: its index in four bytes.
    NoSend,
}

impl Tag {
    fn of(number: i32) -> Result<Self, Violation> {
        Ok(match number {
            0 => Self::Data,
            1 => Self::TransferError,
            2 => Self::Info,
            3 => Self::Error,
            4 => Self::Warning,
            22 => Self::IoError,
            33 => Self::IoTimeout,
            42 => Self::Noop,
            86 => Self::ErrorExit,
            100 => Self::Success,
            101 => Self::Deleted,
            102 => Self::NoSend,
            other => return Err(Violation::FrameTag(other)),
        })
    }

    /// Its number, without the seven that are added on the wire.
    pub const fn number(self) -> i32 {
        match self {
            Self::Data => 0,
            Self::TransferError => 1,
            Self::Info => 2,
            Self::Error => 3,
            Self::Warning => 4,
            Self::IoError => 22,
            Self::IoTimeout => 33,
            Self::Noop => 42,
            Self::ErrorExit => 86,
            Self::Success => 100,
            Self::Deleted => 101,
            Self::NoSend => 102,
        }
    }

    fn check(self, length: usize) -> Result<(), Violation> {
        let tag = self.number();
        let fits = match self {
            Self::Data => true,
            Self::TransferError | Self::Info | Self::Error | Self::Warning | Self::Deleted => {
                if length >= MAX_MESSAGE {
                    return Err(Violation::LongMessage { tag, length });
                }
                true
            }
            Self::IoError | Self::IoTimeout | Self::Success | Self::NoSend => length == 4,
            Self::Noop => length == 0,
            Self::ErrorExit => matches!(length, 0 | 4),
        };
        if fits {
            Ok(())
        } else {
            Err(Violation::FrameLength { tag, length })
        }
    }
}

/// The four bytes in front of a frame of at most [`MAX_FRAME`] bytes.
pub fn frame_header(tag: Tag, length: usize) -> [u8; 4] {
    assert!(length <= MAX_FRAME, "callers cut");
    ((tag.number() + 7) << 24 | length as i32).to_le_bytes()
}

/// A piece of the multiplexed stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Frame<'a> {
    /// Bytes of the stream; a frame's may come in pieces.
    Data(&'a [u8]),
    /// A whole message.
    Message(Tag, &'a [u8]),
}

/// Takes a multiplexed stream apart (`read_a_msg` in io.c).
#[derive(Clone, Copy, Debug, Default)]
pub struct Frames {
    /// What is left of a frame of data.
    left: usize,
}

impl Frames {
    /// The next piece.
    ///
    /// # Errors
    ///
    /// A frame of unknown kind, or one of a length that its kind cannot have.
    pub fn next<'a>(&mut self, input: &mut Input<'a>) -> Result<Frame<'a>, Stop> {
        if self.left > 0 {
            let count = self.left.min(input.rest().len());
            if count == 0 {
                return Err(Stop::Short);
            }
            self.left -= count;
            return Ok(Frame::Data(input.take(count)?));
        }
        let header = input.int()?.cast_unsigned();
        let length = header as usize & MAX_FRAME;
        let tag = Tag::of((header.cast_signed() >> 24) - 7)?;
        tag.check(length)?;
        if tag == Tag::Data {
            self.left = length;
            return Ok(Frame::Data(&[]));
        }
        Ok(Frame::Message(tag, input.take(length)?))
    }
}

#[cfg(test)]
mod tests {
    use super::{Frame, Frames, Tag, frame_header};
    use crate::rsync::proto::{Input, Stop, Violation};

    #[test]
    fn data_comes_in_pieces_and_messages_whole() {
        let mut bytes = frame_header(Tag::Data, 5).to_vec();
        bytes.extend(b"hello");
        bytes.extend(frame_header(Tag::Info, 3));
        bytes.extend(b"hi\n");
        for cut in 0..=bytes.len() {
            let (mut frames, mut data, mut messages) = (Frames::default(), Vec::<u8>::new(), Vec::new());
            let mut waiting = Vec::<u8>::new();
            for part in [&bytes[..cut], &bytes[cut..]] {
                waiting.extend(part);
                let mut taken = 0;
                loop {
                    let mut input = Input::new(&waiting[taken..]);
                    match frames.next(&mut input) {
                        Ok(Frame::Data(piece)) => data.extend(piece),
                        Ok(Frame::Message(tag, text)) => messages.push((tag, text.to_vec())),
                        Err(stop) => {
                            assert_eq!(stop, Stop::Short);
                            break;
                        }
                    }
                    taken += input.position();
                }
                waiting.drain(..taken);
            }
            assert_eq!(data, b"hello");
            assert_eq!(messages, [(Tag::Info, b"hi\n".to_vec())]);
        }
    }

    #[test]
    fn impossible_frames_are_refused() {
        let refused = |bytes: [u8; 4]| match Frames::default().next(&mut Input::new(&bytes)) {
            Ok(frame) => panic!("{frame:?}"),
            Err(stop) => stop,
        };
        assert_eq!(refused([0, 0, 0, 17]), Stop::Broken(Violation::FrameTag(10)));
        assert_eq!(refused([0, 0, 0, 0]), Stop::Broken(Violation::FrameTag(-7)));
        assert_eq!(
            refused(frame_header(Tag::NoSend, 3)),
            Stop::Broken(Violation::FrameLength { tag: 102, length: 3 })
        );
        assert_eq!(
            refused(frame_header(Tag::Info, 5120)),
            Stop::Broken(Violation::LongMessage { tag: 2, length: 5120 })
        );
    }
}
