use crate::rsync::proto::Record;

/// What of the receiver's a file is made from (`FNAMECMP_` in rsync.h).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Basis {
    /// The file itself.
    #[default]
    Own,
    /// What an earlier session left of it.
    Partial,
    /// Its backup: it is written over in place itself.
    Backup,
    /// The file of that name in another folder, by its number.
    Elsewhere(u8),
    /// One of a similar name: in the file's folder at the destination, or there in another folder, whose number is one less.
    Similar(u8, Vec<u8>),
}

impl Basis {
    /// How the sender is told; it needs not be told of the file itself.
    pub(crate) fn kind(&self) -> Option<u8> {
        match self {
            Self::Own => None,
            Self::Partial => Some(Record::PARTIAL_FILE),
            Self::Backup => Some(Record::BACKUP),
            Self::Elsewhere(number) => Some(*number),
            Self::Similar(number, _) => Some(Record::SIMILAR + number),
        }
    }

    /// The name of one that has another name than the file.
    pub(crate) fn name(&self) -> Option<&[u8]> {
        match self {
            Self::Similar(_, name) => Some(name),
            _ => None,
        }
    }
}
