//! Whether systemd itself keeps the network from the daemon (`IPAddressDeny=` and its like, systemd.resource-control(5)): no
//! rule of a firewall shows that.

use std::rc::Rc;

use crate::{
    doctor::services::inputs_of,
    host::Host,
    lint::{self, Options, lint},
};

/// The page of such lines.
const DENIED: &str = "RSY720";

/// What lint says of a unit and its drop-ins, and which of its findings is about the network.
pub(super) fn denied(host: &dyn Host, unit: &str, options: &Options) -> Option<(Rc<lint::Report>, usize)> {
    let inputs = inputs_of(host, unit);
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
