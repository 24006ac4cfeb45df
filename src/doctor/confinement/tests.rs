//! Machines that the tests' kernel is none of: with SELinux, AppArmor, units of systemd.

mod units;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{
    Cause, Confined, DaemonFile, Difference, Found, Served, Subjects, apparmor, denials::Denials, groups,
    rights, selinux, unit, views,
};
use crate::{
    catalog::{Confidence, Severity},
    doctor::{Told, Urgency},
    host::{Fact, Host, Image, Metadata, User, trial::Identity},
    model::Parameter,
    terms::Release,
};

/// A machine of files, with attributes that our own file system may not take.
struct Machine {
    folder: TempDir,
    image: Image,
    labels: BTreeMap<PathBuf, String>,
}

const NOW: i64 = 1_763_721_700;

impl Machine {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let machine = Self {
            image: Image::new(folder.path()),
            folder,
            labels: BTreeMap::new(),
        };
        for (path, text) in files {
            machine.write(path, text);
        }
        machine
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
    }

    fn label(mut self, path: &str, kind: &str) -> Self {
        self.labels
            .insert(PathBuf::from(path), format!("system_u:object_r:{kind}:s0\0"));
        self
    }

    /// What a part finds about modules.
    fn found(&self, modules: &[Served], look: impl FnOnce(&Subjects<'_>, &mut Found)) -> Found {
        let file = Path::new("/etc/rsyncd.conf");
        let subjects = Subjects {
            host: self,
            view: self,
            is_contained: false,
            process: 7,
            unit: Some("rsync.service"),
            restart: "systemctl restart rsync.service".to_owned(),
            file,
            modules,
            files: &[DaemonFile {
                parameter: Parameter::SecretsFile,
                path: "/etc/rsyncd.secrets".into(),
                module: None,
            }],
            now: NOW,
        };
        let mut found = Found::default();
        look(&subjects, &mut found);
        found
    }

    fn selinux(&self, modules: &[Served]) -> Found {
        self.found(modules, |subjects, found| {
            selinux::look(subjects, &Denials::read(subjects), found);
        })
    }
}

impl Host for Machine {
    fn metadata(&self, path: &Path, follow: bool) -> Fact<Option<Metadata>> {
        self.image.metadata(path, follow)
    }

    fn read(&self, path: &Path) -> Fact<Option<Vec<u8>>> {
        self.image.read(path)
    }

    fn list(&self, path: &Path) -> Fact<Option<Vec<OsString>>> {
        self.image.list(path)
    }

    fn read_link(&self, path: &Path) -> Fact<PathBuf> {
        self.image.read_link(path)
    }

    fn user(&self, name: &str) -> Fact<Option<User>> {
        self.image.user(name)
    }

    fn group(&self, name: &str) -> Fact<Option<u32>> {
        self.image.group(name)
    }

    fn groups(&self, user: &str) -> Fact<Vec<String>> {
        self.image.groups(user)
    }

    fn attribute(&self, path: &Path, name: &str) -> Fact<Option<Vec<u8>>> {
        let label = self.labels.get(path).filter(|_| name == "security.selinux");
        Ok(label.map(|label| label.clone().into_bytes()))
    }
}

fn module(name: &str, path: &str, is_writable: bool) -> Served {
    let identity = |uid| Identity {
        uid,
        gid: uid,
        groups: vec![uid],
    };
    Served {
        name: name.to_owned(),
        path: path.into(),
        account: "nobody".to_owned(),
        daemon: identity(0),
        user: identity(65_534),
        is_writable,
        is_readable: true,
        is_for_everybody: true,
        insists_on_chroot: false,
        munges_links: false,
        has_filters: false,
    }
}

/// The rules that were found, with their modules.
fn rules(found: &Found) -> Vec<(&str, String)> {
    let causes = found.causes.iter();
    causes
        .map(|cause| {
            (
                cause.page.id,
                cause.argument("module").cloned().unwrap_or_default(),
            )
        })
        .collect()
}

const ENFORCING: [(&str, &str); 2] = [
    ("/sys/fs/selinux/enforce", "1"),
    ("/proc/7/attr/current", "system_u:system_r:rsync_t:s0\0"),
];

