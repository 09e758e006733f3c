//! The Docker door beside what stands before a Docker socket elsewhere: nothing at all,
//! HAProxy with rules on paths, and a proxy as one writes it in Python.
//!
//! Requests go to a stand-in for the daemon that answers from memory, so that what is
//! measured is what stands between; streams also to a real one.

mod load;
mod rival;
mod streams;

use std::fmt::Write;
use std::path::Path;

use ds01_fault::{Code, Context, Fault};
use ds01_standin::container_id;
use ds01_text::Table;

use crate::Args;
use load::{Figures, Load};
use rival::{Rival, USER};

/// Requests of each kind in a round, for each contender.
struct Case {
    name: &'static str,
    request: String,
    containers: usize,
    count: usize,
    fresh: bool,
    /// At the same time.
    clients: usize,
}

const CREATE: &str = r#"{"Image":"pytorch:2.5","Cmd":["sleep","infinity"],"Env":["A=b"],"Tty":false,"HostConfig":{"Binds":["/home/nobody/work:/work"],"NetworkMode":"default","AutoRemove":false}}"#;

fn cases(rounds: usize) -> Vec<Case> {
    let get = |path: &str| {
        format!(
            "GET /v1.41{path} HTTP/1.1\r\nHost: docker\r\nUser-Agent: Docker-Client/20.10.24 (linux)\r\n\r\n"
        )
    };
    let id = container_id(0);
    let case = |name, request: &str, containers, count: usize, fresh| Case {
        name,
        request: request.to_owned(),
        containers,
        count: (rounds * count / 10).max(10),
        fresh,
        clients: 1,
    };
    // Alone, each request finds everybody asleep; among others the proxy is awake already.
    let eight = |case: Case, name| Case { name, clients: 8, ..case };
    let inspect = get(&format!("/containers/{id}/json"));
    let named = get(&format!("/containers/job0._.{USER}/json"));
    let create = format!(
        "POST /v1.41/containers/create?name=job0._.{USER} HTTP/1.1\r\nHost: docker\r\nUser-Agent: Docker-Client/20.10.24 (linux)\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{CREATE}",
        CREATE.len()
    );
    let ping =
        "GET /_ping HTTP/1.1\r\nHost: docker\r\nUser-Agent: Docker-Client/20.10.24 (linux)\r\n\r\n";
    vec![
        case("ping", ping, 50, 100, false),
        eight(case("", ping, 50, 100, false), "ping, 8 clients"),
        case("ping, a connection each", ping, 50, 40, true),
        case("inspect by full id", &inspect, 50, 100, false),
        eight(case("", &inspect, 50, 100, false), "inspect by full id, 8 clients"),
        case("inspect by full id, a connection each", &inspect, 50, 40, true),
        case("inspect by name", &named, 50, 50, false),
        case("list of 50", &get("/containers/json?all=1"), 50, 40, false),
        case("list of 1,000", &get("/containers/json?all=1"), 1000, 4, false),
        case("create", &create, 50, 20, false),
    ]
}

const TURNS: usize = 5;

/// Is the daemon, until the process ends.
pub fn stand_in(socket: &Path) -> Result<(), Fault> {
    failed(ds01_standin::serve(socket, USER), "cannot stand in for the daemon")
}

pub fn measure(args: &Args) -> Result<String, Fault> {
    if !nix::unistd::Uid::effective().is_root() {
        return Ok("left out: only root can ask as somebody else\n".to_owned());
    }
    let folder = rival::folder()?;
    let (daemon, mut absent) = (rival::stand_in(&folder)?, String::new());
    let mut rivals = rival::all(&folder, &daemon.socket, args, &mut absent)?;
    let mut text = String::new();
    requests(args, &daemon.socket, &mut rivals, &mut text)?;
    idle(&rivals, &mut text)?;
    drop(rivals);
    streams::measure(&folder, args, &daemon.socket, &mut text)?;
    text += &absent;
    Ok(text)
}

