//! Why `explain` ranks a cause where it does, in words.

use crate::{
    catalog::Language,
    explain::{Cause, Incident, Reason},
    render::words::pick,
};

/// Why a cause ranks where it does; lines that speak for it in the same way are told together.
pub(super) fn because(cause: &Cause, incident: &Incident, language: Language) -> Vec<String> {
    let mut groups: Vec<(&Reason, Vec<usize>)> = Vec::new();
    for reason in &cause.reasons {
        let alike = groups.iter_mut().find(|(first, _)| is_alike(first, reason));
        match (alike, reason.line()) {
            (Some((_, lines)), Some(line)) => lines.push(line),
            _ => groups.push((reason, reason.line().into_iter().collect())),
        }
    }
    let groups = groups.into_iter();
    groups
        .map(|(reason, lines)| told(reason, &lines, incident, language))
        .collect()
}

/// Whether two reasons differ by their lines alone.
fn is_alike(one: &Reason, other: &Reason) -> bool {
    match (one, other) {
        (Reason::Shared(_, one), Reason::Shared(_, other)) | (Reason::Cut(_, one), Reason::Cut(_, other)) => {
            one == other
        }
        _ => one.line().is_some() && std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

/// `line 3`, `lines 3 and 4`, `lines 3, 4 and 9`
fn lines_in_english(lines: &[usize]) -> String {
    let numbers: Vec<_> = lines.iter().map(usize::to_string).collect();
    match &numbers[..] {
        [most @ .., last] if !most.is_empty() => format!("lines {} and {last}", most.join(", ")),
        _ => format!("line {}", numbers.concat()),
    }
}

fn told(reason: &Reason, lines: &[usize], incident: &Incident, language: Language) -> String {
    let zh = language == Language::Chinese;
    let numbers: Vec<_> = lines.iter().map(usize::to_string).collect();
    let place = match language {
        Language::English => lines_in_english(lines),
        Language::Chinese => format!("第 {} 行", numbers.join("、")),
    };
    let many = lines.len() > 1;
    let (is, sums) = if many { ("are", "sum") } else { ("is", "sums") };
    match reason {
        Reason::Alone(_) if zh => format!("{place}只有这一种原因"),
        Reason::Alone(_) => format!("{place} {is} printed for this cause alone"),
        Reason::Shared(_, count) if zh => format!("{place}有 {count} 种可能的原因"),
        Reason::Shared(_, count) => format!("{place} {is} printed for {count} causes"),
        Reason::Logged(_) if zh => format!("{place}的守护进程日志说明了原因"),
        Reason::Logged(_) => format!("the daemon's log names it in {place}"),
        Reason::Cut(_, count) if zh => format!("{place}被截断，剩下的部分有 {count} 种可能的原因"),
        Reason::Cut(_, count) => format!("{place} {is} cut, and what is left fits {count} causes"),
        Reason::Typed(word) if zh => format!("命令行里写的是 `{word}`"),
        Reason::Typed(word) => format!("the command line has `{word}`"),
        Reason::SumsUp(_) if zh => format!("{place}只是总结，真正的原因在它之前的输出里"),
        Reason::SumsUp(_) => format!("{place} only {sums} up; the cause stands in the lines before"),
        Reason::ExitOnly(code) if incident.is_of_fail_log() && zh => {
            format!(
                "只知道退出码 {code}：sersync 的 `#errno` 是它的 256 倍；手工执行下面那条命令可以看到原因"
            )
        }
        Reason::ExitOnly(code) if incident.is_of_fail_log() => format!(
            "there is only the exit code {code}, of which sersync's `#errno` is 256 times; the command below it, run by hand, tells more"
        ),
        Reason::ExitOnly(code) if zh => format!("只知道退出码 {code}；有用的是它之前的那几行"),
        Reason::ExitOnly(code) => {
            format!("there is only the exit code {code}; the lines before it would tell more")
        }
        Reason::Frequent if zh => "这是其中较常见的".to_owned(),
        Reason::Frequent => "it is one of the more frequent ones".to_owned(),
        Reason::Found(place) if zh => format!("配置里确实有这个问题：{place}"),
        Reason::Found(place) => format!("your configuration has it: {place}"),
        Reason::HasSecret(user, place) if zh => {
            format!("密码文件里有 `{user}` 的行（{place}），用的是别的密码")
        }
        Reason::HasSecret(user, place) => {
            format!("the secrets file has a line for `{user}` ({place}), so it is the password behind it")
        }
        Reason::Default(name) if zh => format!("配置里没有设置 `{name}`，这就是它的默认行为"),
        Reason::Default(name) => format!("your configuration does not set `{name}`, and this is its default"),
        Reason::NoModule(module, file, others) if zh => format!("{file} 里没有 {module}，只有 {others}"),
        Reason::NoModule(module, file, others) => format!("there is no {module} in {file}, but {others}"),
        Reason::NoUser => pick(
            language,
            "the command line names no user, so the login name of this machine is sent",
            "命令行里没有写用户，发送的是本机的登录名",
        )
        .to_owned(),
        Reason::Sets(name) if zh => format!("配置里设置了 `{name}`"),
        Reason::Sets(name) => format!("your configuration sets `{name}`"),
        Reason::Listed(name) if zh => format!("刚收到的模块列表里有 `[{name}]`"),
        Reason::Listed(name) => format!("the list of modules that came just before has `[{name}]`"),
        Reason::ServedBefore => pick(
            language,
            "the connection before it was served",
            "前一个连接是正常的",
        )
        .into(),
        Reason::Misheard => pick(
            language,
            "the greeting that rsyncctl sends is sound, and the daemon had greeted",
            "rsyncctl 发送的问候是完好的，守护进程也发了问候",
        )
        .to_owned(),
        Reason::Behind => pick(
            language,
            "the list of modules, which no module's settings touch, ended behind the greeting as well",
            "模块列表与任何模块的设置无关，也在问候之后中断了",
        )
        .to_owned(),
        Reason::AlsoListed => pick(
            language,
            "the list of modules, which rsync's own daemon refuses nobody, is refused as well",
            "模块列表也被拒绝，而 rsync 自带的守护进程不会拒绝列出模块",
        )
        .to_owned(),
        Reason::Dismissed => pick(
            language,
            "rsync's own daemon answers so where its modules are listed alone",
            "rsync 自带的守护进程只在列出模块时才这样回答",
        )
        .to_owned(),
        Reason::Typographic => pick(
            language,
            "the command line has such a character, and rsync complains of a word",
            "命令行里有这样的字符，而 rsync 抱怨的正是其中一个词",
        )
        .to_owned(),
        Reason::Preceded => pick(
            language,
            "it comes behind lines of the message of the day, in words that rsync's own daemon does not have",
            "它跟在欢迎信息后面，而且 rsync 自带的守护进程没有这句话",
        )
        .to_owned(),
        Reason::StartedTwice => pick(
            language,
            "the daemon went on with `@RSYNCD: …` behind `@RSYNCD: OK`, so that was no answer of its own",
            "`@RSYNCD: OK` 之后守护进程又说了 `@RSYNCD: …`，可见那一行不是它的回答",
        )
        .to_owned(),
        Reason::NotFound => pick(
            language,
            "but nothing of it is found in the configuration",
            "但在配置里没有发现这个问题",
        )
        .to_owned(),
        Reason::Refuted => pick(
            language,
            "but the configuration does not make it happen",
            "但配置本身不会导致这种情况",
        )
        .to_owned(),
        Reason::OtherFile(header, file) if zh => {
            format!("{file} 里有 {header}，所以守护进程读的是另一个文件，或者是这个文件的旧内容")
        }
        Reason::OtherFile(header, file) => {
            format!("{file} has {header}, so the daemon reads another file, or has not read this one anew")
        }
        Reason::Unasked => pick(
            language,
            "but the daemon had asked for no password",
            "但守护进程还没有要求密码",
        )
        .to_owned(),
        Reason::Unlisted => pick(
            language,
            "but the list of modules does not come either",
            "但模块列表也出不来",
        )
        .to_owned(),
        Reason::Greeted => {
            pick(language, "but the daemon had greeted", "但守护进程已经发出过问候").to_owned()
        }
        Reason::OtherExit(seen, own) if zh => format!("但客户端的退出码是 {seen}，这种原因一般是 {own}"),
        Reason::OtherExit(seen, own) => {
            format!("but the client ended with {seen}, and this cause ends with {own}")
        }
        Reason::OtherRelease => {
            let release = incident
                .release
                .map_or_else(String::new, |release| release.to_string());
            match language {
                Language::English => format!("but rsync {release} does not behave so"),
                Language::Chinese => format!("但 rsync {release} 不是这样"),
            }
        }
        Reason::NotLogged => pick(
            language,
            "but the daemon's log names another reason",
            "但守护进程日志写的是另一个原因",
        )
        .to_owned(),
    }
}
