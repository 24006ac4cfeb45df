//! What `sshpass` types where the program behind it asks for a password: rsync asks at the terminal for that of a module, too,
//! unless it has one of elsewhere (sshpass(1); `auth_client` in authenticate.c).

use crate::model::script::{Argument, Assigned, Piece};

/// The program.
pub const SSHPASS: &str = "sshpass";

/// Its options that take the next word.
pub(super) const WITH_VALUE: [&str; 4] = ["-p", "-f", "-d", "-P"];

/// The variable that `-e` means.
const VARIABLE: &[u8] = b"SSHPASS";

/// The password in the words of a call, with how many bytes of its word stand in front of it; none if it is not there.
pub fn password(words: &[Argument]) -> Option<(&Argument, usize)> {
    let mut words = words.iter().skip_while(|word| !is_program(word)).skip(1);
    loop {
        let word = words.next()?;
        let text = word.text();
        match &*text {
            "-p" => return words.next().map(|word| (word, 0)),
            text if text.starts_with("-p") => return Some((word, 2)),
            text if WITH_VALUE.contains(&text) => drop(words.next()),
            text if text.starts_with('-') => {}
            _ => return None,
        }
    }
}

/// The password that rsync gets behind these words, as the variable that it would read; `set`: what a variable was set to.
pub(super) fn typed(front: &[Argument], set: impl Fn(&[u8]) -> Option<Argument>) -> Option<Assigned> {
    let program = front.iter().find(|word| is_program(word))?;
    let value = match password(front) {
        Some((word, skipped)) => word.clone().behind(skipped),
        None => {
            let is_set = front.iter().any(|word| word.is("-e"));
            is_set
                .then(|| set(VARIABLE))
                .flatten()
                .unwrap_or_else(|| unknown(program))
        }
    };
    Some(Assigned {
        name: b"RSYNC_PASSWORD".to_vec(),
        value,
        range: program.range.clone(),
        is_for_command: true,
    })
}

fn is_program(word: &Argument) -> bool {
    word.text().rsplit('/').next() == Some(SSHPASS)
}

/// What only a run can tell: the content of a file, of a descriptor, or a variable of elsewhere.
fn unknown(program: &Argument) -> Argument {
    Argument {
        pieces: vec![Piece {
            text: None,
            variable: None,
            is_quoted: true,
            range: program.range.clone(),
        }],
        range: program.range.clone(),
        is_open: false,
    }
}
