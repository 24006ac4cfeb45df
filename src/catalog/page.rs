use std::fmt;

use serde::{Deserialize, Serialize};

use crate::terms::Release;

/// One cause: what it is, how to see it, how to cure it.
#[derive(Debug)]
pub struct Page {
    /// `RSY302`; never reused.
    pub id: &'static str,
    /// The bad pattern in words: `secrets-file-world-readable`.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// How sure a finding is.
    pub confidence: Confidence,
    /// The files in which it can be seen.
    pub files: &'static [FileKind],
    /// The facts that it needs of the machine.
    pub needs: &'static [Need],
    /// On which side the cure is applied.
    pub side: Side,
    /// Whether a fix is offered, and how safe it is.
    pub fix: Option<Safety>,
    /// The first release that has it.
    pub since: Option<Release>,
    /// The first release that does not have it any more.
    pub until: Option<Release>,
    /// The identifiers of pages that a reader of this one should know.
    pub related: &'static [&'static str],
    /// What to type, with placeholders.
    pub commands: &'static [&'static str],
    /// How often it is the cause where its symptom is seen.
    pub frequency: Frequency,
    /// How somebody who has only the symptom finds out whether this is its cause.
    pub check: Option<Check>,
    /// What a report says: English, Chinese.
    pub text: [Text; 2],
    /// Kinds of case that are told otherwise.
    pub variants: &'static [Variant],
    /// What a client and the log show.
    pub symptoms: &'static [Symptom],
    /// Why no daemon of the test suite shows the symptom, if none does.
    pub unproven: Option<&'static str>,
    /// The page's prose in Markdown: English, Chinese.
    pub body: [&'static str; 2],
}

impl Page {
    /// The texts of a kind of case in a language. What the variant does not say, the page says.
    pub fn text(&self, variant: Option<&str>, language: Language) -> Text {
        let own = &self.text[language as usize];
        let Some(variant) = variant.and_then(|name| self.variant(name)) else {
            return *own;
        };
        let other = &variant.text[language as usize];
        Text {
            summary: own.summary,
            title: other.title.or(own.title),
            message: other.message.or(own.message),
            label: other.label.or(own.label),
            help: other.help.or(own.help),
            not: other.not.or(own.not),
            labels: if other.labels.is_empty() {
                own.labels
            } else {
                other.labels
            },
        }
    }

    /// The kind of case of that name.
    pub fn variant(&self, name: &str) -> Option<&'static Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// One line about the cause.
    pub fn summary(&self, language: Language) -> &'static str {
        self.text[language as usize].summary.unwrap_or_default()
    }
}

/// What a report says about a case; `None` where a variant leaves it to the page.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// The cause in one line, for lists.
    pub summary: Option<&'static str>,
    /// What is wrong in this case.
    pub title: Option<&'static str>,
    /// Why it matters.
    pub message: Option<&'static str>,
    /// What stands under the source line.
    pub label: Option<&'static str>,
    /// What to do.
    pub help: Option<&'static str>,
    /// What the symptom is often taken for, and is not.
    pub not: Option<&'static str>,
    /// What stands under further source lines.
    pub labels: &'static [(&'static str, &'static str)],
}

/// Commands that tell whether a cause is there.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Where they are typed.
    pub side: Side,
    /// What to type, with placeholders.
    pub commands: &'static [&'static str],
}

/// A kind of case of a cause that is told otherwise.
#[derive(Debug)]
pub struct Variant {
    /// How checks call it.
    pub name: &'static str,
    /// Replaces the page's.
    pub severity: Option<Severity>,
    /// Replaces the page's.
    pub confidence: Option<Confidence>,
    /// Replaces the page's.
    pub commands: Option<&'static [&'static str]>,
    /// Replaces the page's: English, Chinese.
    pub text: [Text; 2],
}

/// What a client and the daemon's log show when the cause strikes.
#[derive(Debug)]
pub struct Symptom {
    /// The client's exit code; for [`Stage::Start`] the daemon's.
    pub exit: u8,
    /// How far the client gets.
    pub stage: Stage,
    /// The client's message, with placeholders.
    pub client: Option<&'static str>,
    /// The daemon's log line, with placeholders.
    pub log: Option<&'static str>,
    /// The client's message as other releases and programs word it, with placeholders.
    pub wordings: &'static [&'static str],
    /// The log line in other cases and as other releases word it, with placeholders.
    pub log_wordings: &'static [&'static str],
    /// The first release that shows it.
    pub since: Option<Release>,
    /// The first release that does not show it any more.
    pub until: Option<Release>,
    /// What happens where there is no message: English, Chinese.
    pub effect: [&'static str; 2],
    /// Whether the client's message is a sign of this cause; not where so many causes show it that it speaks for none.
    pub is_sign: bool,
    /// The variants that show it; none: all.
    pub variants: &'static [&'static str],
    /// Whether it happens now and then in place of the symptom before it.
    pub is_alternative: bool,
    /// The harm that shows it; none: it does not depend on what the line does.
    pub harm: Option<Harm>,
}

