//! The few words of a report that belong to no cause.

use crate::{
    catalog::{Language, Severity, Stage},
    host::Unknown,
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

/// Who sees a symptom.
pub(crate) fn witness(stage: Stage, language: Language) -> &'static str {
    match stage {
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
        (Unknown::Failed(error), Language::Chinese) => error.clone(),
        (reason, Language::English) => reason.to_string(),
    }
}
