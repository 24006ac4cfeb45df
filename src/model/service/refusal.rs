//! What systemd refuses of a service, or reads otherwise than it is meant (`service_verify` in service.c, `config_parse_exec` in
//! load-fragment.c of systemd; seen with `systemd-analyze verify` of 252).

use crate::{
    model::service::{
        Setting, Unit,
        command::{as_written, has_open_quote, signs},
    },
    syntax::Text,
};

/// What systemd 252 reads, and what later releases added that matters here: a section and a name a line, sorted.
static DIRECTIVES: &str = include_str!("directives.txt");

/// The values of `Type=`; another one is ignored.
const TYPES: [&[u8]; 8] = [
    b"simple",
    b"exec",
    b"forking",
    b"oneshot",
    b"dbus",
    b"notify",
    b"notify-reload",
    b"idle",
];

/// The values of `Restart=`; another one is ignored.
const RESTARTS: [&[u8]; 7] = [
    b"no",
    b"on-success",
    b"on-failure",
    b"on-abnormal",
    b"on-watchdog",
    b"on-abort",
    b"always",
];

/// Why systemd does not load a service.
#[derive(Clone, Copy, Debug)]
pub enum Refusal<'a> {
    /// A command of this setting is none.
    Command(&'a Setting, Offence),
    /// `WorkingDirectory=` is no whole path.
    RelativeFolder(&'a Setting),
    /// Nothing is started at all.
    NoCommand,
    /// More than one command, which `Type=oneshot` alone may have.
    SecondCommand,
    /// `Type=oneshot` is never started again behind a success.
    Restart(&'a Setting),
}

/// Why systemd does not take a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Offence {
    /// A program is named neither by its whole path nor by its name alone.
    Relative,
    /// A quote is left open.
    OpenQuote,
}

impl Unit {
    /// Why systemd does not load the service, whose own file and drop-ins these are.
    pub fn refusal(&self) -> Option<Refusal<'_>> {
        let of_line = self.settings.iter().find_map(|setting| {
            let name = setting.name.display();
            if setting.section != b"Service" || !is_directive("Service", &name) {
                return None;
            }
            match &*name {
                "WorkingDirectory" => {
                    is_relative_folder(setting.value.bytes()).then_some(Refusal::RelativeFolder(setting))
                }
                name if is_command(name) => match offence(&setting.value)? {
                    (offence, false) => Some(Refusal::Command(setting, offence)),
                    (_, true) => None,
                },
                _ => None,
            }
        });
        let is_restarted = |setting: &&Setting| matches!(setting.value.bytes(), b"always" | b"on-success");
        of_line
            .or_else(|| self.starts_nothing().then_some(Refusal::NoCommand))
            .or_else(|| {
                let second = self.second_command().filter(|_| !self.is_oneshot());
                second.map(|_| Refusal::SecondCommand)
            })
            .or_else(|| {
                let restart = self.last_of("Restart", &RESTARTS).filter(is_restarted);
                restart.filter(|_| self.is_oneshot()).map(Refusal::Restart)
            })
    }

    /// Whether it is a `Type=oneshot`.
    pub fn is_oneshot(&self) -> bool {
        let r#type = self.last_of("Type", &TYPES);
        r#type.is_some_and(|setting| setting.value.bytes() == b"oneshot")
    }

    /// The first command of `ExecStart=`, and the last one where there are several.
    pub fn second_command(&self) -> Option<(&Setting, &Setting)> {
        let mut all = self.commands_of("ExecStart");
        let first = all.next()?;
        Some((first, all.last()?))
    }

    /// The settings of a name whose commands systemd takes, one for each command.
    fn commands_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Setting> {
        let settings = self.list("Service", name).into_iter();
        settings.flat_map(|setting| std::iter::repeat_n(setting, count(&setting.value)))
    }

    fn starts_nothing(&self) -> bool {
        let remains = self.switched_on("Service", "RemainAfterExit").is_some();
        let stops = self.commands_of("ExecStop").next().is_some();
        let acts = self.last("Unit", "SuccessAction");
        let acts = acts.is_some_and(|action| action.value.bytes() != b"none");
        self.commands_of("ExecStart").next().is_none() && !(remains && stops) && !acts
    }

    /// The last line of a name whose value is one of these: others are ignored.
    fn last_of(&self, name: &str, values: &[&[u8]]) -> Option<&Setting> {
        let mut all = self.settings.iter().rev();
        all.find(|setting| {
            let is_it = setting.section == b"Service" && setting.name.bytes() == name.as_bytes();
            is_it && values.contains(&setting.value.bytes())
        })
    }
}