/// A language of reports.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Language {
    /// `en`
    #[default]
    English,
    /// `zh`, simplified characters.
    Chinese,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant),*
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$variant => $word),* })
            }
        }
    };
}

words!(
    /// How bad a finding is; the worst is the greatest.
    Severity {
        /// Good to know.
        Info = "info",
        /// Likely not meant, or a risk.
        Warning = "warning",
        /// A service or a module is dead or open.
        Error = "error",
    }
);

words!(
    /// How sure a finding is; the surest is the greatest.
    Confidence {
        /// It may be meant.
        Possible = "possible",
        /// It is hardly ever meant.
        Likely = "likely",
        /// It follows from what rsync does.
        Certain = "certain",
    }
);

words!(
    /// Where a cure is applied.
    Side {
        /// On the machine that runs `rsync`.
        Client = "client",
        /// On the machine that runs `rsync --daemon`.
        Server = "server",
    }
);

words!(
    /// How often a cause is behind its symptom; the most frequent is the greatest.
    Frequency {
        /// One looks for it last.
        Rarely = "rarely",
        /// Neither.
        Sometimes = "sometimes",
        /// One looks for it first.
        Often = "often",
    }
);

words!(
    /// How safe a fix is.
    Safety {
        /// The file means the same or what it plainly was to mean.
        Safe = "safe",
        /// Somebody should look at it first.
        Unsafe = "unsafe",
    }
);

words!(
    /// What clients meet where a line does not do what it was to do, in the order of a session.
    Harm {
        /// The daemon drops every connection before its greeting.
        Greeting = "greeting",
        /// The module is called otherwise.
        OtherName = "other-name",
        /// Hosts are refused that were to get in, or all of them.
        Hosts = "hosts",
        /// Clients cannot be counted.
        Slot = "slot",
        /// Logins fail.
        Login = "login",
        /// `uid` or `gid` is unknown.
        Account = "account",
        /// The module has no folder.
        NoPath = "no-path",
        /// The daemon drops every connection to the module.
        HangUp = "hang-up",
        /// `early exec` fails.
        EarlyHook = "early-hook",
        /// The module's folder cannot be entered.
        Folder = "folder",
        /// `pre-xfer exec` fails.
        Hook = "hook",
        /// Pushes are refused.
        ReadOnly = "read-only",
        /// Pulls are refused.
        WriteOnly = "write-only",
        /// There is no place for files that come in.
        TempDir = "temp-dir",
        /// Nothing that they see.
        Unseen = "unseen",
    }
);

words!(
    /// A kind of fact that a check asks the machine for.
    Need {
        /// What exists, with owner, mode and content.
        Files = "files",
        /// Users and groups, and who runs the daemon.
        Identities = "identities",
        /// The name service.
        Names = "names",
    }
);

words!(
    /// A kind of file that is checked.
    FileKind {
        /// A daemon's configuration.
        RsyncdConf = "rsyncd.conf",
        /// A daemon's `user:password` lines.
        Secrets = "secrets",
        /// A client's password.
        Password = "password",
        /// sersync's confxml.xml.
        Sersync = "sersync",
        /// A systemd unit or drop-in.
        Systemd = "systemd",
        /// A file of xinetd.
        Xinetd = "xinetd",
        /// A file of inetd.
        Inetd = "inetd",
        /// Variables for a service: `/etc/default/rsync`, `/etc/sysconfig/rsyncd`.
        Environment = "environment",
        /// A table of cron.
        Crontab = "crontab",
        /// Documentation that shows such files.
        Markdown = "markdown",
        /// A shell script.
        Script = "script",
        /// A Dockerfile or Containerfile.
        Dockerfile = "dockerfile",
        /// Our own settings and suppressions.
        Rsyncctl = "rsyncctl",
    }
);

words!(
    /// How far a client gets before it fails, in the order of a session.
    Stage {
        /// The client does not understand its command line, or refuses it.
        Usage = "usage",
        /// The daemon itself does not start.
        Start = "start",
        /// No connection.
        Connect = "connect",
        /// No greeting.
        Greeting = "greeting",
        /// The module list.
        List = "list",
        /// The module is looked up.
        Module = "module",
        /// `hosts allow` and `hosts deny`.
        Access = "access",
        /// `max connections`.
        Slot = "slot",
        /// `auth users`.
        Authentication = "authentication",
        /// `uid` and `gid` are looked up.
        Identity = "identity",
        /// `path`.
        Path = "path",
        /// Filters and character sets.
        Filters = "filters",
        /// `early exec` and `pre-xfer exec`.
        Hooks = "hooks",
        /// chroot, directory, identity are taken on.
        Jail = "jail",
        /// The client's options.
        Arguments = "arguments",
        /// The transfer itself.
        Transfer = "transfer",
    }
);
