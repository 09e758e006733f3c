//! The structs of the Docker API whose fields the door knows, up to API 1.51. A field that
//! is not here is unknown; what becomes of a known one is said where it is judged.

use crate::schema::Kind::{self, Any, Bool, Int, Text, Words};
use crate::schema::Schema;

const TEXTS: Kind = Kind::List(&Text);
const TEXT_MAP: Kind = Kind::Map(&Text);
const ANY_MAP: Kind = Kind::Map(&Any);

type Fields = &'static [(&'static str, Kind)];

const fn schema(name: &'static str, fields: &'static [Fields]) -> Schema {
    Schema { name, fields }
}

/// `container.Config`, also the body of a commit.
const CONFIG_FIELDS: Fields = &[
    ("Hostname", Text),
    ("Domainname", Text),
    ("User", Text),
    ("AttachStdin", Bool),
    ("AttachStdout", Bool),
    ("AttachStderr", Bool),
    ("ExposedPorts", ANY_MAP),
    ("Tty", Bool),
    ("OpenStdin", Bool),
    ("StdinOnce", Bool),
    ("Env", TEXTS),
    ("Cmd", Words),
    ("Healthcheck", Kind::Struct(&HEALTHCHECK)),
    ("ArgsEscaped", Bool),
    ("Image", Text),
    ("Volumes", ANY_MAP),
    ("WorkingDir", Text),
    ("Entrypoint", Words),
    ("NetworkDisabled", Bool),
    ("MacAddress", Text),
    ("OnBuild", TEXTS),
    ("Labels", TEXT_MAP),
    ("StopSignal", Text),
    ("StopTimeout", Int),
    ("Shell", TEXTS),
];
static HEALTHCHECK: Schema = schema(
    "Healthcheck",
    &[&[
        ("Test", TEXTS),
        ("Interval", Int),
        ("Timeout", Int),
        ("StartPeriod", Int),
        ("StartInterval", Int),
        ("Retries", Int),
    ]],
);

/// `container.Resources`, embedded in HostConfig and in an update.
const RESOURCES: Fields = &[
    ("CpuShares", Int),
    ("Memory", Int),
    ("NanoCpus", Int),
    ("CgroupParent", Text),
    ("BlkioWeight", Int),
    ("BlkioWeightDevice", Kind::List(&Kind::Struct(&WEIGHT))),
    ("BlkioDeviceReadBps", Kind::List(&Kind::Struct(&THROTTLE))),
    ("BlkioDeviceWriteBps", Kind::List(&Kind::Struct(&THROTTLE))),
    ("BlkioDeviceReadIOps", Kind::List(&Kind::Struct(&THROTTLE))),
    ("BlkioDeviceWriteIOps", Kind::List(&Kind::Struct(&THROTTLE))),
    ("CpuPeriod", Int),
    ("CpuQuota", Int),
    ("CpuRealtimePeriod", Int),
    ("CpuRealtimeRuntime", Int),
    ("CpusetCpus", Text),
    ("CpusetMems", Text),
    ("Devices", Kind::List(&Kind::Struct(&DEVICE))),
    ("DeviceCgroupRules", TEXTS),
    ("DeviceRequests", Kind::List(&Kind::Struct(&DEVICE_REQUEST))),
    ("KernelMemory", Int),
    ("KernelMemoryTCP", Int),
    ("MemoryReservation", Int),
    ("MemorySwap", Int),
    ("MemorySwappiness", Int),
    ("OomKillDisable", Bool),
    ("PidsLimit", Int),
    ("Ulimits", Kind::List(&Kind::Struct(&ULIMIT))),
    ("CpuCount", Int),
    ("CpuPercent", Int),
    ("IOMaximumIOps", Int),
    ("IOMaximumBandwidth", Int),
];
static WEIGHT: Schema = schema("BlkioWeightDevice", &[&[("Path", Text), ("Weight", Int)]]);
static THROTTLE: Schema = schema("throttle device", &[&[("Path", Text), ("Rate", Int)]]);
static ULIMIT: Schema = schema("Ulimits", &[&[("Name", Text), ("Hard", Int), ("Soft", Int)]]);
static DEVICE: Schema = schema(
    "Devices",
    &[&[("PathOnHost", Text), ("PathInContainer", Text), ("CgroupPermissions", Text)]],
);
static DEVICE_REQUEST: Schema = schema(
    "DeviceRequests",
    &[&[
        ("Driver", Text),
        ("Count", Int),
        ("DeviceIDs", TEXTS),
        ("Capabilities", Kind::List(&TEXTS)),
        ("Options", TEXT_MAP),
    ]],
);

