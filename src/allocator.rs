//! How the system's allocator keeps memory.

/// Makes memory that was freed come back. Called first thing in `main`.
///
/// Buffers of many megabytes are filled by one thread and freed by another here. With glibc's defaults (an arena for each
/// thread, and a threshold for memory of its own that grows with what was freed) twice as much stays resident as is in use.
pub(crate) fn limit() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "glibc has no safe way to its settings")]
    // SAFETY: both calls only set a number; no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 4 << 20);
    }
}
