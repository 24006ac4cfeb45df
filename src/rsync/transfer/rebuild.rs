use std::io::{self, Write as _};

use crate::rsync::{
    delta::Hasher,
    proto::{
        SumHead, Violation,
        file_list::{Entry, FileList},
    },
    transfer::{
        Error, Event, Transferred,
        basis::BasisFile,
        receiver::Receiver,
        store::{Target, Wanted},
        trouble::Trouble,
        wire::Next,
    },
    tree::{Output, Status},
};

/// A file that is being rebuilt.
pub(super) struct Rebuilding {
    pub(super) output: Option<Output>,
    pub(super) basis: Option<BasisFile>,
    /// What the permissions depend on.
    pub(super) before: Option<Status>,
    /// The basis, or something equal to it, is written over.
    pub(super) is_over_basis: bool,
    /// What is written over is the part of an earlier session.
    pub(super) is_over_partial: bool,
    pub(super) has_literal: bool,
    pub(super) trouble: Trouble,
}

/// A file's content as it grows. Blocks that follow each other in the basis are written at once.
struct Content<'f> {
    hasher: Hasher,
    output: Option<&'f mut Output>,
    basis: Option<&'f mut BasisFile>,
    is_over_basis: bool,
    /// How many bytes it has, with those of the run.
    length: u64,
    /// Where the blocks stand in the basis that are still to be written, and how many bytes they have.
    run: (u64, usize),
    /// What stands for blocks that there is no basis of.
    zeros: Vec<u8>,
}

impl Content<'_> {
    fn literal(&mut self, piece: &[u8]) -> io::Result<()> {
        self.end_run()?;
        self.hasher.update(piece);
        self.length += piece.len() as u64;
        match &mut self.output {
            Some(output) => output.write_all(piece),
            None => Ok(()),
        }
    }

    /// Takes a block of the basis; its bytes.
    fn block(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        let (start, before) = self.run;
        let follows = offset == start + before as u64;
        if !follows
            || !self
                .basis
                .as_ref()
                .is_some_and(|basis| basis.holds(offset, length))
        {
            self.end_run()?;
            self.run.0 = offset;
        }
        self.length += length as u64;
        match &mut self.basis {
            Some(basis) => {
                self.run.1 += length;
                Ok(basis.block(offset, length))
            }
            None => {
                self.zeros.resize(length, 0);
                Ok(&self.zeros)
            }
        }
    }

    /// Writes the blocks that were taken, or leaves them where they are there already.
    fn end_run(&mut self) -> io::Result<()> {
        let (start, length) = std::mem::take(&mut self.run);
        let (1.., Some(basis)) = (length, &mut self.basis) else {
            return Ok(());
        };
        let blocks = basis.block(start, length);
        self.hasher.update(blocks);
        let is_there = self.is_over_basis && self.length == start + length as u64;
        match &mut self.output {
            Some(output) if is_there => output.keep(blocks),
            Some(output) => output.write_all(blocks),
            None => Ok(()),
        }
    }
}

impl Receiver<'_> {
    /// Takes the tokens; whether the file is the sender's then (`receive_data` in receiver.c).
    pub(super) fn rebuild(
        &mut self,
        target: Target<'_>,
        wanted: &Wanted,
        file: &mut Rebuilding,
    ) -> Result<bool, Error> {
        let append = self.options.receiving.append;
        let mut content = Content {
            hasher: self.session.checksum.file(self.session.seed),
            output: file.output.as_mut(),
            basis: file.basis.as_mut(),
            is_over_basis: file.is_over_basis,
            length: 0,
            run: (0, 0),
            zeros: Vec::new(),
        };
        if append > 0 && !wanted.is_again {
            let length = wanted.sums.length();
            content.length = length;
            if let (true, Some(basis)) = (append > 1 || self.session.protocol < 30, &mut content.basis) {
                basis.each_piece(length, |piece| content.hasher.update(piece));
            }
            if let Some(output) = &mut content.output {
                file.trouble.note("lseek of {} failed", output.skip(length));
            }
        }
        let taken = self.take_tokens(target, wanted.sums, &mut content, &mut file.has_literal);
        // Of a session that ends here, what came may be kept.
        let ended = content.end_run();
        let hasher = content.hasher;
        taken?;
        ended.map_err(|error| self.unwritten("write failed on {}", target, &error))?;
        if let (true, Some(output)) = (self.options.receiving.sync, &file.output) {
            let synced = output.sync();
            synced.map_err(|error| self.unwritten("fsync failed on {}", target, &error))?;
        }
        let length = self.session.checksum.length();
        let digest = self.incoming.decode(|input| Ok(input.take(length)?.to_vec()))?;
        if file.output.is_some() {
            self.observer.observe(Event::Transferred(&Transferred {
                list: target.list,
                entry: target.entry,
                flags: target.flags,
                folder: b"",
                size: target.entry.size.unsigned_abs(),
                data: self.incoming.taken() - target.taken,
                sums: 0,
                digest: &digest,
            }));
        }
        Ok(digest == hasher.finish())
    }

    /// Takes what comes of a file that the sender was only to open.
    pub(super) fn pass_over_data(&mut self, list: &FileList, entry: &Entry) -> Result<(), Error> {
        let (protocol, length) = (self.session.protocol, self.session.checksum.length());
        self.incoming
            .decode(|input| SumHead::read(protocol, length, input))?;
        loop {
            match self.incoming.token(&mut self.tokens, |_| {})? {
                Next::End => break,
                // It has grown since it was listed.
                Next::Literal(_) => {}
                Next::Block(_) => return Err(Violation::NoBasis(self.keep.shown(list, entry)).into()),
            }
        }
        self.incoming.decode(|input| input.take(length).map(drop))
    }

    /// Takes the tokens until their end.
    fn take_tokens(
        &mut self,
        target: Target<'_>,
        sums: SumHead,
        content: &mut Content<'_>,
        has_literal: &mut bool,
    ) -> Result<(), Error> {
        let size = target.entry.size.unsigned_abs();
        loop {
            let before = content.length;
            let mut written = Ok(());
            let literal = |piece: &[u8]| written = content.literal(piece);
            let next = self.incoming.token(&mut self.tokens, literal)?;
            if !matches!(next, Next::End) && content.output.is_some() {
                self.observer.observe(Event::Progress(before, size));
            }
            match next {
                Next::End => return Ok(()),
                Next::Literal(length) => {
                    *has_literal = true;
                    self.counts.literal += length as u64;
                }
                Next::Block(index) => {
                    let (offset, length) = sums.block(index)?;
                    if content.basis.is_none() && content.output.is_some() {
                        return Err(Violation::NoBasis(self.keep.shown_name(target.name)).into());
                    }
                    match content.block(offset, length) {
                        Ok(block) => self.tokens.see(block)?,
                        Err(error) => written = Err(error),
                    }
                    self.counts.matched += length as u64;
                }
            }
            written.map_err(|error| self.unwritten("write failed on {}", target, &error))?;
        }
    }
}
