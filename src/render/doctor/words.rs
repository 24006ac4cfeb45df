use crate::{
    catalog::Language,
    doctor::{Check, Fact, Outcome, Skip, Untried, Urgency, Way},
    probe::tryout::End,
    render::{
        doctor::{client, confinement, paths, reach},
        words::{pick, unknown},
    },
    terms::without_passwords,
};

/// What people call a stage.
pub(super) fn check(check: Check, language: Language) -> &'static str {
    match check {
        Check::Daemon => pick(language, "daemon", "守护进程"),
        Check::Changed => pick(language, "changed since", "启动后的改动"),
        Check::Configuration => pick(language, "configuration", "配置"),
        Check::Paths => pick(language, "paths", "路径"),
        Check::Confinement => pick(language, "confinement", "系统限制"),
        Check::Reach => pick(language, "reach", "可达性"),
        Check::Log => pick(language, "log", "日志"),
        Check::Loopback => pick(language, "loopback", "本机访问"),
        Check::Symptom => pick(language, "symptom", "症状"),
        Check::CommandLine => pick(language, "command line", "命令行"),
        Check::PasswordFile => pick(language, "password file", "密码文件"),
        Check::Destination => pick(language, "files here", "本机文件"),
        Check::Watchers => pick(language, "watchers", "监视程序"),
        Check::Server => pick(language, "server", "服务器"),
        Check::Leftover => pick(language, "left over", "多余文件"),
    }
}

/// What to do first.
pub(super) fn urgency(urgency: Urgency, language: Language) -> &'static str {
    match urgency {
        Urgency::Now => pick(language, "clients fail now", "客户端正在失败"),
        Urgency::Lately => pick(
            language,
            "clients failed in the last day",
            "最近一天内有客户端失败",
        ),
        Urgency::Later => pick(language, "it may do harm", "可能造成损害"),
    }
}

/// Why a stage is left out.
pub(super) fn skip(why: Skip, language: Language) -> &'static str {
    match why {
        Skip::NoDaemon => pick(language, "no daemon runs by itself", "没有独立运行的守护进程"),
        Skip::NobodyListens => pick(language, "nothing listens", "没有程序在监听"),
        Skip::PortUnseen => pick(
            language,
            "which port it has cannot be seen: neither its process nor its configuration may be read here; run as root",
            "看不到它使用哪个端口：这里无权读取它的进程和配置；请以 root 运行",
        ),
        Skip::NoConfiguration => pick(
            language,
            "there is no configuration to read",
            "没有可读的配置文件",
        ),
        Skip::Syslog => pick(
            language,
            "the configuration names no `log file`, so the daemon logs to syslog, where nothing of it is found",
            "配置里没有 `log file`，守护进程写入 syslog，而那里没有找到它的记录",
        ),
        Skip::RelativeLog => pick(
            language,
            "the `log file` is relative to the folder in which the daemon is started",
            "`log file` 是相对路径，取决于守护进程在哪个目录启动",
        ),
        Skip::NoLog => pick(language, "there is no log file yet", "还没有日志文件"),
        Skip::OtherNetwork => pick(
            language,
            "the daemon has a network of its own: run rsyncctl in its container",
            "守护进程有自己的网络：请在它的容器里运行 rsyncctl",
        ),
        Skip::LineUnread
        | Skip::FromInput
        | Skip::RemoteShell
        | Skip::NoServer
        | Skip::NoFilesHere
        | Skip::NoWatcher
        | Skip::NotConnected
        | Skip::NotAsked
        | Skip::NoDeletion => client::skip(why, language),
        Skip::NoModule => pick(language, "there is no such module", "没有这样的模块"),
    }
}

/// What a stage showed; a note behind a path may have a password in it.
pub(super) fn fact(fact: &Fact, language: Language) -> String {
    without_passwords(&told(fact, language)).into_owned()
}

