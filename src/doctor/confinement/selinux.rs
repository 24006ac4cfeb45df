//! SELinux: the daemon's domain, the labels of the modules' folders, the booleans, and what was denied.

use std::path::Path;

use crate::{
    catalog::Confidence,
    doctor::{
        Cause, Urgency,
        confinement::{
            Confined, Found, Subjects,
            denials::{By, Denials, Denied},
        },
        paths::Served,
    },
    host::Host,
    model::Parameter,
};

/// Where the kernel tells of it.
const FOLDER: &str = "/sys/fs/selinux";
/// The domain that the policy has rules for.
const DOMAIN: &str = "rsync_t";
/// The attribute that holds a label.
const ATTRIBUTE: &str = "security.selinux";
/// Labels that the daemon may read (the targeted policy of Fedora, rsync.te).
const READABLE: [&str; 3] = ["public_content_rw_t", "public_content_t", "rsync_data_t"];
/// Labels that other services need, and that are better left as they are.
const OF_OTHERS: [&str; 6] = ["httpd", "samba", "user_home", "mysqld", "postgresql", "container"];

/// Where homes are.
const HOMES: [&str; 2] = ["/home", "/root"];

/// Whether it runs on the machine.
pub(super) fn runs(subjects: &Subjects<'_>) -> bool {
    text(subjects.host, &format!("{FOLDER}/enforce")).is_some()
}

pub(super) fn look(subjects: &Subjects<'_>, denials: &Denials, found: &mut Found) {
    let Some(enforced) = text(subjects.host, &format!("{FOLDER}/enforce")) else {
        return;
    };
    let is_enforced = enforced == "1";
    let domain = subjects.text("attr/current");
    let domain = domain.as_deref().and_then(kind).unwrap_or_default();
    if domain != DOMAIN {
        found.facts.push(Confined::Unconfined(domain));
        return;
    }
    found.facts.push(Confined::Domain(domain, is_enforced));
    if !is_enforced {
        return;
    }
    if let Some((log, reason)) = denials.unseen.as_ref().filter(|_| denials.denied.is_empty()) {
        found.unseen.push((log.display().to_string(), reason.clone()));
    }
    let ours: Vec<&Denied> = denials
        .denied
        .iter()
        .filter(|denied| denied.is_of_daemon())
        .collect();
    if let Some(log) = denials.log.as_ref().filter(|_| !ours.is_empty()) {
        found.facts.push(Confined::Denied(ours.len(), log.clone()));
    }
    for denied in &ours {
        if let Some(port) = denied.port.filter(|_| denied.access.contains("name_bind")) {
            let facts = vec![denied.shown()];
            let cause = subjects.cause_at("RSY855", vec![("port", port.to_string())], facts);
            found.causes.push(cause.of_kind("port").at(Urgency::Lately));
        }
    }
    found.causes.extend(of_files(subjects, &ours));
    let rules = Rules::read(subjects.host);
    for module in subjects.modules {
        let label = label(subjects.view, &module.path);
        let denied = ours
            .iter()
            .find(|denied| denied.is_about(module, label.as_deref()));
        let is_denied = label
            .as_deref()
            .is_some_and(|label| !rules.lets(label, module.is_writable));
        if let (Some(label), true) = (&label, is_denied) {
            let (name, path) = (module.name.clone(), module.path.clone());
            found.facts.push(Confined::Label(name, path, label.clone()));
        }
        if denied.is_none() && !is_denied {
            continue;
        }
        let label = label.unwrap_or_default();
        let needs_writing = module.is_writable || denied.is_some_and(|denied| denied.is_write());
        let mut facts = vec![format!("{} has the label {label}", module.path.display())];
        facts.extend(denied.map(|denied| denied.shown()));
        let cause = subjects.cause("RSY855", module, Vec::new(), facts);
        let mut cause = cause.typing(commands(module, &label, needs_writing));
        if denied.is_none() {
            // A policy of the machine's own may allow more than the one that everybody has.
            cause.confidence = Confidence::Possible;
            cause.urgency = Urgency::Later;
        }
        found.causes.push(cause);
    }
}

/// What was denied of the daemon's own files, and of none that is known.
fn of_files(subjects: &Subjects<'_>, ours: &[&Denied]) -> Vec<Cause> {
    let mut causes = Vec::new();
    for denied in ours.iter().filter(|denied| denied.port.is_none()) {
        let is_of_module = |module: &Served| {
            let label = label(subjects.view, &module.path);
            denied.is_about(module, label.as_deref())
        };
        let Some(path) = denied.path.as_deref() else {
            continue;
        };
        let file = subjects.file_of(path);
        if file.is_none() && subjects.modules.iter().any(is_of_module) {
            continue;
        }
        let shown = file.map_or_else(|| path.to_owned(), |file| file.path.display().to_string());
        let commands = match file {
            Some(file) => labelled(own_label(file.parameter), &escaped(&shown), &shown, "-v"),
            // Somebody has to look what it is.
            None => vec!["ausearch -m avc -c rsync -ts today".to_owned()],
        };
        let cause = subjects.cause_at("RSY855", vec![("path", shown)], vec![denied.shown()]);
        causes.push(cause.typing(commands).at(Urgency::Lately));
    }
    causes
}

