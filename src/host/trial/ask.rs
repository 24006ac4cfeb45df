//! Our side: starts the process that tries, and waits for it, but not for ever.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use nix::errno::Errno;
use serde::de::DeserializeOwned;

use crate::host::{
    Unknown,
    live::plain,
    trial::{Answer, Request, Said},
};

/// What the process that tries is called on our own command line.
pub const COMMAND: &str = "try-as";

/// So long it may be silent: a network file system whose server is gone does not answer at all.
const SILENCE: Duration = Duration::from_secs(5);
/// So many that do not answer are waited for.
const MOST_LATE: usize = 3;

/// Why nothing was tried.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Denied {
    /// We may not become another user.
    #[error("only root may try as another user")]
    Identity,
    /// The process that tries does not come to its end.
    #[error("the process that tries as another user failed: {0}")]
    Failed(String),
    /// Others took so long that this was left out.
    #[error("it is not tried: others before it did not answer")]
    Time,
}

impl From<&Denied> for Unknown {
    fn from(denied: &Denied) -> Self {
        match denied {
            Denied::Identity => Self::Denied,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// Asks by a process of our own program, `own`; the answers in the order of the questions.
pub fn ask(own: &Path, request: &Request) -> Vec<Result<Answer, Denied>> {
    let mut answers: Vec<Option<Result<Answer, Denied>>> = vec![None; request.questions.len()];
    for _ in 0..=MOST_LATE {
        let open: Vec<usize> = (0..answers.len()).filter(|&at| answers[at].is_none()).collect();
        if open.is_empty() {
            break;
        }
        let questions = open.iter().map(|&at| request.questions[at].clone());
        let request = Request {
            questions: questions.collect(),
            ..request.clone()
        };
        let (found, end) = once(own, &request);
        for (&at, answer) in open.iter().zip(found) {
            answers[at] = Some(Ok(answer));
        }
        match end {
            End::Done => {}
            End::Late(position) => answers[open[position]] = Some(Ok(Answer::Late)),
            End::Denied(why) => {
                let rest = answers.iter_mut().filter(|answer| answer.is_none());
                rest.for_each(|answer| *answer = Some(Err(why.clone())));
            }
        }
    }
    let answers = answers.into_iter();
    answers
        .map(|answer| answer.unwrap_or(Err(Denied::Time)))
        .collect()
}

/// How a process that tries ended.
enum End {
    /// It answered everything.
    Done,
    /// It did not answer this question.
    Late(usize),
    /// It does not answer.
    Denied(Denied),
}

/// What one process answers, from the first question on.
fn once(own: &Path, request: &Request) -> (Vec<Answer>, End) {
    let mut child = match start(own, request) {
        Ok(child) => child,
        Err(error) => return (Vec::new(), End::Denied(Denied::Failed(plain(&error)))),
    };
    let lines = lines(&mut child);
    let mut answers = Vec::new();
    let end = read(&lines, request.questions.len(), &mut answers);
    // Who waits for a network file system does not end when it is killed, so nobody waits for it here.
    let _ = child.kill();
    thread::spawn(move || child.wait());
    (answers, end.unwrap_or_else(|end| end))
}

fn start(own: &Path, request: &Request) -> io::Result<Child> {
    let mut child = Command::new(own)
        .arg(COMMAND)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut input = child.stdin.take();
    let text = serde_json::to_vec(request)?;
    // It may end before it has read all.
    let _ = input.as_mut().map(|input| input.write_all(&text));
    Ok(child)
}

/// Its lines, as they come.
fn lines(child: &mut Child) -> Receiver<Vec<u8>> {
    let (sender, lines) = mpsc::channel();
    if let Some(out) = child.stdout.take() {
        thread::spawn(move || {
            let lines = BufReader::new(out).split(b'\n');
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    lines
}

/// Reads whether it could become who it is to be, then what it entered, then what it answers.
fn read(lines: &Receiver<Vec<u8>>, count: usize, answers: &mut Vec<Answer>) -> Result<End, End> {
    if let Said::No(error) = next::<Said>(lines, 0)? {
        let error = Errno::from_raw(error);
        let denied = match error {
            Errno::EPERM | Errno::EACCES => Denied::Identity,
            other => Denied::Failed(other.desc().to_owned()),
        };
        return Err(End::Denied(denied));
    }
    for at in 0..count {
        next::<Said>(lines, at)?;
    }
    for at in 0..count {
        answers.push(next(lines, at)?);
    }
    Ok(End::Done)
}

/// The next line, about the question at a position.
fn next<T: DeserializeOwned>(lines: &Receiver<Vec<u8>>, at: usize) -> Result<T, End> {
    let failed = |text: String| End::Denied(Denied::Failed(text));
    match lines.recv_timeout(SILENCE) {
        Ok(line) => serde_json::from_slice(&line).map_err(|error| failed(error.to_string())),
        Err(RecvTimeoutError::Timeout) => Err(End::Late(at)),
        Err(RecvTimeoutError::Disconnected) => Err(failed("it ended".to_owned())),
    }
}
