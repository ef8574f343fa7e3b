// The umbrella: `import Firecrest` is all that a user writes.
@_exported import FirecrestCore
@_exported import FirecrestData
@_exported import FirecrestIO
@_exported import FirecrestNN
@_exported import FirecrestOptim
@_exported import FirecrestTrain
@_exported import FirecrestVision
