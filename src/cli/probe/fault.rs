//! Why a shell, cron or systemd does not start rsync, or starts it otherwise than it is meant.

use crate::{catalog::Language, probe::Effect};

/// A place of a script, a table of cron's or a unit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::cli) enum Fault {
    /// The folder that it goes to first is not there, or closed: it ends there.
    NoFolder(String),
    /// The same, and the shell goes on where it was.
    Stays(String),
    /// What the first line names is not there.
    NoInterpreter(String),
    /// The program of the first line gets these words as one.
    OneArgument(String, String),
    /// On this line dash is told of `pipefail`.
    Pipefail(usize),
    /// The program is not there.
    NoProgram(String),
    /// The folder of a file that output goes to is not there.
    NoLogFolder(String),
    /// The output goes to what is a folder, or has no name.
    NoLog(String),
    /// On this line stands what only bash knows; whether the script ends there.
    OfBash(usize, &'static str, bool),
    /// The times of this line are none.
    Times(usize),
    /// The last line of a table, this one, has no end.
    NoEnd(usize),
    /// On this line a variable is set, and not handed on.
    NotExported(usize, &'static str),
    /// On this line blanks stand around the `=` of a variable.
    Apart(usize, &'static str),
}

impl Fault {
    /// What becomes of rsync.
    pub(super) const fn effect(&self) -> Effect {
        match self {
            Self::Stays(_) | Self::OfBash(_, _, false) | Self::NotExported(..) | Self::Apart(..) => {
                Effect::Other
            }
            _ => Effect::Never,
        }
    }

    /// What it is, and what to do. `file`: as a shell takes its name.
    pub(super) fn told(&self, file: &str, language: Language) -> (String, String) {
        match language {
            Language::English => self.in_english(file),
            Language::Chinese => self.in_chinese(file),
        }
    }

    fn in_english(&self, file: &str) -> (String, String) {
        match self {
            Self::NoFolder(folder) => (
                format!("the folder `{folder}`, which it goes to first, cannot be entered: it ends there"),
                format!("make it, or name the right one: mkdir -p {}", quoted(folder)),
            ),
            Self::Stays(folder) => (
                format!("the folder `{folder}` cannot be entered: the shell stays where it is, and goes on"),
                format!(
                    "make it, or name the right one, and write `cd {} || exit 1`",
                    quoted(folder)
                ),
            ),
            Self::NoInterpreter(program) => (
                format!(
                    "there is no `{program}`, which the first line of `{file}` names: nothing of it runs"
                ),
                format!("write `#!/bin/sh`, or `#!/bin/bash`, into the first line: vi +1 {file}"),
            ),
            Self::OneArgument(program, argument) => (
                format!(
                    "`{program}` in the first line of `{file}` gets `{argument}` as one word, and refuses it"
                ),
                format!(
                    "leave `#!/bin/bash` there, and write the options on the next line, as `set -e`: vi +1 {file}"
                ),
            ),
            Self::Pipefail(line) => (
                format!("dash does not know the `pipefail` of line {line}: the script ends there"),
                format!("let bash run it, `#!/bin/bash`: vi +1 {file}"),
            ),
            Self::NoProgram(program) => (
                format!("there is no program `{program}` on this machine (code 127 of the shell)"),
                "write `rsync`, or the path that this prints: command -v rsync".to_owned(),
            ),
            Self::NoLogFolder(folder) => (
                format!(
                    "there is no folder `{folder}` for the output, so the shell does not start the command"
                ),
                format!("mkdir -p {}", quoted(folder)),
            ),
            Self::NoLog(name) if name.is_empty() => (
                "the name of the file for the output is empty, so the shell does not start the command"
                    .to_owned(),
                "set the variable behind `>` to the name of a file".to_owned(),
            ),
            Self::NoLog(name) => (
                format!(
                    "`{name}`, which the output goes to, is a folder, so the shell does not start the command"
                ),
                format!(
                    "write the name of a file behind `>`, as {}",
                    quoted(&format!("{}/rsync.log", name.trim_end_matches('/')))
                ),
            ),
            Self::OfBash(line, sign, _) => (
                format!(
                    "the `{sign}` of line {line} is bash's, and dash runs the script: {}",
                    self.of_dash()
                ),
                format!("let bash run it, `#!/bin/bash`: vi +1 {file}"),
            ),
            Self::Times(line) => (
                format!("cron does not understand the times of line {line} of `{file}`, and starts nothing"),
                format!(
                    "write five fields, as `0 3 * * *` (minute, hour, day, month, weekday): vi +{line} {file}"
                ),
            ),
            Self::NoEnd(line) => (
                format!("the last line of `{file}` ({line}) has no end: cron takes no such table"),
                format!("echo >> {file}"),
            ),
            Self::NotExported(line, name) => (
                format!(
                    "line {line} sets `{name}` for the shell alone: without `export` rsync does not get it"
                ),
                format!("sed -i '{line}s/{name}=/export {name}=/' {file}"),
            ),
            Self::Apart(line, name) => (
                format!(
                    "a blank stands in front of the `=` on line {line}: the shell takes `{name}` for a program"
                ),
                format!("sed -i '{line}s/{name}[[:space:]]*=[[:space:]]*/export {name}=/' {file}"),
            ),
        }
    }

    fn in_chinese(&self, file: &str) -> (String, String) {
        match self {
            Self::NoFolder(folder) => (
                format!("无法进入先要进入的目录 `{folder}`：到此结束"),
                format!("建立该目录，或者写上正确的目录：mkdir -p {}", quoted(folder)),
            ),
            Self::Stays(folder) => (
                format!("无法进入目录 `{folder}`：shell 留在原来的目录继续执行"),
                format!(
                    "建立该目录或写上正确的目录，并写成 `cd {} || exit 1`",
                    quoted(folder)
                ),
            ),
            Self::NoInterpreter(program) => (
                format!("`{file}` 第一行写的 `{program}` 不存在：脚本完全不会运行"),
                format!("第一行写成 `#!/bin/sh` 或 `#!/bin/bash`：vi +1 {file}"),
            ),
            Self::OneArgument(program, argument) => (
                format!("`{file}` 第一行的 `{program}` 把 `{argument}` 当成一个词，拒绝执行"),
                format!("第一行只写 `#!/bin/bash`，选项写在下一行，如 `set -e`：vi +1 {file}"),
            ),
            Self::Pipefail(line) => (
                format!("dash 不认识第 {line} 行的 `pipefail`：脚本到此结束"),
                format!("改用 bash 运行，`#!/bin/bash`：vi +1 {file}"),
            ),
            Self::NoProgram(program) => (
                format!("本机没有程序 `{program}`（shell 的退出码 127）"),
                "写成 `rsync`，或者写这个命令显示的路径：command -v rsync".to_owned(),
            ),
            Self::NoLogFolder(folder) => (
                format!("输出文件的目录 `{folder}` 不存在，shell 不会启动该命令"),
                format!("mkdir -p {}", quoted(folder)),
            ),
            Self::NoLog(name) if name.is_empty() => (
                "输出文件的名字是空的，shell 不会启动该命令".to_owned(),
                "把 `>` 后面的变量设为一个文件名".to_owned(),
            ),
            Self::NoLog(name) => (
                format!("输出写到的 `{name}` 是目录，shell 不会启动该命令"),
                format!(
                    "在 `>` 后面写一个文件名，如 {}",
                    quoted(&format!("{}/rsync.log", name.trim_end_matches('/')))
                ),
            ),
            Self::OfBash(line, sign, _) => (
                format!(
                    "第 {line} 行的 `{sign}` 是 bash 的写法，而脚本由 dash 运行：{}",
                    self.of_dash()
                ),
                format!("改用 bash 运行，`#!/bin/bash`：vi +1 {file}"),
            ),
            Self::Times(line) => (
                format!("cron 看不懂 `{file}` 第 {line} 行的时间，什么也不会启动"),
                format!("写五个字段，如 `0 3 * * *`（分、时、日、月、星期）：vi +{line} {file}"),
            ),
            Self::NoEnd(line) => (
                format!("`{file}` 的最后一行（第 {line} 行）没有换行符：cron 不接受这样的表"),
                format!("echo >> {file}"),
            ),
            Self::NotExported(line, name) => (
                format!("第 {line} 行只为 shell 设置了 `{name}`：没有 `export`，rsync 得不到它"),
                format!("sed -i '{line}s/{name}=/export {name}=/' {file}"),
            ),
            Self::Apart(line, name) => (
                format!("第 {line} 行的 `=` 前面有空格：shell 把 `{name}` 当成程序"),
                format!("sed -i '{line}s/{name}[[:space:]]*=[[:space:]]*/export {name}=/' {file}"),
            ),
        }
    }

    /// What dash says of what it does not know (0.5.12, seen).
    const fn of_dash(&self) -> &'static str {
        match self {
            Self::OfBash(_, _, true) => "Syntax error",
            _ => "not found",
        }
    }
}

fn quoted(path: &str) -> String {
    shell_words::quote(path).into_owned()
}
