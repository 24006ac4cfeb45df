use std::{
    ffi::OsString,
    path::{Component as Part, Path, PathBuf},
};

use crate::host::{EntryKind, Fact, Host, Metadata, Unknown};

/// As many links as Linux follows in one path.
const MOST_LINKS: usize = 40;

/// One step on the way to a path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Component {
    /// The path up to here.
    pub path: PathBuf,
    /// What is there, links not followed; `None` if nothing is, and then it is the last component.
    pub metadata: Option<Metadata>,
}

/// Goes to an absolute path component by component, through every link on the way, and returns what it passes.
///
/// # Errors
/// The reason why a component cannot be looked at.
pub fn walk(host: &dyn Host, path: &Path) -> Fact<Vec<Component>> {
    follow(host, path).map(|(passed, _)| passed)
}

/// An absolute path without `..`, as its words say: a link on the way may lead elsewhere.
pub fn normalize(path: &Path) -> PathBuf {
    by_words(PathBuf::from("/"), &mut Way::new(path))
}

fn by_words(mut here: PathBuf, way: &mut Way) -> PathBuf {
    while let Some(step) = way.next() {
        match step {
            Step::Up => drop(here.pop()),
            Step::Into(name) => here.push(name),
        }
    }
    here
}

/// The same, and where the path leads, without links and without `..`; where a component is missing, what is behind it is
/// taken by its words.
///
/// # Errors
/// The reason why a component cannot be looked at.
pub fn follow(host: &dyn Host, path: &Path) -> Fact<(Vec<Component>, PathBuf)> {
    let mut passed = Vec::new();
    let mut here = PathBuf::from("/");
    let mut way = Way::new(path);
    while let Some(step) = way.next() {
        let Step::Into(name) = step else {
            here.pop();
            continue;
        };
        let next = here.join(name);
        let metadata = host.metadata(&next, false)?;
        passed.push(Component {
            path: next.clone(),
            metadata,
        });
        match metadata {
            None => {
                here = next;
                break;
            }
            Some(metadata) if metadata.kind == EntryKind::Link => {
                let target = host.read_link(&next)?;
                way.follow(&target)?;
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
            }
            Some(_) => here = next,
        }
    }
    Ok((passed, by_words(here, &mut way)))
}

/// What is left of the way to a path. Whoever goes it tells it where the links lead.
pub(crate) struct Way {
    /// The parts, last one first.
    left: Vec<Step>,
    links: usize,
}

/// One part of a path.
pub(crate) enum Step {
    /// `..`.
    Up,
    /// A name.
    Into(OsString),
}

impl Way {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            left: steps(path),
            links: 0,
        }
    }

    pub(crate) fn next(&mut self) -> Option<Step> {
        self.left.pop()
    }

    /// Whether the step that was taken was the last one.
    pub(crate) fn is_done(&self) -> bool {
        self.left.is_empty()
    }

    /// Goes on where the link leads that the last step met; from the top if that is an absolute path.
    ///
    /// # Errors
    /// If there are too many, as in a circle.
    pub(crate) fn follow(&mut self, target: &Path) -> Fact<()> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(Unknown::Failed("too many levels of symbolic links".to_owned()));
        }
        self.left.extend(steps(target));
        Ok(())
    }
}

/// The parts of a path, last one first, without the root and without `.`.
fn steps(path: &Path) -> Vec<Step> {
    path.components()
        .rev()
        .filter_map(|part| match part {
            Part::Normal(name) => Some(Step::Into(name.to_owned())),
            Part::ParentDir => Some(Step::Up),
            Part::CurDir | Part::Prefix(_) | Part::RootDir => None,
        })
        .collect()
}
