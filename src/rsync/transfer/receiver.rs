use std::io;

use crate::rsync::{
    proto::{
        Index, Indices, ItemFlags, Record, Session, Statistics, Stop, SumHead, TokenReader, Violation,
        file_list::{XattrValue, read_value, read_wanted},
    },
    transfer::{
        Error, Event, Observer, Options,
        beside::Beside,
        counts::FileCounts,
        extended::{Values, long_value},
        keep::Keep,
        listing::Listing,
        lists::Lists,
        part::Listed,
        queue::{Pending, Queue, Stored},
        store::{Target, Wanted, Written},
        text::shown,
        wire::{Faults, Incoming},
    },
    tree::{Tree, Unset},
};

/// Takes the sender's replies, and writes the files (`receiver.c`).
pub(crate) struct Receiver<'a> {
    pub(crate) session: Session,
    pub(crate) options: &'a Options,
    pub(crate) keep: &'a Keep<'a>,
    pub(crate) lists: &'a Lists,
    pub(crate) queue: &'a Queue,
    pub(crate) stored: &'a Stored,
    pub(crate) faults: &'a Faults,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) tree: Option<Tree>,
    pub(crate) incoming: Incoming<'a>,
    pub(crate) listing: Listing<'a>,
    pub(crate) indices: Indices,
    pub(crate) tokens: TokenReader,
    pub(crate) counts: Counts,
    /// The long values of extended attributes that came.
    pub(crate) values: Values,
    pub(crate) beside: Beside<'a>,
    /// The files that are whole, and wait for the end.
    pub(crate) delayed: Vec<u32>,
    /// Whether nothing can be asked for once more.
    pub(crate) is_last_phase: bool,
}

/// What was done with files' data.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) files: u64,
    pub(crate) size: u64,
    pub(crate) literal: u64,
    pub(crate) matched: u64,
}

/// What a reply answers.
enum Asked {
    /// A file's data.
    Data(Wanted),
    /// Long values of extended attributes.
    Values,
    Nothing,
}

/// What of that which was done is reported.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Until {
    /// What comes before a file that was asked for.
    Asked(u32),
    /// What comes before the end of a list.
    Done,
    /// All.
    Now,
}

