use std::io;

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
        let copies_links = self.options.copy_links;
        let now = self
            .announcer
            .tree(argument, name)
            .and_then(|(tree, name)| match copies_links {
                true => tree.followed_status(name).map(Some),
                false => tree.status(name),
            });
        let is_changed = |now: &Status| {
            (now.size, now.mtime, now.nanoseconds) != (entry.size, entry.mtime, entry.nanoseconds)
        };
        let name_shown = shown(name);
        match now {
            Ok(Some(now)) if is_changed(&now) => {
                self.faults.fail();
                let text = format!("ERROR: Skipping sender remove for changed file: {name_shown}");
                self.observer.observe(Event::Failed(&text));
            }
            Ok(Some(_)) => match self
                .announcer
                .tree(argument, name)
                .and_then(|(tree, name)| tree.remove(name, false))
            {
                Ok(()) if self.options.output.info(Info::Remove) > 0 => {
                    let text = format!("sender removed {name_shown}");
                    self.observer.observe(Event::Warning(&text));
                }
                Ok(()) => {}
                Err(error) => self.not_removed("remove", &name_shown, &error),
            },
            Ok(None) => {
                let text = format!("sender file already removed: {name_shown}");
                self.observer.observe(Event::Warning(&text));
            }
            Err(error) => self.not_removed("re-lstat", &name_shown, &error),
        }
        Ok(())
    }

    fn not_removed(&self, action: &str, name: &str, error: &io::Error) {
        self.faults.fail();
        let text = format!(
            "rsync: [sender] sender failed to {action} {name}: {}",
            describe(error)
        );
        self.observer.observe(Event::Failed(&text));
    }
}
