//! What units of systemd take from a daemon.

use super::*;

const UNIT: &str = "[Unit]\nDescription=rsync\nAfter=network.target\n[Service]\nExecStart=/usr/bin/rsync --daemon --no-detach\n";
const CONFIGURATION: &str =
    "[home]\npath = /home/joe\n[inbox]\npath = /usr/local/in\nread only = no\n[data]\npath = /srv/data\n";

/// A machine with a unit and what its process is to see.
fn hardened(lines: &str, theirs: &str) -> Machine {
    let machine = Machine::new(&[
        ("/etc/rsyncd.conf", CONFIGURATION),
        ("/usr/lib/systemd/system/rsync.service", UNIT),
        ("/proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"),
    ]);
    machine.write(
        "/etc/systemd/system/rsync.service.d/hard.conf",
        &format!("[Service]\n{lines}\n"),
    );
    machine.write(
        "/proc/7/mountinfo",
        &format!("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n{theirs}"),
    );
    for module in ["home/joe", "usr/local/in", "srv/data"] {
        machine.write(&format!("/{module}/file"), "x");
    }
    machine
}

fn examined(machine: &Machine) -> Found {
    let modules = [
        module("home", "/home/joe", false),
        module("inbox", "/usr/local/in", true),
        module("data", "/srv/data", false),
    ];
    machine.found(&modules, |subjects, found| {
        let views = views::look(subjects, found);
        unit::look(
            subjects,
            Release::CURRENT,
            jiff::civil::date(2026, 11, 22),
            &views,
            found,
        );
    })
}

#[test]
fn lines_of_the_unit_are_compared_with_what_the_process_sees() {
    let read_only = "2 1 8:1 /usr /usr ro - ext4 /dev/sda1 rw\n";
    let found = examined(&hardened("ProtectSystem=full", read_only));
    assert_eq!(rules(&found), [("RSY703", "inbox".to_owned())]);
    assert_eq!(found.causes[0].urgency, Urgency::Now);
    assert!(matches!(found.causes[0].told, Told::Finding(..)));
    assert!(
        found
            .facts
            .contains(&Confined::Unit("rsync.service".to_owned(), 2))
    );
    let differs = Confined::Differs("inbox".to_owned(), "/usr/local/in".into(), Difference::ReadOnly);
    assert!(found.facts.contains(&differs));
    // The line came after the start.
    let found = examined(&hardened("ProtectSystem=full", ""));
    assert_eq!(rules(&found), [("RSY703", "inbox".to_owned())]);
    assert_eq!(found.causes[0].urgency, Urgency::Later);
    // No line says why.
    let found = examined(&hardened("Nice=5", read_only));
    assert_eq!(rules(&found), [("RSY798", "inbox".to_owned())]);
    assert_eq!(found.causes[0].variant, Some("read-only"));
    let found = examined(&hardened("Nice=5", ""));
    assert_eq!(rules(&found), []);
}

#[test]
fn units_are_read_where_no_process_tells_of_them() {
    let machine = hardened("ProtectHome=yes", "");
    let mut found = Found::default();
    let file = Path::new("/etc/rsyncd.conf");
    unit::look_alone(
        &machine,
        file,
        Release::CURRENT,
        jiff::civil::date(2026, 11, 22),
        &mut found,
    );
    assert_eq!(rules(&found), [("RSY702", "home".to_owned())]);
    assert_eq!(found.facts, [Confined::Unit("rsync.service".to_owned(), 2)]);
    let mut found = Found::default();
    let empty = Machine::new(&[("/etc/rsyncd.conf", CONFIGURATION)]);
    unit::look_alone(
        &empty,
        file,
        Release::CURRENT,
        jiff::civil::date(2026, 11, 22),
        &mut found,
    );
    assert!(found.facts.is_empty() && found.causes.is_empty());
}

#[test]
fn capabilities_that_a_unit_leaves_out_are_missing_in_the_process() {
    let machine = hardened("CapabilityBoundingSet=CAP_SYS_CHROOT CAP_SETGID", "");
    let status = "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t0\nNoNewPrivs:\t1\nSeccomp:\t2\n\
        CapEff:\t0000000000040040\nCapBnd:\t0000000000040040\n";
    machine.write("/proc/7/status", status);
    let found = machine.found(&[module("data", "/srv/data", false)], |subjects, found| {
        rights::look(subjects, found);
    });
    assert_eq!(rules(&found), [("RSY719", "data".to_owned())]);
    let cause: &Cause = &found.causes[0];
    assert_eq!(
        cause.argument("capability").map(String::as_str),
        Some("CAP_SETUID")
    );
    assert_eq!(cause.severity, Severity::Error);
    let is_told = |fact| found.facts.contains(&fact);
    assert!(is_told(Confined::NoNewPrivileges) && is_told(Confined::Filtered));
}

#[test]
fn limits_of_the_daemons_own_group_are_told() {
    let group = "/sys/fs/cgroup/system.slice/rsync.service";
    let file = |name: &str| format!("{group}/{name}");
    let told = |own: &[(&str, &str)], other: &str| {
        let machine = Machine::new(&[
            ("/proc/7/cgroup", "0::/system.slice/rsync.service\n"),
            ("/proc/7/comm", "rsync\n"),
            ("/proc/8/comm", other),
            ("/sys/fs/cgroup/cgroup.controllers", "memory pids\n"),
            (&file("cgroup.procs"), "7\n8\n"),
        ]);
        for (name, text) in own {
            machine.write(&file(name), text);
        }
        let found = machine.found(&[], groups::look);
        let causes = found.causes.iter();
        causes
            .map(|cause| (cause.variant.unwrap_or_default(), cause.urgency))
            .collect::<Vec<_>>()
    };
    let full = [("pids.max", "5\n"), ("pids.current", "5\n")];
    assert_eq!(told(&full, "sh\n"), [("group-processes", Urgency::Now)]);
    let was_full = [
        ("pids.max", "5\n"),
        ("pids.current", "2\n"),
        ("pids.events", "max 3\n"),
    ];
    assert_eq!(told(&was_full, "rsync\n"), [("group-processes", Urgency::Lately)]);
    assert_eq!(told(&was_full, "sh\n"), []);
    let killed = [
        ("memory.max", "67108864\n"),
        ("memory.events", "oom 4\noom_kill 2\n"),
    ];
    assert_eq!(told(&killed, "rsync\n"), [("group-memory", Urgency::Lately)]);
    assert_eq!(told(&killed, "bash\n"), []);
    assert_eq!(
        told(&[("memory.max", "67108864\n"), ("pids.max", "max\n")], "rsync\n"),
        []
    );
}
