//! Terminals at which programs run.

use std::{
    ffi::OsStr,
    fs::{File, OpenOptions},
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt as _, fs::OpenOptionsExt as _},
    },
};

use rustix::{
    fs::OFlags,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

/// A terminal: what its user sees and types at, and what programs get.
pub(crate) struct Terminal {
    pub(crate) screen: File,
    pub(crate) program: OwnedFd,
}

impl Terminal {
    /// A terminal of 60 columns. No other program that is started meanwhile inherits it (as with `openpty`): some run under
    /// a limit of open files, and some would keep it open.
    pub(crate) fn new() -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let screen = openpt(flags).expect("a terminal");
        grantpt(&screen).expect("a terminal");
        unlockpt(&screen).expect("a terminal");
        let name = ptsname(&screen, Vec::new()).expect("a name");
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        options.custom_flags(OFlags::NOCTTY.bits().cast_signed());
        let program = options
            .open(OsStr::from_bytes(name.as_bytes()))
            .expect("a terminal");
        let size = Winsize {
            ws_row: 24,
            ws_col: 60,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&program, size).expect("a terminal");
        Self {
            screen: File::from(screen),
            program: program.into(),
        }
    }
}
