//! `--fix`: offers the cures that are safe one by one, shows each, asks, applies it, and looks again.

mod change;
mod offer;
mod show;

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use self::{
    change::{is_changed, set_mode, set_owner, write},
    offer::Offer,
    show::shown,
};
use super::Arguments;
use crate::{
    catalog::{FileKind, Language, Safety},
    cli::{
        lint::{File, fix::apply_of, inputs},
        output::stdout,
    },
    diagnosis::Finding,
    doctor::{self, Cause, Told, restart_for},
    host::{Host as _, Live, plain},
    lint::{self, Folders, Options, is_curable, lint},
    render::{cure, visible},
    terms::Bytes,
};

/// Rules whose cure is the mode of a file of passwords, and those whose cure is its owner: they take rights away from others,
/// and change nothing else.
const MODES: [&str; 2] = ["RSY302", "RSY328"];
const OWNERS: [&str; 2] = ["RSY313", "RSY328"];

/// What the user says to an offer.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Answer {
    Yes,
    No,
    Quit,
}

/// Whom to ask.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Asking {
    /// A person.
    Person,
    /// Nobody: all is wanted.
    AllWanted,
    /// Nobody can be asked.
    Nobody,
}

/// Offers what is safe of the cures of a report, if that is asked for.
///
/// # Errors
/// What reading answers and writing to standard output gives. What cannot be changed is told.
pub(super) fn offer(report: &doctor::Report, arguments: &Arguments, now: &jiff::Zoned) -> io::Result<()> {
    if !arguments.fix {
        return Ok(());
    }
    let asking = match arguments.yes {
        true => Asking::AllWanted,
        false if io::stdin().is_terminal() && io::stdout().is_terminal() => Asking::Person,
        false => Asking::Nobody,
    };
    let desk = Desk {
        language: arguments.output.language(),
        asking,
        today: now.date(),
    };
    let offers: Vec<_> = report
        .causes
        .iter()
        .map(|cause| {
            let mut offers = desk.offers(cause);
            offers.retain(|offer| offer.is_here(report) && offer.is_trusted() && offer.keeps_reader());
            (cause, offers)
        })
        .collect();
    let mut wanted = true;
    let mut applied = 0;
    desk.begin(offers.iter().map(|(_, offers)| offers.len()).sum())?;
    for (cause, offers) in &offers {
        for offer in offers {
            let answer = match wanted {
                true => desk.treat(cause, offer)?,
                false => Answer::Quit,
            };
            wanted = answer != Answer::Quit;
            applied += usize::from(answer == Answer::Yes);
        }
    }
    let others = offers.iter().filter(|(_, offers)| offers.is_empty());
    desk.by_hand(&others.map(|(cause, _)| *cause).collect::<Vec<_>>())?;
    desk.end(applied)
}

struct Desk {
    language: Language,
    asking: Asking,
    today: jiff::civil::Date,
}

