mod page;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write as _},
    path::Path,
};

use clap::Args;

use crate::{
    catalog::Language,
    cli::{
        Failure, exit,
        input::unreadable,
        known::ServerFile,
        output::{Output, PageFormat, complain, stdout},
    },
    explain::{Stop, explain},
    host::{Unknown, plain},
    render,
};

/// Explain an error: paste it, pipe it, or name a file; or a rule (RSY302), or a parameter of rsyncd.conf
///
/// A text is read up to 4 GiB, or up to a line of more than 64 MiB; where it stops there, it says so.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// A file with the text, `-` for standard input, the text itself, or the name of a rule or a parameter
    #[arg(value_name = "FILE|TEXT|RULE")]
    words: Vec<String>,
    #[command(flatten)]
    server: ServerFile,
    #[command(flatten)]
    output: Output<PageFormat>,
}

/// Prints the causes of the failures of a text, or the page of a rule, or what is known of a parameter.
pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    if let Some(names) = page::Names::read(&arguments.words) {
        return page::run(&names, &arguments.output);
    }
    let known = arguments.server.known()?;
    let (name, text) = text(&arguments.words)?;
    let explanation = explain(text, &known).map_err(|error| format!("cannot read `{name}`: {error}"))?;
    if let Some(stop) = explanation.stop {
        complain(&stopped(stop, &name, arguments.output.language()))?;
    }
    let mut out = stdout();
    if explanation.incidents.is_empty() {
        complain(nothing_recognised(arguments.output.language()))?;
        if let Some(hint) = page::nearest(&arguments.words.join(" ")) {
            complain(&hint)?;
        }
    }
    render::explanation(
        arguments.output.format(),
        &explanation,
        &name,
        arguments.output.style(),
        &mut out,
    )?;
    out.flush()?;
    Ok(if explanation.incidents.is_empty() {
        exit::FINDINGS
    } else {
        exit::CLEAN
    })
}

/// The text to explain, and how reports call it.
fn text(words: &[String]) -> Result<(String, Box<dyn BufRead>), Failure> {
    match words {
        [] => {
            if io::IsTerminal::is_terminal(&io::stdin()) {
                complain("paste the error with the lines around it, then press Ctrl-D")?;
            }
            Ok(("-".to_owned(), Box::new(io::stdin().lock())))
        }
        [word] if word == "-" => Ok(("-".to_owned(), Box::new(io::stdin().lock()))),
        [word] if Path::new(word).is_dir() => {
            Err(format!("`{word}` is a folder; name the file with the text").into())
        }
        // A pipe of the shell is read too: `rsyncctl explain <(journalctl -u rsync)`.
        [word] if Path::new(word).exists() => {
            let file = File::open(word).map_err(|error| {
                let reason = match error.kind() {
                    io::ErrorKind::PermissionDenied => Unknown::Denied,
                    _ => Unknown::Failed(plain(&error)),
                };
                unreadable(Path::new(word), &reason, "")
            })?;
            Ok((word.clone(), Box::new(BufReader::with_capacity(1 << 16, file))))
        }
        [word] if word.contains('/') && !word.contains(char::is_whitespace) && !word.contains(':') => {
            Err(format!("cannot read `{word}`: there is no such file").into())
        }
        words => Ok(("text".to_owned(), Box::new(io::Cursor::new(words.join("\n"))))),
    }
}

/// Says that the rest of a text was not read.
fn stopped(stop: Stop, name: &str, language: Language) -> String {
    match (stop, language) {
        (Stop::Text(bytes), Language::English) => {
            let limit = bytes >> 30;
            format!(
                "`{name}` was read up to {limit} GiB; what follows was not (`tail` gives the end of a log)"
            )
        }
        (Stop::Text(bytes), Language::Chinese) => {
            let limit = bytes >> 30;
            format!("`{name}` 只读到 {limit} GiB，后面的没有读（可用 `tail` 取日志的末尾）")
        }
        (Stop::Line(bytes), Language::English) => {
            let limit = bytes >> 20;
            format!("`{name}` was not read further: it has a line of more than {limit} MiB, so it is no text")
        }
        (Stop::Line(bytes), Language::Chinese) => {
            let limit = bytes >> 20;
            format!("`{name}` 没有继续读取：其中一行超过 {limit} MiB，不像是文本")
        }
    }
}

fn nothing_recognised(language: Language) -> &'static str {
    match language {
        Language::English => {
            "no message of rsync is recognised in this text. Collect: the command line, all of its output \
             (`rsync -vv … 2>&1 | tee rsync.log`), and the daemon's log of that minute (`log file` in rsyncd.conf, or \
             `journalctl -t rsyncd`)"
        }
        Language::Chinese => {
            "没有在文本中认出 rsync 的信息。请收集：完整的命令行、它的全部输出（`rsync -vv … 2>&1 | tee rsync.log`），\
             以及守护进程当时的日志（rsyncd.conf 的 `log file`，或 `journalctl -t rsyncd`）"
        }
    }
}
