//! The home folders that a shell puts in the place of `~`.

use std::{env, path::PathBuf};

use nix::unistd::User;

/// A word that begins with `~`, as a shell makes it; `cron`: the home of whose job it is. None where no such user is known.
pub(super) fn expanded(word: &str, cron: Option<PathBuf>) -> Option<String> {
    let (name, rest) = word.strip_prefix('~')?.split_once('/').map_or_else(
        || (&word[1..], String::new()),
        |(name, rest)| (name, format!("/{rest}")),
    );
    let home = match name {
        "" => cron.or_else(|| env::var_os("HOME").map(PathBuf::from))?,
        name => User::from_name(name).ok()??.dir,
    };
    let home = home.to_str().filter(|home| !home.is_empty())?;
    Some(format!("{home}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::expanded;

    #[test]
    fn a_home_is_put_in() {
        let of_job = |word| expanded(word, Some("/home/joe".into()));
        assert_eq!(of_job("~/pw").as_deref(), Some("/home/joe/pw"));
        assert_eq!(of_job("~").as_deref(), Some("/home/joe"));
        assert_eq!(of_job("~root/x").as_deref(), Some("/root/x"));
        assert_eq!(of_job("~nobody-of-that-name/x"), None);
        assert_eq!(of_job("a"), None);
    }
}
