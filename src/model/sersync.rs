//! What sersync 2.5.4 reads of a confxml.xml: elements and attributes by name, the first of each name, and no
//! default for what is absent.

mod block;
mod effective;
pub mod expression;
mod read;

use std::ops::Range;

pub use effective::is_meant_on;

use crate::syntax::{Text, sersync::Document};

/// A confxml.xml as sersync takes it. What is absent is `None`; [`Configuration::missing`] says where that is fatal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    /// `head`.
    pub head: Option<Place>,
    /// `head/@version`, which sersync does not check.
    pub version: Option<Setting>,
    /// `host`.
    pub host: Option<Host>,
    /// `debug/@start`.
    pub debug: Option<Entry>,
    /// `fileSystem/@xfs`.
    pub file_system: Option<Entry>,
    /// `filter`: Boost regular expressions.
    pub filter: Option<Filter>,
    /// `inotify`.
    pub inotify: Option<Inotify>,
    /// `sersync`.
    pub sersync: Option<Sersync>,
    /// `head/plugin`: what each plugin would do.
    pub plugins: Vec<PluginBlock>,
    /// Absent elements and attributes without which sersync crashes; empty if the file is not well nested, because
    /// what stands in what is then a guess.
    pub missing: Vec<Missing>,
    /// What is in the file and is not read, in the order of the file; empty if the file is not well nested.
    pub ignored: Vec<Ignored>,
}

/// Where an element stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Its name, as written.
    pub name: Text,
    /// Its opening tag.
    pub tag: Range<usize>,
    /// The whole of it.
    pub range: Range<usize>,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Where the attribute's name stands.
    pub name: Range<usize>,
    /// The value as sersync reads it, with entities decoded.
    pub value: Text,
    /// Where the value stands, without its quotes.
    pub range: Range<usize>,
}

/// An element of which sersync reads one attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The element.
    pub place: Place,
    /// The attribute.
    pub setting: Option<Setting>,
}

/// `host`: read and printed, never used.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// The element.
    pub place: Place,
    /// `@hostip`.
    pub hostip: Option<Setting>,
    /// `@port`.
    pub port: Option<Setting>,
}

/// `filter`, or `crontabfilter`, whose expressions are rsync patterns.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// The element.
    pub place: Place,
    /// `@start`.
    pub start: Option<Setting>,
    /// `exclude/@expression`, or `include/@expression` in a plugin.
    pub expressions: Vec<Entry>,
}

/// `inotify`: the `@start` of each event.
#[derive(Clone, Debug, PartialEq)]
pub struct Inotify {
    /// The element.
    pub place: Place,
    /// `delete`.
    pub delete: Option<Entry>,
    /// `createFolder`.
    pub create_folder: Option<Entry>,
    /// `createFile`.
    pub create_file: Option<Entry>,
    /// `closeWrite`.
    pub close_write: Option<Entry>,
    /// `moveFrom`.
    pub move_from: Option<Entry>,
    /// `moveTo`.
    pub move_to: Option<Entry>,
    /// `attrib`.
    pub attrib: Option<Entry>,
    /// `modify`.
    pub modify: Option<Entry>,
}

/// `sersync`: what is pushed where, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Sersync {
    /// The element.
    pub place: Place,
    /// Every `localpath`. sersync uses the first only (observed with 2.5.4).
    pub localpaths: Vec<LocalPath>,
    /// `rsync`.
    pub rsync: Option<Rsync>,
    /// `failLog`.
    pub fail_log: Option<FailLog>,
    /// `crontab`.
    pub crontab: Option<Crontab>,
    /// `plugin`: which plugin runs.
    pub plugin: Option<Plugin>,
}

/// `localpath`: a tree and the targets to which it is pushed.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalPath {
    /// The element.
    pub place: Place,
    /// `@watch`.
    pub watch: Option<Setting>,
    /// Every `remote`. Without one, sersync exits (observed with 2.5.4).
    pub remotes: Vec<Remote>,
    /// Every `remote` that is commented out.
    pub commented_out: Vec<Remote>,
}

/// `remote`: a host and a module.
#[derive(Clone, Debug, PartialEq)]
pub struct Remote {
    /// The element.
    pub place: Place,
    /// `@ip`: a host's address or name.
    pub ip: Option<Setting>,
    /// `@name`: a module, perhaps with a path behind it; with ssh, a path on the remote host.
    pub name: Option<Setting>,
}

/// `rsync`: what stands on the command line of rsync.
#[derive(Clone, Debug, PartialEq)]
pub struct Rsync {
    /// The element.
    pub place: Place,
    /// `commonParams/@params`.
    pub common_params: Option<Entry>,
    /// `auth`.
    pub auth: Option<Auth>,
    /// `userDefinedPort`.
    pub user_defined_port: Option<SwitchedValue>,
    /// `timeout`.
    pub timeout: Option<SwitchedValue>,
    /// `ssh/@start`.
    pub ssh: Option<Entry>,
}

/// `auth`: as whom sersync pushes.
#[derive(Clone, Debug, PartialEq)]
pub struct Auth {
    /// The element.
    pub place: Place,
    /// `@start`.
    pub start: Option<Setting>,
    /// `@users`: one user.
    pub users: Option<Setting>,
    /// `@passwordfile`.
    pub passwordfile: Option<Setting>,
}

/// An element with a switch and a value that counts while the switch is on.
#[derive(Clone, Debug, PartialEq)]
pub struct SwitchedValue {
    /// The element.
    pub place: Place,
    /// `@start`.
    pub start: Option<Setting>,
    /// `@port` of `userDefinedPort`, `@time` of `timeout` (seconds).
    pub value: Option<Setting>,
}

