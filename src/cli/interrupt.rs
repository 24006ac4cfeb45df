use std::{
    fs::{self, File},
    io,
    panic::resume_unwind,
    process,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::sys::{
    signal::{SigSet, Signal},
    termios::{SetArg, Termios, tcgetattr, tcsetattr},
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ},
    flag,
    iterator::{Handle, Signals},
};

use crate::{
    rsync::{net::Connections, tree::remove_unfinished},
    terms::Exit,
};

/// How long a session has to end by itself once its connection is closed.
const PATIENCE: Duration = Duration::from_millis(600);

/// A signal that comes so soon behind the first is the same wish: `timeout` sends its own to the process and to the group,
/// and a terminal's Ctrl-C meets the shell's.
const SAME_WISH: Duration = Duration::from_secs(1);

/// Ends what this program does when the user wants it to end.
pub(super) struct Interrupt {
    shared: Arc<Shared>,
    handle: Handle,
}

#[derive(Default)]
struct Shared {
    /// They are ended then, so that every wait ends.
    connections: Arc<Connections>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// When the first signal came.
    first: Option<Instant>,
    /// What rsync ends with by that signal.
    exit: Option<Exit>,
    /// Whether something was to be left in order then.
    is_patient: bool,
    is_done: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A signal came, which rsync ends with that by; whether the user insists.
    fn interrupt(&self, now: Instant, exit: Exit) -> bool {
        let mut state = self.state();
        if let Some(first) = state.first {
            return now.duration_since(first) > SAME_WISH;
        }
        state.first = Some(now);
        state.exit = Some(exit);
        // Before the work goes on: it may have left everything in order by the time when somebody else looks.
        state.is_patient = self.connections.end();
        self.changed.notify_all();
        false
    }
}

impl Interrupt {
    /// Waits for the signals from here on.
    pub(super) fn watch() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        // A signal that came while its handler is being put in place could be lost.
        let blocked = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGUSR1]);
        let before = blocked.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK)?;
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGUSR1]);
        before.thread_set_mask()?;
        // A file that grows beyond the limit ends nothing: the write says so (`main` in main.c).
        flag::register(SIGXFSZ, Arc::default())?;
        let mut signals = signals?;
        let watch = Self {
            shared: shared.clone(),
            handle: signals.handle(),
        };
        thread::spawn(move || {
            for signal in signals.forever() {
                let exit = match signal {
                    SIGUSR1 => Exit::UserSignal,
                    _ => Exit::Signal,
                };
                if shared.interrupt(Instant::now(), exit) {
                    leave(exit.code(), &shared.connections);
                }
            }
        });
        Ok(watch)
    }

    /// Those that end when the user wants it.
    pub(super) fn connections(&self) -> &Arc<Connections> {
        &self.shared.connections
    }

    /// What rsync ends with by the signal that came.
    pub(super) fn exit(&self) -> Exit {
        self.shared.state().exit.unwrap_or(Exit::Signal)
    }

    /// Does something. If the user does not want that any more, and it does not end soon, the program ends with what `give_up`
    /// returns; nothing unfinished is left then.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send, give_up: impl FnOnce() -> u8) -> T {
        // A question for a password changes it.
        let terminal = terminal();
        thread::scope(|scope| {
            let working = scope.spawn(|| {
                let _done = Done(&self.shared);
                work()
            });
            if !self.ends() {
                let code = give_up();
                if let Some((file, before)) = terminal {
                    let _ = tcsetattr(file, SetArg::TCSANOW, &before);
                }
                leave(code, &self.shared.connections);
            }
            working.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// Whether the work ends by itself, or soon once the user wants it to.
    fn ends(&self) -> bool {
        let shared = &self.shared;
        let waits = |state: &mut State| !state.is_done && state.first.is_none();
        let state = shared.changed.wait_while(shared.state(), waits);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        // Before there is a connection, nothing is to be left in order.
        let patience = match state.is_patient {
            true => PATIENCE,
            false => Duration::ZERO,
        };
        let waited = shared
            .changed
            .wait_timeout_while(state, patience, |state| !state.is_done);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_done
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// Says that the work is done, also if it panics.
struct Done<'s>(&'s Shared);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.state().is_done = true;
        self.0.changed.notify_all();
    }
}

#[expect(clippy::exit, reason = "a thread that does not end is not to be waited for")]
fn leave(code: u8, connections: &Connections) -> ! {
    remove_unfinished();
    for folder in connections.folders() {
        // Its owner may write there until the very end.
        let _ = fs::remove_dir_all(&folder).or_else(|_| fs::remove_dir_all(&folder));
    }
    process::exit(code.into())
}

/// The terminal that passwords are asked for at, and how it is set.
fn terminal() -> Option<(File, Termios)> {
    let file = File::open("/dev/tty").ok()?;
    let before = tcgetattr(&file).ok()?;
    Some((file, before))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Exit, Shared};

    #[test]
    fn who_insists_signals_again_later() {
        let shared = Shared::default();
        let first = Instant::now();
        for (later, insists) in [(0, false), (0, false), (2, false), (900, false), (1001, true)] {
            let at = first + Duration::from_millis(later);
            assert_eq!(shared.interrupt(at, Exit::Signal), insists, "{later}");
        }
        assert!(shared.connections.are_ended());
    }
}
