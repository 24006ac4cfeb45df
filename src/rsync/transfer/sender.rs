use std::{fs::File, io, os::unix::fs::FileExt as _};

use crate::rsync::{
    delta::{BlockHash, BlockSums, Hasher, Pieces, search},
    proto::{
        Index, Indices, ItemFlags, Record, Session, TokenWriter, Violation,
        file_list::{Entry, FileKind, FileList},
    },
    transfer::{
        Error, Event, Observer, Options,
        build::{ERROR, Sources, VANISHED},
        receiver::Counts,
        requests::{Arrived, Requests},
        text::describe,
        wire::{Faults, Outgoing},
    },
};

/// Answers the receiving server (`send_files` in sender.c).
pub(crate) struct Sender<'a> {
    pub(crate) session: Session,
    pub(crate) options: &'a Options,
    pub(crate) list: &'a FileList,
    pub(crate) numbers: &'a [Option<u32>],
    pub(crate) sources: Sources,
    pub(crate) requests: &'a Requests,
    pub(crate) faults: &'a Faults,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) outgoing: Outgoing,
    pub(crate) indices: Indices,
    pub(crate) tokens: TokenWriter,
    pub(crate) counts: Counts,
    /// How many phases have ended.
    pub(crate) phases: u8,
}

/// Phases whose end is answered; from protocol 31 on the end of late deletions too.
const PHASES: u8 = 3;

/// As much of a file is read at once, in bytes.
const READ: usize = 256 * 1024;

impl Sender<'_> {
    /// Answers until the peer says goodbye.
    pub(crate) fn run(&mut self) -> Result<(), Error> {
        loop {
            let arrived = match self.requests.take_ready() {
                Some(arrived) => arrived,
                None => {
                    self.outgoing.flush()?;
                    let Some(arrived) = self.requests.next()? else {
                        return Ok(());
                    };
                    arrived
                }
            };
            match arrived {
                Arrived::Message(tag, text) => self.observer.observe(Event::Message(tag, &text)),
                Arrived::Done => {
                    self.phases += 1;
                    let answered = PHASES + u8::from(self.session.protocol >= 31);
                    if self.phases <= answered {
                        self.indices.write(Index::Done, self.outgoing.buffer());
                    }
                }
                Arrived::Request { number, record, sums } => self.answer(number, &record, &sums)?,
            }
            self.outgoing.send_if_full()?;
        }
    }

    /// Takes what the peer still says after a failure to write, until it hangs up.
    pub(crate) fn read_on(&mut self) -> Result<(), Error> {
        while let Some(arrived) = self.requests.next()? {
            if let Arrived::Message(tag, text) = arrived {
                self.observer.observe(Event::Message(tag, &text));
            }
        }
        Ok(())
    }

    fn answer(&mut self, number: u32, record: &Record, sums: &BlockSums) -> Result<(), Error> {
        let place = self.numbers.get(number as usize).copied().flatten();
        let place = place.ok_or(Violation::UnaskedIndex(number))?;
        let entry = self.list.entries()[place as usize];
        let is_wanted = record.flags.has(ItemFlags::TRANSFER);
        if is_wanted && (entry.kind() != FileKind::Regular || self.phases >= PHASES - 1) {
            return Err(Violation::UnaskedIndex(number).into());
        }
        if !is_wanted || self.options.dry_run {
            if is_wanted {
                self.counts.files += 1;
                self.counts.size += entry.size.unsigned_abs();
            }
            self.report(&entry, record);
            self.echo(number, record);
            return Ok(());
        }
        self.send(number, place, &entry, record, sums)
    }

    fn report(&self, entry: &Entry, record: &Record) {
        self.observer.observe(Event::Item {
            list: self.list,
            entry,
            flags: record.flags,
        });
    }

    fn echo(&mut self, number: u32, record: &Record) {
        self.indices.write(Index::File(number), self.outgoing.buffer());
        record.write(self.outgoing.buffer());
    }

    /// Sends a file: what the basis lacks, and where the rest stands in it.
    fn send(
        &mut self,
        number: u32,
        place: u32,
        entry: &Entry,
        record: &Record,
        sums: &BlockSums,
    ) -> Result<(), Error> {
        let name = self.list.name(entry);
        let opened = self.sources.tree(place).read(name);
        let opened = opened.and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.unsent(number, place, name, &error)?;
                return Ok(());
            }
        };
        self.counts.files += 1;
        self.counts.size += entry.size.unsigned_abs();
        self.report(entry, record);
        self.echo(number, record);
        sums.head.write(self.outgoing.buffer());
        let mut emitter = Emitter {
            tokens: &mut self.tokens,
            hasher: self.session.checksum.file(self.session.seed),
            outgoing: &mut self.outgoing,
            counts: &mut self.counts,
        };
        let sent = if sums.head.count == 0 {
            emitter.whole(&file, length)
        } else {
            let hash = BlockHash {
                checksum: self.session.checksum,
                seed: self.session.seed,
                is_seed_first: self.session.compatibility.has_seed_first(),
            };
            search(sums, hash, &file, length, &mut emitter)
        };
        let Emitter { hasher, .. } = emitter;
        self.tokens.end(self.outgoing.buffer());
        let mut digest = hasher.finish();
        match sent {
            Ok(()) => {}
            Err(Failure::Session(error)) => return Err(error),
            Err(Failure::File(error)) => {
                // What was sent is not the file, so the digest must not fit; the peer asks once more.
                digest.iter_mut().for_each(|byte| *byte = !*byte);
                let reason = match error.kind() {
                    io::ErrorKind::UnexpectedEof => "No data available (61)".to_owned(),
                    _ => describe(&error),
                };
                let place = self.sources.shown(place, name);
                self.fail(ERROR, &format!("read errors mapping \"{place}\": {reason}"));
            }
        }
        self.outgoing.buffer().extend_from_slice(&digest);
        Ok(())
    }

    /// A file that cannot be opened; the peer is told.
    fn unsent(&mut self, number: u32, place: u32, name: &[u8], error: &io::Error) -> Result<(), Error> {
        let path = self.sources.shown(place, name);
        if error.kind() == io::ErrorKind::NotFound {
            self.faults.add_bits(VANISHED);
            let text = format!("file has vanished: \"{path}\"");
            self.observer.observe(Event::Failed(&text));
        } else {
            let text = format!("send_files failed to open \"{path}\": {}", describe(error));
            self.fail(ERROR, &text);
        }
        if self.session.protocol >= 30 {
            self.outgoing.no_send(number)?;
        }
        Ok(())
    }

    fn fail(&self, bits: i32, text: &str) {
        self.faults.add_bits(bits);
        self.observer
            .observe(Event::Failed(&format!("rsync: [sender] {text}")));
    }
}

