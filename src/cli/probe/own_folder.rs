//! The folder that a script lies in, in the place of its question for it.

use std::path::{self, Path};

use crate::cli::probe::settled::is_plain;

/// How scripts ask for the folder that they lie in, shortest last.
const OWN_FOLDER: [&str; 12] = [
    "$(cd \"$(dirname \"${BASH_SOURCE[0]}\")\" && pwd)",
    "$(cd \"$(dirname \"$0\")\" && pwd)",
    "$(cd \"$(dirname \"$0\")\"; pwd)",
    "$(cd $(dirname $0) && pwd)",
    "$(cd $(dirname $0); pwd)",
    "$(dirname \"$(readlink -f \"$0\")\")",
    "$(dirname $(readlink -f $0))",
    "$(dirname \"${BASH_SOURCE[0]}\")",
    "$(dirname \"$0\")",
    "$(dirname $0)",
    "${0%/*}",
    "`dirname $0`",
];

/// A script with its own folder in the place of such questions, if a shell reads its name as it stands.
pub(super) fn with_own_folder(script: Vec<u8>, folder: &Path) -> Vec<u8> {
    let Ok(folder) = path::absolute(folder) else {
        return script;
    };
    let (Some(folder), Ok(text)) = (folder.to_str(), str::from_utf8(&script)) else {
        return script;
    };
    let is_asked = OWN_FOLDER.iter().any(|question| text.contains(question));
    if !is_asked || !is_plain(folder.as_bytes()) {
        return script;
    }
    let answered = OWN_FOLDER
        .iter()
        .fold(text.to_owned(), |text, question| text.replace(question, folder));
    answered.into_bytes()
}
