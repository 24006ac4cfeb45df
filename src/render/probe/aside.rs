//! What stands around a command line and was not carried out with it.

use crate::{
    catalog::Language,
    probe::{Effect, Report, Slip, is_password},
    render::words::pick,
};

/// Names of what was not carried out, in a row.
pub(super) fn names(names: &[impl AsRef<str>], language: Language) -> String {
    let names = names.iter().map(|name| format!("`{}`", name.as_ref()));
    names.collect::<Vec<_>>().join(pick(language, ", ", "、"))
}

/// The first line where nothing fails, and not what is meant is done.
pub(super) fn meant_otherwise(target: &str, slip: &Slip, time: &str, language: Language) -> String {
    let text = &slip.text;
    match (slip.effect, language) {
        (Effect::Other, Language::English) => {
            format!("{target}: that works, and is not what is meant: {text} ({time})")
        }
        (Effect::Other, Language::Chinese) => {
            format!("{target}：可以运行，但不是原来的意思：{text}（{time}）")
        }
        (Effect::Later, Language::English) => {
            format!("{target}: the dry run works, and the run itself fails: {text} ({time})")
        }
        (Effect::Later, Language::Chinese) => {
            format!("{target}：试运行正常，真正运行会失败：{text}（{time}）")
        }
        (Effect::Never, Language::English) => {
            format!("{target}: rsync's own part works, and rsync is never started: {text} ({time})")
        }
        (Effect::Never, Language::Chinese) => {
            format!("{target}：rsync 本身正常，但它根本不会启动：{text}（{time}）")
        }
    }
}

/// The first line where a run fails for want of it.
pub(super) fn without_it(report: &Report, step: &str, time: &str, language: Language) -> String {
    let (target, code) = (&report.subject, report.exit);
    let names = names(&report.set_aside(), language);
    match language {
        Language::English => format!(
            "{target}: {step} fails, code {code}, without {names}, which was not carried out: how the whole line ends is not known ({time})"
        ),
        Language::Chinese => {
            format!("{target}：没有执行 {names}，{step}失败，退出码 {code}：整行命令的结果未知（{time}）")
        }
    }
}

/// What is said below the first line where a run fails that something may be missing in.
pub(super) fn not_carried_out(report: &Report, language: Language) -> Option<String> {
    let left_out = &report.left_out;
    if report.failed().is_none() || left_out.is_empty() || report.is_without() {
        return None;
    }
    let may_be_why = report.set_aside();
    let all = names(left_out, language);
    Some(match (may_be_why.is_empty(), language) {
        (true, Language::English) => format!("not carried out: {all}"),
        (true, Language::Chinese) => format!("没有执行：{all}"),
        (false, Language::English) => format!(
            "not carried out: {all}; it may fail for want of {}, so run the whole line by hand, too",
            names(&may_be_why, language)
        ),
        (false, Language::Chinese) => format!(
            "没有执行：{all}；失败可能是因为缺少 {}，请同时手工运行整行命令",
            names(&may_be_why, language)
        ),
    })
}

/// What to do where a run fails for want of something.
pub(super) fn with_it(report: &Report, language: Language) -> &'static str {
    if report.set_aside().into_iter().any(is_password) {
        return pick(
            language,
            "set RSYNC_PASSWORD here to what the script sets, and run the same probe again",
            "在这里把 RSYNC_PASSWORD 设成脚本里的值，再运行同样的探测",
        );
    }
    pick(
        language,
        "add --really, which starts the program too and copies, or run the whole line by hand",
        "加上 --really（会启动该程序并真正复制），或者手工运行整行命令",
    )
}
