//! What crosses the C boundary: opaque handles, and pointers to write through.

use std::ffi::{CStr, c_char, c_uint};

use crate::code::{Answer, Code};

/// A handle that C holds as a pointer and never looks behind. It is a number that says what
/// it means, so a stale or forged one is recognised instead of followed.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(pub usize);

/// What a handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Gpu(usize),
    /// A MIG device: card, GPU instance, compute instance, serial number of its creation.
    Mig {
        gpu: usize,
        gi: u32,
        ci: u32,
        serial: u16,
    },
    Gi {
        gpu: usize,
        gi: u32,
        serial: u16,
    },
    Ci {
        gpu: usize,
        gi: u32,
        ci: u32,
        serial: u16,
    },
    EventSet(u32),
    Sample(u32),
}

const MARK: usize = 0x51 << 56;

impl Handle {
    pub fn to(target: Target) -> Self {
        let pack = |kind: usize, gpu: usize, gi: u32, ci: u32, serial: u16| {
            kind << 48
                | (gpu & 0xff) << 40
                | (gi as usize & 0xff) << 32
                | (ci as usize & 0xff) << 24
                | serial as usize
        };
        Self(
            MARK | match target {
                Target::Gpu(gpu) => pack(1, gpu, 0, 0, 0),
                Target::Mig { gpu, gi, ci, serial } => pack(2, gpu, gi, ci, serial),
                Target::Gi { gpu, gi, serial } => pack(3, gpu, gi, 0, serial),
                Target::Ci { gpu, gi, ci, serial } => pack(4, gpu, gi, ci, serial),
                Target::EventSet(number) => 5 << 48 | number as usize,
                Target::Sample(number) => 6 << 48 | number as usize,
            },
        )
    }

    pub fn target(self) -> Answer<Target> {
        if self.0 & (0xff << 56) != MARK {
            return Err(Code::INVALID_ARGUMENT);
        }
        let byte = |shift: u32| self.0 >> shift & 0xff;
        let (gpu, gi, ci) = (byte(40), byte(32) as u32, byte(24) as u32);
        let serial = (self.0 & 0xffff) as u16;
        Ok(match byte(48) {
            1 => Target::Gpu(gpu),
            2 => Target::Mig { gpu, gi, ci, serial },
            3 => Target::Gi { gpu, gi, serial },
            4 => Target::Ci { gpu, gi, ci, serial },
            5 => Target::EventSet(self.0 as u32),
            6 => Target::Sample(self.0 as u32),
            _ => return Err(Code::INVALID_ARGUMENT),
        })
    }

    pub fn pointer<T>(self) -> *mut T {
        self.0 as *mut T
    }
}

/// A pointer that a caller gave us to read or write through. NVML's contract is that it is
/// null or good for the type (and for as many of them as the count beside it says); a C
/// caller that breaks it breaks itself, here as with the real library.
#[repr(transparent)]
#[derive(Debug)]
pub struct Out<T>(*mut T);

impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Out<T> {}

impl<T: Copy> Out<T> {
    /// For a pointer that lies in a structure of the caller's.
    pub fn of(pointer: *mut T) -> Self {
        Self(pointer)
    }
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }
    /// What lies so many bytes further on, as something else: a structure of another
    /// revision, or a member.
    pub fn at<B>(self, bytes: usize) -> Out<B> {
        Out(if self.0.is_null() { self.0.cast() } else { self.0.wrapping_byte_add(bytes).cast() })
    }
    pub fn set(self, value: T) -> Answer {
        self.set_at(0, value)
    }
    pub fn set_at(self, index: usize, value: T) -> Answer {
        if self.0.is_null() {
            return Err(Code::INVALID_ARGUMENT);
        }
        // SAFETY: not null, so by the contract above good for this element.
        unsafe { self.0.add(index).write_unaligned(value) };
        Ok(())
    }
    pub fn get(self) -> Answer<T> {
        self.get_at(0)
    }
    pub fn get_at(self, index: usize) -> Answer<T> {
        if self.0.is_null() {
            return Err(Code::INVALID_ARGUMENT);
        }
        // SAFETY: as in `set_at`.
        Ok(unsafe { self.0.add(index).read_unaligned() })
    }
}

impl Out<c_char> {
    /// A text into a buffer of `length`, with the zero byte.
    pub fn set_text(self, length: c_uint, text: &str) -> Answer {
        if self.0.is_null() {
            return Err(Code::INVALID_ARGUMENT);
        }
        if text.len() >= length as usize {
            return Err(Code::INSUFFICIENT_SIZE);
        }
        for (index, byte) in text.bytes().chain([0]).enumerate() {
            self.set_at(index, byte as c_char)?;
        }
        Ok(())
    }

    /// The text that a caller passed in.
    pub fn text(self) -> Answer<String> {
        if self.0.is_null() {
            return Err(Code::INVALID_ARGUMENT);
        }
        // SAFETY: not null, and NVML's text arguments end with a zero byte.
        Ok(unsafe { CStr::from_ptr(self.0) }.to_string_lossy().into_owned())
    }
}

/// A list the way NVML gives it: with too little room only the number is told.
pub fn put_list<T: Copy>(list: &[T], array: Out<T>, count: Out<c_uint>) -> Answer {
    let room = count.get()? as usize;
    count.set(list.len() as c_uint)?;
    if room < list.len() {
        return Err(Code::INSUFFICIENT_SIZE);
    }
    put_all(list, array)
}

/// A list into an array of the size that the documentation demands.
pub fn put_all<T: Copy>(list: &[T], array: Out<T>) -> Answer {
    list.iter().enumerate().try_for_each(|(index, item)| array.set_at(index, *item))
}

/// A text in a structure's own array.
pub fn chars<const N: usize>(text: &str) -> [c_char; N] {
    let mut out = [0; N];
    for (to, byte) in out.iter_mut().take(N - 1).zip(text.bytes()) {
        *to = byte as c_char;
    }
    out
}

/// The version number NVML wants in front of a structure: its size, and its revision.
pub const fn version_of<T>(revision: u32) -> u32 {
    size_of::<T>() as u32 | revision << 24
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_says_what_it_stands_for_and_a_forged_one_is_recognised() {
        for target in [
            Target::Gpu(7),
            Target::Mig { gpu: 1, gi: 13, ci: 2, serial: 65535 },
            Target::Gi { gpu: 255, gi: 0, serial: 1 },
            Target::Ci { gpu: 0, gi: 9, ci: 6, serial: 0 },
            Target::EventSet(u32::from(u16::MAX)),
            Target::Sample(3),
        ] {
            assert_eq!(Handle::to(target).target(), Ok(target));
        }
        for forged in [0, 1, 0xdead_beef, usize::MAX] {
            assert_eq!(Handle(forged).target(), Err(Code::INVALID_ARGUMENT));
        }
    }
}
