use std::{collections::BTreeSet, ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    catalog::FileKind,
    lint::{discover, scripts::content::of_file},
    model::script::Script,
};

/// The most files that are read out of one script.
pub(in crate::lint) const MOST_WRITTEN: usize = 16;

/// A file of ours that stands in a script.
pub(in crate::lint) struct Document {
    /// What it is.
    pub(in crate::lint) kind: FileKind,
    /// The script with blanks in place of all that is not the file, so that each byte stands where it stands there.
    pub(in crate::lint) bytes: Vec<u8>,
}

/// The files that a script's rsyncs get with `--password-file`.
fn handed_over(scripts: &[Script]) -> BTreeSet<Vec<u8>> {
    let calls = scripts.iter().flat_map(|script| script.calls_of("rsync"));
    let files = calls.filter_map(|call| call.invocation().option("password-file")?.value.clone());
    files.map(String::into_bytes).collect()
}

/// The files of ours that a script writes, word for word, and whether it writes more of them than are read.
pub(in crate::lint) fn documents(file: &[u8]) -> (Vec<Document>, bool) {
    let scripts = of_file(file);
    let written = scripts.iter().flat_map(|script| &script.written);
    let handed_over = handed_over(&scripts);
    let mut documents = written.filter_map(|written| {
        let by_name = discover::by_name(Path::new(OsStr::from_bytes(&written.path)));
        let is_password = handed_over.contains(&written.path);
        let kind = if is_password { FileKind::Password } else { by_name? };
        let is_ours = matches!(kind, FileKind::RsyncdConf | FileKind::Secrets) || is_password;
        let content = written.content.clone();
        let is_break = |&byte: &u8| byte == b'\n';
        let line = file[..content.start]
            .iter()
            .rposition(is_break)
            .map_or(0, |at| at + 1);
        let blanked = file.iter().enumerate().map(|(at, &byte)| match byte {
            byte if content.contains(&at) || byte == b'\n' => byte,
            // No blank may stand beside the content, and in a secrets file none at all.
            _ if at >= line || kind != FileKind::RsyncdConf => b'\n',
            _ => b' ',
        });
        is_ours.then(|| Document {
            kind,
            bytes: blanked.collect(),
        })
    });
    let read = documents.by_ref().take(MOST_WRITTEN).collect();
    (read, documents.next().is_some())
}
