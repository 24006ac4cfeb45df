use crate::{
    rsync::{
        proto::{
            Encode as _, Offer, Session,
            file_list::{Entry, Fields, FileKind, FileList},
        },
        transfer::{
            Error, Options,
            options::DeleteWhen,
            wire::{Faults, Incoming, Outgoing},
        },
    },
    terms::Exit,
};

/// What this side does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// It has the files.
    Sender,
    /// It gets them.
    Receiver,
}

/// Refuses options that an old protocol has no place for, which comes before all else (`setup_protocol` in compat.c).
pub(crate) fn check_options(protocol: u8, options: &Options) -> Result<(), Error> {
    for (option, is_set) in [("acls", options.acls), ("xattrs", options.xattrs)] {
        if is_set && protocol < 30 {
            return Err(Error::OldProtocol { option, protocol });
        }
    }
    Ok(())
}

/// Sends the arguments, and agrees on the algorithms.
pub(crate) fn set_up(
    protocol: u8,
    role: Role,
    paths: &[Vec<u8>],
    rules: &[Vec<u8>],
    options: &Options,
    outgoing: &mut Outgoing,
    incoming: &mut Incoming<'_>,
) -> Result<Session, Error> {
    let end: u8 = if protocol >= 30 { 0 } else { b'\n' };
    let (ahead, behind) = options.all_of_server(protocol, role, paths);
    // What goes behind is a list of its own with a program's name.
    let name = [b"rsync".to_vec()];
    let lists = [
        ahead.iter().collect::<Vec<_>>(),
        name.iter().chain(&behind).collect(),
    ];
    let count = if behind.is_empty() { 1 } else { 2 };
    // A secluded list has the same ends with each protocol (`send_protected_args` in rsync.c).
    for (list, end) in lists[..count].iter().zip([end, 0]) {
        for argument in list {
            // An empty one would end the list.
            outgoing
                .buffer()
                .bytes(if argument.is_empty() { b"." } else { argument });
            outgoing.buffer().byte(end);
        }
        outgoing.buffer().byte(end);
    }
    outgoing
        .flush()
        .map_err(|error| bare(error, "safe_write failed"))?;
    let offer = Offer {
        protocol,
        incremental: protocol >= 30 && options.is_incremental(role == Role::Sender),
        algorithms: &options.algorithms,
    };
    let read = |error| bare(error, "safe_read failed to read 1 bytes");
    let compatibility = incoming
        .decode(|input| offer.compatibility(input))
        .map_err(read)?;
    if compatibility.has_varint_flags() {
        outgoing.buffer().bytes(&offer.names());
        outgoing
            .flush()
            .map_err(|error| bare(error, "safe_write failed"))?;
    }
    let session = incoming
        .decode(|input| offer.session(compatibility, input))
        .map_err(read)?;
    incoming.count();
    outgoing.count();
    if role == Role::Receiver || !options.names_come_bare(protocol) {
        incoming.multiplex();
    }
    // A sender that removes files hears of each in a message.
    if protocol >= 30 || role == Role::Receiver && options.remove_source_files {
        outgoing.multiplex();
    }
    if !reads_rules(role, options) {
        return Ok(session);
    }
    for rule in rules {
        let length = i32::try_from(rule.len()).expect("a command line is shorter");
        outgoing.buffer().int(length);
        outgoing.buffer().bytes(rule);
    }
    outgoing.buffer().int(0);
    outgoing.flush()?;
    Ok(session)
}

/// A failure of the connection before rsync's streams are set up: it then reads and writes without them (`safe_read` and
/// `safe_write` in io.c), which decides about the code.
fn bare(error: Error, action: &'static str) -> Error {
    match error {
        Error::Socket { source, .. } => Error::Dialogue { action, source },
        error => error,
    }
}

/// Whether the server reads filter rules: one that receives has use for them only if it deletes or prunes.
fn reads_rules(role: Role, options: &Options) -> bool {
    role == Role::Receiver || options.deletion.when != DeleteWhen::Never || options.prune_empty_directories
}

/// What an entry of the list consists of.
pub(crate) fn fields(session: &Session, options: &Options) -> Fields {
    Fields {
        protocol: session.protocol,
        varint_flags: session.compatibility.has_varint_flags(),
        safe_lists: session.compatibility.has_safe_lists(),
        owner: options.owner,
        group: options.group,
        links: options.links,
        devices: options.devices,
        specials: options.specials,
        hard_links: options.hard_links,
        checksum: options.checksum.then(|| session.list_checksum.length()),
        atimes: options.atimes > 0,
        acls: options.acls,
        xattrs: options.xattrs,
        inline_names: session.compatibility.has_incremental_lists(),
        relative: options.relative,
        ..Fields::default()
    }
}

/// The length of all regular files and symlinks.
pub(crate) fn total_size(list: &FileList) -> u64 {
    let counts = |entry: &&Entry| matches!(entry.kind(), FileKind::Regular | FileKind::Symlink);
    let sizes = list.entries().iter().filter(counts);
    sizes.map(|entry| entry.size.unsigned_abs()).sum()
}

/// What rsync ends with after errors with single files (`_exit_cleanup` in cleanup.c).
pub(crate) fn final_exit(faults: &Faults) -> Exit {
    let bits = faults.bits();
    if faults.has_failed() || bits & 1 != 0 {
        Exit::Partial
    } else if bits & 2 != 0 {
        Exit::Vanished
    } else if bits & 4 != 0 {
        Exit::DeleteLimit
    } else {
        Exit::Success
    }
}
