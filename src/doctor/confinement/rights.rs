//! The capabilities that are left to a daemon of root, beside those that it needs.

use crate::{
    doctor::{
        confinement::{Confined, Found, Subjects},
        paths::Served,
    },
    host::{Capability, Status},
};

/// What a daemon of root uses for some module or other.
const USED: [Capability; 6] = [
    Capability::Chown,
    Capability::DacOverride,
    Capability::DacReadSearch,
    Capability::Setgid,
    Capability::Setuid,
    Capability::SysChroot,
];

pub(super) fn look(subjects: &Subjects<'_>, found: &mut Found) {
    let status = match subjects.status() {
        Ok(status) => status,
        Err(reason) => {
            let subject = format!("the rights of process {}", subjects.process);
            found.unseen.push((subject, reason));
            return;
        }
    };
    if status.has_no_new_privileges {
        found.facts.push(Confined::NoNewPrivileges);
    }
    if status.is_filtered {
        found.facts.push(Confined::Filtered);
    }
    if status.identity.uid != 0 {
        return;
    }
    let lacks = |capability: &Capability| !capability.is_in(status.effective);
    let lacking: Vec<_> = USED.into_iter().filter(lacks).collect();
    if lacking.is_empty() {
        return;
    }
    let names = lacking.iter().map(|capability| capability.name()).collect();
    found.facts.push(Confined::Lacks(names));
    for module in subjects.modules {
        if let Some((capability, call)) = needed(module).into_iter().find(|(one, _)| lacking.contains(one)) {
            let arguments = vec![
                ("capability", capability.name().to_owned()),
                ("call", call.to_owned()),
            ];
            let facts = vec![shown(subjects.process, &status)];
            let cause = subjects.cause("RSY719", module, arguments, facts);
            found.causes.push(cause.of_kind("running"));
        }
    }
}

/// What a daemon of root needs for a module, in the order in which it does it, with the call that fails (observed with
/// rsync 3.5.0). Without the right to chroot a module that does not insist on it is served all the same.
fn needed(module: &Served) -> Vec<(Capability, &'static str)> {
    let mut needed = Vec::new();
    if module.insists_on_chroot {
        needed.push((Capability::SysChroot, "chroot"));
    }
    // It sets groups even where it stays root.
    needed.push(match module.user.gid {
        0 => (Capability::Setgid, "setgroups"),
        _ => (Capability::Setgid, "setgid"),
    });
    if module.user.uid != 0 {
        needed.push((Capability::Setuid, "setuid"));
    }
    needed
}

fn shown(process: u32, status: &Status) -> String {
    format!(
        "process {process} has the effective capabilities {:#x} of {:#x}",
        status.effective, status.bounding
    )
}
