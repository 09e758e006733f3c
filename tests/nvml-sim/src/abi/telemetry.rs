//! What a card does now: utilisation, clocks, temperature, power, energy, fields.

use std::ffi::{c_int, c_uint, c_ulonglong};

use nvml_wrapper_sys::bindings::{
    nvmlFieldValue_t, nvmlSample_t, nvmlTemperature_t, nvmlUtilization_t, nvmlValue_t,
};

use crate::board::Card;
use crate::code::{Answer, Code};
use crate::handle::{Handle, Out, put_list, version_of};
use crate::live::Live;

/// Where the card is cut up there is no utilisation, of the card or of an instance; and
/// nobody may take that for zero.
fn busy(live: &Live, device: Handle) -> Answer<&Card> {
    let card = live.card(device)?;
    if card.mig { Err(Code::NOT_SUPPORTED) } else { Ok(card) }
}

pub(super) fn microseconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as u64)
}

fn energy_mj(card: &Card) -> u64 {
    card.spec.energy_mj.unwrap_or_else(|| {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
        let seconds: f64 = uptime.split(' ').next().and_then(|s| s.parse().ok()).unwrap_or(0.0);
        (seconds * f64::from(card.power_mw())) as u64
    })
}

fn clock(card: &Card, kind: c_uint, now: bool) -> Answer<c_uint> {
    let model = card.model;
    let idle = now && card.spec.utilization.gpu == 0 && card.processes(None).next().is_none();
    match kind {
        0 | 1 if idle => Ok(210),
        0 | 1 => Ok(model.sm_clock),
        2 => Ok(model.memory_clock),
        3 => Ok(model.sm_clock * 17 / 20),
        _ => Err(Code::INVALID_ARGUMENT),
    }
}

/// A field's value; what a field means is in nvml.h under `NVML_FI_DEV_*`.
fn field(card: &Card, id: u32, scope: u32) -> Answer<u64> {
    let ecc = &card.spec.ecc;
    let limit = u64::from(card.model.power_watts) * 1000;
    Ok(match id {
        1 | 2 => ecc.enabled.into(),
        3 => ecc.corrected,
        4 => ecc.uncorrected,
        5 => ecc.aggregate_corrected.max(ecc.corrected),
        6 => ecc.aggregate_uncorrected.max(ecc.uncorrected),
        82 => card.spec.memory_temperature.ok_or(Code::NOT_SUPPORTED)?.into(),
        83 => energy_mj(card),
        91 if card.peers.is_empty() => return Err(Code::NOT_SUPPORTED),
        91 => card.model.nvlinks.into(),
        138..=141 if card.peers.is_empty() || scope >= card.model.nvlinks => {
            return Err(Code::NOT_SUPPORTED);
        }
        138..=141 => 0,
        142 => ecc.remapped_corrected.into(),
        143 => ecc.remapped_uncorrected.into(),
        144 => ecc.remap_pending.into(),
        145 => ecc.remap_failed.into(),
        185 | 186 => card.power_mw().into(),
        187 => limit / 4,
        188 | 189 | 190 | 192 => limit,
        _ => return Err(Code::NOT_SUPPORTED),
    })
}

