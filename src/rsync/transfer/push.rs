use std::{collections::HashSet, net::Shutdown, path::PathBuf, sync::Arc, thread, time::Instant};

use crate::rsync::{
    delta::BlockSums,
    filter::Side,
    proto::{
        Index, Indices, ItemFlags, PROTOCOL, Record, Session, SumHead, TokenWriter, Violation,
        file_list::{Extra, FileList, ListWriter, write_names},
    },
    transfer::{
        Error, Event, ModeChange, Observer, Opened, Options, Outcome,
        build::{Builder, Built, OwnerNames, group_name, user_name},
        counts::FileCounts,
        lists::{Part, Parts},
        pulse::Pulse,
        receiver::Counts,
        requests::{Arrived, Requests},
        sender::{Found, Sender},
        session::{Role, fields, final_exit, reads_rules, set_up, total_size},
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
    } = opened;
    let socket = |error| socket_error("setsockopt", error);
    stream.set_read_timeout(options.timeout).map_err(socket)?;
    stream.set_write_timeout(options.timeout).map_err(socket)?;
    let pulse = Pulse::new(options.timeout);
    let faults = Faults::default();
    let requests = Requests::default();
    let forward = Forward { requests: &requests };
    let mut outgoing = Outgoing::new(stream.try_clone().map_err(socket)?, pulse.clone(), options.pace());
    let mut incoming = Incoming::new(
        stream.try_clone().map_err(socket)?,
        pulse,
        &received,
        &forward,
        &faults,
        "sender",
    );
    let paths = [target.to_vec()];
    let mut filters = options.filters_of(protocol)?;
    // What is not sent need not be expressed in an old protocol.
    let spoken = match reads_rules(Role::Sender, options) {
        true => protocol,
        false => PROTOCOL,
    };
    let rules = filters.announce(Side::Sender, spoken, options.cvs_exclude)?;
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
    observer.observe(Event::Listing);
    let start = Instant::now();
    let Built { mut list, sources } =
        Builder::new(session, options, filters, &faults, observer).build(sources)?;
    if !options.mode_changes.is_empty() {
        list.map_modes(|mode, is_directory| ModeChange::apply_all(&options.mode_changes, mode, is_directory));
    }
    observer.observe(Event::Listed(&list));
    let mut outcome = Outcome {
        listed: list.len() as u64,
        total_size: total_size(&list),
        ..Outcome::default()
    };
    // What takes no time is told as a millisecond (`send_file_list` in flist.c).
    outcome.list_build = milliseconds(start).max(1);
    let (start, before) = (Instant::now(), outgoing.sent);
    send_list(&session, options, &list, faults.bits(), &mut outgoing)?;
    outcome.list_transfer = milliseconds(start);
    outcome.list_size = outgoing.sent - before;
    if list.is_empty() {
        // The server exits at once then.
        incoming.drain();
    } else {
        let mut parts = Parts::default();
        parts.push(Arc::new(Part::new(list, 0)));
        let mut sender = Sender {
            session,
            options,
            parts,
            sources,
            requests: &requests,
            faults: &faults,
            observer,
            outgoing,
            indices: Indices::new(protocol),
            tokens: TokenWriter::new(session.compression, options.algorithms.level),
            counts: Counts::default(),
            sent: HashSet::new(),
            found: Found::default(),
            deleted: FileCounts::default(),
            phases: 0,
        };
        let reader = Reader {
            session,
            options,
            incoming,
            indices: Indices::new(protocol),
            requests: &requests,
            asked: HashSet::new(),
        };
        run(&mut sender, reader, &stream, &mut outcome)?;
    }
    outcome.exit = final_exit(&faults).code();
    observer.observe(Event::Done(&outcome));
    Ok(outcome)
}

fn milliseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Runs both directions until the goodbye.
fn run(
    sender: &mut Sender<'_>,
    mut reader: Reader<'_>,
    stream: &std::net::TcpStream,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let requests = sender.requests;
    thread::scope(|scope| {
        let reading = scope.spawn(move || {
            // The last word is the server's, so that nobody need wait for it to hang up: it takes 20 ms to end.
            requests.end(reader.run());
            reader.incoming.received
        });
        let mut answered = sender.run();
        if answered.is_err() {
            // What the server said before it hung up is nearer to the cause than a socket that it had closed.
            let _ = stream.shutdown(Shutdown::Write);
            answered = sender.read_on().and(answered);
            requests.close();
            let _ = stream.shutdown(Shutdown::Both);
        }
        outcome.received = reading.join().expect("the reader does not panic");
        outcome.sent = sender.outgoing.sent;
        outcome.deleted = sender.deleted;
        let counts = sender.counts;
        (outcome.transferred, outcome.transferred_size) = (counts.files, counts.size);
        (outcome.literal, outcome.matched) = (counts.literal, counts.matched);
        answered
    })
}

/// Writes the list, and how the ids in it are called here.
fn send_list(
    session: &Session,
    options: &Options,
    list: &FileList,
    errors: i32,
    outgoing: &mut Outgoing,
) -> Result<(), Error> {
    let fields = fields(session, options);
    let mut writer = ListWriter::new(fields);
    let none = Extra::default();
    for (number, entry) in list.entries().iter().enumerate() {
        let extra = list.extra(entry).unwrap_or(&none);
        let number = u32::try_from(number).expect("a list holds fewer");
        writer.write(list.name(entry), entry, extra, 0, number, outgoing.buffer());
        outgoing.send_if_full()?;
    }
    writer.end(errors, outgoing.buffer());
    if !options.numeric_ids && !list.is_empty() {
        let names = OwnerNames::of(list);
        let (user, group) = (user_name(0), group_name(0));
        let of_root = (
            user.as_deref().unwrap_or_default().as_bytes(),
            group.as_deref().unwrap_or_default().as_bytes(),
        );
        let of_root = session.compatibility.has_names_of_root().then_some(of_root);
        write_names(&fields, &names.users, &names.groups, of_root, outgoing.buffer());
    }
    if session.protocol < 30 {
        outgoing.buffer().extend_from_slice(&errors.to_le_bytes());
    }
    outgoing.flush()
}

/// Hands the server's messages over in their order among its requests.
struct Forward<'r> {
    requests: &'r Requests,
}

impl Observer for Forward<'_> {
    fn observe(&self, event: Event<'_>) {
        if let Event::Message(tag, text) = event {
            self.requests.push(Arrived::Message(tag, text.to_vec()));
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
}

impl Reader<'_> {
    /// Reads until the goodbye.
    fn run(&mut self) -> Result<(), Error> {
        let mut phases = if self.session.protocol >= 31 { 5 } else { 4 };
        while phases > 0 {
            let (index, record) = self.next_record()?;
            let arrived = match index {
                Index::Done => {
                    phases -= 1;
                    Arrived::Done
                }
                Index::File(number) => Arrived::Request {
                    number,
                    sums: self.sums(number, &record)?,
                    record,
                },
                Index::Deletions => Arrived::Deletions(self.incoming.decode(FileCounts::read)?),
                Index::ListsEnd => return Err(Violation::Index(-2).into()),
                Index::List(number) => return Err(Violation::ListNumber(number).into()),
            };
            if !self.requests.push(arrived) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn next_record(&mut self) -> Result<(Index, Record), Error> {
        let before = self.indices;
        let indices = &mut self.indices;
        self.incoming.decode(|input| {
            *indices = before;
            let index = indices.read(input)?;
            let record = match index {
                Index::File(_) => Record::read(input)?,
                _ => Record::default(),
            };
            Ok((index, record))
        })
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
