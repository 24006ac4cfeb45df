use std::{
    collections::{HashMap, HashSet},
    net::Shutdown,
    os::unix::ffi::OsStrExt as _,
    path::Path,
    sync::{Arc, mpsc},
    thread,
};

use nix::unistd::{Group, User};

use crate::rsync::{
    filter::{FilterList, Requested, Side, Verdict},
    proto::{
        Indices, Session, Statistics, Stop, TokenReader, Violation,
        file_list::{FileKind, FileList, Item, ListReader, NameReader, Named},
    },
    transfer::{
        Error, Event, ModeChange, Observer, Opened, Options,
        counts::FileCounts,
        delete::{Deleter, Report},
        destination::prepare,
        extended::Values,
        generator::Generator,
        keep::Keep,
        links::MUNGED,
        lists::{Lists, Part},
        prune::prune,
        pulse::Pulse,
        queue::{Queue, Stored},
        receiver::{Counts, Receiver, missing},
        session::{Role, fields, final_exit, set_up, total_size},
        text::{describe, shown},
        wire::{Faults, Incoming, Outgoing, socket_error},
    },
    tree::{Identity, Tree},
};

/// What a session came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Files in the list.
    pub listed: u64,
    /// Files whose data were transferred.
    pub transferred: u64,
    /// The length of all files in the list, in bytes.
    pub total_size: u64,
    /// The length of those that were transferred.
    pub transferred_size: u64,
    /// Their bytes that came from the sender.
    pub literal: u64,
    /// Their bytes that were there.
    pub matched: u64,
    /// Bytes on the wire, to the server.
    pub sent: u64,
    /// Bytes on the wire, from the server.
    pub received: u64,
    /// How many bytes the list took on the wire.
    pub list_size: u64,
    /// How long the sender made the list, in milliseconds.
    pub list_build: u64,
    /// How long it sent the list, in milliseconds.
    pub list_transfer: u64,
    /// What was deleted.
    pub deleted: FileCounts,
    /// What the server counted.
    pub server: Statistics,
    /// The status to end with: errors with single files.
    pub exit: u8,
}

/// Pulls from a daemon that said yes: sends the arguments, receives the list, and brings the destination up to it.
///
/// # Errors
///
/// What ends the session; errors with single files are in the outcome.
pub fn pull(
    opened: Opened,
    paths: &[Vec<u8>],
    destination: Option<&Path>,
    options: &Options,
    identity: Identity,
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
    let mut outgoing = Outgoing::new(stream.try_clone().map_err(socket)?, pulse.clone(), options.pace());
    let mut incoming = Incoming::new(
        stream.try_clone().map_err(socket)?,
        pulse,
        &received,
        observer,
        &faults,
        "receiver",
    );
    let mut filters = options.filters_of(protocol)?;
    let rules = filters.announce(Side::Receiver, protocol, options.cvs_exclude)?;
    let session = set_up(
        protocol,
        Role::Receiver,
        paths,
        &rules,
        options,
        &mut outgoing,
        &mut incoming,
    )?;
    let gate = Gate {
        requested: Requested::new(paths, options.recursive, options.directories),
        filters: &filters,
        is_open: options.trust_sender,
    };
    observer.observe(Event::Began(&session));
    observer.observe(Event::Listing);
    let start = incoming.position();
    let mut list = receive_list(&session, options, &gate, &mut incoming, &faults, observer)?;
    incoming.alive = outgoing.keep_alive(options.timeout);
    if list.is_empty() {
        // The server exits at once then.
        incoming.drain();
    }
    let list_size = incoming.position() - start;
    let names = std::mem::take(&mut list.names);
    let mut list = list.list;
    list.map_ids(|uid| names.user(uid), |gid| names.group(gid));
    if !options.mode_changes.is_empty() {
        list.map_modes(|mode, is_directory| ModeChange::apply_all(&options.mode_changes, mode, is_directory));
    }
    if options.munge_links {
        list.prefix_links(MUNGED);
    }
    observer.observe(Event::Listed(&list));
    let mut part = Part::new(list, 0);
    if options.prune_empty_directories {
        prune(&mut part, &filters);
    }
    let destination = match destination {
        Some(path) if !options.list_only && !part.list.is_empty() => {
            Some(prepare(path, &part, options, observer)?)
        }
        _ => None,
    };
    let place = destination.unwrap_or_default();
    let tree = place.tree;
    let keep = Keep {
        options,
        identity,
        single: place.single,
        is_new: place.is_new,
        root: place.root,
    };
    let queue = Queue::default();
    let stored = Stored::new(options.remove_source_files && !options.dry_run);
    filters.set_root(keep.root.as_os_str().as_bytes());
    let mut outcome = Outcome {
        listed: part.list.len() as u64,
        total_size: total_size(&part.list),
        list_size,
        ..Outcome::default()
    };
    if !part.list.is_empty() {
        let part = Arc::new(part);
        let lists = Lists::default();
        lists.push(part.clone());
        let generator = Generator {
            session,
            options,
            keep: &keep,
            part: part.clone(),
            list: part.list.clone(),
            queue: &queue,
            stored: &stored,
            faults: &faults,
            tree: tree.clone(),
            outgoing,
            indices: Indices::new(protocol),
            failed_folder: None,
            deleter: Deleter::new(
                &keep,
                &part,
                protocol,
                filters,
                tree.clone(),
                Report {
                    queue: &queue,
                    faults: &faults,
                },
            ),
            asked: HashSet::new(),
        };
        let receiver = Receiver {
            session,
            options,
            keep: &keep,
            lists: &lists,
            queue: &queue,
            stored: &stored,
            faults: &faults,
            observer,
            tree: tree.clone(),
            incoming,
            indices: Indices::new(protocol),
            tokens: TokenReader::new(session.compression),
            counts: Counts::default(),
            values: Values::new(),
        };
        let values = run(generator, receiver, &stream, &mut outcome)?;
        if let Some(tree) = tree
            && !options.dry_run
        {
            finish_directories(tree, &part, &keep, &values, &faults, observer);
        }
    }
    count_as_server(&mut outcome);
    outcome.exit = final_exit(&faults).code();
    observer.observe(Event::Done(&outcome));
    Ok(outcome)
}

