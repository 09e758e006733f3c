//! The exported functions, by subject. Each is a C symbol under the name that NVIDIA's
//! library has for it; what this board cannot do answers `NVML_ERROR_NOT_SUPPORTED`.
#![allow(non_snake_case)] // The names are NVIDIA's.

/// Exports functions: `fn NAME | NAME: (live, arguments) { answer }`. Several names are
/// revisions of a function with the same arguments.
macro_rules! abi {
    ($(fn $($name:ident)|+: $arguments:tt $body:block)*) => {
        $($($crate::abi::abi_function! { $name $arguments $body })+)*
    };
}

macro_rules! abi_function {
    ($name:ident ($live:ident $(, $argument:ident: $type:ty)* $(,)?) $body:block) => {
        #[unsafe(no_mangle)]
        pub extern "C" fn $name($($argument: $type),*) -> u32 {
            $crate::live::call(stringify!($name), |$live| $body)
        }
    };
}

pub(crate) use abi_function;

mod compute;
mod device;
mod event;
mod gpm;
mod health;
mod instance;
mod link;
mod memory;
mod mig;
mod process;
mod system;
mod telemetry;
mod unsupported;
