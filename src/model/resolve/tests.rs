use std::{cell::Cell, collections::BTreeMap, net::Ipv4Addr, path::Path};

use super::{Files, MOST_LINES, NotOpened, Opened, resolve};
use crate::{
    host::Unknown,
    model::{
        Configuration, FatalError, Parameter, ProblemKind, Scope,
        access::{Peer, hosts, hosts_resolved},
    },
    terms::{Release, Source, Sources},
};

/// Files of a machine that nobody can ask.
struct Unseen;

impl Files for Unseen {
    fn open(&self, _: &Path) -> Result<Opened, NotOpened> {
        Err(NotOpened::Unknown(Unknown::NoHost))
    }
}

fn read_unseen(main: &str) -> Configuration {
    let mut sources = Sources::default();
    let root = sources.add(Source::new("rsyncd.conf", main));
    resolve(&mut sources, root, Release::CURRENT, &Unseen)
}

/// Files by name; a name that ends with a slash is a folder, with what begins with it inside.
struct Named(BTreeMap<&'static str, &'static str>);

impl Files for Named {
    fn open(&self, path: &Path) -> Result<Opened, NotOpened> {
        let name = path.to_str().unwrap();
        if name == "/unseen" {
            return Err(NotOpened::Unknown(Unknown::NoHost));
        }
        if let Some(text) = self.0.get(name) {
            return Ok(Opened::File(text.as_bytes().to_vec()));
        }
        let folder = format!("{}/", name.trim_end_matches('/'));
        if !self.0.contains_key(folder.as_str()) {
            return Err(NotOpened::Failed("missing".to_owned()));
        }
        let inside = self.0.keys().filter_map(|name| name.strip_prefix(&folder));
        let names = inside.filter(|name| !name.is_empty());
        let names = names.map(|name| name.trim_end_matches('/').into());
        Ok(Opened::Folder(names.collect()))
    }
}

fn read(main: &str, files: &[(&'static str, &'static str)]) -> Configuration {
    let mut sources = Sources::default();
    let root = sources.add(Source::new("rsyncd.conf", main));
    resolve(
        &mut sources,
        root,
        Release::CURRENT,
        &Named(files.iter().copied().collect()),
    )
}

fn text(configuration: &Configuration, module: usize, parameter: Parameter) -> String {
    let value = configuration.text(Scope::Module(module), parameter).value;
    String::from_utf8_lossy(value).into_owned()
}

#[test]
fn an_include_leaves_the_module_unless_its_folder_has_no_files() {
    let main = "[a]\n&include empty\npath = own\n";
    let empty = read(main, &[("empty/", ""), ("empty/note.txt", "")]);
    assert_eq!(text(&empty, 0, Parameter::Path), "own");
    assert_eq!(
        empty.globals.get(Parameter::Path),
        None,
        "the line belongs to the module"
    );
    let with_file = read(main, &[("empty/", ""), ("empty/x.conf", "")]);
    assert!(with_file.globals.get(Parameter::Path).is_some());
}

#[test]
fn an_include_that_is_not_seen_ends_the_module_too() {
    let main = "[a]\npath = /a\n&include /etc/x.conf\nread only = no\n[b]\n";
    let configuration = read_unseen(main);
    assert!(configuration.is(Scope::Module(0), Parameter::ReadOnly));
    assert!(!configuration.is(Scope::Module(1), Parameter::ReadOnly));
    assert!(
        [0, 1]
            .map(Scope::Module)
            .iter()
            .all(|&scope| configuration.is_settled(scope))
    );
}

#[test]
fn a_merge_that_is_not_seen_leaves_open_what_it_reaches() {
    let settled = |configuration: &Configuration| {
        let scopes = [Scope::Global].into_iter();
        let scopes = scopes.chain(configuration.module_scopes().map(|(scope, _)| scope));
        scopes
            .map(|scope| configuration.is_settled(scope))
            .collect::<Vec<_>>()
    };
    let in_module = read_unseen("[a]\n&merge /etc/x.conf\nread only = no\n[b]\n");
    assert!(
        !in_module.is(Scope::Module(0), Parameter::ReadOnly),
        "what follows belongs to the module too"
    );
    assert_eq!(settled(&in_module), [true, false, true]);
    let global = read_unseen("[a]\n[global]\n&merge /etc/x.conf\n[b]\n");
    assert_eq!(settled(&global), [false, false, false], "texts reach back");
    // What an include merges reaches its own modules.
    let files = [("one.conf", "&merge /unseen\n[b]\n")];
    let included = read("[a]\n&include one.conf\n[c]\n", &files);
    assert_eq!(settled(&included), [true, true, false, true]);
}

