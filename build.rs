//! Compiles the pages of `rules/` and `rules/parameters.toml` into static tables. A mistake in one of them stops
//! the build with its file and line.

use std::{collections::BTreeMap, env, error::Error, fmt::Write as _, fs, path::Path};

use serde::de::DeserializeOwned;

#[path = "build/page.rs"]
mod page;

use page::{Page, ParameterTable, Parts, Text};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=build");
    let out = env::var("OUT_DIR")?;
    let written = pages(Path::new("rules")).and_then(|pages| {
        let parameters = parameters(Path::new("rules/parameters.toml"))?;
        Ok((pages, parameters))
    });
    match written {
        Ok((pages, parameters)) => {
            fs::write(Path::new(&out).join("pages.rs"), pages)?;
            fs::write(Path::new(&out).join("parameters.rs"), parameters)?;
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
            .map_err(|error| format!("{file}: {error}"))
            .and_then(|parts| {
                let page: Page = front_matter(&file, &parts)?;
                check(&file, &page)?;
                if let Some(unknown) = page.related.iter().find(|one| !identifiers.contains(one)) {
                    return Err(format!("{file}: `{unknown}` in `related` is no page"));
                }
                if let Some(other) = names.insert(page.name.clone(), file.clone()) {
                    return Err(format!("{file}: `{}` is the name of {other} too", page.name));
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

fn front_matter<T: DeserializeOwned>(file: &str, parts: &Parts<'_>) -> Result<T, String> {
    toml::from_str(parts.front).map_err(|error| {
        let line = error.span().map_or(0, |span| {
            parts.front[..span.start].matches('\n').count() + parts.front_line
        });
        format!("{file}:{line}: {}", error.message())
    })
}

/// What the shape alone does not guarantee.
fn check(file: &str, page: &Page) -> Result<(), String> {
    let stem = Path::new(file).file_stem().unwrap_or_default();
    let expected = format!("{}-{}", page.id, page.name);
    if *stem != *expected {
        return Err(format!("{file}: the file must be named {expected}.md"));
    }
    for (language, text) in [("en", &page.en), ("zh", &page.zh)] {
        let parts = [
            ("summary", &text.summary),
            ("title", &text.title),
            ("message", &text.message),
            ("help", &text.help),
        ];
        for (key, value) in parts {
            if value.is_none() {
                return Err(format!("{file}: [{language}] has no `{key}`"));
            }
        }
    }
    same_placeholders(file, "the page", &page.en, &page.zh)?;
    for (name, variant) in &page.variant {
        same_placeholders(file, name, &variant.en, &variant.zh)?;
    }
    for symptom in &page.symptom {
        if symptom.client.is_none() && (symptom.en.is_none() || symptom.zh.is_none()) {
            return Err(format!("{file}: a symptom without `client` needs `en` and `zh`"));
        }
        if let Some(unknown) = symptom.variants.iter().find(|v| !page.variant.contains_key(*v)) {
            return Err(format!(
                "{file}: a symptom names the variant `{unknown}`, which is not there"
            ));
        }
    }
    if page.files.is_empty() && page.symptom.is_empty() {
        return Err(format!("{file}: a page that names no `files` needs a symptom"));
    }
    if !page.files.is_empty() && !page.symptom.is_empty() && page.proof.is_none() && page.unproven.is_none() {
        return Err(format!(
            "{file}: a page with a symptom needs `[proof]` or `unproven`"
        ));
    }
    Ok(())
}

fn same_placeholders(file: &str, what: &str, en: &Text, zh: &Text) -> Result<(), String> {
    let pairs = [
        (&en.title, &zh.title),
        (&en.message, &zh.message),
        (&en.help, &zh.help),
        (&en.label, &zh.label),
        (&en.not, &zh.not),
    ];
    for (en, zh) in pairs {
        let (english, chinese) = (placeholders(en), placeholders(zh));
        if en.is_some() != zh.is_some() || english != chinese {
            return Err(format!(
                "{file}: {what}: English has {english:?} where Chinese has {chinese:?}"
            ));
        }
    }
    let keys = |text: &Text| text.labels.keys().cloned().collect::<Vec<_>>();
    if keys(en) != keys(zh) {
        return Err(format!("{file}: {what}: labels differ between the languages"));
    }
    Ok(())
}

fn placeholders(text: &Option<String>) -> Vec<&str> {
    let mut found: Vec<_> = text
        .iter()
        .flat_map(|text| text.split('{').skip(1))
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn write_page(code: &mut String, page: &Page, parts: &Parts<'_>) {
    let mut symptoms = String::new();
    for s in &page.symptom {
        let _ = write!(
            symptoms,
            "Symptom {{ exit: {}, stage: Stage::{:?}, client: {:?}, log: {:?}, since: {}, until: {}, \
             effect: [{:?}, {:?}], variants: &{:?}, wordings: &{:?}, log_wordings: &{:?} }},",
            s.exit,
            s.stage,
            s.client,
            s.log,
            release(&s.since),
            release(&s.until),
            s.en.as_deref().unwrap_or_default(),
            s.zh.as_deref().unwrap_or_default(),
            s.variants,
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
    let numbers = text
        .split('.')
        .map(str::parse::<u16>)
        .collect::<Result<Vec<_>, _>>();
    match numbers.as_deref() {
        Ok([major, minor, patch]) => format!("Release::new({major}, {minor}, {patch})"),
        // Does not compile, and the compiler shows the text.
        _ => format!("compile_error!(\"not a release of three numbers: {text}\")"),
    }
}

fn parameters(path: &Path) -> Result<String, String> {
    let file = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?;
    let whole = Parts {
        front: &text,
        front_line: 1,
        english: "",
        chinese: "",
    };
    let mut table: ParameterTable = front_matter(&file.to_string(), &whole)?;
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
        if !table.parameter.iter().any(|p| p.name == w.means) {
            return Err(format!(
                "{file}: `{}` means `{}`, which is no parameter",
                w.name, w.means
            ));
        }
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

fn camel_case(name: &str) -> String {
    name.split([' ', '-'])
        .map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]))
        .collect()
}
