//! Finds the modules of a kernel that a guest needs, with what they need themselves, in the order to load them. It reads
//! what each module says of itself, so that no index of the distribution is needed.
use crate::{ImageError, failed, packed::Packing, whole::whole};
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

/// A module that a guest loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its name, with `_` for `-`.
    pub name: &'static str,
    /// Whether a guest cannot do without.
    pub required: bool,
}

/// What every guest loads: the bus, the socket, the overlay; then disks, random numbers and the balloon.
pub const MODULES: &[Wanted] = &[
    Wanted { name: "virtio_mmio", required: true },
    Wanted { name: "vmw_vsock_virtio_transport", required: true },
    Wanted { name: "overlay", required: true },
    Wanted { name: "virtio_blk", required: false },
    Wanted { name: "virtio_rng", required: false },
    Wanted { name: "virtio_balloon", required: false },
];

/// No directory of modules is deeper.
const DEPTH_MAX: usize = 16;

/// The modules of one kernel.
#[derive(Debug)]
pub struct Modules {
    place: PathBuf,
    release: String,
    files: HashMap<String, PathBuf>,
    built_in: HashSet<String>,
}

impl Modules {
    /// Looks through `lib/modules/<release>`.
    pub fn read(place: &Path, release: &str) -> Result<Modules, ImageError> {
        let mut files = HashMap::new();
        let mut open = vec![(place.to_owned(), 0)];
        while let Some((directory, depth)) = open.pop() {
            for entry in fs::read_dir(&directory).map_err(failed("read", &directory))? {
                let entry = entry.map_err(failed("read", &directory))?;
                let kind = entry.file_type().map_err(failed("look at", entry.path()))?;
                if kind.is_dir() && depth < DEPTH_MAX {
                    open.push((entry.path(), depth + 1));
                } else if let Some(name) = module_name(&entry.path()) {
                    files.insert(name, entry.path());
                }
            }
        }
        // Without the list nothing is taken for built in, and a required module is missed aloud.
        let list = whole(&place.join("modules.builtin")).unwrap_or_default();
        let list = String::from_utf8_lossy(&list);
        let built_in = list.lines().filter_map(|line| module_name(Path::new(line))).collect();
        Ok(Modules { place: place.to_owned(), release: release.to_owned(), files, built_in })
    }

    /// Returns the wanted modules and those they need, each after what it needs, unpacked.
    pub fn resolve(&self, wanted: &[Wanted]) -> Result<Vec<(String, Vec<u8>)>, ImageError> {
        let mut order = Vec::new();
        let mut seen = HashSet::new();
        for Wanted { name, required } in wanted {
            if *required || self.files.contains_key(*name) {
                self.add(name, &mut seen, &mut order)?;
            }
        }
        Ok(order)
    }

    fn add(
        &self,
        name: &str,
        seen: &mut HashSet<String>,
        order: &mut Vec<(String, Vec<u8>)>,
    ) -> Result<(), ImageError> {
        // Seen before what it needs: a circle, which no kernel loads anyway, ends here.
        if self.built_in.contains(name) || !seen.insert(name.to_owned()) {
            return Ok(());
        }
        let file = self.files.get(name).ok_or_else(|| ImageError::Module {
            name: name.to_owned(),
            release: self.release.clone(),
            place: self.place.clone(),
        })?;
        let bytes = whole(file)?;
        let bytes = match Packing::of(&bytes) {
            Ok(packing) => packing.unpack(&bytes).map_err(failed("unpack", file))?,
            Err(_) => bytes,
        };
        for needed in needs(&bytes) {
            self.add(&needed, seen, order)?;
        }
        order.push((name.to_owned(), bytes));
        Ok(())
    }
}

/// Returns a module's name: its file's, without endings, and with `_` for `-`.
fn module_name(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?;
    let (name, ending) = name.split_once(".ko")?;
    matches!(ending, "" | ".xz" | ".gz" | ".zst").then(|| name.replace('-', "_"))
}

