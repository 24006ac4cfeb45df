use std::{io, os::unix::fs::FileExt as _};

use crate::rsync::{
    delta::{BlockHash, head, write_sums},
    proto::{Index, ItemFlags, Record, SumHead, file_list::Entry},
    transfer::{
        Error, Info,
        basis::Basis,
        extended::Difference,
        generator::{Failure, Generator},
        queue::Pending,
        store::Wanted,
        text::describe,
    },
    tree::Status,
};

/// How a file is asked for.
pub(super) struct Ask {
    pub(super) basis: Basis,
    /// What is other, but for ACLs and extended attributes.
    flags: u16,
    /// What those are compared with, unless nothing is there.
    like: Option<(Basis, Status)>,
    /// Whether its digest was wrong before.
    pub(super) is_again: bool,
}

impl Ask {
    pub(super) const fn new(basis: Basis, flags: u16, like: Option<(Basis, Status)>) -> Self {
        Self {
            basis,
            flags,
            like,
            is_again: false,
        }
    }
}

impl Generator<'_> {
    /// Asks for a file's data.
    pub(super) fn request(&mut self, number: u32, entry: &Entry, ask: Ask) -> Result<(), Error> {
        let Ask {
            mut basis,
            mut flags,
            mut like,
            is_again,
        } = ask;
        let options = self.options;
        let is_appended = options.receiving.append > 0 && !is_again;
        let is_whole = self.is_whole();
        let (list, keep) = (self.list.clone(), self.keep);
        let name = keep.place(&list, entry);
        let is_nothing_there = flags & ItemFlags::NEW != 0 && basis == Basis::Own;
        let opened = match &mut self.tree {
            Some(tree) if !is_whole && !options.dry_run && !is_nothing_there => {
                Some(self.beside.read(tree, &name, &basis))
            }
            _ => None,
        };
        if let Some(Err(error)) = &opened {
            self.complain_of_basis(&name, &basis, error);
            if !is_again && self.waits(number, entry) {
                return Ok(());
            }
            // Nothing is there after all.
            flags = ItemFlags::NEW | flags & (ItemFlags::TRANSFER | ItemFlags::CHANGE);
            like = None;
        }
        let is_unreadable = matches!(opened, Some(Err(_)));
        let file = opened.and_then(Result::ok);
        if !is_again {
            self.is_asked(entry);
        }
        let is_backed_up = options.receiving.in_place && options.backs_up && basis == Basis::Own;
        let is_backed_up = is_backed_up && !is_again && !is_unreadable;
        if let Some(tree) = self.tree.as_mut().filter(|_| is_backed_up && !options.dry_run) {
            let copied = self.beside.copy_to_backups(tree, &name);
            self.say_asides();
            match copied {
                Ok(None) => {}
                Ok(Some(text)) => {
                    if !is_whole {
                        basis = Basis::Backup;
                    }
                    if options.output.info(Info::Backup) > 0 {
                        self.queue.push(Pending::Said(text.into()));
                    }
                }
                Err(error) => {
                    let failure = match error.kind() {
                        // It stands where the backup is to be.
                        io::ErrorKind::IsADirectory => {
                            let place = keep.shown_name(&self.beside.backup_place(&name));
                            Failure(format!("unlink {place}: {}", describe(&error)))
                        }
                        _ => self.failure("make_backup {} failed", entry, &error),
                    };
                    self.fail(failure);
                    return Ok(());
                }
            }
        }
        // What was to be set was asked for the first time.
        let other = match &like {
            _ if is_again => Difference::default(),
            None => self.extended(entry, None),
            Some((Basis::Own, now)) => self.extended(entry, Some(now)),
            Some((basis, now)) => self.extended_like(entry, basis, now),
        };
        let mut sums = match file {
            Some((_, length)) if length > 0 => head(
                length,
                self.session.protocol,
                self.session.checksum,
                options.block_size,
                is_again,
            ),
            _ => SumHead::default(),
        };
        let (kind, similar) = (basis.kind(), basis.name());
        let record = Record {
            flags: ItemFlags(
                flags
                    | other.flags
                    | kind.map_or(0, |_| ItemFlags::BASIS_TYPE)
                    | similar.map_or(0, |_| ItemFlags::NAME),
            ),
            basis: kind,
            name: similar.map(<[u8]>::to_vec),
        };
        self.indices.write(Index::File(number), self.outgoing.buffer());
        record.write(self.outgoing.buffer());
        if options.xattrs && record.flags.has(ItemFlags::XATTR) && !options.dry_run {
            self.want(entry, &other.wanted);
        }
        if options.opens {
            let length = entry.size.unsigned_abs();
            let whole = head(length, self.session.protocol, self.session.checksum, None, false);
            whole.write(self.outgoing.buffer());
        }
        if !options.dry_run {
            let body = self.outgoing.buffer().len();
            sums.write(self.outgoing.buffer());
            if let Some((file, _)) = file.filter(|_| sums.count > 0 && !is_appended) {
                let hash = BlockHash {
                    checksum: self.session.checksum,
                    seed: self.session.seed,
                    is_seed_first: self.session.has_seed_first(),
                    is_in_place: false,
                };
                let read = |bytes: &mut [u8], offset| file.read_exact_at(bytes, offset);
                let written = write_sums(sums, hash, read, self.outgoing.buffer());
                if written.is_err() {
                    // It became shorter meanwhile, or cannot be read: then it is no basis.
                    sums = SumHead::default();
                    self.outgoing.buffer().truncate(body);
                    sums.write(self.outgoing.buffer());
                }
            }
        }
        if (options.opens || !options.dry_run) && !is_again {
            self.lists.asked(number);
        }
        let wanted = Wanted {
            sums,
            basis,
            is_again,
        };
        let wanted = (wanted != Wanted::default()).then(|| Box::new(wanted));
        self.queue.push(Pending::Transfer { number, wanted });
        self.outgoing.send_if_full()
    }
}
