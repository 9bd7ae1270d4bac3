//! Handles: how one part of the engine names a thing that another part owns.
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

/// Names a `T` in an [`Arena`](super::Arena): which slot, and which of the slot's tenants, on which engine.
///
/// A handle outlives what it names without harm: it then finds nothing.
pub struct Handle<T> {
    slot: u32,
    /// The engine's number in the upper eight bits, the slot's count of tenants below.
    tenant: u32,
    kind: PhantomData<fn() -> T>,
}

impl<T> Handle<T> {
    /// A handle that never finds anything.
    pub const NONE: Self = Self { slot: u32::MAX, tenant: 0, kind: PhantomData };

    pub(crate) const fn new(slot: u32, tenant: u32) -> Self {
        Self { slot, tenant, kind: PhantomData }
    }

    /// The slot.
    pub const fn slot(self) -> u32 {
        self.slot
    }

    /// The engine's number and the slot's count of tenants.
    pub const fn tenant(self) -> u32 {
        self.tenant
    }

    /// Both in one number, for floors that keep it without knowing what it names.
    pub const fn pack(self) -> u64 {
        (self.slot as u64) << 32 | self.tenant as u64
    }

    /// The handle that [`Self::pack`] made the number of.
    pub const fn unpack(packed: u64) -> Self {
        Self::new((packed >> 32) as u32, packed as u32)
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T> PartialEq for Handle<T> {
    fn eq(&self, other: &Self) -> bool {
        self.slot == other.slot && self.tenant == other.tenant
    }
}

impl<T> Eq for Handle<T> {}

impl<T> Hash for Handle<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pack().hash(state);
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}.{}", self.slot, self.tenant)
    }
}
