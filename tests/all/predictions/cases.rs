//! One sound line of every parameter, and what happens to lines.

use rsyncctl::model::{
    Parameter,
    parameter::{Kind, Scope},
};

/// A configuration in which one line is damaged.
pub(crate) struct Case {
    pub(crate) what: String,
    /// With the line as it should be.
    pub(crate) sound: Vec<u8>,
    /// With the damaged one.
    pub(crate) damaged: Vec<u8>,
    /// Whether it brings words into a list of hosts or options, which may well refuse what they name.
    pub(crate) is_word: bool,
}

/// Where the line stands, and what stands around it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// In the module; what belongs to the whole daemon stands in front of it.
    Home,
    /// In front of the module, which says nothing of its own.
    Above,
    /// In front of the module, which says it soundly.
    Overridden,
    /// In a module without chroot.
    Unconfined,
}

/// Every damage to every parameter. Where the line stands makes no difference to most damages, so that only some are
/// tried everywhere.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for parameter in Parameter::all() {
        for value in values(parameter) {
            for damage in damages(parameter, value) {
                let places: &[Place] = match parameter.facts().scope {
                    Scope::Module if damage.everywhere && counts(parameter) => {
                        &[Place::Home, Place::Above, Place::Overridden, Place::Unconfined]
                    }
                    _ => &[Place::Home],
                };
                for place in places {
                    cases.push(Case::new(parameter, value, &damage, *place));
                }
            }
        }
    }
    cases
}

/// Whether clients see from which line the value comes.
fn counts(parameter: Parameter) -> bool {
    use Parameter as P;
    matches!(
        parameter,
        P::AuthUsers
            | P::ExcludeFrom
            | P::Gid
            | P::HostsAllow
            | P::HostsDeny
            | P::LockFile
            | P::Path
            | P::ReadOnly
            | P::SecretsFile
            | P::TempDir
            | P::Uid
            | P::UseChroot
            | P::WriteOnly
    )
}

impl Case {
    fn new(parameter: Parameter, value: &str, damage: &Damage, place: Place) -> Self {
        let sound = format!("{} = {value}", parameter.name());
        Self {
            what: format!("{} of `{sound}`, {place:?}", damage.name),
            is_word: damage.name.starts_with("a word") || parameter == Parameter::RefuseOptions,
            damaged: text(parameter, &sound, &damage.line, place),
            sound: text(parameter, &sound, &sound, place),
        }
    }
}

/// A whole file with a line of a parameter in it.
fn text(parameter: Parameter, sound: &str, line: &str, place: Place) -> Vec<u8> {
    use Parameter as P;
    let is_global = parameter.facts().scope == Scope::Global;
    let (above, inside) = match place {
        Place::Home | Place::Unconfined if is_global => (line, ""),
        Place::Home | Place::Unconfined => ("", line),
        Place::Above => (line, ""),
        Place::Overridden => (line, sound),
    };
    let mut module: Vec<&str> = Vec::new();
    let mut add = |own: &[Parameter], line: &'static str| {
        if !own.contains(&parameter) {
            module.push(line);
        }
    };
    add(&[P::Path], "path = /srv/data");
    add(&[P::ReadOnly], "read only = no");
    add(&[P::HostsAllow, P::HostsDeny], "hosts allow = 127.0.0.1");
    match parameter {
        P::AuthUsers | P::SecretsFile | P::AuthDigest | P::StrictModes => {
            add(&[P::AuthUsers], "auth users = joe");
            add(&[P::SecretsFile], "secrets file = /etc/rsyncd.secrets");
        }
        P::LockFile | P::MaxConnections => {
            add(&[P::LockFile], "lock file = /run/rsyncd.lock");
            add(&[P::MaxConnections], "max connections = 4");
        }
        _ => {}
    }
    if place == Place::Unconfined {
        add(&[P::UseChroot], "use chroot = no");
    }
    // Looks of names would leave the machine.
    add(&[P::ReverseLookup], "reverse lookup = no");
    let module = module.join("\n");
    format!("{above}\n[data]\n{inside}\n{module}\n").into_bytes()
}

/// Values that serve every client; `hosts allow` names the one of the test.
fn values(parameter: Parameter) -> &'static [&'static str] {
    use Parameter as P;
    match parameter {
        P::Address | P::HostsAllow | P::ProxyProtocolHosts => &["127.0.0.1"],
        P::AuthDigest => &["sha256"],
        P::AuthUsers => &["joe", "joe:rw"],
        P::Charset => &["utf-8"],
        P::Comment => &["our data"],
        P::DaemonChroot => &["/"],
        P::DaemonGid | P::DaemonUid => &["root"],
        P::DontCompress => &["*"],
        P::EarlyExec | P::PreXferExec | P::PostXferExec => &["/bin/true"],
        P::Exclude | P::Include => &["*.tmp"],
        P::ExcludeFrom | P::IncludeFrom => &["/etc/rsyncd.rules"],
        P::FakeSuper | P::InsecureLinks | P::OpenNoatime | P::ProxyProtocol | P::WriteOnly => &["no"],
        P::Filter => &["- *.tmp"],
        P::Gid => &["nogroup", "nogroup root"],
        P::HostsDeny => &["192.0.2.1"],
        P::IgnoreErrors
        | P::IgnoreNonreadable
        | P::List
        | P::MungeSymlinks
        | P::NumericIds
        | P::ReadOnly
        | P::ForwardLookup
        | P::ReverseLookup
        | P::StrictModes
        | P::TransferLogging
        | P::UseChroot => &["no", "yes"],
        P::IncomingChmod | P::OutgoingChmod => &["Du=rwx"],
        P::ListenBacklog => &["5"],
        P::LockFile => &["/run/rsyncd.lock"],
        P::LogFile => &["/var/log/rsyncd.log"],
        P::LogFormat => &["%o %f"],
        P::MaxConnections => &["4"],
        P::MaxVerbosity => &["1"],
        P::MotdFile => &["/etc/rsyncd.motd"],
        P::Name => &["data"],
        P::NameConverter => &["/bin/true"],
        P::Path => &["/srv/data"],
        P::PidFile => &["/run/rsyncd.pid"],
        P::Port => &["873"],
        P::RefuseOptions => &["delete"],
        P::SecretsFile => &["/etc/rsyncd.secrets"],
        P::SocketOptions => &["SO_KEEPALIVE"],
        P::SyslogFacility => &["daemon"],
        P::SyslogTag => &["rsyncd"],
        P::TempDir => &["/staging"],
        P::Timeout => &["600"],
        P::Uid => &["nobody"],
    }
}

