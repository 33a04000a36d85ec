//! The allocator of the whole process.

use tikv_jemallocator::Jemalloc;

/// Buffers of many megabytes are filled by one thread and freed by another here, and long-lived pages of Parquet lie between
/// them. With glibc's allocator memory grew with the number of records for that; jemalloc's stays flat, at the same CPU time.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Where jemalloc looks for its settings: one arena, since every further one keeps memory of its own, and freed pages go back
/// to the system soon. The environment's `MALLOC_CONF` has the last word.
#[allow(unsafe_code, reason = "jemalloc reads its settings from a symbol of this name")]
// SAFETY: nothing else defines this symbol, and jemalloc takes it for a pointer to a text that ends with a NUL.
#[unsafe(export_name = "malloc_conf")]
static MALLOC_CONF: &[u8; 46] = b"narenas:1,dirty_decay_ms:500,muzzy_decay_ms:0\0";
