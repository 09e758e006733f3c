//! The cards that can be simulated.

use crate::placement::{EIGHT, FOUR, Family, Profile, TWELVE};

/// What all cards of a model have in common.
#[derive(Debug)]
pub struct Model {
    /// As a world names it.
    pub key: &'static str,
    pub name: &'static str,
    pub memory_mib: u64,
    /// Gigabytes as the profile names write them, by memory slots covered: one, two, half,
    /// all.
    gigabytes: [u32; 4],
    pub family: &'static Family,
    /// `NVML_DEVICE_ARCH_*`.
    pub architecture: u32,
    pub capability: (i32, i32),
    pub multiprocessors: u32,
    pub copy_engines: u32,
    pub power_watts: u32,
    pub pci_device: u32,
    pub sm_clock: u32,
    pub memory_clock: u32,
    pub nvlinks: u32,
    pub nvlink_version: u32,
}

const AMPERE: u32 = 7;
const HOPPER: u32 = 9;
const BLACKWELL: u32 = 10;

macro_rules! model {
    ($key:literal, $name:literal, $mib:literal, $gb:expr, $family:ident, $arch:ident,
     $capability:expr, sm $sm:literal, ce $ce:literal, $watts:literal W, $pci:literal,
     $clock:literal / $memory:literal MHz, $links:literal x nvlink $version:literal) => {
        Model {
            key: $key,
            name: $name,
            memory_mib: $mib,
            gigabytes: $gb,
            family: &$family,
            architecture: $arch,
            capability: $capability,
            multiprocessors: $sm,
            copy_engines: $ce,
            power_watts: $watts,
            pci_device: $pci,
            sm_clock: $clock,
            memory_clock: $memory,
            nvlinks: $links,
            nvlink_version: $version,
        }
    };
}

#[rustfmt::skip]
pub static MODELS: &[Model] = &[
    model!("A100-40", "NVIDIA A100-SXM4-40GB", 40960, [5, 10, 20, 40], EIGHT, AMPERE, (8, 0), sm 108, ce 7, 400 W, 0x20B0_10DE, 1410/1215 MHz, 12 x nvlink 3),
    model!("A100-80", "NVIDIA A100-SXM4-80GB", 81920, [10, 20, 40, 80], EIGHT, AMPERE, (8, 0), sm 108, ce 7, 400 W, 0x20B2_10DE, 1410/1593 MHz, 12 x nvlink 3),
    model!("A30", "NVIDIA A30", 24576, [6, 12, 12, 24], FOUR, AMPERE, (8, 0), sm 56, ce 4, 165 W, 0x20B7_10DE, 1440/1215 MHz, 4 x nvlink 3),
    model!("H100", "NVIDIA H100 80GB HBM3", 81559, [10, 20, 40, 80], EIGHT, HOPPER, (9, 0), sm 132, ce 7, 700 W, 0x2330_10DE, 1980/2619 MHz, 18 x nvlink 4),
    model!("H100-94", "NVIDIA H100 NVL", 95830, [12, 24, 47, 94], EIGHT, HOPPER, (9, 0), sm 132, ce 7, 400 W, 0x2321_10DE, 1785/2619 MHz, 18 x nvlink 4),
    model!("H100-96", "NVIDIA H100 96GB HBM3", 97871, [12, 24, 48, 96], EIGHT, HOPPER, (9, 0), sm 132, ce 7, 700 W, 0x2342_10DE, 1980/2619 MHz, 18 x nvlink 4),
    model!("H200", "NVIDIA H200", 143_771, [18, 35, 71, 141], EIGHT, HOPPER, (9, 0), sm 132, ce 7, 700 W, 0x2335_10DE, 1980/3201 MHz, 18 x nvlink 4),
    model!("B200", "NVIDIA B200", 183_359, [23, 45, 90, 180], EIGHT, BLACKWELL, (10, 0), sm 148, ce 7, 1000 W, 0x2901_10DE, 1965/3996 MHz, 18 x nvlink 5),
    model!("RTX-PRO-6000", "NVIDIA RTX PRO 6000 Blackwell Server Edition", 97887, [24, 48, 48, 96], TWELVE, BLACKWELL, (12, 0), sm 188, ce 4, 600 W, 0x2BB5_10DE, 2430/12481 MHz, 0 x nvlink 0),
];

impl Model {
    /// `H100-80` is an `H100`, and spelling does not hang on case or on spaces.
    pub fn named(key: &str) -> Option<&'static Self> {
        let plain = |text: &str| text.to_ascii_uppercase().replace([' ', '_'], "-");
        let key = plain(key);
        let key = if key == "H100-80" { "H100".to_owned() } else { key };
        MODELS.iter().find(|model| plain(model.key) == key || plain(model.name) == key)
    }

    /// `3g.20gb`, `1g.5gb+me`.
    pub fn profile_name(&self, profile: Profile) -> String {
        let gigabytes = match (self.family.slots / profile.slots, self.family.slots) {
            (1, _) => self.gigabytes[3],
            (2, _) => self.gigabytes[2],
            (4, 8) => self.gigabytes[1],
            _ => self.gigabytes[0],
        };
        let media = if profile.media { "+me" } else { "" };
        format!("{}g.{gigabytes}gb{media}", profile.compute)
    }

    pub fn profile_by_name(&self, name: &str) -> Option<Profile> {
        self.family.profiles.iter().copied().find(|profile| self.profile_name(*profile) == name)
    }

    /// What an instance can use: its share less what the driver keeps of it.
    pub fn instance_mib(&self, profile: Profile) -> u64 {
        let share = self.memory_mib * u64::from(profile.slots) / u64::from(self.family.slots);
        let kept = match self.family.slots / profile.slots {
            1 => 768,
            2 => 512,
            4 => 384,
            _ => 256,
        };
        share - kept
    }

    /// Multiprocessors that go with so many compute slices.
    pub fn share_of_sms(&self, compute: u32) -> u32 {
        // Whole texture clusters of two only; the card keeps the rest.
        self.multiprocessors / (self.family.compute + u32::from(self.family.slots == 8)) / 2
            * 2
            * compute
    }

    /// GPU performance monitoring came with Hopper.
    pub fn has_gpm(&self) -> bool {
        self.architecture >= HOPPER
    }
    pub fn mig_survives_reboot(&self) -> bool {
        self.architecture == AMPERE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(key: &str) -> Vec<String> {
        let model = Model::named(key).unwrap();
        model.family.profiles.iter().map(|profile| model.profile_name(*profile)).collect()
    }

    #[test]
    fn profiles_are_named_as_the_cards_name_them() {
        assert_eq!(
            names("a100-40"),
            ["1g.5gb", "1g.5gb+me", "1g.10gb", "2g.10gb", "3g.20gb", "4g.20gb", "7g.40gb"]
        );
        assert_eq!(
            names("NVIDIA H200"),
            ["1g.18gb", "1g.18gb+me", "1g.35gb", "2g.35gb", "3g.71gb", "4g.71gb", "7g.141gb"]
        );
        assert_eq!(names("A30"), ["1g.6gb", "1g.6gb+me", "2g.12gb", "4g.24gb"]);
        assert_eq!(names("RTX PRO 6000"), ["1g.24gb", "2g.48gb", "4g.96gb"]);
        assert!(Model::named("A101").is_none());
    }
}