#[test]
fn a_label_that_the_daemon_may_not_use() {
    let machine = Machine::new(&ENFORCING)
        .label("/srv/data", "var_t")
        .label("/srv/public", "public_content_t");
    let modules = [
        module("data", "/srv/data", false),
        module("public", "/srv/public", false),
    ];
    let found = machine.selinux(&modules);
    assert_eq!(rules(&found), [("RSY855", "data".to_owned())]);
    let cause = &found.causes[0];
    assert_eq!(
        (cause.urgency, cause.confidence),
        (Urgency::Later, Confidence::Possible)
    );
    assert_eq!(
        cause.commands,
        [
            "semanage fcontext -a -t public_content_t '/srv/data(/.*)?'",
            "restorecon -Rv /srv/data"
        ]
    );
    machine.write("/sys/fs/selinux/booleans/rsync_export_all_ro", "1 1");
    assert_eq!(rules(&machine.selinux(&modules)), []);
}

#[test]
fn a_label_that_clients_may_not_write() {
    let machine = Machine::new(&ENFORCING)
        .label("/srv/in", "public_content_rw_t")
        .label("/srv/own", "rsync_data_t")
        .label("/srv/share", "samba_share_t");
    let modules = [
        module("in", "/srv/in", true),
        module("own", "/srv/own", true),
        module("share", "/srv/share", true),
    ];
    let found = machine.selinux(&modules);
    let commands: Vec<_> = found.causes.iter().map(|cause| &cause.commands[..]).collect();
    assert_eq!(
        commands,
        [
            ["setsebool -P rsync_anon_write on"],
            ["setsebool -P rsync_client on"],
            ["setsebool -P rsync_full_access on"]
        ]
    );
    machine.write("/sys/fs/selinux/booleans/rsync_anon_write", "1 1");
    assert_eq!(machine.selinux(&modules).causes.len(), 2);
    machine.write("/sys/fs/selinux/booleans/rsync_full_access", "1 1");
    assert_eq!(rules(&machine.selinux(&modules)), []);
}

#[test]
fn a_label_of_another_place_is_set_anew_and_one_that_another_service_needs_is_not() {
    let machine = Machine::new(&ENFORCING)
        .label("/srv/moved", "user_home_t")
        .label("/home/joe", "user_home_dir_t")
        .label("/srv/web", "httpd_sys_content_t");
    let modules = [
        module("moved", "/srv/moved", false),
        module("home", "/home/joe", false),
        module("web", "/srv/web", true),
    ];
    let found = machine.selinux(&modules);
    let commands: Vec<_> = found.causes.iter().map(|cause| &*cause.commands[0]).collect();
    assert_eq!(
        commands,
        [
            "semanage fcontext -a -t public_content_t '/srv/moved(/.*)?'",
            "setsebool -P rsync_export_all_ro on",
            "semanage fcontext -a -t public_content_rw_t '/srv/web(/.*)?'",
        ]
    );
}

#[test]
fn what_selinux_denied_is_joined_with_the_module() {
    let log = "type=AVC msg=audit(1763721600.123:456): avc:  denied  { read } for  pid=30320 comm=\"rsync\" name=\"data\" dev=\"dm-0\" ino=131 scontext=system_u:system_r:rsync_t:s0 tcontext=unconfined_u:object_r:default_t:s0 tclass=dir permissive=0\n\
        type=AVC msg=audit(1763721600.123:459): avc:  denied  { name_bind } for  pid=1 comm=\"rsync\" src=8730 scontext=system_u:system_r:rsync_t:s0 tcontext=system_u:object_r:unreserved_port_t:s0 tclass=tcp_socket permissive=0\n";
    let machine = Machine::new(&ENFORCING)
        .label("/data", "default_t")
        .label("/srv/public", "public_content_t");
    machine.write("/var/log/audit/audit.log", log);
    let modules = [
        module("public", "/srv/public", false),
        module("data", "/data", false),
    ];
    let found = machine.selinux(&modules);
    assert_eq!(
        rules(&found),
        [("RSY855", String::new()), ("RSY855", "data".to_owned())]
    );
    assert_eq!(found.causes[0].variant, Some("port"));
    assert_eq!(found.causes[1].urgency, Urgency::Now);
    assert!(
        found
            .facts
            .contains(&Confined::Denied(2, "/var/log/audit/audit.log".into()))
    );
}

