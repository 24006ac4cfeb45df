//! Words of commands that stand for what only their reader knows, in capitals as in manual pages.

use std::{borrow::Cow, collections::BTreeSet};

use crate::{
    catalog::{Language, fill_command},
    render::words::pick,
};

/// The words of the pages' commands, and those that placeholders become that nobody has filled: what to put there.
const NAMES: [(&str, [&str; 2]); 45] = [
    (
        "ACCOUNT",
        [
            "the account that the module's `uid` names",
            "模块 `uid` 指定的账号",
        ],
    ),
    ("ADDRESS", ["the address of the other machine", "对方机器的地址"]),
    (
        "ARGUMENTS",
        [
            "the words of your command behind `rsync`",
            "你的命令里 `rsync` 后面的全部内容",
        ],
    ),
    (
        "CLOSED",
        ["the folder that stops the account", "挡住该账号的目录"],
    ),
    (
        "DAEMON-ROOT",
        [
            "the folder of `daemon chroot` in rsyncd.conf",
            "rsyncd.conf 里 `daemon chroot` 的目录",
        ],
    ),
    ("DESTINATION", ["where the files are to go", "文件要复制到的位置"]),
    ("FILE", ["the file that the message names", "消息里提到的文件"]),
    ("FOLDER", ["the folder that is meant", "要用的目录"]),
    (
        "GROUP",
        ["the group that the module's `gid` names", "模块 `gid` 指定的组"],
    ),
    (
        "HOST",
        ["the name or address of the server", "服务器的主机名或地址"],
    ),
    ("LINK", ["the symbolic link on the way", "路径上的符号链接"]),
    (
        "LOG_FILE",
        ["`log file` of rsyncd.conf", "rsyncd.conf 里的 `log file`"],
    ),
    (
        "MODULE",
        [
            "the name of the module, in brackets in rsyncd.conf",
            "模块名，即 rsyncd.conf 里方括号中的名字",
        ],
    ),
    (
        "MODULE-URL",
        [
            "the module as your command names it, such as `rsync://host/module`",
            "你的命令里模块的写法，例如 `rsync://主机/模块`",
        ],
    ),
    (
        "MODULE_PATH",
        [
            "`path` of the module in rsyncd.conf",
            "rsyncd.conf 里该模块的 `path`",
        ],
    ),
    (
        "MODULE_USER",
        [
            "`uid` of the module in rsyncd.conf, `nobody` if it has none",
            "rsyncd.conf 里该模块的 `uid`，没有写就是 `nobody`",
        ],
    ),
    (
        "MOUNT",
        [
            "the folder that the file system is mounted on",
            "文件系统的挂载点",
        ],
    ),
    (
        "MOUNT_POINT",
        [
            "the folder that `findmnt` shows as TARGET",
            "`findmnt` 显示为 TARGET 的目录",
        ],
    ),
    ("NAME", ["the name that the message has", "消息里的名字"]),
    (
        "NETWORK",
        [
            "the network of the client, such as 10.0.0.0/8",
            "客户端所在的网段，例如 10.0.0.0/8",
        ],
    ),
    (
        "OPEN",
        [
            "the command that opens the port in your firewall",
            "在防火墙里放行该端口的命令",
        ],
    ),
    ("OPTION", ["the option of your command", "你的命令里的选项"]),
    (
        "OPTION-NAME",
        ["the option's name without hyphens", "选项的名字，不带连字符"],
    ),
    (
        "OTHER-PORT",
        ["the port of the other daemon", "另一个守护进程的端口"],
    ),
    (
        "PARENT_FOLDER",
        [
            "the folder above the destination of your command",
            "你的命令里目标的上一级目录",
        ],
    ),
    (
        "PASSWORD-FILE",
        ["the file of `--password-file`", "`--password-file` 的文件"],
    ),
    (
        "PASSWORD_FILE",
        ["the file of `--password-file`", "`--password-file` 的文件"],
    ),
    (
        "PATH",
        [
            "the file or folder that the cause is about",
            "该原因所涉及的文件或目录",
        ],
    ),
    (
        "PATTERN",
        [
            "the pattern of your command, such as `*.log`",
            "你的命令里的通配符，例如 `*.log`",
        ],
    ),
    (
        "PORT",
        ["the port of the daemon, mostly 873", "守护进程的端口，一般是 873"],
    ),
    (
        "PROCESS",
        [
            "the number of the process, which `pgrep -a rsync` shows",
            "进程号，用 `pgrep -a rsync` 查看",
        ],
    ),
    (
        "RELOAD",
        [
            "the command that lets it read its files again",
            "让它重新读取配置文件的命令",
        ],
    ),
    (
        "RESTART",
        ["the command that starts the daemon again", "重启守护进程的命令"],
    ),
    ("SCRIPT", ["the script that holds the command", "命令所在的脚本"]),
    ("SOURCE", ["what is to be copied", "要复制的文件或目录"]),
    (
        "SOURCE_FILE",
        [
            "the file that the message names, on the sending side",
            "消息里提到的文件，在发送的一侧",
        ],
    ),
    (
        "START",
        ["the command that starts the daemon", "启动守护进程的命令"],
    ),
    (
        "TARGET",
        ["the folder that the files go to", "文件要复制到的目录"],
    ),
    (
        "TARGET-FOLDER",
        ["the folder that the files go to", "文件要复制到的目录"],
    ),
    (
        "TARGET-PARENT",
        [
            "the folder above the file that the message names",
            "消息里提到的文件的上一级目录",
        ],
    ),
    (
        "TARGET-PATH",
        [
            "the whole path of the file that the message names",
            "消息里提到的文件的完整路径",
        ],
    ),
    (
        "UID",
        [
            "the number of the account that the daemon runs as",
            "守护进程所用账号的编号",
        ],
    ),
    (
        "UNIT",
        [
            "the daemon's unit, which `systemctl status 'rsync*'` shows",
            "守护进程的服务单元，用 `systemctl status 'rsync*'` 查看",
        ],
    ),
    ("USER", ["the user that logs in", "登录的用户名"]),
    (
        "WORD",
        [
            "the word of your command that the message names",
            "消息里提到的那个词",
        ],
    ),
];

