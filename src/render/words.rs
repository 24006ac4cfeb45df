//! The few words of a report that belong to no cause.

use std::collections::BTreeMap;

use crate::{
    catalog::{Confidence, FileKind, Language, Page, Severity, Side, Stage},
    host::{Part, Unknown},
    lint::Report,
    model::parameter::{Kind, Scope},
};

/// Picks a language's text.
pub(crate) fn pick(language: Language, english: &'static str, chinese: &'static str) -> &'static str {
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

/// A severity's name.
pub(crate) fn severity(severity: Severity, language: Language) -> &'static str {
    match severity {
        Severity::Error => pick(language, "error", "错误"),
        Severity::Warning => pick(language, "warning", "警告"),
        Severity::Info => pick(language, "info", "提示"),
    }
}

/// How sure a finding is.
pub(crate) fn confidence(confidence: Confidence, language: Language) -> &'static str {
    match confidence {
        Confidence::Certain => pick(language, "certain", "确定"),
        Confidence::Likely => pick(language, "likely", "很可能"),
        Confidence::Possible => pick(language, "possible", "有可能"),
    }
}

/// How far a client gets.
pub(crate) fn stage(stage: Stage, language: Language) -> &'static str {
    match stage {
        Stage::Usage => pick(language, "command line", "命令行"),
        Stage::Start => pick(language, "start of the daemon", "守护进程启动"),
        Stage::Connect => pick(language, "connection", "建立连接"),
        Stage::Greeting => pick(language, "greeting", "问候"),
        Stage::List => pick(language, "module list", "列出模块"),
        Stage::Module => pick(language, "choice of the module", "选择模块"),
        Stage::Access => pick(language, "host lists", "主机名单"),
        Stage::Slot => pick(language, "connection limit", "连接数限制"),
        Stage::Authentication => pick(language, "authentication", "身份验证"),
        Stage::Identity => pick(language, "uid and gid", "确定 uid 和 gid"),
        Stage::Path => pick(language, "path of the module", "模块路径"),
        Stage::Filters => pick(language, "filters", "过滤规则"),
        Stage::Hooks => pick(language, "hooks", "执行钩子"),
        Stage::Jail => pick(language, "chroot and change of identity", "chroot 和切换身份"),
        Stage::Arguments => pick(language, "client's options", "客户端选项"),
        Stage::Transfer => pick(language, "transfer", "传输"),
    }
}

/// Where a cure is applied.
pub(crate) fn side(side: Side, language: Language) -> &'static str {
    match side {
        Side::Client => pick(language, "client", "客户端"),
        Side::Server => pick(language, "server", "服务器"),
    }
}

/// How a parameter's value is read.
pub(crate) fn kind(kind: Kind, language: Language) -> &'static str {
    match kind {
        Kind::Boolean => pick(language, "boolean", "布尔值"),
        Kind::BooleanOrUnset => pick(language, "boolean, or unset", "布尔值，也可以不设"),
        Kind::Enum => pick(language, "one of several words", "几个词之一"),
        Kind::Integer => pick(language, "integer", "整数"),
        Kind::Path => pick(language, "path", "路径"),
        Kind::String => pick(language, "text", "文本"),
    }
}

/// Where a parameter may stand.
pub(crate) fn scope(scope: Scope, language: Language) -> &'static str {
    match scope {
        Scope::Global => pick(language, "global", "全局"),
        Scope::Module => pick(language, "module", "模块"),
    }
}

/// What was not checked: by reason, then by subject, with the rules that were not applied to it.
pub(crate) fn unchecked(report: &Report) -> BTreeMap<&Unknown, BTreeMap<&str, Vec<&'static str>>> {
    let mut by_reason: BTreeMap<_, BTreeMap<&str, Vec<_>>> = BTreeMap::new();
    for one in &report.unchecked {
        let subjects = by_reason.entry(&one.reason).or_default();
        subjects.entry(&one.subject).or_default().extend(one.rule);
    }
    by_reason
}