/// Returns what a module says it needs, in the line `depends=` between two zero bytes.
fn needs(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|window| window == KEY) else { return Vec::new() };
    let value = module[at + KEY.len()..].split(|byte| *byte == 0).next().unwrap_or_default();
    let names = String::from_utf8_lossy(value);
    names.split(',').filter(|name| !name.is_empty()).map(|name| name.replace('-', "_")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use std::io::Write;

    fn tree() -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let file = tree.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        };
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"ELF\0license=GPL\0depends=base,built-in\0").unwrap();
        put("kernel/net/far-top.ko.gz", &packed.finish().unwrap());
        put("kernel/base.ko", b"ELF\0depends=\0");
        put("kernel/lost.ko", b"ELF\0depends=nowhere\0");
        put("kernel/circle.ko", b"ELF\0depends=circle\0");
        put("modules.builtin", b"kernel/lib/built-in.ko\n");
        tree
    }

    fn check(wanted: &[Wanted], expected: Expect) {
        let tree = tree();
        let modules = Modules::read(tree.path(), "6.1").unwrap();
        let resolved = modules.resolve(wanted).map(|all| {
            all.into_iter().map(|(name, bytes)| format!("{name} {}", bytes.len())).collect::<Vec<_>>()
        });
        let shown = resolved.map_or_else(|error| error.to_string(), |all| all.join(", "));
        expected.assert_eq(&shown.replace(&tree.path().display().to_string(), "TREE"));
    }

    #[test]
    fn a_module_comes_after_what_it_needs_and_what_is_built_in_does_not_come() {
        let required = |name| Wanted { name, required: true };
        check(&[required("far_top"), required("base")], expect!["base 13, far_top 38"]);
        check(&[required("circle"), required("built_in")], expect!["circle 19"]);
    }

    #[test]
    fn modules_are_unpacked_from_what_distributions_pack_them_with() {
        let tree = tree();
        let module = b"ELF\0depends=base\0".repeat(100);
        let gz = || {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(&module).unwrap();
            packed.finish().unwrap()
        };
        let xz = || {
            let options = lzma_rust2::XzOptions::with_preset(6);
            let mut packed = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
            packed.write_all(&module).unwrap();
            packed.finish().unwrap()
        };
        let zstd =
            || ruzstd::encoding::compress_to_vec(&module[..], ruzstd::encoding::CompressionLevel::Fastest);
        let packings: [(&str, &dyn Fn() -> Vec<u8>); 4] =
            [("", &|| module.clone()), (".gz", &gz), (".xz", &xz), (".zst", &zstd)];
        for (ending, pack) in packings {
            let file = tree.path().join(format!("kernel/packed.ko{ending}"));
            let packed = pack();
            assert!(ending.is_empty() || packed.len() < module.len(), "{ending} packs nothing");
            fs::write(&file, packed).unwrap();
            let modules = Modules::read(tree.path(), "6.1").unwrap();
            let resolved = modules.resolve(&[Wanted { name: "packed", required: true }]).unwrap();
            let names: Vec<_> = resolved.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!((names, &resolved[1].1), (vec!["base", "packed"], &module), "{ending}");
            // A broken one is named.
            if !ending.is_empty() {
                let whole = fs::read(&file).unwrap();
                fs::write(&file, &whole[..whole.len() / 2]).unwrap();
                let why =
                    modules.resolve(&[Wanted { name: "packed", required: true }]).unwrap_err().to_string();
                assert!(
                    why.contains("cannot unpack") && why.contains(&format!("packed.ko{ending}")),
                    "{why}"
                );
            }
            fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn a_missing_module_is_named_unless_it_is_optional() {
        check(
            &[Wanted { name: "lost", required: true }],
            expect!["the kernel 6.1 has no module `nowhere`, in itself or in TREE"],
        );
        check(&[Wanted { name: "nowhere", required: false }], expect![""]);
    }
}