#[test]
fn an_include_that_may_be_a_folder_without_files_leaves_what_follows_open() {
    let main = "[before]\n[a]\n&include /etc/rsyncd.d\nread only = no\n[b]\nread only = yes\n[c]\n";
    let configuration = read_unseen(main);
    let settled = [0, 1, 2, 3].map(|module| configuration.is_settled(Scope::Module(module)));
    assert_eq!(settled, [true, false, true, false]);
    let at_the_end = read_unseen("[a]\nread only = no\n&include /etc/rsyncd.d\n[b]\n");
    assert!(
        [0, 1]
            .map(Scope::Module)
            .iter()
            .all(|&scope| at_the_end.is_settled(scope))
    );
    let late = read_unseen("[before]\n[a]\n&include /etc/rsyncd.d\nhosts allow = ::1\n");
    assert!(!late.is_settled(Scope::Module(0)), "the text may reach back");
}

#[test]
fn a_folder_inside_an_included_folder_reads_as_an_empty_file() {
    let files = [("d/", ""), ("d/x.conf/", ""), ("d/y.conf", "[a]\n")];
    let configuration = read("[m]\n&include d\npath = global\n", &files);
    assert_eq!(configuration.serves(), Some(true));
    assert_eq!(configuration.modules.len(), 2);
    assert!(configuration.globals.get(Parameter::Path).is_some());
}

#[test]
fn late_globals_reach_back_only_for_texts_without_a_default() {
    let configuration = read(
        "[m]\n[global]\ncomment = late\nlock file = /late\ndont compress = *.late\n",
        &[],
    );
    assert_eq!(text(&configuration, 0, Parameter::Comment), "late");
    assert_eq!(
        text(&configuration, 0, Parameter::LockFile),
        "/var/run/rsyncd.lock"
    );
    assert_eq!(text(&configuration, 0, Parameter::DontCompress), "");
}

#[test]
fn what_is_fatal_behind_the_first_header_lets_the_daemon_start() {
    let starts_and_serves = |main| {
        let configuration = read(main, &[("section.conf", "[a]\n")]);
        (configuration.starts(), configuration.serves())
    };
    for (main, answer) in [
        ("[a]\n", (Some(true), Some(true))),
        ("a line\nunknown = x\n", (Some(true), Some(true))),
        ("= x\n[a]\n", (Some(false), Some(false))),
        ("[a]\n= x\n", (Some(true), Some(false))),
        ("[global]\n= x\n", (Some(true), Some(false))),
        ("[]\n= x\n", (Some(true), Some(false))),
        ("[a/b]\n", (Some(true), Some(false))),
        ("&include missing\n", (Some(false), Some(false))),
        ("&merge section.conf\n&unknown x\n", (Some(true), Some(false))),
    ] {
        assert_eq!(starts_and_serves(main), answer, "{main}");
    }
}

#[test]
fn a_list_made_of_variables_may_match_anybody() {
    let allowed = |list: &str| {
        let configuration = read(&format!("reverse lookup = no\n[m]\nhosts allow = {list}\n"), &[]);
        let peer = Peer::new(Ipv4Addr::LOCALHOST.into(), None);
        hosts(&configuration, Scope::Module(0), &peer).allowed
    };
    assert_eq!(allowed("10.0.0.1 %NETWORK%"), None);
    assert_eq!(allowed("%NETWORK% 127.0.0.1"), Some(true));
    assert_eq!(allowed("10.0.0.1 %lower%"), Some(false));
}

#[test]
fn names_in_lists_are_compared_by_their_addresses() {
    let client = Ipv4Addr::new(192, 0, 2, 7);
    let allowed = |lists: &str, name: Option<&str>| {
        let configuration = read(&format!("[m]\n{lists}\n"), &[]);
        let peer = Peer::new(client.into(), name.map(str::to_owned));
        let mut addresses_of = |name: &str| match name {
            "web" => Some(vec![client.into()]),
            "other" => Some(vec![Ipv4Addr::LOCALHOST.into()]),
            "gone" => Some(Vec::new()),
            _ => None,
        };
        hosts_resolved(&configuration, Scope::Module(0), &peer, &mut addresses_of).allowed
    };
    let unknown = Some("UNKNOWN");
    assert_eq!(allowed("hosts allow = other web", unknown), Some(true));
    assert_eq!(allowed("hosts allow = other gone", unknown), Some(false));
    assert_eq!(allowed("hosts allow = other late", unknown), None);
    assert_eq!(
        allowed("hosts allow = other *.example.com", Some("a.example.com")),
        Some(true)
    );
    assert_eq!(allowed("hosts deny = other", unknown), Some(true));
    assert_eq!(allowed("hosts deny = gone", unknown), Some(false));
    // The client's own name counts too.
    assert_eq!(allowed("hosts allow = other", None), None);
    assert_eq!(allowed("reverse lookup = no\nhosts allow = other", None), None);
    assert_eq!(
        allowed("forward lookup = no\nhosts allow = web", unknown),
        Some(false)
    );
}