abi! {
    fn nvmlDeviceGetUtilizationRates: (live, device: Handle, rates: Out<nvmlUtilization_t>) {
        let now = busy(live, device)?.spec.utilization;
        rates.set(nvmlUtilization_t { gpu: now.gpu, memory: now.memory })
    }
    fn nvmlDeviceGetEncoderUtilization: (
        live, device: Handle, rate: Out<c_uint>, period: Out<c_uint>
    ) {
        rate.set(busy(live, device)?.spec.utilization.encoder)?;
        period.set(167_000)
    }
    fn nvmlDeviceGetDecoderUtilization: (
        live, device: Handle, rate: Out<c_uint>, period: Out<c_uint>
    ) {
        rate.set(busy(live, device)?.spec.utilization.decoder)?;
        period.set(167_000)
    }
    fn nvmlDeviceGetJpgUtilization | nvmlDeviceGetOfaUtilization: (
        live, device: Handle, rate: Out<c_uint>, period: Out<c_uint>
    ) {
        busy(live, device)?;
        rate.set(0)?;
        period.set(167_000)
    }
    fn nvmlDeviceGetSamples: (
        live,
        device: Handle,
        kind: c_uint,
        _since: c_ulonglong,
        value_type: Out<c_uint>,
        count: Out<c_uint>,
        samples: Out<nvmlSample_t>,
    ) {
        // 0 is total power in mW, 1 GPU and 2 memory utilisation.
        let value = match kind {
            0 => live.card(device)?.power_mw(),
            1 => busy(live, device)?.spec.utilization.gpu,
            2 => busy(live, device)?.spec.utilization.memory,
            _ => return Err(Code::NOT_SUPPORTED),
        };
        value_type.set(1)?;
        if samples.is_null() {
            return count.set(1);
        }
        let one = nvmlSample_t { timeStamp: microseconds(), sampleValue: nvmlValue_t { uiVal: value } };
        put_list(&[one], samples, count)
    }
    fn nvmlDeviceGetTemperature: (live, device: Handle, sensor: c_uint, temperature: Out<c_uint>) {
        if sensor != 0 {
            return Err(Code::INVALID_ARGUMENT);
        }
        temperature.set(live.card(device)?.spec.temperature)
    }
    fn nvmlDeviceGetTemperatureV: (live, device: Handle, temperature: Out<nvmlTemperature_t>) {
        let mut asked = temperature.get()?;
        if asked.version != version_of::<nvmlTemperature_t>(1) {
            return Err(Code::ARGUMENT_VERSION_MISMATCH);
        }
        asked.temperature = live.card(device)?.spec.temperature as c_int;
        temperature.set(asked)
    }
    fn nvmlDeviceGetTemperatureThreshold: (
        live, device: Handle, kind: c_uint, temperature: Out<c_uint>
    ) {
        live.card(device)?;
        match kind {
            0 => temperature.set(92),
            1 => temperature.set(89),
            2 => temperature.set(95),
            3 => temperature.set(85),
            _ => Err(Code::NOT_SUPPORTED),
        }
    }
    fn nvmlDeviceGetFanSpeed: (live, device: Handle, speed: Out<c_uint>) {
        speed.set(live.card(device)?.spec.fan.ok_or(Code::NOT_SUPPORTED)?)
    }
    fn nvmlDeviceGetFanSpeed_v2: (live, device: Handle, fan: c_uint, speed: Out<c_uint>) {
        let own = live.card(device)?.spec.fan.ok_or(Code::NOT_SUPPORTED)?;
        if fan > 0 { Err(Code::INVALID_ARGUMENT) } else { speed.set(own) }
    }
    fn nvmlDeviceGetNumFans: (live, device: Handle, fans: Out<c_uint>) {
        fans.set(live.card(device)?.spec.fan.is_some().into())
    }
    fn nvmlDeviceGetPowerUsage: (live, device: Handle, milliwatts: Out<c_uint>) {
        milliwatts.set(live.card(device)?.power_mw())
    }
    fn nvmlDeviceGetPowerManagementLimit
        | nvmlDeviceGetPowerManagementDefaultLimit
        | nvmlDeviceGetEnforcedPowerLimit: (
        live, device: Handle, limit: Out<c_uint>
    ) {
        limit.set(live.card(device)?.model.power_watts * 1000)
    }
    fn nvmlDeviceGetPowerManagementLimitConstraints: (
        live, device: Handle, least: Out<c_uint>, most: Out<c_uint>
    ) {
        let limit = live.card(device)?.model.power_watts * 1000;
        least.set(limit / 4)?;
        most.set(limit)
    }
    fn nvmlDeviceGetPowerManagementMode: (live, device: Handle, mode: Out<c_uint>) {
        live.card(device)?;
        mode.set(1)
    }
    fn nvmlDeviceGetTotalEnergyConsumption: (live, device: Handle, millijoules: Out<c_ulonglong>) {
        millijoules.set(energy_mj(live.card(device)?))
    }
    fn nvmlDeviceGetPerformanceState | nvmlDeviceGetPowerState: (
        live, device: Handle, state: Out<c_uint>
    ) {
        live.card(device)?;
        state.set(0)
    }
    fn nvmlDeviceGetClockInfo | nvmlDeviceGetApplicationsClock: (
        live, device: Handle, kind: c_uint, clock_mhz: Out<c_uint>
    ) {
        clock_mhz.set(clock(live.card(device)?, kind, true)?)
    }
    fn nvmlDeviceGetMaxClockInfo
        | nvmlDeviceGetMaxCustomerBoostClock
        | nvmlDeviceGetDefaultApplicationsClock: (
        live, device: Handle, kind: c_uint, clock_mhz: Out<c_uint>
    ) {
        clock_mhz.set(clock(live.card(device)?, kind, false)?)
    }
    fn nvmlDeviceGetClock: (
        live, device: Handle, kind: c_uint, id: c_uint, clock_mhz: Out<c_uint>
    ) {
        clock_mhz.set(clock(live.card(device)?, kind, id == 0)?)
    }
    fn nvmlDeviceGetCurrentClocksThrottleReasons | nvmlDeviceGetCurrentClocksEventReasons: (
        live, device: Handle, reasons: Out<c_ulonglong>
    ) {
        let idle = live.card(device)?.spec.utilization.gpu == 0;
        reasons.set(idle.into())
    }
    fn nvmlDeviceGetPcieThroughput: (
        live, device: Handle, _counter: c_uint, kilobytes: Out<c_uint>
    ) {
        live.card(device)?;
        kilobytes.set(0)
    }
    fn nvmlDeviceGetMaxPcieLinkGeneration
        | nvmlDeviceGetCurrPcieLinkGeneration
        | nvmlDeviceGetGpuMaxPcieLinkGeneration: (
        live, device: Handle, generation: Out<c_uint>
    ) {
        generation.set(if live.card(device)?.model.has_gpm() { 5 } else { 4 })
    }
    fn nvmlDeviceGetMaxPcieLinkWidth | nvmlDeviceGetCurrPcieLinkWidth: (
        live, device: Handle, width: Out<c_uint>
    ) {
        live.card(device)?;
        width.set(16)
    }
    fn nvmlDeviceGetPcieReplayCounter: (live, device: Handle, count: Out<c_uint>) {
        live.card(device)?;
        count.set(0)
    }
    fn nvmlDeviceGetFieldValues: (
        live, device: Handle, count: c_int, values: Out<nvmlFieldValue_t>
    ) {
        let card = live.card(device)?;
        for index in 0..usize::try_from(count).map_err(|_| Code::INVALID_ARGUMENT)? {
            let mut value = values.get_at(index)?;
            value.timestamp = microseconds() as i64;
            value.latencyUsec = 0;
            match field(card, value.fieldId, value.scopeId) {
                Ok(number) => {
                    // 3 is an unsigned long long.
                    value.valueType = 3;
                    value.value = nvmlValue_t { ullVal: number };
                    value.nvmlReturn = 0;
                }
                Err(code) => value.nvmlReturn = code.0,
            }
            values.set_at(index, value)?;
        }
        Ok(())
    }
}
