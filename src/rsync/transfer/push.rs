use std::{
    collections::HashSet,
    net::Shutdown,
    os::unix::ffi::OsStrExt as _,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::rsync::{
    delta::BlockSums,
    filter::Side,
    net::Stream,
    proto::{
        Index, Indices, ItemFlags, Record, Session, SumHead, TokenWriter, Violation,
        file_list::read_all_wanted,
    },
    transfer::{
        Error, Event, FilesFrom, Observer, Opened, Options, Outcome,
        announce::Announcer,
        asked::NextName,
        counts::FileCounts,
        gather::AskedValues,
        pulse::Pulse,
        receiver::Counts,
        requests::{Arrived, Requests},
        sender::{Found, PHASES, Sender},
        session::{Role, check_options, final_exit, set_up},
        wire::{Faults, Incoming, Outgoing, socket_error},
    },
};

/// Pushes to a daemon that said yes: sends the arguments and the list, and answers what the server wants.
///
/// # Errors
///
/// What ends the session; errors with single files are in the outcome.
pub fn push(
    opened: Opened,
    sources: &[PathBuf],
    target: &[u8],
    options: &Options,
    observer: &dyn Observer,
) -> Result<Outcome, Error> {
    let Opened {
        stream,
        protocol,
        received,
        round_trip: _,
    } = opened;
    let socket = |error| socket_error("setsockopt", error);
    let pulse = Pulse::new(options.timeout, options.stop_at);
    stream.set_read_timeout(pulse.patience()).map_err(socket)?;
    stream.set_write_timeout(pulse.patience()).map_err(socket)?;
    let faults = Faults::default();
    let requests = Requests::default();
    let forward = Forward {
        observer,
        requests: &requests,
        is_answered: AtomicBool::new(false),
    };
    let mut outgoing = Outgoing::new(stream.clone(), pulse.clone(), options.pace());
    let mut incoming = Incoming::new(stream.clone(), pulse, &received, &forward, &faults, "sender");
    let paths = [target.to_vec()];
    check_options(protocol, options)?;
    let mut filters = options.filters_of(protocol)?;
    // rsync also asks of those that are not sent that the protocol can express them (`send_rules` in exclude.c).
    let rules = filters.announce(Side::Sender, protocol, options.cvs_exclude)?;
    let session = set_up(
        protocol,
        Role::Sender,
        &paths,
        &rules,
        options,
        &mut outgoing,
        &mut incoming,
    )?;
    incoming.alive = outgoing.keep_alive(options.timeout);
    observer.observe(Event::Began(&session));
    let mut indices = Indices::new(protocol);
    if matches!(options.files_from, Some(FilesFrom::There(_))) && !options.names_come_bare(protocol) {
        incoming.drop_stray_nul()?;
    }
    let mut announcer = Announcer::new(session, options, filters, &faults, &requests, observer);
    announce(
        &mut announcer,
        sources,
        options,
        &mut incoming,
        &mut indices,
        &mut outgoing,
    )?;
    if options.names_come_bare(protocol) {
        incoming.multiplex();
    }
    requests.expect(announcer.count());
    let mut outcome = Outcome::default();
    forward.is_answered.store(true, Ordering::Relaxed);
    let mut sender = Sender {
        session,
        options,
        announcer,
        requests: &requests,
        faults: &faults,
        observer,
        outgoing,
        indices,
        tokens: TokenWriter::new(session.compression, options.algorithms.level),
        counts: Counts::default(),
        sent: HashSet::new(),
        found: Found::default(),
        deleted: FileCounts::default(),
        values: AskedValues::default(),
        phases: 0,
        told: 0,
        counted: None,
    };
    let reader = Reader {
        session,
        options,
        incoming,
        indices: Indices::new(protocol),
        requests: &requests,
        asked: HashSet::new(),
        counted: None,
    };
    run(&mut sender, reader, &stream, &mut outcome)?;
    outcome.exit = final_exit(&faults).code();
    observer.observe(Event::Done(&outcome));
    Ok(outcome)
}

/// Sends the list of what the command line names, or a list of files that is here or on the server.
fn announce(
    announcer: &mut Announcer<'_>,
    sources: &[PathBuf],
    options: &Options,
    incoming: &mut Incoming<'_>,
    indices: &mut Indices,
    outgoing: &mut Outgoing,
) -> Result<(), Error> {
    let mut paths = sources.iter().map(|path| path.as_os_str().as_bytes());
    let (base, mut names): (_, Box<NextName<'_>>) = match &options.files_from {
        None => (None, Box::new(|| Ok(paths.next().map(<[u8]>::to_vec)))),
        Some(FilesFrom::Here(content)) => {
            let mut names = options.names_of(content);
            let next = move || Ok(names.next().map(<[u8]>::to_vec));
            (sources.first(), Box::new(next))
        }
        Some(FilesFrom::There(_)) => (sources.first(), Box::new(|| incoming.name())),
    };
    announcer.first(base.map(PathBuf::as_path), &mut *names, indices, outgoing)
}

/// Runs both directions until the goodbye.
fn run(
    sender: &mut Sender<'_>,
    mut reader: Reader<'_>,
    stream: &Stream,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let requests = sender.requests;
    thread::scope(|scope| {
        let reading = scope.spawn(move || {
            // The last word is the server's, so that nobody need wait for it to hang up: it takes 20 ms to end.
            requests.end(reader.run());
            reader.counted.unwrap_or(reader.incoming.received)
        });
        let mut answered = sender.run();
        if matches!(answered, Err(Error::Socket { .. })) {
            // What the server said before it hung up is nearer to the cause than a socket that it had closed.
            let _ = stream.shutdown(Shutdown::Write);
            answered = sender.read_on().and(answered);
        }
        if let Err(error @ Error::Filter(_)) = &answered {
            sender.give_up(error);
        }
        if answered.is_err() {
            requests.close();
            let _ = stream.shutdown(Shutdown::Both);
        }
        outcome.received = reading.join().expect("the reader does not panic");
        outcome.sent = sender.counted.unwrap_or(sender.outgoing.sent);
        outcome.deleted = sender.deleted;
        (outcome.listed, outcome.total_size) = (sender.announcer.listed, sender.announcer.total_size);
        outcome.list_size = sender.announcer.size;
        (outcome.list_build, outcome.list_transfer) = sender.announcer.took;
        let counts = sender.counts;
        (outcome.transferred, outcome.transferred_size) = (counts.files, counts.size);
        (outcome.literal, outcome.matched) = (counts.literal, counts.matched);
        answered
    })
}

/// Hands the server's messages over in their order among its requests, once these are answered.
struct Forward<'r> {
    observer: &'r dyn Observer,
    requests: &'r Requests,
    is_answered: AtomicBool,
}

