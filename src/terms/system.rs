use std::io;

/// What a system call failed with, as rsync writes it: `Permission denied (13)`.
pub fn describe(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => error
            .to_string()
            .replace(&format!("(os error {number})"), &format!("({number})")),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::describe;

    #[test]
    fn errors_read_as_the_system_says_them() {
        let text = |number| describe(&io::Error::from_raw_os_error(number));
        assert_eq!(text(13), "Permission denied (13)");
        assert_eq!(text(40), "Too many levels of symbolic links (40)");
        assert_eq!(describe(&io::Error::other("odd")), "odd");
    }
}
