use crate::{
    catalog::Language,
    doctor::{Confined, Difference},
    render::words::pick,
};

/// What confines the daemon.
pub(super) fn fact(fact: &Confined, language: Language) -> String {
    let zh = language == Language::Chinese;
    match fact {
        Confined::Free => pick(
            language,
            "nothing confines the daemon: no unit, no mounts of its own, no SELinux or AppArmor",
            "守护进程没有受到限制：没有 unit，没有自己的挂载，没有 SELinux 或 AppArmor",
        )
        .to_owned(),
        Confined::Unit(name, 0) if zh => format!("属于 {name}，没有找到它的文件"),
        Confined::Unit(name, 0) => format!("it belongs to {name}, of which no file was found"),
        Confined::Unit(name, files) if zh => format!("{name}：读取了 {files} 个文件"),
        Confined::Unit(name, 1) => format!("{name}: 1 file was read"),
        Confined::Unit(name, files) => format!("{name}: {files} files were read"),
        Confined::Container => pick(
            language,
            "the daemon is in a container, with files of its own",
            "守护进程在容器中，有自己的文件",
        )
        .to_owned(),
        Confined::OwnMounts => pick(
            language,
            "the daemon has mounts of its own",
            "守护进程有自己的挂载",
        )
        .to_owned(),
        Confined::Differs(module, path, difference) => {
            let path = path.display();
            let how = how(*difference, language);
            match zh {
                true => format!("[{module}] 对守护进程来说 {path} {how}"),
                false => format!("[{module}] for the daemon {path} {how}"),
            }
        }
        Confined::Limited(limit) if zh => format!("它的一个资源上限太低：{limit}"),
        Confined::Limited(limit) => format!("a limit of its process is too low: {limit}"),
        Confined::Group(folder, limit) if zh => {
            format!("它的 cgroup 达到过上限：{}，{limit}", folder.display())
        }
        Confined::Group(folder, limit) => {
            format!(
                "its control group has met its limit: {}, {limit}",
                folder.display()
            )
        }
        Confined::WithoutUser(account) if zh => format!("它的用户命名空间里没有 {account}"),
        Confined::WithoutUser(account) => format!("its user namespace does not have {account}"),
        Confined::Lacks(names) if zh => format!("它是 root，但没有 {}", names.join("、")),
        Confined::Lacks(names) => format!("it is root without {}", names.join(", ")),
        Confined::NoNewPrivileges if zh => "它启动的程序不能获得更多权限（NoNewPrivileges）".to_owned(),
        Confined::NoNewPrivileges => {
            "no program that it starts gets more rights (NoNewPrivileges)".to_owned()
        }
        Confined::Filtered if zh => "它的系统调用经过过滤（seccomp）".to_owned(),
        Confined::Filtered => "its system calls are filtered (seccomp)".to_owned(),
        Confined::Domain(domain, true) if zh => format!("SELinux 强制执行，守护进程的域是 {domain}"),
        Confined::Domain(domain, true) => {
            format!("SELinux is enforcing, and the daemon's domain is {domain}")
        }
        Confined::Domain(domain, false) if zh => {
            format!("SELinux 只记录、不拒绝（permissive），守护进程的域是 {domain}")
        }
        Confined::Domain(domain, false) => {
            format!("SELinux is permissive and denies nothing; the daemon's domain is {domain}")
        }
        Confined::Unconfined(domain) => {
            let domain = match &**domain {
                "" => pick(language, "of no name", "没有名字"),
                domain => domain,
            };
            match zh {
                true => format!("守护进程的 SELinux 域是 {domain}，不受 rsync 规则限制"),
                false => format!("SELinux has no rules of rsync for the daemon: its domain is {domain}"),
            }
        }
        Confined::Label(module, path, label) => {
            let path = path.display();
            match zh {
                true => format!("[{module}] {path} 的标签是 {label}，策略不允许 rsync_t 这样使用"),
                false => format!(
                    "[{module}] {path} has the label {label}, which the policy does not give to rsync_t"
                ),
            }
        }
        Confined::Profile(name, true) if zh => format!("AppArmor 配置 {name}，强制执行"),
        Confined::Profile(name, true) => format!("the AppArmor profile {name} is enforced"),
        Confined::Profile(name, false) if zh => format!("AppArmor 配置 {name} 没有强制执行"),
        Confined::Profile(name, false) => format!("the AppArmor profile {name} is not enforced"),
        Confined::Denied(count, log) if zh => format!("{}：最近一天拒绝了 {count} 种访问", log.display()),
        Confined::Denied(1, log) => format!("{}: 1 kind of access was denied in the last day", log.display()),
        Confined::Denied(count, log) => {
            format!(
                "{}: {count} kinds of access were denied in the last day",
                log.display()
            )
        }
    }
}

fn how(difference: Difference, language: Language) -> &'static str {
    match difference {
        Difference::Missing => pick(language, "is not there", "不存在"),
        Difference::Empty => pick(language, "is empty", "是空的"),
        Difference::Other => pick(language, "is another folder", "是另一个目录"),
        Difference::ReadOnly => pick(language, "is read-only", "是只读的"),
    }
}
