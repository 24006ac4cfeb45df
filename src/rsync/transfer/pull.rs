use std::{
    collections::{HashMap, HashSet},
    net::Shutdown,
    os::unix::ffi::OsStrExt as _,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use crate::rsync::{
    filter::Side,
    net::Stream,
    proto::{
        Indices, Statistics, TokenReader,
        file_list::{Entry, FileKind},
    },
    transfer::{
        Error, Event, Observer, Opened, Options,
        beside::Beside,
        counts::FileCounts,
        delete::{Deleter, Report},
        destination::{absolute, prepare},
        extended::Values,
        folders::Folders,
        fuzzy::Neighbours,
        generator::Generator,
        hard_links::HardLinks,
        keep::Keep,
        listing::Listing,
        lists::Lists,
        pulse::Pulse,
        queue::{Queue, Stored},
        receiver::{Counts, Receiver, missing},
        session::{Role, check_options, final_exit, set_up},
        text::shown,
        wire::{Faults, Incoming, Outgoing, socket_error},
    },
    tree::{Attributes, Identity, Tree, Unset},
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
        round_trip: _,
    } = opened;
    let socket = |error| socket_error("setsockopt", error);
    let pulse = Pulse::new(options.timeout, options.stop_at);
    stream.set_read_timeout(pulse.patience()).map_err(socket)?;
    stream.set_write_timeout(pulse.patience()).map_err(socket)?;
    let faults = Faults::default();
    let mut outgoing = Outgoing::new(stream.clone(), pulse.clone(), options.pace());
    let mut incoming = Incoming::new(stream.clone(), pulse, &received, observer, &faults, "Receiver");
    check_options(protocol, options)?;
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
    observer.observe(Event::Began(&session));
    let lists = Lists::new(session.compatibility.has_incremental_lists(), options.hard_links);
    let mut listing = Listing::new(
        session,
        options,
        paths,
        filters.clone(),
        &lists,
        &faults,
        observer,
    )?;
    listing.count_from(&absolute(Path::new(".")));
    let mut indices = Indices::new(protocol);
    receive_first(
        &mut listing,
        &mut incoming,
        &mut indices,
        &stream,
        options,
        &mut outgoing,
    )?;
    incoming.alive = outgoing.keep_alive(options.timeout);
    let is_empty = listing.listed == 0;
    if is_empty {
        // The server exits at once then.
        incoming.drain();
    }
    let destination = match destination {
        Some(path) if !options.list_only && !is_empty => {
            let first = lists.first();
            Some(prepare(path, listing.listed, first.as_ref(), options, observer)?)
        }
        _ => None,
    };
    let place = destination.unwrap_or_default();
    let mut tree = place.tree;
    let identity = Identity {
        attribute_rules: filters.has_xattr_rules().then(|| Arc::new(filters.clone())),
        ..identity
    };
    let keep = Keep {
        options,
        identity,
        single: place.single,
        is_new: place.is_new,
        root: place.root,
        usual: Mutex::default(),
    };
    let has_links = options.receiving.keep_directory_links || keep.leaves_implied();
    if let Some(tree) = tree.as_mut().filter(|_| has_links) {
        tree.keep_links();
    }
    let queue = Queue::default();
    let stored = Stored::new((options.remove_source_files || options.hard_links) && !options.dry_run);
    filters.set_root(keep.root.as_os_str().as_bytes());
    listing.count_from(&keep.root);
    let mut outcome = Outcome {
        list_size: listing.size,
        sent: outgoing.sent,
        received: incoming.received,
        ..Outcome::default()
    };
    if !is_empty {
        let beside = Beside::find(options, &keep.identity, &keep.root, observer)?;
        let generator = Generator {
            session,
            options,
            keep: &keep,
            lists: &lists,
            list: Arc::default(),
            queue: &queue,
            stored: &stored,
            faults: &faults,
            tree: tree.clone(),
            outgoing,
            indices: Indices::new(protocol),
            failed_folder: None,
            unmade_folder: None,
            has_begun: false,
            made: HashSet::new(),
            opened: HashMap::new(),
            unowned: HashSet::new(),
            values: HashMap::new(),
            deleter: Deleter::new(
                &keep,
                protocol,
                filters,
                tree.clone(),
                beside.clone(),
                Report {
                    queue: &queue,
                    faults: &faults,
                },
            ),
            beside: beside.clone(),
            neighbours: Neighbours::default(),
            hard_links: HardLinks::default(),
            has_asked_last: false,
            asked: HashSet::new(),
        };
        let mut receiver = Receiver {
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
            listing,
            indices,
            tokens: TokenReader::new(session.compression),
            counts: Counts::default(),
            values: Values::new(),
            beside,
            delayed: Vec::new(),
            is_last_phase: false,
        };
        receiver.incoming.role = "receiver";
        observer.observe(Event::Acting("generator"));
        let left = run(generator, receiver, &stream, &mut outcome)?;
        if let Some(tree) = tree
            && !options.dry_run
        {
            finish_directories(tree, &lists.take_folders(), &keep, &left, &faults, observer);
        }
    }
    count_as_server(&mut outcome);
    outcome.exit = final_exit(&faults).code();
    observer.observe(Event::Done(&outcome));
    Ok(outcome)
}

