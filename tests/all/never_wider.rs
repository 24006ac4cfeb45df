//! No safe cure of any rule gives anybody more than before: by the model, and by a real daemon.
//!
//! One thing is excused, and the page of RSY111 says so: where web pages have damaged a module that keeps strangers out,
//! the hosts that its `hosts allow` names get what the damaged lines were to give them.

use std::{
    collections::BTreeSet,
    fs,
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

use rsyncctl::{
    catalog::{FileKind, Safety},
    diagnosis::Finding,
    host::Unknown,
    lint::fixed,
    model::{
        Configuration, Files, NotOpened, Opened, Parameter, Scope,
        access::{Admitted, Answer, Peer, Which, admitted, has_rules, hosts, strangers_gain},
        resolve,
    },
    terms::{Release, Source, Sources},
};

use crate::{
    damaged::damaged,
    support::{
        daemon::{Daemon, Run, rsync},
        examples::pages_of_files,
        report::check,
        stage::{Machine, release_for_root},
    },
};

/// A text and what the safe cures make of it.
struct Cure {
    /// Where the text comes from.
    name: String,
    before: Vec<u8>,
    after: Vec<u8>,
    rules: BTreeSet<&'static str>,
    /// Whether the text is one of the many that are damaged by a rule.
    is_made: bool,
}

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, _: &Path) -> Result<Opened, NotOpened> {
        Err(NotOpened::Unknown(Unknown::NoHost))
    }
}

#[test]
fn no_safe_cure_gives_anybody_more_by_the_model() {
    let cures = cures();
    let wider: Vec<_> = cures.iter().filter_map(wider).collect();
    assert!(cures.len() > 200, "only {} texts are cured", cures.len());
    println!("{} cures give nobody more", cures.len());
    assert!(
        wider.is_empty(),
        "{} of {}:\n{}",
        wider.len(),
        cures.len(),
        wider.join("\n\n")
    );
}

#[test]
fn no_safe_cure_gives_anybody_more_at_a_real_daemon() {
    if release_for_root().is_none() {
        return;
    }
    let (mut seen, mut shut) = (0, 0);
    let mut wider = Vec::new();
    let (made, written): (Vec<_>, Vec<_>) = cures().into_iter().partition(|cure| cure.is_made);
    // Each connection is a process or two.
    for cure in written.into_iter().chain(made.into_iter().step_by(9)) {
        let modules = served(&configuration(&cure.after), &cure);
        let [before, after] = [&cure.before, &cure.after].map(|text| outcomes(text, &modules));
        for (then, now) in before.iter().zip(&after) {
            seen += 1;
            shut += usize::from(then.exit != Some(0));
            if then.exit != Some(0) && now.exit == Some(0) {
                wider.push(format!(
                    "{}: {} ended with {:?} before",
                    cure.name, now.what, then.exit
                ));
            }
        }
    }
    println!("{seen} connections, {shut} of them refused before the cure");
    assert!(
        shut > 100,
        "only {shut} of {seen} connections were refused before the cure"
    );
    assert!(
        wider.is_empty(),
        "{} of {seen}:\n{}",
        wider.len(),
        wider.join("\n")
    );
}

/// Every text that a safe cure changes: those of the pages, of the tutorials, and damaged ones.
fn cures() -> Vec<Cure> {
    let mut cures = Vec::new();
    for page in pages_of_files() {
        for case in &page.cases {
            for block in case.blocks.iter().filter(|block| block.kind == "rsyncd.conf") {
                cures.extend(cure(&format!("{} {}", page.page.id, case.role), &block.text));
            }
        }
    }
    let tutorials = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tutorial");
    let mut folders = vec![tutorials];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "conf") {
                let name = path.display().to_string();
                cures.extend(cure(&name, &fs::read(&path).expect("a file")));
            }
        }
    }
    for (name, text) in damaged() {
        let made = cure(&name, &text).into_iter();
        cures.extend(made.map(|cure| Cure {
            is_made: true,
            ..cure
        }));
    }
    let mut seen = BTreeSet::new();
    cures.retain(|cure| seen.insert((cure.before.clone(), cure.after.clone())));
    cures
}

/// Each safe cure alone, and all that go together.
fn cure(name: &str, text: &[u8]) -> Vec<Cure> {
    let report = check(text, FileKind::RsyncdConf);
    let is_safe = |finding: &&Finding| {
        let fix = finding.fix.as_ref();
        fix.is_some_and(|fix| fix.safety == Safety::Safe)
    };
    let safe: Vec<&Finding> = report.findings.iter().filter(is_safe).collect();
    let mut sets: Vec<&[&Finding]> = safe.chunks(1).collect();
    sets.push(&safe);
    sets.into_iter()
        .filter_map(|findings| {
            let (_, after) = fixed(&report.sources, findings, Safety::Safe).pop_first()?;
            let rules: BTreeSet<_> = findings.iter().map(|finding| finding.page.id).collect();
            Some(Cure {
                name: format!("{name} cured of {rules:?}:\n{}", text.escape_ascii()),
                before: text.to_vec(),
                after,
                rules,
                is_made: false,
            })
        })
        .collect()
}

/// Addresses that lists name, and one that none does.
const PEERS: [&str; 9] = [
    "127.0.0.1",
    "127.0.0.2",
    "10.0.0.1",
    "192.0.2.7",
    "192.0.2.10",
    "192.168.1.133",
    "203.0.113.200",
    "::1",
    "2001:db8::77",
];

