//! The limits of the daemon's process (proc_pid_limits(5), getrlimit(2)).

use std::path::{Path, PathBuf};

use crate::{
    catalog::Severity,
    doctor::{
        Urgency,
        confinement::{Confined, Found, Subjects},
    },
    host::Host,
};

/// With fewer files open a session does not get through: one of a folder in a module with a log needs 13 (observed with rsync
/// 3.5.0), each further depth of folders one more.
const FEW_FILES: u64 = 16;
/// A limit of the size of files that is no lower keeps few of them out: that of FAT32.
const LARGE_FILE: u64 = 4 << 30;
/// What a receiver is: two processes.
const PROCESSES: u64 = 2;
/// A limit above that is no reason to look at each process of the machine.
const MANY_PROCESSES: u64 = 10_000;

pub(super) fn look(subjects: &Subjects<'_>, found: &mut Found) {
    let Some(limits) = subjects.text("limits") else {
        return;
    };
    if let Some(limit) = soft(&limits, "Max open files").filter(|limit| *limit < FEW_FILES) {
        let arguments = vec![
            ("process", subjects.process.to_string()),
            ("limit", limit.to_string()),
        ];
        let fact = format!("process {} may have {limit} files open", subjects.process);
        found.facts.push(Confined::Limited(limit));
        let cause = subjects.cause_at("RSY240", arguments, vec![fact]);
        found.causes.push(cause.of_kind("files"));
    }
    let module = subjects.modules.iter().find(|module| module.is_writable);
    let limit = soft(&limits, "Max file size").filter(|limit| *limit < LARGE_FILE);
    if let (Some(module), Some(limit)) = (module, limit) {
        let arguments = vec![
            ("process", subjects.process.to_string()),
            ("limit", limit.to_string()),
        ];
        let fact = format!("process {} may write files of {limit} bytes", subjects.process);
        found.facts.push(Confined::Limited(limit));
        let mut cause = subjects.cause("RSY240", module, arguments, vec![fact]);
        // Only larger files meet it; the log tells whether some came.
        cause.severity = Severity::Warning;
        found.causes.push(cause.of_kind("size").at(Urgency::Later));
    }
    let Some(limit) = soft(&limits, "Max processes").filter(|limit| *limit < MANY_PROCESSES) else {
        return;
    };
    for module in subjects.modules.iter().filter(|module| module.is_writable) {
        let uid = module.user.uid;
        // The limit does not bind root.
        if uid == 0 {
            continue;
        }
        let Some(count) = threads(subjects.host, uid) else {
            return;
        };
        if count + PROCESSES > limit {
            let arguments = vec![
                ("process", subjects.process.to_string()),
                ("count", count.to_string()),
                ("limit", limit.to_string()),
            ];
            let fact = format!("uid {uid} has {count} processes and threads, and may have {limit}");
            found.facts.push(Confined::Limited(limit));
            let cause = subjects.cause("RSY240", module, arguments, vec![fact]);
            found.causes.push(cause.of_kind("processes"));
        }
    }
}

/// What holds of a limit now; none if there is none.
fn soft(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// How many processes and threads a user has, as the limit counts them.
fn threads(host: &dyn Host, uid: u32) -> Option<u64> {
    let names = host.list(Path::new("/proc")).ok()??;
    let processes = names
        .into_iter()
        .filter(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit));
    let of_user = processes.filter_map(|process| {
        let path = PathBuf::from("/proc").join(process).join("status");
        let bytes = host.read(&path).ok()??;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_ascii_whitespace().next()?.parse::<u64>().ok()
        };
        (field("Uid:")? == u64::from(uid)).then(|| field("Threads:").unwrap_or(1))
    });
    Some(of_user.sum())
}

#[cfg(test)]
mod tests {
    use super::{soft, threads};
    use crate::host::Live;

    #[test]
    fn limits_are_read() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
            Max processes             1                    unlimited            processes \n\
            Max open files            unlimited            4096                 files     \n";
        assert_eq!(soft(limits, "Max processes"), Some(1));
        assert_eq!(soft(limits, "Max open files"), None);
        assert_eq!(soft("", "Max processes"), None);
        let own = threads(&Live, nix::unistd::getuid().as_raw());
        assert!(own.is_some_and(|count| count > 0));
    }
}
