use std::ops::Range;

use crate::{
    lint::scripts::names_program,
    model::script::{Argument, Script, sshpass},
    syntax::{dockerfile, shell},
};

/// What a script does; nothing if it calls none of our programs.
pub(in crate::lint) fn of_file(file: &[u8]) -> Vec<Script> {
    if !names_program(file) {
        return Vec::new();
    }
    vec![Script::read(&shell::parse(file), file)]
}

/// Whether any of a script's commands is an rsync.
pub(in crate::lint) fn calls_rsync(file: &[u8]) -> bool {
    of_file(file)
        .iter()
        .any(|script| script.calls_of("rsync").next().is_some())
}

/// No image has more: Docker refuses to build more than 127 layers.
pub(in crate::lint) const MOST_INSTRUCTIONS: usize = 127;

/// What the commands of a Dockerfile do, one script an instruction, and whether it has more of them than are read.
pub(in crate::lint) fn of_dockerfile(file: &[u8]) -> (Vec<Script>, bool) {
    let instructions = dockerfile::parse(file).into_iter();
    let mut calling = instructions.filter(|instruction| names_program(&file[instruction.text.clone()]));
    let scripts = calling
        .by_ref()
        .take(MOST_INSTRUCTIONS)
        .map(|instruction| {
            let script = match instruction.words {
                None => shell::parse_part(file, instruction.text),
                Some(words) => shell::Script::of_words(words),
            };
            Script::read(&script, file)
        })
        .collect();
    (scripts, calling.next().is_some())
}

/// Where passwords stand in a file's scripts, in order, with those that are known already.
pub(in crate::lint) fn passwords(
    scripts: &[Script],
    file: &[u8],
    mut found: Vec<Range<usize>>,
) -> Vec<Range<usize>> {
    found.extend(scripts.iter().flat_map(|script| in_script(script, file)));
    found.retain(|range| !range.is_empty());
    found.sort_by_key(|range| range.start);
    found.dedup_by(|next, last| {
        let overlaps = next.start < last.end;
        if overlaps {
            last.end = last.end.max(next.end);
        }
        overlaps
    });
    found
}

fn in_script(script: &Script, file: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for assigned in &script.assignments {
        if is_password(&assigned.name) {
            found.extend(spelt(&assigned.value, file));
        }
    }
    for call in &script.calls {
        let words = &call.words;
        // `sshpass -p PASSWORD`, `-pPASSWORD`
        if let Some((word, skipped)) = sshpass::password(&call.front) {
            found.extend(written(word, file).map(|range| (range.start + skipped).min(range.end)..range.end));
        }
        for word in words {
            let text = word.text();
            let program = call.program();
            // `rsync://user:password@host`, `echo user:password > FILE`
            let behind_colon = match text.split_once("://") {
                Some((_, rest)) => rest
                    .split_once('@')
                    .and_then(|(login, _)| login.split_once(':'))
                    .is_some(),
                None => {
                    matches!(&*program, "echo" | "printf") && !text.contains([' ', '/']) && text.contains(':')
                }
            };
            if behind_colon && let Some(range) = written(word, file) {
                let bytes = &file[range.clone()];
                let skipped = bytes
                    .windows(3)
                    .position(|three| three == b"://")
                    .map_or(0, |at| at + 3);
                if let Some(colon) = bytes[skipped..].iter().position(|&byte| byte == b':') {
                    let start = range.start + skipped + colon + 1;
                    let end = file[start..range.end].iter().position(|&byte| byte == b'@');
                    found.push(
                        start
                            ..end
                                .filter(|_| skipped > 0)
                                .map_or(range.end, |length| start + length),
                    );
                }
            }
        }
        // `echo PASSWORD > FILE`
        if let Some(file_name) = call.output_file()
            && ["pass", "secret"]
                .iter()
                .any(|part| file_name.text().to_ascii_lowercase().contains(part))
            && matches!(&*call.program(), "echo" | "printf")
        {
            found.extend(call.arguments().iter().filter_map(|word| written(word, file)));
        }
    }
    found
}

/// Whether a variable of that name holds a password, and not a file's name.
pub(in crate::lint) fn is_password(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let has = |part: &[u8]| name.windows(part.len()).any(|window| window == part);
    (has(b"password") || has(b"passwd") || name.ends_with(b"pass") || name.ends_with(b"secret"))
        && !has(b"file")
        && !has(b"path")
}

/// Where a value stands some of which is written down, with what the shell puts in: a dollar sign may be meant as one.
fn spelt(value: &Argument, file: &[u8]) -> Option<Range<usize>> {
    let is_here = |range: &Range<usize>| value.range.start <= range.start && range.end <= value.range.end;
    let range = value.pieces.first()?.range.start..value.pieces.last()?.range.end;
    let mut pieces = value.pieces.iter();
    let has_letters = pieces
        .any(|piece| piece.variable.is_none() && piece.text.as_ref().is_some_and(|text| !text.is_empty()));
    let is_path = file.get(range.start..).is_some_and(|rest| rest.starts_with(b"/"));
    (has_letters && is_here(&range) && !is_path).then_some(range)
}

/// Where a value stands that is written down as it is, without quotes around it; `None` for a path, or a value that
/// comes from elsewhere.
pub(in crate::lint) fn written(value: &Argument, file: &[u8]) -> Option<Range<usize>> {
    let is_here = |range: &Range<usize>| value.range.start <= range.start && range.end <= value.range.end;
    let first = value.pieces.first()?;
    let last = value.pieces.last()?;
    let is_literal = |piece: &crate::model::script::Piece| {
        piece.variable.is_none() && piece.text.as_ref().is_some_and(|text| !text.is_empty())
    };
    let range = first.range.start..last.range.end;
    let is_path = file[range.start..].starts_with(b"/");
    (value.pieces.iter().all(is_literal) && is_here(&range) && !is_path).then_some(range)
}
