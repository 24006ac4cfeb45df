//! Compiles the pages of `rules/` and its tables into static ones. A mistake in one of them stops the build with its
//! file and line.

use std::{collections::BTreeMap, env, error::Error, fmt::Write as _, fs, path::Path};

#[path = "build/check.rs"]
mod check;
#[path = "build/page.rs"]
mod page;

use check::{Place, release_numbers};
use page::{Page, ParameterTable, Parts, ReleaseTable, Text};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=build");
    let out = env::var("OUT_DIR")?;
    let written = pages(Path::new("rules")).and_then(|pages| {
        let parameters = parameters(Path::new("rules/parameters.toml"))?;
        let releases = releases(Path::new("rules/releases.toml"))?;
        Ok([
            ("pages.rs", pages),
            ("parameters.rs", parameters),
            ("releases.rs", releases),
        ])
    });
    match written {
        Ok(files) => {
            for (name, code) in files {
                fs::write(Path::new(&out).join(name), code)?;
            }
            Ok(())
        }
        Err(message) => {
            for line in message.lines() {
                println!("cargo::error={line}");
            }
            Err("the pages of rules/ are not sound".into())
        }
    }
}

fn pages(folder: &Path) -> Result<String, String> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    let mut code = String::from("&[\n");
    let mut errors = String::new();
    let mut names = BTreeMap::new();
    let identifiers: Vec<_> = files.iter().filter_map(|path| identifier(path)).collect();
    for path in &files {
        let file = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?;
        let result = page::split(&text)
            .map_err(|(line, error)| format!("{file}:{line}: {error}"))
            .and_then(|parts| {
                let place = Place::new(&file, &parts);
                let page: Page = place.front_matter()?;
                place.check_page(&page, &identifiers)?;
                if let Some(other) = names.insert(page.name.clone(), file.clone()) {
                    let message = format!("`{}` is the name of {other} too", page.name);
                    return Err(place.error("", 0, "name", &message));
                }
                write_page(&mut code, &page, &parts);
                Ok(())
            });
        if let Err(error) = result {
            errors += &error;
            errors.push('\n');
        }
    }
    code += "]\n";
    if errors.is_empty() { Ok(code) } else { Err(errors) }
}

/// The identifier of a page by its file's name.
fn identifier(path: &Path) -> Option<String> {
    let (id, _) = path.file_stem()?.to_str()?.split_once('-')?;
    Some(id.to_owned())
}

fn write_page(code: &mut String, page: &Page, parts: &Parts<'_>) {
    let mut symptoms = String::new();
    for s in &page.symptom {
        let _ = write!(
            symptoms,
            "Symptom {{ exit: {}, stage: Stage::{:?}, client: {:?}, log: {:?}, since: {}, until: {}, \
             effect: [{:?}, {:?}], is_sign: {:?}, variants: &{:?}, is_alternative: {:?}, harm: {}, wordings: &{:?}, log_wordings: &{:?} }},",
            s.exit,
            s.stage,
            s.client,
            s.log,
            release(&s.since),
            release(&s.until),
            s.en.as_deref().unwrap_or_default(),
            s.zh.as_deref().unwrap_or_default(),
            s.explain,
            s.variants,
            s.or,
            option(s.harm.map(|harm| format!("Harm::{harm:?}"))),
            s.wordings,
            s.log_wordings,
        );
    }
    let mut variants = String::new();
    for (name, v) in &page.variant {
        let _ = write!(
            variants,
            "Variant {{ name: {name:?}, severity: {}, confidence: {}, commands: {}, text: [{}, {}] }},",
            option(v.severity.map(|s| format!("Severity::{s:?}"))),
            option(v.confidence.map(|c| format!("Confidence::{c:?}"))),
            option(v.commands.as_ref().map(|c| format!("&{c:?}"))),
            text(&v.en),
            text(&v.zh),
        );
    }
    let needs: Vec<_> = page.needs.iter().map(|need| format!("Need::{need:?}")).collect();
    let files: Vec<_> = page
        .files
        .iter()
        .map(|kind| format!("FileKind::{kind:?}"))
        .collect();
    let _ = writeln!(
        code,
        "Page {{ id: {:?}, name: {:?}, severity: Severity::{:?}, confidence: Confidence::{:?}, files: &[{}], \
         needs: &[{}], side: Side::{:?}, fix: {}, since: {}, until: {}, related: &{:?}, commands: &{:?}, \
         frequency: Frequency::{:?}, check: {}, text: [{}, {}], \
         variants: &[{variants}], symptoms: &[{symptoms}], unproven: {:?}, body: [{:?}, {:?}] }},",
        page.id,
        page.name,
        page.severity,
        page.confidence,
        files.join(", "),
        needs.join(", "),
        page.side,
        option(page.fix.map(|fix| format!("Safety::{fix:?}"))),
        release(&page.since),
        release(&page.until),
        page.related,
        page.commands,
        page.frequency,
        option(page.check.as_ref().map(|check| format!(
            "Check {{ side: Side::{:?}, commands: &{:?} }}",
            check.side, check.commands
        ))),
        text(&page.en),
        text(&page.zh),
        page.unproven,
        parts.english,
        parts.chinese,
    );
}

