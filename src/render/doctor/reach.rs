use std::net::IpAddr;

use crate::{
    catalog::Language,
    doctor::{Admission, Decider, Family, Manager, ReachFact, Verdict},
    render::words::pick,
};

/// What was seen of the way to a daemon.
pub(super) fn fact(fact: &ReachFact, language: Language) -> String {
    let zh = language == Language::Chinese;
    match fact {
        ReachFact::Listens(port, addresses) => listens(*port, addresses, zh),
        ReachFact::LoopbackAlone => pick(
            language,
            "clients of this machine alone can come there, so no firewall is asked",
            "只有本机的客户端能连到那里，因此没有检查防火墙",
        )
        .to_owned(),
        ReachFact::OwnNetwork(process) if zh => {
            format!("进程 {process} 有自己的网络命名空间，请在里面运行 rsyncctl")
        }
        ReachFact::OwnNetwork(process) => {
            format!("process {process} has a network of its own; run rsyncctl in there")
        }
        ReachFact::Firewall(family, verdict) => firewall(*family, verdict, language),
        ReachFact::Stopped(client) if zh => format!("模块的 `hosts allow` 里有 {client}，而防火墙拦住了它："),
        ReachFact::Stopped(client) => {
            format!("a module has {client} in `hosts allow`, and the firewall stops it:")
        }
        ReachFact::Kept(manager, is_kept) => kept(*manager, *is_kept, zh),
        ReachFact::Wrapped(true, line) if zh => format!("xinetd 放行这个客户端：{line}"),
        ReachFact::Wrapped(true, line) => format!("xinetd lets this client through: {line}"),
        ReachFact::Wrapped(false, line) if zh => format!("xinetd 把客户端拒之门外：{line}"),
        ReachFact::Wrapped(false, line) => format!("xinetd keeps clients out: {line}"),
        ReachFact::Meets(module, admission, line) => {
            let words = admission_words(*admission, language);
            let behind = match (line, zh) {
                (Some(line), true) => format!("（{line}）"),
                (Some(line), false) => format!(" ({line})"),
                (None, _) => String::new(),
            };
            format!("[{module}] {words}{behind}")
        }
    }
}

fn listens(port: u16, addresses: &[IpAddr], zh: bool) -> String {
    let shown: Vec<_> = addresses
        .iter()
        .map(|address| match address {
            IpAddr::V4(address) => format!("{address}:{port}"),
            IpAddr::V6(address) => format!("[{address}]:{port}"),
        })
        .collect();
    match zh {
        true => format!("监听 {}", shown.join("、")),
        false => format!("listens on {}", shown.join(", ")),
    }
}

fn firewall(family: Family, verdict: &Verdict, language: Language) -> String {
    let zh = language == Language::Chinese;
    let family = family.name();
    let many = |deciders: &[Decider]| deciders.iter().map(rule).collect::<Vec<_>>().join("; ");
    match verdict {
        Verdict::Accepted(None) if zh => format!("防火墙放行 {family}：没有规则涉及这个端口"),
        Verdict::Accepted(None) => format!("the firewall lets {family} in: no rule is about the port"),
        Verdict::Accepted(Some(decider)) if zh => format!("防火墙放行 {family}：{}", rule(decider)),
        Verdict::Accepted(Some(decider)) => format!("the firewall lets {family} in: {}", rule(decider)),
        Verdict::Dropped(decider) if zh => format!("防火墙丢弃 {family}：{}", rule(decider)),
        Verdict::Dropped(decider) => format!("the firewall drops {family}: {}", rule(decider)),
        Verdict::Rejected(decider) if zh => format!("防火墙拒绝 {family}：{}", rule(decider)),
        Verdict::Rejected(decider) => format!("the firewall rejects {family}: {}", rule(decider)),
        Verdict::SomeAccepted(some, rest) if zh => {
            format!("防火墙只放行部分 {family}：{}；其余：{}", many(some), rule(rest))
        }
        Verdict::SomeAccepted(some, rest) => format!(
            "the firewall lets some of {family} in: {}; the others meet {}",
            many(some),
            rule(rest)
        ),
        Verdict::SomeStopped(some) if zh => format!("防火墙拦住部分 {family}：{}", many(some)),
        Verdict::SomeStopped(some) => format!("the firewall stops some of {family}: {}", many(some)),
        Verdict::NotKnown(decider) if zh => {
            format!("不知道防火墙是否放行 {family}：取决于 {}", rule(decider))
        }
        Verdict::NotKnown(decider) => format!(
            "whether the firewall lets {family} in is not known: it depends on {}",
            rule(decider)
        ),
    }
}

/// A rule as its program prints it, with where it stands.
fn rule(decider: &Decider) -> String {
    format!("`{}` ({})", decider.rule, decider.place)
}

fn kept(manager: Manager, is_kept: bool, zh: bool) -> String {
    let name = manager.name();
    match (is_kept, zh) {
        (true, true) => format!("{name} 的文件里已放行这个端口，但没有重新加载"),
        (true, false) => format!("the files of {name} let the port in, and were not loaded since"),
        (false, true) => format!("{name} 的文件里没有放行这个端口：重新加载或重启后就会关闭"),
        (false, false) => {
            format!("the files of {name} do not let the port in: it is shut with the next reload or boot")
        }
    }
}

fn admission_words(admission: Admission, language: Language) -> &'static str {
    match admission {
        Admission::Admitted => pick(language, "lets this client in", "允许这个客户端"),
        Admission::WithPassword => pick(
            language,
            "lets this client in with a password",
            "允许这个客户端，需要密码",
        ),
        Admission::Refused => pick(language, "refuses this client", "拒绝这个客户端"),
        Admission::Open => pick(
            language,
            "lets this client in or not, by what is not known here",
            "是否允许这个客户端取决于这里不知道的内容",
        ),
    }
}
