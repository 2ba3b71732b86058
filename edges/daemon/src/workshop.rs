//! A bench for each user: the tools over that user's workspace, and a scrubber that knows its host paths.
use config::Home;
use domain::UserId;
use policy::{Scrubber, Workspace};
use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};
use tools::{TestBell, Tools};
use turn::{Bench, Workshop};

/// The benches of a home, opened when they are first asked for, and once: opening one removes the drafts that an earlier
/// process left.
pub(crate) struct Benches {
    home: Home,
    /// Whether there are tools for trying the machine, such as one that is never repeated.
    with_test_tools: bool,
    open: Mutex<HashMap<UserId, Place>>,
}

/// The place of one user.
#[derive(Clone)]
struct Place {
    tools: Arc<Tools>,
    bench: Bench,
}

impl Benches {
    pub(crate) fn of(home: Home, with_test_tools: bool) -> Benches {
        Benches { home, with_test_tools, open: Mutex::default() }
    }

    /// The tools of a user.
    pub(crate) fn tools(&self, user: &UserId) -> Result<Arc<Tools>, Box<dyn Error + Send + Sync>> {
        Ok(self.place(user)?.tools)
    }

    fn place(&self, user: &UserId) -> Result<Place, Box<dyn Error + Send + Sync>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = open.get(user) {
            return Ok(place.clone());
        }
        let place = self.open(user)?;
        open.insert(user.clone(), place.clone());
        Ok(place)
    }

    fn open(&self, user: &UserId) -> Result<Place, Box<dyn Error + Send + Sync>> {
        let own = self.home.workspace(user)?;
        let tools = Tools::new(Workspace::open(&own.shared, &own.tmp)?.with_drafts(&own.drafts)?);
        let tools = Arc::new(if self.with_test_tools { tools.with(TestBell) } else { tools });
        let mut seen = Vec::new();
        for (host, shown) in [(&own.shared, "/shared"), (&own.tmp, "/tmp"), (&own.vault, "/vault")] {
            let real = host.canonicalize()?;
            seen.extend([host, &real].map(|path| (path.display().to_string(), shown.to_owned())));
        }
        let bench = Bench { executor: tools.clone(), scrubber: Arc::new(Scrubber::new(seen)) };
        Ok(Place { tools, bench })
    }
}

impl Workshop for Benches {
    fn bench(&self, user: &UserId) -> Result<Bench, Box<dyn Error + Send + Sync>> {
        Ok(self.place(user)?.bench)
    }
}
