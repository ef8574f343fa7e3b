/// Every operation the harness checks, by family; one list a file.
public let catalog: [OpEntry] =
  [
    arithmeticEntries, unaryEntries, binaryEntries, specialEntries, activationEntries, lossEntries, viewEntries,
    reductionEntries,
  ].flatMap { $0 }
