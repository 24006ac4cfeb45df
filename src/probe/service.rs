/// Which service greets with these bytes, if it is one that is met on wrong ports.
pub(super) fn recognize(bytes: &[u8]) -> Option<&'static str> {
    let starts: [(&[u8], &str); 14] = [
        (b"HTTP/", "HTTP"),
        (b"<!DOCTYPE", "HTTP"),
        (b"<html", "HTTP"),
        (b"SSH-", "SSH"),
        // An alert of version 3.x; what asks in the clear is answered so.
        (b"\x15\x03", "TLS"),
        (b"220-", "FTP or SMTP"),
        (b"220 ", "FTP or SMTP"),
        (b"421 ", "FTP or SMTP"),
        (b"554 ", "SMTP"),
        (b"+OK", "POP3"),
        (b"* OK", "IMAP"),
        (b"-ERR", "Redis"),
        (b"-DENIED", "Redis"),
        (b"RFB ", "VNC"),
    ];
    let known = starts.iter().find(|(start, _)| bytes.starts_with(start));
    // The handshake of MySQL: a length of three bytes, the number 0, and version 10 of its protocol.
    let is_mysql = bytes.get(3..5) == Some(&[0, 10]);
    match known {
        Some((_, name)) => Some(name),
        None => is_mysql.then_some("MySQL"),
    }
}

/// Whether no daemon begins so: another service never ends its first line, or what it says is no text. The beginning of a
/// greeting or of a refusal may still be one.
pub(super) fn is_of_another(said: &[u8]) -> bool {
    let begins = |word: &[u8]| said.starts_with(&word[..word.len().min(said.len())]);
    said.contains(&0) || !(begins(b"@RSYNCD:") || begins(b"@ERROR"))
}

/// Whether rsync shows itself what it was greeted with (`start_inband_exchange` in clientserver.c).
pub(super) fn quotes_greeting(said: &[u8]) -> bool {
    const QUOTE: &[u8] = b"rsync: server sent \"";
    said.windows(QUOTE.len()).any(|window| window == QUOTE)
}

#[cfg(test)]
mod tests {
    use super::{is_of_another, recognize};

    #[test]
    fn other_services_are_recognized() {
        for (bytes, name) in [
            (&b"HTTP/1.1 400 Bad Request\r"[..], Some("HTTP")),
            (b"SSH-2.0-OpenSSH_9.2p1", Some("SSH")),
            (b"\x15\x03\x03\x00\x02\x02\x46", Some("TLS")),
            (b"220 mail.example ESMTP", Some("FTP or SMTP")),
            (b"-ERR unknown command '@RSYNCD:'", Some("Redis")),
            (b"\x4a\x00\x00\x00\x0a8.0.36\x00", Some("MySQL")),
            (b"@RSYNCD: 31.0", None),
            (b"", None),
        ] {
            assert_eq!(recognize(bytes), name, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn the_beginning_of_a_greeting_is_told_from_another_service() {
        for (said, expected) in [
            (&b""[..], false),
            (b"@", false),
            (b"@RSYNCD", false),
            (b"@RSYNCD: 31", false),
            (b"@ERR", false),
            (b"@ERROR: max connections", false),
            (b"@RSYNCD: 31.0\0", true),
            (b"@RSYNC ", true),
            (b"login: ", true),
            (b"\xff\xfd\x18", true),
        ] {
            assert_eq!(is_of_another(said), expected, "{said:?}");
        }
    }
}
