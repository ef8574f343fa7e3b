import CCrypto

/// The SHA-256 checksum (FIPS 180-4) of bytes that come in parts, by OpenSSL's libcrypto: swift-crypto would take longer
/// to build than the rest of the package.
package final class SHA256 {
  private let context: OpaquePointer

  /// The checksum of nothing so far.
  package init() {
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      fatalError("Firecrest: libcrypto cannot compute SHA-256")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Takes more bytes.
  package func update(_ bytes: some Sequence<UInt8>) { Array(bytes).withUnsafeBytes { update($0) } }

  /// Takes more bytes.
  package func update(_ bytes: UnsafeRawBufferPointer) {
    // Fails only for a context that was finished, which this one never is.
    guard EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else {
      fatalError("Firecrest: libcrypto cannot compute SHA-256")
    }
  }

  /// The checksum in 64 lower-case hexadecimal digits. More bytes may follow.
  package func hexadecimal() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    let copy = EVP_MD_CTX_new()
    defer { EVP_MD_CTX_free(copy) }
    guard EVP_MD_CTX_copy_ex(copy, context) == 1, EVP_DigestFinal_ex(copy, &digest, nil) == 1 else {
      fatalError("Firecrest: libcrypto cannot compute SHA-256")
    }
    let digits = Array("0123456789abcdef")
    return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}
