//! Where a catalog is made from: a file, or an address. What is there is read once, bounded, and checked.
use crate::{args::CatalogCommand, commands::runtime, exit::Failure, known::CATALOG_BYTES_MAX, trust::Trust};
use catalog::Catalog;
use config::{Config, Sources};
use http::{Client, Options, Url};
use std::{fs, path::Path};

/// Where facts about models are gathered, for everybody.
const MODELS_DEV: &str = "https://models.dev/api.json";

/// Reads the source: the one that is named, else the configuration's, else everybody's. Returns its name too.
pub(super) fn read(of: &CatalogCommand, from: Option<&str>) -> Result<(String, Catalog), Failure> {
    let name = match from {
        Some(from) => from.to_owned(),
        None => configured(of)?.unwrap_or_else(|| MODELS_DEV.to_owned()),
    };
    let text = if name.starts_with("http://") || name.starts_with("https://") {
        fetched(&name)?
    } else {
        from_file(Path::new(&name))?
    };
    let unusable = |bad| Failure::usage(format!("{name} is no source of a catalog: {bad}"));
    // A catalog that was made here is a source as good as any.
    let made = Catalog::from_text(&text).or_else(|_| Catalog::from_source(&text));
    Ok((name.clone(), made.map_err(unusable)?))
}

fn configured(of: &CatalogCommand) -> Result<Option<String>, Failure> {
    let sources = Sources::usual(&of.home, std::env::vars_os());
    let sources = Trust::of(&of.home, &sources).narrowed(sources);
    let loaded = Config::load(&sources).map_err(Failure::configuration)?;
    Ok(loaded.config.catalog.source.map(|url| url.to_string()))
}

fn from_file(path: &Path) -> Result<String, Failure> {
    let unreadable =
        |why: &dyn std::fmt::Display| Failure::usage(format!("cannot read {}: {why}", path.display()));
    let about = fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !about.is_file() || about.len() > CATALOG_BYTES_MAX as u64 {
        return Err(unreadable(&format!("it is no file, or longer than {CATALOG_BYTES_MAX} bytes")));
    }
    fs::read_to_string(path).map_err(|error| unreadable(&error))
}

fn fetched(address: &str) -> Result<String, Failure> {
    let url = Url::parse(address).map_err(|bad| Failure::usage(format!("{address}: {bad}")))?;
    let runtime = runtime()?;
    let text = runtime.block_on(async {
        let response = Client::new(Options::default()).get(&url, &[]).await.map_err(Failure::other)?;
        if !response.is_success() {
            return Err(Failure::other(format!("{url} answers with status {}", response.status)));
        }
        let unusable = |why| Failure::other(format!("cannot read {url}: {why}"));
        response.text(CATALOG_BYTES_MAX).await.map_err(unusable)
    });
    runtime.shutdown_background();
    text
}