/// What the cure gives to whom, if it gives anybody more.
fn wider(cure: &Cure) -> Option<String> {
    let (before, after) = (configuration(&cure.before), configuration(&cure.after));
    if strangers_gain(&before, &after) {
        return Some(format!("strangers gain: {}", cure.name));
    }
    for (scope, module) in after.module_scopes() {
        let old = before.module(module.name.bytes()).map(Scope::Module);
        for peer in PEERS.map(|peer| peer.parse::<IpAddr>().expect("an address")) {
            let then = old.map_or_else(Can::default, |scope| Can::of(&before, scope, peer));
            let now = Can::of(&after, scope, peer);
            if now.exceeds(then) && !is_excused(cure, &after, scope, peer) {
                let module = module.name.display();
                return Some(format!(
                    "{peer} in `{module}`: {then:?} -> {now:?}: {}",
                    cure.name
                ));
            }
        }
    }
    None
}

/// Where strangers stay outside, a cure of damage by web pages may let in whom the lists name.
fn is_excused(cure: &Cure, after: &Configuration, scope: Scope, peer: IpAddr) -> bool {
    let peer = Peer::new(peer, None);
    let verdict = hosts(after, scope, &peer);
    let is_named = verdict.steps.iter().any(|step| {
        let word = step.token.bytes;
        step.list == Which::Allow && !word.contains(&b'*') && matches!(step.answer, Answer::Yes(_))
    });
    let is_asked = has_rules(after, scope);
    let is_guarded = admitted(after, scope) != Admitted::Strangers;
    cure.rules.contains("RSY111") && (is_asked || is_guarded || is_named)
}

/// What a peer can do with a module.
#[derive(Clone, Copy, Debug, Default)]
struct Can {
    /// Past the host lists, if only perhaps.
    enter: u8,
    /// Without a password.
    read: bool,
    write: bool,
    asked: bool,
}

impl Can {
    fn of(configuration: &Configuration, scope: Scope, peer: IpAddr) -> Self {
        let is_there = !configuration.text(scope, Parameter::Path).value.is_empty();
        if configuration.serves() == Some(false) || !is_there {
            return Self::default();
        }
        let allowed = hosts(configuration, scope, &Peer::new(peer, None)).allowed;
        let asked = has_rules(configuration, scope);
        let enters = allowed != Some(false);
        Self {
            enter: match allowed {
                Some(false) => 0,
                None => 1,
                Some(true) => 2,
            },
            read: enters && !asked && !configuration.is(scope, Parameter::WriteOnly),
            write: enters && !asked && !configuration.is(scope, Parameter::ReadOnly),
            asked,
        }
    }

    fn exceeds(self, then: Self) -> bool {
        let is_asked_no_more = then.asked && !self.asked && self.enter > 0;
        self.enter > then.enter
            || (self.read && !then.read)
            || (self.write && !then.write)
            || is_asked_no_more
    }
}

fn configuration(text: &[u8]) -> Configuration {
    let mut sources = Sources::default();
    let source = sources.add(Source::new("rsyncd.conf", text.to_vec()));
    resolve(&mut sources, source, Release::CURRENT, &NoFiles)
}

/// The modules that a daemon of the cured text has, but for those that are excused.
fn served(after: &Configuration, cure: &Cure) -> Vec<String> {
    after
        .module_scopes()
        .filter(|(scope, _)| !is_excused(cure, after, *scope, Ipv4Addr::LOCALHOST.into()))
        .map(|(_, module)| module.name.display().into_owned())
        .filter(|name| !name.contains('/'))
        .collect()
}

/// How a connection ended.
struct Outcome {
    what: String,
    exit: Option<i32>,
}

/// What clients of loopback can do: read, write, and use options that are often refused.
fn outcomes(text: &[u8], modules: &[String]) -> Vec<Outcome> {
    let machine = Machine::new();
    for line in FOLDERS {
        machine.line(line);
    }
    let file = machine.path("/run/rsyncd.conf");
    fs::write(&file, machine.text(text)).expect("a configuration");
    let daemon = Daemon::start(&file, &Run::default());
    let out = machine.path("/run/out/");
    let mut outcomes = Vec::new();
    for module in modules {
        let url = format!("rsync://127.0.0.1:{}/{module}/", daemon.port());
        let folder = out.display().to_string();
        // Nothing is written: some texts serve more than our folder.
        for (what, arguments) in [
            ("a pull", ["-n", &url, &folder].to_vec()),
            ("a push", ["-n", &folder, &url].to_vec()),
            ("a push that deletes", ["-nr", "--delete", &folder, &url].to_vec()),
        ] {
            let arguments: Vec<_> = arguments.into_iter().map(str::to_owned).collect();
            let output = rsync(&arguments, None);
            outcomes.push(Outcome {
                what: format!("{what} of `{module}`"),
                exit: output.status.code(),
            });
        }
    }
    outcomes
}

/// Folders that the texts serve.
const FOLDERS: [&str; 8] = [
    "dir /srv/data 0777",
    "dir /srv/m 0777",
    "dir /srv/docs 0777",
    "dir /srv/a 0777",
    "dir /srv/b 0777",
    "dir /srv/open 0777",
    "dir /data 0777",
    "dir /run/out 0777",
];
