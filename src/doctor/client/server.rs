//! The way to the server, and what it says to the command line, as a dry run.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

use crate::{
    catalog::Confidence,
    doctor::{
        self, Cause, Check, Fact, Report, Skip, Stage, Urgency,
        client::{
            Client, ClientFact, Room, TYPED, address, asked, corrected, destination::room as room_at, login,
            shell,
        },
        daemon::port_of,
        lost::shows,
    },
    host::{Listener, Unknown, daemons, ports_of},
    model::Scope,
    probe::{self, Manner, State, Step, Within, reproduce_in},
    terms::{Misread, Target},
};

/// Of these so much is for what comes before the transfer, as the visits of a server's own modules have: one that says a byte
/// now and then never falls silent.
const DIALOGUE: Duration = Duration::from_secs(30);
/// Seconds that the dry run is given.
pub(super) const LIMIT: u64 = 120;

/// Whether the dry run came to its end.
pub(super) fn look(client: &Client<'_>, room: Option<&Room>, stage: &mut Stage, report: &mut Report) -> bool {
    match client.invocation.peer() {
        Some(_) if let Some(cause) = shell::in_place_of_daemon(client, report) => {
            report.causes.push(cause);
            stage.fail();
            return false;
        }
        Some(Target::Daemon(_)) => {}
        // To rsync that is a path behind a remote shell, which nobody meant.
        Some(_) if has_misread_address(client) => {}
        Some(_) => {
            match asked::has_module(client, stage, report) {
                Some(cause) => {
                    report.causes.push(cause);
                    stage.fail();
                }
                None => {
                    stage.skip(Skip::RemoteShell);
                    report.not_seen("the server", Unknown::RemoteShell);
                }
            }
            return false;
        }
        None => {
            stage.skip(Skip::NoServer);
            return false;
        }
    }
    if let Some(reason) = client.cannot_stand_in() {
        stage.note(Fact::Client(ClientFact::NotCarriedOut(reason.clone())));
        report.not_seen("the server", Unknown::Failed(reason));
        stage.warn();
        return false;
    }
    let opens = !client.has("dry-run");
    let Some(mut probed) = carried_out(client, &[], opens, stage, report) else {
        return false;
    };
    let is_late = probed.time >= Duration::from_secs(LIMIT);
    let has_no_login =
        client.setup.has_unknown_password && probed.stage(Step::Authentication).state == State::Failed;
    let known = probed.stages.iter().filter(|one| !one.state.is_idle());
    let mut addresses = Vec::new();
    for one in known {
        if one.step == Step::Resolve {
            addresses.extend(one.facts.iter().filter_map(|fact| match fact {
                probe::Fact::Address(address) => Some(*address),
                _ => None,
            }));
        }
        if !((is_late || has_no_login) && one.state == State::Failed) {
            stage.note(Fact::Client(ClientFact::Probed(one.clone())));
        }
    }
    for address in &addresses {
        let from = leaves_from(*address);
        if from.is_none() {
            stage.note(Fact::Client(ClientFact::Route(*address, None)));
        }
    }
    if probed.exit == 0
        && let Some(cause) = parent_missing(client)
    {
        // A dry run makes no folder, and goes on as if it had.
        report.causes.push(cause);
        stage.fail();
        return false;
    }
    if probed.exit == 0 {
        match room_of_module(client) {
            Some(room) => fits(client, &probed, &room, stage, report),
            // None at all has been told.
            None => {
                let room = room.filter(|room| !room.is_full());
                room.into_iter()
                    .for_each(|room| fits(client, &probed, room, stage, report));
            }
        }
        let opening = probed.stage(Step::Opening);
        if let State::Skipped(why) = opening.state
            && why != probe::Skip::NotAsked
        {
            stage.note(Fact::Client(ClientFact::Probed(opening.clone())));
            report.not_seen("the right to read the files", Unknown::Unopened);
            stage.warn();
        }
        if client.setup.here.is_none() && client.writes_there() {
            report.not_seen("the module's user and disk", Unknown::DryRun);
            stage.warn();
        }
        return true;
    }
    if is_late {
        stage.note(Fact::Client(ClientFact::NotFinished(LIMIT)));
        let reason = Unknown::Failed(format!("the dry run was not done within {LIMIT} seconds"));
        report.not_seen("the end of the dry run", reason);
        stage.warn();
        return false;
    }
    if has_no_login {
        without_password(stage, report);
        return false;
    }
    stage.fail();
    let is_misread = probed.stage(Step::CommandLine).state == State::Failed;
    // Its own stage has told that already, but for an address.
    if is_misread
        && !has_misread_address(client)
        && report
            .causes
            .iter()
            .any(|cause| cause.seen.contains(&Check::CommandLine))
    {
        return false;
    }
    report.causes.extend(asks_another_port(client));
    if probed.stage(Step::Connect).state == State::Failed {
        report.causes.extend(address::asks_another(client, &addresses));
    }
    if let Some(found) = probed
        .explanation
        .take()
        .filter(|found| !found.incidents.is_empty())
    {
        let causes = Cause::of_text(&Rc::new(found), Check::Server, Urgency::Now);
        // One session fails for one reason; what follows is told by the same lines.
        if let Some(first) = causes.into_iter().next()
            && !is_explained(&first, report)
        {
            let unnamed = match first.page.id == REFUSED {
                true => login::unnamed(client, &probed),
                false => None,
            };
            let is_sure = unnamed
                .as_ref()
                .is_some_and(|cause| cause.confidence > first.confidence);
            report.causes.extend(unnamed);
            if !is_sure {
                report.causes.push(first);
            }
        }
    }
    false
}