/// Whether a letter may belong to one of the names. A list such as `TARGET,SOURCE` is for a program, and no name.
const fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | ',' | '$')
}

/// The words of a command, and what stands between them.
fn words(command: &str) -> impl Iterator<Item = &str> {
    let letters = command.char_indices();
    let mut ends = letters
        .clone()
        .zip(letters.skip(1))
        .filter_map(|((_, one), (at, other))| (is_of_name(one) != is_of_name(other)).then_some(at));
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let from = start?;
        start = ends.next();
        Some(&command[from..start.unwrap_or(command.len())])
    })
}

/// A page's command, with what a case tells of it.
pub(super) struct Command {
    /// What to type.
    pub(super) text: String,
    /// The words in it that its reader has to replace.
    pub(super) open: Vec<String>,
}

/// Names of the pages' commands that the server's configuration settles, or the command line.
const SETTLED: [(&str, &str); 11] = [
    ("/etc/rsyncd.conf", "configuration-file"),
    ("/var/log/rsyncd.log", "log-file"),
    ("ARGUMENTS", "arguments"),
    ("DESTINATION", "destination"),
    ("LOG_FILE", "log-file"),
    ("MODULE_PATH", "module-path"),
    ("MODULE_USER", "module-user"),
    ("PARENT_FOLDER", "target-parent"),
    ("PASSWORD_FILE", "password-file"),
    ("SCRIPT", "script"),
    ("SOURCE", "local"),
];

