// The umbrella: `import Firecrest` is all that a user writes.
@_exported import FirecrestCore