/// What is wrong with one of a value's commands, and whether systemd passes that over: a `-` stands in front of it.
pub fn offence(value: &Text) -> Option<(Offence, bool)> {
    let commands = as_written(value);
    let is_passed_over = |program: &[u8]| signs(program).contains(&b'-');
    let relative = commands.iter().map(|command| &command[0].bytes[..]);
    let relative = relative
        .filter(|program| is_relative(program))
        .map(|program| (Offence::Relative, is_passed_over(program)));
    let open = commands.last().filter(|_| has_open_quote(value));
    let open = open.map(|command| (Offence::OpenQuote, is_passed_over(&command[0].bytes)));
    let mut all = relative.chain(open);
    let first = all.next()?;
    // What stands behind one that is passed over is not read any more.
    Some(first)
}

/// How many commands of a value systemd takes.
fn count(value: &Text) -> usize {
    let commands = as_written(value);
    let mut taken = commands.iter();
    let whole = taken.position(|command| is_relative(&command[0].bytes));
    match whole {
        Some(at) => at,
        None => commands.len() - usize::from(has_open_quote(value) && !commands.is_empty()),
    }
}

/// Whether a program is named by a path that is not whole; what a specifier stands for is not known.
fn is_relative(program: &[u8]) -> bool {
    let name = &program[signs(program).len()..];
    let is_none = name == b"." || name == b"..";
    !name.contains(&b'%') && !name.starts_with(b"/") && (name.contains(&b'/') || is_none)
}

/// `~` is the home of who runs it (systemd.exec(5)).
fn is_relative_folder(value: &[u8]) -> bool {
    !value.is_empty()
        && value != b"~"
        && !value.starts_with(b"/")
        && !value.starts_with(b"-")
        && value[0] != b'%'
}

/// Whether a setting of a service's holds commands.
fn is_command(name: &str) -> bool {
    name.starts_with("Exec") && !matches!(name, "ExecPaths" | "ExecSearchPath")
}

/// Whether systemd knows a name in a section.
pub fn is_directive(section: &str, name: &str) -> bool {
    let mut lines = DIRECTIVES.lines();
    lines.any(|line| line.split_once(' ') == Some((section, name)))
}

/// The section that a name belongs to.
pub fn home_of(name: &str) -> Option<&'static str> {
    let mut sections = ["Service", "Unit", "Socket", "Install"].into_iter();
    sections.find(|section| is_directive(section, name))
}

/// The name of a section that another one is nearly.
pub fn nearest_directive(section: &str, name: &str) -> Option<&'static str> {
    let lines = DIRECTIVES.lines().filter_map(|line| line.split_once(' '));
    let names = lines.filter(|(home, _)| *home == section).map(|(_, name)| name);
    let distance = |known: &str| strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase());
    names
        .min_by_key(|known| distance(known))
        .filter(|known| distance(known) <= 2)
}

#[cfg(test)]
mod tests {
    use super::Refusal;
    use crate::{
        model::service::Unit,
        syntax::unit::parse,
        terms::{Source, Sources},
    };

    #[test]
    fn what_systemd_refuses_is_known() {
        for (lines, expected) in [
            ("ExecStart=/a", ""),
            ("ExecStart=/a\nExecStart=/b", "second"),
            ("ExecStart=/a ; /b", "second"),
            ("ExecStart=/a\nExecStart=-./b", ""),
            ("ExecStart=./a\nExecStart=\nExecStart=/a", "command"),
            ("ExecStart=-/a \"b\nExecStart=/a", ""),
            ("ExecStart=/a it's", "command"),
            ("Type=oneshot\nType=typo\nExecStart=/a\nExecStart=/b", ""),
            ("Type=one-shot\nExecStart=/a\nExecStart=/b", "second"),
            ("Type=oneshot\nRestart=always\nRestart=\nExecStart=/a", "restart"),
            ("Type=oneshot\nRestart=on-failure\nExecStart=/a", ""),
            ("WorkingDirectory=a\nExecStart=/a", "folder"),
            ("WorkingDirectory=~\nExecStart=/a", ""),
            ("Execstart=/a", "nothing"),
            ("ExecStart=/a\nExecStart=", "nothing"),
            ("RemainAfterExit=yes\nExecStop=/a", ""),
            ("ExecStop=/a", "nothing"),
            ("ExecStart=%h/a", ""),
            ("ExecSearchPath=a:b\nExecStart=a", ""),
        ] {
            let text = format!("[Service]\n{lines}\n");
            let mut sources = Sources::default();
            let mut unit = Unit::default();
            unit.read(
                sources.add(Source::new("x", text.as_str())),
                &parse(text.as_bytes()),
            );
            let found = match unit.refusal() {
                None => "",
                Some(Refusal::Command(..)) => "command",
                Some(Refusal::RelativeFolder(_)) => "folder",
                Some(Refusal::NoCommand) => "nothing",
                Some(Refusal::SecondCommand) => "second",
                Some(Refusal::Restart(_)) => "restart",
            };
            assert_eq!(found, expected, "{lines}");
        }
    }
}