/// A login that is refused without a reason.
const REFUSED: &str = "RSY810";

/// Whether rsync reads an address of the command line otherwise than it is meant. Nothing is connected to then.
fn has_misread_address(client: &Client<'_>) -> bool {
    let mut addresses = client.invocation.target_words.iter();
    addresses.any(|&word| Misread::of(&client.setup.words[word]).is_some())
}

/// Why there is no login.
pub const UNKNOWN_PASSWORD: &str = "the password is one that only a run of the script can tell";

/// There was no login without the password, which says nothing, unless that is seen to be spoilt.
fn without_password(stage: &mut Stage, report: &mut Report) {
    let spoilt = report.causes.iter_mut().find(|cause| cause.page.id == SPOILT);
    if let Some(cause) = spoilt {
        cause.urgency = Urgency::Now;
        cause.seen.insert(Check::Server);
        stage.fail();
        return;
    }
    let reason = UNKNOWN_PASSWORD.to_owned();
    stage.note(Fact::Client(ClientFact::NotCarriedOut(reason.clone())));
    report.not_seen("the login", Unknown::Failed(reason));
    stage.warn();
}

/// That the shell takes a part of the password for a variable.
const SPOILT: &str = "RSY241";

/// What a script says that has this as its consequence.
const REASONS: [(&str, &str); 8] = [
    ("RSY995", "RSY815"),
    ("RSY765", "RSY815"),
    ("RSY766", "RSY815"),
    ("RSY956", "RSY810"),
    ("RSY623", "RSY405"),
    ("RSY623", "RSY406"),
    ("RSY623", "RSY840"),
    ("RSY623", "RSY841"),
];

/// Whether a finding of the command line, or of what stands around it, is the reason for what the server said; it makes the
/// command fail then.
fn is_explained(said: &Cause, report: &mut Report) -> bool {
    let mut reasons = report.causes.iter_mut().filter(|cause| {
        let is_reason = |(reason, shown): &(&str, &str)| cause.page.id == *reason && said.page.id == *shown;
        REASONS.iter().any(is_reason)
    });
    let Some(reason) = reasons.next() else {
        return false;
    };
    reason.urgency = Urgency::Now;
    reason.seen.insert(Check::Server);
    true
}