/// How many findings there are of each severity, in words.
pub(crate) fn counts(errors: usize, warnings: usize, infos: usize, language: Language) -> String {
    if errors + warnings + infos == 0 {
        return pick(language, "no findings", "没有发现问题").to_owned();
    }
    let parts = [
        (errors, "error", "errors", "个错误"),
        (warnings, "warning", "warnings", "个警告"),
        (infos, "note", "notes", "个提示"),
    ];
    parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many, chinese)| match language {
            Language::English => format!("{count} {}", if count == 1 { one } else { many }),
            Language::Chinese => format!("{count} {chinese}"),
        })
        .collect::<Vec<_>>()
        .join(pick(language, ", ", "，"))
}

/// Who sees a symptom of a cause.
pub(crate) fn witness(page: &Page, stage: Stage, language: Language) -> &'static str {
    match stage {
        Stage::Start if page.files.contains(&FileKind::Sersync) => {
            pick(language, "sersync will say", "sersync 将输出")
        }
        Stage::Start => pick(language, "the daemon will say", "守护进程将输出"),
        _ => pick(language, "clients will see", "客户端将看到"),
    }
}

/// Why nobody knows.
pub(crate) fn unknown(reason: &Unknown, language: Language) -> String {
    match (reason, language) {
        (Unknown::NoHost, Language::Chinese) => {
            "这个文件没有结合任何机器来判断（可用 --host live 或 --root 目录）".to_owned()
        }
        (Unknown::Denied, Language::Chinese) => "权限不足：请用 root 运行".to_owned(),
        (Unknown::Relative, Language::Chinese) => "路径是相对的，取决于守护进程在哪个目录启动".to_owned(),
        (Unknown::NotKept(count), Language::Chinese) => format!("另有 {count} 处没有保留"),
        (Unknown::TooDeep(depth), Language::Chinese) => format!("目录只搜索到第 {depth} 层"),
        (Unknown::TooManyBlocks(count), Language::Chinese) => {
            format!("只读取前 {count} 个代码块，而这个文件还有更多")
        }
        (Unknown::TooLarge(limit, kind), Language::Chinese) => {
            format!("超过 {limit} KiB，{kind} 文件不会这么大")
        }
        (Unknown::TooLong(lines), Language::Chinese) => {
            format!("只读取前 {lines} 个有意义的行，而这个文件更长")
        }
        (Unknown::TooManyParts(count, part), Language::Chinese) => {
            let part = match part {
                Part::Command => "条调用 rsync 或监控程序的命令",
                Part::PasswordFile => "个密码文件",
                Part::WrittenFile => "个由脚本写出的文件",
                Part::Watch => "处 inotifywait 监控",
            };
            format!("只检查前 {count} {part}，而这个文件还有更多")
        }
        (Unknown::TooMuch(files, size), Language::Chinese) => {
            format!("包含的内容超出读取上限：{files} 个文件，合计 {size} MiB")
        }
        (Unknown::RemoteShell, Language::Chinese) => {
            "命令行通过远程 shell 访问它，这里不调用 shell".to_owned()
        }
        (Unknown::DryRun, Language::Chinese) => {
            "试运行不写任何东西，模块的用户能否写入、磁盘是否有空间，只有在服务器上才看得到：请在那里运行 `rsyncctl doctor`"
                .to_owned()
        }
        (Unknown::Unopened, Language::Chinese) => {
            "试运行不会在那里打开文件，模块的用户能否读取每个文件，只有在服务器上才看得到：请在那里运行 `rsyncctl doctor`"
                .to_owned()
        }
        (Unknown::Failed(error), Language::Chinese) => error.clone(),
        (reason, Language::English) => reason.to_string(),
    }
}

/// The file under which is said what belongs to no file: the first one that was asked for.
pub(super) fn main_file(report: &Report) -> &str {
    let first = report.files.first().map(|(id, _)| report.sources.get(*id).name());
    first
        .or_else(|| report.unchecked.first().map(|one| &*one.subject))
        .unwrap_or_default()
}
