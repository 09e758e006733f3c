//! Requests one after the other, timed.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use ds01_fault::Fault;
use ds01_standin::{Client, as_user};

use super::failed;
use super::rival::{Rival, UID};

/// So many requests of one kind.
#[derive(Clone, Debug)]
pub struct Load {
    pub request: String,
    pub count: usize,
    /// On a connection each.
    pub fresh: bool,
    /// Who share them.
    pub clients: usize,
}

/// Microseconds for each request.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Of the contender's process; none for the daemon itself.
    pub cpu: Option<f64>,
    pub median: f64,
    pub p99: f64,
}

impl Figures {
    fn of(mut times: Vec<f64>, cpu: Option<f64>) -> Self {
        times.sort_unstable_by(f64::total_cmp);
        let at =
            |part: f64| times.get((times.len() as f64 * part) as usize).copied().unwrap_or(0.0);
        let count = times.len().max(1) as f64;
        Self { cpu: cpu.map(|cpu| cpu / count), median: at(0.5), p99: at(0.99) }
    }
    /// What the machine can do when nothing else is in the way.
    pub fn least(self, other: Self) -> Self {
        let cpu = match (self.cpu, other.cpu) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self { cpu, median: self.median.min(other.median), p99: self.p99.min(other.p99) }
    }
}

/// Work on threads that are the one who asks, with the contender's CPU time around it.
fn timed(
    rival: &Rival,
    clients: usize,
    work: impl Fn(&Path) -> io::Result<Vec<f64>> + Clone + Send + 'static,
) -> Result<Figures, Fault> {
    let before = rival.cpu();
    let start = |_| {
        let (socket, work) = (rival.socket.clone(), work.clone());
        as_user(UID, move || work(&socket))
    };
    let threads: Vec<_> = (0..clients).map(start).collect();
    let mut times = Vec::new();
    for thread in threads {
        let some = thread.join().map_err(|_| Fault::failed("a client panicked"))?;
        times.extend(failed(some, &format!("{} does not answer", rival.name))?);
    }
    let cpu = rival.cpu().zip(before).map(|(after, before)| after - before);
    Ok(Figures::of(times, cpu))
}

fn micros(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e6
}

impl Load {
    pub fn run(self, rival: &Rival) -> Result<Figures, Fault> {
        timed(rival, self.clients, move |socket| {
            let mut client = None;
            let count = (self.count / self.clients).max(1);
            let mut times = Vec::with_capacity(count);
            for _ in 0..count {
                let begun = Instant::now();
                let mut open = match client.take().filter(|_| !self.fresh) {
                    Some(open) => open,
                    None => Client::connect(socket)?,
                };
                let reply = open.ask(self.request.as_bytes())?;
                times.push(micros(begun));
                // One that refuses would be fast.
                if !(200..300).contains(&reply.status) {
                    return Err(io::Error::other(format!("the answer was {}", reply.status)));
                }
                client = Some(open).filter(|_| reply.keep_alive);
            }
            Ok(times)
        })
    }
}

/// From the request for events to the first of them.
pub fn first_event(rival: &Rival, count: usize) -> Result<Figures, Fault> {
    timed(rival, 1, move |socket| {
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let begun = Instant::now();
            let mut client = Client::connect(socket)?;
            client.stream.write_all(b"GET /v1.41/events HTTP/1.1\r\nHost: docker\r\n\r\n")?;
            client.head("GET")?;
            if client.some()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            times.push(micros(begun));
        }
        Ok(times)
    })
}

/// Connections that have asked once and wait.
pub fn idle(rival: &Rival, count: usize) -> Result<Vec<Client>, Fault> {
    let socket = rival.socket.clone();
    let held = as_user(UID, move || {
        let mut held = Vec::with_capacity(count);
        for _ in 0..count {
            let mut client = Client::connect(&socket)?;
            client.ask(b"GET /v1.41/containers/json HTTP/1.1\r\nHost: docker\r\n\r\n")?;
            held.push(client);
        }
        io::Result::Ok(held)
    });
    let held = held.join().map_err(|_| Fault::failed("a client panicked"))?;
    failed(held, &format!("{} does not keep connections", rival.name))
}

/// A request to the stand-in itself.
pub fn tell(socket: &Path, request: &str) -> Result<(), Fault> {
    let told = Client::connect(socket).and_then(|mut client| client.ask(request.as_bytes()));
    failed(told, "the stand-in does not answer").map(drop)
}
