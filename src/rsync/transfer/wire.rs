use std::{
    io::{self, ErrorKind, Read as _},
    sync::atomic::{AtomicBool, AtomicI32, Ordering},
    time::Duration,
};

use crate::rsync::{
    net::Stream,
    proto::{Frame, Frames, Input, MAX_FRAME, Stop, Tag, Token, TokenReader, Violation, frame_header},
    transfer::{
        Error, Event, Observer,
        buffer::Buffer,
        line::{KeepAlive, SharedLine},
        pace::Pace,
        pulse::Pulse,
    },
};

/// How much is read from the socket at once, in bytes.
const READ: usize = 256 * 1024;

/// How much is collected before it is written, in bytes.
const WRITE: usize = 64 * 1024;

/// How much of lists is collected, in bytes: the peer works on them while the next ones are made.
const LISTS: usize = 4 * 1024;

/// A longer patience of the peer's is not believed, in seconds (`read_a_msg` in io.c).
const LONGEST_LIMIT: u32 = 86_400;

/// How long a peer may take to close behind the goodbye.
const PATIENCE: Duration = Duration::from_secs(10);

/// What went wrong with single files, at either side.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// The sender's error bits: 1 for any error, 2 for vanished files, 4 for a stopped deletion.
    bits: AtomicI32,
    has_failed: AtomicBool,
}

impl Faults {
    pub(crate) fn add_bits(&self, bits: i32) {
        self.bits.fetch_or(bits & 7, Ordering::Relaxed);
    }

    pub(crate) fn fail(&self) {
        self.has_failed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn bits(&self) -> i32 {
        self.bits.load(Ordering::Relaxed)
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }
}

/// What the peer sends: demultiplexed and decoded.
pub(crate) struct Incoming<'o> {
    stream: Stream,
    pulse: Pulse,
    observer: &'o dyn Observer,
    faults: &'o Faults,
    /// What this side is, for messages.
    pub(crate) role: &'static str,
    /// None while the stream is not multiplexed.
    frames: Option<Frames>,
    raw: Buffer,
    data: Buffer,
    /// How many bytes came from the socket since rsync counts them.
    pub(crate) received: u64,
    /// How many bytes of data came.
    arrived: u64,
    /// Is told of the peer's patience.
    pub(crate) alive: Option<KeepAlive>,
    /// The files that the sender cannot send. It may say so before it sends those that it was asked for earlier.
    unsent: Vec<u32>,
}

impl<'o> Incoming<'o> {
    pub(crate) fn new(
        stream: Stream,
        pulse: Pulse,
        received: &[u8],
        observer: &'o dyn Observer,
        faults: &'o Faults,
        role: &'static str,
    ) -> Self {
        Self {
            stream,
            pulse,
            observer,
            faults,
            role,
            frames: None,
            received: received.len() as u64,
            raw: Buffer::default(),
            data: {
                let mut data = Buffer::default();
                data.extend(received);
                data
            },
            arrived: 0,
            alive: None,
            unsent: Vec::new(),
        }
    }

    /// From here on bytes are counted (`io_start_buffering_in` in io.c): rsync reads those before with other means.
    pub(crate) fn count(&mut self) {
        self.received = self.data.filled().len() as u64;
    }

    /// From here on the stream consists of frames.
    pub(crate) fn multiplex(&mut self) {
        self.frames = Some(Frames::default());
        self.raw = std::mem::take(&mut self.data);
    }