/// Receives the first lists, while the server gets the names of the list that it is to send.
fn receive_first(
    listing: &mut Listing<'_>,
    incoming: &mut Incoming<'_>,
    indices: &mut Indices,
    stream: &Stream,
    options: &Options,
    outgoing: &mut Outgoing,
) -> Result<(), Error> {
    let Some(names) = options.names_for_server() else {
        return listing.receive_first(incoming, indices);
    };
    let protocol = listing.protocol();
    thread::scope(|scope| {
        let sending = scope.spawn(move || outgoing.names(&names, protocol));
        let received = listing.receive_first(incoming, indices);
        if received.is_err() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let sent = sending.join().expect("a thread that writes does not panic");
        received.and(sent)
    })
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

/// What is needed once all files are there.
struct Left {
    /// The long values of extended attributes that came.
    values: Values,
    /// The permissions of folders that are writable only for the session.
    opened: HashMap<Vec<u8>, u32>,
    /// The folders that could not be given away.
    unowned: HashSet<Vec<u8>>,
}

/// Runs both roles until the goodbye.
fn run(
    mut generator: Generator<'_>,
    mut receiver: Receiver<'_>,
    stream: &Stream,
    outcome: &mut Outcome,
) -> Result<Left, Error> {
    let protocol = receiver.session.protocol;
    let is_late = generator.deleter.is_late();
    let is_delayed = generator.options.receiving.delay_updates;
    let lists = receiver.lists;
    let (redo, redone) = mpsc::channel::<Vec<u32>>();
    thread::scope(|scope| {
        let asking = scope.spawn(move || {
            let asked = generator.run().and_then(|()| {
                // The receiver ends without a word if it failed.
                let Ok(again) = redone.recv() else { return Ok(()) };
                generator.tell_stored()?;
                generator.again(&again)?;
                generator.has_asked_last = true;
                // The end of the second phase, of the delayed updates, and from 31 of the deletions go together, unless
                // something is still to come.
                if again.is_empty() && !is_delayed {
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
            let sent = generator.outgoing.sent;
            (
                said,
                sent,
                generator.deleter.deleted,
                (generator.opened, generator.unowned),
                generator.values,
            )
        });
        let taken = (|| {
            let again = receiver.phase()?;
            let is_redone = !again.is_empty();
            let _ = redo.send(again);
            receiver.is_last_phase = true;
            receiver.phase()?;
            receiver.put_delayed()?;
            if is_redone || is_delayed {
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
        lists.close();
        if taken.is_err() {
            receiver.observer.observe(Event::Acting("receiver"));
            let _ = stream.shutdown(Shutdown::Both);
        }
        let (asked, sent, deleted, (opened, unowned), values) =
            asking.join().expect("the generator does not panic");
        if taken.is_ok() {
            // The server hangs up when it has heard the goodbye.
            receiver.incoming.drain();
        }
        let counts = receiver.counts;
        outcome.deleted = deleted;
        // Before 31 nothing is read once late deletions are done.
        let reported = receiver.report_all();
        (outcome.listed, outcome.total_size) = (receiver.listing.listed, receiver.listing.total_size);
        outcome.list_size = receiver.listing.size;
        outcome.transferred = counts.files;
        outcome.transferred_size = counts.size;
        (outcome.literal, outcome.matched) = (counts.literal, counts.matched);
        (outcome.sent, outcome.received) = (sent, receiver.incoming.received);
        // What the receiver saw is nearer to the cause than a socket that the other end had closed, but not if it was
        // closed because of a bad rule.
        match asked {
            Err(Error::Filter(error)) => {
                receiver.observer.observe(Event::Acting("generator"));
                Err(error.into())
            }
            asked => taken.map_err(of_receiver).and(asked).and(reported).map(|()| {
                let mut values = values;
                values.extend(receiver.values);
                Left {
                    values,
                    opened,
                    unowned,
                }
            }),
        }
    })
}

/// What the end of the receiver means for the whole.
fn of_receiver(error: Error) -> Error {
    match error {
        Error::Socket {
            action: "read",
            source,
        } => Error::Receiving { source },
        error => error,
    }
}

/// Sets times and permissions of folders, the innermost first, once all that is in them is written.
fn finish_directories(
    mut tree: Tree,
    folders: &Folders,
    keep: &Keep<'_>,
    left: &Left,
    faults: &Faults,
    observer: &dyn Observer,
) {
    let is_left = |entry: &Entry| keep.leaves_implied() && entry.is_implied();
    for (list, entry) in folders.all().rev().filter(|(_, entry)| !is_left(entry)) {
        let name = keep.place(list, entry);
        // What could not be made was reported.
        let Ok(Some(now)) = tree.status(&name) else {
            continue;
        };
        if now.kind() != FileKind::Directory {
            continue;
        }
        let mut attributes = keep.changes(list, entry, &now);
        let is_new_root = keep.is_new && *name == *b".";
        if let Some(&closed) = left.opened.get(&*name) {
            // A new folder may have taken over the group of the one that it is in.
            attributes.permissions = Some(closed | now.mode & 0o2000);
        } else if !keep.options.permissions && is_new_root {
            let new = keep.new_permissions(entry, &mut tree, b".");
            attributes.permissions = Some(new | now.mode & 0o2000);
        }
        // Its owner was set when it was made, or came.
        (attributes.uid, attributes.gid) = (None, None);
        let extended = tree.handle(&name).and_then(|there| {
            let extended = keep.whole_extended(list, entry, &left.values, &[there]);
            extended.map_err(missing)
        });
        let unset = match extended {
            _ if left.unowned.contains(&*name) => {
                let (mtime, rest) = (attributes.mtime, Attributes::default());
                tree.apply(&name, &Attributes { mtime, ..rest }, &now)
            }
            Ok(extended) => {
                attributes.extended = extended;
                tree.apply(&name, &attributes, &now)
            }
            Err(error) => vec![Unset::Extended(error)],
        };
        // What an ACL could not be was told when it was to be set first.
        for unset in unset.iter().filter(|unset| !matches!(unset, Unset::Acl(..))) {
            faults.fail();
            let text = unset.text("generator", &keep.shown(list, entry), &shown(&name));
            observer.observe(Event::Failed(&text));
        }
    }
}