/// `failLog`: the script of failed commands.
#[derive(Clone, Debug, PartialEq)]
pub struct FailLog {
    /// The element.
    pub place: Place,
    /// `@path`.
    pub path: Option<Setting>,
    /// `@timeToExecute`, in minutes.
    pub time_to_execute: Option<Setting>,
}

/// `crontab`: the repeated full push.
#[derive(Clone, Debug, PartialEq)]
pub struct Crontab {
    /// The element.
    pub place: Place,
    /// `@start`.
    pub start: Option<Setting>,
    /// `@schedule`, in minutes.
    pub schedule: Option<Setting>,
    /// `crontabfilter`.
    pub filter: Option<Filter>,
}

/// `sersync/plugin`: which plugin runs after each push.
#[derive(Clone, Debug, PartialEq)]
pub struct Plugin {
    /// The element.
    pub place: Place,
    /// `@start`.
    pub start: Option<Setting>,
    /// `@name`: `command`, `socket` or `refreshCDN`.
    pub name: Option<Setting>,
}

/// `head/plugin`: what a plugin does. Each plugin reads only some of these.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginBlock {
    /// The element.
    pub place: Place,
    /// `@name`.
    pub name: Option<Setting>,
    /// `param`, of `command`.
    pub command: Option<Command>,
    /// `filter`, of `command`: Boost regular expressions that a path must match.
    pub filter: Option<Filter>,
    /// `localpath`, of `socket` and `refreshCDN`.
    pub localpath: Option<PluginPath>,
}

/// `plugin/param`: the command line around the path.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The element.
    pub place: Place,
    /// `@prefix`.
    pub prefix: Option<Setting>,
    /// `@suffix`.
    pub suffix: Option<Setting>,
    /// `@ignoreError`.
    pub ignore_error: Option<Setting>,
}

/// `plugin/localpath`: the tree that a plugin watches in place of the pushed one, and whom it tells.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginPath {
    /// The element.
    pub place: Place,
    /// `@watch`.
    pub watch: Option<Setting>,
    /// `deshost`, of `socket`.
    pub destination: Option<Destination>,
    /// `cdninfo`, of `refreshCDN`.
    pub cdn_info: Option<CdnInfo>,
    /// `sendurl/@base`, of `refreshCDN`.
    pub send_url: Option<Entry>,
    /// `regexurl`, of `refreshCDN`.
    pub regex_url: Option<RegexUrl>,
}

/// `deshost`: whom the plugin `socket` calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    /// The element.
    pub place: Place,
    /// `@ip`.
    pub ip: Option<Setting>,
    /// `@port`.
    pub port: Option<Setting>,
}

/// `cdninfo`: whom the plugin `refreshCDN` calls.
#[derive(Clone, Debug, PartialEq)]
pub struct CdnInfo {
    /// The element.
    pub place: Place,
    /// `@domainname`.
    pub domainname: Option<Setting>,
    /// `@port`.
    pub port: Option<Setting>,
    /// `@username`.
    pub username: Option<Setting>,
    /// Where the value of `@passwd` stands; the password itself stays in the file.
    pub passwd: Option<Range<usize>>,
}

/// `regexurl`: how the plugin `refreshCDN` makes an address of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct RegexUrl {
    /// The element.
    pub place: Place,
    /// `@regex`, a switch.
    pub regex: Option<Setting>,
    /// `@match`.
    pub pattern: Option<Setting>,
}

/// Something without which sersync crashes at start, by SIGSEGV or SIGABRT (observed with 2.5.4).
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// What is absent. An attribute without a value counts as absent.
    pub part: Part,
    /// Its name.
    pub name: &'static str,
    /// The element that lacks it.
    pub within: Place,
}

/// A part of an element.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// An element inside it.
    Element,
    /// An attribute of it.
    Attribute,
}

/// Something that sersync does not read. What stands inside an element that is not read is not listed again.
#[derive(Clone, Debug, PartialEq)]
pub struct Ignored {
    /// What it is.
    pub part: Part,
    /// Its name, as written.
    pub name: Text,
    /// The whole of it.
    pub range: Range<usize>,
    /// The element that has it.
    pub within: Place,
    /// Why it is not read.
    pub reason: Reason,
}

/// Why something is not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// sersync knows no such name here.
    Unknown,
    /// The first of this name is read.
    Repeated,
    /// Only the fork sersync-plus reads it.
    SersyncPlus,
}

impl Setting {
    /// Whether a switch is on: by the exact word `true` only (observed with 2.5.4).
    pub fn is_on(&self) -> bool {
        self.value.bytes() == b"true"
    }
}

impl Entry {
    /// Whether it is there and on.
    pub fn is_on(&self) -> bool {
        is_on(&self.setting)
    }
}

impl Configuration {
    /// Reads the document of `file`. One whose root is not `head` gives an empty configuration.
    pub fn read(document: &Document, file: &[u8]) -> Self {
        let Some(head) = document.root().filter(|root| root.is("head")) else {
            return Self::default();
        };
        let mut reader = block::Reader::new(document, file);
        let mut configuration = reader.block(head, read::head);
        if document.is_well_nested() {
            configuration.missing = reader.missing;
            configuration.ignored = reader.ignored;
            configuration.ignored.sort_by_key(|ignored| ignored.range.start);
        }
        configuration
    }
}

fn is_on(switch: &Option<Setting>) -> bool {
    switch.as_ref().is_some_and(Setting::is_on)
}

#[cfg(test)]
mod tests;