#[test]
fn what_was_denied_of_the_daemons_own_files_has_a_label_of_its_own() {
    let line = |name: &str| {
        format!(
            "type=AVC msg=audit(1763721600.123:456): avc:  denied  {{ open }} for  pid=3 comm=\"rsync\" {name} scontext=system_u:system_r:rsync_t:s0 tcontext=u:r:etc_t:s0 tclass=file permissive=0\n"
        )
    };
    let log = [line("path=\"/etc/rsyncd.secrets\""), line("name=\"unheard-of\"")].concat();
    let machine = Machine::new(&ENFORCING).label("/srv/public", "public_content_t");
    machine.write("/var/log/audit/audit.log", &log);
    let found = machine.selinux(&[module("public", "/srv/public", false)]);
    let commands: Vec<_> = found.causes.iter().map(|cause| &*cause.commands[0]).collect();
    assert_eq!(
        commands,
        [
            "semanage fcontext -a -t rsync_etc_t '/etc/rsyncd\\.secrets'",
            "ausearch -m avc -c rsync -ts today"
        ]
    );
    assert!(found.causes.iter().all(|cause| cause.urgency == Urgency::Lately));
}

#[test]
fn without_its_domain_or_enforcement_selinux_denies_nothing() {
    for (enforce, domain) in [
        ("0", "rsync_t"),
        ("1", "unconfined_t"),
        ("1", "unconfined_service_t"),
    ] {
        let machine = Machine::new(&[("/sys/fs/selinux/enforce", enforce)]).label("/srv/data", "var_t");
        machine.write("/proc/7/attr/current", &format!("u:r:{domain}:s0\0"));
        let found = machine.selinux(&[module("data", "/srv/data", true)]);
        assert_eq!(
            (rules(&found), found.facts.len()),
            (vec![], 1),
            "{enforce} {domain}"
        );
    }
    let found = Machine::new(&[]).selinux(&[module("data", "/srv/data", true)]);
    assert!(found.facts.is_empty() && found.causes.is_empty());
}

#[test]
fn what_apparmor_denied_is_joined_with_the_module() {
    let line = "Nov 21 10:40:00 host kernel: audit: type=1400 audit(1763721600.123:45): apparmor=\"DENIED\" operation=\"mknod\" profile=\"/usr/bin/rsync\" name=\"/srv/data/.a.XyZ\" pid=4711 comm=\"rsync\" requested_mask=\"c\" denied_mask=\"c\" fsuid=65534 ouid=65534\n";
    let modules = [
        module("data", "/srv/data", true),
        module("other", "/srv/data2", true),
    ];
    let look = |mode: &str| {
        let machine = Machine::new(&[("/var/log/kern.log", line)]);
        machine.write("/proc/7/attr/current", &format!("/usr/bin/rsync ({mode})\n"));
        machine.found(&modules, |subjects, found| {
            apparmor::look(subjects, &Denials::read(subjects), found);
        })
    };
    let found = look("enforce");
    assert_eq!(rules(&found), [("RSY779", "data".to_owned())]);
    assert_eq!(
        found.causes[0].commands,
        [
            "printf '%s\\n' '\"/srv/data/\" r,' '\"/srv/data/**\" rwk,' >> /etc/apparmor.d/local/usr.bin.rsync",
            "apparmor_parser -r /etc/apparmor.d/usr.bin.rsync"
        ]
    );
    assert_eq!(rules(&look("complain")), []);
    let secrets = line
        .replace("/srv/data/.a.XyZ", "/etc/rsyncd.secrets")
        .replace("denied_mask=\"c\"", "denied_mask=\"r\"");
    let machine = Machine::new(&[("/var/log/kern.log", &secrets)]);
    machine.write("/proc/7/attr/apparmor/current", "rsync (enforce)\n");
    machine.write(
        "/var/log/kern.log",
        &secrets.replace("profile=\"/usr/bin/rsync\"", "profile=\"rsync\""),
    );
    let found = machine.found(&modules, |subjects, found| {
        apparmor::look(subjects, &Denials::read(subjects), found);
    });
    assert_eq!(
        found.causes[0].commands[0],
        "printf '%s\\n' '\"/etc/rsyncd.secrets\" r,' >> /etc/apparmor.d/local/rsync"
    );
}
