use std::{
    collections::{HashMap, HashSet},
    net::Shutdown,
    path::Path,
    sync::mpsc,
    thread,
};

use nix::unistd::{Group, User};

use crate::rsync::{
    proto::{
        Indices, Session, Statistics, Stop, TokenReader,
        file_list::{FileKind, FileList, Item, ListReader, NameReader, Named, numbered},
    },
    transfer::{
        Error, Event, Observer, Opened, Options,
        destination::prepare,
        extended::Values,
        generator::Generator,
        keep::Keep,
        pulse::Pulse,
        queue::Queue,
        receiver::{Counts, Receiver, missing},
        session::{Role, fields, final_exit, set_up, total_size},
        text::describe,
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
    let mut outgoing = Outgoing::new(stream.try_clone().map_err(socket)?, pulse.clone());
    let mut incoming = Incoming::new(
        stream.try_clone().map_err(socket)?,
        pulse,
        &received,
        observer,
        &faults,
        "receiver",
    );
    let session = set_up(
        protocol,
        Role::Receiver,
        paths,
        options,
        &mut outgoing,
        &mut incoming,
    )?;
    let mut list = receive_list(&session, options, &mut incoming, &faults)?;
    if list.is_empty() {
        // The server exits at once then.
        incoming.drain();
    }
    let names = std::mem::take(&mut list.names);
    let mut list = list.list;
    list.map_ids(|uid| names.user(uid), |gid| names.group(gid));
    observer.observe(Event::Listed(&list));
    let numbers = numbered(&list);
    let destination = match destination {
        Some(path) if !options.list_only && !list.is_empty() => {
            Some(prepare(path, &list, &numbers, options, observer)?)
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
    let mut outcome = Outcome {
        listed: list.len() as u64,
        total_size: total_size(&list),
        ..Outcome::default()
    };
    if !list.is_empty() {
        let generator = Generator {
            session,
            options,
            keep: &keep,
            list: &list,
            numbers: &numbers,
            queue: &queue,
            faults: &faults,
            tree: tree.clone(),
            outgoing,
            indices: Indices::new(protocol),
            observer,
            failed_folder: None,
            asked: HashSet::new(),
        };
        let receiver = Receiver {
            session,
            options,
            keep: &keep,
            list: &list,
            numbers: &numbers,
            queue: &queue,
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
            finish_directories(tree, &list, &numbers, &keep, &values, &faults, observer);
        }
    }
    outcome.exit = final_exit(&faults).code();
    observer.observe(Event::Done(&outcome));
    Ok(outcome)
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

fn receive_list(
    session: &Session,
    options: &Options,
    incoming: &mut Incoming<'_>,
    faults: &Faults,
) -> Result<Received, Error> {
    let protocol = session.protocol;
    let fields = fields(session, options);
    let mut list = FileList::default();
    let mut reader = ListReader::new(fields);
    let errors = loop {
        match incoming.decode(|input| reader.read(0, input, &mut list))? {
            Item::File => {}
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
    let (redo, redone) = mpsc::channel::<Vec<u32>>();
    thread::scope(|scope| {
        let asking = scope.spawn(move || {
            let asked = generator.run().and_then(|()| {
                // The receiver ends without a word if it failed.
                let Ok(again) = redone.recv() else { return Ok(()) };
                generator.again(&again)?;
                // The end of the second phase, of the delayed updates, and from 31 of the deletions: nothing is late
                // here, so they go together, unless something is still to come.
                let rest = if protocol >= 31 { 3 } else { 2 };
                if again.is_empty() {
                    return generator.done(rest);
                }
                generator.done(1)?;
                if redone.recv().is_ok() {
                    generator.done(rest - 1)?;
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
            (said, generator.outgoing.sent)
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
            outcome.server = receiver.statistics()?;
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
        let (asked, sent) = asking.join().expect("the generator does not panic");
        if taken.is_ok() {
            // The server hangs up when it has heard the goodbye.
            receiver.incoming.drain();
        }
        let counts = receiver.counts;
        outcome.transferred = counts.files;
        outcome.transferred_size = counts.size;
        (outcome.literal, outcome.matched) = (counts.literal, counts.matched);
        (outcome.sent, outcome.received) = (sent, receiver.incoming.received);
        // What the receiver saw is nearer to the cause than a socket that the other end had closed.
        taken.and(asked).map(|()| receiver.values)
    })
}

/// Sets times and permissions of folders, the innermost first, once all that is in them is written.
fn finish_directories(
    mut tree: Tree,
    list: &FileList,
    numbers: &[Option<u32>],
    keep: &Keep<'_>,
    values: &Values,
    faults: &Faults,
    observer: &dyn Observer,
) {
    let entries = list.entries();
    let folders = numbers
        .iter()
        .rev()
        .flatten()
        .map(|&place| &entries[place as usize]);
    for entry in folders.filter(|entry| entry.is_directory()) {
        let name = keep.place(list, entry);
        // What could not be made was reported.
        let Ok(Some(now)) = tree.status(&name) else {
            continue;
        };
        if now.kind() != FileKind::Directory {
            continue;
        }
        let mut attributes = keep.attributes(list, entry, Some(&now));
        if !keep.options.permissions && now.mode & 0o7777 == keep.new_permissions(entry) | 0o700 {
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
