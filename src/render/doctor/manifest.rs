//! What is in a bundle, and what is not.

use std::fmt::Write as _;

use crate::{
    catalog::Language,
    doctor::bundle::{Bundle, Kind, MOST, MOST_OF_FILE, Piece, Reason},
    render::{
        visible::visible,
        words::{pick, unknown},
    },
};

/// The text that stands first in a bundle: what each file is and where it is from, what was left out, and why.
pub fn manifest(bundle: &Bundle, host: &str, time: &jiff::Zoned, language: Language) -> String {
    let time = time.strftime("%Y-%m-%d %H:%M:%S %z");
    let version = env!("CARGO_PKG_VERSION");
    let (file, whole) = (MOST_OF_FILE >> 20, MOST >> 20);
    let mut text = match language {
        Language::English => format!(
            "rsyncctl doctor {version} on {host}, {time}\n\n\
             Passwords are not in here. Each place where one stood, or may have stood, is shown as ****: what is known from the\n\
             files of passwords of this machine, in addresses, behind names such as RSYNC_PASSWORD, and the words of commands\n\
             that the configuration runs. Look through the files before you hand them on: what has no such sign is not known.\n\
             A file is cut at {file} MiB, and all together at {whole} MiB; the reports for programs and browsers are never cut.\n\n\
             In here:\n"
        ),
        Language::Chinese => format!(
            "rsyncctl doctor {version}，主机 {host}，{time}\n\n\
             这里没有密码。凡是有密码或可能有密码的位置都显示为 ****：本机密码文件中的内容、地址中的密码、\n\
             RSYNC_PASSWORD 之类名称后面的值，以及配置所运行的命令的参数。转交之前请自己再看一遍：没有这类标志的内容无从得知。\n\
             单个文件最多 {file} MiB，总共最多 {whole} MiB；供程序和浏览器读取的报告不会被截断。\n\n\
             包含的文件：\n"
        ),
    };
    for piece in &bundle.pieces {
        // A string takes all that is written.
        let _ = writeln!(
            text,
            "  {}\n      {}",
            visible(&piece.name),
            about(piece, language)
        );
    }
    text += pick(language, "\nLeft out:\n", "\n没有包含：\n");
    for (subject, reason) in &bundle.left_out {
        let subject = visible(&bundle.secrets.blotted(subject));
        let _ = writeln!(text, "  {subject}\n      {}", why(reason, language));
    }
    text += pick(
        language,
        "  the files of the modules, the environment of processes, keys and certificates, all other files\n      \
         nothing is taken that is not named above\n",
        "  各模块中的文件、进程的环境变量、密钥与证书，以及其他所有文件\n      上面没有列出的一律不收\n",
    );
    text
}

fn about(piece: &Piece, language: Language) -> String {
    let mut told = kind(piece.kind, language).to_owned();
    if let Some(origin) = &piece.origin {
        let origin = visible(origin);
        told += &match language {
            Language::English => format!(", from {origin}"),
            Language::Chinese => format!("，来自 {origin}"),
        };
    }
    let size = piece.text.len();
    told += &match language {
        Language::English => format!(", {size} bytes"),
        Language::Chinese => format!("，{size} 字节"),
    };
    told += &match (piece.cut, piece.kind, language) {
        (0, ..) => String::new(),
        (cut, Kind::Log, Language::English) => format!("; CUT: {cut} bytes in front are missing"),
        (cut, _, Language::English) => format!("; CUT: {cut} bytes at the end are missing"),
        (cut, Kind::Log, Language::Chinese) => format!("；已截断：缺少开头 {cut} 字节"),
        (cut, _, Language::Chinese) => format!("；已截断：缺少结尾 {cut} 字节"),
    };
    told
}

fn kind(kind: Kind, language: Language) -> &'static str {
    match kind {
        Kind::Report => pick(language, "the doctor's report", "诊断报告"),
        Kind::Json => pick(language, "the same for programs", "同一报告，供程序读取"),
        Kind::Page => pick(language, "the same for browsers", "同一报告，供浏览器查看"),
        Kind::Configuration => pick(language, "a daemon's configuration", "守护进程的配置"),
        Kind::Unit => pick(language, "what starts a daemon", "启动守护进程的文件"),
        Kind::Log => pick(language, "the end of a daemon's log", "守护进程日志的末尾"),
        Kind::Watcher => pick(
            language,
            "the configuration of a program that watches folders",
            "监视目录的程序的配置",
        ),
        Kind::Machine => pick(
            language,
            "versions of the system, of rsync and of rsyncctl",
            "系统、rsync 和 rsyncctl 的版本",
        ),
        Kind::Daemons => pick(
            language,
            "the rsync daemons that run",
            "正在运行的 rsync 守护进程",
        ),
        Kind::Credentials => pick(
            language,
            "mode, owner, size and number of lines of the files of passwords",
            "密码文件的权限、属主、大小和行数",
        ),
    }
}

fn why(reason: &Reason, language: Language) -> String {
    let told = match reason {
        Reason::Passwords => pick(
            language,
            "it holds passwords; facts/credentials.txt has what else is known of it",
            "含有密码；其他信息见 facts/credentials.txt",
        ),
        Reason::Environment => pick(
            language,
            "it is the environment of a program, which often holds passwords",
            "是程序的环境变量，其中常有密码",
        ),
        Reason::Program => pick(
            language,
            "a program may hold passwords in any form; the line that was examined is in report.txt",
            "程序里可能以任何形式含有密码；被检查的那一行见 report.txt",
        ),
        Reason::Closed => pick(
            language,
            "somebody names it who may not read it",
            "指定它的人无权读取它",
        ),
        Reason::Unread(reason) => return unknown(reason, language),
        Reason::Full => pick(
            language,
            "the bundle already has as much as it may have",
            "已达到总大小上限",
        ),
        Reason::TooLarge => pick(
            language,
            "it is too large, and would be broken if it were cut",
            "太大，截断后无法使用",
        ),
    };
    told.to_owned()
}
