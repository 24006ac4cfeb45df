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

#[cfg(test)]
mod tests {
    use super::recognize;

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
}
