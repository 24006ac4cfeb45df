//! The words for what is read otherwise than it is meant, and for its cure.

use std::path::Path;

use crate::{
    catalog::Language,
    cli::probe::{meant::is_of_file, slip::Slip},
    probe::Slip as Shown,
};

impl Slip {
    /// The same for a report.
    pub(super) fn shown(&self, file: &Path, language: Language) -> Shown {
        let (text, cure) = self.told(file, language);
        let effect = self.effect();
        Shown { text, cure, effect }
    }

    /// What it is, and what to do.
    fn told(&self, file: &Path, language: Language) -> (String, String) {
        let name = shell_words::quote(&file.to_string_lossy()).into_owned();
        let zh = language == Language::Chinese;
        match self {
            Self::Around(fault) => fault.told(&name, language),
            Self::Blank(line) if zh => (
                format!("`{name}` 第 {line} 行的反斜杠后面有空格，命令到此结束，下一行不属于它"),
                format!("sed -i '{line}s/[[:space:]]*$//' {name}"),
            ),
            Self::Blank(line) => (
                format!(
                    "line {line} of `{name}` has a blank behind its backslash, so the command ends there, without the next line"
                ),
                format!("sed -i '{line}s/[[:space:]]*$//' {name}"),
            ),
            Self::Gap(line) if zh => (
                format!("`{name}` 第 {line} 行是空行或注释，却在命令中间：命令到此结束"),
                format!("sed -i '{line}d' {name}"),
            ),
            Self::Gap(line) => (
                format!(
                    "line {line} of `{name}` is empty or a comment, and stands within the command, which ends there"
                ),
                format!("sed -i '{line}d' {name}"),
            ),
            Self::CronLine(line) if zh => (
                format!("`{name}` 第 {line} 行末尾有反斜杠：cron 没有续行，命令到此结束"),
                format!("把命令写成一行，或者放进脚本再由 cron 调用：vi +{line} {name}"),
            ),
            Self::CronLine(line) => (
                format!(
                    "line {line} of `{name}` ends with a backslash: cron knows no lines that go on, so the command ends there"
                ),
                format!("write the command on one line, or into a script that cron calls: vi +{line} {name}"),
            ),
            Self::Redirection(text) if zh => (
                format!("`{text}` 是 bash 的写法，sh（dash）报 `Bad fd number`，什么也不执行"),
                format!("写成 `> FILE 2>&1`：vi {name}"),
            ),
            Self::Redirection(text) => (
                format!("`{text}` is bash's: sh (dash) says `Bad fd number`, and runs nothing"),
                format!("write `> FILE 2>&1`: vi {name}"),
            ),
            Self::CronVariable(variable) if zh => (
                format!("cron 不用 shell 读取 `{variable}=`：值里的 `$` 和反引号原样保留"),
                format!("在任务的命令里设置 {variable}，或者写进脚本：vi {name}"),
            ),
            Self::CronVariable(variable) => (
                format!(
                    "cron reads `{variable}=` without a shell: `$` and backquotes in the value stay as they are"
                ),
                format!("set {variable} within the job's command, or in a script: vi {name}"),
            ),
            Self::Unknown(word, name) if zh => {
                (format!("rsync 没有选项 `{word}`"), format!("写成 `--{name}`"))
            }
            Self::Unknown(word, name) => (
                format!("rsync has no option `{word}`"),
                format!("write `--{name}`, if that is meant"),
            ),
            Self::Unparted(word, address) if zh => (
                format!("`{word}` 里 `{address}` 前面少了空格：整个词被当成本机的文件"),
                format!("在 `{address}` 前面加一个空格"),
            ),
            Self::Unparted(word, address) => (
                format!(
                    "a blank is missing in front of `{address}`: the whole word `{word}` is a file of this machine"
                ),
                format!("put a blank in front of `{address}`"),
            ),
            Self::Swallowed(option, address) => {
                let value = if is_of_file(option) { "FILE" } else { "VALUE" };
                let cure = format!("`--{option}={value} {address}`");
                match language {
                    Language::English => (
                        format!(
                            "`--{option}` takes the address `{address}` for its value: its own is missing"
                        ),
                        format!("write {cure}"),
                    ),
                    Language::Chinese => (
                        format!("`--{option}` 把地址 `{address}` 当成了它的值：它自己的值没有写"),
                        format!("写成 {cure}"),
                    ),
                }
            }
            Self::WideColon(word) if zh => (
                format!("`{word}` 里的 `：` 是全角冒号，rsync 把整个词当成本机的文件"),
                format!("写成 `{}`", word.replace('：', ":")),
            ),
            Self::WideColon(word) => (
                format!(
                    "`：` in `{word}` is the wide colon, which rsync takes for a letter of a file's name"
                ),
                format!("write `{}`", word.replace('：', ":")),
            ),
            Self::Glued(options, address) if zh => (
                format!("`{options}` 和 `{address}` 之间少了空格"),
                format!("写成 `{options} {address}`"),
            ),
            Self::Glued(options, address) => (
                format!("a blank is missing between `{options}` and `{address}`"),
                format!("write `{options} {address}`"),
            ),
            Self::NoEnvironment(variables) if zh => (
                format!("没有文件 `{variables}`，而 `EnvironmentFile=` 要求它：systemd 不会启动这个命令"),
                format!("创建 {variables}，或者写成 `EnvironmentFile=-{variables}`：vi {name}"),
            ),
            Self::NoEnvironment(variables) => (
                format!(
                    "there is no file `{variables}`, which `EnvironmentFile=` asks for: systemd does not start the command"
                ),
                format!(
                    "make {variables}, or write `EnvironmentFile=-{variables}` if the command works without it: vi {name}"
                ),
            ),
            Self::NoShell(sign) if zh => (
                format!("systemd 不通过 shell 运行命令：`{sign}` 及其后的内容都成了 rsync 的参数"),
                format!("写成 `ExecStart=/bin/sh -c '...'`，日志可用 StandardOutput=append:FILE：vi {name}"),
            ),
            Self::NoShell(sign) => (
                format!("systemd runs no shell: `{sign}` and what follows it are words for rsync"),
                format!(
                    "write `ExecStart=/bin/sh -c '...'`, or for a log `StandardOutput=append:FILE`: vi {name}"
                ),
            ),
            Self::NoParent(folder) => {
                let cure = format!("mkdir -p {}", shell_words::quote(folder));
                match language {
                    Language::English => (
                        format!(
                            "there is no folder `{folder}`, and rsync makes only the last one of the destination (code 11)"
                        ),
                        format!("{cure}, or add --mkpath"),
                    ),
                    Language::Chinese => (
                        format!("没有目录 `{folder}`，rsync 只会建立目标的最后一级目录（退出码 11）"),
                        format!("{cure}，或者加上 --mkpath"),
                    ),
                }
            }
            Self::NoModule(address) => {
                let gap = if address.ends_with(['/', ':']) { "" } else { "/" };
                let right = format!("{address}{gap}MODULE/");
                match language {
                    Language::English => (
                        format!("`{address}` names no module, so rsync lists the modules and copies nothing"),
                        format!("name one of the modules: `{right}`"),
                    ),
                    Language::Chinese => (
                        format!("`{address}` 没有写模块，所以 rsync 只列出模块，什么也不复制"),
                        format!("写上其中一个模块：`{right}`"),
                    ),
                }
            }
            Self::ClosedFolders(modes, meant) if zh => (
                format!(
                    "`--chmod={modes}` 也作用于目录，没有 `x`，接收方除非是 root，否则进不了自己刚改过的目录（退出码 23）"
                ),
                format!("写成 `--chmod={meant}`"),
            ),
            Self::ClosedFolders(modes, meant) => (
                format!(
                    "`--chmod={modes}` holds for folders too, and without `x` a receiver that is not root cannot enter those that it has just changed (code 23)"
                ),
                format!("write `--chmod={meant}`"),
            ),
            Self::CronNote(variable) if zh => (
                format!("cron 的变量后面不能写注释：`#` 及其后的内容都属于 `{variable}` 的值"),
                format!("把注释单独写一行：vi {name}"),
            ),
            Self::CronNote(variable) => (
                format!(
                    "what stands behind ` #` belongs to the value of `{variable}`: cron knows no notes behind a value"
                ),
                format!("give the note a line of its own: vi {name}"),
            ),
        }
    }
}
