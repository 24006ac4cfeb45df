//! Whether systemd itself keeps the network from the daemon (`IPAddressDeny=` and its like, systemd.resource-control(5)): no
//! rule of a firewall shows that.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

use crate::{
    catalog::FileKind,
    doctor::absent::UNIT_FOLDERS,
    host::Host,
    lint::{self, Input, Options, lint},
};

/// The page of such lines.
const DENIED: &str = "RSY720";

/// What lint says of a unit and its drop-ins, and which of its findings is about the network.
pub(super) fn denied(host: &dyn Host, unit: &str, options: &Options) -> Option<(Rc<lint::Report>, usize)> {
    let inputs: Vec<_> = files(host, unit)
        .into_iter()
        .filter_map(|file| {
            Some(Input {
                name: file.display().to_string(),
                bytes: host.read(&file).ok()??.into(),
                path: Some(file),
                kind: FileKind::Systemd,
                is_guess: false,
                host,
            })
        })
        .collect();
    if inputs.is_empty() {
        return None;
    }
    let report = Rc::new(lint(inputs, options));
    let found = report
        .findings
        .iter()
        .position(|finding| finding.page.id == DENIED)?;
    Some((report, found))
}

/// The file of a unit, the administrator's before the vendor's, and all of its drop-ins.
fn files(host: &dyn Host, unit: &str) -> Vec<PathBuf> {
    let is_there = |file: &PathBuf| matches!(host.metadata(file, true), Ok(Some(_)));
    let mut places = UNIT_FOLDERS.iter().map(|folder| Path::new(folder).join(unit));
    let mut files: Vec<_> = places.find(is_there).into_iter().collect();
    for folder in UNIT_FOLDERS {
        let folder = Path::new(folder).join(format!("{unit}.d"));
        let mut names = host.list(&folder).ok().flatten().unwrap_or_default();
        names.sort();
        let names = names
            .into_iter()
            .filter(|name| name.as_encoded_bytes().ends_with(b".conf"));
        files.extend(names.map(|name| folder.join(name)));
    }
    // /lib may be a link to /usr/lib, and a file is read once.
    let mut seen = Vec::new();
    files.retain(|file| {
        let known = (file.file_name().map(ToOwned::to_owned), host.read(file));
        let is_new = !seen.contains(&known);
        seen.push(known);
        is_new
    });
    files
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::denied;
    use crate::{host::Image, lint::Options, terms::Release};

    #[test]
    fn a_unit_that_keeps_the_network_away_is_found() {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        let found = || {
            let options = Options::of_release(Release::CURRENT, jiff::civil::date(2026, 11, 22));
            denied(&Image::new(root.path()), "rsync.service", &options).is_some()
        };
        assert!(!found());
        write(
            "lib/systemd/system/rsync.service",
            "[Unit]\nDescription=rsync\nAfter=network.target\n[Service]\nExecStart=/usr/bin/rsync --daemon --no-detach\n",
        );
        assert!(!found());
        let drop_in = "etc/systemd/system/rsync.service.d/hard.conf";
        write(drop_in, "[Service]\nIPAddressDeny=any\n");
        assert!(found());
        write(
            drop_in,
            "[Service]\nIPAddressDeny=any\nIPAddressAllow=192.0.2.0/24\n",
        );
        assert!(!found());
    }
}
