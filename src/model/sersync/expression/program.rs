use super::{
    Moment,
    parse::{Node, Set},
};

/// More states than any honest expression needs.
const MOST_STATES: usize = 2000;

/// An expression as a machine that reads one byte after the other.
#[derive(Debug)]
pub(super) struct Program {
    states: Vec<State>,
    start: usize,
}

#[derive(Debug)]
enum State {
    Accept,
    Byte(Set, usize),
    Split(Vec<usize>),
    AtStart(usize),
    AtEnd(usize),
}

/// What a byte is to a path.
#[derive(Clone, Copy)]
enum Letter {
    Slash,
    Name,
}

impl Program {
    /// `None` if it would be too large.
    pub(super) fn compile(node: &Node) -> Option<Self> {
        let mut program = Self {
            states: vec![State::Accept],
            start: 0,
        };
        program.start = program.add(node, 0)?;
        Some(program)
    }

    /// Whether the whole of `text` is accepted.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let width = text.len() + 1;
        self.reaches(
            0,
            width,
            |position, set| {
                let byte = text.get(position);
                let next = byte.is_some_and(|&byte| set.has(byte)).then_some(position + 1);
                [next, None]
            },
            |position| position == text.len(),
        )
    }

    /// Whether any string of that moment is accepted.
    pub(super) fn can_match(&self, moment: Moment) -> bool {
        self.reaches(
            0,
            6,
            |shape, set| {
                let slash = set.has(b'/').then_some(Letter::Slash);
                let name = set.has_name_byte().then_some(Letter::Name);
                [slash, name].map(|letter| next_shape(moment, shape, letter?))
            },
            |shape| match moment {
                Moment::Event => shape == 1 || shape == 5,
                Moment::Start => shape == 2,
            },
        )
    }

    /// Whether the machine can accept at a place that `is_end`, where a byte of a set leads from a place to those
    /// that `step` says. There are `places` of them.
    fn reaches(
        &self,
        first: usize,
        places: usize,
        step: impl Fn(usize, &Set) -> [Option<usize>; 2],
        is_end: impl Fn(usize) -> bool,
    ) -> bool {
        // A state, a place, and whether `$` has been passed.
        let mut seen = vec![false; self.states.len() * places * 2];
        let mut open = vec![(self.start, first, false)];
        while let Some((state, place, has_ended)) = open.pop() {
            let index = (state * places + place) * 2 + usize::from(has_ended);
            if std::mem::replace(&mut seen[index], true) {
                continue;
            }
            match &self.states[state] {
                State::Accept if is_end(place) => return true,
                State::Accept => {}
                State::Byte(..) if has_ended => {}
                State::Byte(set, next) => {
                    let places = step(place, set).into_iter().flatten();
                    open.extend(places.map(|place| (*next, place, false)));
                }
                State::Split(ways) => open.extend(ways.iter().map(|way| (*way, place, has_ended))),
                State::AtStart(next) if place == first => open.push((*next, place, has_ended)),
                State::AtStart(_) => {}
                State::AtEnd(next) => open.push((*next, place, true)),
            }
        }
        false
    }

    /// Adds the states of `node`, behind which the machine goes on with `next`.
    fn add(&mut self, node: &Node, next: usize) -> Option<usize> {
        match node {
            Node::Set(set) => self.push(State::Byte(*set, next)),
            Node::Start => self.push(State::AtStart(next)),
            Node::End => self.push(State::AtEnd(next)),
            // A state of its own, so that the limit holds for what is repeated in it.
            Node::Sequence(nodes) if nodes.is_empty() => self.push(State::Split(vec![next])),
            Node::Sequence(nodes) => nodes
                .iter()
                .rev()
                .try_fold(next, |next, node| self.add(node, next)),
            Node::Either(nodes) => {
                let ways: Option<Vec<_>> = nodes.iter().map(|node| self.add(node, next)).collect();
                self.push(State::Split(ways?))
            }
            Node::Repeat(node, least, most) => {
                let mut entry = match most {
                    None => {
                        let split = self.push(State::Split(vec![next]))?;
                        let body = self.add(node, split)?;
                        self.states[split] = State::Split(vec![body, next]);
                        split
                    }
                    Some(most) => (*least..*most).try_fold(next, |behind, _| {
                        let body = self.add(node, behind)?;
                        self.push(State::Split(vec![body, next]))
                    })?,
                };
                for _ in 0..*least {
                    entry = self.add(node, entry)?;
                }
                Some(entry)
            }
        }
    }

    fn push(&mut self, state: State) -> Option<usize> {
        if self.states.len() >= MOST_STATES {
            return None;
        }
        self.states.push(state);
        Some(self.states.len() - 1)
    }
}

/// What a path looks like after one more byte. Of an event: 1 is inside the only name, 2 behind the first slash, 3
/// inside the first folder's name, 4 behind a further slash, 5 inside a further name. At start: 1 is inside a name, 2
/// behind a slash.
fn next_shape(moment: Moment, shape: usize, letter: Letter) -> Option<usize> {
    match (moment, shape, letter) {
        (Moment::Event, 0 | 1, Letter::Name) => Some(1),
        (Moment::Event, 0, Letter::Slash) => Some(2),
        (Moment::Event, 2 | 3, Letter::Name) => Some(3),
        (Moment::Event, 3 | 5, Letter::Slash) => Some(4),
        (Moment::Event, 4 | 5, Letter::Name) => Some(5),
        (Moment::Start, 0..=2, Letter::Name) => Some(1),
        (Moment::Start, 1, Letter::Slash) => Some(2),
        _ => None,
    }
}
