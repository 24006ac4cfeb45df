//! The same in Chinese.

use crate::cli::probe::{
    fault::{Fault, at, english::plain_name, quoted},
    run_parts::Omitted,
};

impl Fault {
    pub(super) fn in_chinese(&self, file: &str) -> (String, String) {
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
            Self::NotExecutable(script) => (
                format!("`{script}` 没有执行权限：不会被启动（shell 的退出码 126，systemd 的 203/EXEC）"),
                format!("chmod +x {}", quoted(script)),
            ),
            Self::NoFirstLine(script) => (
                format!("`{script}` 的第一行没有 `#!/bin/sh` 之类的内容：systemd 不会启动它（203/EXEC）"),
                format!("在第一行写上 `#!/bin/sh`：vi +1 {}", quoted(script)),
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
            Self::BadSubstitution(line, text) => (
                format!("dash 不认识 `{text}`（第 {line} 行）：报 `Bad substitution`，脚本到此结束"),
                format!("让 bash 来执行，`#!/bin/bash`：vi +1 {file}"),
            ),
            Self::IllegalOption(line, words) => (
                format!("dash 不认识 `{words}`（第 {line} 行）：报 `Illegal option`，脚本到此结束"),
                format!("让 bash 来执行，`#!/bin/bash`：vi +1 {file}"),
            ),
            Self::Times(line) => (
                format!("cron 看不懂 `{file}` 第 {line} 行的时间，什么也不会启动"),
                format!("写五个字段，如 `0 3 * * *`（分、时、日、月、星期）：vi +{line} {file}"),
            ),
            Self::NoEnd(line) => (
                format!("`{file}` 的最后一行（第 {line} 行）没有换行符：cron 不接受这样的表"),
                format!("echo >> {file}"),
            ),
            Self::NoShell(shell) => (
                match shell.starts_with('/') {
                    true => {
                        format!("本机没有程序 `{shell}`，而表里的 `SHELL=` 指定了它：cron 什么也不会启动")
                    }
                    false => {
                        format!("表里的 `SHELL={shell}` 不是完整路径，cron 只在主目录里找它：什么也不会启动")
                    }
                },
                format!("写成 `SHELL=/bin/sh` 或 `SHELL=/bin/bash`：vi {file}"),
            ),
            Self::IdleShell(shell) => (
                format!("表里的 `SHELL={shell}` 不是 shell，不会执行任何命令"),
                format!("写成 `SHELL=/bin/sh` 或 `SHELL=/bin/bash`：vi {file}"),
            ),
            Self::Omitted(name, Omitted::Letter(letter)) => (
                format!(
                    "cron 用 `run-parts` 启动这个目录里的脚本，它跳过 `{name}`，因为名字里有 `{letter}`：只接受字母、数字、`-` 和 `_`"
                ),
                format!("mv {file} {}", plain_name(file)),
            ),
            Self::Omitted(name, Omitted::Closed) => (
                format!(
                    "谁也没有执行 `{name}` 的权限，所以 cron 启动这个目录里的脚本所用的 `run-parts` 跳过它"
                ),
                format!("chmod +x {file}"),
            ),
            Self::Omitted(name, Omitted::NoFirstLine) => (
                format!(
                    "`{name}` 没有 `#!/bin/sh` 这样的第一行：cron 启动这个目录里的脚本所用的 `run-parts` 无法启动它"
                ),
                format!("在第一行写上 `#!/bin/sh`：vi +1 {file}"),
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
                match *word {
                    "break" => format!("循环在第 {line} 行的 `break` 处结束，到不了该命令"),
                    "continue" => format!("这一轮循环在第 {line} 行的 `continue` 处结束，到不了该命令"),
                    word => format!("脚本在第 {line} 行的 `{word}` 处结束，到不了该命令"),
                },
                format!("把命令放到它前面：vi +{line} {file}"),
            ),
            Self::PassedOver(line, sign) => {
                let ends = if *sign == "&&" { "失败" } else { "成功" };
                (
                    format!("第 {line} 行 `{sign}` 前面的命令在本机{ends}，所以后面的不会执行"),
                    format!("修改 `{sign}` 前面的命令{}", at(*line, file)),
                )
            }
            Self::NotYetDefined(line, name) => (
                format!("第 {line} 行调用 `{name}`，而它在后面才定义：shell 在那里找不到这个命令（127）"),
                format!("把调用放到定义后面：vi +{line} {file}"),
            ),
            Self::NoPath(line) => (
                format!("第 {line} 行 `unset PATH` 之后，shell 找不到不写路径的程序"),
                format!("去掉它，或者写成 /usr/bin/rsync：vi +{line} {file}"),
            ),
            Self::NotOverwritten(line, written) => (
                format!(
                    "第 {line} 行用 `>` 打开的 `{written}` 已经存在，由于 `set -C`，shell 不会覆盖它：没有它就不会运行 rsync"
                ),
                format!("写成 `>|` 或 `>>`{}", at(*line, file)),
            ),
            Self::RelativeInterpreter(program) => (
                format!(
                    "`{file}` 第一行写的 `{program}` 前面少了 `/`，内核在启动脚本的目录里找它，而它不在那里：什么也不会执行"
                ),
                format!("在第一行写上 `#!/bin/sh` 或 `#!/bin/bash`：vi +1 {file}"),
            ),
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
            Self::NotOpened(line, folder) => (
                format!("第 {line} 行打开的文件所在的目录 `{folder}` 不存在：没有它就不会运行 rsync"),
                format!("mkdir -p {}", quoted(folder)),
            ),
            Self::NotRead(line, read) => (
                format!("第 {line} 行读取的 `{read}` 不存在：没有它就不会运行 rsync"),
                format!("建立它，或者写上正确的名字{}", at(*line, file)),
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
            Self::OfUnit(fault) => fault.in_chinese(file),
            Self::Before(setting, program) => (
                format!("`{setting}={program}` 在本机会失败，systemd 因此不会启动该命令"),
                format!("修改它，或者在失败无关紧要时写成 `{setting}=-{program}`：vi {file}"),
            ),
        }
    }
}
