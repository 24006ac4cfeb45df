//! What a line says besides its message: who speaks, exit codes, releases, names.

use crate::terms::Release;

/// The last line of a failed client.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Final {
    pub(super) exit: u8,
    /// `sender`, `Receiver`, …
    pub(super) role: Option<String>,
    pub(super) release: Option<Release>,
}

/// Reads `rsync error: … (code 12) at io.c(228) [sender=3.2.7]`, or what another program says of an exit code.
pub(super) fn final_line(line: &str) -> Option<Final> {
    if let Some((_, behind)) = line.split_once("(code ") {
        let (number, rest) = behind.split_once(')')?;
        let (role, release) = role(rest);
        return Some(Final {
            exit: number.trim().parse().ok()?,
            role,
            release,
        });
    }
    exit_of_others(line).map(|exit| Final {
        exit,
        role: None,
        release: None,
    })
}

/// `[sender=3.2.7]`
fn role(rest: &str) -> (Option<String>, Option<Release>) {
    let inner = rest.rsplit_once('[').and_then(|(_, inner)| inner.split_once(']'));
    let Some((role, release)) = inner.and_then(|(inner, _)| inner.split_once('=')) else {
        return (None, None);
    };
    (Some(role.to_owned()), release.parse().ok())
}

/// How shells, schedulers and sersync tell the exit code of a program.
const CARRIERS: [&str; 9] = [
    "exit code ",
    "exit code: ",
    "exit status ",
    "exit status: ",
    "exited with ",
    "exited with code ",
    "status=",
    "returned ",
    "rc=",
];

/// Whether a line is one of sersync's fail log: the raw wait status of the command below it.
pub(super) fn is_fail_log(line: &str) -> bool {
    line.contains(FAIL_LOG)
}

const FAIL_LOG: &str = "#errno ";

fn exit_of_others(line: &str) -> Option<u8> {
    if let Some((_, behind)) = line.split_once(FAIL_LOG) {
        let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        let status: u32 = behind[..end].parse().ok()?;
        return u8::try_from(status / 256).ok().filter(|exit| *exit > 0);
    }
    let lowered = line.to_ascii_lowercase();
    // xinetd tells how the daemon ended, not its client.
    if !lowered.contains("rsync") || lowered.contains(": exit: rsync ") {
        return None;
    }
    CARRIERS.iter().find_map(|carrier| {
        let (_, behind) = lowered.split_once(carrier)?;
        let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        behind[..digits].parse().ok().filter(|exit| *exit > 0)
    })
}

/// Whether a line tells that the other side has hung up. Behind a line with an exit code that is no other failure:
/// the side that failed has closed the connection.
pub(super) fn is_echo(line: &str) -> bool {
    [
        "error: Connection reset by peer",
        "error: Broken pipe",
        "connection unexpectedly closed",
    ]
    .iter()
    .any(|echo| line.contains(echo))
}

/// Whether a message tells nothing but the end of a connection.
pub(super) fn is_of_hang_up(message: &str) -> bool {
    [
        "Connection reset by peer",
        "Broken pipe",
        "connection unexpectedly closed",
    ]
    .iter()
    .any(|end| message.contains(end))
}

/// Whether a line tells that the daemon has hung up, before or after the session began.
pub(super) fn is_hang_up(line: &str) -> bool {
    let behind = ["didn't get server startup line", "safe_write failed"];
    is_echo(line) || is_ungreeted(line) || behind.iter().any(|text| line.contains(text))
}

/// Whether a line tells of a hang-up behind the greeting, and before an answer.
pub(super) fn is_of_dialogue(line: &str) -> bool {
    let texts = ["didn't get server startup line", "safe_read failed to read"];
    texts.iter().any(|text| line.contains(text))
}

/// Whether a line tells that the other side has hung up in place of a greeting. Once it is greeted, rsync reads lines in
/// the same way, but who has greeted hardly resets.
pub(super) fn is_ungreeted(line: &str) -> bool {
    let texts = ["did not see server greeting", "safe_read failed to read"];
    texts.iter().any(|text| line.contains(text))
}

/// The process that wrote a line of a daemon's log: `2026/11/21 04:00:01 [1234] …` or `… rsyncd[1234]: …`.
pub(super) fn daemon_process(line: &str) -> Option<u32> {
    if let Some((_, behind)) = line.split_once("rsyncd[") {
        return behind.split_once(']')?.0.parse().ok();
    }
    line.match_indices('[').find_map(|(at, _)| {
        let is_behind_stamp = ends_with_stamp(line[..at].trim_end());
        is_behind_stamp.then(|| line[at + 1..].split_once(']')?.0.parse().ok())?
    })
}

/// Whether a text ends with the date and the time of a daemon's log.
fn ends_with_stamp(text: &str) -> bool {
    let shape = b"0000/00/00 00:00:00";
    let stamp = text
        .len()
        .checked_sub(shape.len())
        .map(|start| &text.as_bytes()[start..]);
    stamp.is_some_and(|stamp| {
        stamp.iter().zip(shape).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            shape => byte == shape,
        })
    })
}

/// Names that stand at fixed places of many messages: what introduces them, their kind, and what ends them.
const PLACES: [(&str, &str, &[char]); 6] = [
    ("(in ", "module", &[')']),
    ("on module ", "module", &[' ']),
    ("Unknown module '", "module", &['\'']),
    ("unknown module '", "module", &['\'']),
    ("access denied to ", "module", &[' ']),
    ("failed to connect to ", "host", &[' ', ':', '(']),
];