const RESTART: Fields = &[("RestartPolicy", Kind::Struct(&RESTART_POLICY))];
static RESTART_POLICY: Schema =
    schema("RestartPolicy", &[&[("Name", Text), ("MaximumRetryCount", Int)]]);

const HOST_FIELDS: Fields = &[
    ("Binds", TEXTS),
    ("ContainerIDFile", Text),
    ("LogConfig", Kind::Struct(&LOG_CONFIG)),
    ("NetworkMode", Text),
    ("PortBindings", Kind::Map(&Kind::List(&Kind::Struct(&PORT_BINDING)))),
    ("AutoRemove", Bool),
    ("VolumeDriver", Text),
    ("VolumesFrom", TEXTS),
    ("ConsoleSize", Kind::List(&Int)),
    ("Annotations", TEXT_MAP),
    ("CapAdd", TEXTS),
    ("CapDrop", TEXTS),
    ("Capabilities", TEXTS),
    ("CgroupnsMode", Text),
    ("Dns", TEXTS),
    ("DnsOptions", TEXTS),
    ("DnsSearch", TEXTS),
    ("ExtraHosts", TEXTS),
    ("GroupAdd", TEXTS),
    ("IpcMode", Text),
    ("Cgroup", Text),
    ("Links", TEXTS),
    ("OomScoreAdj", Int),
    ("PidMode", Text),
    ("Privileged", Bool),
    ("PublishAllPorts", Bool),
    ("ReadonlyRootfs", Bool),
    ("SecurityOpt", TEXTS),
    ("StorageOpt", TEXT_MAP),
    ("Tmpfs", TEXT_MAP),
    ("UTSMode", Text),
    ("UsernsMode", Text),
    ("ShmSize", Int),
    ("Sysctls", TEXT_MAP),
    ("Runtime", Text),
    ("Isolation", Text),
    ("Mounts", Kind::List(&Kind::Struct(&MOUNT))),
    ("MaskedPaths", TEXTS),
    ("ReadonlyPaths", TEXTS),
    ("Init", Bool),
];
static LOG_CONFIG: Schema = schema("LogConfig", &[&[("Type", Text), ("Config", TEXT_MAP)]]);
static PORT_BINDING: Schema = schema("PortBindings", &[&[("HostIp", Text), ("HostPort", Text)]]);
static MOUNT: Schema = schema(
    "Mounts",
    &[&[
        ("Type", Text),
        ("Source", Text),
        ("Target", Text),
        ("ReadOnly", Bool),
        ("Consistency", Text),
        ("BindOptions", Kind::Struct(&BIND_OPTIONS)),
        ("VolumeOptions", Kind::Struct(&VOLUME_OPTIONS)),
        ("TmpfsOptions", Kind::Struct(&TMPFS_OPTIONS)),
        ("ClusterOptions", Any),
        ("ImageOptions", Any),
    ]],
);
static BIND_OPTIONS: Schema = schema(
    "BindOptions",
    &[&[
        ("Propagation", Text),
        ("NonRecursive", Bool),
        ("CreateMountpoint", Bool),
        ("ReadOnlyNonRecursive", Bool),
        ("ReadOnlyForceRecursive", Bool),
    ]],
);
static VOLUME_OPTIONS: Schema = schema(
    "VolumeOptions",
    &[&[
        ("NoCopy", Bool),
        ("Labels", TEXT_MAP),
        ("DriverConfig", Kind::Struct(&DRIVER_CONFIG)),
        ("Subpath", Text),
    ]],
);
static DRIVER_CONFIG: Schema = schema("DriverConfig", &[&[("Name", Text), ("Options", TEXT_MAP)]]);
static TMPFS_OPTIONS: Schema = schema(
    "TmpfsOptions",
    &[&[("SizeBytes", Int), ("Mode", Int), ("Options", Kind::List(&TEXTS))]],
);

static HOST: Schema = schema("HostConfig", &[HOST_FIELDS, RESOURCES, RESTART]);
static NETWORKING: Schema =
    schema("NetworkingConfig", &[&[("EndpointsConfig", Kind::Map(&Kind::Struct(&ENDPOINT)))]]);