fn told(fact: &Fact, language: Language) -> String {
    let zh = language == Language::Chinese;
    match fact {
        Fact::Runs { .. } => runs(fact, language),
        Fact::Contained(process) if zh => {
            format!("rsync（进程 {process}）在容器中运行，请在容器里运行 rsyncctl")
        }
        Fact::Contained(process) => {
            format!("rsync (process {process}) runs in a container; run rsyncctl in there")
        }
        Fact::Inside(process) if zh => {
            format!("进程 {process} 在容器中：路径都是容器里的，命令请在容器里执行")
        }
        Fact::Inside(process) => {
            format!(
                "process {process} is in a container: all paths are the container's, and commands are to be typed there"
            )
        }
        Fact::MoreDaemons(count) if zh => format!("另有 {count} 个守护进程没有检查"),
        Fact::MoreDaemons(count) => format!("{count} more daemons run, and are not looked at"),
        Fact::Starter(program, process, port) if zh => {
            format!("{program}（进程 {process}）监听端口 {port}，为每个连接启动 rsync")
        }
        Fact::Starter(program, process, port) => {
            format!(
                "{program} (process {process}) listens on port {port}, and may start rsync for each connection"
            )
        }
        Fact::NoPort(process) if zh => format!("在这里看不到进程 {process} 监听任何端口"),
        Fact::NoPort(process) => {
            format!("process {process} listens on no port that can be seen from here")
        }
        Fact::NoDaemon(file) if zh => format!("没有 rsync 守护进程使用 {}", file.display()),
        Fact::NoDaemon(file) => format!("no rsync daemon runs with {}", file.display()),
        Fact::Held(program, process, port) if zh => format!("端口 {port} 被 {program}（进程 {process}）占用"),
        Fact::Held(program, process, port) => {
            format!("no rsync daemon runs with that file: {program} (process {process}) has port {port}")
        }
        Fact::HeldUnseen(port) if zh => format!("有程序监听端口 {port}，只有 root 能看到是哪个进程"),
        Fact::HeldUnseen(port) => {
            format!("something listens on port {port}; only root may see which process")
        }
        Fact::NobodyListens(port) if zh => format!("端口 {port} 上没有程序在监听"),
        Fact::NobodyListens(port) => format!("nothing listens on port {port}"),
        Fact::Unit(name, true) if zh => format!("{name} 已安装，并设置为开机启动"),
        Fact::Unit(name, false) if zh => format!("{name} 已安装，但没有设置为开机启动"),
        Fact::Unit(name, true) => format!("{name} is installed, and enabled at boot"),
        Fact::Unit(name, false) => format!("{name} is installed, and not enabled at boot"),
        Fact::NoFile(file) if zh => format!("{} 不存在", file.display()),
        Fact::NoFile(file) => format!("{} is not there", file.display()),
        Fact::Unseen(subject, reason) if zh => format!("{subject}：{}", unknown(reason, language)),
        Fact::Unseen(subject, reason) => format!("{subject}: {}", unknown(reason, language)),
        Fact::Unchanged if zh => "守护进程启动后没有改动过".to_owned(),
        Fact::Unchanged => "not changed since the daemon started".to_owned(),
        Fact::Changed(time, set) => changed(time, set, zh),
        Fact::OtherPort(port, ports) if zh => {
            format!("文件里写的是端口 {port}，守护进程监听的是 {}", listed(ports))
        }
        Fact::OtherPort(port, ports) => format!(
            "the file names port {port}, and the daemon listens on {}",
            listed(ports)
        ),
        Fact::Counts(modules, errors, warnings, notes) if zh => {
            format!("{modules} 个模块：{errors} 个错误，{warnings} 个警告，{notes} 个提示")
        }
        Fact::Counts(modules, errors, warnings, notes) => format!(
            "{}: {}, {}, {}",
            count(*modules, "module"),
            count(*errors, "error"),
            count(*warnings, "warning"),
            count(*notes, "note")
        ),
        Fact::Reach(fact) => reach::fact(fact, language),
        Fact::Client(fact) => client::fact(fact, language),
        Fact::Log(place, is_cut, failures) => logged(place, *is_cut, *failures, zh),
        Fact::Module(name, outcome) if zh => format!("[{name}] {}", outcome_words(outcome, language)),
        Fact::Module(name, outcome) => format!("[{name}] {}", outcome_words(outcome, language)),
        Fact::Path(fact) => paths::fact(fact, language),
        Fact::Confined(fact) => confinement::fact(fact, language),
        Fact::Recognised(0) if zh => "没有认出 rsync 的信息".to_owned(),
        Fact::Recognised(0) => "no message of rsync is recognised in it".to_owned(),
        Fact::Recognised(number) if zh => format!("{number} 个故障有已知的原因"),
        Fact::Recognised(number) => format!("{} with a known cause", count(*number, "failure")),
        Fact::Crashed(message) if zh => format!("这项检查崩溃了：{message}"),
        Fact::Crashed(message) => format!("this check crashed: {message}"),
    }
}

fn runs(fact: &Fact, language: Language) -> String {
    let zh = language == Language::Chinese;
    let Fact::Runs {
        process,
        file,
        ports,
        user,
        since,
        way,
    } = fact
    else {
        return String::new();
    };
    let file = file.display();
    let mut parts = vec![match zh {
        true => format!("rsync（进程 {process}）使用 {file}"),
        false => format!("rsync (process {process}) with {file}"),
    }];
    if !ports.is_empty() {
        parts.push(match (zh, ports.len()) {
            (true, _) => format!("端口 {}", listed(ports)),
            (false, 1) => format!("port {}", listed(ports)),
            (false, _) => format!("ports {}", listed(ports)),
        });
    }
    parts.extend(user.as_ref().map(|user| match zh {
        true => format!("用户 {user}"),
        false => format!("as {user}"),
    }));
    parts.extend(since.as_ref().map(|since| {
        let time = since.strftime("%Y-%m-%d %H:%M:%S");
        match zh {
            true => format!("启动于 {time}"),
            false => format!("since {time}"),
        }
    }));
    parts.push(match way {
        Way::Standalone => pick(language, "of no unit of systemd", "不属于任何 systemd 单元").to_owned(),
        Way::Unit(unit) if zh => format!("属于 {unit}"),
        Way::Unit(unit) => format!("of {unit}"),
    });
    parts.join(pick(language, ", ", "，"))
}

