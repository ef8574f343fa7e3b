/// Constants of the zip format (PKWARE's APPNOTE 6.3).
enum Zip {
  static let localSignature = 0x0403_4B50
  static let centralSignature = 0x0201_4B50
  static let endSignature = 0x0605_4B50
  static let end64Signature = 0x0606_4B50
  static let locatorSignature = 0x0706_4B50
  static let descriptorSignature = 0x0807_4B50
  static let localSize = 30
  static let centralSize = 46
  static let endSize = 22
  static let end64Size = 56
  static let locatorSize = 20
  /// The identifier of the extra field with 64-bit sizes.
  static let extra64 = 1
  /// A 16-bit or 32-bit field with this value stands elsewhere, in 64 bits.
  static let saturated16 = 0xFFFF
  static let saturated32 = 0xFFFF_FFFF
  static let stored = 0
  static let deflated = 8
  /// The name is UTF-8.
  static let flagUTF8 = 1 << 11
  /// Sizes follow the data.
  static let flagDescriptor = 1 << 3
  /// Encryption of three kinds, and patches.
  static let flagsRefused = 1 << 0 | 1 << 5 | 1 << 6 | 1 << 13
  /// Deflate never expands more: a match of 258 bytes takes at least 2 bits.
  static let maximumExpansion = 1032
}
