//! Facts of the machine in Chinese. Whoever finds one writes it as an English sentence, which programs read too; here are the
//! forms of these sentences. What has no form here stays as it is.

use std::borrow::Cow;

use crate::catalog::Language;

/// Each form with `{}` for what is named, and the same in Chinese with the number of the name in the English form. The first
/// that fits counts, so longer ones come before those that are a part of them.
const FORMS: [(&str, &str); 64] = [
    (
        "no end came within {} seconds, and the doctor waits no longer",
        "{0} 秒内没有结束，不再等待",
    ),
    (
        "the command runs as {}, and we do not: run this as that user, or as root",
        "这条命令以 {0} 的身份运行，而我们不是：请以该用户或 root 运行本命令",
    ),
    (
        "the command runs as {}, whose files nobody can tell from here",
        "这条命令以 {0} 的身份运行，从这里无法判断该用户能使用哪些文件",
    ),
    (
        "{} is enabled, and {} is not there",
        "{0} 已设为开机启动，但 {1} 不存在",
    ),
    ("{} is not there", "{0} 不存在"),
    ("{} does not exist", "{0} 不存在"),
    ("{} cannot be executed", "{0} 不能执行"),
    ("{}: there is no such file", "{0}：没有这个文件"),
    ("{}: it is a folder", "{0}：这是一个目录"),
    ("{}: nobody may execute it", "{0}：任何人都没有执行权限"),
    ("there is no user {}", "没有用户 {0}"),
    (
        "{} is a symbolic link that belongs to uid {}",
        "{0} 是符号链接，属主的 uid 是 {1}",
    ),
    (
        "{} has mode {} and belongs to uid {}",
        "{0} 的权限是 {1}，属主的 uid 是 {2}",
    ),
    (
        "{} of {} that were tried; {} has mode {}, owner {}, group {}, access list {}",
        "试过的 {1} 个中有 {0} 个；{2} 的权限是 {3}，属主 {4}，属组 {5}，访问控制列表 {6}",
    ),
    (
        "{} of {} that were tried; {} has mode {}, owner {}, group {}",
        "试过的 {1} 个中有 {0} 个；{2} 的权限是 {3}，属主 {4}，属组 {5}",
    ),
    (
        "{} has mode {}, owner {}, group {}, access list {}",
        "{0} 的权限是 {1}，属主 {2}，属组 {3}，访问控制列表 {4}",
    ),
    (
        "{} has mode {}, owner {}, group {}",
        "{0} 的权限是 {1}，属主 {2}，属组 {3}",
    ),
    ("{} has mode {}", "{0} 的权限是 {1}"),
    ("{} is in none of them", "{0} 不在其中任何一个目录里"),
    (
        "/etc/fstab lets the boot go on without the mount",
        "/etc/fstab 允许在没有这个挂载的情况下继续启动",
    ),
    ("{} does not answer", "{0} 没有响应"),
    (
        "{} was changed {}, and process {} was started {}",
        "{0} 修改于 {1}，进程 {2} 启动于 {3}",
    ),
    ("{} needs root too", "{0} 也需要 root"),
    (
        "looked at now: what was missing is there",
        "刚才看过：原来缺少的现在有了",
    ),
    ("looked at now: the disk has room", "刚才看过：磁盘有空间"),
    (
        "looked at now: nobody has the port",
        "刚才看过：没有程序占用该端口",
    ),
    (
        "the configuration was changed afterwards, and can be read now",
        "配置之后修改过，现在可以读取",
    ),
    (
        "the configuration does not name it any more",
        "现在的配置不再写它",
    ),
    (
        "the script was changed afterwards, and was not seen to fail since",
        "脚本之后修改过，此后没有见到失败",
    ),
    ("{} is there", "{0} 存在"),
    (
        "the configuration does not refuse it any more",
        "现在的配置不再拒绝它",
    ),
    (
        "the same client was served afterwards, the last one at {}",
        "之后同样的客户端得到了服务，最后一次在 {0}",
    ),
    (
        "{}: {} folders or more, and {} watches",
        "{0}：至少有 {1} 个目录，而只有 {2} 个 watch",
    ),
    (
        "the log shows later that it works, the last time at {}",
        "日志后面显示它又正常了，最后一次在 {0}",
    ),
    (
        "tried now: the module's user may do it, or nothing is there any more",
        "刚才试过：模块的用户可以这样做，或者那里已经没有东西了",
    ),
    ("{} has no rule for {}", "{0} 里没有 {1} 的规则"),
    (
        "denied in the last day: {} of {}, profile {}",
        "最近一天内被拒绝：对 {1} 的 {0} 访问，配置文件 {2}",
    ),
    ("{} has the label {}", "{0} 的标签是 {1}"),
    ("{}: {} of {} MiB are free", "{0}：{2} MiB 中有 {1} MiB 可用"),
    (
        "{}: {} of {} inodes are free",
        "{0}：{2} 个 inode 中有 {1} 个可用",
    ),
    (
        "{}: {} of {} MiB of the quota are left",
        "{0}：配额 {2} MiB 中还剩 {1} MiB",
    ),
    (
        "{}: {} of {} files of the quota are left",
        "{0}：配额 {2} 个文件中还剩 {1} 个",
    ),
    (
        "process {} has the effective capabilities {} of {}",
        "进程 {0} 的有效 capabilities 是 {1}，全部是 {2}",
    ),
    (
        "{} of {} watches of user {} are used",
        "用户 {2} 的 {1} 个监视中已用 {0} 个",
    ),
    (
        "the file system of the destination is {} % full",
        "目标所在的文件系统已用 {0} %",
    ),
    (
        "the file system of {} has no free {}",
        "{0} 所在的文件系统没有剩余的 {1}",
    ),
    ("with --delete would go: {}", "使用 --delete 会删除：{0}"),
    (
        "{} files of {} bytes would come, and {} has {} bytes free, and room for {} more entries",
        "将传来 {0} 个文件共 {1} 字节，而 {2} 只剩 {3} 字节，还能容纳 {4} 个条目",
    ),
    (
        "{} files of {} bytes would come, and {} has {} bytes free",
        "将传来 {0} 个文件共 {1} 字节，而 {2} 只剩 {3} 字节",
    ),
    (
        "rsync (process {}) listens on port {} with {}",
        "rsync（进程 {0}）监听端口 {1}，配置文件是 {2}",
    ),
    (
        "{} (process {}) listens on port {}",
        "{0}（进程 {1}）监听端口 {2}",
    ),
    ("{} is {} of {}, mounted {}", "{0} 是 {2} 的 {1} 挂载，选项 {3}"),
    ("{} is in {}", "{0} 在 {1} 里"),
    (
        "process {} still serves a client of a daemon that has ended",
        "进程 {0} 仍在为一个已结束的守护进程的客户端服务",
    ),
    (
        "process {} has no address but that of loopback",
        "进程 {0} 除回环地址外没有别的地址",
    ),
    (
        "process {} may have {} files open",
        "进程 {0} 最多可以打开 {1} 个文件",
    ),
    (
        "uid {} has {} processes and threads, and may have {}",
        "uid {0} 有 {1} 个进程和线程，上限是 {2}",
    ),
    ("{} (process {}) holds a lock on {}", "{0}（进程 {1}）锁着 {2}"),
    ("{} is {} of {}, and empty", "{0} 是 {2} 的 {1} 挂载，而且是空的"),
    ("{} is a link of {}", "{0} 是属于 {1} 的链接"),
    (
        "{} packets of this machine found no route (OutNoRoutes)",
        "本机有 {0} 个数据包找不到路由（OutNoRoutes）",
    ),
    (
        "getent hosts {}: no answer within {} seconds",
        "getent hosts {0}：{1} 秒内没有答复",
    ),
    (
        "getent ahosts {}: no such name",
        "getent ahosts {0}：没有这个名字",
    ),
    ("{} leads to {}", "{0} 指向 {1}"),
];

