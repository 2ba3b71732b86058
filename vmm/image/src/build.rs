//! Puts an image together, or finds it in the cache under the hash of what it would be made of.
use crate::{
    Archive, ImageError, Kind, Modules, Root, Wanted, failed, find_kernel, fresh::Fresh,
    kernel::unpack_kernel, source::KernelSource, whole::whole,
};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};
use wire::place;

/// Part of every name: another way to build makes another image.
const FORMAT: &str = "oxydra guest image 1";

/// What to make an image of.
#[derive(Debug)]
pub struct Recipe {
    /// The kernel and its modules.
    pub kernel: KernelSource,
    /// What commands find.
    pub root: Root,
    /// The program that the kernel starts.
    pub init: PathBuf,
    /// The modules that it loads.
    pub modules: Vec<Wanted>,
    /// Files besides: where they go, and where they come from. They keep their permissions.
    pub files: Vec<(String, PathBuf)>,
}

/// An image in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The hash of everything it was made of.
    pub id: String,
    /// The kernel's program.
    pub kernel: PathBuf,
    /// The first file system.
    pub initrd: PathBuf,
    /// The kernel's release.
    pub release: String,
    /// Whether it was there before.
    pub was_cached: bool,
}

/// Builds an image, or finds it. `tell` hears what takes long, before it begins.
pub fn build(recipe: &Recipe, cache: &Path, tell: &mut dyn FnMut(&str)) -> Result<Image, ImageError> {
    let kernel = find_kernel(&recipe.kernel, cache, tell)?;
    let packed = whole(&kernel.image)?;
    let modules = Modules::read(&kernel.modules, &kernel.release)?.resolve(&recipe.modules)?;
    let initrd = initrd(recipe, modules)?.write();
    let id = id(&kernel.release, &packed, &initrd);
    let place = cache.join("images").join(&id);
    let image = Image {
        kernel: place.join("vmlinux"),
        initrd: place.join("initrd"),
        release: kernel.release,
        was_cached: place.exists(),
        id,
    };
    if image.was_cached {
        return Ok(image);
    }
    tell(&format!("unpacking the kernel {} and writing the image", image.release));
    let program =
        unpack_kernel(&packed).map_err(|why| ImageError::Kernel { place: kernel.image.clone(), why })?;
    // Written beside its place and then moved: what is there is whole.
    let fresh = Fresh::beside(&place, tell)?;
    let at = |name: &str| fresh.path().join(name);
    write(&at("vmlinux"), &program)
        .and_then(|()| write(&at("initrd"), &initrd))
        .and_then(|()| write(&at("release"), image.release.as_bytes()))
        .map_err(failed("write into", fresh.path()))?;
    fresh.moved("")?;
    Ok(image)
}

fn write(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(place)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn id(release: &str, kernel: &[u8], initrd: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [FORMAT.as_bytes(), release.as_bytes(), kernel, initrd] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

fn initrd(recipe: &Recipe, modules: Vec<(String, Vec<u8>)>) -> Result<Archive, ImageError> {
    use std::os::unix::fs::PermissionsExt;
    let mut archive = recipe.root.read()?;
    let folder =
        Path::new(place::MODULES_LIST).parent().expect("the list is in a directory").display().to_string();
    let mut list = String::new();
    for (name, bytes) in modules {
        list += &format!("{name}.ko\n");
        archive.put(&format!("{folder}/{name}.ko"), 0o644, Kind::File(bytes));
    }
    archive.put(place::MODULES_LIST, 0o644, Kind::File(list.into_bytes()));
    let mut add = |to: &str, from: &Path| -> Result<(), ImageError> {
        let bytes = whole(from)?;
        let about = fs::metadata(from).map_err(failed("look at", from))?;
        archive.put(to, about.permissions().mode() & 0o7777, Kind::File(bytes));
        Ok(())
    };
    for (to, from) in &recipe.files {
        add(to, from)?;
    }
    add(place::AGENT_PATH, &recipe.init)?;
    Ok(archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with a kernel, a root and an agent, all of them small.
    fn recipe(home: &Path, agent: &str) -> Recipe {
        let put = |name: &str, bytes: &[u8]| {
            let file = home.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, bytes).unwrap();
            file
        };
        let mut kernel = b"\x7fELF\x02\x01".to_vec();
        kernel.resize(128, 0);
        kernel[18] = 62;
        put("6.1/overlay.ko", b"ELF\0depends=\0");
        put("root/etc/hello", b"hi");
        Recipe {
            kernel: KernelSource::Path { image: put("vmlinux", &kernel), modules: home.join("6.1") },
            root: Root::Directory(home.join("root")),
            init: put("agent", agent.as_bytes()),
            modules: vec![Wanted { name: "overlay", required: true }],
            files: vec![("opt/more".into(), put("more", b"more"))],
        }
    }

    #[test]
    fn the_same_order_is_built_once_and_another_agent_makes_another_image() {
        let home = tempfile::tempdir().unwrap();
        let cache = home.path().join("cache");
        let first = build(&recipe(home.path(), "one"), &cache, &mut |_| ()).unwrap();
        assert!(!first.was_cached);
        let initrd = fs::read(&first.initrd).unwrap();
        for name in ["init", "oxydra/modules", "oxydra/overlay.ko", "opt/more", "etc/hello", "dev/console"] {
            let entry = format!("{name}\0");
            assert!(initrd.windows(entry.len()).any(|window| window == entry.as_bytes()), "{name}");
        }
        let again = build(&recipe(home.path(), "one"), &cache, &mut |_| ()).unwrap();
        assert_eq!(again, Image { was_cached: true, ..first.clone() });
        let other = build(&recipe(home.path(), "two"), &cache, &mut |_| ()).unwrap();
        assert!(!other.was_cached && other.id != first.id);
    }

    #[test]
    fn what_is_no_kernel_leaves_nothing_in_the_cache() {
        let home = tempfile::tempdir().unwrap();
        let recipe = recipe(home.path(), "one");
        fs::write(home.path().join("vmlinux"), "no kernel").unwrap();
        let cache = home.path().join("cache");
        let error = build(&recipe, &cache, &mut |_| ()).unwrap_err().to_string();
        assert!(
            error.contains(
                "is no kernel for a guest: it is neither a bzImage nor an ELF program; name a bzImage"
            ),
            "{error}"
        );
        assert!(!cache.join("images").exists());
    }
}