/// The label that the policy has for a file of the daemon's own.
fn own_label(parameter: Parameter) -> &'static str {
    match parameter {
        Parameter::LockFile | Parameter::PidFile => "rsync_var_run_t",
        Parameter::LogFile => "rsync_log_t",
        _ => "rsync_etc_t",
    }
}

fn labelled(kind: &str, pattern: &str, path: &str, options: &str) -> Vec<String> {
    vec![
        format!("semanage fcontext -a -t {kind} {}", shell_words::quote(pattern)),
        format!("restorecon {options} {}", shell_words::quote(path)),
    ]
}

impl Denied {
    fn is_of_daemon(&self) -> bool {
        matches!(&self.by, By::Selinux { domain, .. } if domain == DOMAIN)
    }

    /// Whether it was denied something of a module: by its path, or, where the log has a name alone, by the label.
    fn is_about(&self, module: &Served, label: Option<&str>) -> bool {
        let By::Selinux { label: own, .. } = &self.by else {
            return false;
        };
        match &self.path {
            Some(path) if path.starts_with('/') && path != "/" => {
                let path = Path::new(path);
                path.starts_with(&module.path)
            }
            _ => self.port.is_none() && label == Some(own),
        }
    }

    /// In English.
    fn shown(&self) -> String {
        let what = self
            .path
            .as_ref()
            .map_or_else(String::new, |path| format!(" of {path}"));
        let port = self.port.map_or_else(String::new, |port| format!(" port {port}"));
        let label = match &self.by {
            By::Selinux { label, .. } => label,
            By::Apparmor(profile) => profile,
        };
        format!(
            "denied in the last day: {{ {} }}{what}{port}, label {label}",
            self.access
        )
    }
}

/// The booleans that let the daemon do more.
struct Rules {
    reads_all: bool,
    manages_all: bool,
    writes_public: bool,
    writes_data: bool,
}

impl Rules {
    fn read(host: &dyn Host) -> Self {
        // "current pending"
        let is_on = |name: &str| {
            let value = text(host, &format!("{FOLDER}/booleans/{name}"));
            value.is_some_and(|value| value.starts_with('1'))
        };
        Self {
            reads_all: is_on("rsync_export_all_ro"),
            manages_all: is_on("rsync_full_access"),
            writes_public: is_on("rsync_anon_write"),
            writes_data: is_on("rsync_client"),
        }
    }

    /// Whether the daemon may use what has a label.
    fn lets(&self, label: &str, writes: bool) -> bool {
        let may_read = self.reads_all || READABLE.contains(&label);
        let may_write = match label {
            "public_content_rw_t" => self.writes_public,
            "rsync_data_t" => self.writes_data,
            _ => false,
        };
        self.manages_all || (may_read && (!writes || may_write))
    }
}

/// What lets the daemon in: a label for it, or a boolean where the files belong to another service as well.
fn commands(module: &Served, label: &str, writes: bool) -> Vec<String> {
    let path = module.path.display().to_string();
    let is_of_others = is_of_others(label, &module.path);
    let is_labelled = READABLE.contains(&label);
    match (is_of_others, writes) {
        (true, true) => vec!["setsebool -P rsync_full_access on".to_owned()],
        (true, false) => vec!["setsebool -P rsync_export_all_ro on".to_owned()],
        (false, true) if label == "rsync_data_t" => vec!["setsebool -P rsync_client on".to_owned()],
        (false, _) => {
            let kind = if writes {
                "public_content_rw_t"
            } else {
                "public_content_t"
            };
            let pattern = format!("{}(/.*)?", escaped(&path));
            let mut commands = Vec::new();
            if !is_labelled || (writes && label != kind) {
                commands.extend(labelled(kind, &pattern, &path, "-Rv"));
            }
            if writes {
                commands.push("setsebool -P rsync_anon_write on".to_owned());
            }
            commands
        }
    }
}

/// Whether another service needs the label of a folder. What was moved out of a home keeps the label that it had there, and what
/// a web server only reads it reads with the public label too (miscfiles_read_public_files in apache.te).
fn is_of_others(label: &str, path: &Path) -> bool {
    let is_at_home = HOMES.iter().any(|home| path.starts_with(home));
    let is_moved = label.starts_with("user_home") && !is_at_home;
    let is_public = label == "httpd_sys_content_t";
    !is_moved && !is_public && OF_OTHERS.iter().any(|other| label.starts_with(other))
}

/// A path as a regular expression that means it.
fn escaped(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for letter in path.chars() {
        if ".^$*+?()[]{}|\\".contains(letter) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

/// The type of what is at a path.
fn label(host: &dyn Host, path: &Path) -> Option<String> {
    let bytes = host.attribute(path, ATTRIBUTE).ok()??;
    kind(String::from_utf8_lossy(&bytes).trim_end_matches('\0'))
}

/// The type of a context: `system_u:system_r:rsync_t:s0`.
fn kind(context: &str) -> Option<String> {
    context.split(':').nth(2).map(str::to_owned)
}

fn text(host: &dyn Host, path: &str) -> Option<String> {
    let bytes = host.read(Path::new(path)).ok()??;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}