fn listed(ports: &[u16]) -> String {
    let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
    ports.join(", ")
}

fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

fn changed(time: &jiff::Zoned, set: &[&str], zh: bool) -> String {
    let time = time.strftime("%Y-%m-%d %H:%M:%S");
    let names: Vec<_> = set.iter().map(|name| format!("`{name}`")).collect();
    match (zh, names.is_empty()) {
        (true, true) => format!("{time} 改动过；模块在每次连接时重新读取，不需要重启"),
        (true, false) => format!(
            "{time} 改动过；模块在每次连接时重新读取，但 {} 只在启动时读取",
            names.join("、")
        ),
        (false, true) => {
            format!("changed at {time}; modules are read anew for each connection, so no restart is needed")
        }
        (false, false) => format!(
            "changed at {time}; modules are read anew for each connection, but {} only when the daemon starts",
            names.join(", ")
        ),
    }
}

fn logged(file: &str, is_cut: bool, failures: usize, zh: bool) -> String {
    let part = match (is_cut, zh) {
        (true, true) => "的末尾",
        (true, false) => "the end of ",
        (false, _) => "",
    };
    match (failures, zh) {
        (0, true) => format!("{file}{part}：最近一天没有故障"),
        (number, true) => format!("{file}{part}：最近一天有 {number} 种故障"),
        (0, false) => format!("{part}{file}: no failure in the last day"),
        (1, false) => format!("{part}{file}: 1 kind of failure in the last day"),
        (number, false) => format!("{part}{file}: {number} kinds of failures in the last day"),
    }
}

fn outcome_words(outcome: &Outcome, language: Language) -> String {
    let zh = language == Language::Chinese;
    match outcome {
        Outcome::Works => pick(language, "files come", "可以取到文件").to_owned(),
        Outcome::AsksPassword => pick(language, "asks for a password", "要求密码").to_owned(),
        Outcome::Refuses(end) if zh => format!("{}，与配置一致", ended(*end, language)),
        Outcome::Refuses(end) => format!("{}, as the configuration says", ended(*end, language)),
        Outcome::Fails(lines) => {
            let head = pick(language, "fails: ", "失败：");
            format!("{head}{}", lines.join("; "))
        }
        Outcome::Differs { expected, end } if zh => {
            format!(
                "{}，而配置的意思是：{}",
                ended(*end, language),
                ended(*expected, language)
            )
        }
        Outcome::Differs { expected, end } => {
            format!(
                "{}, where the configuration says: {}",
                ended(*end, language),
                ended(*expected, language)
            )
        }
        Outcome::NotTried(why) => untried(*why, language).to_owned(),
    }
}

fn ended(end: End, language: Language) -> &'static str {
    match end {
        End::Works => pick(language, "files come", "可以取到文件"),
        End::NoEntry => pick(language, "does not admit this machine", "不接受本机的连接"),
        End::Shut => pick(language, "takes no connection at all", "不接受任何连接"),
        End::NoLogin => pick(language, "asks for a password", "要求密码"),
        End::NoReading => pick(language, "gives nothing out", "不允许读取"),
        End::NoWriting => pick(language, "takes nothing in", "不允许写入"),
        End::Fails => pick(language, "fails", "失败"),
    }
}

fn untried(why: Untried, language: Language) -> &'static str {
    match why {
        Untried::Hooks => pick(
            language,
            "not tried: each connection runs commands of the configuration; `rsyncctl probe` does that",
            "没有尝试：每个连接都会执行配置里的命令；可以用 `rsyncctl probe` 尝试",
        ),
        Untried::Name => pick(
            language,
            "not tried: no client can ask for this name",
            "没有尝试：客户端无法请求这个名字",
        ),
        Untried::Proxy => pick(
            language,
            "not tried: the daemon takes connections of its proxy alone (`proxy protocol`)",
            "没有尝试：守护进程只接受代理的连接（`proxy protocol`）",
        ),
        Untried::Firewall => pick(
            language,
            "not tried: the firewall keeps this machine's own connections out, which says nothing of other clients",
            "没有尝试：防火墙拦住了本机自己的连接，这不说明其他客户端的情况",
        ),
        Untried::NoAnswer => pick(
            language,
            "not tried: the daemon has not answered",
            "没有尝试：守护进程没有应答",
        ),
        Untried::NoTime => pick(
            language,
            "not tried: the modules before it took too long; name it to try it alone",
            "没有尝试：前面的模块用时太长；可以指定它的名字单独尝试",
        ),
        Untried::NoProbe => pick(
            language,
            "not tried: no probe can be made here",
            "没有尝试：这里无法进行探测",
        ),
    }
}
