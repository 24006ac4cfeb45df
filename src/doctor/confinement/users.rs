//! The users that a daemon's user namespace has (user_namespaces(7)).

use crate::doctor::confinement::{Confined, Found, Subjects};

pub(super) fn look(subjects: &Subjects<'_>, found: &mut Found) {
    let (Some(users), Some(groups)) = (subjects.text("uid_map"), subjects.text("gid_map")) else {
        return;
    };
    for module in subjects.modules {
        // One that stays who it is asks for nothing.
        if module.user == module.daemon || (has(&users, module.user.uid) && has(&groups, module.user.gid)) {
            continue;
        }
        let arguments = vec![("process", subjects.process.to_string())];
        let one_line = |map: &str| map.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let facts = vec![
            format!("uid_map of process {}: {}", subjects.process, one_line(&users)),
            format!("gid_map of process {}: {}", subjects.process, one_line(&groups)),
        ];
        found.facts.push(Confined::WithoutUser(module.account.clone()));
        found
            .causes
            .push(subjects.cause("RSY234", module, arguments, facts));
    }
}

/// Whether a map has a number inside: first number inside, first number outside, count.
fn has(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line
            .split_ascii_whitespace()
            .map_while(|word| word.parse::<u32>().ok());
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(inside), Some(_), Some(count)) => id.checked_sub(inside).is_some_and(|below| below < count),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::has;

    #[test]
    fn numbers_of_a_map_are_found() {
        assert!(has("0 0 4294967295", 65_534));
        let map = "0 1000 1\n1 100000 65536\nx";
        assert!(has(map, 0) && has(map, 65_534) && !has(map, 70_000));
        assert!(!has("0 0 1", 65_534) && !has("", 0));
    }
}
