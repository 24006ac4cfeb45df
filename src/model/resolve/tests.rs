use std::{collections::BTreeMap, net::Ipv4Addr, path::Path};

use super::{Files, NotOpened, Opened, resolve};
use crate::{
    model::{
        Configuration, Parameter, Scope,
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