fn requests(
    args: &Args,
    daemon: &Path,
    rivals: &mut [Rival],
    text: &mut String,
) -> Result<(), Fault> {
    let mut table = Table::new(["", "", "CPU us", "MEDIAN us", "P99 us", "RATIO"]);
    for case in cases(args.rounds) {
        load::tell(daemon, &format!("POST /standin/{} HTTP/1.1\r\n\r\n", case.containers))?;
        let mut best: Vec<Option<Figures>> = rivals.iter().map(|_| None).collect();
        for turn in 0..=TURNS {
            for (rival, best) in rivals.iter().zip(&mut best) {
                let count = (case.count / rival.slower).max(5);
                let (request, clients) = (case.request.clone(), case.clients);
                let load = Load { request, count, fresh: case.fresh, clients };
                let figures = load.run(rival)?;
                // The first turn warms up what is to be warm.
                if turn > 0 {
                    *best = Some(best.take().map_or(figures, |old| old.least(figures)));
                }
            }
        }
        let direct = best[0].map_or(1.0, |figures| figures.median);
        for (rival, figures) in rivals.iter().zip(&best) {
            let Some(figures) = figures else { continue };
            let name = if rival.pid.is_none() { case.name } else { "" };
            let cpu = figures.cpu.map_or("-".to_owned(), |cpu| format!("{cpu:.1}"));
            table.row([
                name.to_owned(),
                rival.name.to_owned(),
                cpu,
                format!("{:.0}", figures.median),
                format!("{:.0}", figures.p99),
                format!("{:.2}", figures.median / direct),
            ]);
        }
    }
    // To the first event, of a stream that is opened for it.
    let mut best: Vec<Option<Figures>> = rivals.iter().map(|_| None).collect();
    for turn in 0..=TURNS {
        for (rival, best) in rivals.iter().zip(&mut best) {
            let figures = load::first_event(rival, (args.rounds / 2).max(5))?;
            if turn > 0 {
                *best = Some(best.take().map_or(figures, |old| old.least(figures)));
            }
        }
    }
    let direct = best[0].map_or(1.0, |figures| figures.median);
    for (rival, figures) in rivals.iter().zip(best) {
        let Some(figures) = figures else { continue };
        let name = if rival.pid.is_none() { "first event" } else { "" };
        table.row([
            name.to_owned(),
            rival.name.to_owned(),
            figures.cpu.map_or("-".to_owned(), |cpu| format!("{cpu:.1}")),
            format!("{:.0}", figures.median),
            format!("{:.0}", figures.p99),
            format!("{:.2}", figures.median / direct),
        ]);
    }
    *text += &table.render();
    let _ = writeln!(
        text,
        "CPU of the proxy alone, by request; the best of {TURNS} turns; RATIO of the medians to the direct one"
    );
    Ok(())
}

/// Resident memory with a thousand connections that have asked once and wait.
fn idle(rivals: &[Rival], text: &mut String) -> Result<(), Fault> {
    const CONNECTIONS: usize = 1000;
    let mut table =
        Table::new(["1,000 IDLE CONNECTIONS", "kB BEFORE", "kB WITH", "kB A CONNECTION"]);
    for rival in rivals.iter().filter(|rival| rival.pid.is_some()) {
        let before = rival.memory()?;
        let held = load::idle(rival, CONNECTIONS)?;
        let with = rival.memory()?;
        drop(held);
        table.row([
            rival.name.to_owned(),
            before.to_string(),
            with.to_string(),
            format!("{:.1}", (with.saturating_sub(before)) as f64 / CONNECTIONS as f64),
        ]);
    }
    *text += &table.render();
    Ok(())
}

fn failed<T>(
    result: Result<T, impl std::error::Error + Send + Sync + 'static>,
    what: &str,
) -> Result<T, Fault> {
    result.or_fault(Code::Failed, || what.to_owned())
}
