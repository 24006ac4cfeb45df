use std::io::{self, ErrorKind};

use crate::rsync::{
    transfer::{
        Error, Event, Info,
        sender::Sender,
        text::{describe, shown},
    },
    tree::Status,
};

/// What is removed at the sender once it has arrived.
impl Sender<'_> {
    /// A file arrived safely: it is removed here, if that is wanted (`successful_send` in sender.c).
    pub(super) fn stored(&mut self, number: u32) -> Result<(), Error> {
        let (file, argument) = self.announcer.file(number, false)?;
        if !self.options.remove_source_files {
            return Ok(());
        }
        let (name, entry) = (file.name(), &file.entry);
        let is_changed = |now: &Status| {
            (now.size, now.mtime, now.nanoseconds) != (entry.size, entry.mtime, entry.nanoseconds)
        };
        let name_shown = shown(name);
        // Whatever was followed to read it, nothing is removed elsewhere, but where a list of the user's leads through links of
        // the user's own (observed with rsync 3.5.0).
        let is_listed = self.options.files_from.is_some() && !self.options.follows_links();
        let found = self.announcer.tree(argument, name);
        let found = found.and_then(|(tree, name)| match is_listed {
            true => Ok((tree.through_own_links(), name.to_vec())),
            false => tree.place_within(name),
        });
        let (mut tree, place) = match found {
            Ok(found) => found,
            Err(error) => {
                self.not_removed("secure-open-parent", &name_shown, &error);
                return Ok(());
            }
        };
        let now = match self.options.copy_links {
            true => tree.followed_status(&place),
            false => tree
                .status(&place)
                .and_then(|found| found.ok_or_else(|| ErrorKind::NotFound.into())),
        };
        match now {
            Ok(now) if is_changed(&now) => {
                self.faults.fail();
                let text = format!("ERROR: Skipping sender remove for changed file: {name_shown}");
                self.observer.observe(Event::Failed(&text));
            }
            Ok(_) => match tree.remove(&place, false) {
                Ok(()) if self.options.output.info(Info::Remove) > 0 => {
                    let text = format!("sender removed {name_shown}");
                    self.observer.observe(Event::Warning(&text));
                }
                Ok(()) => {}
                Err(error) => self.not_removed("remove", &name_shown, &error),
            },
            Err(error) => self.not_removed("re-lstat", &name_shown, &error),
        }
        Ok(())
    }

    fn not_removed(&self, action: &str, name: &str, error: &io::Error) {
        if error.kind() == ErrorKind::NotFound {
            let text = format!("sender file already removed: {name}");
            self.observer.observe(Event::Warning(&text));
            return;
        }
        self.faults.fail();
        let text = format!(
            "rsync: [sender] sender failed to {action} {name}: {}",
            describe(error)
        );
        self.observer.observe(Event::Failed(&text));
    }
}
