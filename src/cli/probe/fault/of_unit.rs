//! What of a unit keeps systemd from starting a command in it.

use crate::cli::probe::fault::quoted;

/// A place of a unit that systemd refuses, or reads otherwise than it is meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::cli) enum OfUnit {
    /// The setting on this line does not belong to the section that it stands in; where it does.
    Misplaced(usize, String, &'static str),
    /// systemd knows no such setting; the nearest one.
    Unknown(usize, String, Option<&'static str>),
    /// The commands of this setting are taken back on this line.
    TakenBack(String, usize),
    /// The commands of this setting are taken back by a drop-in of this unit.
    Replaced(String, String),
    /// A program of this setting's is named by no whole path; whether systemd passes it over.
    RelativeProgram(String, bool),
    /// A quote of this setting's is left open; whether systemd passes it over.
    OpenQuote(String, bool),
    /// `WorkingDirectory=` is no whole path.
    RelativeFolder(String),
    /// There is more than one command; the value of `Type=`, where it is none.
    SecondCommand(Option<String>),
    /// `Restart=` has this value, and `Type=oneshot`.
    Restart(String),
    /// Nothing is to be started.
    NoCommand,
    /// There is no such `User=` or `Group=`, for which systemd has this code.
    NoAccount(&'static str, String, &'static str),
    /// This condition asks for this file, which is not there.
    NotMet(String, String),
    /// The file or the folder of a `StandardOutput=` is not there, for which systemd has this code.
    NoStream(String, String, &'static str),
    /// The file of a `LoadCredential=` is not there.
    NoCredential(String),
    /// A file of variables is named by no whole path, and passed over.
    RelativeVariables(String),
}

impl OfUnit {
    pub(super) fn in_english(&self, file: &str) -> (String, String) {
        let refuses = |is_passed_over: bool| match is_passed_over {
            true => "passes the command over",
            false => "refuses the unit",
        };
        match self {
            Self::Misplaced(line, name, home) => (
                format!(
                    "`{name}=` on line {line} does not stand under `[{home}]`, where alone systemd reads it: it is passed over"
                ),
                format!("move it below the line `[{home}]`: vi +{line} {file}"),
            ),
            Self::Unknown(line, name, like) => (
                format!(
                    "systemd knows no `{name}=` (line {line}; capitals count), and passes it over: the command is never run"
                ),
                match like {
                    Some(like) => format!("write `{like}=`: vi +{line} {file}"),
                    None => format!("write `ExecStart=`: vi +{line} {file}"),
                },
            ),
            Self::TakenBack(name, line) => (
                format!("the empty `{name}=` on line {line} takes the command back: systemd does not run it"),
                format!("take the empty line away, or move it in front of the command: vi +{line} {file}"),
            ),
            Self::Replaced(name, unit) => (
                format!(
                    "a drop-in of `{unit}` takes the command back with an empty `{name}=`: systemd does not run it"
                ),
                format!("look for what holds: systemctl cat {}", quoted(unit)),
            ),
            Self::RelativeProgram(setting, is_passed_over) => (
                format!(
                    "`{setting}` names a program by a path that does not begin with `/`: systemd {}",
                    refuses(*is_passed_over)
                ),
                format!("write its whole path: vi {file}"),
            ),
            Self::OpenQuote(name, is_passed_over) => (
                format!(
                    "a quote in `{name}=` is not closed: systemd {}",
                    refuses(*is_passed_over)
                ),
                format!("close it, or write `\\'` where the letter is meant: vi {file}"),
            ),
            Self::RelativeFolder(folder) => (
                format!("`WorkingDirectory={folder}` does not begin with `/`: systemd refuses the unit"),
                format!("write the whole path: vi {file}"),
            ),
            Self::SecondCommand(r#type) => {
                let none = r#type.as_ref().map(|found| {
                    format!(" (`Type={found}` is none, so systemd takes the unit for a `simple` one)")
                });
                (
                    format!(
                        "the unit has more than one command to start, which only `Type=oneshot` may have{}: systemd refuses it",
                        none.unwrap_or_default()
                    ),
                    format!("write `Type=oneshot` below `[Service]`, or leave one `ExecStart=`: vi {file}"),
                )
            }
            Self::Restart(value) => (
                format!("`Restart={value}` does not go with `Type=oneshot`: systemd refuses the unit"),
                format!("write `Restart=on-failure`, or take it away: vi {file}"),
            ),
            Self::NoCommand => (
                "the unit has no `ExecStart=` that holds: systemd refuses it".to_owned(),
                format!("write `ExecStart=` with the command below `[Service]`: vi {file}"),
            ),
            Self::NoAccount(name, account, code) => (
                format!(
                    "there is no {} `{account}` on this machine ({code} of systemd)",
                    kind(name)
                ),
                format!("make it, or write the right one behind `{name}=`: vi {file}"),
            ),
            Self::NotMet(name, path) => (
                format!(
                    "`{name}={path}` is not met, as that is not there now: systemd starts nothing of the unit"
                ),
                format!("mount or make it, or write the right one: vi {file}"),
            ),
            Self::NoStream(setting, path, code) => (
                format!("`{setting}` cannot be opened for want of `{path}` ({code} of systemd)"),
                match code.ends_with("STDIN") {
                    true => format!("make it, or write the right one: vi {file}"),
                    false => format!("mkdir -p {}", quoted(path)),
                },
            ),
            Self::NoCredential(path) => (
                format!("there is no `{path}`, which `LoadCredential=` names (243/CREDENTIALS of systemd)"),
                format!("make it, or write the right one: vi {file}"),
            ),
            Self::RelativeVariables(path) => (
                format!(
                    "`EnvironmentFile={path}` does not begin with `/`: systemd passes it over, and sets none of its variables"
                ),
                format!("write the whole path: vi {file}"),
            ),
        }
    }

    pub(super) fn in_chinese(&self, file: &str) -> (String, String) {
        let refuses = |is_passed_over: bool| match is_passed_over {
            true => "忽略该命令",
            false => "拒绝加载该单元",
        };
        match self {
            Self::Misplaced(line, name, home) => (
                format!("第 {line} 行的 `{name}=` 不在 `[{home}]` 下面，systemd 只在那里读它：它被忽略"),
                format!("把它移到 `[{home}]` 这一行下面：vi +{line} {file}"),
            ),
            Self::Unknown(line, name, like) => (
                format!("systemd 不认识 `{name}=`（第 {line} 行；区分大小写），忽略它：命令根本不会执行"),
                format!("写成 `{}=`：vi +{line} {file}", like.unwrap_or("ExecStart")),
            ),
            Self::TakenBack(name, line) => (
                format!("第 {line} 行空的 `{name}=` 取消了该命令：systemd 不会执行它"),
                format!("去掉这个空行，或者把它移到命令前面：vi +{line} {file}"),
            ),
            Self::Replaced(name, unit) => (
                format!("`{unit}` 的 drop-in 用空的 `{name}=` 取消了该命令：systemd 不会执行它"),
                format!("看看生效的是什么：systemctl cat {}", quoted(unit)),
            ),
            Self::RelativeProgram(setting, is_passed_over) => (
                format!(
                    "`{setting}` 里程序的路径不以 `/` 开头：systemd {}",
                    refuses(*is_passed_over)
                ),
                format!("写完整路径：vi {file}"),
            ),
            Self::OpenQuote(name, is_passed_over) => (
                format!("`{name}=` 里的引号没有闭合：systemd {}", refuses(*is_passed_over)),
                format!("闭合它；如果要的就是这个字符，写成 `\\'`：vi {file}"),
            ),
            Self::RelativeFolder(folder) => (
                format!("`WorkingDirectory={folder}` 不以 `/` 开头：systemd 拒绝加载该单元"),
                format!("写完整路径：vi {file}"),
            ),
            Self::SecondCommand(r#type) => {
                let none = r#type
                    .as_ref()
                    .map(|found| format!("（没有 `Type={found}`，systemd 当成 `simple`）"));
                (
                    format!(
                        "该单元要启动的命令不止一个，只有 `Type=oneshot` 才可以{}：systemd 拒绝加载它",
                        none.unwrap_or_default()
                    ),
                    format!("在 `[Service]` 下面写 `Type=oneshot`，或者只留一个 `ExecStart=`：vi {file}"),
                )
            }
            Self::Restart(value) => (
                format!("`Restart={value}` 不能和 `Type=oneshot` 一起用：systemd 拒绝加载该单元"),
                format!("写成 `Restart=on-failure`，或者去掉它：vi {file}"),
            ),
            Self::NoCommand => (
                "该单元没有有效的 `ExecStart=`：systemd 拒绝加载它".to_owned(),
                format!("在 `[Service]` 下面写上带命令的 `ExecStart=`：vi {file}"),
            ),
            Self::NoAccount(name, account, code) => (
                format!(
                    "本机没有{} `{account}`（systemd 的 {code}）",
                    kind_in_chinese(name)
                ),
                format!("建立它，或者在 `{name}=` 后面写上正确的名字：vi {file}"),
            ),
            Self::NotMet(name, path) => (
                format!("`{name}={path}` 不满足，因为它现在不存在：systemd 不会启动该单元的任何命令"),
                format!("挂载或建立它，或者写上正确的名字：vi {file}"),
            ),
            Self::NoStream(setting, path, code) => (
                format!("`{setting}` 打不开，因为 `{path}` 不存在（systemd 的 {code}）"),
                match code.ends_with("STDIN") {
                    true => format!("建立它，或者写上正确的名字：vi {file}"),
                    false => format!("mkdir -p {}", quoted(path)),
                },
            ),
            Self::NoCredential(path) => (
                format!("`LoadCredential=` 指定的 `{path}` 不存在（systemd 的 243/CREDENTIALS）"),
                format!("建立它，或者写上正确的名字：vi {file}"),
            ),
            Self::RelativeVariables(path) => (
                format!("`EnvironmentFile={path}` 不以 `/` 开头：systemd 忽略它，其中的变量都不会设置"),
                format!("写完整路径：vi {file}"),
            ),
        }
    }
}

fn kind(name: &str) -> &'static str {
    if name == "Group" { "group" } else { "user" }
}

fn kind_in_chinese(name: &str) -> &'static str {
    if name == "Group" { "组" } else { "用户" }
}
