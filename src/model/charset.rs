use std::borrow::Cow;

/// The names that iconv_open(3) of the GNU C library 2.41 knows, as `iconv -l` lists them.
const NAMES: &str = include_str!("charsets.txt");

/// What `charset` in rsyncd.conf names, as iconv_open(3) of the GNU C library reads it: letters of either case, and
/// no character that occurs in no name. `None`: the charset of the daemon's locale (`setup_iconv` in rsync.c).
pub fn charset(value: &[u8]) -> Option<Charset> {
    // rsync takes what stands behind a comma for the charset of the other side.
    let own = value.split(|&byte| byte == b',').next().unwrap_or_default();
    let is_kept = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_/.:".contains(byte);
    let name: String = own
        .iter()
        .filter(|byte| is_kept(byte))
        .map(|byte| char::from(byte.to_ascii_uppercase()))
        .collect();
    let name = match name.split_once("//") {
        Some((name, _suffix)) => name,
        None => name.strip_suffix('/').unwrap_or(&name),
    };
    (own != b"." && !name.is_empty()).then(|| Charset(name.to_owned()))
}

/// A charset's name, as names are compared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Charset(String);

impl Charset {
    /// Whether the GNU C library has it.
    pub fn is_known(&self) -> bool {
        names().any(|name| name == self.0)
    }

    /// The known name that was meant, where there is hardly a doubt.
    pub fn nearest(&self) -> Option<Cow<'static, str>> {
        // What databases and locales call theirs.
        let behind_locale = self.0.split_once('.').map_or(&*self.0, |(_, behind)| behind);
        if behind_locale.starts_with("UTF8") || behind_locale.starts_with("UTF-8") {
            return Some("UTF-8".into());
        }
        if names().any(|name| name == behind_locale) {
            return Some(behind_locale.to_owned().into());
        }
        // What people mean comes first, however they set its hyphens; else `utf9` would be UTF7.
        let common = ["UTF-8", "GBK", "GB18030", "GB2312", "BIG5", "SHIFT_JIS", "EUC-JP"];
        let plain = |name: &str| name.replace(['-', '_'], "");
        let is_near = |one: &str, other: &str| strsim::damerau_levenshtein(one, other) == 1;
        let mut common = common.into_iter().filter(|name| name.len() > 3);
        let meant = common.find(|name| is_near(name, &self.0) || is_near(&plain(name), &plain(&self.0)));
        let mut others = names().filter(|name| name.len() > 3);
        meant
            .or_else(|| others.find(|name| is_near(name, &self.0)))
            .map(Into::into)
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    NAMES.split_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_the_c_library_reads_them() {
        for name in [
            "utf8",
            "GB 2312",
            "\"utf-8\"",
            "UTF-8//TRANSLIT",
            "utf-8/",
            "UTF-8,x",
            "iso8859-1",
        ] {
            let charset = charset(name.as_bytes());
            assert!(charset.is_some_and(|charset| charset.is_known()), "{name}");
        }
        for name in ["utf8mb4", "utf-8/x", "utf-8 gbk", "C.UTF-8", "x,UTF-8", "-"] {
            let charset = charset(name.as_bytes());
            assert!(charset.is_some_and(|charset| !charset.is_known()), "{name}");
        }
        for name in ["", ".", ",UTF-8", "//"] {
            assert_eq!(charset(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn what_was_meant_is_offered_where_it_is_plain() {
        let nearest = |name: &str| charset(name.as_bytes())?.nearest().map(Cow::into_owned);
        assert_eq!(nearest("utf8mb4").as_deref(), Some("UTF-8"));
        assert_eq!(nearest("zh_CN.GB18030").as_deref(), Some("GB18030"));
        assert_eq!(nearest("UFT-8").as_deref(), Some("UTF-8"));
        assert_eq!(nearest("utf9").as_deref(), Some("UTF-8"));
        assert_eq!(nearest("chinese"), None);
    }
}
