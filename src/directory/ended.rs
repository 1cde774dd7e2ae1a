//! Logins that ended before their time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;

use crate::ids::LoginId;

/// Logins that ended before their time, and whose cookies are still about. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct EndedLogins(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Held for a look only, never with another lock.
    logins: RwLock<BTreeSet<LoginId>>,
    /// How many: mostly none, and then nobody needs to look.
    count: AtomicUsize,
}

impl EndedLogins {
    /// Whether this one is over.
    pub fn contains(&self, login: &LoginId) -> bool {
        !self.is_empty() && self.0.logins.read().contains(login)
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.count.load(Ordering::Acquire) == 0
    }

    /// This one is over.
    pub fn insert(&self, login: LoginId) {
        let mut logins = self.0.logins.write();
        logins.insert(login);
        self.0.count.store(logins.len(), Ordering::Release);
    }

    /// This one need not be known any more.
    pub fn forget(&self, login: &LoginId) {
        let mut logins = self.0.logins.write();
        logins.remove(login);
        self.0.count.store(logins.len(), Ordering::Release);
    }
}
