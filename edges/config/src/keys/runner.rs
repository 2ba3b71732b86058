//! The keys of `runner.toml`: where users and their guests are.
use super::{
    CURRENT, Key,
    Power::Harmless,
    Rule::{Secret, Switch, Text, Version, Word},
};

/// The tiers, the most isolated first.
pub(crate) const TIERS: &[&str] = &["micro_vm", "container", "process"];

const GUESTS: &str = "guests";
const WEB: &str = "the web page";

/// All keys.
pub(super) const KEYS: &[Key] = &[
    Key::now("config_version", Version, CURRENT, "the version of this file's keys").power(Harmless),
    Key::gone("workspace_root", Text, "workspaces lie in `workspaces/` of the home, which `--home` names"),
    Key::later("default_tier", Word(TIERS), "micro_vm", "what tools run in", GUESTS),
    Key::later("guest_images.oxydra_vm", Text, "", "the guest's image", GUESTS),
    Key::later("guest_images.shell_vm", Text, "", "the image of the shell's guest", GUESTS),
    Key::gone(
        "guest_images.firecracker_oxydra_vm_config",
        Text,
        "the micro-VM is our own: it has no Firecracker templates",
    ),
    Key::gone(
        "guest_images.firecracker_shell_vm_config",
        Text,
        "the micro-VM is our own: it has no Firecracker templates",
    ),
    Key::now(
        "users.*.config_path",
        Text,
        "",
        "the user's file; `users/<id>.toml` beside this one when left out",
    ),
    Key::later("web.enabled", Switch, "false", "whether there is a web page", WEB),
    Key::later("web.bind", Text, "", "where it listens", WEB),
    Key::later("web.auth_mode", Word(&["disabled", "token"]), "", "whether it wants a token", WEB),
    Key::later("web.auth_token_env", Text, "", "the variable that holds the token", WEB),
    Key::later("web.auth_token", Secret, "", "the token", WEB),
];
