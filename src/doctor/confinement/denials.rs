//! What SELinux and AppArmor denied rsync in the last day, by the logs of the audit and of the kernel.

use std::path::{Path, PathBuf};

use crate::{doctor::confinement::Subjects, host::Unknown};

/// As much is read of the end of a log, in bytes.
const MOST: u64 = 16 << 20;
/// Seconds that are looked back.
const DAY: i64 = 24 * 60 * 60;
/// So many are kept.
const KEPT: usize = 1000;
/// Logs of text, the best first.
const LOGS: [&str; 4] = [
    "/var/log/audit/audit.log",
    "/var/log/kern.log",
    "/var/log/messages",
    "/var/log/syslog",
];
/// Where the journal is, in a folder for each machine.
const JOURNALS: [&str; 2] = ["/var/log/journal", "/run/log/journal"];

/// What was denied.
#[derive(Debug)]
pub(super) struct Denials {
    /// The log that was read, if any was.
    pub(super) log: Option<PathBuf>,
    /// Why none was read, if there is one.
    pub(super) unseen: Option<(PathBuf, Unknown)>,
    /// Each kind once.
    pub(super) denied: Vec<Denied>,
}

/// An access that was denied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Denied {
    /// What was asked: `read`, `write`.
    pub(super) access: String,
    /// What it was asked of: a path, or only a name.
    pub(super) path: Option<String>,
    /// The port that was to be bound.
    pub(super) port: Option<u16>,
    /// Who denied it.
    pub(super) by: By,
}

/// Who denied an access.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum By {
    /// SELinux: the types of the daemon and of what it asked for.
    Selinux {
        /// The daemon's.
        domain: String,
        /// The other one.
        label: String,
    },
    /// AppArmor, by a profile.
    Apparmor(String),
}

impl Denials {
    /// Reads the first log that is there and can be read, and the journal where no other has anything.
    pub(super) fn read(subjects: &Subjects<'_>) -> Self {
        let mut found = Self {
            log: None,
            unseen: None,
            denied: Vec::new(),
        };
        let mut places: Vec<PathBuf> = LOGS.iter().map(PathBuf::from).collect();
        for folder in JOURNALS {
            let machines = subjects.host.list(Path::new(folder)).ok().flatten();
            let mut machines = machines.unwrap_or_default();
            machines.sort();
            let journal = |machine| Path::new(folder).join(machine).join("system.journal");
            places.extend(machines.into_iter().map(journal));
        }
        for place in places {
            match subjects.host.tail(&place, MOST) {
                Ok(Some(end)) => {
                    found.denied = denied(&end.bytes, subjects.now);
                    found.log = Some(place);
                    if !found.denied.is_empty() {
                        break;
                    }
                }
                Ok(None) => {}
                Err(reason) => found.unseen = found.unseen.or(Some((place, reason))),
            }
        }
        found
    }
}

/// The denials of the last day in a log. A journal holds each message as text among other bytes, but for long ones.
fn denied(log: &[u8], now: i64) -> Vec<Denied> {
    let mut found: Vec<Denied> = Vec::new();
    for line in log.split(|&byte| byte == b'\n' || byte == 0) {
        if found.len() == KEPT {
            break;
        }
        let is_one =
            contains(line, b"comm=\"rsync\"") && (contains(line, b"avc:") || contains(line, b"DENIED"));
        if !is_one {
            continue;
        }
        let line = String::from_utf8_lossy(line);
        let is_recent = time(&line).is_some_and(|time| time >= now - DAY && time <= now + DAY);
        if let Some(denied) = Denied::read(&line).filter(|_| is_recent)
            && !found.contains(&denied)
        {
            found.push(denied);
        }
    }
    found
}

fn contains(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|window| window == part)
}

/// The second in which a line of the audit was written: `audit(1605944401.123:456)`.
fn time(line: &str) -> Option<i64> {
    let (_, behind) = line.split_once("audit(")?;
    behind.split(['.', ':', ')']).next()?.parse().ok()
}

impl Denied {
    /// Reads a line; none if the access was let through, as in a permissive domain.
    fn read(line: &str) -> Option<Self> {
        let value = |name: &str| {
            let (_, behind) = line.split_once(&format!(" {name}="))?;
            let quoted = behind.strip_prefix('"').and_then(|rest| rest.split('"').next());
            let text = quoted.or_else(|| behind.split(' ').next())?;
            // What is not plain is written in hexadecimal digits.
            Some(match quoted {
                None if matches!(name, "name" | "path") => unhexed(text).unwrap_or_else(|| text.to_owned()),
                _ => text.trim_end_matches('\u{1d}').to_owned(),
            })
        };
        let kind = |context: String| context.split(':').nth(2).map(str::to_owned);
        let path = value("path").or_else(|| value("name"));
        if line.contains("apparmor=\"DENIED\"") {
            let access = value("denied_mask").or_else(|| value("operation"))?;
            let by = By::Apparmor(value("profile")?);
            return Some(Self {
                access,
                path,
                port: None,
                by,
            });
        }
        let (_, behind) = line
            .split_once("denied  {")
            .or_else(|| line.split_once("denied {"))?;
        if value("permissive").as_deref() == Some("1") {
            return None;
        }
        Some(Self {
            access: behind.split('}').next()?.trim().to_owned(),
            path,
            port: value("src").and_then(|port| port.parse().ok()),
            by: By::Selinux {
                domain: value("scontext").and_then(kind)?,
                label: value("tcontext").and_then(kind)?,
            },
        })
    }