/// What became of a line.
struct Damage {
    name: &'static str,
    line: String,
    /// Whether it is tried at every place.
    everywhere: bool,
}

fn damages(parameter: Parameter, value: &str) -> Vec<Damage> {
    let name = parameter.name();
    let mut damages = Vec::new();
    let mut add = |everywhere: bool, what: &'static str, line: String| {
        damages.push(Damage {
            name: what,
            line,
            everywhere,
        });
    };
    add(true, "a note", format!("{name} = {value} # a note"));
    add(false, "prose", format!("{name} = {value}     说明文字"));
    add(true, "quotes", format!("{name} = \"{value}\""));
    add(false, "a backslash", format!("{name} = {value} \\\ntimeout = 5"));
    add(
        false,
        "a backslash and a comment",
        format!("{name} = {value} \\\n# rest"),
    );
    add(false, "a backslash and nothing", format!("{name} = {value} \\\n"));
    add(
        false,
        "a backslash and a header",
        format!("{name} = {value} \\\n[other]"),
    );
    add(true, "a no-break space", format!("{name} =\u{a0}{value}"));
    add(
        false,
        "a no-break space behind",
        format!("{name} = {value}\u{a0}"),
    );
    add(false, "curved quotes", format!("{name} = “{value}”"));
    add(false, "a wide sign", format!("{name}＝{value}"));
    add(true, "a zero-width space", format!("\u{200b}{name} = {value}"));
    add(true, "a misspelt name", format!("{name}x = {value}"));
    add(
        false,
        "underscores",
        format!("_{}_ = {value}", name.replace(' ', "_")),
    );
    add(true, "a colon", format!("{name}: {value}"));
    // No page says that a lock file without a name cannot be opened.
    if parameter != Parameter::LockFile {
        add(false, "no value", format!("{name} ="));
    }
    if value != "no" {
        add(false, "a name alone", name.to_owned());
    }
    add(
        false,
        "lines run together",
        format!("{name} = {value}transfer logging = no"),
    );
    add(
        false,
        "a line behind",
        format!("{name} = {value} transfer logging = no"),
    );
    match parameter.facts().kind {
        Kind::Boolean | Kind::BooleanOrUnset => {
            let other = if value == "yes" { "on" } else { "off" };
            add(true, "another program's word", format!("{name} = {other}"));
            add(false, "no boolean", format!("{name} = never"));
            add(false, "unset", format!("{name} = unset"));
        }
        Kind::Integer => {
            for text in ["ten", "10x", "-", "99999999999"] {
                add(false, "no number", format!("{name} = {text}"));
            }
        }
        Kind::Enum => add(false, "no facility", format!("{name} = daemn")),
        Kind::Path | Kind::String => {}
    }
    match parameter {
        Parameter::HostsAllow | Parameter::HostsDeny => {
            for word in WORDS {
                add(false, "a word", format!("{name} = {word}"));
                add(false, "a word before", format!("{name} = {word} {value}"));
                let both = format!("{name} = {word}\nhosts deny = 192.0.2.7");
                add(false, "a word with a denied host", both);
            }
            add(
                false,
                "quoted words",
                format!("{name} = \"{value}\", \"192.0.2.2\""),
            );
            add(
                false,
                "a note with addresses",
                format!("{name} = {value} # later 127.0.0.1"),
            );
            add(false, "a wide comma", format!("{name} = {value}，192.0.2.2"));
        }
        Parameter::Uid | Parameter::Gid => {
            for number in ["99999999999", "4294967295", "nobody,nobody", "-1", "0x0"] {
                add(false, "no number", format!("{name} = {number}"));
            }
        }
        _ => {}
    }
    damages
}

/// Words of host lists that are not what they seem.
const WORDS: &[&str] = &[
    "127.",
    "127.0",
    "127.0.0",
    "0127.0.0.1",
    "127.0.0.*",
    "*.*.*.*",
    "127.0.0.1-20",
    "127.0.0.[0-9]",
    "127.0.0.0/33",
    "127.0.0.0/x",
    "127.0.0.0/0.255.255.255",
    "10.0.0.0/0.0.0.255",
    "127.0.0.0/255.0.255.0",
    "127.0.0.0 / 8",
    "127.0.0.0 255.0.0.0",
    "0.0.0.0",
    "0.0.0.0/32",
    "127.0.0.1/24",
    "127.0.0.1;192.0.2.2",
    "ALL",
    "ALL EXCEPT 127.0.0.1",
    "NONE",
    "!127.0.0.1",
    ".example.com",
    "*.example.com",
    "backup.invalid",
];
