//! What is told of a container that was made, or would be.

use cli::dry_run::{marked, told};
use ds01_containers::create::Created;
use ds01_containers::order::{Gpus, Order};
use ds01_containers::{Mine, after, image};
use ds01_docker::Container;
use ds01_fault::Fault;
use ds01_text::{Output, printable};
use serde_json::json;

pub fn created(mine: &Mine, order: &Order, created: &Created) -> Result<Output, Fault> {
    let seen = mine.docker().inspect(&created.container_id)?;
    let slots = seen.as_ref().map(|one| listed(one, "ds01.gpu.slots")).unwrap_or_default();
    let mut document = json!(order);
    document["container_id"] = json!(created.container_id);
    document["gpu"] = json!(slots.join(","));
    document["gpu_uuids"] =
        json!(seen.as_ref().map(|one| listed(one, "ds01.gpu.uuids")).unwrap_or_default());
    document["warnings"] = json!(created.warnings);
    let mut words = format!("{} is created, of {}", order.name, printable(&order.image));
    words += &match slots.is_empty() {
        // Without the door nobody says which.
        true if order.gpus != Gpus::None => String::new(),
        _ => format!(", with {}", after::gpu_words(&slots)),
    };
    words += ".\n";
    words += &mounts(order);
    for warning in &created.warnings {
        let warning = warning.strip_prefix("ds01: ").unwrap_or(warning);
        // Which GPU is said above.
        if !warning.starts_with("GPU ") {
            words += &format!("  {}\n", printable(warning));
        }
    }
    if order.interface == "atomic" {
        words += &format!(
            "It does not run yet: `container-run {}` starts it and opens a shell.\n",
            order.name
        );
    }
    Ok(Output::one(&document).text(words))
}

pub fn would(mine: &Mine, order: &Order) -> Result<Output, Fault> {
    let here = image::is_here(mine.docker(), &order.image)?;
    let mut document = json!(order);
    document["image_is_here"] = json!(here);
    document["create"] = order.body();
    let fetched = if here { "" } else { ", which would be fetched" };
    let gpus = match order.gpus {
        Gpus::None => "no GPU".to_owned(),
        Gpus::Count(1) => "one GPU".to_owned(),
        Gpus::Count(count) => format!("{count} GPUs"),
        Gpus::All => "as many GPUs as you may have".to_owned(),
    };
    let kind = order.profile.as_ref().map(|kind| format!(" ({kind})")).unwrap_or_default();
    let words = format!(
        "{} would be created, of {}{fetched}, with {gpus}{kind}.\n{}",
        order.name,
        printable(&order.image),
        mounts(order)
    );
    Ok(Output::one(&marked(document, true)).text(told(words, true)))
}

fn mounts(order: &Order) -> String {
    let line = |mount: &ds01_containers::order::Mount| {
        let source = printable(&mount.source.display().to_string());
        let how = if mount.read_only { ", for reading" } else { "" };
        format!("  {} is {source}{how}\n", mount.target)
    };
    order.mounts.iter().map(line).collect()
}

fn listed(container: &Container, label: &str) -> Vec<String> {
    let text = container.label(label).unwrap_or_default();
    text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
}
