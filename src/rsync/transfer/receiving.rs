/// What only a receiving side does: a client that sends passes these on.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Receiving {
    /// `--keep-dirlinks`.
    pub keep_directory_links: bool,
    /// `--fuzzy`, how often.
    pub fuzzy: u8,
    /// `--backup-dir`.
    pub backup_directory: Option<String>,
    /// `--partial`.
    pub partial: bool,
    /// `--partial-dir`.
    pub partial_directory: Option<String>,
    /// `--delay-updates`.
    pub delay_updates: bool,
    /// `--temp-dir`.
    pub temporary_directory: Option<String>,
    /// `--inplace`.
    pub in_place: bool,
    /// `--append`; twice for `--append-verify`.
    pub append: u8,
    /// `--compare-dest`, `--copy-dest` and `--link-dest`: only one of the kinds at a time.
    pub bases: Vec<(&'static str, String)>,
    /// `--usermap`.
    pub user_map: Option<String>,
    /// `--groupmap`.
    pub group_map: Option<String>,
    /// `--super` or `--no-super`.
    pub super_user: Option<bool>,
    /// `--fsync`.
    pub sync: bool,
    /// `--preallocate`.
    pub preallocate: bool,
    /// `--write-devices`.
    pub write_devices: bool,
}

impl Receiving {
    /// Where the part of a file is kept that came: beside the file, or in one folder for all.
    pub fn partial_folder(&self) -> Option<&str> {
        match &self.partial_directory {
            Some(folder) => Some(folder),
            None => self.delay_updates.then_some(".~tmp~"),
        }
    }

    /// Whether the part of a file that came is kept if it does not become whole.
    pub fn keeps_partial(&self) -> bool {
        !self.in_place && (self.partial || self.partial_folder().is_some())
    }
}