    /// Decodes something, and reads as long as there is too little of it.
    pub(crate) fn decode<T>(
        &mut self,
        mut decoder: impl FnMut(&mut Input<'_>) -> Result<T, Stop>,
    ) -> Result<T, Error> {
        loop {
            let mut input = Input::new(self.data.filled());
            match decoder(&mut input) {
                Ok(decoded) => {
                    let used = input.position();
                    self.data.consume(used);
                    return Ok(decoded);
                }
                Err(Stop::Broken(violation)) => return Err(violation.into()),
                Err(Stop::Short) => self.fill()?,
            }
        }
    }

    /// The next piece of a file; `take` is given what is literal.
    pub(crate) fn token(
        &mut self,
        tokens: &mut TokenReader,
        take: impl FnOnce(&[u8]),
    ) -> Result<Next, Error> {
        loop {
            let mut input = Input::new(self.data.filled());
            let next = match tokens.next(&mut input) {
                Ok(Token::Literal(piece)) => {
                    take(piece);
                    Next::Literal(piece.len())
                }
                Ok(Token::Block(block)) => Next::Block(block),
                Ok(Token::End) => Next::End,
                Err(Stop::Broken(violation)) => return Err(violation.into()),
                Err(Stop::Short) => {
                    self.fill()?;
                    continue;
                }
            };
            let used = input.position();
            self.data.consume(used);
            return Ok(next);
        }
    }

    /// The same, unless the sender says meanwhile that it cannot send a file, which [`Self::take_unsent`] gives then: nothing
    /// else may come before that is dealt with.
    pub(crate) fn decode_unless_unsent<T>(
        &mut self,
        mut decoder: impl FnMut(&mut Input<'_>) -> Result<T, Stop>,
    ) -> Result<Option<T>, Error> {
        loop {
            if !self.unsent.is_empty() {
                return Ok(None);
            }
            let mut input = Input::new(self.data.filled());
            match decoder(&mut input) {
                Ok(decoded) => {
                    let used = input.position();
                    self.data.consume(used);
                    return Ok(Some(decoded));
                }
                Err(Stop::Broken(violation)) => return Err(violation.into()),
                Err(Stop::Short) => self.fill()?,
            }
        }
    }

    /// The files that the sender said it cannot send, since the last call.
    pub(crate) fn take_unsent(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.unsent)
    }

    /// So many bytes of the stream of frames that come next.
    pub(super) fn peek(&mut self, count: usize) -> Result<&[u8], Error> {
        while self.raw.filled().len() < count {
            self.read(true)?;
        }
        Ok(&self.raw.filled()[..count])
    }

    /// Drops bytes of the stream of frames.
    pub(super) fn skip(&mut self, count: usize) {
        self.raw.consume(count);
    }

    /// How many bytes of the stream are behind us.
    pub(crate) fn position(&self) -> u64 {
        self.received - (self.raw.filled().len() + self.data.filled().len()) as u64
    }

    /// How many bytes of data were decoded.
    pub(crate) fn taken(&self) -> u64 {
        self.arrived - self.data.filled().len() as u64
    }

    /// Reads until the peer closes, and drops what comes; a peer that does not close is left alone after a while.
    pub(crate) fn drain(&mut self) {
        if self.stream.set_read_timeout(Some(PATIENCE)).is_err() {
            return;
        }
        let mut piece = [0; 4096];
        while matches!(self.stream.read(&mut piece), Ok(1..)) {}
    }

    /// Reads more data, at least one byte, or the number of a file that the sender cannot send.
    fn fill(&mut self) -> Result<(), Error> {
        if self.frames.is_none() {
            return self.read(false);
        }
        let before = (self.data.filled().len(), self.unsent.len());
        loop {
            self.take_frames()?;
            if (self.data.filled().len(), self.unsent.len()) != before {
                return Ok(());
            }
            self.read(true)?;
        }
    }

    /// Takes apart what was read.
    fn take_frames(&mut self) -> Result<(), Error> {
        let frames = self.frames.as_mut().expect("only called for frames");
        let mut input = Input::new(self.raw.filled());
        let taken = loop {
            let start = input.position();
            match frames.next(&mut input) {
                // An empty piece says what `Noop` says (`maybe_send_keepalive` in io.c).
                Ok(Frame::Data([]) | Frame::Message(Tag::Noop, _)) => self.pulse.lull()?,
                Ok(Frame::Data(piece)) => {
                    self.pulse.beat();
                    self.data.extend(piece);
                    self.arrived += piece.len() as u64;
                }
                Ok(Frame::Message(Tag::IoTimeout, text)) => {
                    let seconds =
                        u32::from_le_bytes(text.try_into().expect("the frame's length was checked"));
                    let limit = Duration::from_secs(u64::from(seconds));
                    let is_sound = (1..=LONGEST_LIMIT).contains(&seconds);
                    if is_sound && self.pulse.shorten(limit) {
                        // Waits that have begun end as they would have.
                        let patience = self.pulse.patience();
                        let _ = self.stream.set_read_timeout(patience);
                        let _ = self.stream.set_write_timeout(patience);
                        if let Some(alive) = &self.alive {
                            alive.limit(limit);
                        }
                        self.observer.observe(Event::Message(Tag::IoTimeout, text));
                    }
                }
                Ok(Frame::Message(tag, text)) => {
                    self.pulse.beat();
                    message(self.observer, self.faults, &mut self.unsent, tag, text)?;
                }
                Err(Stop::Broken(violation)) => return Err(violation.into()),
                // The head of a message without its text is read again.
                Err(Stop::Short) => break start,
            }
        };
        self.raw.consume(taken);
        Ok(())
    }

    fn read(&mut self, is_raw: bool) -> Result<(), Error> {
        let to = if is_raw { &mut self.raw } else { &mut self.data };
        loop {
            match to.read_from(&mut self.stream, READ) {
                Ok(0) => {
                    return Err(Error::Closed {
                        received: self.received,
                        role: self.role,
                    });
                }
                Ok(count) => {
                    self.received += count as u64;
                    if is_raw {
                        self.pulse.hear();
                    } else {
                        self.pulse.beat();
                    }
                    return self.pulse.check();
                }
                Err(error) if self.pulse.retry(&self.stream, &error) => {}
                Err(error) => return Err(self.pulse.failure("read", error)),
            }
        }
    }
}

/// What a file goes on with.
pub(crate) enum Next {
    /// That many literal bytes, which were given away.
    Literal(usize),
    /// A block of the basis.
    Block(u32),
    /// Nothing.
    End,
}

fn message(
    observer: &dyn Observer,
    faults: &Faults,
    unsent: &mut Vec<u32>,
    tag: Tag,
    text: &[u8],
) -> Result<(), Error> {
    let number = || i32::from_le_bytes(text.try_into().expect("the frame's length was checked"));
    match tag {
        Tag::Data | Tag::Noop | Tag::IoTimeout => {}
        Tag::IoError => faults.add_bits(number()),
        Tag::NoSend => {
            let index = number();
            unsent.push(u32::try_from(index).map_err(|_| Violation::HighIndex(index.cast_unsigned()))?);
        }
        Tag::ErrorExit if text.is_empty() => return Err(Error::PeerExit(0)),
        Tag::ErrorExit => return Err(Error::PeerExit(number())),
        Tag::TransferError => {
            faults.fail();
            observer.observe(Event::Message(tag, text));
        }
        Tag::Info | Tag::Error | Tag::Warning | Tag::Success | Tag::Deleted => {
            observer.observe(Event::Message(tag, text));
        }
    }
    Ok(())
}

/// What goes to the peer, in as few writes as possible.
pub(crate) struct Outgoing {
    line: SharedLine,
    is_multiplexed: bool,
    /// With room for a frame's head in front.
    buffer: Vec<u8>,
    /// How many bytes went to the socket since rsync counts them.
    pub(crate) sent: u64,
    /// How many bytes of data are among them.
    data: u64,
}

const HEAD: usize = 4;

impl Outgoing {
    pub(crate) fn new(stream: Stream, pulse: Pulse, pace: Option<Pace>) -> Self {
        Self {
            line: SharedLine::new(stream, pulse, pace),
            is_multiplexed: false,
            buffer: vec![0; HEAD],
            sent: 0,
            data: 0,
        }
    }

