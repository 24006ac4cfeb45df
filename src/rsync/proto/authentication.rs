use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use md4::Md4;
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// The digests that a password can be answered with, the preferred first (`valid_auth_checksums` in checksum.c).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Digest {
    /// Since 3.2.7.
    Sha512,
    /// Since 3.2.7.
    Sha256,
    /// Since 3.2.7.
    Sha1,
    /// Since protocol 30.
    Md5,
    /// As it is named in a list.
    Md4,
    /// Before protocol 30: with four zero bytes in front.
    OldMd4,
}

impl Digest {
    /// Those that a greeting names.
    pub const ALL: [Self; 5] = [Self::Sha512, Self::Sha256, Self::Sha1, Self::Md5, Self::Md4];

    /// How a greeting names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha512 => "sha512",
            Self::Sha256 => "sha256",
            Self::Sha1 => "sha1",
            Self::Md5 => "md5",
            Self::Md4 | Self::OldMd4 => "md4",
        }
    }

    /// The one to use with a daemon, by what its greeting names; `None` if nothing is in common.
    pub fn choose(offered: Option<&[Vec<u8>]>, protocol: u8) -> Option<Self> {
        let Some(offered) = offered else {
            return Some(if protocol >= 30 { Self::Md5 } else { Self::OldMd4 });
        };
        Self::ALL
            .into_iter()
            .find(|digest| offered.iter().any(|name| name == digest.name().as_bytes()))
    }
}

/// The answer to a challenge: the digest of password and challenge in base64 without padding (`generate_hash` in
/// authenticate.c).
pub fn response(digest: Digest, password: &[u8], challenge: &[u8]) -> String {
    let parts = [password, challenge];
    let hashed = match digest {
        Digest::Sha512 => hash::<Sha512>(&parts),
        Digest::Sha256 => hash::<Sha256>(&parts),
        Digest::Sha1 => hash::<Sha1>(&parts),
        Digest::Md5 => hash::<Md5>(&parts),
        Digest::Md4 => hash::<Md4>(&parts),
        Digest::OldMd4 => hash::<Md4>(&[&[0; 4], password, challenge]),
    };
    STANDARD_NO_PAD.encode(hashed)
}

fn hash<D: md5::Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut state = D::new();
    for part in parts {
        state.update(part);
    }
    state.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::{Digest, response};

    #[test]
    fn answers_are_those_that_daemons_take() {
        // Observed with rsync 3.5.0: password `pw`, challenge `abcd`.
        let cases = [
            (
                Digest::Sha512,
                "us7cMi5iGNvc/4NC8woiINuP9wsbA9vcCsnigbUwUr/8TZ+zr9pWQLUbk4IqKgV32/p3J6svY0g6fvUa6akaRA",
            ),
            (Digest::Sha256, "Jjnq/0kFj+Bjm8TnUhDbMGYhfOJQHtxE8rGcx0+VR4s"),
            (Digest::Sha1, "FXIRVCMUytXjdKSqUG76cGWasTw"),
            (Digest::Md5, "trIpOxpXyaZ+LxdSc1sh7Q"),
            (Digest::OldMd4, "wlmJlOipJOcC77SF9AkuzA"),
        ];
        for (digest, expected) in cases {
            assert_eq!(response(digest, b"pw", b"abcd"), expected);
        }
    }
}
