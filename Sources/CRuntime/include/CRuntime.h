// What the runtime needs from C: thread-local state (Swift has no fast spelling for it) and CPU detection.
#ifndef CRUNTIME_H
#define CRUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// One per thread, zero at its start.
typedef struct {
  /// Depth-free flags of the gradient modes; false is the default of a new thread.
  bool grad_disabled;
  bool inference_mode;
  /// True while this thread runs a task of the thread pool: nested parallel work then runs inline.
  bool in_parallel;
  // The number of this thread in the pool; 0 outside of it.
  int32_t worker;
  /// True inside of `detectAnomaly`.
  bool detect_anomaly;
  /// True while tests compare operations with their decompositions.
  bool prefer_decomposition;
  /// The generator of random operations that are given none, an object of the Swift side; NULL: the shared one.
  void *_Nullable generator;
  /// Released graph nodes that wait to be taken apart, an object of the Swift side.
  void *_Nullable release_queue;
} fc_thread_state;

fc_thread_state *_Nonnull fc_state(void);

/// CPUs in this process's affinity mask, which containers and taskset narrow; at least 1.
int fc_available_processors(void);

/// The CPU on which this thread runs at the moment, -1 where the system does not say.
int fc_current_cpu(void);

/// Moves this thread to another CPU than `cpu` and keeps it off that one until the next call. Does nothing where there
/// are fewer CPUs than `threads`.
void fc_leave_cpu(int cpu, int threads);

/// Nanoseconds of a clock that never goes back.
uint64_t fc_nanoseconds(void);

/// Writes out what standard output still holds, unless a thread is just printing.
void fc_flush_standard_output(void);

/// Runs a program found on the search path, with arguments that end in NULL, and waits for it. Returns its exit status,
/// 128 and the signal that ended it, or -errno where it could not be started.
int fc_run(char *const _Nullable *_Nonnull arguments);

/// Ends the program here and now.
__attribute__((noreturn)) static inline void fc_trap(void) { __builtin_trap(); }

/// 3: AVX-512 (F, BW, CD, DQ, VL), 2: AVX2 with FMA, BMI and F16C, 1: neither.
int fc_isa_level(void);

/// The kernels compiled for each instruction set: a retained object of CPUKernelAPI's class LinkedKernels. Each is
/// defined by its module of kernels, in Swift.
const void *_Nonnull fc_kernels_avx512(void);
const void *_Nonnull fc_kernels_avx2(void);
const void *_Nonnull fc_kernels_baseline(void);

/// Hints the CPU that this is a spin loop.
static inline void fc_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Anonymous memory aligned to 2 MiB that asks for huge pages; NULL where the system has none left.
void *_Nullable fc_map_huge(size_t bytes);
void fc_unmap(void *_Nonnull pointer, size_t bytes);

#endif