fn text(text: &Text) -> String {
    let labels: Vec<_> = text
        .labels
        .iter()
        .map(|(key, value)| format!("({key:?}, {value:?})"))
        .collect();
    format!(
        "Text {{ summary: {:?}, title: {:?}, message: {:?}, label: {:?}, help: {:?}, not: {:?}, labels: &[{}] }}",
        text.summary,
        text.title,
        text.message,
        text.label,
        text.help,
        text.not,
        labels.join(", ")
    )
}

fn option(code: Option<String>) -> String {
    code.map_or_else(|| "None".to_owned(), |code| format!("Some({code})"))
}

fn release(text: &Option<String>) -> String {
    option(text.as_deref().map(plain_release))
}

fn plain_release(text: &str) -> String {
    let [major, minor, patch] = release_numbers(text).expect("every release has been checked");
    format!("Release::new({major}, {minor}, {patch})")
}

fn parameters(path: &Path) -> Result<String, String> {
    let file = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?;
    let place = Place::new(&file, &Parts::toml(&text));
    let mut table: ParameterTable = place.front_matter()?;
    place.check_parameters(&table)?;
    table.parameter.sort_by(|a, b| a.name.cmp(&b.name));
    let mut variants = String::new();
    let mut facts = String::new();
    for p in &table.parameter {
        let variant = camel_case(&p.name);
        let _ = writeln!(variants, "/// `{}`: {}\n{variant},", p.name, p.about.en);
        let danger = p.danger.as_ref().map(|danger| [&danger.en, &danger.zh]);
        let _ = writeln!(
            facts,
            "Facts {{ parameter: Parameter::{variant}, name: {:?}, kind: Kind::{:?}, scope: Scope::{:?}, \
             default: {:?}, since: {}, about: [{:?}, {:?}], danger: {danger:?} }},",
            p.name,
            p.r#type,
            p.scope,
            p.default,
            plain_release(&p.since),
            p.about.en,
            p.about.zh,
        );
    }
    let mut keys: Vec<_> = table
        .parameter
        .iter()
        .map(|p| (p.name.replace(' ', "").to_uppercase(), camel_case(&p.name)))
        .collect();
    keys.sort();
    let by_key: String = keys
        .iter()
        .map(|(key, variant)| format!("({key:?}, Parameter::{variant}),"))
        .collect();
    let mut wrong = String::new();
    for w in &table.wrong_name {
        let _ = writeln!(wrong, "({:?}, Parameter::{}),", w.name, camel_case(&w.means));
    }
    Ok(format!(
        "/// A parameter of rsyncd.conf; the order is that of the names.\n\
         #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]\n\
         pub enum Parameter {{ {variants} }}\n\
         static FACTS: [Facts; {count}] = [{facts}];\n\
         /// The names as rsync compares them, sorted.\n\
         static BY_KEY: [(&str, Parameter); {count}] = [{by_key}];\n\
         static WRONG_NAMES: &[(&str, Parameter)] = &[{wrong}];\n\
         /// How many parameters there are.\n\
         pub(crate) const COUNT: usize = {count};\n",
        count = table.parameter.len()
    ))
}

fn releases(path: &Path) -> Result<String, String> {
    let file = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?;
    let place = Place::new(&file, &Parts::toml(&text));
    let mut table: ReleaseTable = place.front_matter()?;
    place.check_releases(&table)?;
    table
        .release
        .sort_by_key(|release| release_numbers(&release.version));
    let mut published = String::new();
    for r in &table.release {
        let _ = writeln!(
            published,
            "Published {{ release: {}, date: {:?}, protocol: {} }},",
            plain_release(&r.version),
            r.date,
            r.protocol,
        );
    }
    let mut advisories = String::new();
    for a in &table.advisory {
        let _ = writeln!(
            advisories,
            "Advisory {{ id: {:?}, since: {}, fixed: {}, by: Attacker::{:?}, text: [{:?}, {:?}] }},",
            a.id,
            release(&a.since),
            plain_release(&a.fixed),
            a.by,
            a.en,
            a.zh,
        );
    }
    Ok(format!(
        "static RELEASES: &[Published] = &[{published}];\nstatic ADVISORIES: &[Advisory] = &[{advisories}];\n"
    ))
}

fn camel_case(name: &str) -> String {
    name.split([' ', '-'])
        .map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]))
        .collect()
}
