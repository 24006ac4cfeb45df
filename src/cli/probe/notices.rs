//! What is said of a command line before it is carried out.

use std::path::Path;

use crate::{catalog::Language, syntax::Lookalike};

/// What is said of characters that only look like what parts words.
pub(super) fn typographic(lookalike: Lookalike, language: Language) -> &'static str {
    match (lookalike, language) {
        (Lookalike::Quote, Language::English) => {
            "the command has typographic quotes, which the shell takes for letters of the word: type ' or \" in their place (rsyncctl explain RSY875)"
        }
        (Lookalike::Quote, Language::Chinese) => {
            "命令里有弯引号，shell 把它当成词的一部分：请改成 ' 或 \"（rsyncctl explain RSY875）"
        }
        (_, Language::English) => {
            "the command has a wide or no-break blank, which the shell takes for a letter: type an ordinary one where it is to part words (rsyncctl explain RSY875)"
        }
        (_, Language::Chinese) => {
            "命令里有全角或不换行空格，shell 把它当成普通字符：要分隔单词请改成普通空格（rsyncctl explain RSY875）"
        }
    }
}

/// What is said of variables that do not reach rsync.
pub(super) fn behind_sudo(names: &[&str], language: Language) -> String {
    let all: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let first = names.first().copied().unwrap_or_default();
    match language {
        Language::English => format!(
            "sudo keeps {} from rsync (`env_reset` of sudoers): set it behind sudo, `sudo {first}=... rsync ...`, or name a password with --password-file",
            all.join(", ")
        ),
        Language::Chinese => format!(
            "sudo 不会把 {} 传给 rsync（sudoers 的 `env_reset`）：写在 sudo 后面，`sudo {first}=... rsync ...`，密码也可以用 --password-file",
            all.join("、")
        ),
    }
}

/// What is said where a password stands in our environment alone.
pub(super) const fn not_handed_on(language: Language) -> &'static str {
    match language {
        Language::English => {
            "RSYNC_PASSWORD is set here, and nothing sets it where cron or systemd starts the command: rsync gets no password there; name a file with --password-file"
        }
        Language::Chinese => {
            "这里设置了 RSYNC_PASSWORD，但 cron 或 systemd 启动该命令时并没有设置它：rsync 在那里得不到密码；请用 --password-file 指定文件"
        }
    }
}

/// What is said of what stands around a command line.
pub(super) fn left_out(names: &str, language: Language) -> String {
    match language {
        Language::English => format!("not carried out, as it stands around the rsync command: {names}"),
        Language::Chinese => format!("以下内容在 rsync 命令之外，不会执行：{names}"),
    }
}

/// What is said of a script whose lines end with carriage returns.
pub(super) fn with_windows_ends(file: &Path, language: Language) -> String {
    let name = shell_words::quote(&file.to_string_lossy()).into_owned();
    match language {
        Language::English => format!(
            "lines of {name} end with a carriage return, which the shell takes for a part of the last word; cure: sed -i 's/\\r$//' {name}"
        ),
        Language::Chinese => {
            format!(
                "{name} 的行以回车符结尾，shell 会把它当成最后一个词的一部分；解决：sed -i 's/\\r$//' {name}"
            )
        }
    }
}