impl Receiver<'_> {
    /// Takes replies until the sender ends the phase; the files that must be asked for again.
    pub(crate) fn phase(&mut self) -> Result<Vec<u32>, Error> {
        let mut again = Vec::new();
        loop {
            let next = self.next_record()?;
            // Nothing is said of them: they are passed over when something later is answered.
            for number in self.incoming.take_unsent() {
                self.stored.fail(number);
                self.lists.settled(number);
            }
            let Some((index, record, file)) = next else {
                continue;
            };
            match index {
                Index::Done => {
                    self.report_until(Until::Done)?;
                    self.observer.observe(Event::PhaseEnded);
                    if self.lists.end()? {
                        self.report_all()?;
                        return Ok(again);
                    }
                }
                Index::File(number) if record.flags.has(ItemFlags::TRANSFER) => {
                    let Asked::Data(wanted) = self.report_until(Until::Asked(number))? else {
                        return Err(Violation::UnaskedIndex(number).into());
                    };
                    is_basis_of(&wanted, &record)?;
                    let file = file.ok_or(Violation::UnaskedIndex(number))?;
                    self.transferred(number, file, record.flags, &wanted, &mut again)?;
                }
                Index::File(number) if record.flags.has(ItemFlags::XATTR) => {
                    let Asked::Values = self.report_until(Until::Asked(number))? else {
                        return Err(Violation::UnaskedIndex(number).into());
                    };
                }
                Index::File(number) => return Err(Violation::UnaskedIndex(number).into()),
                Index::ListsEnd if self.lists.is_incremental() => self.listing.complete(),
                Index::List(folder) if self.lists.is_incremental() => {
                    self.listing.receive(Some(folder), &mut self.incoming)?;
                }
                index @ (Index::Deletions | Index::ListsEnd | Index::List(_) | Index::Other(_)) => {
                    return Err(self.lists.wrong_index(index.value()).into());
                }
            }
        }
    }

    /// Waits for the end of a phase in which nothing is sent, and reports what was done meanwhile.
    pub(crate) fn expect_done(&mut self) -> Result<(), Error> {
        loop {
            let Some((index, record, _)) = self.next_record()? else {
                // What was not sent is none of this phase's matter.
                self.incoming.take_unsent();
                continue;
            };
            match index {
                Index::Done => break,
                // The server repeats what it was told.
                Index::Deletions if self.session.protocol >= 31 => {
                    self.incoming.decode(|input| {
                        for _ in 0..FileCounts::KINDS {
                            input.varint()?;
                        }
                        Ok::<_, Stop>(())
                    })?;
                }
                Index::File(_) if record.flags.has(ItemFlags::TRANSFER) => {
                    return Err(Violation::LateRequest.into());
                }
                Index::File(number) => {
                    return Err(Violation::Goodbye {
                        index: number.cast_signed(),
                        is_pull: true,
                    }
                    .into());
                }
                index => return Err(self.lists.wrong_index(index.value()).into()),
            }
        }
        self.report_all()
    }

    /// Reads what a sending server counted.
    pub(crate) fn statistics(&mut self) -> Result<Statistics, Error> {
        let protocol = self.session.protocol;
        self.incoming.decode(|input| Statistics::read(protocol, input))
    }

    /// The next record, with the file that it is about; none if the sender said meanwhile that it cannot send a file.
    fn next_record(&mut self) -> Result<Option<(Index, Record, Option<Listed>)>, Error> {
        let before = self.indices;
        let indices = &mut self.indices;
        let next = self.incoming.decode_unless_unsent(|input| {
            *indices = before;
            let index = indices.read(input)?;
            let record = match index {
                Index::File(_) => Record::read(input)?,
                _ => Record::default(),
            };
            Ok((index, record))
        })?;
        let Some((index, record)) = next else {
            return Ok(None);
        };
        let Index::File(number) = index else {
            return Ok(Some((index, record, None)));
        };
        let file = self.lists.found(number, record.flags.has(ItemFlags::TRANSFER))?;
        if record.flags.has(ItemFlags::XATTR) && self.options.xattrs && !self.options.dry_run {
            self.take_values(&file)?;
        }
        Ok(Some((index, record, Some(file))))
    }

    /// Reads the long values that come with a record (`recv_xattr_request` in xattrs.c).
    fn take_values(&mut self, file: &Listed) -> Result<(), Error> {
        let Listed { list, entry, .. } = file;
        let (mut last, mut taken) = (0, 0);
        while let Some(wanted) = self.incoming.decode(|input| read_wanted(last, input))? {
            let key = long_value(list, entry, wanted)?;
            let value = self
                .incoming
                .decode(|input| Ok(read_value(taken, input)?.to_vec()))?;
            taken += value.len();
            self.values.insert(key, value);
            last = wanted;
        }
        Ok(())
    }

    /// Sets the long values of something whose data stay.
    fn set_values(&mut self, number: u32) -> Result<(), Error> {
        let Listed { list, entry, .. } = self.file(number)?;
        // Folders come last of all.
        if entry.is_directory() {
            return Ok(());
        }
        let name = self.keep.place(&list, &entry).into_owned();
        let Some(tree) = &mut self.tree else { return Ok(()) };
        let set = tree.handle(&name).and_then(|there| {
            let places = std::slice::from_ref(&there);
            let extended = self.keep.whole_extended(&list, &entry, &self.values, places);
            let xattrs = extended.map_err(missing)?.xattrs.unwrap_or_default();
            // Whoever looked at it first has set the others.
            let long = xattrs.iter().filter(|(_, value)| {
                value
                    .as_ref()
                    .is_some_and(|value| XattrValue::is_long(value.len()))
            });
            let failed = long.filter_map(|(name, value)| {
                let error = there.renew(name, value.as_deref()?).err()?;
                Some(Unset::attribute("setxattr", entry.mode, name, error))
            });
            Ok(failed.collect())
        });
        self.tell_unset(&name, &set.unwrap_or_else(|error| vec![Unset::Extended(error)]));
        Ok(())
    }

    /// Reports what was done since.
    pub(crate) fn report_all(&mut self) -> Result<(), Error> {
        self.report_until(Until::Now).map(drop)
    }

    /// Reports what was done before something that the sender answers; how the basis of a file was described.
    fn report_until(&mut self, until: Until) -> Result<Asked, Error> {
        let wanted = match until {
            Until::Asked(number) => Some(number),
            Until::Done | Until::Now => None,
        };
        loop {
            match self.queue.pop() {
                Some(Pending::Transfer { number, wanted: file }) if Some(number) == wanted => {
                    return Ok(Asked::Data(file.map_or_else(Wanted::default, |file| *file)));
                }
                Some(Pending::Values(number, flags)) => {
                    self.report(number, flags, None)?;
                    self.set_values(number)?;
                    if Some(number) == wanted {
                        return Ok(Asked::Values);
                    }
                }
                Some(Pending::Transfer { number, .. }) => self.passed_over(number),
                Some(Pending::Local(number, flags)) => self.report(number, flags, None)?,
                Some(Pending::Linked(number, flags, name)) => {
                    self.report(number, flags, Some(&*name).filter(|name| !name.is_empty()))?;
                }
                Some(Pending::Deleted { name, mode }) => {
                    self.observer.observe(Event::Deleted { name: &name, mode });
                }
                Some(Pending::Done) if until == Until::Done => return Ok(Asked::Nothing),
                Some(Pending::Done) => {}
                Some(Pending::Said(text)) => self.observer.observe(Event::Warning(&text)),
                Some(Pending::Noted(text)) => self.observer.observe(Event::Note(&text)),
                Some(Pending::Counted(count)) => self.observer.observe(Event::Counted(count)),
                Some(Pending::Complained(text)) => self.observer.observe(Event::Complained(&text)),
                Some(Pending::Failed(text)) => self.observer.observe(Event::Failed(&text)),
                None => {
                    return match wanted {
                        Some(number) => Err(Violation::UnaskedIndex(number).into()),
                        None => Ok(Asked::Nothing),
                    };
                }
            }
        }
    }

    /// A file was asked for, and something behind it is answered: before protocol 30 that alone says that it will not come.
    fn passed_over(&self, number: u32) {
        if self.session.protocol < 30 {
            self.stored.fail(number);
        }
    }

    pub(super) fn report(&self, number: u32, flags: ItemFlags, link: Option<&[u8]>) -> Result<(), Error> {
        let file = self.file(number)?;
        self.observer.observe(Event::Item {
            list: &file.list,
            number,
            entry: &file.entry,
            flags,
            link,
            folder: b"",
        });
        Ok(())
    }

    pub(super) fn file(&self, number: u32) -> Result<Listed, Error> {
        let file = self.lists.file(number);
        Ok(file.ok_or(Violation::UnaskedIndex(number))?)
    }

    fn transferred(
        &mut self,
        number: u32,
        file: Listed,
        flags: ItemFlags,
        wanted: &Wanted,
        again: &mut Vec<u32>,
    ) -> Result<(), Error> {
        let Listed { list, entry, .. } = file;
        self.counts.files += 1;
        self.counts.size += entry.size.unsigned_abs();
        if self.options.opens {
            self.pass_over_data(&list, &entry)?;
            self.lists.settled(number);
        }
        if self.options.dry_run {
            return self.report(number, flags, None);
        }
        let (protocol, digest) = (self.session.protocol, self.session.checksum.length());
        let before = self.incoming.taken();
        let sums = self
            .incoming
            .decode(|input| SumHead::read(protocol, digest, input))?;
        // Without blocks the rest of a head means nothing.
        if sums != wanted.sums && (sums.count, wanted.sums.count) != (0, 0) {
            return Err(Violation::OtherSums(sums.count).into());
        }
        let name = self.keep.place(&list, &entry).into_owned();
        let target = Target {
            number,
            list: &list,
            entry: &entry,
            name: &name,
            flags,
            taken: before,
        };
        match self.store(target, wanted)? {
            Written::Stored => self.stored.push(number),
            Written::Delayed => self.delayed.push(number),
            Written::Failed => self.stored.fail(number),
            Written::Mismatch(kept) => {
                // A single file has the sender's name there, whatever it is called here.
                let shown = shown(list.name(&entry));
                if wanted.is_again || self.is_last_phase {
                    self.stored.fail(number);
                    self.faults.fail();
                    let text = format!("ERROR: {shown} failed verification -- update {kept}.");
                    self.observer.observe(Event::Failed(&text));
                } else {
                    let text =
                        format!("WARNING: {shown} failed verification -- update {kept} (will try again).");
                    self.observer.observe(Event::Retried(&text));
                    if self.lists.is_incremental() {
                        self.lists.again(number);
                        return Ok(());
                    }
                    again.push(number);
                }
            }
        }
        self.lists.settled(number);
        Ok(())
    }
}

/// Whether the sender answers with the basis that it was told of. What is used is the one that was chosen here, so none is
/// as well; rsync goes by what the sender says (`recv_files` in receiver.c).
fn is_basis_of(wanted: &Wanted, record: &Record) -> Result<(), Violation> {
    match record.basis {
        Some(kind) if Some(kind) == wanted.basis.kind() => Ok(()),
        Some(Record::SIMILAR) => {
            let name = record.name.as_deref().unwrap_or_default();
            Err(Violation::SimilarBasis(shown(name)))
        }
        None | Some(Record::THE_FILE..Record::SIMILAR) => Ok(()),
        Some(kind) => Err(Violation::BasisFolder(kind)),
    }
}

/// A long value that the sender did not give, and that is not there either.
pub(crate) fn missing(name: &[u8]) -> io::Error {
    io::Error::other(format!("missing abbreviated xattr value, {}", shown(name)))
}