static ENDPOINT: Schema = schema(
    "EndpointsConfig",
    &[&[
        ("IPAMConfig", Kind::Struct(&ENDPOINT_IPAM)),
        ("Links", TEXTS),
        ("Aliases", TEXTS),
        ("MacAddress", Text),
        ("DriverOpts", TEXT_MAP),
        ("GwPriority", Int),
        ("NetworkID", Text),
        ("EndpointID", Text),
        ("Gateway", Text),
        ("IPAddress", Text),
        ("IPPrefixLen", Int),
        ("IPv6Gateway", Text),
        ("GlobalIPv6Address", Text),
        ("GlobalIPv6PrefixLen", Int),
        ("DNSNames", TEXTS),
    ]],
);
static ENDPOINT_IPAM: Schema = schema(
    "IPAMConfig",
    &[&[("IPv4Address", Text), ("IPv6Address", Text), ("LinkLocalIPs", TEXTS)]],
);

/// The body of `POST /containers/create`.
pub static CREATE: Schema = schema(
    "the body",
    &[
        CONFIG_FIELDS,
        &[("HostConfig", Kind::Struct(&HOST)), ("NetworkingConfig", Kind::Struct(&NETWORKING))],
    ],
);
pub static COMMIT: Schema = schema("the body", &[CONFIG_FIELDS]);
pub static UPDATE: Schema = schema("the body", &[RESOURCES, RESTART]);
pub static EXEC_CREATE: Schema = schema(
    "the body",
    &[&[
        ("User", Text),
        ("Privileged", Bool),
        ("Tty", Bool),
        ("ConsoleSize", Kind::List(&Int)),
        ("AttachStdin", Bool),
        ("AttachStderr", Bool),
        ("AttachStdout", Bool),
        ("Detach", Bool),
        ("DetachKeys", Text),
        ("Env", TEXTS),
        ("WorkingDir", Text),
        ("Cmd", Words),
        ("Container", Text),
    ]],
);
pub static EXEC_START: Schema =
    schema("the body", &[&[("Detach", Bool), ("Tty", Bool), ("ConsoleSize", Kind::List(&Int))]]);
pub static VOLUME_CREATE: Schema = schema(
    "the body",
    &[&[
        ("Name", Text),
        ("Driver", Text),
        ("DriverOpts", TEXT_MAP),
        ("Labels", TEXT_MAP),
        ("ClusterVolumeSpec", Any),
    ]],
);
pub static NETWORK_CREATE: Schema = schema(
    "the body",
    &[&[
        ("Name", Text),
        ("CheckDuplicate", Bool),
        ("Driver", Text),
        ("Scope", Text),
        ("EnableIPv4", Bool),
        ("EnableIPv6", Bool),
        ("IPAM", Kind::Struct(&IPAM)),
        ("Internal", Bool),
        ("Attachable", Bool),
        ("Ingress", Bool),
        ("ConfigOnly", Bool),
        ("ConfigFrom", Any),
        ("Options", TEXT_MAP),
        ("Labels", TEXT_MAP),
    ]],
);
static IPAM: Schema =
    schema("IPAM", &[&[("Driver", Text), ("Options", TEXT_MAP), ("Config", Kind::List(&RANGE))]]);
const RANGE: Kind = Kind::Struct(&IPAM_CONFIG);
static IPAM_CONFIG: Schema = schema(
    "IPAM.Config",
    &[&[("Subnet", Text), ("IPRange", Text), ("Gateway", Text), ("AuxiliaryAddresses", TEXT_MAP)]],
);
pub static NETWORK_CONNECT: Schema =
    schema("the body", &[&[("Container", Text), ("EndpointConfig", Kind::Struct(&ENDPOINT))]]);
pub static NETWORK_DISCONNECT: Schema =
    schema("the body", &[&[("Container", Text), ("Force", Bool)]]);
pub static AUTH: Schema = schema(
    "the body",
    &[&[
        ("username", Text),
        ("password", Text),
        ("email", Text),
        ("auth", Text),
        ("serveraddress", Text),
        ("identitytoken", Text),
        ("registrytoken", Text),
    ]],
);

/// Every field of HostConfig, for the check that each has a rule.
#[cfg(test)]
pub fn host_fields() -> impl Iterator<Item = &'static str> {
    HOST.fields.iter().flat_map(|table| table.iter()).map(|(name, _)| *name)
}
