//! `--show-limits`: what whoever asks may use.

use ds01_config::Limits;
use ds01_containers::Mine;
use ds01_fault::Fault;
use ds01_text::Output;
use ds01_units::Limit;

pub fn show(mine: &Mine) -> Result<Output, Fault> {
    let limits = mine.config()?.resolve(mine.user(), mine.now());
    let text = words(&limits);
    Ok(Output::one(&limits).text(text))
}

fn words(limits: &Limits) -> String {
    fn of<T>(limit: &Limit<T>, say: impl Fn(&T) -> String) -> String {
        limit.max().map_or_else(|| "no limit".into(), say)
    }
    let shm = match (limits.ipc_host, &limits.shm_size) {
        (true, _) => "the machine's".into(),
        (_, Some(size)) => size.words(),
        (_, None) => "Docker's 64 MiB".into(),
    };
    let rows = [
        ("User", format!("{} ({})", limits.user, limits.group)),
        ("GPUs at once", of(&limits.max_slots, f64::to_string)),
        ("GPUs a container", of(&limits.max_slots_per_container, f64::to_string)),
        ("Whole GPUs", if limits.allow_full_gpu { "yes" } else { "no, slices only" }.into()),
        ("CPUs a container", of(&limits.max_cpus, f64::to_string)),
        ("Memory", of(&limits.memory, |size| size.words())),
        ("Shared memory", shm),
        ("Containers", of(&limits.max_containers, u64::to_string)),
        ("Stopped when idle for", of(&limits.idle_timeout, |span| span.words())),
        ("Stopped after", of(&limits.max_runtime, |span| span.words())),
        ("GPU kept after a stop", of(&limits.gpu_hold_after_stop, |span| span.words())),
        ("Container kept after a stop", of(&limits.container_hold_after_stop, |span| span.words())),
    ];
    rows.iter().map(|(name, value)| format!("{name:<29}{value}\n")).collect()
}
