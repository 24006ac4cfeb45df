use std::{
    io::{self, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::host::{Fact, LARGEST_FILE, Unknown, live::unknown};

/// Where a system's own programs are. A search path that somebody else set is not asked: root may be the one who types.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// A program that takes longer is ended.
const LIMIT: Duration = Duration::from_secs(10);
/// Bytes of what a program complains about.
const MOST_SAID: u64 = 4 << 10;

/// What a program of this machine writes; `None` if it is not installed.
pub(super) fn output(program: &str, arguments: &[&str]) -> Fact<Option<Vec<u8>>> {
    let mut places = FOLDERS.iter().map(|folder| Path::new(folder).join(program));
    let Some(path) = places.find(|path| path.is_file()) else {
        return Ok(None);
    };
    let child = Command::new(path)
        .args(arguments)
        .env("LC_ALL", "C")
        // What it starts itself, as `timeout` does, is looked for there, too.
        .env("PATH", FOLDERS.join(":"))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|error| unknown(&error))?;
    let ended = ended(&mut child);
    if ended.is_err() {
        // It may have ended meanwhile, which is as good.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| unknown(&error))?;
    let (out, said) = ended?;
    if out.len() as u64 > LARGEST_FILE {
        return Err(Unknown::Failed(format!(
            "it is larger than {} MiB",
            LARGEST_FILE >> 20
        )));
    }
    if status.success() {
        return Ok(Some(out));
    }
    let said = String::from_utf8_lossy(&said);
    let is_denied = ["not permitted", "denied", "must be root"]
        .iter()
        .any(|words| said.contains(words));
    Err(match said.lines().next() {
        _ if is_denied => Unknown::Denied,
        Some(line) => Unknown::Failed(line.trim().to_owned()),
        None => Unknown::Failed(format!("{program} failed ({status})")),
    })
}

/// What a program writes to its two outputs, once it closes them.
fn ended(child: &mut Child) -> Fact<(Vec<u8>, Vec<u8>)> {
    let out = read(child.stdout.take(), LARGEST_FILE + 1);
    let said = read(child.stderr.take(), MOST_SAID);
    let late = |_| Unknown::Failed(format!("no answer within {} seconds", LIMIT.as_secs()));
    let failed = |error: io::Error| unknown(&error);
    let out = out.recv_timeout(LIMIT).map_err(late)?.map_err(failed)?;
    let said = said.recv_timeout(LIMIT).map_err(late)?.map_err(failed)?;
    Ok((out, said))
}

/// Reads on a thread, which ends with the program.
fn read(from: Option<impl Read + Send + 'static>, limit: u64) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = from.map_or(Ok(0), |mut from| {
            let count = from.by_ref().take(limit).read_to_end(&mut bytes)?;
            // One that is not listened to would wait for ever.
            io::copy(&mut from, &mut io::sink())?;
            Ok(count)
        });
        // Nobody waits for it any more.
        let _ = sender.send(read.map(|_| bytes));
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::output;
    use crate::host::Unknown;

    #[test]
    fn programs_are_heard_out() {
        assert_eq!(output("echo", &["a", "b"]), Ok(Some(b"a b\n".to_vec())));
        assert_eq!(output("no-such-program-anywhere", &[]), Ok(None));
        let path = output("timeout", &["3", "sh", "-c", "echo $PATH"]);
        assert_eq!(path, Ok(Some(b"/usr/sbin:/usr/bin:/sbin:/bin\n".to_vec())));
        let failed = output("sh", &["-c", "echo no >&2; exit 3"]);
        assert_eq!(failed, Err(Unknown::Failed("no".to_owned())));
        let denied = output(
            "sh",
            &[
                "-c",
                "echo 'x: Operation not permitted (you must be root)' >&2; exit 1",
            ],
        );
        assert_eq!(denied, Err(Unknown::Denied));
        let many = output("sh", &["-c", "head -c 300000 /dev/zero >&2; echo done"]);
        assert_eq!(many, Ok(Some(b"done\n".to_vec())));
    }
}
