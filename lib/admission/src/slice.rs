//! The slice of a container's owner: there with its limits before the container runs.
//! Docker has systemd make a slice that is missing, but without any limit: somebody new, or
//! somebody who has moved to another group, would run unlimited.

use ds01_config::Config;
use ds01_door::Denial;
use ds01_fault::Fault;
use ds01_names::SliceName;
use ds01_site::Site;
use ds01_slices::Systemctl;

/// Makes sure of `user`'s slice; of `slice`, the one a container was created in, where it
/// starts again. A try-out under `DS01_ROOT` leaves systemd alone.
pub fn ready(
    site: &Site,
    config: &Config,
    user: &str,
    slice: Option<&SliceName>,
) -> Result<(), Denial> {
    if !site.is_real() {
        return Ok(());
    }
    let made = Systemctl::connect()
        .and_then(|systemd| ds01_slices::ensure(site, config, Some(&systemd), user, slice))
        .map_err(denial)?;
    ds01_slices::log(site, &made, "admit");
    Ok(())
}

fn denial(fault: Fault) -> Denial {
    Denial::new(503, "slice.missing", fault.what).why(fault.why).todo(fault.todo)
}
