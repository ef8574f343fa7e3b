/// Every operation the harness checks, by family; one list a file.
public let catalog: [OpEntry] =
  [
    arithmeticEntries, unaryEntries, binaryEntries, specialEntries, activationEntries, viewEntries, reductionEntries,
  ].flatMap { $0 }
