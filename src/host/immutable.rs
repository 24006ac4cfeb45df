use std::path::Path;

use rustix::{
    fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx},
    io::Errno,
};

use crate::host::{Fact, live::unknown};

/// Whether nobody may change a file, or make anything in a folder (`chattr +i`; statx(2)); `None` if its file system does not
/// tell.
///
/// # Errors
/// It is not there, or we may not look.
pub fn is_immutable(path: &Path) -> Fact<Option<bool>> {
    match statx(CWD, path, AtFlags::empty(), StatxFlags::empty()) {
        Ok(found) => {
            let tells = found.stx_attributes_mask.contains(StatxAttributes::IMMUTABLE);
            Ok(tells.then(|| found.stx_attributes.contains(StatxAttributes::IMMUTABLE)))
        }
        Err(Errno::NOSYS) => Ok(None),
        Err(error) => Err(unknown(&error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::is_immutable;

    #[test]
    fn a_new_folder_may_be_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_ne!(is_immutable(folder.path()), Ok(Some(true)));
        assert!(is_immutable(&folder.path().join("none")).is_err());
    }
}