/// A fact in a language.
pub(super) fn told(fact: &str, language: Language) -> Cow<'_, str> {
    if language == Language::English {
        return fact.into();
    }
    let known = FORMS.iter().find_map(|(english, chinese)| {
        let names = names(english, fact)?;
        Some(filled(chinese, &names))
    });
    known.map_or_else(|| fact.into(), Cow::from)
}

/// What a form names in a sentence, if it is one of that form.
fn names<'f>(form: &str, fact: &'f str) -> Option<Vec<&'f str>> {
    let mut parts = form.split("{}");
    let mut rest = fact.strip_prefix(parts.next()?)?;
    let mut names = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let at = match parts.peek() {
            // The end of a sentence is the last place where its last words stand.
            None => rest
                .len()
                .checked_sub(part.len())
                .filter(|&at| rest.is_char_boundary(at) && rest.ends_with(part))?,
            Some(_) => rest.find(part)?,
        };
        if at == 0 {
            return None;
        }
        names.push(&rest[..at]);
        rest = &rest[at + part.len()..];
    }
    rest.is_empty().then_some(names)
}

/// A form with its names; names are not searched for other names.
fn filled(form: &str, names: &[&str]) -> String {
    let mut text = String::new();
    let mut parts = form.split('{');
    text += parts.next().unwrap_or_default();
    for part in parts {
        let (number, behind) = part.split_once('}').unwrap_or(("", part));
        let name = number.parse().ok().and_then(|number: usize| names.get(number));
        text += name.copied().unwrap_or_default();
        text += behind;
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{FORMS, names, told};
    use crate::catalog::Language;

    #[test]
    fn each_form_is_told_in_chinese() {
        for (english, chinese) in FORMS {
            let count = english.matches("{}").count();
            for number in 0..count {
                assert!(chinese.contains(&format!("{{{number}}}")), "{chinese}");
            }
            let fact = (0..count).fold(english.to_owned(), |text, number| {
                text.replacen("{}", &format!("/x{number}"), 1)
            });
            let told = told(&fact, Language::Chinese);
            assert!(
                told.contains(|c: char| !c.is_ascii()) && !told.contains('{'),
                "{fact}: {told}"
            );
            for number in 0..count {
                assert!(told.contains(&format!("/x{number}")), "{fact}: {told}");
            }
            // No form in front of it takes the sentence for its own.
            let first = FORMS.iter().find(|(form, _)| names(form, &fact).is_some());
            assert_eq!(first.map(|(form, _)| *form), Some(english));
        }
    }

    #[test]
    fn sentences_as_they_are_found() {
        for (fact, expected) in [
            (
                "/srv/a b has mode 755 and belongs to uid 0",
                "/srv/a b 的权限是 755，属主的 uid 是 0",
            ),
            (
                "/srv/x has mode 755, owner root, group root, access list user:65534:---",
                "/srv/x 的权限是 755，属主 root，属组 root，访问控制列表 user:65534:---",
            ),
            ("/srv: 0 of 16 MiB are free", "/srv：16 MiB 中有 0 MiB 可用"),
            (
                "something that nobody translated",
                "something that nobody translated",
            ),
        ] {
            assert_eq!(told(fact, Language::Chinese), expected);
            assert_eq!(told(fact, Language::English), fact);
        }
    }

    proptest! {
        #[test]
        fn any_sentence_goes_through(fact in "(\\PC|\\{| has mode | of | is not there){0,12}") {
            let _ = told(&fact, Language::Chinese);
        }
    }
}
