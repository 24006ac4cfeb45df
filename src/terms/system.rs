use std::{error, fmt, io};

/// What a system call failed with, as rsync writes it: `Permission denied (13)`.
pub fn describe(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => error
            .to_string()
            .replace(&format!("(os error {number})"), &format!("({number})")),
        None => error.to_string(),
    }
}

/// A way through a symlink that neither root nor this user owns: who plants one could have something else read or written.
#[derive(Clone, Copy, Debug)]
pub struct UntrustedLink;

impl fmt::Display for UntrustedLink {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Too many levels of symbolic links (40)")
    }
}

impl error::Error for UntrustedLink {}

/// What rsync says in front of an error of such a symlink, in a line of its own; nothing for other errors.
pub fn refusal(error: &io::Error) -> &'static str {
    match error
        .get_ref()
        .is_some_and(<dyn error::Error + Send + Sync>::is::<UntrustedLink>)
    {
        true => "refusing to follow a symlink owned by an untrusted user\n",
        false => "",
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
