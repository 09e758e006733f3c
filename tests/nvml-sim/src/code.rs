//! NVML's return codes, by number and by name.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// A code other than success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u32);

/// What a simulated function answers.
pub type Answer<T = ()> = Result<T, Code>;

macro_rules! codes {
    ($($name:ident = $number:literal, $words:literal;)*) => {
        #[allow(dead_code)] // A world may name codes that nothing here answers by itself.
        impl Code {
            $(pub const $name: Self = Self($number);)*
        }
        const TABLE: &[(u32, &str, &std::ffi::CStr)] = &[$(($number, stringify!($name), $words)),*];
    };
}

codes! {
    SUCCESS = 0, c"Success";
    UNINITIALIZED = 1, c"Uninitialized";
    INVALID_ARGUMENT = 2, c"Invalid Argument";
    NOT_SUPPORTED = 3, c"Not Supported";
    NO_PERMISSION = 4, c"Insufficient Permissions";
    ALREADY_INITIALIZED = 5, c"Already Initialized";
    NOT_FOUND = 6, c"Not Found";
    INSUFFICIENT_SIZE = 7, c"Insufficient Size";
    INSUFFICIENT_POWER = 8, c"Insufficient External Power";
    DRIVER_NOT_LOADED = 9, c"Driver Not Loaded";
    TIMEOUT = 10, c"Timeout";
    IRQ_ISSUE = 11, c"Interrupt Request Issue";
    LIBRARY_NOT_FOUND = 12, c"NVML Shared Library Not Found";
    FUNCTION_NOT_FOUND = 13, c"Function Not Found";
    CORRUPTED_INFOROM = 14, c"Corrupted infoROM";
    GPU_IS_LOST = 15, c"GPU is lost";
    RESET_REQUIRED = 16, c"GPU requires restart";
    OPERATING_SYSTEM = 17, c"The operating system has blocked the request.";
    LIB_RM_VERSION_MISMATCH = 18, c"RM has detected an NVML/RM version mismatch.";
    IN_USE = 19, c"In use by another client";
    MEMORY = 20, c"Insufficient Memory";
    NO_DATA = 21, c"No data";
    VGPU_ECC_NOT_SUPPORTED = 22, c"Not supported with ECC on";
    INSUFFICIENT_RESOURCES = 23, c"Insufficient Resources";
    FREQ_NOT_SUPPORTED = 24, c"Frequency not supported";
    ARGUMENT_VERSION_MISMATCH = 25, c"The version of an argument is not known";
    DEPRECATED = 26, c"Deprecated";
    NOT_READY = 27, c"Not ready";
    GPU_NOT_FOUND = 28, c"No GPUs were found";
    INVALID_STATE = 29, c"Invalid state";
    UNKNOWN = 999, c"Unknown Error";
}

impl Code {
    pub fn words(self) -> &'static std::ffi::CStr {
        TABLE.iter().find(|row| row.0 == self.0).map_or(c"Unknown Error", |row| row.2)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match TABLE.iter().find(|row| row.0 == self.0) {
            Some(row) => f.write_str(row.1),
            None => self.0.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Code {
    /// `"GPU_IS_LOST"`, with or without `NVML_ERROR_` in front, or the number.
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u32),
            Name(String),
        }
        match Written::deserialize(input)? {
            Written::Number(number) => Ok(Self(number)),
            Written::Name(name) => {
                let short = name.trim_start_matches("NVML_ERROR_");
                TABLE
                    .iter()
                    .find(|row| row.1 == short)
                    .map(|row| Self(row.0))
                    .ok_or_else(|| serde::de::Error::custom(format!("no NVML code {name}")))
            }
        }
    }
}
