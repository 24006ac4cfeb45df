//! The limits of control groups (cgroups(7)): those of systemd's units and of containers.

use std::path::{Path, PathBuf};

use crate::host::{Fact, Host};

/// Where the file systems of control groups are.
const ROOT: &str = "/sys/fs/cgroup";
/// Where that of the second version is beside those of the first.
const UNIFIED: &str = "/sys/fs/cgroup/unified";
/// Without a limit the first version shows the largest number of pages that fits.
const NO_LIMIT: u64 = 1 << 62;
/// So deep is no group.
const DEEPEST: usize = 64;

/// What a control group may have.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Resource {
    /// Bytes of memory.
    Memory,
    /// Processes and threads.
    Processes,
}

/// A limit of a control group that a process is in, or of one above it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupLimit {
    /// What is limited.
    pub resource: Resource,
    /// The folder of the group.
    pub folder: PathBuf,
    /// Whether the process is in that group itself, and not in one below it.
    pub is_own: bool,
    /// So much it may have.
    pub limit: u64,
    /// So much it has.
    pub used: u64,
    /// How often that was not enough: processes that were killed, or that were not started.
    pub missed: u64,
}

/// The limits of the groups that a process is in, closest first.
///
/// # Errors
/// The reason why nobody knows the groups.
pub fn group_limits(host: &dyn Host, process: u32) -> Fact<Vec<GroupLimit>> {
    let table = host.read(Path::new(&format!("/proc/{process}/cgroup")))?;
    let table = String::from_utf8_lossy(&table.unwrap_or_default()).into_owned();
    let mut found = Vec::new();
    for line in table.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(group)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let has = |name: &str| controllers.split(',').any(|controller| controller == name);
        // A group outside of what we see is none that we can read.
        let group = group.trim_start_matches('/');
        let group = if group.starts_with("..") { "" } else { group };
        if controllers.is_empty() {
            let is_only = matches!(
                host.metadata(&Path::new(ROOT).join("cgroup.controllers"), true),
                Ok(Some(_))
            );
            let root = Path::new(if is_only { ROOT } else { UNIFIED });
            climb(root, group, |folder, is_own| {
                found.extend(memory(host, folder, is_own));
                found.extend(processes(host, folder, is_own));
            });
        } else if has("memory") {
            let root = Path::new(ROOT).join("memory");
            climb(&root, group, |folder, is_own| {
                found.extend(memory_of_first(host, folder, is_own));
            });
        } else if has("pids") {
            let root = Path::new(ROOT).join("pids");
            climb(&root, group, |folder, is_own| {
                found.extend(processes(host, folder, is_own));
            });
        }
    }
    Ok(found)
}

/// Looks at a group, and at each above it.
fn climb(root: &Path, group: &str, mut look: impl FnMut(&Path, bool)) {
    let own = root.join(group);
    let above = own.ancestors().take_while(|folder| folder.starts_with(root));
    for (index, folder) in above.take(DEEPEST).enumerate() {
        look(folder, index == 0);
    }
}

fn memory(host: &dyn Host, folder: &Path, is_own: bool) -> Option<GroupLimit> {
    Some(GroupLimit {
        resource: Resource::Memory,
        folder: folder.to_owned(),
        is_own,
        limit: number(host, &folder.join("memory.max"))?,
        used: number(host, &folder.join("memory.current")).unwrap_or(0),
        missed: field(host, &folder.join("memory.events"), "oom_kill"),
    })
}

/// That of the first version; older kernels do not count what they killed.
fn memory_of_first(host: &dyn Host, folder: &Path, is_own: bool) -> Option<GroupLimit> {
    let limit = number(host, &folder.join("memory.limit_in_bytes"))?;
    (limit < NO_LIMIT).then(|| GroupLimit {
        resource: Resource::Memory,
        folder: folder.to_owned(),
        is_own,
        limit,
        used: number(host, &folder.join("memory.usage_in_bytes")).unwrap_or(0),
        missed: field(host, &folder.join("memory.oom_control"), "oom_kill"),
    })
}

