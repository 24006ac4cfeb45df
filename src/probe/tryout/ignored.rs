use crate::rsync::transfer::{shown, unshown};

/// What a daemon logs of a line that it goes on without, up to the line or the name in it (`do_parameter` in loadparm.c,
/// `parameter` in params.c).
const MESSAGES: [&str; 4] = [
    "] IGNORING unknown parameter ",
    "] params.c:Parameter() - Ignoring badly formed line in config file: ",
    "] params.c:Parameter() - Unexpected end-of-file at: ",
    "] Global parameter ",
];

/// The lines of its configuration that a daemon goes on without, or the names in them, as its log tells them: it reads the
/// file anew for each client, and tells each of them each time.
pub(super) fn ignored(log: &[u8]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in log.split(|&byte| byte == b'\n') {
        // Some of what is no English is escaped in the log, and some is not.
        let line: String = line
            .utf8_chunks()
            .flat_map(|chunk| [chunk.valid().to_owned(), shown(chunk.invalid())])
            .collect();
        let told = MESSAGES.iter().find_map(|message| line.split_once(message));
        let Some((_, told)) = told else { continue };
        let told = told.strip_suffix(" found in module section!").unwrap_or(told);
        let told = told
            .strip_prefix('"')
            .and_then(|told| told.strip_suffix('"'))
            .unwrap_or(told);
        let bytes = unshown(told.trim());
        let told = String::from_utf8(bytes).unwrap_or_else(|error| shown(error.as_bytes()));
        if !lines.contains(&told) {
            lines.push(told);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::ignored;

    #[test]
    fn each_line_is_told_once() {
        let log = "2026/11/22 09:18:21 [9] Unknown Parameter encountered: \"hosts alow\"\n\
            2026/11/22 09:18:21 [9] IGNORING unknown parameter \"hosts alow\"\n\
            2026/11/22 09:18:21 [9] params.c:Parameter() - Ignoring badly formed line in config file: no \\#345\\#217\\#202\n\
            2026/11/22 09:18:21 [9] Global parameter port found in module section!\n\
            2026/11/22 09:18:21 [9] connect from localhost (127.0.0.1)\n\
            2026/11/22 09:18:22 [10] IGNORING unknown parameter \"hosts alow\"\n\
            2026/11/22 09:18:22 [10] params.c:Parameter() - Unexpected end-of-file at: \\#377x\n";
        assert_eq!(
            ignored(log.as_bytes()),
            ["hosts alow", "no 参", "port", "\\#377x"]
        );
    }
}
