use std::{collections::HashSet, io, time::Duration};

use nix::sys::stat::SFlag;

use crate::rsync::{
    delta::{BlockHash, BlockSums, search},
    proto::{Index, Indices, ItemFlags, Record, Session, Tag, TokenWriter},
    transfer::{
        Debug, Error, Event, Observer, Options, Transferred,
        announce::Announcer,
        build::{ERROR, VANISHED},
        counts::FileCounts,
        emit::{Emitter, Failure, Way},
        gather::AskedValues,
        part::Listed,
        receiver::Counts,
        requests::{Arrived, Requests},
        text::{describe, shown},
        wire::{Faults, Outgoing},
    },
};

/// Answers the receiving server (`send_files` in sender.c).
pub(crate) struct Sender<'a> {
    pub(crate) session: Session,
    pub(crate) options: &'a Options,
    pub(crate) announcer: Announcer<'a>,
    pub(crate) requests: &'a Requests,
    pub(crate) faults: &'a Faults,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) outgoing: Outgoing,
    pub(crate) indices: Indices,
    pub(crate) tokens: TokenWriter,
    pub(crate) counts: Counts,
    /// The files whose data went already.
    pub(crate) sent: HashSet<u32>,
    /// What the search in basis files found.
    pub(crate) found: Found,
    /// What the server deleted.
    pub(crate) deleted: FileCounts,
    /// The long values of extended attributes that it asked for.
    pub(crate) values: AskedValues,
    /// How many phases have ended.
    pub(crate) phases: u32,
    /// The faults that the server has heard of with the lists.
    pub(crate) told: i32,
    /// How many bytes were sent when the last phase ended, which are those that rsync shows (`handle_stats` in main.c).
    pub(crate) counted: Option<u64>,
}

/// Blocks of basis files: those that a file has, and those that only seemed to be in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    pub(super) matches: u64,
    pub(super) false_alarms: u64,
}

/// Phases whose end is answered; from protocol 31 on the end of late deletions too.
pub(crate) const PHASES: u32 = 3;

/// So many files the server should know at least beyond those that it asks for, and at most
/// (`MIN_FILECNT_LOOKAHEAD` and `MAX_FILECNT_LOOKAHEAD` in rsync.h).
const LEAST_AHEAD: usize = 1000;
const MOST_AHEAD: usize = 10_000;

/// So many lists at most, where no more are needed: the server goes through them for each file (`flist_for_ndx` in flist.c).
/// With 5,000 folders of a file each, half of the sessions took twice as long without.
const MOST_LISTS_AHEAD: usize = 1000;

/// How long a server may take to hang up (`noop_io_until_death` in io.c).
const LAST_WORDS: Duration = Duration::from_secs(60);