fn processes(host: &dyn Host, folder: &Path, is_own: bool) -> Option<GroupLimit> {
    Some(GroupLimit {
        resource: Resource::Processes,
        folder: folder.to_owned(),
        is_own,
        limit: number(host, &folder.join("pids.max"))?,
        used: number(host, &folder.join("pids.current")).unwrap_or(0),
        missed: field(host, &folder.join("pids.events"), "max"),
    })
}

fn text(host: &dyn Host, file: &Path) -> Option<String> {
    let bytes = host.read(file).ok()??;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// `max` is no number.
fn number(host: &dyn Host, file: &Path) -> Option<u64> {
    text(host, file)?.trim().parse().ok()
}

fn field(host: &dyn Host, file: &Path, name: &str) -> u64 {
    let text = text(host, file).unwrap_or_default();
    let mut pairs = text.lines().filter_map(|line| line.split_once(' '));
    let found = pairs.find(|(key, _)| *key == name);
    found
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{GroupLimit, Resource, group_limits};
    use crate::host::Image;

    fn limits(group: &str, files: &[(&str, &str)]) -> Vec<GroupLimit> {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in [("proc/7/cgroup", group)].iter().chain(files) {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        group_limits(&Image::new(root.path()), 7).expect("groups")
    }

    fn limit(resource: Resource, folder: &str, is_own: bool, numbers: [u64; 3]) -> GroupLimit {
        let [limit, used, missed] = numbers;
        GroupLimit {
            resource,
            folder: PathBuf::from(folder),
            is_own,
            limit,
            used,
            missed,
        }
    }

    #[test]
    fn limits_of_a_unit_and_of_those_above_are_read() {
        let group = "sys/fs/cgroup/system.slice/rsync.service";
        let file = |name: &str| format!("{group}/{name}");
        let found = limits(
            "0::/system.slice/rsync.service\n",
            &[
                ("sys/fs/cgroup/cgroup.controllers", "memory pids\n"),
                (&file("memory.max"), "67108864\n"),
                (&file("memory.current"), "4096\n"),
                (&file("memory.events"), "low 0\noom 5\noom_kill 3\n"),
                (&file("pids.max"), "max\n"),
                ("sys/fs/cgroup/system.slice/pids.max", "20\n"),
                ("sys/fs/cgroup/system.slice/pids.current", "20\n"),
                ("sys/fs/cgroup/system.slice/pids.events", "max 9\n"),
                ("sys/fs/cgroup/system.slice/memory.max", "max\n"),
            ],
        );
        let memory = limit(
            Resource::Memory,
            &format!("/{group}"),
            true,
            [67_108_864, 4096, 3],
        );
        let above = Path::new("/sys/fs/cgroup/system.slice");
        let processes = limit(Resource::Processes, &above.to_string_lossy(), false, [20, 20, 9]);
        assert_eq!(found, [memory, processes]);
    }

    #[test]
    fn limits_of_the_first_version_and_of_a_container_are_read() {
        let found = limits(
            "9:pids:/a\n4:cpu,memory:/a/b\n1:name=systemd:/\n0::/\nnonsense\n",
            &[
                ("sys/fs/cgroup/pids/a/pids.max", "2\n"),
                ("sys/fs/cgroup/pids/a/pids.current", "2\n"),
                (
                    "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
                    "9223372036854771712\n",
                ),
                // That of the container, whose own group is the root of what it sees.
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n"),
                (
                    "sys/fs/cgroup/memory/memory.oom_control",
                    "under_oom 0\noom_kill 1\n",
                ),
            ],
        );
        let processes = limit(Resource::Processes, "/sys/fs/cgroup/pids/a", true, [2, 2, 0]);
        let memory = limit(Resource::Memory, "/sys/fs/cgroup/memory", false, [1000, 0, 1]);
        assert_eq!(found, [processes, memory]);
        assert_eq!(limits("", &[]), []);
        assert_eq!(limits("0::/../x\n", &[]), []);
    }
}
