//! What is under way, on a terminal.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write as _},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use terminal_size::terminal_size_of;
use textwrap::core::display_width;

use crate::{
    catalog::Language,
    probe::{Step, Watch},
    render::{self, visible},
};

/// How often it is drawn at most.
pub(super) const PERIOD: Duration = Duration::from_millis(100);

/// Probes that are named.
const MOST: usize = 8;

/// Columns where the terminal does not say how many it has.
const COLUMNS: usize = 80;

/// A table of the probes under way, which is drawn again and again, and leaves nothing behind.
pub(super) struct Live {
    language: Language,
    /// How many probes there will be.
    all: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    under_way: BTreeMap<usize, (String, Option<Step>)>,
    begun: usize,
    passed: usize,
    failed: usize,
    /// How many lines of it stand on the terminal.
    lines: usize,
    /// Whether something changed since.
    is_old: bool,
    /// Whether somebody else uses the terminal.
    is_hidden: bool,
}

impl Live {
    pub(super) fn new(all: usize, language: Language) -> Self {
        Self {
            language,
            all,
            state: Mutex::default(),
        }
    }

    /// Draws it, if something changed.
    pub(super) fn draw(&self) {
        let mut state = self.state();
        if !state.is_old || state.is_hidden {
            return;
        }
        let columns = terminal_size_of(io::stderr()).map_or(COLUMNS, |(width, _)| usize::from(width.0));
        let lines = self.lines(&state, columns);
        let mut text = state.erasure();
        lines.iter().for_each(|line| {
            let _ = writeln!(text, "{line}");
        });
        (state.lines, state.is_old) = (lines.len(), false);
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// Takes it off the terminal.
    pub(super) fn clear(&self) {
        self.state().clear();
    }

    /// Leaves the terminal to a question.
    pub(super) fn hidden<T>(&self, ask: impl FnOnce() -> T) -> T {
        {
            let mut state = self.state();
            state.clear();
            state.is_hidden = true;
        }
        let answer = ask();
        self.state().is_hidden = false;
        answer
    }

    fn lines(&self, state: &State, columns: usize) -> Vec<String> {
        let State {
            under_way,
            begun,
            passed,
            failed,
            ..
        } = state;
        let mut lines = Vec::new();
        let (running, left) = (under_way.len(), self.all.saturating_sub(*begun));
        if self.all > 1 {
            lines.push(match self.language {
                Language::English => {
                    format!("{passed} passed, {failed} failed, {running} under way, {left} to come")
                }
                Language::Chinese => {
                    format!("{passed} 个通过，{failed} 个失败，{running} 个进行中，还有 {left} 个")
                }
            });
        }
        for (subject, step) in under_way.values().take(MOST) {
            let step = step.map_or("", |step| render::step_name(step, self.language));
            lines.push(format!("  {}  {step}", visible(subject)));
        }
        lines.iter().map(|line| fitting(line, columns)).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What takes the lines away that stand there.
    fn erasure(&self) -> String {
        match self.lines {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\r\x1b[J"),
        }
    }

    fn clear(&mut self) {
        let _ = io::stderr().write_all(self.erasure().as_bytes());
        (self.lines, self.is_old) = (0, true);
    }
}

impl Watch for Live {
    fn begin(&self, subject: &str) -> usize {
        let mut state = self.state();
        state.begun += 1;
        state.is_old = true;
        let number = state.begun;
        state.under_way.insert(number, (subject.to_owned(), None));
        number
    }

    fn reach(&self, probe: usize, step: Step) {
        let mut state = self.state();
        let Some((_, last)) = state.under_way.get_mut(&probe) else {
            return;
        };
        // A later session goes through the first stages once more.
        if last.is_none_or(|last| last < step) {
            *last = Some(step);
            state.is_old = true;
        }
    }

    fn end(&self, probe: usize, exit: u8) {
        let mut state = self.state();
        state.under_way.remove(&probe);
        match exit {
            0 => state.passed += 1,
            _ => state.failed += 1,
        }
        state.is_old = true;
    }
}

/// As much of a line as fits; one that goes on below could not be taken away.
fn fitting(line: &str, columns: usize) -> String {
    let mut text = String::new();
    let mut width = 0;
    for letter in line.chars() {
        width += display_width(letter.encode_utf8(&mut [0; 4]));
        if width >= columns {
            break;
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Live, fitting};
    use crate::{
        catalog::Language,
        probe::{Step, Watch as _},
    };

    fn shown(live: &Live) -> Vec<String> {
        live.lines(&live.state(), 60)
    }

    #[test]
    fn the_table_counts_and_names() {
        let live = Live::new(4, Language::English);
        let [one, two, three] = ["one::a", "two::b\x1b[2J", "three::c"].map(|name| live.begin(name));
        live.reach(one, Step::Pull);
        live.reach(one, Step::Greeting);
        live.reach(two, Step::Authentication);
        live.end(three, 10);
        assert_eq!(
            shown(&live),
            [
                "0 passed, 1 failed, 2 under way, 1 to come",
                "  one::a  pull",
                "  two::b·[2J  authentication",
            ]
        );
        live.end(one, 0);
        live.reach(one, Step::Removal);
        assert_eq!(shown(&live)[0], "1 passed, 1 failed, 1 under way, 1 to come");
        let alone = Live::new(1, Language::Chinese);
        let number = alone.begin("one::a");
        alone.reach(number, Step::Connect);
        assert_eq!(shown(&alone), ["  one::a  建立连接"]);
    }

    #[test]
    fn a_line_is_no_longer_than_the_terminal_is_wide() {
        assert_eq!(fitting("abcdef", 4), "abc");
        assert_eq!(fitting("密码密码", 6), "密码");
        assert_eq!(fitting("ab", 4), "ab");
    }
}
