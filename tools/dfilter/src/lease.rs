//! A pending lease of GPUs while its container is being created.

use std::thread;

use ds01_site::Site;

/// Aborts the lease when it is dropped before the create was sent. Once it was sent, only
/// an answer decides; without one the lease ends by itself, or Docker's events commit it.
#[derive(Debug)]
pub struct Lease {
    site: Site,
    token: Option<String>,
}

impl Lease {
    pub fn new(site: &Site, token: String) -> Self {
        Self { site: site.clone(), token: Some(token) }
    }

    /// The request was refused: the slots are free before its client hears of it.
    pub async fn abort(mut self) {
        if let Some(sent) = self.sent() {
            sent.abort().await;
        }
    }

    /// The daemon has the request now.
    pub fn sent(&mut self) -> Option<Sent> {
        Some(Sent { site: self.site.clone(), token: self.token.take()? })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            let site = self.site.clone();
            thread::spawn(move || ds01_admission::gpu::abort(&site, &token));
        }
    }
}

/// A lease whose container the daemon is creating.
#[derive(Debug)]
pub struct Sent {
    site: Site,
    token: String,
}

impl Sent {
    /// The container exists: recorded before its client hears of it.
    pub async fn commit(self, id: String) {
        let done = tokio::task::spawn_blocking(move || {
            ds01_admission::gpu::commit(&self.site, &self.token, &id)
        });
        // The deadline and Docker's events mend what fails here.
        let _ = done.await;
    }

    /// The daemon refused.
    pub async fn abort(self) {
        let done = tokio::task::spawn_blocking(move || {
            ds01_admission::gpu::abort(&self.site, &self.token)
        });
        let _ = done.await;
    }
}

/// A container is gone: its slots are free before its client hears of it.
pub async fn gone(site: &Site, id: String) {
    let site = site.clone();
    // Docker's events mend what fails here.
    let _ = tokio::task::spawn_blocking(move || ds01_admission::gpu::gone(&site, &id)).await;
}
