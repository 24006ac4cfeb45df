use std::path::{Path, PathBuf};

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
    let mut passed = Vec::new();
    let mut here = PathBuf::from("/");
    let mut left: Vec<PathBuf> = parts(path);
    let mut links = 0;
    while let Some(part) = left.pop() {
        if part == Path::new("..") {
            here.pop();
            continue;
        }
        let next = here.join(part);
        let metadata = host.metadata(&next, false)?;
        passed.push(Component {
            path: next.clone(),
            metadata,
        });
        match metadata {
            None => return Ok(passed),
            Some(metadata) if metadata.kind == EntryKind::Link => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Unknown::Failed("too many levels of symbolic links".to_owned()));
                }
                let target = host.read_link(&next)?;
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                left.extend(parts(&target));
            }
            Some(_) => here = next,
        }
    }
    Ok(passed)
}

/// The components, last one first, without the root and without `.`.
fn parts(path: &Path) -> Vec<PathBuf> {
    use std::path::Component::{Normal, ParentDir};
    path.components()
        .rev()
        .filter(|part| matches!(part, Normal(_) | ParentDir))
        .map(|part| PathBuf::from(part.as_os_str()))
        .collect()
}
