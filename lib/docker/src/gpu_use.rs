//! Which GPUs a container can use, in whatever form somebody asked for them (gpu.md and
//! pitfall 18: several devices, `Count: -1`, CDI names, and environments that say more than
//! they do).

use crate::{Container, DeviceRequest};

/// CDI's name for the kind of device; the name of one follows.
const CDI: &str = "nvidia.com/gpu=";

/// The GPUs of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GpuUse {
    None,
    /// Every GPU of the machine, also one that is added later.
    All,
    /// This many: the runtime takes the first ones, whoever else uses them.
    Count(u32),
    /// These, in the order given.
    Devices(Vec<Device>),
}

/// A GPU or MIG instance, by one of its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// `GPU-…` or `MIG-…`: its identity.
    Uuid(String),
    /// `0`, or `0:1` for the second MIG device of the first GPU: its place today, which
    /// shifts when instances come and go.
    Index { gpu: u32, mig: Option<u32> },
    /// A device node that was given as it is, such as `/dev/nvidia0`: the number is the
    /// driver's minor number.
    Node(u32),
    /// Something that names a GPU in no way known here.
    Unknown(String),
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Uuid(name) | Self::Unknown(name) => f.write_str(name),
            Self::Index { gpu, mig: None } => write!(f, "{gpu}"),
            Self::Index { gpu, mig: Some(mig) } => write!(f, "{gpu}:{mig}"),
            Self::Node(minor) => write!(f, "/dev/nvidia{minor}"),
        }
    }
}

impl Device {
    /// From one name, CDI's (`nvidia.com/gpu=0`) or plain.
    pub fn read(name: &str) -> Self {
        let name = name.trim().trim_matches(['"', '\'']);
        let plain = name.split_once(CDI).map_or(name, |(_, plain)| plain);
        let digits = |text: &str| {
            // A sign or a blank is no part of an index.
            text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
        };
        if plain.starts_with("GPU-") || plain.starts_with("MIG-") {
            return Self::Uuid(plain.to_owned());
        }
        let index = match plain.split_once(':') {
            Some((gpu, mig)) => digits(gpu).zip(digits(mig)).map(|(gpu, mig)| (gpu, Some(mig))),
            None => digits(plain).map(|gpu| (gpu, None)),
        };
        match index {
            Some((gpu, mig)) => Self::Index { gpu, mig },
            None => Self::Unknown(name.to_owned()),
        }
    }
}

impl GpuUse {
    /// What a container can use. Requests for devices come first, since Docker puts them into
    /// the environment that the runtime sees; without one the environment counts, but only
    /// where NVIDIA's runtime reads it: under any other, an image's `=all` gives nothing.
    pub fn of(container: &Container) -> Self {
        let requests = &container.device_requests;
        let mut found = requests
            .iter()
            .filter(|request| is_for_gpus(request))
            .map(of_request)
            .collect::<Vec<_>>();
        if found.is_empty() && container.runtime.starts_with("nvidia") {
            found.extend(container.env("NVIDIA_VISIBLE_DEVICES").map(Self::of_list));
        }
        let nodes = container.devices.iter().filter_map(|path| {
            let minor = path.strip_prefix("/dev/nvidia")?.parse().ok()?;
            Some(Self::Devices(vec![Device::Node(minor)]))
        });
        found.into_iter().chain(nodes).fold(Self::None, Self::and)
    }

    /// From a list as `NVIDIA_VISIBLE_DEVICES` holds it: `all`, `void`, `none`, `0,GPU-…`.
    pub fn of_list(list: &str) -> Self {
        let names: Vec<&str> = list
            .split(',')
            .map(|name| name.trim().trim_matches(['"', '\'']))
            .filter(|name| !name.is_empty())
            .collect();
        match names[..] {
            [] | ["void" | "none"] => Self::None,
            _ if names.iter().any(|name| read_all(name)) => Self::All,
            _ => names
                .iter()
                .fold(Self::None, |sum, name| sum.and(Self::Devices(vec![Device::read(name)]))),
        }
    }

    /// From the value of `--gpus`: `all`, `2`, `device=0:1`, `"device=GPU-a,GPU-b"`, with
    /// quotes where a list needs them (pitfall 21). None where it makes no sense.
    pub fn of_flag(flag: &str) -> Option<Self> {
        let fields = comma_fields(flag.trim().trim_matches('\''))?;
        let (mut count, mut devices) = (None, None);
        for field in &fields {
            match field.split_once('=') {
                Some(("device", list)) => devices = Some(Self::of_list(list)),
                Some(("count", number)) => count = Some(number),
                Some(("driver" | "capabilities" | "options", _)) => {}
                Some(_) => return None,
                None => count = Some(field),
            }
        }
        match (count, devices) {
            // `--gpus capabilities=utility`
            (None, None) => Some(Self::Count(1)),
            (None, Some(devices)) => Some(devices),
            (Some("all" | "-1"), None) => Some(Self::All),
            (Some(number), None) => {
                number.parse().ok().map(|n| if n == 0 { Self::None } else { Self::Count(n) })
            }
            // Docker refuses a count beside devices too.
            _ => None,
        }
    }

    pub fn is_none(&self) -> bool {
        *self == Self::None
    }

    /// Both together, no device twice.
    #[must_use]
    fn and(self, other: Self) -> Self {
        let devices = |gpus| match gpus {
            Self::None | Self::All => Vec::new(),
            // What the runtime makes of a count.
            Self::Count(n) => (0..n).map(|gpu| Device::Index { gpu, mig: None }).collect(),
            Self::Devices(devices) => devices,
        };
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (one, Self::None) | (Self::None, one) => one,
            (one, other) => {
                let mut both = devices(one);
                for device in devices(other) {
                    if !both.contains(&device) {
                        both.push(device);
                    }
                }
                Self::Devices(both)
            }
        }
    }
}

fn read_all(name: &str) -> bool {
    name == "all" || name.split_once(CDI).is_some_and(|(_, plain)| plain == "all")
}

/// Whether a request is for GPUs: by its driver, by a CDI name, or by what it must be capable
/// of.
fn is_for_gpus(request: &DeviceRequest) -> bool {
    match request.driver.as_str() {
        "nvidia" => true,
        "cdi" => request.device_ids.iter().any(|id| id.contains(CDI)),
        "" => request.capabilities.iter().flatten().any(|capability| {
            matches!(capability.as_str(), "gpu" | "nvidia" | "compute" | "utility" | "graphics")
        }),
        _ => false,
    }
}

fn of_request(request: &DeviceRequest) -> GpuUse {
    let ids = request.device_ids.iter().filter(|id| request.driver != "cdi" || id.contains(CDI));
    let named = ids.fold(GpuUse::None, |sum, id| sum.and(GpuUse::of_list(id)));
    match (named, request.count) {
        (GpuUse::None, count) if count < 0 => GpuUse::All,
        (GpuUse::None, 0) => GpuUse::None,
        (GpuUse::None, count) => GpuUse::Count(u32::try_from(count).unwrap_or(u32::MAX)),
        (named, _) => named,
    }
}

/// The fields of one CSV record: commas part them, double quotes keep a comma inside.
fn comma_fields(text: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut()?.push(c),
        }
    }
    (!quoted).then_some(fields)
}

#[cfg(test)]
#[path = "gpu_use_tests.rs"]
mod tests;