impl Sender<'_> {
    /// Answers until the peer says goodbye.
    pub(crate) fn run(&mut self) -> Result<(), Error> {
        self.announce(LEAST_AHEAD)?;
        self.told = self.faults.bits();
        loop {
            self.announce(LEAST_AHEAD)?;
            let arrived = match self.requests.take_ready() {
                Some(arrived) => arrived,
                None => {
                    self.outgoing.flush()?;
                    if self.may_look_further() {
                        self.announce(self.announcer.ahead() + LEAST_AHEAD / 2)?;
                        continue;
                    }
                    let Some(arrived) = self.requests.next()? else {
                        return Ok(());
                    };
                    arrived
                }
            };
            match arrived {
                Arrived::Message(tag, text) => self.message(tag, &text)?,
                Arrived::Deletions(deleted) => self.deleted = deleted,
                Arrived::Done => self.done()?,
                Arrived::Request {
                    number,
                    record,
                    values,
                    sums,
                } => self.answer(number, &record, &values, &sums)?,
            }
            self.outgoing.send_if_full()?;
        }
    }

    /// Whether there is more to list than the server needs now.
    fn may_look_further(&self) -> bool {
        !self.announcer.is_complete()
            && self.announcer.ahead() < MOST_AHEAD
            && self.announcer.lists_ahead() < MOST_LISTS_AHEAD
    }

    /// Sends lists until so many files are ahead of what the server asks for.
    fn announce(&mut self, ahead: usize) -> Result<(), Error> {
        if self.announcer.is_complete() {
            return Ok(());
        }
        self.announcer
            .reach(ahead, &mut self.indices, &mut self.outgoing)?;
        self.requests.expect(self.announcer.count());
        Ok(())
    }

    /// The server is done with a list, or with a phase.
    fn done(&mut self) -> Result<(), Error> {
        let is_phase = self.announcer.end()?;
        self.phases += u32::from(is_phase);
        if self.phases <= PHASES {
            self.observer.observe(Event::PhaseEnded);
        }
        if is_phase && self.phases == PHASES {
            let errors = self.faults.bits();
            if errors != self.told && self.session.protocol >= 30 {
                // What it deletes late it keeps then.
                self.outgoing.message(Tag::IoError, errors.to_le_bytes())?;
            }
            self.report_matches();
        }
        let answered = PHASES + u32::from(self.session.protocol >= 31);
        if self.phases <= answered {
            self.indices.write(Index::Done, self.outgoing.buffer());
        }
        if is_phase && self.phases == PHASES {
            self.outgoing.flush()?;
            self.counted = Some(self.outgoing.sent);
        }
        Ok(())
    }

    /// Tells the server what the session ends with here, and takes what it still says (`_exit_cleanup` in cleanup.c).
    pub(crate) fn give_up(&mut self, error: &Error) {
        if self.session.protocol >= 31 && self.outgoing.end(error.exit()).is_ok() {
            // What ended the session is known.
            let _ = self.read_on();
        }
    }

    /// Takes what the peer still says after a failure to write, until it hangs up.
    pub(crate) fn read_on(&mut self) -> Result<(), Error> {
        while let Some(arrived) = self.requests.next_within(LAST_WORDS)? {
            if let Arrived::Message(tag, text) = arrived {
                self.message(tag, &text)?;
            }
        }
        Ok(())
    }

    fn message(&mut self, tag: Tag, text: &[u8]) -> Result<(), Error> {
        match tag {
            Tag::Deleted => {
                let folder = text.strip_suffix(b"\0");
                self.observer.observe(Event::Deleted {
                    name: folder.unwrap_or(text),
                    mode: match folder {
                        Some(_) => SFlag::S_IFDIR.bits(),
                        None => SFlag::S_IFREG.bits(),
                    },
                });
            }
            Tag::Success => {
                let number = text.try_into().map(u32::from_le_bytes);
                self.stored(number.expect("the frame's length was checked"))?;
            }
            _ => self.observer.observe(Event::Message(tag, text)),
        }
        Ok(())
    }

    /// How the search went (`match_report` in match.c).
    fn report_matches(&self) {
        if self.options.output.debug(Debug::Deltasum) > 0 {
            let Found {
                matches,
                false_alarms,
            } = self.found;
            let text = format!(
                "total: matches={matches}  hash_hits={}  false_alarms={false_alarms} data={}",
                matches + false_alarms,
                self.counts.literal
            );
            self.observer.observe(Event::Warning(&text));
        }
    }

    fn answer(
        &mut self,
        number: u32,
        record: &Record,
        values: &[i32],
        sums: &BlockSums,
    ) -> Result<(), Error> {
        let is_wanted = record.flags.has(ItemFlags::TRANSFER);
        let (file, argument) = self.announcer.file(number, is_wanted)?;
        self.values.ask(&file.list, &file.entry, values)?;
        self.announcer.advance_to(number);
        let entry = &file.entry;
        if !is_wanted || self.options.dry_run {
            if is_wanted {
                self.counts.files += 1;
                self.counts.size += entry.size.unsigned_abs();
            }
            self.report(number, argument, &file, record);
            self.echo(number, argument, &file, record);
            return Ok(());
        }
        self.send(number, argument, &file, record, sums)
    }

    fn report(&mut self, number: u32, argument: usize, file: &Listed, record: &Record) {
        self.observer.observe(Event::Item {
            list: &file.list,
            number,
            entry: &file.entry,
            flags: record.flags,
            link: record
                .name
                .as_deref()
                .filter(|_| record.flags.has(ItemFlags::LOCAL_CHANGE)),
            folder: self.announcer.source(argument).folder(),
        });
    }

    /// Repeats what the server said of a file, with the values that it wants.
    fn echo(&mut self, number: u32, argument: usize, file: &Listed, record: &Record) {
        self.indices.write(Index::File(number), self.outgoing.buffer());
        record.write(self.outgoing.buffer());
        if !AskedValues::follow(&self.session, self.options, record) {
            return;
        }
        let tree = self.announcer.tree(argument, file.name());
        let unread = self
            .values
            .write(&file.list, &file.entry, tree, self.outgoing.buffer());
        for attribute in unread {
            let text = format!("failed to re-read xattr {attribute} for {}", shown(file.name()));
            self.faults.fail();
            self.observer.observe(Event::Failed(&text));
        }
    }

    /// Sends a file: what the basis lacks, and where the rest stands in it.
    fn send(
        &mut self,
        number: u32,
        argument: usize,
        file: &Listed,
        record: &Record,
        sums: &BlockSums,
    ) -> Result<(), Error> {
        let (listed, name) = (file, file.name());
        let opened = self.announcer.tree(argument, name);
        let opened = opened.and_then(|(tree, name)| tree.read_with_length(name));
        self.counts.files += 1;
        self.counts.size += listed.entry.size.unsigned_abs();
        let (file, length) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let (entry, flags) = (&listed.entry, record.flags);
                self.observer.observe(Event::Unopened { number, entry, flags });
                return self.unsent(number, argument, name, &error);
            }
        };
        self.report(number, argument, listed, record);
        let before = self.outgoing.written();
        self.echo(number, argument, listed, record);
        sums.head.write(self.outgoing.buffer());
        // Asked once more, a file is not appended to.
        let is_first = self.sent.insert(number);
        let appended = (self.options.receiving.append > 0 && is_first).then(|| sums.head.length());
        let hashes_old_part = self.options.receiving.append > 1 || self.session.protocol < 30;
        let mut emitter = Emitter {
            tokens: &mut self.tokens,
            hasher: self.session.checksum.file(self.session.seed),
            outgoing: &mut self.outgoing,
            counts: &mut self.counts,
            found: &mut self.found,
            way: Way {
                observer: self.observer,
                length,
                // A block may begin where literal bytes end.
                hold: u64::from(sums.head.block_length),
                done: 0,
                told: 0,
            },
        };
        let sent = if let Some(start) = appended {
            let start = start.min(length);
            (emitter.way.done, emitter.way.told, emitter.way.hold) = (start, start, 0);
            emitter.appended(&file, start, length, hashes_old_part)
        } else if sums.head.count == 0 {
            emitter.whole(&file, 0, length)
        } else {
            let hash = BlockHash {
                checksum: self.session.checksum,
                seed: self.session.seed,
                is_seed_first: self.session.has_seed_first(),
                is_in_place: is_in_place(self.session, self.options, record),
            };
            search(sums, hash, &file, length, &mut emitter)
        };
        let Emitter { hasher, mut way, .. } = emitter;
        way.end();
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
                let place = self.announcer.source(argument).shown(name);
                self.fail(ERROR, &format!("read errors mapping \"{place}\": {reason}"));
            }
        }
        self.outgoing.buffer().extend_from_slice(&digest);
        let is_bare = appended.is_some();
        self.observer.observe(Event::Transferred(&Transferred {
            list: &listed.list,
            entry: &listed.entry,
            flags: record.flags,
            folder: self.announcer.source(argument).folder(),
            size: length,
            data: self.outgoing.written() - before,
            sums: sums.head.size(is_bare),
            digest: &digest,
        }));
        Ok(())
    }

    /// A file that cannot be opened; the peer is told.
    fn unsent(&mut self, number: u32, argument: usize, name: &[u8], error: &io::Error) -> Result<(), Error> {
        let path = self.announcer.source(argument).shown(name);
        if error.kind() == io::ErrorKind::NotFound {
            self.faults.add_bits(VANISHED);
            let text = format!("file has vanished: \"{path}\"");
            self.observer.observe(Event::Failed(&text));
        } else {
            let text = format!("send_files failed to open \"{path}\": {}", describe(error));
            self.fail(ERROR, &text);
        }
        if self.session.protocol >= 30 {
            self.outgoing.message(Tag::NoSend, number.to_le_bytes())?;
        }
        Ok(())
    }

    fn fail(&self, bits: i32, text: &str) {
        self.faults.add_bits(bits);
        self.observer
            .observe(Event::Failed(&format!("rsync: [sender] {text}")));
    }
}

/// Whether the receiver writes over the basis while it reads it (`send_files` in sender.c).
fn is_in_place(session: Session, options: &Options, record: &Record) -> bool {
    match record.basis {
        None | Some(Record::THE_FILE) => options.receiving.in_place,
        Some(Record::PARTIAL_FILE) => session.compatibility.has_partial_in_place(),
        _ => false,
    }
}
