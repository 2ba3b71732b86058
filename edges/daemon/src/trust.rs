//! Whether the home may be trusted: asked of whoever sits at the terminal, and never assumed. Until then nothing that came with
//! a checkout goes on by itself, and no link that came is followed. A home that was named with `--home` is its owner's choice.
use crate::{exit::Failure, help};
use config::{
    Brought, Config, Ledger, Loaded, Shown, Sources, Standing, begin, brought, fingerprint, standing,
};
use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::Path,
};

/// What a home is to its owner, and where that is remembered.
pub(crate) struct Trust {
    standing: Standing,
    ledger: Option<Ledger>,
    /// What came with it and acts.
    brought: Vec<Brought>,
}

impl Trust {
    /// Looks at the home.
    pub(crate) fn of(home: &Path, sources: &Sources) -> Trust {
        let ledger = Ledger::usual(|name| sources.variable_text(name));
        let is_named = home != Path::new(help::HOME);
        let standing = if is_named { Standing::Own } else { standing(home, ledger.as_ref()) };
        let brought = match standing {
            Standing::Own | Standing::Trusted => Vec::new(),
            Standing::Stranger => brought(home, ledger.as_ref()),
        };
        Trust { standing, ledger, brought }
    }

    /// What came with the home, acts, and waits for its owner.
    pub(crate) fn waiting(&self) -> &[Brought] {
        &self.brought
    }

    /// Whether what the home gives has to wait for its owner.
    pub(crate) fn is_missing(&self) -> bool {
        self.standing == Standing::Stranger
    }

    /// Narrows the sources, if it is missing.
    pub(crate) fn narrowed(&self, sources: Sources) -> Sources {
        if self.is_missing() { sources.untrusted() } else { sources }
    }

    /// Writes down that the home is trusted as it is.
    pub(crate) fn give(&self, home: &Path) -> Result<(), Failure> {
        let ledger = self.ledger.as_ref().ok_or_else(|| {
            Failure::usage(
                "nobody says where to write that down: set HOME or XDG_STATE_HOME to a directory of yours",
            )
        })?;
        ledger.trust(home, &fingerprint(home, Some(ledger))).map_err(Failure::other)
    }
}

/// Writes down that what acts in the home begins here, where nobody could tell later. What cannot be written down is asked about
/// next time.
pub(crate) fn begun(home: &Path, sources: &Sources) {
    let ledger = Ledger::usual(|name| sources.variable_text(name));
    if let Some(ledger) = ledger.filter(|_| home == Path::new(help::HOME)) {
        let _asked_again = begin(home, &ledger);
    }
}

/// Refuses a home in which something that came with a checkout would act.
pub(crate) fn admit(home: &Path) -> Result<(), Failure> {
    let trust = Trust::of(home, &Sources::usual(home, std::env::vars_os()));
    match &trust.brought[..] {
        [] => Ok(()),
        brought => Err(Failure::configuration(refusal(home, &[], brought))),
    }
}

/// Loads the configuration for a run. What only a stranger's home gives is asked about first; without anybody to ask, it is
/// refused with the command that says yes.
pub(crate) fn load(home: &Path, sources: &Sources, may_ask: bool) -> Result<Loaded, Failure> {
    let loaded = Config::load(sources).map_err(Failure::configuration)?;
    let trust = Trust::of(home, sources);
    if !trust.is_missing() || loaded.widened_by_home.is_empty() && trust.brought.is_empty() {
        return Ok(loaded);
    }
    let refused = || Failure::configuration(refusal(home, &loaded.widened_by_home, &trust.brought));
    let is_person = may_ask && io::stdin().is_terminal() && io::stderr().is_terminal();
    if !is_person {
        return Err(refused());
    }
    let all = listed(&loaded.widened_by_home, &trust.brought);
    let answer = asked(home, &all, &mut io::stdin().lock(), &mut io::stderr());
    match answer.map_err(Failure::other)? {
        true => trust.give(home).map(|()| loaded),
        false => Err(refused()),
    }
}

/// What a home asks to be trusted with, a line each.
pub(crate) fn listed(widened: &[Shown], brought: &[Brought]) -> String {
    let values =
        widened.iter().map(|value| format!("  {} = {}  # {}\n", value.key, value.value, value.place));
    values.chain(brought.iter().map(|brought| format!("  {brought}\n"))).collect()
}

fn refusal(home: &Path, widened: &[Shown], brought: &[Brought]) -> String {
    format!(
        "the home {} came with a checkout, and nobody has said that it may be trusted with\n{}look at it, then trust it as it is with `oxydra config trust`, or use a home of your own with `--home DIR`",
        home.display(),
        listed(widened, brought)
    )
}

/// Asks, and takes nothing but a clear yes for one.
fn asked(home: &Path, listed: &str, answers: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<bool> {
    let home = home.display();
    write!(out, "The home {home} came with a checkout. It brings\n{listed}Trust it as it is? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Place;
    use std::io::Cursor;

    fn said(answer: &str) -> (bool, String) {
        let place = Place::File { path: ".oxydra/agent.toml".into(), line: 2 };
        let value = Shown { key: "selection.model".into(), value: "\"m\"".into(), place, counts: true };
        let mut out = Vec::new();
        let yes = asked(Path::new(".oxydra"), &listed(&[value], &[]), &mut Cursor::new(answer), &mut out)
            .expect("it is asked");
        (yes, String::from_utf8(out).expect("it is text"))
    }

    #[test]
    fn only_a_clear_yes_is_one() {
        let (_, question) = said("");
        expect_test::expect![[r#"
            The home .oxydra came with a checkout. It brings
              selection.model = "m"  # .oxydra/agent.toml line 2
            Trust it as it is? [y/N] "#]]
        .assert_eq(&question);
        for (answer, yes) in
            [("y\n", true), ("Yes\n", true), ("", false), ("\n", false), ("yep\n", false), ("n\n", false)]
        {
            assert_eq!(said(answer).0, yes, "{answer:?}");
        }
    }
}