/// Whether what would come has room at the destination.
fn fits(client: &Client<'_>, probed: &probe::Report, room: &Room, stage: &mut Stage, report: &mut Report) {
    let mut facts = probed.stage(Step::DryRun).facts.iter();
    let written = facts.find_map(|fact| match fact {
        probe::Fact::Writes(files, bytes) => Some((*files, *bytes)),
        _ => None,
    });
    let Some((files, bytes)) = written else {
        return;
    };
    if bytes <= room.free && room.entries.is_none_or(|entries| files <= entries) {
        return;
    }
    let folder = room.path.display().to_string();
    let entries = room.entries.map_or_else(String::new, |entries| {
        format!(", and room for {entries} more entries")
    });
    let fact = format!(
        "{files} files of {bytes} bytes would come, and {folder} has {} bytes free{entries}",
        room.free
    );
    let arguments = vec![
        ("path", folder.clone()),
        ("target-path", folder.clone()),
        ("target-folder", folder),
    ];
    let mut cause = client.cause("RSY846", Check::Server, &room.path, arguments, fact);
    // A file that is there and grows gives its own room back.
    cause.confidence = Confidence::Likely;
    report.causes.push(cause);
    stage.fail();
}

/// What room there is where a push comes to, if that is in a module of this machine.
fn room_of_module(client: &Client<'_>) -> Option<Room> {
    let place = place_in_module(client)?;
    place.ancestors().find(|folder| folder.is_dir()).and_then(room_at)
}

/// Where a push comes to, if that is in a module of this machine.
fn place_in_module(client: &Client<'_>) -> Option<PathBuf> {
    client.setup.here.as_ref()?;
    let Target::Daemon(remote) = client.invocation.targets.last()? else {
        return None;
    };
    if client.invocation.is_push() != Some(true) {
        return None;
    }
    let (module, rest) = remote.path.split_once('/').unwrap_or((&remote.path, ""));
    let top = client.setup.setting.known.server.as_ref()?.place_of(module)?;
    Some(Path::new(&top).join(rest.trim_matches('/')))
}

/// rsync makes the folder that a push comes to, and none above it (`get_local_name` in main.c).
fn parent_missing(client: &Client<'_>) -> Option<Cause> {
    let server = client.setup.setting.known.server.as_ref()?;
    let modules = &client.setup.here.as_ref()?.modules;
    let module = server.configuration.module(modules.first()?.as_bytes())?;
    let place = place_in_module(client).filter(|place| !client.has("mkpath") && !place.exists())?;
    let folder = place.parent().filter(|folder| !folder.exists())?;
    let (path, above) = (place.display().to_string(), folder.display().to_string());
    let arguments = vec![
        ("path", path.clone()),
        ("target-path", path),
        ("PARENT_FOLDER", above.clone()),
        ("target-folder", above.clone()),
        ("module-user", server.account(Scope::Module(module))),
    ];
    let fact = format!("{above} is not there");
    let cause = client.cause("RSY852", Check::Server, &place, arguments, fact);
    Some(cause.of_kind("module"))
}

/// The daemon of this machine listens on another port than is asked, where nobody listens.
fn asks_another_port(client: &Client<'_>) -> Option<Cause> {
    let here = client.setup.here.as_ref()?;
    let asked = client.invocation.port()?;
    let Target::Daemon(remote) = client.invocation.peer()? else {
        return None;
    };
    let server = client.setup.setting.known.server.as_ref()?;
    if Listener::on(asked) != Listener::Nobody {
        return None;
    }
    let file = here.file.as_deref().unwrap_or_else(|| Path::new(TYPED));
    let own = ports_of_daemons(file);
    let port = own
        .first()
        .copied()
        .unwrap_or_else(|| port_of(&server.configuration));
    if port == asked || Listener::on(port) == Listener::Nobody {
        return None;
    }
    let arguments = vec![
        ("asked", asked.to_string()),
        ("host", remote.host.clone()),
        ("module", here.modules.concat()),
        ("port", port.to_string()),
    ];
    let fact = format!("nobody listens on port {asked}, and somebody does on port {port}");
    let cause = client.cause("RSY770", Check::Server, file, arguments, fact);
    // What listens may have been started with another port than the file names.
    let cause = match (remote.port, own.is_empty()) {
        (Some(_), true) => cause.of_kind("address"),
        (Some(_), false) => cause.of_kind("listens-address"),
        (None, true) => cause,
        (None, false) => cause.of_kind("listens"),
    };
    let line = corrected::with_port(&client.setup.words, port);
    Some(Cause {
        confidence: Confidence::Certain,
        ..cause.typing(vec![line])
    })
}

