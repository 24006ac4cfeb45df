use crate::{
    catalog::Language,
    doctor::{ClientFact, Limit, Room, Skip, Watcher},
    probe::State,
    render::{
        probe::{facts, reason, step_name},
        words::pick,
    },
};

/// Why a stage of a client is left out.
pub(super) fn skip(why: Skip, language: Language) -> &'static str {
    match why {
        Skip::LineUnread => pick(
            language,
            "the words of the command line are not known",
            "不知道命令行里究竟是什么",
        ),
        Skip::FromInput => pick(
            language,
            "the password is read from standard input",
            "密码从标准输入读取",
        ),
        Skip::RemoteShell => pick(
            language,
            "the command line goes through a remote shell; the doctor talks to daemons",
            "这个命令行通过远程 shell；医生只与守护进程对话",
        ),
        Skip::NoServer => pick(
            language,
            "the command line names no other machine",
            "命令行里没有另一台机器",
        ),
        Skip::NoFilesHere => pick(
            language,
            "the command line has no file of this machine",
            "命令行里没有本机的文件",
        ),
        Skip::NoWatcher => pick(
            language,
            "neither sersync nor lsyncd nor inotifywait runs here",
            "本机没有运行 sersync、lsyncd 或 inotifywait",
        ),
        Skip::NotConnected => pick(language, "the dry run did not get to its end", "试运行没有完成"),
        Skip::NotAsked => pick(
            language,
            "the command line mirrors no folder, or deletes by itself",
            "这个命令行不镜像目录，或者本身就会删除",
        ),
        _ => pick(
            language,
            "the server does not let clients delete, so it does not tell",
            "服务器不允许客户端删除，因此无从得知",
        ),
    }
}

/// What was seen of a client.
pub(super) fn fact(fact: &ClientFact, language: Language) -> String {
    let zh = language == Language::Chinese;
    match fact {
        ClientFact::Line(line, 0, 0) => line.clone(),
        ClientFact::Line(line, errors, warnings) if zh => {
            format!("{line}：{errors} 个错误，{warnings} 个警告")
        }
        ClientFact::Line(line, errors, warnings) => {
            format!("{line}: errors {errors}, warnings {warnings}")
        }
        ClientFact::PasswordFile(path, metadata) if zh => {
            format!(
                "{}：权限 {:o}，属主 {}",
                path.display(),
                metadata.mode,
                metadata.uid
            )
        }
        ClientFact::PasswordFile(path, metadata) => {
            format!(
                "{}: mode {:o}, owner {}",
                path.display(),
                metadata.mode,
                metadata.uid
            )
        }
        ClientFact::NoPasswordFile => {
            pick(language, "the command line names none", "命令行没有指定密码文件").to_owned()
        }
        ClientFact::Probed(stage) => {
            let name = step_name(stage.step, language);
            let lines = match stage.state {
                State::Skipped(why) => reason(why, language).to_owned(),
                _ => facts(stage, language).join("; "),
            };
            let failed = match (stage.state == State::Failed, zh) {
                (true, true) => "失败",
                (true, false) => " fails",
                (false, _) => "",
            };
            let colon = pick(language, ": ", "：");
            match lines.is_empty() {
                true => format!("{name}{failed}"),
                false => format!("{name}{failed}{colon}{lines}"),
            }
        }
        ClientFact::Route(to, Some(from)) if zh => format!("到 {} 从 {from} 出去", to.ip()),
        ClientFact::Route(to, Some(from)) => format!("packets to {} leave from {from}", to.ip()),
        ClientFact::Route(to, None) if zh => format!("没有到 {} 的路由", to.ip()),
        ClientFact::Route(to, None) => format!("there is no route to {}", to.ip()),
        ClientFact::NotCarriedOut(reason) if zh => format!("没有尝试：{reason}"),
        ClientFact::NotCarriedOut(reason) => format!("not tried: {reason}"),
        ClientFact::NotFinished(seconds) if zh => {
            format!("试运行在 {seconds} 秒内没有结束；在那之前一切正常")
        }
        ClientFact::NotFinished(seconds) => {
            format!("the dry run was not done within {seconds} seconds; until then all was well")
        }
        ClientFact::Room(room) => room_words(room, zh),
        ClientFact::Source(path) if zh => format!("{} 存在", path.display()),
        ClientFact::Source(path) => format!("{} is there", path.display()),
        ClientFact::Leftover(0) => pick(
            language,
            "the destination has nothing that the source lacks",
            "目标里没有源端已不存在的文件",
        )
        .to_owned(),
        ClientFact::Leftover(count) if zh => format!("目标里有 {count} 项在源端已不存在"),
        ClientFact::Leftover(1) => "1 entry of the destination is no longer at the source".to_owned(),
        ClientFact::Leftover(count) => {
            format!("{count} entries of the destination are no longer at the source")
        }
        ClientFact::Watches(watcher) => watches(watcher, zh),
        ClientFact::Limit(limit) => limit_words(limit, zh),
    }
}

fn room_words(room: &Room, zh: bool) -> String {
    let path = room.path.display();
    let (free, used) = (room.free >> 20, room.used());
    match (room.entries, zh) {
        (Some(entries), true) => format!("{path}：剩余 {free} MiB（已用 {used} %），还可新建 {entries} 项"),
        (None, true) => format!("{path}：剩余 {free} MiB（已用 {used} %）"),
        (Some(entries), false) => {
            format!("{path}: {free} MiB free ({used} % used), room for {entries} more entries")
        }
        (None, false) => format!("{path}: {free} MiB free ({used} % used)"),
    }
}

fn watches(watcher: &Watcher, zh: bool) -> String {
    let Watcher { process, program, .. } = watcher;
    let file = watcher
        .configuration
        .as_ref()
        .map(|file| file.display().to_string());
    let mut parts = vec![match zh {
        true => format!("{program}（进程 {process}）"),
        false => format!("{program} (process {process})"),
    }];
    parts.extend(file.map(|file| match zh {
        true => format!("配置 {file}"),
        false => format!("with {file}"),
    }));
    parts.push(match (watcher.watches, zh) {
        (Some(count), true) => format!("使用 {count} 个监视点"),
        (Some(count), false) => format!("watches in use: {count}"),
        (None, true) => "使用多少监视点只有 root 能看到".to_owned(),
        (None, false) => "only root may see how many watches it has".to_owned(),
    });
    parts.join(if zh { "，" } else { ", " })
}

fn limit_words(limit: &Limit, zh: bool) -> String {
    let Limit { name, used, most, .. } = limit;
    match (limit.is_partial, zh) {
        (false, true) => format!("{name}：已用 {used}，上限 {most}"),
        (true, true) => format!("{name}：看得到的已用 {used}，上限 {most}"),
        (false, false) => format!("{name}: {used} of {most} used"),
        (true, false) => format!("{name}: {used} of {most} used, as far as can be seen"),
    }
}