/// Takes over what only the sending server knows; its count of bytes is the one that rsync shows (`handle_stats` in
/// main.c).
fn count_as_server(outcome: &mut Outcome) {
    let server = outcome.server;
    if server == Statistics::default() {
        return;
    }
    (outcome.sent, outcome.received) = (server.read.unsigned_abs(), server.written.unsigned_abs());
    outcome.total_size = server.total_size.unsigned_abs();
    outcome.list_build = server.list_build.unsigned_abs();
    outcome.list_transfer = server.list_transfer.unsigned_abs();
}

/// The list, and how the sender names its ids.
struct Received {
    list: FileList,
    names: LocalIds,
}

impl Received {
    fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Which of our ids a name of the sender's has; ids without a name here stay as they are.
#[derive(Default)]
struct LocalIds {
    users: HashMap<u32, u32>,
    groups: HashMap<u32, u32>,
}

impl LocalIds {
    fn user(&self, uid: u32) -> u32 {
        self.users.get(&uid).copied().unwrap_or(uid)
    }

    fn group(&self, gid: u32) -> u32 {
        self.groups.get(&gid).copied().unwrap_or(gid)
    }

    fn learn(&mut self, named: &Named<'_>) {
        match *named {
            Named::User(id, name) if id != 0 => {
                let name = std::str::from_utf8(name).ok();
                let user = name.and_then(|name| User::from_name(name).ok().flatten());
                self.users.extend(user.map(|user| (id, user.uid.as_raw())));
            }
            Named::Group(id, name) if id != 0 => {
                let name = std::str::from_utf8(name).ok();
                let group = name.and_then(|name| Group::from_name(name).ok().flatten());
                self.groups.extend(group.map(|group| (id, group.gid.as_raw())));
            }
            // That of root stays.
            _ => {}
        }
    }
}

/// Lets in what was asked for (`recv_file_entry` in flist.c).
struct Gate<'a> {
    requested: Requested,
    filters: &'a FilterList,
    is_open: bool,
}

impl Gate<'_> {
    /// Looks at the file that came last.
    fn check(&self, list: &FileList) -> Result<(), Violation> {
        let Some(entry) = list.entries().last().filter(|_| !self.is_open) else {
            return Ok(());
        };
        let (name, is_directory) = (list.name(entry), entry.is_directory());
        if name == b"." {
            return Ok(());
        }
        let is_excluded = || self.filters.check(name, is_directory, Side::Sender) == Verdict::Excluded;
        if !self.filters.has_folder_rules() && is_excluded() {
            return Err(Violation::ExcludedName(shown(name)));
        }
        if !self.requested.contains(name, is_directory) {
            return Err(Violation::UnrequestedName(shown(name)));
        }
        Ok(())
    }
}

fn receive_list(
    session: &Session,
    options: &Options,
    gate: &Gate<'_>,
    incoming: &mut Incoming<'_>,
    faults: &Faults,
    observer: &dyn Observer,
) -> Result<Received, Error> {
    let protocol = session.protocol;
    let fields = fields(session, options);
    let mut list = FileList::default();
    let mut reader = ListReader::new(fields);
    let errors = loop {
        match incoming.decode(|input| reader.read(0, input, &mut list))? {
            Item::File => {
                gate.check(&list)?;
                if list.len().is_multiple_of(100) {
                    observer.observe(Event::Counted(list.len() as u64));
                }
            }
            Item::End(errors) => break errors,
        }
    };
    faults.add_bits(errors);
    let mut names = LocalIds::default();
    if !options.numeric_ids {
        let mut reader = NameReader::new(&fields, session.compatibility.has_names_of_root());
        loop {
            let before = reader.clone();
            let mut is_end = false;
            incoming.decode(|input| {
                reader = before.clone();
                match reader.next(input)? {
                    Some(named) => names.learn(&named),
                    None => is_end = true,
                }
                Ok::<_, Stop>(())
            })?;
            if is_end {
                break;
            }
        }
    }
    if protocol < 30 {
        faults.add_bits(incoming.decode(|input| input.int())?);
    }
    Ok(Received { list, names })
}

