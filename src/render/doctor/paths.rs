use crate::{
    catalog::Language,
    doctor::{Hindrance, PathFact, Refusal, Tried},
    render::{
        facts,
        words::{pick, unknown},
    },
};

/// What was found out about a path.
pub(super) fn fact(fact: &PathFact, language: Language) -> String {
    let zh = language == Language::Chinese;
    match fact {
        PathFact::Fine { read, written: 0 } if zh => format!("以模块的用户尝试：{read} 个模块可读"),
        PathFact::Fine { read: 0, written } if zh => format!("以模块的用户尝试：{written} 个模块可写"),
        PathFact::Fine { read, written } if zh => {
            format!("以模块的用户尝试：{read} 个模块可读，{written} 个模块可写")
        }
        PathFact::Fine { read, written } => {
            let (reads, writes) = (modules(*read), modules(*written));
            match (read, written) {
                (_, 0) => format!("tried as the modules' users: {reads} can be read"),
                (0, _) => format!("tried as the modules' users: {writes} can be written"),
                _ => format!("tried as the modules' users: {reads} can be read, {writes} written"),
            }
        }
        PathFact::NoDaemon(user) if zh => {
            format!("没有独立运行的守护进程：按照由 {user} 启动时的权限尝试")
        }
        PathFact::NoDaemon(user) => {
            format!("no daemon runs by itself: tried with the rights of {user}, who starts it")
        }
        PathFact::File { parameter, refusal } if zh => {
            format!("守护进程不能使用 `{parameter}`：{}", because(refusal, language))
        }
        PathFact::File { parameter, refusal } => {
            format!(
                "the daemon cannot use its `{parameter}`: {}",
                because(refusal, language)
            )
        }
        PathFact::FileUnseen {
            parameter,
            path,
            reason,
        } if zh => format!(
            "没有尝试 `{parameter}` {}：{}",
            path.display(),
            unknown(reason, language)
        ),
        PathFact::FileUnseen {
            parameter,
            path,
            reason,
        } => format!(
            "`{parameter}` {} was not tried: {}",
            path.display(),
            unknown(reason, language)
        ),
        PathFact::Module {
            module,
            account,
            tried,
        } => format!("[{module}] {}", outcome(tried, account, language)),
    }
}

fn modules(count: usize) -> String {
    match count {
        1 => "1 module".to_owned(),
        count => format!("{count} modules"),
    }
}

fn outcome(tried: &Tried, account: &str, language: Language) -> String {
    let zh = language == Language::Chinese;
    let why = |refusal: &Refusal| because(refusal, language);
    match tried {
        Tried::NotEntered(refusal) if zh => format!("守护进程无法进入：{}", why(refusal)),
        Tried::NotEntered(refusal) => format!("the daemon cannot enter it: {}", why(refusal)),
        Tried::NotPassed(refusal) if zh => format!("`{account}` 无法进入：{}", why(refusal)),
        Tried::NotPassed(refusal) => format!("`{account}` cannot enter it: {}", why(refusal)),
        Tried::NotListed(refusal) if zh => format!("`{account}` 无法列出内容：{}", why(refusal)),
        Tried::NotListed(refusal) => format!("`{account}` cannot list it: {}", why(refusal)),
        Tried::NotWritten(refusal) if zh => format!("`{account}` 无法写入：{}", why(refusal)),
        Tried::NotWritten(refusal) => format!("`{account}` cannot write in it: {}", why(refusal)),
        Tried::Closed(closed, all, refusal) if zh => {
            format!(
                "尝试的 {all} 个条目中，`{account}` 有 {closed} 个打不开：{}",
                why(refusal)
            )
        }
        Tried::Closed(closed, all, refusal) => {
            format!(
                "`{account}` cannot open {closed} of {all} entries that were tried: {}",
                why(refusal)
            )
        }
        Tried::Full(mount) if zh => format!("{} 没有空间了", mount.display()),
        Tried::Full(mount) => format!("there is no room left on {}", mount.display()),
        Tried::Low(mount, free) if zh => format!("{} 只剩 {free}", mount.display()),
        Tried::Low(mount, free) => format!("only {free} are left on {}", mount.display()),
        Tried::Late(path) if zh => format!("{} 没有响应", path.display()),
        Tried::Late(path) => format!("{} does not answer", path.display()),
        Tried::NotTried(why) => {
            let why = hindrance(why, language);
            match (account.is_empty(), zh) {
                (true, true) => format!("没有尝试：{why}"),
                (true, false) => format!("not tried: {why}"),
                (false, true) => format!("没有以 `{account}` 尝试：{why}"),
                (false, false) => format!("not tried as `{account}`: {why}"),
            }
        }
    }
}

fn hindrance(why: &Hindrance, language: Language) -> String {
    let text = match why {
        Hindrance::Configuration => pick(
            language,
            "by the configuration nobody gets that far",
            "按照配置，谁也到不了那一步",
        ),
        Hindrance::DaemonChroot => pick(
            language,
            "its users and paths are those of the folder of `daemon chroot`",
            "它的用户和路径属于 `daemon chroot` 的目录",
        ),
        Hindrance::Groups => pick(
            language,
            "the groups of its user are not known",
            "不知道它的用户属于哪些组",
        ),
        Hindrance::Time => pick(language, "others before it did not answer", "前面的模块没有响应"),
        Hindrance::TooMany(most) => match language {
            Language::English => return format!("only the first {most} modules are tried"),
            Language::Chinese => return format!("只尝试前 {most} 个模块"),
        },
        Hindrance::Unseen(reason) => return unknown(reason, language),
        Hindrance::Variable => pick(
            language,
            "its path or its user depends on who connects",
            "它的路径或用户取决于谁来连接",
        ),
    };
    text.to_owned()
}

/// What the system says, with the rights that it goes by.
fn because(refusal: &Refusal, language: Language) -> String {
    match &refusal.rights {
        Some(rights) => format!("{} ({})", refusal.error, facts::told(rights, language)),
        None => format!("{}: {}", refusal.path.display(), refusal.error),
    }
}
