//! Why a shell, cron or systemd does not start rsync, or starts it otherwise than it is meant.

use crate::{catalog::Language, probe::Effect};

/// A place of a script, a table of cron's or a unit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::cli) enum Fault {
    /// The folder that it goes to first is not there, or closed: it ends there.
    NoFolder(String),
    /// The same, and the shell goes on where it was.
    Stays(String),
    /// The same, and what rsync is told to take lies in this one.
    RunsIn(String, String),
    /// What the first line names is not there.
    NoInterpreter(String),
    /// What the first line names reads no commands of a shell's.
    OtherInterpreter(String),
    /// The program of the first line gets these words as one.
    OneArgument(String, String),
    /// On this line dash is told of `pipefail`.
    Pipefail(usize),
    /// The program is not there.
    NoProgram(String),
    /// The program that is to start it is not there.
    NoStarter(String),
    /// The folder of the file that is locked first is not there.
    NoLockFolder(String),
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
    /// The first line ends with a carriage return, behind this program.
    Return(String),
    /// On this line a shell, called so, takes offence, and runs nothing of it.
    Refused(usize, String),
    /// On this line the command fails for sure, and the shell is told to end there.
    Failing(usize, String),
    /// The same of a program that is not there.
    NotFound(usize, String),
    /// The same of a file that is taken in, which ends some shells by itself.
    NotTaken(usize, String),
    /// On this line the script ends, or another program takes its place.
    Ended(usize, &'static str),
    /// What stands behind this sign is never run, for what stands in front of it on this line.
    PassedOver(usize, &'static str),
    /// The condition on this line leads elsewhere.
    NeverHolds(usize),
    /// It stands in this function, which nothing calls.
    Uncalled(String),
    /// On this line a frozen variable is set; the shell ends there.
    Frozen(usize, String),
    /// The same, and it keeps its value.
    Kept(usize, String),
    /// On this line somebody asks for this file, and without it rsync is not run.
    Guarded(usize, String),
    /// A unit's own program is not there.
    NotThere(String),
    /// On this line a variable is used that nothing sets; whether it asks for it itself.
    Unset(usize, String, bool),
    /// This command of a unit's runs first, and fails.
    Before(&'static str, String),
}

impl Fault {
    /// What becomes of rsync.
    pub(super) const fn effect(&self) -> Effect {
        match self {
            Self::Stays(_)
            | Self::RunsIn(..)
            | Self::OfBash(_, _, false)
            | Self::NotExported(..)
            | Self::Apart(..)
            | Self::Kept(..) => Effect::Other,
            _ => Effect::Never,
        }
    }

    /// The file or the program that is not there.
    pub(super) fn missing(&self) -> Option<&str> {
        match self {
            Self::NoProgram(path)
            | Self::NoStarter(path)
            | Self::NoLockFolder(path)
            | Self::NotThere(path)
            | Self::NoLogFolder(path)
            | Self::NotFound(_, path)
            | Self::NotTaken(_, path)
            | Self::Guarded(_, path) => Some(path),
            _ => None,
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
            Self::RunsIn(folder, place) => (
                format!(
                    "the folder `{folder}` cannot be entered: the shell stays where it is and goes on there, so rsync runs with the files of `{place}`"
                ),
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
            Self::OtherInterpreter(program) => (
                format!(
                    "the first line of `{file}` hands all of it to `{program}`, which is no shell and runs none of these commands"
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
            Self::NoStarter(program) => (
                format!("there is no program `{program}` on this machine, which is to start the command"),
                format!(
                    "install it, or take it away; what is there, this tells: command -v {}",
                    quoted(program)
                ),
            ),
            Self::NoLockFolder(folder) => (
                format!("there is no folder `{folder}` for the lock, so `flock` does not start the command"),
                format!("mkdir -p {}", quoted(folder)),
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
            Self::Return(program) => (
                format!(
                    "the first line of `{file}` ends with a carriage return, so the kernel looks for `{program}\\r`: nothing of it runs"
                ),
                format!("sed -i 's/\\r$//' {file}"),
            ),
            Self::Refused(line, shell) => (
                format!(
                    "`{shell}` does not take what stands up to line {line} (syntax error), and runs nothing of it"
                ),
                match file {
                    "''" => "close what is open, and take away what is too much".to_owned(),
                    _ => format!("mend what this tells: {shell} -n {file}"),
                },
            ),
            Self::Failing(line, program) => (
                format!("`{program}` on line {line} fails, and with `set -e` the script ends there"),
                format!("take it away, or write `{program} || true`: vi +{line} {file}"),
            ),
            Self::NotFound(line, program) => (
                format!(
                    "there is no program `{program}` on this machine (line {line}), and with `set -e` the script ends there"
                ),
                format!("install it, or write its right name: vi +{line} {file}"),
            ),
            Self::NotTaken(line, taken) => (
                format!("there is no file `{taken}`, which line {line} takes in: the script ends there"),
                format!("make it, or name the right one: vi +{line} {file}"),
            ),
            Self::Ended(line, word) => (
                format!("the script ends with the `{word}` of line {line}, in front of the command"),
                format!("put the command in front of it: vi +{line} {file}"),
            ),
            Self::PassedOver(line, sign) => {
                let ends = if *sign == "&&" { "fails" } else { "does not fail" };
                (
                    format!(
                        "what stands in front of `{sign}` on line {line} {ends} on this machine, so what follows is not run"
                    ),
                    format!("mend what stands in front of `{sign}`{}", at(*line, file)),
                )
            }
            Self::NeverHolds(line) => (
                format!("the condition on line {line} leads past the command"),
                format!("mend the condition{}", at(*line, file)),
            ),
            Self::Uncalled(name) => (
                format!("the command stands in the function `{name}`, which nothing in `{file}` calls"),
                format!("call it where it is meant to run: echo {name} >> {file}"),
            ),
            Self::Frozen(line, name) => (
                format!("line {line} sets `{name}`, which is readonly: the shell gives up there"),
                format!("take the `readonly` away, or the second value: vi +{line} {file}"),
            ),
            Self::Kept(line, name) => (
                format!(
                    "line {line} sets `{name}`, which is readonly: it keeps its value, and the script goes on"
                ),
                format!("take the `readonly` away, or the second value: vi +{line} {file}"),
            ),
            Self::Guarded(line, asked) => (
                format!("line {line} asks for `{asked}`, which is not there now"),
                format!("mount or make it, or name the right one{}", at(*line, file)),
            ),
            Self::NotThere(program) => (
                format!("there is no program `{program}` on this machine (203/EXEC of systemd)"),
                "write the path that this prints: command -v rsync".to_owned(),
            ),
            Self::Unset(line, name, true) => (
                format!(
                    "line {line} asks for `{name}`, which neither the script nor this environment sets: the script ends there"
                ),
                format!("export {name}=..., as whoever starts the script does"),
            ),
            Self::Unset(line, name, false) => (
                format!(
                    "line {line} uses `{name}`, which neither the script nor this environment sets: with `set -u` the script ends there"
                ),
                format!("set it, or write `${{{name}:-}}`: vi +{line} {file}"),
            ),
            Self::Before(setting, program) => (
                format!("`{setting}={program}` fails on this machine, so systemd does not start the command"),
                format!(
                    "mend what it does, or write `{setting}=-{program}` where its failure does not matter: vi {file}"
                ),
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
            Self::RunsIn(folder, place) => (
                format!(
                    "无法进入目录 `{folder}`：shell 留在原来的目录继续执行，rsync 处理的是 `{place}` 里的文件"
                ),
                format!(
                    "建立该目录或写上正确的目录，并写成 `cd {} || exit 1`",
                    quoted(folder)
                ),
            ),
            Self::NoInterpreter(program) => (
                format!("`{file}` 第一行写的 `{program}` 不存在：脚本完全不会运行"),
                format!("第一行写成 `#!/bin/sh` 或 `#!/bin/bash`：vi +1 {file}"),
            ),
            Self::OtherInterpreter(program) => (
                format!("`{file}` 的第一行把整个文件交给 `{program}`，它不是 shell，不会执行这些命令"),
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
            Self::NoStarter(program) => (
                format!("本机没有程序 `{program}`，而命令要由它启动"),
                format!(
                    "安装该程序，或者去掉它；用这个命令查看：command -v {}",
                    quoted(program)
                ),
            ),
            Self::NoLockFolder(folder) => (
                format!("锁文件的目录 `{folder}` 不存在，`flock` 不会启动该命令"),
                format!("mkdir -p {}", quoted(folder)),
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
            Self::Return(program) => (
                format!("`{file}` 第一行以回车符（\\r）结尾，内核要找的是 `{program}\\r`：脚本完全不会运行"),
                format!("sed -i 's/\\r$//' {file}"),
            ),
            Self::Refused(line, shell) => (
                format!("`{shell}` 读到第 {line} 行报语法错误，命令根本不会执行"),
                match file {
                    "''" => "补上没有闭合的部分，去掉多余的部分".to_owned(),
                    _ => format!("按这个命令的提示修改：{shell} -n {file}"),
                },
            ),
            Self::Failing(line, program) => (
                format!("第 {line} 行的 `{program}` 会失败，由于 `set -e`，脚本到此结束"),
                format!("去掉它，或者写成 `{program} || true`：vi +{line} {file}"),
            ),
            Self::NotFound(line, program) => (
                format!("本机没有程序 `{program}`（第 {line} 行），由于 `set -e`，脚本到此结束"),
                format!("安装它，或者写上正确的名字：vi +{line} {file}"),
            ),
            Self::NotTaken(line, taken) => (
                format!("第 {line} 行要读入的文件 `{taken}` 不存在：脚本到此结束"),
                format!("建立该文件，或者写上正确的文件：vi +{line} {file}"),
            ),
            Self::Ended(line, word) => (
                format!("脚本在第 {line} 行的 `{word}` 处结束，到不了该命令"),
                format!("把命令放到它前面：vi +{line} {file}"),
            ),
            Self::PassedOver(line, sign) => {
                let ends = if *sign == "&&" { "失败" } else { "成功" };
                (
                    format!("第 {line} 行 `{sign}` 前面的命令在本机{ends}，所以后面的不会执行"),
                    format!("修改 `{sign}` 前面的命令{}", at(*line, file)),
                )
            }
            Self::NeverHolds(line) => (
                format!("第 {line} 行的条件使脚本绕过该命令"),
                format!("修改这个条件{}", at(*line, file)),
            ),
            Self::Uncalled(name) => (
                format!("命令在函数 `{name}` 里，而 `{file}` 中没有任何地方调用它"),
                format!("在应该运行的地方调用它：echo {name} >> {file}"),
            ),
            Self::Frozen(line, name) => (
                format!("第 {line} 行给只读变量 `{name}` 赋值：shell 到此放弃"),
                format!("去掉 `readonly`，或者去掉第二次赋值：vi +{line} {file}"),
            ),
            Self::Kept(line, name) => (
                format!("第 {line} 行给只读变量 `{name}` 赋值：它保持原来的值，脚本继续执行"),
                format!("去掉 `readonly`，或者去掉第二次赋值：vi +{line} {file}"),
            ),
            Self::Guarded(line, asked) => (
                format!("第 {line} 行要求 `{asked}` 存在，而它现在不存在"),
                format!("挂载或建立它，或者写上正确的名字{}", at(*line, file)),
            ),
            Self::NotThere(program) => (
                format!("本机没有程序 `{program}`（systemd 的 203/EXEC）"),
                "写上这个命令显示的路径：command -v rsync".to_owned(),
            ),
            Self::Unset(line, name, true) => (
                format!("第 {line} 行要求变量 `{name}`，脚本和当前环境都没有设置它：脚本到此结束"),
                format!("export {name}=...，与启动该脚本的环境一样"),
            ),
            Self::Unset(line, name, false) => (
                format!("第 {line} 行使用的 `{name}`，脚本和当前环境都没有设置：由于 `set -u`，脚本到此结束"),
                format!("设置它，或者写成 `${{{name}:-}}`：vi +{line} {file}"),
            ),
            Self::Before(setting, program) => (
                format!("`{setting}={program}` 在本机会失败，systemd 因此不会启动该命令"),
                format!("修改它，或者在失败无关紧要时写成 `{setting}=-{program}`：vi {file}"),
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

/// Where that is, in a file; what is typed has no lines.
fn at(line: usize, file: &str) -> String {
    match file {
        "''" => String::new(),
        _ => format!(": vi +{line} {file}"),
    }
}