/// Runs both roles until the goodbye.
fn run(
    mut generator: Generator<'_>,
    mut receiver: Receiver<'_>,
    stream: &std::net::TcpStream,
    outcome: &mut Outcome,
) -> Result<Values, Error> {
    let protocol = receiver.session.protocol;
    let is_late = generator.deleter.is_late();
    let (redo, redone) = mpsc::channel::<Vec<u32>>();
    thread::scope(|scope| {
        let asking = scope.spawn(move || {
            let asked = generator.run().and_then(|()| {
                // The receiver ends without a word if it failed.
                let Ok(again) = redone.recv() else { return Ok(()) };
                generator.again(&again)?;
                // The end of the second phase, of the delayed updates, and from 31 of the deletions go together, unless
                // something is still to come.
                if again.is_empty() {
                    generator.done_with_transfer(2)?;
                } else {
                    generator.done(1)?;
                    if redone.recv().is_ok() {
                        generator.done_with_transfer(1)?;
                    }
                }
                if generator.deleter.is_late() && redone.recv().is_ok() {
                    generator.delete_late()?;
                }
                Ok(())
            });
            if asked.is_err() {
                // Wakes the receiver.
                let _ = stream.shutdown(Shutdown::Both);
            }
            let said = asked.and_then(|()| match redone.recv() {
                Ok(_) => generator.done(1),
                Err(_) => Ok(()),
            });
            (said, generator.outgoing.sent, generator.deleter.deleted)
        });
        let taken = (|| {
            let again = receiver.phase(false)?;
            let is_redone = !again.is_empty();
            let _ = redo.send(again);
            receiver.phase(true)?;
            if is_redone {
                let _ = redo.send(Vec::new());
            }
            receiver.expect_done()?;
            receiver.observer.observe(Event::PhaseEnded);
            outcome.server = receiver.statistics()?;
            if is_late {
                let _ = redo.send(Vec::new());
            }
            if protocol >= 31 {
                receiver.expect_done()?;
            }
            let _ = redo.send(Vec::new());
            Ok(())
        })();
        drop(redo);
        if taken.is_err() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let (asked, sent, deleted) = asking.join().expect("the generator does not panic");
        if taken.is_ok() {
            // The server hangs up when it has heard the goodbye.
            receiver.incoming.drain();
        }
        let counts = receiver.counts;
        outcome.deleted = deleted;
        // Before 31 nothing is read once late deletions are done.
        let reported = receiver.report_all();
        outcome.transferred = counts.files;
        outcome.transferred_size = counts.size;
        (outcome.literal, outcome.matched) = (counts.literal, counts.matched);
        (outcome.sent, outcome.received) = (sent, receiver.incoming.received);
        // What the receiver saw is nearer to the cause than a socket that the other end had closed, but not if it was
        // closed because of a bad rule.
        match asked {
            Err(Error::Filter(error)) => Err(error.into()),
            asked => taken.and(asked).and(reported).map(|()| receiver.values),
        }
    })
}

/// Sets times and permissions of folders, the innermost first, once all that is in them is written.
fn finish_directories(
    mut tree: Tree,
    part: &Part,
    keep: &Keep<'_>,
    values: &Values,
    faults: &Faults,
    observer: &dyn Observer,
) {
    let list = &*part.list;
    let folders = part.files().rev().filter(|(_, entry)| entry.is_directory());
    for (_, entry) in folders {
        let name = keep.place(list, entry);
        // What could not be made was reported.
        let Ok(Some(now)) = tree.status(&name) else {
            continue;
        };
        if now.kind() != FileKind::Directory {
            continue;
        }
        let mut attributes = keep.changes(list, entry, &now);
        let is_made = now.mode & 0o7777 == keep.new_permissions(entry) | 0o700;
        let is_new_root = keep.is_new && *name == *b".";
        if !keep.options.permissions && (is_made || is_new_root) {
            attributes.permissions = Some(keep.new_permissions(entry));
        }
        let result = tree.handle(&name).and_then(|there| {
            let extended = keep.whole_extended(list, entry, values, Some(&there));
            attributes.extended = extended.map_err(missing)?;
            tree.apply(&name, &attributes, &now)
        });
        if let Err(error) = result {
            faults.fail();
            let place = keep.shown(list, entry);
            let text = format!("failed to set attributes of {place}: {}", describe(&error));
            observer.observe(Event::Failed(&text));
        }
    }
}
