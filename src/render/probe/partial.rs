//! What failed of a part of the files, and what is left of a probe.

use crate::{catalog::Language, probe::Right};

/// Whether it is one file or all.
pub(super) fn partial(failed: u64, listed: u64, language: Language) -> String {
    match (language, listed) {
        (Language::English, 0) => "nothing else came: the list is empty".to_owned(),
        (Language::English, 1) if failed >= 1 => "the only file that was asked for failed".to_owned(),
        (Language::English, _) if failed >= listed => {
            format!("all {listed} files that were asked for failed")
        }
        (Language::English, _) => {
            format!("{failed} of {listed} names in the list failed, the others did not")
        }
        (Language::Chinese, 0) => "没有别的文件：列表是空的".to_owned(),
        (Language::Chinese, _) if failed >= listed => format!("要传的 {listed} 个文件全部失败"),
        (Language::Chinese, _) => format!("列表里的 {listed} 个名字中有 {failed} 个失败，其余正常"),
    }
}

/// Which account lacks which right.
pub(super) fn lacks(
    is_of_server: bool,
    account: Option<&str>,
    right: Right,
    path: &str,
    language: Language,
) -> String {
    let letters = right.letters();
    if language == Language::Chinese {
        let who = match (is_of_server, account) {
            (true, Some(account)) => format!("服务器上的用户 `{account}`"),
            (true, None) => "服务器上模块的 `uid`（没有设置就是 `nobody`）".to_owned(),
            (false, _) => "本机运行 rsync 的用户".to_owned(),
        };
        let on = match right {
            Right::EnterFolder => format!("目录 `{path}` 或它的上级"),
            Right::ReadFile => format!("文件 `{path}`"),
            Right::ReadFolder => format!("目录 `{path}`"),
            Right::WriteFolder => format!("`{path}` 所在的目录"),
        };
        // A blank stands between a name in backticks and what is written in Chinese.
        let [who, on] = [who, on].map(|text| match text.ends_with('`') {
            true => format!("{text} "),
            false => text,
        });
        return format!("{who}对{on}缺少 `{letters}` 权限");
    }
    let who = match (is_of_server, account) {
        (true, Some(account)) => format!("the server's account `{account}`"),
        (true, None) => "the account of the module's `uid` (`nobody` if none is set)".to_owned(),
        (false, _) => "whoever runs rsync on this machine".to_owned(),
    };
    let on = match right {
        Right::EnterFolder => format!("folder `{path}` or one above it"),
        Right::ReadFile => format!("file `{path}`"),
        Right::ReadFolder => format!("folder `{path}`"),
        Right::WriteFolder => format!("the folder that holds `{path}`"),
    };
    format!("{who} lacks `{letters}` on {on}")
}

/// What is to be done about a folder that could not be deleted.
pub(super) fn left(name: &str, module: Option<&str>, language: Language) -> String {
    let cure = removal(name, module);
    match language {
        Language::English => format!("`{name}` is still in the module; on the server: {cure}"),
        Language::Chinese => format!("模块里还有目录 `{name}`；请在服务器上执行：{cure}"),
    }
}

/// The command for the server that deletes it.
pub(super) fn removal(name: &str, module: Option<&str>) -> String {
    // No other folder has such a name, wherever the module's is; what somebody else has put into it stays.
    let last = name.rsplit('/').next().unwrap_or(name);
    let module = shell_words::quote(module.unwrap_or("/"));
    // The module may be a symlink.
    format!("find -H {module} \\( -path '*/{last}/probe' -o -path '*/{last}' -empty \\) -delete")
}