/// Files of one size that include each other's next one for ever, and a count of what was opened.
struct Endless {
    size: usize,
    opened: Cell<usize>,
}

impl Files for Endless {
    fn open(&self, path: &Path) -> Result<Opened, NotOpened> {
        let number = self.opened.replace(self.opened.get() + 1);
        if path == Path::new("folder") {
            let names = (0..20_000).map(|number| format!("{number:05}.conf").into());
            return Ok(Opened::Folder(names.collect()));
        }
        let mut bytes = format!("&merge {number}\n").into_bytes();
        if path.starts_with("folder") || self.size > 0 {
            // What stands behind a NUL costs no time.
            bytes = vec![0; self.size];
        }
        Ok(Opened::File(bytes))
    }
}

/// Reads `main`; what was not seen of it, and how often something was opened.
fn read_endless(main: &str, size: usize) -> (Configuration, Vec<String>, usize) {
    let mut sources = Sources::default();
    let root = sources.add(Source::new("rsyncd.conf", main));
    let files = Endless {
        size,
        opened: Cell::new(0),
    };
    let configuration = resolve(&mut sources, root, Release::CURRENT, &files);
    let unseen = configuration
        .problems
        .iter()
        .filter_map(|problem| match &problem.kind {
            ProblemKind::IncludeNotSeen(path, reason) => Some(format!("{}: {reason}", path.display())),
            _ => None,
        });
    let unseen = unseen.collect();
    (configuration, unseen, files.opened.get())
}

const TOO_MUCH: &str = "more is included than is read: 10000 files of 32 MiB together";

#[test]
fn what_is_included_is_bounded_in_bytes() {
    let main = "&merge a\n&merge b\n&merge c\n&merge d\n";
    let (configuration, unseen, opened) = read_endless(main, 12 << 20);
    assert_eq!(configuration.includes.len(), 2);
    assert_eq!(unseen, [format!("c: {TOO_MUCH}"), format!("d: {TOO_MUCH}")]);
    assert_eq!(opened, 3, "nothing is opened once there is no room left");
    assert_eq!(configuration.serves(), None);
}

#[test]
fn many_files_are_no_mistake_and_open_no_further_file() {
    let (configuration, unseen, opened) = read_endless("&include folder\n&merge last\n", 0);
    assert_eq!(configuration.includes.len(), 10_000);
    assert_eq!(unseen.last(), Some(&format!("last: {TOO_MUCH}")));
    assert_eq!(opened, 10_002);
    assert_eq!(configuration.serves(), None);
}

#[test]
fn a_straight_chain_is_no_mistake() {
    let (configuration, unseen, _) = read_endless("&merge chain\n", 0);
    assert_eq!(configuration.includes.len(), 1_000);
    assert_eq!(unseen.len(), 1);
    assert!(unseen[0].ends_with(": includes are followed 1000 deep, and no deeper"));
    assert_eq!(configuration.serves(), None);
}

#[test]
fn files_that_include_others_twice_are_too_many() {
    let levels: Vec<_> = (0..20)
        .map(|level| {
            let next = level + 1;
            let text = format!("&merge {next}\n&merge {next}\n");
            (&*level.to_string().leak(), &*text.leak())
        })
        .collect();
    let files = [&levels[..], &[("20", "")]].concat();
    let configuration = read("&merge 0\n", &files);
    let mut fatal = configuration.fatal();
    assert!(fatal.any(|(_, error)| *error == FatalError::TooManyIncludes));
}

#[test]
fn a_file_that_includes_itself_by_another_name_is_met_once() {
    let main = "&include /srv/main.conf\n";
    let configuration = read(main, &[("/srv/main.conf", main)]);
    assert!(configuration.includes.is_empty());
    let cycle = FatalError::Cycle("/srv/main.conf".into());
    assert!(configuration.fatal().map(|(_, error)| error).eq([&cycle]));
}

#[test]
fn lines_are_read_up_to_a_limit() {
    let configuration = read(&"uid = 0\n".repeat(MOST_LINES), &[]);
    assert_eq!(configuration.serves(), Some(true));
    let long = format!("# no line\n\n{}[a]\nuid = 1\n", "uid = 0\n".repeat(MOST_LINES));
    let configuration = read(&long, &[]);
    assert_eq!(configuration.settings.len(), MOST_LINES);
    assert_eq!(configuration.problems.len(), 1);
    let rest = configuration.problems[0].span.range();
    assert_eq!(&long[rest], "[a]\nuid = 1\n");
    assert_eq!(configuration.serves(), None);
}