    /// Says that we are here while nothing is written, if there are frames to say it with.
    pub(crate) fn keep_alive(&self, limit: Option<Duration>) -> Option<KeepAlive> {
        self.is_multiplexed
            .then(|| KeepAlive::new(self.line.clone(), limit))
    }

    /// From here on bytes are counted (`io_start_buffering_out` in io.c); all that was collected is written.
    pub(crate) fn count(&mut self) {
        self.sent = 0;
    }

    /// From here on the stream consists of frames; all that was collected is written.
    pub(crate) fn multiplex(&mut self) {
        self.is_multiplexed = true;
    }

    /// What is written next; [`Self::flush`] sends it.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// How many bytes of data were written, sent or not.
    pub(crate) fn written(&self) -> u64 {
        self.data + (self.buffer.len() - HEAD) as u64
    }

    /// Says what the session ends with, in place of what was written and not sent: rsync's messages overtake its data.
    pub(crate) fn end(&mut self, code: u8) -> Result<(), Error> {
        self.buffer.truncate(HEAD);
        self.message(Tag::ErrorExit, i32::from(code).to_le_bytes())
    }

    /// Sends a message behind what was written; the stream must be one of frames.
    pub(crate) fn message(&mut self, tag: Tag, body: [u8; 4]) -> Result<(), Error> {
        self.flush()?;
        self.message_ahead(tag, body)
    }

    /// Sends a message in front of what was written and not sent; the stream must be one of frames.
    pub(crate) fn message_ahead(&mut self, tag: Tag, body: [u8; 4]) -> Result<(), Error> {
        let message = [frame_header(tag, body.len()), body].concat();
        self.line.write(&message)?;
        self.sent += message.len() as u64;
        Ok(())
    }

    /// Sends something that is in no frame, though the stream consists of frames.
    pub(crate) fn bare(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.flush()?;
        self.line.write(bytes)?;
        self.sent += bytes.len() as u64;
        self.data += bytes.len() as u64;
        Ok(())
    }

    /// Sends, if enough is collected.
    pub(crate) fn send_if_full(&mut self) -> Result<(), Error> {
        self.send_if_over(WRITE)
    }

    /// Sends behind a list, if it is worth a write.
    pub(crate) fn send_list(&mut self) -> Result<(), Error> {
        self.send_if_over(LISTS)
    }

    fn send_if_over(&mut self, size: usize) -> Result<(), Error> {
        if self.buffer.len() > size {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Sends all.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        let mut start = HEAD;
        self.data = self.written();
        while start < self.buffer.len() {
            let length = (self.buffer.len() - start).min(MAX_FRAME);
            let mut from = start;
            if self.is_multiplexed {
                // In front of the first piece there is room, and what stands in front of the others is sent already.
                from -= HEAD;
                self.buffer[from..start].copy_from_slice(&frame_header(Tag::Data, length));
            }
            let piece = &self.buffer[from..start + length];
            self.line.write(piece)?;
            self.sent += piece.len() as u64;
            start += length;
        }
        self.buffer.truncate(HEAD);
        Ok(())
    }
}

/// What a socket's failure means.
pub(crate) fn socket_error(action: &'static str, source: io::Error) -> Error {
    match source.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::Timeout,
        _ => Error::Socket { action, source },
    }
}
