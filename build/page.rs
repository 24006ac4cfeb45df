//! The shape of a page of `rules/` and of its tables. Shared by `build.rs`, which compiles them in,
//! and the tests, which run their examples.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "each of the two users reads a part of the shape"
)]

use std::collections::BTreeMap;

use serde::Deserialize;

/// The front matter of a page: everything about a cause that a program reads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Page {
    pub id: String,
    pub name: String,
    pub severity: Severity,
    pub confidence: Confidence,
    pub files: Vec<FileKind>,
    /// Whether it is what a probe notices at a live server, and no failure.
    #[serde(default)]
    pub noticed: bool,
    #[serde(default)]
    pub needs: Vec<Need>,
    pub side: Side,
    pub fix: Option<Fix>,
    pub since: Option<String>,
    pub until: Option<String>,
    /// The identifiers of pages that a reader of this one should know.
    #[serde(default)]
    pub related: Vec<String>,
    #[serde(default)]
    pub commands: Vec<String>,
    /// How often it is the cause where its symptom is seen.
    #[serde(default)]
    pub frequency: Frequency,
    /// How somebody who has only the symptom finds out whether this is its cause.
    pub check: Option<Check>,
    pub en: Text,
    pub zh: Text,
    #[serde(default)]
    pub variant: BTreeMap<String, Variant>,
    #[serde(default)]
    pub symptom: Vec<Symptom>,
    pub proof: Option<Proof>,
    /// Why no test starts the page's example on a daemon.
    pub unproven: Option<String>,
}

/// What a report says about a case, with `{placeholders}` that the check fills.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    pub summary: Option<String>,
    pub title: Option<String>,
    pub message: Option<String>,
    pub label: Option<String>,
    pub help: Option<String>,
    /// What its symptom is often taken for, and is not.
    pub not: Option<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// Commands that tell whether a cause is there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    pub side: Side,
    pub commands: Vec<String>,
}

/// Texts that replace the page's own in one kind of case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    pub severity: Option<Severity>,
    pub confidence: Option<Confidence>,
    pub commands: Option<Vec<String>>,
    #[serde(default)]
    pub en: Text,
    #[serde(default)]
    pub zh: Text,
}

/// What a client and the daemon's log show when the cause strikes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Symptom {
    pub exit: u8,
    pub stage: Stage,
    pub client: Option<String>,
    pub log: Option<String>,
    /// The same message as other releases and programs word it.
    #[serde(default)]
    pub wordings: Vec<String>,
    #[serde(default)]
    pub log_wordings: Vec<String>,
    pub since: Option<String>,
    pub until: Option<String>,
    /// What happens, where the client sees no message.
    pub en: Option<String>,
    pub zh: Option<String>,
    /// Whether `explain` counts the client's message as a sign of this cause; not where so many causes show it that
    /// it speaks for none of them.
    #[serde(default = "yes")]
    pub explain: bool,
    /// The variants of the case that show this symptom; none: every case.
    #[serde(default)]
    pub variants: Vec<String>,
    /// Whether it happens now and then in place of the symptom above it.
    #[serde(default)]
    pub or: bool,
    /// The harm that shows this symptom, where that depends on the line; none: whatever the line does.
    pub harm: Option<Harm>,
}

fn yes() -> bool {
    true
}

/// How a test makes the symptom happen on a real daemon.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Proof {
    /// `list`, `pull [USER@]MODULE[/PATH]`, `push [USER@]MODULE[/PATH]`, `start`, `sersync`: what the example's sersync
    /// would run, `service`: what the example's service would start, or `xinetd`: that program itself.
    pub run: String,
    /// Other runs for examples of certain roles.
    #[serde(default)]
    pub runs: BTreeMap<String, String>,
    /// `dir PATH [MODE [OWNER]]`, `file PATH [MODE [OWNER]] [= TEXT]`, `link PATH -> TARGET [OWNER]`.
    #[serde(default)]
    pub tree: Vec<String>,
    #[serde(default)]
    pub options: Vec<String>,
    pub password: Option<String>,
    /// Whether the client reads its password from the example's password file.
    #[serde(default)]
    pub password_file: bool,
    /// The local user that the daemon runs as; none: the test's own.
    pub daemon: Option<String>,
    /// The code with which the good example ends; 0 if absent.
    #[serde(default)]
    pub good: u8,
    /// Variables in the daemon's environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