impl Observer for Forward<'_> {
    fn observe(&self, event: Event<'_>) {
        let Event::Message(tag, text) = event else { return };
        if self.is_answered.load(Ordering::Relaxed) {
            self.requests.push(Arrived::Message(tag, text.to_vec()));
        } else {
            self.observer.observe(event);
        }
    }
}

/// Reads what the server wants.
struct Reader<'a> {
    session: Session,
    options: &'a Options,
    incoming: Incoming<'a>,
    indices: Indices,
    requests: &'a Requests,
    /// The files that were asked for with nothing but the length of what is there.
    asked: HashSet<u32>,
    /// How many bytes had come when the last phase ended, which are those that rsync shows.
    counted: Option<u64>,
}

impl Reader<'_> {
    /// Reads until the goodbye.
    fn run(&mut self) -> Result<(), Error> {
        // The end of the last list is the first of these.
        let phases = if self.session.protocol >= 31 { 5 } else { 4 };
        let mut ended = 0;
        while self
            .requests
            .lists()
            .is_none_or(|lists| ended + 1 < lists + phases)
        {
            let (index, flags) = self.next_index()?;
            let arrived = match index {
                Index::Done => {
                    ended += 1;
                    if self
                        .requests
                        .lists()
                        .is_some_and(|lists| ended + 1 == lists + PHASES)
                    {
                        self.counted = Some(self.incoming.received);
                    }
                    Arrived::Done
                }
                Index::File(number) => self.request(number, flags, ended)?,
                Index::Deletions => Arrived::Deletions(self.incoming.decode(FileCounts::read)?),
                Index::ListsEnd | Index::List(_) | Index::Other(_) => {
                    return Err(self.requests.wrong_index(index.value()).into());
                }
            };
            if !self.requests.push(arrived) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn next_index(&mut self) -> Result<(Index, ItemFlags), Error> {
        let before = self.indices;
        let indices = &mut self.indices;
        self.incoming.decode(|input| {
            *indices = before;
            let index = indices.read(input)?;
            let flags = match index {
                Index::File(_) => ItemFlags::read(input)?,
                _ => ItemFlags::default(),
            };
            Ok((index, flags))
        })
    }

    /// Reads what is said of a file, or wanted of it, once so many lists and phases have ended.
    fn request(&mut self, number: u32, flags: ItemFlags, ended: u32) -> Result<Arrived, Error> {
        let has_data = flags.has(ItemFlags::TRANSFER);
        // What stands behind an index that cannot be has no meaning, and may not come at all.
        self.requests.check(number, has_data)?;
        let record = self.incoming.decode(|input| Record::read_behind(flags, input))?;
        let phase = self
            .requests
            .lists()
            .map_or(0, |lists| (ended + 1).saturating_sub(lists));
        match phase {
            PHASES.. => {
                return Err(Violation::Goodbye {
                    index: number.cast_signed(),
                    is_pull: false,
                }
                .into());
            }
            2.. if has_data => return Err(Violation::LateRequest.into()),
            _ => {}
        }
        Ok(Arrived::Request {
            number,
            values: self.values(&record)?,
            sums: self.sums(number, &record)?,
            record,
        })
    }

    /// The numbers of the long values that are wanted.
    fn values(&mut self, record: &Record) -> Result<Vec<i32>, Error> {
        if !AskedValues::follow(&self.session, self.options, record) {
            return Ok(Vec::new());
        }
        self.incoming.decode(read_all_wanted)
    }

    fn sums(&mut self, number: u32, record: &Record) -> Result<BlockSums, Error> {
        if !record.flags.has(ItemFlags::TRANSFER) || self.options.dry_run {
            return Ok(BlockSums::default());
        }
        let (protocol, digest) = (self.session.protocol, self.session.checksum.length());
        let head = self
            .incoming
            .decode(|input| SumHead::read(protocol, digest, input))?;
        let mut sums = BlockSums::new(head);
        // What is appended to is described by its length alone, at the first attempt.
        let is_bare = self.options.receiving.append > 0 && self.asked.insert(number);
        let mut is_complete = head.count == 0 || is_bare;
        while !is_complete {
            is_complete = self.incoming.decode(|input| sums.read(input))?;
        }
        Ok(sums)
    }
}
