//! From the values of the config to the types that the rest of ds01 asks for.

use ds01_units::{Bytes, Limit, Span};

use crate::keys::Field;
use crate::limits::{Aggregate, Policies};
use crate::value::Value;

pub(crate) fn aggregate(take: &mut impl FnMut(Field) -> Value) -> Aggregate {
    Aggregate {
        cpu_quota: match take(Field::CpuQuota) {
            Value::Quota(percent) => Some(percent),
            _ => None,
        },
        memory_max: size(&take(Field::MemoryMax)).max().copied(),
        memory_high: size(&take(Field::MemoryHigh)).max().copied(),
        tasks_max: count(&take(Field::TasksMax)).max().copied(),
        io_weight: count(&take(Field::IoWeight)).max().copied(),
        max_gpu_equivalents: number(&take(Field::AggregateGpus)).max().copied(),
    }
}

pub(crate) fn policies(take: &mut impl FnMut(Field) -> Value) -> Policies {
    let share = |value: Value| number(&value).max().copied().unwrap_or_default();
    let time = |value: Value| span(&value).max().copied().unwrap_or_default();
    Policies {
        gpu_idle_threshold: share(take(Field::GpuIdle)),
        cpu_idle_threshold: share(take(Field::CpuIdle)),
        network_idle_threshold: size(&take(Field::NetworkIdle)).max().copied().unwrap_or_default(),
        idle_detection_window: count(&take(Field::IdleWindow)).max().copied().unwrap_or(1),
        high_demand_threshold: share(take(Field::HighDemand)),
        high_demand_idle_reduction: share(take(Field::HighDemandReduction)),
        grace_period: time(take(Field::GracePeriod)),
        keepalive_max: time(take(Field::KeepAliveMax)),
        sigterm_grace: time(take(Field::SigtermGrace)),
        created_container_timeout: time(take(Field::CreatedTimeout)),
    }
}

// The table of keys decides what a field holds, so the arms below cannot differ from it;
// whatever else were there would be no limit.

pub(crate) fn number(value: &Value) -> Limit<f64> {
    match value {
        Value::Number(number) => Limit::Max(*number),
        _ => Limit::None,
    }
}
pub(crate) fn count(value: &Value) -> Limit<u64> {
    match value {
        Value::Count(count) => Limit::Max(*count),
        _ => Limit::None,
    }
}
pub(crate) fn size(value: &Value) -> Limit<Bytes> {
    match value {
        Value::Size(size) => Limit::Max(*size),
        _ => Limit::None,
    }
}
pub(crate) fn span(value: &Value) -> Limit<Span> {
    match value {
        Value::Time(span) => Limit::Max(*span),
        _ => Limit::None,
    }
}
pub(crate) fn flag(value: &Value) -> bool {
    *value == Value::Flag(true)
}