/// The ports that daemons of this machine listen on with that configuration: their command line may name another one.
pub(super) fn ports_of_daemons(file: &Path) -> BTreeSet<u16> {
    let own = daemons().into_iter().filter(|daemon| {
        let configuration = daemon.configuration.as_deref();
        configuration.is_ok_and(|own| own == file) && !daemon.has_own_network
    });
    own.filter_map(|daemon| ports_of(daemon.process).ok())
        .flatten()
        .collect()
}

/// Takes over what the examination of the server shows that makes this client fail; `least`: how urgent it has to be. A stage
/// that has failed for nothing but what is left out has not failed for this client.
pub(super) fn take_over(mut own: Report, asked: &[String], least: Urgency, report: &mut Report) {
    let is_asked = |module: &String| module.is_empty() || asked.contains(module);
    let (kept, left_out): (Vec<_>, Vec<_>) = own.causes.into_iter().partition(|cause| {
        let is_shown = report.causes.iter().any(|own| shows(own, cause));
        (cause.urgency <= least || is_shown) && cause.argument("module").is_none_or(is_asked)
    });
    own.causes = kept;
    for stage in own
        .stages
        .iter_mut()
        .filter(|stage| stage.state == doctor::State::Failed)
    {
        let shows = |causes: &[Cause]| causes.iter().any(|cause| cause.seen.contains(&stage.check));
        if shows(&left_out) && !shows(&own.causes) {
            stage.state = doctor::State::Warned;
        }
    }
    report.causes.append(&mut own.causes);
    report.stages.append(&mut own.stages);
    report.unseen.append(&mut own.unseen);
    report.servers.append(&mut own.servers);
    report.views.append(&mut own.views);
    report.logs.append(&mut own.logs);
}

/// Carries the command line out as a dry run, with more options; `opens`: the server also opens what would come. None if our
/// client cannot.
pub(super) fn carried_out(
    client: &Client<'_>,
    more: &[&str],
    opens: bool,
    stage: &mut Stage,
    report: &mut Report,
) -> Option<probe::Report> {
    let more = more.iter().map(|&word| word.to_owned());
    match dry_run(client, more.chain(client.words_for_us()), opens) {
        Ok(probed) => Some(probed),
        Err(error) => {
            let reason = error.to_string();
            stage.note(Fact::Client(ClientFact::NotCarriedOut(reason.clone())));
            report.not_seen("the server", Unknown::Failed(reason));
            stage.warn();
            None
        }
    }
}

/// What these words would do in the place of the command line's own; none if our client cannot carry them out.
pub(super) fn would_do(client: &Client<'_>, words: Vec<String>) -> Option<probe::Report> {
    dry_run(client, words.into_iter(), false).ok()
}

fn dry_run(
    client: &Client<'_>,
    words: impl Iterator<Item = String>,
    opens: bool,
) -> Result<probe::Report, probe::ProbeError> {
    let setup = client.setup;
    let own = setup.setting.choice.words.iter().cloned();
    let own = own.chain(["--dry-run".to_owned()]);
    let limit = Within {
        dialogue: DIALOGUE,
        whole: Duration::from_secs(LIMIT),
    };
    let manner = Manner {
        limit: Some(limit),
        opens,
    };
    setup.runtime.block_on(reproduce_in(
        setup.line.clone(),
        own.chain(words).collect(),
        setup.setting.clone(),
        manner,
    ))
}

/// The address that packets to another leave from, by the kernel's routes; no packet is sent.
fn leaves_from(address: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(address).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
