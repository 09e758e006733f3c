//! GPUs: every way to ask for one is read as a wish, and replaced by what the ledger
//! leased.

use serde::{Deserialize, Serialize};

use crate::Denial;
use crate::facts::{Grant, Stop};
use crate::json::Value;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    None,
    /// As many as this person may have by default.
    All,
    Count(u64),
    /// Named devices: UUIDs, indices or display ids.
    Devices(Vec<String>),
}

const VISIBLE: &str = "NVIDIA_VISIBLE_DEVICES";
const CUDA: &str = "CUDA_VISIBLE_DEVICES";

/// The wish of a create: device requests, else the request label, else the environment.
pub fn wanted(body: &Value) -> Result<Wanted, Stop> {
    let requests = body
        .get("HostConfig")
        .and_then(|host| host.get("DeviceRequests"))
        .and_then(Value::as_list)
        .unwrap_or_default();
    if !requests.is_empty() {
        return of_requests(requests);
    }
    if let Some(text) = body.get("Labels").and_then(|labels| labels.get("ds01.request.gpus")) {
        return Ok(of_text(text.as_text().unwrap_or_default()));
    }
    Ok(env_of(body, VISIBLE).last().map_or(Wanted::None, of_text))
}

fn of_requests(requests: &[Value]) -> Result<Wanted, Stop> {
    let mut count = 0u64;
    let mut devices: Vec<String> = Vec::new();
    let mut all = false;
    for request in requests {
        let driver = request.get("Driver").and_then(Value::as_text).unwrap_or_default();
        let mut capabilities = request
            .get("Capabilities")
            .and_then(Value::as_list)
            .unwrap_or_default()
            .iter()
            .flat_map(|set| set.as_list().unwrap_or_default());
        let for_gpu = capabilities.any(|capability| capability.as_text() == Some("gpu"));
        if !(driver == "cdi" || driver == "nvidia" || (driver.is_empty() && for_gpu)) {
            return Err(not_a_gpu(driver));
        }
        if request.get("Options").is_some_and(|options| !options.is_empty()) {
            return Err(not_a_gpu("with options"));
        }
        let ids = request.get("DeviceIDs").and_then(Value::as_list).unwrap_or_default();
        for id in ids {
            match device(id.as_text().unwrap_or_default(), driver == "cdi")? {
                "all" => all = true,
                id => devices.push(id.to_owned()),
            }
        }
        match request.get("Count").and_then(Value::as_int).unwrap_or(0) {
            -1 => all = true,
            n if n > 0 => count = count.saturating_add(n.unsigned_abs()),
            _ => {}
        }
    }
    devices.dedup();
    Ok(match (all, count, devices.is_empty()) {
        (true, ..) => Wanted::All,
        (_, 0, true) => Wanted::None,
        (_, count, true) => Wanted::Count(count),
        _ => Wanted::Devices(devices),
    })
}

/// A device id, without the vendor and class of a CDI name.
fn device(id: &str, cdi: bool) -> Result<&str, Stop> {
    if let Some(name) = id.strip_prefix("nvidia.com/gpu=") {
        return Ok(name);
    }
    if cdi || id.contains(['/', '=']) || id.is_empty() {
        return Err(not_a_gpu(id));
    }
    Ok(id)
}

fn not_a_gpu(what: &str) -> Stop {
    let what: String = what.chars().take(60).collect();
    Denial::forbidden(
        "create.device_request",
        format!("the device request `{what}` is not for a GPU"),
    )
    .why("GPUs are the only devices that the ledger gives")
    .todo("ask with --gpus N, or --gpus device=ID")
    .into()
}

fn of_text(text: &str) -> Wanted {
    match text {
        "" | "none" | "void" | "0" => Wanted::None,
        "all" => Wanted::All,
        _ => match text.parse::<u64>() {
            Ok(count) => Wanted::Count(count),
            Err(_) => Wanted::Devices(text.split(',').map(str::to_owned).collect()),
        },
    }
}

fn env_of<'a>(body: &'a Value, name: &'a str) -> impl Iterator<Item = &'a str> {
    body.get("Env")
        .and_then(Value::as_list)
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_text)
        .filter_map(move |pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })
}

/// Variables by which NVIDIA's runtime gives more than it was asked for.
const REFUSED: &[&str] =
    &["NVIDIA_MIG_CONFIG_DEVICES", "NVIDIA_MIG_MONITOR_DEVICES", "NVIDIA_IMEX_CHANNELS"];

