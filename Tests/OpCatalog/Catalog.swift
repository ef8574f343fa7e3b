/// Every operation the harness checks, by family; one list a file.
public let catalog: [OpEntry] = [
  arithmeticEntries,
  unaryEntries,
  binaryEntries,
  specialEntries,
  activationEntries,
  lossEntries,
  viewEntries,
  joiningEntries,
  creationEntries,
  reductionEntries,
  indexingEntries,
  searchingEntries,
  matmulEntries,
  linearAlgebraEntries,
].flatMap { $0 }
