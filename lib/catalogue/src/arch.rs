//! Kinds of GPUs, in the catalogue's words.

/// An architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arch(String);

impl Arch {
    pub fn word(&self) -> &str {
        &self.0
    }

    /// What a machine can run, the best first: `said` by somebody (`MLC_ARCH`), else by the
    /// names of its GPUs, else without any. What was built for older GPUs runs on newer ones
    /// up to Ada and Hopper; Blackwell needs builds of its own.
    pub fn of_machine(said: Option<&str>, gpus: &[String]) -> Vec<Self> {
        if let Some(said) = said.filter(|said| !said.is_empty()) {
            return vec![Self(said.to_uppercase())];
        }
        let words: &[&str] = match gpus.iter().map(|name| generation(name)).min() {
            None => &["CPU", "CUDA_BLACKWELL", "CUDA_ADA", "CUDA_AMPERE", "CUDA"],
            Some(Generation::Older) => &["CUDA"],
            Some(Generation::Ampere) => &["CUDA_AMPERE", "CUDA"],
            Some(Generation::Ada) => &["CUDA_ADA", "CUDA_AMPERE", "CUDA"],
            Some(Generation::Blackwell) => &["CUDA_BLACKWELL"],
        };
        words.iter().map(|word| Self((*word).to_owned())).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Generation {
    Older,
    Ampere,
    /// Hopper too: the catalogue counts it here.
    Ada,
    Blackwell,
}

/// By the product's name, as the driver gives it.
fn generation(name: &str) -> Generation {
    let has = |words: &[&str]| {
        name.split(|c: char| !c.is_ascii_alphanumeric())
            .any(|part| words.iter().any(|word| part.eq_ignore_ascii_case(word)))
    };
    if has(&["Blackwell", "B100", "B200", "B300", "GB200", "GB300", "5060", "5070", "5080", "5090"])
    {
        Generation::Blackwell
    } else if has(&[
        "Ada", "H100", "H200", "H20", "GH200", "H800", "L4", "L40", "L40S", "4060", "4070", "4080",
        "4090",
    ]) {
        Generation::Ada
    } else if has(&[
        "A2", "A10", "A16", "A30", "A40", "A100", "A800", "A2000", "A4000", "A4500", "A5000",
        "A5500", "A6000", "3060", "3070", "3080", "3090",
    ]) {
        Generation::Ampere
    } else if has(&[
        "V100", "P100", "P40", "P4", "T4", "K80", "GTX", "TITAN", "2060", "2070", "2080",
    ]) {
        Generation::Older
    } else {
        // A name nobody knows yet is a newer card rather than an older one; Ada's images are
        // the widest choice.
        Generation::Ada
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(names: &[&str]) -> String {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Arch::of_machine(None, &names)[0].0.clone()
    }

    #[test]
    fn a_gpu_is_known_by_its_name() {
        for (name, arch) in [
            ("NVIDIA A100-SXM4-80GB", "CUDA_AMPERE"),
            ("NVIDIA RTX A6000", "CUDA_AMPERE"),
            ("NVIDIA RTX 6000 Ada Generation", "CUDA_ADA"),
            ("NVIDIA H100 80GB HBM3", "CUDA_ADA"),
            ("NVIDIA B200", "CUDA_BLACKWELL"),
            ("NVIDIA GeForce RTX 5090", "CUDA_BLACKWELL"),
            ("Tesla V100-PCIE-16GB", "CUDA"),
            ("NVIDIA X999", "CUDA_ADA"),
        ] {
            assert_eq!(best(&[name]), arch, "{name}");
        }
    }

    #[test]
    fn the_oldest_card_of_a_machine_decides() {
        assert_eq!(best(&["NVIDIA H100", "NVIDIA A100"]), "CUDA_AMPERE");
        assert_eq!(best(&[]), "CPU");
        assert_eq!(Arch::of_machine(Some("rocm6"), &[])[0].word(), "ROCM6");
    }
}