/// How often a cause is behind its symptom.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Frequency {
    Often,
    #[default]
    Sometimes,
    Rarely,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($variant),* }
    };
}

words!(Severity { Error, Warning, Info });
words!(Confidence {
    Certain,
    Likely,
    Possible
});
words!(Side { Client, Server });
words!(Fix { Safe, Unsafe });
words!(Need {
    Files,
    Identities,
    Names
});
words!(Stage {
    Usage,
    Start,
    Connect,
    Greeting,
    List,
    Module,
    Access,
    Slot,
    Authentication,
    Identity,
    Path,
    Filters,
    Hooks,
    Jail,
    Arguments,
    Transfer,
});
words!(Harm {
    Unseen,
    Account,
    EarlyHook,
    Folder,
    Greeting,
    HangUp,
    Hook,
    Hosts,
    Login,
    NoPath,
    OtherName,
    ReadOnly,
    Slot,
    TempDir,
    WriteOnly,
});
words!(Scope { Global, Module });
words!(ParameterType {
    Boolean,
    BooleanOrUnset,
    Enum,
    Integer,
    Path,
    String
});

/// Which files a cause can be seen in.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub enum FileKind {
    #[serde(rename = "rsyncd.conf")]
    RsyncdConf,
    #[serde(rename = "secrets")]
    Secrets,
    #[serde(rename = "password")]
    Password,
    #[serde(rename = "sersync")]
    Sersync,
    #[serde(rename = "systemd")]
    Systemd,
    #[serde(rename = "xinetd")]
    Xinetd,
    #[serde(rename = "inetd")]
    Inetd,
    #[serde(rename = "environment")]
    Environment,
    #[serde(rename = "crontab")]
    Crontab,
    #[serde(rename = "script")]
    Script,
    #[serde(rename = "dockerfile")]
    Dockerfile,
    #[serde(rename = "rsyncctl")]
    Rsyncctl,
}

/// `rules/parameters.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ParameterTable {
    pub parameter: Vec<Parameter>,
    #[serde(default)]
    pub wrong_name: Vec<WrongName>,
}

/// One parameter of rsyncd.conf.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    pub name: String,
    pub r#type: ParameterType,
    pub scope: Scope,
    pub default: Option<String>,
    pub since: String,
    pub about: Bilingual,
    pub danger: Option<Bilingual>,
}

/// A name that people write, and the parameter that they mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrongName {
    pub name: String,
    pub means: String,
}

/// `rules/releases.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseTable {
    pub release: Vec<PublishedRelease>,
    pub advisory: Vec<Advisory>,
}

/// A release of rsync.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedRelease {
    pub version: String,
    pub date: String,
    pub protocol: u8,
}

/// A hole that a release closes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisory {
    pub id: String,
    pub since: Option<String>,
    pub fixed: String,
    pub by: Attacker,
    pub en: String,
    pub zh: String,
}

/// Who does harm by a hole.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attacker {
    Client,
    Server,
    Local,
}

/// One sentence in both languages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bilingual {
    pub en: String,
    pub zh: String,
}

/// A page's front matter and its two bodies: English, then Chinese.
pub struct Parts<'a> {
    pub front: &'a str,
    /// 1-based line on which the front matter begins.
    pub front_line: usize,
    pub english: &'a str,
    pub chinese: &'a str,
}

impl<'a> Parts<'a> {
    /// A whole file of TOML, without prose.
    pub fn toml(text: &'a str) -> Self {
        Self {
            front: text,
            front_line: 1,
            english: "",
            chinese: "",
        }
    }
}

/// Takes a page apart: `+++`, front matter, `+++`, English prose, `## 中文`, Chinese prose. An error has its line.
pub fn split(page: &str) -> Result<Parts<'_>, (usize, &'static str)> {
    let rest = page
        .strip_prefix("+++\n")
        .ok_or((1, "a page begins with a line `+++`"))?;
    let (front, body) = rest
        .split_once("\n+++\n")
        .ok_or((1, "the front matter has no closing line `+++`"))?;
    let (english, chinese) = body.split_once("\n## 中文\n").unwrap_or((body, ""));
    Ok(Parts {
        front,
        front_line: 2,
        english: english.trim(),
        chinese: chinese.trim(),
    })
}
