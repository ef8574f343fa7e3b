// The umbrella: `import Firecrest` is all that a user writes.
@_exported import FirecrestCore
@_exported import FirecrestIO
