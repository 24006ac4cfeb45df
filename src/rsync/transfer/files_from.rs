use crate::rsync::{
    proto::{Input, Stop, file_list::MAX_PATH},
    transfer::{
        Error, FilesFrom, Options,
        wire::{Incoming, Outgoing},
    },
};

/// From this protocol on the names travel in frames, like everything else.
const FRAMED: u8 = 31;

impl Options {
    /// The names of the list that a receiver has, as the server gets them: each with a NUL behind it, an empty one at the end
    /// (`forward_filesfrom_data` in io.c). None if it has no list.
    pub(crate) fn names_for_server(&self) -> Option<Vec<u8>> {
        let Some(FilesFrom::Here(content)) = &self.files_from else {
            return None;
        };
        let mut names = Vec::with_capacity(content.len() + 2);
        for name in content
            .split(|byte| self.ends_name(*byte))
            .filter(|name| !name.is_empty())
        {
            names.extend_from_slice(name);
            names.push(0);
        }
        names.push(0);
        Some(names)
    }

    /// The names of a list that a sender has, without comments (`read_line` in io.c).
    pub(crate) fn names_of<'n>(&self, content: &'n [u8]) -> impl Iterator<Item = &'n [u8]> + use<'n> {
        let ends_with_nul = self.ends_with_nul;
        content
            .split(move |byte| match ends_with_nul {
                true => *byte == 0,
                false => matches!(byte, b'\n' | b'\r'),
            })
            .filter(|line| !matches!(line.first(), None | Some(b'#' | b';')))
            .map(|line| line.split(|byte| *byte == 0).next().unwrap_or_default())
            .map(|line| &line[..line.len().min(MAX_PATH)])
    }

    const fn ends_name(&self, byte: u8) -> bool {
        byte == 0 || !self.ends_with_nul && matches!(byte, b'\n' | b'\r')
    }

    /// Whether the server sends names before its first frame.
    pub(crate) const fn names_come_bare(&self, protocol: u8) -> bool {
        matches!(self.files_from, Some(FilesFrom::There(_))) && protocol < FRAMED
    }
}

impl Outgoing {
    /// Sends names to a server of this protocol.
    pub(crate) fn names(&mut self, names: &[u8], protocol: u8) -> Result<(), Error> {
        match protocol < FRAMED {
            true => self.bare(names),
            false => {
                self.buffer().extend_from_slice(names);
                self.flush()
            }
        }
    }
}

impl Incoming<'_> {
    /// A server that cannot read the list ends it before its first frame, whatever the protocol (`rsync_module` in
    /// clientserver.c): so what it says then can be read.
    pub(crate) fn drop_stray_nul(&mut self) -> Result<(), Error> {
        // In place of a tag there would be nothing.
        let is_stray = |head: &[u8]| matches!(head, [0, _, _, 0]);
        let head = self.peek(4)?;
        if is_stray(head) {
            self.skip(1);
        }
        Ok(())
    }

    /// The next name of the list that the server has; none behind the last one. What a path cannot hold is dropped.
    pub(crate) fn name(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let mut name = Vec::new();
        let mut is_whole = false;
        while !is_whole {
            is_whole = self.decode(|input| {
                let (piece, is_end) = piece(input)?;
                let room = MAX_PATH - name.len();
                name.extend_from_slice(&piece[..piece.len().min(room)]);
                Ok(is_end)
            })?;
        }
        Ok((!name.is_empty()).then_some(name))
    }
}

/// What came of a name, and whether that is its end.
fn piece<'i>(input: &mut Input<'i>) -> Result<(&'i [u8], bool), Stop> {
    let rest = input.rest();
    match rest.iter().position(|&byte| byte == 0) {
        Some(end) => {
            input.take(end + 1)?;
            Ok((&rest[..end], true))
        }
        None if rest.is_empty() => Err(Stop::Short),
        None => Ok((input.take(rest.len())?, false)),
    }
}

#[cfg(test)]
mod tests {
    use crate::rsync::transfer::{FilesFrom, Options};

    #[test]
    fn names_are_read_as_rsync_reads_them() {
        let content = b"\na b\r\n#c\n\n;d\nx\0y\nlast";
        for (ends_with_nul, sent, read) in [
            (
                false,
                &b"a b\0#c\0;d\0x\0y\0last\0\0"[..],
                &[&b"a b"[..], b"x", b"last"][..],
            ),
            (
                true,
                b"\na b\r\n#c\n\n;d\nx\0y\nlast\0\0",
                &[b"\na b\r\n#c\n\n;d\nx", b"y\nlast"],
            ),
        ] {
            let options = Options {
                ends_with_nul,
                files_from: Some(FilesFrom::Here(content[..].into())),
                ..Options::default()
            };
            assert_eq!(options.names_for_server().as_deref(), Some(sent));
            assert_eq!(options.names_of(content).collect::<Vec<_>>(), read);
        }
    }
}