/// Refuses what would reach GPUs past the device requests.
pub fn refuse_other_ways(body: &Value) -> Result<(), Stop> {
    for name in REFUSED {
        if env_of(body, name).next().is_some() {
            return Err(Denial::forbidden(
                "create.gpu_env",
                format!("the variable {name} is not for users"),
            )
            .why("it gives a container all GPUs' MIG configuration")
            .todo("leave it out")
            .into());
        }
    }
    Ok(())
}

/// Writes the leased devices in place of every wish. All copies of the variable go first:
/// the runtime takes another one than Docker shows.
pub fn give(body: &mut Value, grant: &Grant) {
    let visible = if grant.gpus.is_empty() { "void".to_owned() } else { grant.gpus.join(",") };
    let mig = grant.gpus.iter().any(|uuid| uuid.starts_with("MIG-"));
    let mut env: Vec<Value> = match body.get("Env") {
        Some(Value::List(list)) => list.clone(),
        _ => Vec::new(),
    };
    env.retain(|pair| {
        let pair = pair.as_text().unwrap_or_default();
        let key = pair.split('=').next().unwrap_or_default();
        key != VISIBLE && !(mig && key == CUDA)
    });
    env.push(Value::Text(format!("{VISIBLE}={visible}")));
    if mig {
        env.push(Value::Text(format!("{CUDA}={visible}")));
    }
    body.set("Env", Value::List(env));
    let host = body.within("HostConfig");
    let capabilities = host
        .get("DeviceRequests")
        .and_then(Value::as_list)
        .and_then(|requests| requests.first()?.get("Capabilities").cloned())
        .filter(|capabilities| !capabilities.is_empty())
        .unwrap_or_else(|| Value::List(vec![Value::texts(["gpu"])]));
    if grant.gpus.is_empty() {
        host.remove("DeviceRequests");
        return;
    }
    let request = Value::Object(vec![
        ("Driver".into(), Value::text("nvidia")),
        ("DeviceIDs".into(), Value::texts(grant.gpus.iter())),
        ("Capabilities".into(), capabilities),
    ]);
    host.set("DeviceRequests", Value::List(vec![request]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn wish(text: &str) -> Result<Wanted, Stop> {
        wanted(&json::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn every_way_to_ask_is_read() {
        let requests = |inner: &str| format!(r#"{{"HostConfig":{{"DeviceRequests":[{inner}]}}}}"#);
        let gpu = r#""Capabilities":[["gpu"]]"#;
        for (text, wanted) in [
            ("{}".to_owned(), Wanted::None),
            (requests(&format!(r#"{{"Count":-1,{gpu}}}"#)), Wanted::All),
            (requests(&format!(r#"{{"Count":2,{gpu}}}"#)), Wanted::Count(2)),
            (
                requests(&format!(r#"{{"DeviceIDs":["0:1","MIG-x"],{gpu}}}"#)),
                Wanted::Devices(vec!["0:1".into(), "MIG-x".into()]),
            ),
            (requests(r#"{"Driver":"cdi","DeviceIDs":["nvidia.com/gpu=all"]}"#), Wanted::All),
            (
                requests(r#"{"Driver":"cdi","DeviceIDs":["nvidia.com/gpu=GPU-1"]}"#),
                Wanted::Devices(vec!["GPU-1".into()]),
            ),
            (r#"{"Labels":{"ds01.request.gpus":"2"}}"#.into(), Wanted::Count(2)),
            (
                r#"{"Env":["NVIDIA_VISIBLE_DEVICES=void","NVIDIA_VISIBLE_DEVICES=all"]}"#.into(),
                Wanted::All,
            ),
            (r#"{"Env":["NVIDIA_VISIBLE_DEVICES=none"]}"#.into(), Wanted::None),
        ] {
            assert_eq!(wish(&text).unwrap(), wanted, "{text}");
        }
        for bad in [
            requests(r#"{"Driver":"cdi","DeviceIDs":["vendor.com/net=eth0"]}"#),
            requests(r#"{"Driver":"cdi","DeviceIDs":["x"]}"#),
            requests(r#"{"Driver":"amd","Count":1}"#),
            requests(r#"{"Count":1}"#),
            requests(&format!(r#"{{"Count":1,{gpu},"Options":{{"a":"b"}}}}"#)),
        ] {
            assert!(wish(&bad).is_err(), "{bad}");
        }
    }
}