/// A command, with placeholders where a case is known to say more.
pub(super) fn settled(command: &str, arguments: &[(&'static str, String)]) -> String {
    let known = SETTLED
        .iter()
        .filter(|(_, kind)| arguments.iter().any(|(known, _)| known == kind));
    let known: Vec<_> = known.collect();
    let mut settled = String::new();
    for word in words(command) {
        match known.iter().find(|(name, _)| *name == word) {
            Some((_, kind)) => settled += &format!("{{{kind}}}"),
            None => settled += word,
        }
    }
    // Paths are no words.
    let paths = known.iter().filter(|(name, _)| name.starts_with('/'));
    for (path, kind) in paths {
        settled = settled.replace(path, &format!("{{{kind}}}"));
    }
    settled
}

/// What stands for the folder of a module in a path that a case tells.
const UNKNOWN_FOLDER: &str = "MODULE_PATH";

impl Command {
    /// A command of a page in a case.
    pub(super) fn new(command: &str, arguments: &[(&'static str, String)]) -> Self {
        let mut command = settled(command, arguments);
        if !arguments.iter().any(|(kind, _)| *kind == "password-file") {
            // Who gives no password file is asked.
            command = command.replace("--password-file=PASSWORD_FILE ", "");
        }
        let mut open: Vec<String> = words(&command)
            // Where it is no placeholder, it is the variable.
            .filter(|word| *word != "PATH" && what(word).is_some())
            .map(str::to_owned)
            .collect();
        let text = fill_command(&command, arguments).into_owned();
        let mut rest = &*text;
        while let Some((_, name, behind)) = placeholder(rest) {
            open.push(name.to_uppercase());
            rest = behind;
        }
        // The place of a file whose module's folder nobody knows begins with that word.
        open.extend(
            words(&text)
                .find(|word| *word == UNKNOWN_FOLDER)
                .map(str::to_owned),
        );
        let mut told = BTreeSet::new();
        open.retain(|name| told.insert(name.clone()));
        Self {
            text: with_names(text.into()).into_owned(),
            open,
        }
    }
}

/// What to put in the place of words that nobody has told.
pub(super) fn legend<'n>(open: impl Iterator<Item = &'n str>, language: Language) -> Option<String> {
    let words = open.filter_map(|name| {
        let [english, chinese] = what(name)?;
        let means = pick(language, english, chinese);
        Some(match language {
            Language::English => format!("{name} is {means}"),
            Language::Chinese => format!("{name}（{means}）"),
        })
    });
    let words: Vec<_> = words.collect();
    (!words.is_empty()).then(|| words.join(pick(language, "; ", "；")))
}

/// What is meant by such a word.
fn what(word: &str) -> Option<&'static [&'static str; 2]> {
    let found = NAMES.iter().find(|(name, _)| *name == word);
    found.map(|(_, words)| words)
}

/// What nobody has told is named in capitals, as in manual pages.
pub(super) fn with_names(filled: Cow<'static, str>) -> Cow<'static, str> {
    if !has_placeholder(&filled) {
        return filled;
    }
    let mut shown = String::new();
    let mut rest = &*filled;
    while let Some((before, name, behind)) = placeholder(rest) {
        shown += before;
        shown += &name.to_uppercase();
        rest = behind;
    }
    shown += rest;
    Cow::Owned(shown)
}

/// The first `{placeholder}` of a text, with what stands before and behind it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find('{')?;
        let (name, behind) = text[open + 1..].split_once('}')?;
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
            return Some((&text[..open], name, behind));
        }
        from = open + 1;
    }
}

/// Whether a text has a placeholder that nobody has filled.
pub(super) fn has_placeholder(text: &str) -> bool {
    placeholder(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::{Command, what};
    use crate::catalog::pages;

    /// Words in capitals that are typed as they stand, and the file that goes with its option.
    const PLAIN: [&str; 9] = [
        "CONT",
        "DENIED",
        "ERROR",
        "FSTYPE",
        "OPTIONS",
        "PASSWORD_FILE",
        "PATH",
        "SOURCE",
        "TARGET",
    ];

    #[test]
    fn what_is_left_open_is_said_in_words() {
        for page in pages() {
            let variants = page.variants.iter().filter_map(|variant| variant.commands);
            let checks = page.check.iter().map(|check| check.commands);
            for command in [page.commands]
                .into_iter()
                .chain(variants)
                .chain(checks)
                .flatten()
            {
                let filled = Command::new(command, &[]);
                for name in &filled.open {
                    assert!(what(name).is_some(), "{}: {name} of `{command}`", page.id);
                }
                let letters = |letter: char| !(letter.is_ascii_alphanumeric() || "_-$".contains(letter));
                let capitals = command.split(letters).filter(|word| {
                    let is_capital = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
                    word.len() > 2 && word.bytes().all(is_capital) && !word.starts_with("RSYNC_")
                });
                for word in capitals {
                    let is_told = filled.open.iter().any(|name| name == word) || PLAIN.contains(&word);
                    assert!(is_told, "{}: {word} of `{command}`", page.id);
                }
            }
        }
    }

    #[test]
    fn what_is_known_is_put_in() {
        let known = [
            ("arguments", "-av 'a b' c".to_owned()),
            ("local", "/srv/SOURCE x".to_owned()),
            ("module-path", "/srv/MODULE_USER".to_owned()),
        ];
        for (command, expected, open) in [
            (
                "printf '<%s>\\n' rsync ARGUMENTS",
                "printf '<%s>\\n' rsync -av 'a b' c",
                &[][..],
            ),
            (
                "rsync -av SOURCE HOST::",
                "rsync -av '/srv/SOURCE x' HOST::",
                &["HOST"],
            ),
            (
                "setfacl -m u:MODULE_USER:rX 'MODULE_PATH/{path}'",
                "setfacl -m u:MODULE_USER:rX '/srv/MODULE_USER/PATH'",
                &["MODULE_USER", "PATH"],
            ),
            ("findmnt -o TARGET,SOURCE", "findmnt -o TARGET,SOURCE", &[]),
        ] {
            let command = Command::new(command, &known);
            assert_eq!(command.text, expected);
            assert_eq!(command.open, open);
        }
    }
}
