import CRuntime
import FirecrestCPU

/// A source of random numbers: Philox 4x32-10, keyed by a seed, with a position that moves on with every use
/// (PyTorch's `torch.Generator`).
///
/// The numbers depend on the seed and on what was drawn before, not on the number of threads nor the instruction set.
/// Safe to use from several threads; each use gets numbers of its own, in the order in which the uses come.
public final class Generator: Sendable {
  /// All that a generator is; kept and set again, it continues exactly where it was. Store it in checkpoints.
  public struct State: Sendable, Hashable, Codable {
    /// The key of the stream.
    public var seed: UInt64
    /// The next block of four 32-bit numbers.
    public var offset: UInt64

    /// The state at a given position of a seed's stream.
    public init(seed: UInt64, offset: UInt64 = 0) {
      self.seed = seed
      self.offset = offset
    }
  }

  private let protected: Guarded<State>

  /// A generator at the beginning of a seed's stream.
  public init(seed: UInt64) { protected = Guarded(State(seed: seed)) }

  /// The generator that random operations use unless they are given another; seeded by `FIRECREST_SEED`. Where a
  /// `DataLoader` reads a sample they use the sample's own.
  public static let shared = Generator(seed: Settings.seed)

  /// What random operations that are given none use on this thread.
  package static var current: Generator {
    guard let own = fc_state().pointee.generator else { return shared }
    return Unmanaged.fromOpaque(own).takeUnretainedValue()
  }

  /// Has random operations of this thread that are given none use this generator while `body` runs.
  package func asCurrent<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    let state = fc_state()
    let previous = state.pointee.generator
    state.pointee.generator = Unmanaged.passUnretained(self).toOpaque()
    defer {
      state.pointee.generator = previous
      withExtendedLifetime(self) {}
    }
    return try body()
  }

  /// The seed (PyTorch's `initial_seed`).
  public var seed: UInt64 { state.seed }

  /// Seed and position (PyTorch's `get_state` and `set_state`).
  public var state: State {
    get { protected.withLock { $0 } }
    set { protected.withLock { $0 = newValue } }
  }

  /// Goes to the beginning of a seed's stream (PyTorch's `manual_seed`).
  public func manualSeed(_ seed: UInt64) { state = State(seed: seed) }

  /// Takes `blocks` blocks of four words: the key and the first block's number.
  package func reserve(blocks: Int) -> (key: UInt64, offset: UInt64) {
    protected.withLock { state in
      defer { state.offset &+= UInt64(blocks) }
      return (state.seed, state.offset)
    }
  }

  /// A seed for another generator, drawn from this one.
  package func nextSeed() -> UInt64 {
    let (key, offset) = reserve(blocks: 1)
    return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4) { words in
      CPU.shared.kernels.randomBits(key: key, offset: offset, count: 4, words.baseAddress!)
      return UInt64(words[1]) << 32 | UInt64(words[0])
    }
  }
}

/// Seeds the generator that random operations use by default (PyTorch's `torch.manual_seed`).
public func manualSeed(_ seed: UInt64) { Generator.shared.manualSeed(seed) }
