//! `oxydra config migrate`: rewrites the files of a home that are of an older version, and keeps the old ones beside them.
use crate::{
    args::Configuration,
    commands::print,
    exit::{Exit, Failure},
};
use config::{FileKind, Migration};

/// The files of a home that can be of an older version.
const FILES: [(&str, FileKind); 3] =
    [("agent.toml", FileKind::Agent), ("providers.toml", FileKind::Agent), ("runner.toml", FileKind::Runner)];

pub(super) fn migrate(of: &Configuration, is_dry: bool) -> Result<Exit, Failure> {
    // All are worked out before the first is written: half a migration helps nobody.
    let migrations = FILES.map(|(name, kind)| Migration::of(kind, &of.home.join(name)));
    let migrations: Result<Vec<_>, _> = migrations.into_iter().collect();
    let migrations: Vec<Migration> =
        migrations.map_err(Failure::configuration)?.into_iter().flatten().collect();
    let mut text = String::new();
    for migration in migrations.iter().filter(|migration| !migration.changes.is_empty()) {
        let path = migration.path.display();
        if is_dry {
            text.push_str(&format!("{path} would be rewritten\n"));
        } else {
            let kept = migration.write().map_err(Failure::storage)?;
            text.push_str(&format!("{path} is rewritten, the old one is {}\n", kept.display()));
        }
        text.extend(migration.changes.iter().map(|change| format!("  {change}\n")));
    }
    if text.is_empty() {
        text = "every file is of today\n".to_owned();
    }
    print(&text)
}
