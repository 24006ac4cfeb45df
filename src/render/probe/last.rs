//! The last line of a report: what to do next, for whoever reads nothing else.

use std::path::Path;

use crate::{
    catalog::{Language, Side},
    probe::{Fact, Report, Skip, State, Step},
    render::{
        case::place as where_to_type,
        next::{Next, next},
        probe::{aside::with_it, partial::removal, without},
        words::pick,
    },
};

/// The last line.
pub(super) struct Last {
    /// What stands in front.
    pub(super) word: String,
    pub(super) text: String,
    /// Whether it is to be typed.
    pub(super) is_command: bool,
}

/// What to do once a report is read.
pub(super) fn last_line(report: &Report, language: Language) -> Last {
    if let Some(slip) = report.slip() {
        return said(pick(language, "do next", "下一步"), slip.cure.clone());
    }
    let mut facts = report.stage(Step::Removal).facts.iter();
    let left = facts.find_map(|fact| match fact {
        Fact::Left { name, module } => Some(removal(name, module.as_deref())),
        _ => None,
    });
    let is_written = report.stage(Step::Push).state.is_passed();
    if let Some(command) = left.filter(|_| is_written) {
        return typed(
            pick(language, "type next, on the server", "下一步，在服务器上").to_owned(),
            command,
        );
    }
    let found = report.explanation.as_ref();
    match found.and_then(|found| next(found, language)) {
        Some(next) => of_cause(next, report.folder.as_deref(), language),
        None if report.is_without() => said(
            pick(language, "do next", "下一步"),
            with_it(report, language).to_owned(),
        ),
        None if report.failed().is_some() => typed(
            pick(language, "see it again", "重现").to_owned(),
            report.command.clone(),
        ),
        None => of_health(report, language),
    }
}

fn typed(word: String, text: String) -> Last {
    let is_command = true;
    Last {
        word,
        text,
        is_command,
    }
}

fn said(word: &str, text: String) -> Last {
    Last {
        word: word.to_owned(),
        text,
        is_command: false,
    }
}

/// `folder`: where the command line was carried out, from which its paths begin.
fn of_cause(next: Next, folder: Option<&Path>, language: Language) -> Last {
    let verb = match next.is_command {
        true => pick(language, "type next", "下一步"),
        false => pick(language, "do next", "下一步"),
    };
    let word = match (next.side, language) {
        (Some(side), Language::English) => format!("{verb}, {side}"),
        (Some(side), Language::Chinese) => format!("{verb}，{side}"),
        (None, _) => verb.to_owned(),
    };
    let is_there = next.is_command && next.side == Some(where_to_type(Some(Side::Client), language));
    let text = match folder.filter(|_| is_there) {
        Some(folder) => format!(
            "cd {} && {}",
            shell_words::quote(&folder.to_string_lossy()),
            next.text
        ),
        None => next.text,
    };
    Last {
        word,
        text,
        is_command: next.is_command,
    }
}

/// Where nothing failed.
fn of_health(report: &Report, language: Language) -> Last {
    let next = pick(language, "do next", "下一步");
    if !report.left_out.is_empty() {
        let text = "run the whole line by hand: what is around rsync was not tried";
        return said(
            next,
            pick(language, text, "手工运行整行命令：rsync 之外的部分没有试过").to_owned(),
        );
    }
    if report.stage(Step::List).state == State::Skipped(Skip::WriteOnly)
        && !report.stage(Step::Push).state.is_passed()
    {
        let text = "run the same probe with --push to try writing";
        return said(
            next,
            pick(language, text, "加上 --push 再运行一次探测，就会试写").to_owned(),
        );
    }
    if let Some(without) = without(report.stage(Step::Setup), language) {
        return said(
            next,
            match language {
                Language::English => {
                    format!("run rsync {without}, or have them taken out of `refuse options` on the server")
                }
                Language::Chinese => {
                    format!("运行 rsync 时{without}，或者在服务器上把它们从 `refuse options` 里去掉")
                }
            },
        );
    }
    if report.stage(Step::Module).state == State::Skipped(Skip::NoModule) {
        return said(
            pick(language, "all is well", "一切正常"),
            of_list(report, language),
        );
    }
    if is_dry(report) {
        let text = "run it; a dry run copies nothing (--really does), and what only a copy meets, such as a missing right to write or a full disk, it does not see";
        let zh = "可以运行；试运行什么也不复制（--really 才会），所以只有真正写入时才会出现的问题（没有写权限、磁盘已满等）它看不到";
        return said(next, pick(language, text, zh).to_owned());
    }
    let word = pick(language, "all is well", "一切正常");
    said(
        word,
        match (report.remarks.is_empty(), language) {
            (true, Language::English) => "nothing to do".to_owned(),
            (true, Language::Chinese) => "无需处理".to_owned(),
            (false, Language::English) => {
                "nothing to do now; what was noticed besides is for the keeper of the server, and can wait"
                    .to_owned()
            }
            (false, Language::Chinese) => {
                "现在无需处理；另外注意到的内容留给服务器管理员，可以以后再看".to_owned()
            }
        },
    )
}

/// Whether a command line that copies was carried out as a dry run, to its end.
pub(super) fn is_dry(report: &Report) -> bool {
    let is_of_user = report.stage(Step::Pull).state == State::Skipped(Skip::NotAsked);
    is_of_user && !report.is_list && report.stage(Step::DryRun).state.is_passed()
}

/// Where a daemon was asked for its list alone.
fn of_list(report: &Report, language: Language) -> String {
    let facts = &report.stage(Step::Modules).facts;
    let first = facts.iter().find_map(|fact| match fact {
        Fact::Module(name, _) => Some(name.as_str()),
        _ => None,
    });
    let Some(module) = first else {
        let text = "nothing to do: the daemon answers, and lists no module";
        return pick(language, text, "无需处理：守护进程有响应，没有列出模块").to_owned();
    };
    if report.subject.contains(' ') {
        let text = "nothing to do; to try a module too, name it behind the address";
        return pick(language, text, "无需处理；要试模块，在地址后面写上模块名").to_owned();
    }
    let target = report.subject.trim_end_matches('/');
    let gap = match (target.contains("://"), target.ends_with("::")) {
        (true, _) => "/",
        (false, true) => "",
        (false, false) => "::",
    };
    match language {
        Language::English => {
            format!("nothing to do; to try a module too, name it in the target: `{target}{gap}{module}`")
        }
        Language::Chinese => {
            format!("无需处理；要试模块，在目标里写上模块名：`{target}{gap}{module}`")
        }
    }
}
