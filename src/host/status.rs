use std::path::PathBuf;

use crate::host::{Fact, Host, Unknown, trial::Identity};

/// The rights of a process, as `/proc/PID/status` tells them (proc_pid_status(5)).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// As whom it opens files.
    pub identity: Identity,
    /// The capabilities that it uses.
    pub effective: u64,
    /// Those that it and its children can have at most.
    pub bounding: u64,
    /// Whether no program that it starts gets more rights.
    pub has_no_new_privileges: bool,
    /// Whether system calls are filtered.
    pub is_filtered: bool,
}

/// A capability that a daemon uses (capabilities(7)).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Capability {
    /// To give files to others.
    Chown,
    /// To pass and open whatever the modes say.
    DacOverride,
    /// To pass and read whatever the modes say.
    DacReadSearch,
    /// To bind a port below 1024.
    NetBindService,
    /// To change the group.
    Setgid,
    /// To change the user.
    Setuid,
    /// To leave the root folder.
    SysChroot,
}

impl Capability {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chown => "CAP_CHOWN",
            Self::DacOverride => "CAP_DAC_OVERRIDE",
            Self::DacReadSearch => "CAP_DAC_READ_SEARCH",
            Self::NetBindService => "CAP_NET_BIND_SERVICE",
            Self::Setgid => "CAP_SETGID",
            Self::Setuid => "CAP_SETUID",
            Self::SysChroot => "CAP_SYS_CHROOT",
        }
    }

    /// Its bit in a set.
    const fn bit(self) -> u64 {
        1 << match self {
            Self::Chown => 0,
            Self::DacOverride => 1,
            Self::DacReadSearch => 2,
            Self::NetBindService => 10,
            Self::Setgid => 6,
            Self::Setuid => 7,
            Self::SysChroot => 18,
        }
    }

    /// Whether a set has it.
    pub const fn is_in(self, set: u64) -> bool {
        set & self.bit() != 0
    }
}

impl Status {
    /// The rights of a process of a machine.
    ///
    /// # Errors
    /// The reason why nobody knows.
    pub fn of(host: &dyn Host, process: u32) -> Fact<Self> {
        let path = PathBuf::from(format!("/proc/{process}/status"));
        let ended = || Unknown::Failed("the process has ended".to_owned());
        let bytes = host.read(&path)?.ok_or_else(ended)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Self::read(&text).ok_or_else(|| Unknown::Failed("its status is not understood".to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        let line = |name: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        };
        // What counts for files is the fourth number.
        let fourth = |name| line(name)?.split_ascii_whitespace().nth(3)?.parse().ok();
        let set = |name| u64::from_str_radix(line(name)?.trim(), 16).ok();
        let number = |name| line(name)?.trim().parse::<u32>().ok();
        let gid = fourth("Gid")?;
        let mut groups: Vec<u32> = line("Groups")?
            .split_ascii_whitespace()
            .filter_map(|group| group.parse().ok())
            .collect();
        if !groups.contains(&gid) {
            groups.insert(0, gid);
        }
        Some(Self {
            identity: Identity {
                uid: fourth("Uid")?,
                gid,
                groups,
            },
            effective: set("CapEff")?,
            bounding: set("CapBnd")?,
            has_no_new_privileges: number("NoNewPrivs").is_some_and(|number| number > 0),
            is_filtered: number("Seccomp").is_some_and(|number| number > 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Live;

    #[test]
    fn rights_are_read() {
        let text = "Name:\trsync\nUid:\t0\t0\t0\t7\nGid:\t0\t0\t0\t8\nGroups:\t8 9 \nNoNewPrivs:\t1\nSeccomp:\t2\n\
            CapInh:\t0000000000000000\nCapPrm:\t0000000000040080\nCapEff:\t0000000000040080\nCapBnd:\t00000000000400c0\n";
        let status = Status::read(text).expect("a status");
        assert_eq!((status.identity.uid, status.identity.gid), (7, 8));
        assert_eq!(status.identity.groups, [8, 9]);
        assert!(status.has_no_new_privileges && status.is_filtered);
        let has = |capability: Capability| capability.is_in(status.effective);
        assert!(has(Capability::Setuid) && has(Capability::SysChroot) && !has(Capability::Setgid));
        assert!(Capability::Setgid.is_in(status.bounding));
        assert_eq!(Status::read("Uid:\t0"), None);
        let own = Status::of(&Live, std::process::id()).expect("our own");
        assert_eq!(own.identity.uid, nix::unistd::geteuid().as_raw());
        assert!(Status::of(&Live, u32::MAX).is_err());
    }
}