/// The names that a line tells: modules, hosts, paths.
pub(super) fn names(line: &str) -> Vec<(&'static str, String)> {
    let mut found: Vec<_> = PLACES
        .iter()
        .filter_map(|(introduction, kind, ends)| {
            let (_, behind) = line.split_once(introduction)?;
            let name = behind.split(*ends).next().filter(|name| !name.is_empty())?;
            Some((*kind, name.to_owned()))
        })
        .collect();
    if let Some((_, behind)) = line.split_once('"')
        && let Some((path, _)) = behind.split_once('"')
    {
        found.push(("path", path.to_owned()));
    }
    found
}

/// What a daemon's log says of a session before it serves it: the module, and who has logged in
/// (`rsync to data/ from joe@host (192.0.2.7)`; `rsync_module` in clientserver.c).
pub(super) fn session(line: &str) -> Option<Vec<(&'static str, String)>> {
    let (_, behind) = line.split_once("] rsync ")?;
    let behind = behind
        .strip_prefix("to ")
        .or_else(|| behind.strip_prefix("on "))?;
    let (path, client) = behind.split_once(" from ")?;
    let (client, _) = client.split_once(" (")?;
    let module = path.split('/').next().filter(|module| !module.is_empty())?;
    let user = client.rsplit_once('@').map(|(user, _)| ("user", user.to_owned()));
    Some([("module", module.to_owned())].into_iter().chain(user).collect())
}

/// The path of which a line says that it is not there.
pub(super) fn missing(line: &str) -> Option<String> {
    if !line.contains("No such file or directory") {
        return None;
    }
    let (_, behind) = line.split_once('"')?;
    behind.rsplit_once('"').map(|(path, _)| path.to_owned())
}

/// A daemon that has said why and closes may arrive as a reset: the client then ends with 10 or 12.
pub(super) fn is_reset_race(expected: u8, exit: u8) -> bool {
    matches!(exit, 10 | 12) && matches!(expected, 1 | 4 | 5 | 10 | 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_in_the_log_has_a_module_and_perhaps_a_user() {
        let names = |line: &str| session(line).map(|names| names.into_iter().map(|(_, name)| name).collect());
        let stamp = "2026/11/21 07:40:46 [26366]";
        let told = |line: &str| -> Option<Vec<String>> { names(&format!("{stamp} {line}")) };
        assert_eq!(
            told("rsync to data/a b from joe@host (192.0.2.7)"),
            Some(vec!["data".to_owned(), "joe".to_owned()])
        );
        assert_eq!(
            told("rsync on my data/ from UNKNOWN (192.0.2.7)"),
            Some(vec!["my data".to_owned()])
        );
        for line in [
            "rsync error: some (code 23)",
            "rsync to / from x (y)",
            "rsync to data from",
        ] {
            assert_eq!(told(line), None, "{line}");
        }
    }

    #[test]
    fn final_lines_tell_code_role_and_release() {
        let line = "rsync error: error in rsync protocol data stream (code 12) at io.c(759) [receiver=3.0.5]";
        let expected = Final {
            exit: 12,
            role: Some("receiver".to_owned()),
            release: Some(Release::new(3, 0, 5)),
        };
        assert_eq!(final_line(line), Some(expected));
        for (line, exit) in [
            (
                "rsync error: error in rsync protocol data stream (code 12) at io.c(150)",
                12,
            ),
            ("#errno 2560", 10),
            (
                "rsync.service: Main process exited, code=exited, status=10/n/a",
                10,
            ),
            ("rsync failed with exit code 23", 23),
            ("Command '['rsync', '-a']' returned non-zero exit status 12.", 12),
        ] {
            assert_eq!(final_line(line).map(|found| found.exit), Some(exit), "{line}");
        }
        for line in [
            "",
            "(code x)",
            "(code 300)",
            "#errno -1",
            "HTTP status=404",
            "exit status 2",
        ] {
            assert_eq!(final_line(line), None, "{line}");
        }
    }

    #[test]
    fn lines_of_a_daemons_log_name_their_process() {
        assert_eq!(
            daemon_process("2026/11/21 04:00:01 [1234] rsync denied on module x"),
            Some(1234)
        );
        assert_eq!(
            daemon_process("Nov 21 04:00:01 web rsyncd[77]: auth failed"),
            Some(77)
        );
        assert_eq!(
            daemon_process("[2026-11-21T04:00:01] 2026/11/21 04:00:01 [1234] connect"),
            Some(1234)
        );
        for line in [
            "",
            "[1234]",
            "rsync: [sender] x",
            "abcd/ef/gh ij:kl:mn [1]",
            "中文中文中文 [1]",
        ] {
            assert_eq!(daemon_process(line), None, "{line}");
        }
    }

    #[test]
    fn names_stand_at_known_places() {
        let line = "rsync: [sender] opendir \"/kexue\" (in dtsChannel) failed: Permission denied (13)";
        let expected = [("module", "dtsChannel"), ("path", "/kexue")];
        assert_eq!(names(line), expected.map(|(kind, name)| (kind, name.to_owned())));
        let line = "rsync: failed to connect to 118.244.216.177: No route to host (113)";
        assert_eq!(names(line), [("host", "118.244.216.177".to_owned())]);
    }
}