    /// Whether something was to be changed.
    pub(super) fn is_write(&self) -> bool {
        match self.by {
            By::Apparmor(_) => self.access.contains(['w', 'a', 'c', 'd']),
            By::Selinux { .. } => {
                let changes = [
                    "add_name",
                    "append",
                    "create",
                    "remove_name",
                    "rename",
                    "rmdir",
                    "setattr",
                    "unlink",
                    "write",
                ];
                self.access
                    .split_ascii_whitespace()
                    .any(|one| changes.contains(&one))
            }
        }
    }
}

fn unhexed(text: &str) -> Option<String> {
    let digits = text.as_bytes();
    if digits.is_empty() || digits.len() % 2 == 1 {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_721_700;

    #[test]
    fn lines_of_the_audit_are_read() {
        let log = b"type=AVC msg=audit(1763721600.123:456): avc:  denied  { read } for  pid=30320 comm=\"rsync\" name=\"gitlab\" dev=\"dm-0\" ino=131 scontext=system_u:system_r:rsync_t:s0 tcontext=unconfined_u:object_r:var_t:s0 tclass=dir permissive=0\n\
            type=AVC msg=audit(1763721601.123:457): avc:  denied  { read } for  pid=30321 comm=\"rsync\" name=\"gitlab\" dev=\"dm-0\" ino=131 scontext=system_u:system_r:rsync_t:s0 tcontext=unconfined_u:object_r:var_t:s0 tclass=dir permissive=0\n\
            type=AVC msg=audit(1763721600.123:458): avc:  denied  { write add_name } for  pid=1 comm=\"rsync\" name=2F7372762F61 scontext=system_u:system_r:rsync_t:s0 tcontext=u:r:default_t:s0 tclass=dir permissive=0\n\
            type=AVC msg=audit(1763721600.123:459): avc:  denied  { name_bind } for  pid=1 comm=\"rsync\" src=8730 scontext=system_u:system_r:rsync_t:s0 tcontext=system_u:object_r:unreserved_port_t:s0 tclass=tcp_socket permissive=0\n\
            type=AVC msg=audit(1763721600.123:460): avc:  denied  { read } for  pid=1 comm=\"rsync\" name=\"x\" scontext=a:b:rsync_t:s0 tcontext=a:b:var_t:s0 tclass=dir permissive=1\n\
            type=AVC msg=audit(1263721600.123:461): avc:  denied  { read } for  pid=1 comm=\"rsync\" name=\"old\" scontext=a:b:rsync_t:s0 tcontext=a:b:var_t:s0 tclass=dir permissive=0\n\
            type=AVC msg=audit(1763721600.123:462): avc:  denied  { read } for  pid=1 comm=\"httpd\" name=\"x\" scontext=a:b:httpd_t:s0 tcontext=a:b:var_t:s0 tclass=dir permissive=0\n";
        let found = denied(log, NOW);
        let shown: Vec<_> = found
            .iter()
            .map(|one| (&*one.access, one.path.as_deref(), one.port, one.is_write()))
            .collect();
        assert_eq!(
            shown,
            [
                ("read", Some("gitlab"), None, false),
                ("write add_name", Some("/srv/a"), None, true),
                ("name_bind", None, Some(8730), false),
            ]
        );
    }

    #[test]
    fn denials_are_found_in_a_journal_too() {
        let journal = b"LPKSHHRH\0\0\x01\xffMESSAGE=audit: type=1400 audit(1763721600.123:45): apparmor=\"DENIED\" operation=\"open\" profile=\"rsync\" name=\"/srv/data/a\" pid=4711 comm=\"rsync\" requested_mask=\"r\" denied_mask=\"r\" fsuid=65534 ouid=0\0\0\x07";
        let found = denied(journal, NOW);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].by, By::Apparmor("rsync".to_owned()));
        assert_eq!(found[0].path.as_deref(), Some("/srv/data/a"));
        assert!(!found[0].is_write());
        assert!(denied(b"\xff\xfe comm=\"rsync\" avc: audit( denied {", NOW).is_empty());
        assert_eq!(unhexed("2F7G"), None);
    }
}
