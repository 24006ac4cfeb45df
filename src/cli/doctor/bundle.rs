//! `--bundle`: one archive for a ticket.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use flate2::{Compression, GzBuilder};
use jiff::Zoned;
use tar::{Builder, EntryType, Header};

use crate::{
    catalog::Language,
    cli::{Failure, output::complain, replace::folder},
    doctor::{
        self,
        bundle::{Bundle, Client, Kind, bundle},
    },
    host::plain,
    render::{self, Format, Style},
};

/// Columns of the report in a bundle.
const WIDTH: usize = 100;

/// Whether a bundle can be written there, so that nobody waits for an examination in vain.
pub(super) fn check(file: &Path) -> Result<(), Failure> {
    if fs::symlink_metadata(file).is_ok() {
        return Err(taken(file).into());
    }
    let folder = folder(file);
    if !folder.is_dir() {
        return Err(format!(
            "cannot write `{}`: there is no folder `{}`",
            file.display(),
            folder.display()
        )
        .into());
    }
    Ok(())
}

fn taken(file: &Path) -> String {
    format!(
        "`{}` is there already, and a bundle is written over nothing: name another file",
        file.display()
    )
}

/// What is to be bundled besides a report.
pub(super) struct Ask<'a> {
    pub(super) client: Client<'a>,
    /// Passwords that the user typed or has in the environment.
    pub(super) known: Vec<String>,
    /// The machine's name.
    pub(super) host: &'a str,
    pub(super) now: &'a Zoned,
    pub(super) language: Language,
}

/// The whole archive of an examination, with what its page for browsers is.
pub(super) fn archive(report: &doctor::Report, page: &str, ask: &Ask<'_>) -> io::Result<Vec<u8>> {
    let Ask {
        host, now, language, ..
    } = *ask;
    let mut bundle = bundle(report, &ask.client, &ask.known, now);
    let facts = std::mem::take(&mut bundle.pieces);
    let style = Style {
        language,
        color: false,
        unicode: true,
        width: WIDTH,
        limit: 0,
    };
    let mut text = Vec::new();
    for stage in &report.stages {
        render::examined(Format::Human, stage, style, &mut text)?;
    }
    render::examination(Format::Human, report, style, &mut text)?;
    let mut json = Vec::new();
    render::examination(Format::Json, report, style, &mut json)?;
    let [text, json] = [text, json].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    bundle.add(Kind::Report, "report.txt", None, &text);
    bundle.add(Kind::Json, "report.json", None, &json);
    bundle.add(Kind::Page, "report.html", None, page);
    bundle.pieces.extend(facts);
    let manifest = render::manifest(&bundle, host, now, language);
    packed(&bundle, &manifest, host, now)
}

/// The files as a compressed archive: the same files at the same time give the same bytes.
fn packed(bundle: &Bundle, manifest: &str, host: &str, now: &Zoned) -> io::Result<Vec<u8>> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let host: String = host.chars().filter(|c| is_plain(*c)).collect();
    let top = format!("rsyncctl-{host}-{}", now.strftime("%Y%m%d-%H%M%S"));
    let time = u64::try_from(now.timestamp().as_second()).unwrap_or_default();
    let header = |kind, mode, size| {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(time);
        header.set_size(size);
        header
    };
    let zipped = GzBuilder::new()
        .mtime(u32::try_from(time).unwrap_or_default())
        .write(Vec::new(), Compression::default());
    let mut archive = Builder::new(zipped);
    let mut folder = header(EntryType::Directory, 0o700, 0);
    archive.append_data(&mut folder, format!("{top}/"), io::empty())?;
    let pieces = bundle
        .pieces
        .iter()
        .map(|piece| (piece.name.as_str(), piece.text.as_str()));
    for (name, text) in std::iter::once(("MANIFEST.txt", manifest)).chain(pieces) {
        let mut header = header(EntryType::Regular, 0o600, text.len() as u64);
        archive.append_data(&mut header, format!("{top}/{name}"), text.as_bytes())?;
    }
    archive.into_inner()?.finish()
}

/// Writes an archive for its owner alone, whole or not at all, over nothing that is there.
pub(super) fn write(file: &Path, bytes: &[u8], language: Language) -> Result<(), Failure> {
    let failed = |error: &io::Error| format!("cannot write `{}`: {}", file.display(), plain(error));
    let mut new = tempfile::Builder::new()
        .prefix(".rsyncctl-")
        .tempfile_in(folder(file))
        .map_err(|error| failed(&error))?;
    new.write_all(bytes)
        .and_then(|()| new.as_file().sync_all())
        .map_err(|error| failed(&error))?;
    // Neither a file nor a link that came meanwhile is replaced.
    new.persist_noclobber(file)
        .map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => taken(file),
            _ => failed(&error.error),
        })?;
    let kib = bytes.len().div_ceil(1024);
    let name = file.display();
    complain(&match language {
        Language::English => format!(
            "`{name}` ({kib} KiB) is written, passwords taken out; its MANIFEST.txt says what is in it: look before you hand it on"
        ),
        Language::Chinese => format!(
            "已写入 `{name}`（{kib} KiB），密码已去除；其中的 MANIFEST.txt 说明了内容：转交之前请先看一看"
        ),
    })?;
    Ok(())
}