impl Desk {
    fn say(&self, english: &str, chinese: &str) -> io::Result<()> {
        let mut out = stdout();
        let text = match self.language {
            Language::English => english,
            Language::Chinese => chinese,
        };
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// What is safe of the cures of a cause.
    fn offers<'r>(&self, cause: &'r Cause) -> Vec<Offer<'r>> {
        let Told::Finding(report, _) = &cause.told else {
            return Vec::new();
        };
        let rule = cause.page.id;
        let of_rule = report.findings.iter().filter(|finding| finding.page.id == rule);
        let mut offers = Vec::new();
        for finding in of_rule {
            let is_owner = OWNERS.contains(&rule) && (rule != "RSY328" || finding.variant == Some("owner"));
            let is_mode = MODES.contains(&rule) && !is_owner && finding.variant != Some("script");
            let path = argument(finding, "path")
                .map(PathBuf::from)
                .filter(|path| path.is_absolute());
            let is_known = |known: &Offer<'_>| match known {
                Offer::Mode(known, _) | Offer::Owner(known, _) => Some(known) == path.as_ref(),
                Offer::Edits(_) => false,
            };
            match path {
                Some(_) if offers.iter().any(is_known) => {}
                Some(path) if is_mode => offers.push(Offer::Mode(path, report)),
                Some(path) if is_owner => offers.push(Offer::Owner(path, report)),
                _ => {}
            }
        }
        let is_edited = |finding: &Finding| finding.page.id == rule && is_curable(finding, Safety::Safe);
        let has_edits = offers.is_empty() && report.findings.iter().any(is_edited);
        if has_edits
            && self
                .cured(report, rule)
                .is_some_and(|(files, _)| files.iter().any(is_changed))
        {
            offers.push(Offer::Edits(report));
        }
        offers
    }

    fn options(&self, report: &lint::Report) -> Options {
        let mut options = Options::of_release(report.circumstances.release, self.today);
        options.circumstances = report.circumstances;
        options
    }

    /// The files of a report as they are now; `None` if one of them is no file, or cannot be read.
    fn files(report: &lint::Report) -> Option<Vec<File<'static>>> {
        let files = report.files.iter().map(|(source, kind)| {
            let name = report.sources.get(*source).name();
            let path = Path::new(name);
            let bytes: Bytes = Live
                .read(path)
                .ok()
                .flatten()
                .filter(|_| path.is_absolute())?
                .into();
            Some(File {
                name: name.to_owned(),
                path: Some(path.to_owned()),
                place: Some(path.to_owned()),
                original: bytes.clone(),
                bytes,
                kind: *kind,
                is_guess: false,
                host: &Live,
            })
        });
        files.collect()
    }

    /// The files with the safe cures of a rule, and what is found in them as they are now.
    fn cured(&self, report: &lint::Report, rule: &str) -> Option<(Vec<File<'static>>, lint::Report)> {
        let mut files = Self::files(report)?;
        let options = self.options(report);
        let before = lint(inputs(&files), &options);
        let is_wanted = |finding: &Finding| finding.page.id == rule;
        apply_of(
            &mut files,
            &Folders::default(),
            &options,
            Safety::Safe,
            &is_wanted,
        );
        Some((files, before))
    }

    /// Shows an offer, asks for it, and applies it.
    fn treat(&self, cause: &Cause, offer: &Offer<'_>) -> io::Result<Answer> {
        let rule = cause.page.id;
        let mut out = stdout();
        writeln!(out, "\n{rule}: {}", cure(cause, self.language).title)?;
        match offer {
            Offer::Mode(path, report) => {
                writeln!(out, "  chmod 600 {}", quoted(path))?;
                out.flush()?;
                drop(out);
                self.apply(rule, Some(path), report, || set_mode(path))
            }
            Offer::Owner(path, report) => {
                writeln!(out, "  chown root {}", quoted(path))?;
                out.flush()?;
                drop(out);
                self.apply(rule, Some(path), report, || set_owner(path))
            }
            Offer::Edits(report) => {
                let Some((files, before)) = self.cured(report, rule) else {
                    return Ok(Answer::No);
                };
                let after = lint(inputs(&files), &self.options(report));
                let is_all = shown(&files, &before, &after, self.language, &mut out)?;
                out.flush()?;
                drop(out);
                if !is_all {
                    return Ok(Answer::No);
                }
                let answer = self.apply(rule, None, report, || write(&files))?;
                if answer == Answer::Yes {
                    self.follow(&files)?;
                }
                Ok(answer)
            }
        }
    }

    /// Asks, applies, and looks again; whether it was applied.
    fn apply(
        &self,
        rule: &str,
        path: Option<&Path>,
        report: &lint::Report,
        change: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<Answer> {
        let answer = self.answer()?;
        if answer != Answer::Yes {
            if self.asking == Asking::Person {
                self.say("  left as it is", "  保持原样")?;
            }
            return Ok(answer);
        }
        if let Err(error) = change() {
            let error = visible(&plain(&error));
            self.say(&format!("  not done: {error}"), &format!("  没有修改：{error}"))?;
            return Ok(Answer::No);
        }
        let is_gone = Self::files(report).map(|files| {
            let found = lint(inputs(&files), &self.options(report));
            let is_meant =
                |finding: &&Finding| path.is_none() || argument(finding, "path").map(Path::new) == path;
            let mut left = found.findings.iter().filter(|finding| finding.page.id == rule);
            !left.any(|finding| is_meant(&finding))
        });
        match is_gone {
            Some(true) => self.say(
                "  done; read again: the cause is gone",
                "  已修改；重新读取：这个原因已经消除",
            ),
            Some(false) => self.say(
                "  done; read again: it is not gone everywhere, and what is left is to be done by hand",
                "  已修改；重新读取：没有完全消除，剩下的需要手动处理",
            ),
            None => self.say("  done; it cannot be read again", "  已修改；但无法重新读取"),
        }?;
        Ok(Answer::Yes)
    }

    fn answer(&self) -> io::Result<Answer> {
        match self.asking {
            Asking::AllWanted => return Ok(Answer::Yes),
            Asking::Nobody => return Ok(Answer::No),
            Asking::Person => {}
        }
        loop {
            let mut out = stdout();
            let question = match self.language {
                Language::English => "  apply it? y(es), n(o), q(uit): ",
                Language::Chinese => "  要应用吗？y（是）、n（否）、q（退出）：",
            };
            write!(out, "{question}")?;
            out.flush()?;
            drop(out);
            let mut line = String::new();
            let is_over = io::stdin().lock().read_line(&mut line)? == 0;
            match line.trim().to_lowercase().as_str() {
                "y" | "yes" => return Ok(Answer::Yes),
                "n" | "no" => return Ok(Answer::No),
                "q" | "quit" => return Ok(Answer::Quit),
                _ if is_over => return Ok(Answer::Quit),
                _ => {}
            }
        }
    }

    /// Says what counts from when on; nothing is started anew.
    fn follow(&self, files: &[File<'_>]) -> io::Result<()> {
        for file in files.iter().filter(|file| is_changed(file)) {
            let Some(path) = &file.path else { continue };
            let restart = match file.kind {
                FileKind::RsyncdConf => restart_for(path, &file.original, &file.bytes),
                FileKind::Systemd => {
                    let unit = path.file_name().unwrap_or_default().to_string_lossy();
                    Some(format!("systemctl daemon-reload && systemctl restart {unit}"))
                }
                FileKind::Xinetd => Some("systemctl reload xinetd".to_owned()),
                _ => None,
            };
            match (restart, file.kind) {
                (Some(command), _) => {
                    let command = visible(&command);
                    self.say(
                        &format!("  it counts from the next start on; type: {command}"),
                        &format!("  下次启动后才生效；请输入：{command}"),
                    )?;
                }
                (None, FileKind::RsyncdConf) => self.say(
                    "  it counts from the next connection on: the daemon reads the file for each",
                    "  从下一个连接起生效：守护进程为每个连接重新读取这个文件",
                )?,
                (None, _) => {}
            }
        }
        Ok(())
    }

    fn begin(&self, count: usize) -> io::Result<()> {
        match count {
            0 => self.say(
                "\nno cure is safe enough to be applied here",
                "\n没有可以在这里安全应用的修复",
            ),
            _ => self.say(
                &format!("\ncures that are safe to apply here: {count}"),
                &format!("\n可以在这里安全应用的修复：{count} 个"),
            ),
        }
    }

    /// Names what is left to the user.
    fn by_hand(&self, causes: &[&Cause]) -> io::Result<()> {
        if causes.is_empty() {
            return Ok(());
        }
        self.say(
            "\nto be done by hand, since more than a safe edit or the rights of a password file of this machine is needed:",
            "\n需要手动处理，因为不只是本机上安全的修改或密码文件的权限：",
        )?;
        let mut out = stdout();
        for cause in causes {
            let words = cure(cause, self.language);
            writeln!(out, "  {}: {}", cause.page.id, words.title)?;
            let lines = match words.commands.is_empty() {
                true => vec![words.help],
                false => words.commands,
            };
            for line in lines {
                writeln!(out, "    {line}")?;
            }
        }
        out.flush()
    }

    fn end(&self, applied: usize) -> io::Result<()> {
        match (self.asking, applied) {
            (Asking::Nobody, _) => self.say(
                "\nnothing was changed: there is no terminal to ask at; --yes applies what is safe without asking",
                "\n什么都没有修改：没有可以询问的终端；--yes 会不经询问直接应用安全的修复",
            ),
            (_, 0) => self.say("\nnothing was changed", "\n什么都没有修改"),
            (_, applied) => self.say(
                &format!("\ncures applied: {applied}; `rsyncctl doctor` tells what is left"),
                &format!("\n已应用 {applied} 个修复；再次运行 `rsyncctl doctor` 查看还剩什么"),
            ),
        }
    }
}

fn argument<'f>(finding: &'f Finding, name: &str) -> Option<&'f str> {
    let mut named = finding.arguments.iter().filter(|(key, _)| *key == name);
    named.next().map(|(_, value)| value.as_str())
}

fn quoted(path: &Path) -> String {
    visible(&shell_words::quote(&path.display().to_string()))
}