/// Why a file was not sent as a whole.
enum Failure {
    File(io::Error),
    Session(Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

/// Writes a file's tokens, and hashes what it consists of.
struct Emitter<'s> {
    tokens: &'s mut TokenWriter,
    hasher: Hasher,
    outgoing: &'s mut Outgoing,
    counts: &'s mut Counts,
}

impl Emitter<'_> {
    /// A file without a basis.
    fn whole(&mut self, file: &File, length: u64) -> Result<(), Failure> {
        let mut buffer = vec![0; READ.min(usize::try_from(length).unwrap_or(READ))];
        let mut offset = 0;
        while offset < length {
            let most = buffer.len().min(usize::try_from(length - offset).unwrap_or(READ));
            match file.read_at(&mut buffer[..most], offset) {
                Ok(0) => return Err(Failure::File(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => {
                    self.literal(&buffer[..count])?;
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::File(error)),
            }
        }
        Ok(())
    }
}

impl Pieces for Emitter<'_> {
    type Error = Failure;

    fn literal(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.hasher.update(bytes);
        self.counts.literal += bytes.len() as u64;
        self.tokens.literal(bytes, self.outgoing.buffer());
        self.outgoing.send_if_full().map_err(Failure::Session)
    }

    fn block(&mut self, index: u32, bytes: &[u8]) -> Result<(), Failure> {
        self.hasher.update(bytes);
        self.counts.matched += bytes.len() as u64;
        self.tokens.block(index, bytes, self.outgoing.buffer());
        self.outgoing.send_if_full().map_err(Failure::Session)
    }
}
