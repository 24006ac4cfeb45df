//! Variables that are more than names for texts.

/// Variables that shells, cron, rsync or the system's libraries read (bash(1), dash(1), crontab(5), environ(7)).
const READ: [&[u8]; 71] = [
    b"CDPATH",
    b"CHILD_MAX",
    b"COLUMNS",
    b"COPROC",
    b"CVSIGNORE",
    b"DIRSTACK",
    b"EMACS",
    b"ENV",
    b"EPOCHREALTIME",
    b"EPOCHSECONDS",
    b"EUID",
    b"EXECIGNORE",
    b"FCEDIT",
    b"FIGNORE",
    b"FUNCNAME",
    b"FUNCNEST",
    b"GCONV_PATH",
    b"GLIBC_TUNABLES",
    b"GLOBIGNORE",
    b"GROUPS",
    b"HOME",
    b"HOSTALIASES",
    b"HOSTFILE",
    b"HOSTNAME",
    b"HOSTTYPE",
    b"IFS",
    b"IGNOREEOF",
    b"INPUTRC",
    b"INSIDE_EMACS",
    b"LINENO",
    b"LINES",
    b"LOCALDOMAIN",
    b"LOCPATH",
    b"MACHTYPE",
    b"MAPFILE",
    b"NLSPATH",
    b"OLDPWD",
    b"OPTARG",
    b"OPTERR",
    b"OPTIND",
    b"OSTYPE",
    b"PIPESTATUS",
    b"POSIXLY_CORRECT",
    b"PPID",
    b"PS0",
    b"PS1",
    b"PS2",
    b"PS3",
    b"PS4",
    b"PWD",
    b"RANDOM",
    b"REPLY",
    b"RES_OPTIONS",
    b"SECONDS",
    b"SHELL",
    b"SHELLOPTS",
    b"SHLVL",
    b"SRANDOM",
    b"TIMEFORMAT",
    b"TMOUT",
    b"TMPDIR",
    b"TZ",
    b"TZDIR",
    b"UID",
    b"_",
    b"auto_resume",
    b"histchars",
    b"RSYNC_OLD_ARGS",
    b"RSYNC_PROTECT_ARGS",
    b"RSYNC_RSH",
    b"RSYNC_SHELL",
];

/// What such names begin with.
const FAMILIES: [&[u8]; 9] = [
    b"BASH",
    b"COMP_",
    b"HIST",
    b"LD_",
    b"MAIL",
    b"MALLOC_",
    b"OPENSSL_",
    b"PROMPT_",
    b"READLINE_",
];

/// Whether a variable is read by others than who names it, or has a value of its own.
pub(super) fn is_special(name: &[u8]) -> bool {
    READ.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Whether a variable in front of a command is for rsync, and followed.
pub(super) fn is_for_rsync(name: &[u8]) -> bool {
    let is_of_locale = name.starts_with(b"LC_") || name == b"LANG";
    is_of_locale || name.starts_with(b"RSYNC_") && !is_special(name) || matches!(name, b"LOGNAME" | b"USER")
}

/// What of an environment changes how shells read any script: a file that they read first, functions in the place of programs,
/// options, other folders behind `cd`.
pub(super) fn changes_shells(name: &[u8]) -> bool {
    matches!(name, b"BASH_ENV" | b"BASHOPTS" | b"CDPATH" | b"SHELLOPTS") || name.starts_with(b"BASH_FUNC_")
}
