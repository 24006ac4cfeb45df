use std::{cell::Cell, collections::BTreeMap, net::Ipv4Addr, path::Path};

use super::{Files, NotOpened, Opened, resolve};
use crate::{
    model::{
        Configuration, FatalError, Parameter, ProblemKind, Scope,
        access::{Peer, hosts},
    },
    terms::{Release, Source, Sources},
};

/// Files by name; a name that ends with a slash is a folder, with what begins with it inside.
struct Named(BTreeMap<&'static str, &'static str>);

impl Files for Named {
    fn open(&self, path: &Path) -> Result<Opened, NotOpened> {
        let name = path.to_str().unwrap();
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

const TOO_MUCH: &str = "more is included than is read: 10000 files of 256 MiB together";

#[test]
fn what_is_included_is_bounded_in_bytes() {
    let main = "&merge a\n&merge b\n&merge c\n&merge d\n";
    let (configuration, unseen, opened) = read_endless(main, 100 << 20);
    assert_eq!(configuration.includes.len(), 2);
    assert_eq!(unseen, [format!("c: {TOO_MUCH}"), format!("d: {TOO_MUCH}")]);
    assert_eq!(opened, 3, "nothing is opened once there is no room left");
    assert_eq!(configuration.serves(), None);
}

#[test]
fn too_many_includes_open_no_further_file() {
    for (main, most, opens) in [
        ("&include folder\n&merge last\n", 10_000, 10_002),
        ("&merge chain\n&merge last\n", 100, 101),
    ] {
        let (configuration, unseen, opened) = read_endless(main, 0);
        assert_eq!(configuration.includes.len(), most);
        assert!(
            configuration
                .fatal()
                .any(|(_, error)| *error == FatalError::TooManyIncludes)
        );
        assert_eq!(unseen.last(), Some(&format!("last: {TOO_MUCH}")));
        assert_eq!(opened, opens);
    }
}
